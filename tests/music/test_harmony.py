"""Chords, cadences and parallels, as a teacher marks them."""

from itertools import combinations

from types import SimpleNamespace

import numpy as np
import pytest

from utils.music import data, harmony, piece, voices
from utils.music.voices import HELD, REST

C, C6, F = [72, 67, 64, 48], [72, 67, 60, 52], [72, 69, 65, 53]
G, AM, E = [74, 71, 67, 55], [72, 69, 64, 57], [71, 68, 64, 52]


def hold(*chords, frames=4):
    """Chords of four pitches, soprano first, a quarter each, all struck anew: int16 (frames, 4)."""
    cells = np.repeat(np.array(chords, np.int16), frames, axis=0)
    within = np.arange(len(cells)) % frames > 0
    return np.where(within[:, None] & (cells >= 0), cells + HELD, cells).astype(np.int16)


def write(cells, fermatas=(), tonic=0, mode="major", upbeat=0):
    """A piece in 4/4 of these cells."""
    return piece.blank("mine", cells, (4, 4), upbeat, mode, tonic)._replace(fermatas=np.array(fermatas, np.int32))


def ending(*chords, tonic=0, mode="major"):
    """The cadence in the last of these chords."""
    ((frame, bar, chord, kind, at_rest),) = harmony.cadences(
        write(hold(*chords), [4 * len(chords) - 4], tonic, mode))
    assert frame == 4 * len(chords) - 4 and bar == (len(chords) - 1) // 4 + 1
    return chord, kind, at_rest


def marks(*chords):
    """Parallels of these chords as (upper, lower, interval)."""
    return [(each.upper, each.lower, each.interval) for each in harmony.parallels(write(hold(*chords)))]


def at_random(seed):
    rng = np.random.default_rng(seed)
    chords = np.array([72, 67, 60, 53]) + rng.integers(-2, 3, (30, 4))
    chords[rng.random((30, 4)) < 0.1] = REST
    return hold(*chords, frames=2)


# Laws


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_the_tonic_is_that_of_the_key(mode, tonic):
    assert harmony.tonic(write(hold(C), tonic=tonic, mode=mode)) == tonic


@pytest.mark.parametrize("semitones", [-3, 1, 6])
def test_a_transposition_changes_no_cadence_and_no_parallel(semitones):
    for read in data.pieces("valid")[::8]:
        moved = read._replace(
            voices=voices.transpose(read.voices, semitones), semitones=(read.semitones - semitones + 6) % 12 - 6)
        assert len(harmony.cadences(read)) == len(read.fermatas)
        assert harmony.cadences(moved) == harmony.cadences(read)
        assert harmony.parallels(moved) == harmony.parallels(read)


def test_most_chorales_of_bach_come_to_rest_and_have_few_parallels():
    pieces = [read for read in data.pieces("valid") if read.voices.shape[1] == 4]
    ends = [end for read in pieces for end in harmony.cadences(read)]
    assert len(ends) > 300 and np.mean([end.at_rest for end in ends]) > 0.85
    assert np.mean([end.chord == harmony.NO_CHORD for end in ends]) < 0.03
    bars = sum(len(read.voices) / read.bar_frames for read in pieces)
    assert sum(len(harmony.parallels(read)) for read in pieces) / bars < 0.1


