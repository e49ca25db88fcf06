"""Every network of the course has its diagram: complete, readable, and drawn from the model."""

import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from tests import diagrams as drawn
from utils.nets import char_rnn, wavenet
from utils.nets.backend import keras
from utils.show import diagrams

LEAST_PIXELS, SHOWN_PIXELS = 9, 720


@pytest.fixture(params=drawn.BUILDERS)
def name(request):
    return request.param


def test_a_diagram_names_each_kind_of_layer_and_all_weights(name):
    model, graph = drawn.built(name)
    words = drawn.words(diagrams.network(model, graph))
    for kind in drawn.BUILDERS[name][1].split():
        assert kind.replace("_", " ") in words
    assert f"{model.count_params():,}  weights in total" in words


def test_everything_is_inside_and_arrows_end_at_boxes(name):
    (width, height), boxes, circles, texts, points = drawn.parse(diagrams.network(*drawn.built(name)))
    edges = boxes + [(x - r, y - r, 2 * r, 2 * r) for x, y, r in circles]
    assert all(0 < x and 0 < y and x + wide < width and y + high < height for x, y, wide, high in edges)
    assert points and all(drawn.at_an_edge(point, boxes, circles) for point in points)
    assert all(0 < float(text.get("x")) < width and 0 < float(text.get("y")) < height for text in texts)


def test_text_is_large_enough_where_a_notebook_shows_it(name):
    picture = diagrams.network(*drawn.built(name))
    width = drawn.parse(picture)[0][0]
    assert min(drawn.sizes(picture)) * min(1, SHOWN_PIXELS / width) >= LEAST_PIXELS


def test_words_fit_into_their_boxes_in_a_wide_font(name):
    _, boxes, _, texts, _ = drawn.parse(diagrams.network(*drawn.built(name)))
    fonts = {weight: FT2Font(font_manager.findfont(f"DejaVu Sans:{weight}")) for weight in ("normal", "bold")}
    for text in texts:
        x, y, wide = float(text.get("x")), float(text.get("y")), 0
        for span in text.iter():
            if span.get("font-size") and span.text:
                font = fonts[span.get("font-weight")]
                font.set_size(float(span.get("font-size")), 72)
                font.set_text(span.text)
                wide += font.get_width_height()[0] / 64
        inside = [box for box in boxes if box[0] < x < box[0] + box[2] and box[1] < y < box[1] + box[3]]
        if text.get("text-anchor") == "middle" and inside:
            assert wide <= max(box[2] for box in inside), "".join(text.itertext())


def test_a_block_is_drawn_once_with_the_number_of_its_copies():
    words = drawn.words(diagrams.network(drawn.built("wavenet")[0]))
    assert "× 4" in words and "dilation 1, 2, 4, 8" in words and words.count("dilated convolution") == 1
    assert "from all 4 copies" in words and "4 × 42 weights" in words  # 2 taps * 3 channels * 6, and 6 biases
    assert "3 × 12 weights" in words  # nothing reads what the last layer would pass on


def test_a_series_that_comes_again_is_written_once():
    words = drawn.words(diagrams.network(wavenet.build(8, 3, 10, 2, 2)))
    assert "dilation (1, 2, 4 ... 512) × 3" in words and "× 30" in words


def test_one_layer_more_is_another_picture():
    pictures = {diagrams.network(char_rnn.build_char_rnn(7, units=6, num_layers=layers)).data for layers in (1, 2, 3)}
    assert len(pictures) == 3
    assert diagrams.network(drawn.built("wavenet")[0]).data == diagrams.network(drawn.built("wavenet")[0]).data


def test_axes_and_layers_take_the_names_that_they_are_given():
    named = {"output": "the next one"}
    words = drawn.words(diagrams.network(drawn.built("gru")[0], words=named, axes={None: "characters"}))
    assert "(characters, 6)" in words and "the next one (characters, 7)" in words


def test_a_class_without_its_graph_is_listed_and_says_so():
    model, _ = drawn.built("two_clocks")
    picture = diagrams.network(model)
    assert "in order of construction" in drawn.words(picture) and not drawn.parse(picture)[4]


def test_what_reads_nothing_is_named_below_the_picture():
    assert "read_voice (48 weights)" in drawn.words(diagrams.network(*drawn.built("infill")))


def test_a_model_without_layers_is_refused():
    with pytest.raises(ValueError, match="pass a keras.Model that is built"):
        diagrams.network(keras.Model())
