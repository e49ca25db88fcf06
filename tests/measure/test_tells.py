"""What gives a window away: counts that a reader can check, beside the range of nine in ten of Bach's windows."""

import re

import numpy as np
import pytest

from utils.measure import tells
from utils.music import voices

CHORDS = [[72, 67, 64, 48], [74, 71, 62, 55], [76, 67, 60, 48], [74, 69, 65, 53]]


def window(rows, frames=4):
    """A window of chords of so many frames each."""
    cells = np.repeat(np.array(rows, np.int16), frames, axis=0) + voices.HELD
    cells[::frames] -= voices.HELD
    return voices.to_roll(cells)


@pytest.fixture(scope="module")
def chorale():
    return window(CHORDS * 4)


def value(rolls, key):
    return float(tells.counts(np.array([rolls]))[key][0])


def test_counts_are_those_of_the_hand(chorale):
    assert value(chorale, "notes") == 64 and value(chorale, "longest") == 1 and value(chorale, "chords") == 8
    assert (value(chorale, "highest"), value(chorale, "lowest")) == (76, 48)
    up = window([[72, 67, 64, 48], [74, 69, 66, 50]] * 8)
    assert value(up, "parallels") == 15 * 2  # with the bass a fifth, and an octave
    assert value(window([[72, 71, 66, 61]] * 16), "chords") == 0
    assert value(window([[72, 67, 64, 48]] * 2, 32), "longest") == 8
    assert value(window([[84, 67, 64, 48], [72, 67, 64, 48]] * 8), "leaps") == 15


def test_a_window_among_its_like_has_nothing_outside(chorale):
    told, = tells.facts(np.array([chorale]), np.array([chorale] * 3))
    assert not told.outside and len(told.inside) >= 10


def test_the_farthest_from_bach_comes_first_and_is_said_with_his_range(bach):
    rolls = bach["valid"][:40].copy()
    odd = np.roll(rolls[0], 1, axis=0)  # every attack a sixteenth late
    odd[0] = 0
    told = tells.facts(np.array([odd]), bach["valid"])[0]
    assert re.fullmatch(r"\d+ notes between the eighths; Bach has 0 to \d+\.", told.outside[0])
    assert not any("between the eighths" in fact for fact in told.inside)


def test_nine_in_ten_of_bachs_windows_are_inside_by_every_count(bach):
    told = tells.facts(bach["valid"], bach["valid"])
    for words, *_ in tells.WORDS.values():
        part = max(re.split(r"\{.*?\}", words), key=len).strip()
        assert sum(any(part in fact for fact in each.outside) for each in told) <= 0.11 * len(told), part


def test_what_is_shown_as_equal_is_not_called_different(bach):
    for each in tells.facts(bach["valid"], bach["train"]):
        for fact in each.outside:
            if found := re.search(r"(\d+(?:\.\d)?) .*Bach has (\d+(?:\.\d)?)(?: to (\d+(?:\.\d)?))?\.$", fact):
                shown, low, high = float(found[1]), float(found[2]), float(found[3] or found[2])
                assert not low <= shown <= high, fact


def test_one_of_a_thing_is_no_plural_and_none_is_said_in_words(chorale):
    told, = tells.facts(np.array([chorale]), np.array([chorale]))
    assert "No leaps wider than a fifth; Bach has 0." in told.inside
    assert "The longest time without a new note is 1 beat; Bach has 1." in told.inside


def test_silence_has_few_facts_and_no_pitch():
    told, = tells.facts(np.zeros((1, 64, 128), np.uint8), np.array([window(CHORDS * 4)] * 2))
    assert not any("highest" in fact for fact in told.outside + told.inside)
    assert any(fact.startswith("Sparse: no notes") for fact in told.outside)
