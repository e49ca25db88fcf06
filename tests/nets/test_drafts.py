"""Of several drafts only the best go on, and a choice is made where something comes to an end."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.music import folder, harmony, piece, tune, voices
from utils.nets import composer, drafts, infill_numpy
from utils.show import writing

ROOT = Path(__file__).resolve().parents[2]
C, F, G = (72, 67, 64, 48), (69, 65, 60, 53), (71, 67, 62, 55)


@cache
def watched():
    """Two attempts at a tune, and the choices that were made."""
    choices = []
    asked = tune.hear(*folder.read(ROOT / "data" / "tunes" / "old_hundredth.abc")[0], "old_hundredth")
    return composer.harmonise(infill_numpy.load(ROOT / "outputs" / "infill"), asked, 2, seed=3, watch=choices), choices


def of(*chords):
    """A piece of chords that last a quarter each, in C major, all of which is struck."""
    cells = np.repeat(np.array(chords, np.int16), 4, axis=0) + voices.HELD
    cells[::4] -= voices.HELD
    return piece.blank("chords", cells, (4, 4), 0, "major", 0)


def faults(*chords, end=None, is_last=False):
    made = of(*chords)
    return drafts.count_faults(made, made.voices, 0, end, is_last)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(0, 99))
def test_only_the_best_go_on_and_all_of_them_may(found, seed):
    found = np.array(found)
    chosen = drafts.survivors(found, np.random.default_rng(seed))
    assert chosen.shape == found.shape and set(found[chosen]) == {found.min()}
    many = {int(each) for more in range(40) for each in drafts.survivors(found, np.random.default_rng(more))}
    assert many == set(np.flatnonzero(found == found.min()).tolist()) or (found == found.min()).sum() > 4


def test_faults_by_hand():
    assert faults(C, G, C) == faults(C, F, C) == 0  # no parallels, and nothing ends here
    assert faults(C, G, end=4) == 0 and faults(C, (71, 67, 62, 53), end=4) == drafts.RESTLESS  # a seventh in the bass
    assert faults(G, C, end=4, is_last=True) == 0
    assert faults(C, G, end=4, is_last=True) == drafts.HOMELESS + 1  # no close, and on no tonic
    in_parallel = (79, 67, 64, 48), (81, 69, 65, 50)
    assert faults(*in_parallel) == len(harmony.parallels(of(*in_parallel))) > 0


def test_choices_are_made_at_phrase_ends_and_at_the_end():
    found, choices = watched()
    frames = [each.frame for each in choices]
    assert frames == sorted(set(frames)) and frames[-1] == len(found[0].piece.voices) - 1
    assert len(frames) >= len(found[0].piece.fermatas)
    for each in choices:
        assert each.faults.shape == each.parents.shape == (2, drafts.DRAFTS)
        assert (np.take_along_axis(each.faults, each.parents, axis=1) == each.faults.min(axis=1)[:, None]).all()


def test_who_watches_changes_nothing():
    found, _ = watched()
    asked = tune.hear(*folder.read(ROOT / "data" / "tunes" / "old_hundredth.abc")[0], "old_hundredth")
    again = composer.harmonise(infill_numpy.load(ROOT / "outputs" / "infill"), asked, 2, seed=3)
    assert all((one.piece.voices == other.piece.voices).all() for one, other in zip(found, again))


def test_a_family_is_drawn_with_all_its_faults():
    found, choices = watched()
    for attempt in (0, 1):
        drawn = writing.family(choices, found[attempt].piece, attempt).data
        said = [text.split(">")[1].split("<")[0] for text in drawn.split("<text")[1:]]
        assert [each for each in said if each.isdecimal()] == [str(each) for choice in choices
                                                               for each in choice.faults[attempt]]
    with pytest.raises(ValueError, match="no choice was made"):
        writing.family([], found[0].piece)
