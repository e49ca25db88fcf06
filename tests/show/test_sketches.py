"""Small pictures take their numbers from the model, and refuse what they cannot show."""

import pytest

from tests import diagrams as drawn
from utils.nets import wavenet
from utils.show import sketches

NET = ("wavenet",)
PICTURES = {
    "unrolled": lambda: sketches.unrolled(drawn.built("lstm")[0], "Bach."),
    "taps": lambda: sketches.taps(drawn.built("wavenet")[0]),
    "taps ahead": lambda: sketches.taps(*drawn.built("infill")),
    "queue": lambda: sketches.queue(drawn.built("wavenet")[0]),
    "adversaries": lambda: sketches.adversaries(drawn.built("generator")[0], drawn.built("discriminator")[0]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_text_is_large_enough_and_all_is_inside(name):
    picture = PICTURES[name]()
    (width, height), boxes, circles, texts, points = drawn.parse(picture)
    assert width <= 720 and min(drawn.sizes(picture)) >= 9
    edges = boxes + [(x - r, y - r, 2 * r, 2 * r) for x, y, r in circles] + [(*point, 0, 0) for point in points]
    assert all(0 < x and 0 < y and x + wide < width and y + high < height for x, y, wide, high in edges)
    assert all(0 < float(text.get("x")) <= width and 0 < float(text.get("y")) < height for text in texts)


def test_a_recurrent_network_is_unrolled_over_its_characters_and_layers():
    picture = PICTURES["unrolled"]()
    words = drawn.words(picture)
    assert words.count("LSTM") == 2 * 5 and words.count("2 × 6 numbers") == 2
    assert f"{sum(layer.count_params() for layer in drawn.built('lstm')[0].layers[2:5:2]):,} weights" in words


def test_a_tree_of_taps_sees_the_receptive_field():
    _, _, circles, texts, _ = drawn.parse(PICTURES["taps"]())
    seen = [each for each in PICTURES["taps"]().data.split("<circle")[1:] if f'fill="{sketches.BLUE}"' in each]
    assert len(seen) == 16 + 8 + 4 + 2  # of four layers; the output itself is orange
    assert f"sees {wavenet.receptive_field(1, 4)} steps" in drawn.words(PICTURES["taps"]())


def test_a_queue_keeps_as_many_inputs_as_its_dilation():
    words = drawn.words(PICTURES["queue"]())
    assert "−8" in words and "the 8 inputs in the queue" in words and "keep 15 inputs" in words


def test_the_loop_of_a_gan_counts_both_networks():
    words = drawn.words(PICTURES["adversaries"]())
    for name in ("generator", "discriminator"):
        assert f"{drawn.built(name)[0].count_params():,} weights" in words
    assert "8 × 6" in words and "128 numbers" in words


@pytest.mark.parametrize("draw", [
    lambda: sketches.unrolled(drawn.built("wavenet")[0], "Bach"),
    lambda: sketches.unrolled(drawn.built("gru")[0], "B"),
    lambda: sketches.taps(drawn.built("gru")[0]),
    lambda: sketches.taps(drawn.built("wavenet")[0], num_layers=5),
    lambda: sketches.queue(drawn.built("wavenet")[0], 4),
    lambda: sketches.queue(drawn.built("gru")[0]),
    lambda: sketches.adversaries(drawn.built("generator")[0], drawn.built("generator")[0])])
def test_what_cannot_be_drawn_is_refused(draw):
    with pytest.raises(ValueError, match="give|pass|draw|choose"):
        draw()
