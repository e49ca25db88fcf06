"""Windows, voices and fingerprints: laws, values worked by hand, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.rolls import BAR, random_windows, roll_of, sparse, windows_of
from utils.measure import variety
from utils.music import midi, windows


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# ---------------------------------------------------------------------------------------------- windows


def test_windows_start_on_barlines_and_strike_what_is_held_into_them(rng):
    roll = random_windows(rng, num=1, frames=4 + 9 * BAR)[0]
    rolls = windows.four_bar_windows(roll, upbeat=4)
    assert rolls.shape == (2, 4 * BAR, 128) and rolls.dtype == np.uint8
    np.testing.assert_array_equal(rolls.reshape(-1, 128) != 0, roll[4:4 + 8 * BAR] != 0)  # the ninth bar is dropped
    inner = np.delete(np.arange(8 * BAR), [0, 4 * BAR])
    np.testing.assert_array_equal(rolls.reshape(-1, 128)[inner], roll[4:][inner])
    assert not np.any(rolls[:, 0] == 2)


def test_windows_of_pieces_stand_one_after_another_in_one_metre(rng):
    rolls = random_windows(rng, num=3, frames=9 * BAR)
    common = dict(upbeat=4, bar_frames=BAR, semitones=2, metre=(4, 4))
    pieces = [SimpleNamespace(roll=roll, **common) for roll in rolls]
    pieces[1].metre, pieces[1].bar_frames = (3, 4), 12
    expected = [windows.four_bar_windows(roll, 4, BAR, 2) for roll in rolls[[0, 2]]]
    np.testing.assert_array_equal(windows.windows(pieces), np.concatenate(expected))
    assert windows.windows(pieces, bars=2, metre=(3, 4)).shape == (5, 24, 128)
    overlapping = windows.windows(pieces, hop=2)  # of 8 bars: from bars 1 and 5, and from bar 3
    np.testing.assert_array_equal(overlapping[[0, 1, 3, 4]], np.concatenate(expected))
    np.testing.assert_array_equal(overlapping[2], windows.four_bar_windows(rolls[0], 4 + 2 * BAR, BAR, 2)[0])
    with pytest.raises(ValueError, match="none of 3 pieces is in 2/4"):
        windows.windows(pieces, metre=(2, 4))
    with pytest.raises(ValueError, match="give a divisor of 4"):
        windows.windows(pieces, hop=3)


def test_windows_transpose_and_leave_the_roll_alone():
    roll = roll_of((60, 0, 64))
    before = roll.copy()
    assert np.flatnonzero(windows.four_bar_windows(roll, semitones=-3)[0, 0]).tolist() == [57]
    np.testing.assert_array_equal(roll, before)


def test_windows_of_three_four_time_and_of_pieces_too_short():
    assert windows.four_bar_windows(roll_of((60, 0, 50)), upbeat=4, bar_frames=12).shape == (1, 48, 128)
    assert windows.four_bar_windows(roll_of((60, 0, 50)), upbeat=8).shape == (0, 64, 128)
    assert windows.four_bar_windows(np.zeros((0, 128), np.uint8), upbeat=4).shape == (0, 64, 128)


@pytest.mark.parametrize("call, remedy", [
    (lambda: windows.four_bar_windows(np.zeros((2, 64, 128), np.uint8)), "one piece"),
    (lambda: windows.four_bar_windows(roll_of((127, 0, 64)), semitones=1), "transpose by less"),
    (lambda: windows.four_bar_windows(roll_of((0, 0, 64)), semitones=-1), "transpose by less"),
    (lambda: windows.four_bar_windows(roll_of((60, 0, 64)), bar_frames=0), "16 frames for 4/4"),
    (lambda: windows.as_windows(roll_of((60, 0, 64))), "roll\\[None\\]"),
    (lambda: windows.as_windows(windows_of(), 24), "bar_frames=16 for 4/4 or 12 for 3/4"),
    (lambda: windows.fingerprint(windows_of()), "one piece"),
])
def test_what_is_no_window_is_refused_with_a_remedy(call, remedy):
    with pytest.raises(ValueError, match=remedy):
        call()


# ---------------------------------------------------------------------------------------------- voices


def test_voices_are_the_pitches_from_high_to_low(rng):
    rolls = random_windows(rng)
    for window, by_rank in zip(rolls, windows.voices(rolls)):
        for frame, ranked in zip(window, by_rank):
            pitches = np.flatnonzero(frame)[::-1].tolist()
            pitches = pitches if len(pitches) <= 4 else pitches[:3] + pitches[-1:]
            assert ranked.tolist() == pitches + [-1] * (4 - len(pitches))


def test_of_six_pitches_the_three_highest_and_the_lowest_are_voices():
    six = windows_of(*[(pitch, 0, 16) for pitch in (36, 48, 55, 60, 64, 72)], frames=16)
    assert windows.voices(six)[0, 0].tolist() == [72, 64, 60, 36]


def test_steps_need_a_new_attack_and_as_many_voices_as_before():
    rolls = windows_of((72, 0, 4), (74, 4, 8), (74, 8, 12), (71, 12, 16), (60, 0, 12), frames=16)
    moves = windows.steps(rolls)[0]  # D repeats at 8; at 12 the lower voice stops, so B is no step
    assert {(int(f), int(v)): int(moves[f, v]) for f, v in np.argwhere(moves)} == {(3, 0): 2}


# ---------------------------------------------------------------------------------------------- fingerprints


@pytest.mark.parametrize("semitones", [-7, 5, 12])
def test_a_fingerprint_hears_neither_the_key_nor_attacks(rng, semitones):
    for roll in (random_windows(rng, num=1)[0], sparse(rng, 40)):
        moved = np.minimum(midi.transpose(roll, semitones), 1)
        for one, other in zip(windows.fingerprint(roll), windows.fingerprint(moved)):
            np.testing.assert_array_equal(one, other)


def test_a_fingerprint_hears_every_note_and_the_bass_across_a_rest():
    roll = roll_of(*[(pitch, 0, 12) for pitch in (48, 60, 64, 67)], frames=12)
    other = roll.copy()
    other[4, 67] = 0
    chords, moves = (
        np.flatnonzero(a != b).tolist() for a, b in zip(windows.fingerprint(roll), windows.fingerprint(other))
    )
    assert (chords, moves) == ([4], [4, 5])
    (chords, moves), (chords_2, moves_2) = (
        windows.fingerprint(roll_of((60, 0, 2), (pitch, 4, 6), frames=6)) for pitch in (62, 64))
    assert np.array_equal(chords, chords_2) and np.flatnonzero(moves != moves_2).tolist() == [4]


def test_silence_before_a_piece_adds_nothing(rng):
    roll = random_windows(rng, num=1)[0]
    first = np.flatnonzero(roll.any(axis=1))[0]
    roll = roll[first:]
    chords, moves = windows.fingerprint(roll)
    late_chords, late_moves = windows.fingerprint(np.concatenate([np.zeros((5, 128), np.uint8), roll]))
    assert not late_chords[:5].any() and not late_moves[:5].any() and moves[0] == 0
    np.testing.assert_array_equal(late_chords[5:], chords)
    np.testing.assert_array_equal(late_moves[6:], moves[1:])
    assert not np.any(windows.fingerprint(np.zeros((9, 128), np.uint8)))


@pytest.mark.parametrize("seed", range(3))
def test_a_copy_is_a_run_of_equal_moves_that_an_equal_chord_begins(seed):
    rng = np.random.default_rng(seed)
    piece, roll = sparse(rng, 30), sparse(rng, 20)
    roll[4:12] = midi.transpose(piece, 3)[9:17]
    (chords, moves), (other_chords, other_moves) = windows.fingerprint(roll), windows.fingerprint(piece)
    longest = 0
    for start, there in np.argwhere(chords[:, None] == other_chords):
        end = next((n for n in range(1, 30) if start + n >= 20 or there + n >= 30
                    or moves[start + n] != other_moves[there + n]), 30)
        longest = max(longest, np.count_nonzero(roll[start:start + end].any(axis=1)))
    assert variety.CopyIndex([piece]).longest(roll) == longest >= np.count_nonzero(roll[4:12].any(axis=1))
