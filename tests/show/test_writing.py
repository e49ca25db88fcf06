"""Pictures of how a piece gets written hold what they are given, in text that can be read."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests import diagrams as drawn
from utils.show import writing

READ = SimpleNamespace(upbeat=4, bar_frames=16)
CHOICES = [SimpleNamespace(frame=35, faults=np.array([[0, 2, 1]]), parents=np.array([[0, 0, 0]])),
           SimpleNamespace(frame=67, faults=np.array([[7, 0, 0]]), parents=np.array([[2, 1, 2]]))]
PICTURES = {"flow": lambda: writing.flow([("a tune", "ABC, MIDI"), ("files", "score, MIDI, sound")]),
            "family": lambda: writing.family(CHOICES, READ)}


@pytest.mark.parametrize("name", PICTURES)
def test_text_is_large_enough_and_all_is_inside(name):
    picture = PICTURES[name]()
    (width, height), boxes, circles, texts, points = drawn.parse(picture)
    assert width <= 720 and min(drawn.sizes(picture)) >= 9
    assert all(0 < x and 0 < y and x + wide < width and y + high < height for x, y, wide, high in boxes)
    assert all(0 < float(text.get("x")) <= width and 0 < float(text.get("y")) < height for text in texts)
    assert all(0 < x < width and 0 < y < height for x, y in points)


def test_a_way_has_all_its_steps_and_an_arrow_less():
    picture = PICTURES["flow"]()
    assert all(word in drawn.words(picture) for word in ("a tune", "ABC", "files", "score", "MIDI", "sound"))
    for steps in ([("alone", "")], [("a", "")] * 7):
        with pytest.raises(ValueError, match="give 2 to 6"):
            writing.flow(steps)


def test_what_is_taken_is_followed_to_its_first_ancestor():
    assert writing.lineage([np.array([1, 1, 0]), np.array([2, 0, 1])]) == [0, 2]
    assert writing.lineage([]) == []


def test_bars_are_named_and_drafts_that_stop_are_grey():
    picture = PICTURES["family"]()
    assert "bar 2" in drawn.words(picture) and "bar 4" in drawn.words(picture)
    grey = [each for each in picture.data.split("<path")[1:] if writing.LINE in each]
    assert len(grey) == 2 + 1
