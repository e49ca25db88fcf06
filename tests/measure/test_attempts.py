"""Attempts: every figure as worked by hand, what closes comes first, and a piece is alike itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.measure import attempts
from utils.music import piece, voices
from utils.music.voices import HELD, REST

C, F, G = [72, 67, 64, 48], [72, 69, 65, 53], [71, 67, 62, 55]


def write(*chords, fermatas=(), mode="major", tonic=0, upbeat=0, metre=(4, 4)):
    """A piece of chords that last a quarter each, soprano first."""
    cells = np.repeat(np.array(chords, np.int16), 4, axis=0)
    within = np.arange(len(cells)) % 4 > 0
    cells = np.where(within[:, None] & (cells >= 0), cells + HELD, cells).astype(np.int16)
    return piece.blank("mine", cells, metre, upbeat, mode, tonic)._replace(fermatas=np.array(fermatas, np.int32))


def judge(*chords, **outline):
    return attempts.judge(write(*chords, **outline))


QUARTETS = st.lists(st.tuples(*(st.integers(low, high) for low, high in ((60, 79), (55, 72), (50, 67), (40, 60)))),
                    min_size=1, max_size=8)


# ---------------------------------------------------------------------------------------------- laws


@given(QUARTETS, st.integers(-4, 4))
def test_a_transposed_piece_is_judged_the_same(chords, shift):
    marks = [4 * len(chords) - 4]
    here, there = write(*chords, fermatas=marks), write(*np.add(chords, shift), fermatas=marks, tonic=shift % 12)
    found, moved = attempts.judge(here), attempts.judge(there)
    for name in found.keys() - {"outside"}:
        assert found[name] == pytest.approx(moved[name], nan_ok=True)


@given(QUARTETS, QUARTETS)
def test_a_piece_is_alike_itself_and_likeness_has_no_direction(chords, others):
    mine, theirs = write(*chords), write(*others)
    assert attempts.alike(mine, mine) == 1.0
    assert attempts.alike(mine, theirs) == attempts.alike(theirs, mine)
    assert 0 <= attempts.alike(mine, theirs) <= 1


@given(st.lists(st.tuples(st.sampled_from((C, F, G)), st.floats(0, 3)), min_size=1, max_size=6))
def test_all_are_heard_once_and_what_closes_comes_first(found):
    pieces = [(write(C, last), nats) for last, nats in found]
    order = attempts.order(pieces)
    assert sorted(order) == list(range(len(found)))
    closing = [found[index][0] == C for index in order]
    assert closing == sorted(closing, reverse=True)
    nats = [found[index][1] for index in order if found[index][0] == C]
    assert nats == sorted(nats)


# ---------------------------------------------------------------------------------------------- by hand


def test_a_cadence_is_judged_by_hand():
    assert judge(C, F, G, C, fermatas=[12]) == {
        "closes": True, "at rest": 1.0, "chords": 1.0, "dissonance": 0.0, "parallels": 0.0, "spacing": 1.0,
        "outside": 0, "crossings": 0.0}


@pytest.mark.parametrize("last, key, closes", [
    (C, {}, True), (G, {}, False), ([72, 67, 60, 52], {}, False), (C, dict(mode="minor", tonic=9), False),
    ([72, 69, 64, 57], dict(mode="minor", tonic=9), True), (C, dict(tonic=7), False),
    ([72, 67, 48, 52], {}, True),  # the tenor is below the bass
    ([REST, 72, REST, REST], {}, True)])
def test_a_piece_closes_with_the_tonic_as_its_lowest_note(last, key, closes):
    assert judge(G, last, **key)["closes"] is closes


def test_silence_at_the_end_does_not_undo_a_close():
    assert judge(G, C, [REST] * 4)["closes"] is True


def test_phrase_ends_rest_on_a_triad_over_its_root():
    inverted, seventh = [72, 67, 64, 52], [74, 65, 59, 55]
    assert judge(C, C, inverted, G, fermatas=[4, 8])["at rest"] == 0.5
    assert judge(C, seventh, C, C, fermatas=[4, 8, 12])["at rest"] == pytest.approx(2 / 3)
    assert np.isnan(judge(C, F, G, C)["at rest"]) and np.isnan(judge(C, C, fermatas=[99])["at rest"])


def test_chords_are_a_share_of_the_beats_that_sound():
    cluster = [74, 72, 71, 48]
    assert judge(C, cluster, C, G)["chords"] == 0.75
    assert judge(C, cluster, [REST] * 4, C)["chords"] == pytest.approx(2 / 3)
    for upbeat, share in ((0, 2 / 3), (2, 1.0)):  # beats begin with the suspension, or when it is resolved
        suspended = write(C, C, C, upbeat=upbeat)
        suspended.voices[4:6, 0] = 74
        assert attempts.judge(suspended)["chords"] == pytest.approx(share)
    compound = write(C, C, [74, 67, 64, 48], metre=(6, 8))
    assert attempts.judge(compound)["chords"] == 1.0  # beats begin on frames 0 and 6: both on C


def test_dissonance_is_a_share_of_pairs_that_sound():
    assert judge(C, [74, 67, 64, 48])["dissonance"] == 2 / 12  # D against E and against C
    assert judge([72, 71, REST, REST])["dissonance"] == 1.0
    assert judge([71, 72, REST, REST])["dissonance"] == 1.0  # crossed


@pytest.mark.parametrize("chords, count", [
    ([C, [74, 67, 65, 50]], 1),  # octaves of soprano and bass
    ([C, [74, 69, 65, 53]], 0),  # fourths of soprano and alto
    ([[72, 67, 60, 48], [74, 69, 62, 50]], 5),  # all six pairs but soprano and alto, a fourth apart
    ([C, [71, 67, 65, 50]], 0),  # against each other
])
def test_parallels_are_counted_per_bar(chords, count):
    assert judge(*chords, chords[1], chords[1])["parallels"] == count
    assert judge(*chords, *chords[1:] * 6)["parallels"] == count / 2


def test_spacing_is_a_share_of_frames():
    assert judge(C, C, C, [79, 66, 60, 48])["spacing"] == 0.75  # thirteen semitones from soprano to alto
    assert judge(C, [79, 67, 55, 36])["spacing"] == 1.0  # octaves, and any distance to the bass
    assert judge(C, [72, 67, 54, 48])["spacing"] == 0.5  # alto and tenor


def test_notes_beyond_the_ranges_are_counted_once_each():
    assert judge([82, 67, 64, 48], [82, 75, 64, 48], [81, 74, 69, 64], [57, 53, 48, 35])["outside"] == 4
    assert judge([81, 74, 69, 64], [57, 53, 48, 36])["outside"] == 0
    held = write([82, 67, 64, 48], [82, 67, 64, 48])
    held.voices[4] += HELD
    assert attempts.judge(held)["outside"] == 1


def test_crossings_are_a_share_of_frames():
    assert judge(C, C, C, [67, 69, 64, 48])["crossings"] == 0.25
    assert judge(C, [72, 67, 48, 52])["crossings"] == 0.5 and judge(C, [72, 72, 64, 48])["crossings"] == 0


def test_one_voice_alone_leaves_nothing_to_judge_between_voices():
    found = judge([72, REST, REST, REST], [72, REST, REST, REST])
    assert {name for name, value in found.items() if np.isnan(value)} == {"at rest", "dissonance", "spacing",
                                                                          "crossings"}
    assert found["closes"] is True and found["chords"] == 0.0 and found["parallels"] == 0.0


# ---------------------------------------------------------------------------------------------- order and likeness


def test_order_adds_up_what_is_lost():
    clean, parallel = write(C, C, fermatas=[4]), write([74, 67, 65, 50], C, fermatas=[4])
    restless, cluster = write(C, [72, 67, 64, 48], C, fermatas=[4]), write(C, [74, 73, 72, 48], C, fermatas=[8])
    assert attempts.judge(parallel)["parallels"] == 2.0 and attempts.order([(parallel, 0.5), (clean, 2.4)]) == [1, 0]
    assert attempts.order([(parallel, 0.5), (clean, 2.6)]) == [0, 1]
    assert attempts.order([(cluster, 0.5), (restless, 0.8)]) == [1, 0]  # a third of the beats is no chord
    assert attempts.order([(cluster, 0.5), (restless, 0.9)]) == [0, 1]


def test_an_attempt_of_which_nothing_was_written_is_ordered_by_the_rest():
    open_end, clean = write(C, [72, 67, 60, 52], fermatas=[4]), write(C, C, fermatas=[4])
    assert attempts.order([(open_end, np.nan), (clean, np.nan), (clean, 1.0)]) == [1, 2, 0]


def test_likeness_by_hand():
    assert attempts.alike(write(C, F, G, C), write(C, F, C, C)) == 0.75
    lower = [60, 55, 52, 36]
    assert attempts.alike(write(C, F), write(lower, F)) == 1.0
    assert attempts.alike(write(C, F), write(C, F, G, G)) == attempts.alike(write(C, F, G, G), write(C, F)) == 1.0
    assert attempts.alike(write(C, C), write(C, [REST] * 4)) == 0.5


def test_likeness_hears_beats_and_no_passing_notes():
    mine, theirs = write(C, F), write(C, F)
    theirs.voices[2, 0] = 74
    assert (voices.pitches(mine.voices) != voices.pitches(theirs.voices)).any() and attempts.alike(mine, theirs) == 1.0