@pytest.mark.parametrize("seed", range(6))
def test_parallels_are_those_that_a_search_note_by_note_finds(seed):
    cells = at_random(seed)
    pitch, wanted = voices.pitches(cells).astype(int).tolist(), []
    for frame in range(1, len(pitch)):
        for upper, lower in combinations(range(4), 2):
            a, b, c, d = pitch[frame - 1][upper], pitch[frame - 1][lower], pitch[frame][upper], pitch[frame][lower]
            up, down = c > a and d > b, c < a and d < b
            if min(a, b, c, d) >= 0 and (up or down) and (a - b) % 12 == (c - d) % 12 in (0, 7):
                kind = "fifths" if (c - d) % 12 == 7 else "octaves"
                wanted.append((frame, frame // 16 + 1, upper, lower, kind))
    assert wanted and [tuple(each) for each in harmony.parallels(write(cells))] == wanted


@pytest.mark.parametrize("seed", range(6))
def test_any_cells_have_a_cadence_on_each_fermata_inside_them(seed):
    cells = at_random(seed)
    found = harmony.cadences(write(cells, [*range(60), 60, 1000]))
    assert [each.frame for each in found] == list(range(60))
    for each in found:
        assert each.at_rest <= (each.chord.rstrip("m") in harmony.NUMERALS)
        assert (each.chord == harmony.NO_CHORD) <= (each.kind == "open")


# Values worked by hand


@pytest.mark.parametrize("before, last, wanted", [
    ([74, 67, 59, 55], C, ("I", "authentic", True)),
    ([71, 65, 62, 55], C, ("I", "authentic", True)),  # a seventh
    ([77, 71, 65, 50], C, ("I", "authentic", True)),  # the leading note's chord
    (F, C, ("I", "plagal", True)),
    ([74, 69, 65, 50], C, ("I", "on the tonic", True)),
    ([71, 65, 62, 55], [72, 64, 60, 48], ("I", "authentic", True)),  # no fifth
    (G, C6, ("I/III", "on the tonic, inverted", False)),
    (G, [76, 67, 60, 55], ("I/V", "on the tonic, inverted", False)),
    (C, G, ("V", "half", True)),
    (C, [77, 71, 62, 55], ("V7", "half", False)),
    (C, [74, 67, 62, 59], ("V/VII", "half", False)),
    (G, AM, ("VIm", "deceptive", True)),
    (G, [72, 68, 63, 56], ("bVI", "deceptive", True)),
    (E, AM, ("VIm", "authentic, on VI", True)),
    (C, F, ("IV", "authentic, on IV", True)),
    (AM, F, ("IV", "open", True)),
    (E, [72, 69, 64, 60], ("VIm/I", "open", False)),
    (G, [72, 69, 67, 60], ("?", "open", False)),
    (G, [72, 72, 60, 48], ("?", "open", False)),
    (G, [REST] * 4, ("?", "open", False)),
])
def test_cadences_by_hand(before, last, wanted):
    assert ending(C, F, AM, before, last) == wanted


def test_cadences_in_minor_count_from_its_own_tonic():
    assert ending(E, AM, tonic=9, mode="minor") == ("Im", "authentic", True)
    assert ending(E, [73, 69, 64, 57], tonic=9, mode="minor") == ("I", "authentic", True)
    assert ending(AM, E, tonic=9, mode="minor") == ("V", "half", True)
    assert ending(E, F, tonic=9, mode="minor") == ("bVI", "deceptive", True)
    assert ending(G, C, tonic=9, mode="minor") == ("bIII", "authentic, on bIII", True)


def test_a_piece_that_begins_with_a_phrase_end_has_no_way_there():
    assert ending(C) == ("I", "on the tonic", True) and ending(G) == ("V", "half", True)
    assert ending(F) == ("IV", "open", True)


def test_a_suspension_settles_before_the_chord_is_named():
    cells = hold(C, [74, 72, 67, 55], [74, 71, 67, 55])
    cells[8:, [0, 2, 3]] = [74 + HELD, 67 + HELD, 55 + HELD]
    assert harmony.settled(cells, 4) == 11
    assert harmony.cadences(write(cells, [4])) == [harmony.Cadence(4, 1, "V", "half", True)]
    cells[8:, 0] = hold([74, 0, 0, 0])[:, 0]  # struck again: the phrase ended on the suspension
    assert harmony.settled(cells, 4) == 7
    assert harmony.cadences(write(cells, [4])) == [harmony.Cadence(4, 1, "?", "open", False)]


def test_a_passing_note_before_the_end_hides_no_cadence():
    cells = hold(G, C)
    cells[2:4, 2] = [65, 65 + HELD]  # G, B, F and D: a seventh
    cells[3, 1] = 69
    assert harmony.chord(voices.pitches(cells)[3]) == (None, "", 7)
    assert harmony.cadences(write(cells, [4]))[0].kind == "authentic"


def test_where_the_soprano_rests_the_next_voice_says_how_long_the_note_lasts():
    cells = hold(C, C)
    cells[:, 0] = REST
    assert harmony.settled(cells, 0) == 3 and harmony.settled(cells, 5) == 7
    cells[2:, 1] = REST
    assert harmony.settled(cells, 0) == 1


def test_bars_are_numbered_from_the_first_full_one():
    read = write(hold(G, C, F, C, G, C), [0, 4, 16, 20], upbeat=4)
    assert [each.bar for each in harmony.cadences(read)] == [0, 1, 1, 2]
    fifths = write(hold(C, [74, 69, 66, 50], [76, 71, 68, 52]), upbeat=4)
    assert {each.bar for each in harmony.parallels(fifths)} == {1}


@pytest.mark.parametrize("pitch, wanted", [
    ([72, 67, 64, 48], (0, "", 0)), ([72, 67, 63, 48], (0, "m", 0)), ([70, 67, 64, 48], (0, "7", 0)),
    ([70, 67, 63, 48], (0, "m7", 0)), ([71, 67, 64, 48], (0, "maj7", 0)), ([70, 66, 63, 48], (0, "ø7", 0)),
    ([69, 66, 63, 48], (0, "o7", 0)), ([72, 66, 63, 48], (0, "o", 0)), ([64, 60, 60, 48], (0, "", 0)),
    ([63, 60, 60, 48], (0, "m", 0)), ([72, 67, 60, 52], (0, "", 4)), ([72, 69, 67, 64], (9, "m7", 4)),
    ([REST, REST, 64, 60], (0, "", 0)), ([72, 67, 62, 48], (None, "", 0)), ([60, REST, REST, REST], (None, "", 0)),
    ([67, 60, REST, REST], (None, "", 0)), ([REST] * 4, (None, "", None))])
def test_chords_by_hand(pitch, wanted):
    assert harmony.chord(np.array(pitch)) == wanted


@pytest.mark.parametrize("one, other, wanted", [
    ([72, 65, 60, 53], [74, 65, 60, 55], [(0, 3, "fifths")]),
    ([74, 65, 57, 55], [72, 65, 57, 53], [(0, 3, "fifths")]),
    ([76, 72, 65, 48], [76, 74, 67, 48], [(1, 2, "fifths")]),
    ([76, 67, 60, 48], [76, 67, 62, 50], [(2, 3, "octaves")]),
    ([76, 67, 60, 60], [76, 67, 62, 62], [(2, 3, "octaves")]),  # unisons
    ([72, 67, 64, 48], [79, 67, 64, 55], [(0, 3, "octaves")]),  # by leap
    ([72, 68, 65, 53], [74, 69, 67, 55], [(0, 2, "fifths"), (0, 3, "fifths"), (2, 3, "octaves")]),
    ([60, 69, 53, 48], [62, 69, 55, 48], [(0, 2, "fifths")]),
])
def test_parallels_by_hand(one, other, wanted):
    assert marks(one, other) == wanted
    assert marks(one, one) == [] and marks(one, [REST] * 4, other) == []


@pytest.mark.parametrize("one, other", [
    ([72, 67, 64, 53], [72, 67, 64, 53]),  # a chord again
    ([67, 64, 64, 60], [74, 64, 64, 55]),  # apart, from a fifth to a twelfth
    ([72, 64, 64, 60], [67, 64, 64, 67]),  # towards each other, from an octave to a unison
    ([67, 64, 64, 60], [67, 64, 64, 48]),  # one of them stays
    ([67, 64, 64, 60], [71, 64, 64, 62]),  # a fifth becomes a sixth
    ([69, 64, 64, 60], [69, 64, 64, 62]),  # a sixth becomes a fifth
    ([66, 64, 64, 60], [69, 64, 64, 62]),  # a diminished fifth becomes a fifth
])
def test_what_is_no_parallel(one, other):
    assert marks(one, other) == []


def test_parallels_are_named_where_the_second_interval_begins():
    cells = hold(*[[72, 64, 60, 53]] * 4, [74, 64, 60, 55], [76, 67, 60, 48])
    assert harmony.parallels(write(cells)) == [harmony.Parallel(16, 2, 0, 3, "fifths")]
    assert harmony.parallels(write(cells, upbeat=4)) == [harmony.Parallel(16, 1, 0, 3, "fifths")]


def test_parallels_of_crossed_voices_are_counted_by_what_sounds():
    fourths, fifths = (np.array([[60, high], [62, high + 2]], np.int16) for high in (65, 67))
    for cells, count in ((fourths, 0), (fifths, 1)):
        found = harmony.parallels(SimpleNamespace(voices=cells, upbeat=0, bar_frames=16))
        assert [each.interval for each in found] == ["fifths"] * count
