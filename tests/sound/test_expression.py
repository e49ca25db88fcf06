"""A performance: as written at depth 0, fermatas held and breathed after, the same every time and as its file."""

import numpy as np
import pytest

from utils.music import midi, voices
from utils.sound import expression

CHORDS = np.array([[72, 67, 64, 48], [74, 67, 59, 55], [76, 67, 60, 48], [74, 69, 65, 53]])
TEMPO = 84


def hymn(bars=8):
    """Four voices in quarters, the last note of every second bar a half note: notes, and where the half notes begin."""
    cells = np.repeat(np.tile(CHORDS, (bars, 1)), 4, axis=0).astype(np.int16) + voices.HELD
    cells[::4] -= voices.HELD
    for bar in range(1, bars, 2):
        cells[16 * bar + 8:16 * bar + 16] = CHORDS[2] + voices.HELD
        cells[16 * bar + 8] = CHORDS[2]
    return voices.to_notes(cells), [4.0 * bar + 2 for bar in range(1, bars, 2)]


@pytest.fixture
def performed():
    notes, fermatas = hymn()
    return notes, fermatas, expression.perform(notes, 1.0, fermatas=fermatas, tempo=TEMPO)


def test_depth_0_is_the_score_to_the_bit():
    notes, fermatas = hymn()
    flat = expression.perform(notes, 0, fermatas=fermatas, tempo=TEMPO).notes
    assert (flat["start"] == notes["start"] * 60 / TEMPO).all() and (flat["end"] == notes["end"] * 60 / TEMPO).all()
    assert (flat["velocity"] == midi.VELOCITY).all() and (flat["pitch"] == notes["pitch"]).all()


def test_a_fermata_is_held_and_breathed_after(performed):
    notes, fermatas, (played, *_) = performed
    for at in fermatas:
        held = np.flatnonzero(notes["start"] == at)
        length = (played["end"] - played["start"])[held] / ((notes["end"] - notes["start"])[held] * 60 / TEMPO)
        assert ((length >= 1.5) & (length <= 2.2)).all()
        later = played["start"][notes["start"] > at]
        if len(later):
            assert 0.15 < later.min() - played["end"][held].max() < 0.5


def test_every_rule_can_be_heard(performed):
    notes, fermatas, (played, *_) = performed
    top, inner, bass = (notes["part"] == part for part in (0, 1, 3))
    assert played["velocity"][top].mean() > played["velocity"][bass].mean() > played["velocity"][inner].mean()
    for at in np.unique(notes["start"]):
        starts = played["start"][notes["start"] == at]
        assert played["start"][top & (notes["start"] == at)] == starts.min() and np.ptp(starts) < 0.03
    edges, middle = (played["velocity"][top & (notes["start"] % 8 == at)].mean() for at in (0, 4))
    assert middle > edges - expression.ACCENTS.max()
    beats = np.diff(played["start"][top])[np.diff(notes["start"][top]) == 1]
    assert beats[-3:].mean() > 1.1 * np.median(beats)
    repeated = top & (notes["pitch"] == 67)
    assert not repeated.any()
    alto = np.flatnonzero((notes["part"] == 1) & (notes["pitch"] == 67))[0]
    assert played["end"][alto] < played["start"][np.flatnonzero(notes["part"] == 1)[1]] - 0.02


def test_depth_scales_all_and_the_seed_only_what_is_apart():
    notes, fermatas = hymn()
    lengths = [expression.perform(notes, depth, fermatas=fermatas).notes["end"].max() for depth in (0, 0.5, 1, 2)]
    assert (np.diff(lengths) > 0).all()
    one, again, other = (expression.perform(notes, fermatas=fermatas, seed=seed).notes for seed in (1, 1, 2))
    assert (one == again).all() and not (one == other).all()
    assert np.abs(one["start"] - other["start"]).max() <= expression.SPREAD_SECONDS + 1e-9


def test_the_file_plays_what_the_notes_say(performed, tmp_path):
    _, _, (played, file, _) = performed
    (tmp_path / "played.mid").write_bytes(file)
    notes, meta = midi.read_midi(tmp_path / "played.mid")
    at, tempos = np.array(meta.tempos).T
    clock = np.insert(np.cumsum(np.diff(at) * 60 / tempos[:-1]), 0, 0)
    seconds = lambda quarters: np.interp(quarters, at, clock) + np.maximum(0, quarters - at[-1]) * 60 / tempos[-1]
    for edge in ("start", "end"):
        assert np.allclose(np.sort(seconds(notes[edge])), np.sort(played[edge]), atol=4e-3)
    assert sorted(notes["velocity"]) == sorted(played["velocity"])


@pytest.mark.parametrize("metre, upbeat", [((3, 4), 1.0), ((6, 8), 0.5), ((4, 4), 0.0), ((2, 2), 1.0)])
def test_any_metre_any_roll_and_any_line_are_performed(metre, upbeat):
    notes, fermatas = hymn()
    roll = midi.roll_to_notes(midi.notes_to_roll(notes))
    for each in (notes, roll, notes[notes["part"] == 0], notes[:1]):
        played = expression.perform(each, 1.0, metre, upbeat, fermatas).notes
        assert len(played) == len(each) and (played["end"] > played["start"]).all() and (played["start"] >= 0).all()
        assert (played["velocity"] >= expression.SOFTEST).all() and (played["velocity"] <= expression.LOUDEST).all()


@pytest.mark.parametrize("wish", [dict(depth=-1), dict(depth=3), dict(tempo=0), dict(depth=np.nan)])
def test_what_cannot_be_played_is_refused(wish):
    notes, _ = hymn(2)
    with pytest.raises(ValueError, match="give a depth of 0 to 2"):
        expression.perform(notes, **wish)
    with pytest.raises(ValueError, match="no notes"):
        expression.perform(notes[:0])


def test_the_clock_says_when_the_melody_is_played(performed):
    notes, _, played = performed
    top = notes["part"] == 0
    np.testing.assert_array_equal(np.interp(notes["start"][top], *played.clock), played.notes["start"][top])
    assert (np.diff(played.clock[1]) > 0).all() and played.clock[1][-1] >= played.notes["end"][top].max()
