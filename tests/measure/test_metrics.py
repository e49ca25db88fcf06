"""The measures: laws, values worked by hand, and what they say about silence and wrong shapes."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from utils.measure import metrics, variety
from utils.music import baselines, data, text, windows

BAR = 16


def roll_of(*notes, frames=4 * BAR):
    """A roll of (pitch, first frame, frame after the last) notes."""
    roll = np.zeros((frames, 128), np.uint8)
    for pitch, start, end in notes:
        roll[start:end, pitch] = 2
        roll[start, pitch] = 1
    return roll


def windows_of(*notes, frames=4 * BAR):
    return roll_of(*notes, frames=frames)[None]


def measured(*notes, frames=4 * BAR):
    return {name: value[0] for name, value in metrics.measure(windows_of(*notes, frames=frames)).items()}


def chords(*beats):
    """One window of quarter notes, a tuple of pitches a beat."""
    return windows_of(*[(pitch, 4 * beat, 4 * beat + 4) for beat, pitches in enumerate(beats) for pitch in pitches],
                      frames=4 * len(beats))


def random_windows(rng, num=6, frames=4 * BAR, voices=4):
    """Notes of random length and pitch, with rests, well inside the keyboard."""
    rolls = np.zeros((num, frames, 128), np.uint8)
    for window in rolls:
        for voice in range(voices):
            start = 0
            while start < frames:
                end = min(start + int(rng.integers(1, 9)), frames)
                if rng.random() < 0.85:
                    pitch = int(rng.integers(40 + 8 * voice, 56 + 8 * voice))
                    window[start:end, pitch] = 2
                    window[start, pitch] = 1
                start = end
    return rolls


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
    (lambda: metrics.measure(roll_of((60, 0, 64))), "roll\\[None\\]"),
    (lambda: metrics.measure(np.zeros((1, 64, 88), np.uint8)), "four_bar_windows"),
    (lambda: metrics.measure(np.zeros((1, 64, 128))), "pass uint8"),
    (lambda: metrics.measure(np.zeros((1, 48, 128), np.uint8), bar_frames=32), "bar_frames=16 for 4/4 or 12 for 3/4"),
    (lambda: metrics.root_transitions(np.zeros((1, 6, 128), np.uint8)), "multiple of 4"),
    (lambda: variety.nn(windows_of(), windows_of()), "at least two windows"),
    (lambda: variety.nn(np.zeros((2, 64, 128), np.uint8), np.zeros((2, 48, 128), np.uint8)), "equally many frames"),
    (lambda: variety.nn(np.zeros((2, 64, 128), np.uint8), np.zeros((2, 64, 128), np.uint8)), "repetitions"),
    (lambda: variety.precision_coverage(np.zeros((3, 2)), np.zeros((5, 2))), "over k=5"),
    (lambda: variety.CopyIndex([]), "training pieces"),
    (lambda: variety.CopyIndex([roll_of((60, 0, 64))]).longest(windows_of()), "one piece"),
])
def test_what_cannot_be_measured_is_refused_with_a_remedy(call, remedy):
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


# ---------------------------------------------------------------------------------------------- measures


def test_measures_by_hand():
    """C major for two beats, then all but the bass rise by a tone, and the highest goes on after a sixteenth."""
    notes = [(48, 0, 16), (55, 0, 8), (64, 0, 8), (72, 0, 8), (57, 8, 16), (66, 8, 16), (74, 8, 9), (77, 9, 16)]
    result = measured(*notes, frames=16)
    assert result["notes_per_bar"] == 8
    assert result["odd_onsets"] == 1 / 8
    assert result["chord_rate"] == 3 / 4  # C major, C major, then C A F# D, which is D7, then C A F# F, which is none
    # no pair of C G E C; C-F# and C-D of C A F# D; C-F# and F#-F of C A F# F
    assert result["dissonance"] == 8 * 2 / (16 * 6)
    assert result["in_key"] == pytest.approx((64 - 8) / 64)  # F sharp
    assert result["melodic_interval"] == (3 * 2 + 3) / 4
    assert result["parallels"] == 0


@pytest.mark.parametrize("lower, count", [
    ((53, 55), 1),  # fifth to fifth: C G -> D A
    ((48, 50), 1),  # octave to octave
    ((36, 50), 1),  # two octaves to one
    ((53, 67), 0),  # fifth to a fourth below, crossing
    ((55, 57), 0),  # fourths
    ((56, 55), 0),  # against each other
    ((55, 62 - 12), 0),  # a fourth to an octave
])
def test_parallels_by_hand(lower, count):
    pair = [(60, 0, 8), (62, 8, 16), (lower[0], 0, 8), (lower[1], 8, 16)]
    assert measured(*pair, frames=16)["parallels"] == count


def test_parallels_count_pairs_of_voices_a_bar():
    organum = [(pitch + step, 8 * i, 8 * i + 8) for i, step in enumerate((0, 2, 4, 5)) for pitch in (48, 55, 60)]
    assert measured(*organum, frames=32)["parallels"] == 3 * 2 / 2  # three moves, a fifth and an octave, two bars


def test_a_repeated_fifth_is_no_parallel_and_no_step():
    result = measured((60, 0, 8), (67, 0, 8), (60, 8, 16), (67, 8, 16), frames=16)
    assert result["parallels"] == 0 and np.isnan(result["melodic_interval"]) and result["notes_per_bar"] == 4


@pytest.mark.parametrize("pitches, is_chord", [
    ((60, 64, 67), True), ((60, 63, 67), True), ((59, 62, 65), True),  # triads
    ((60, 64), True), ((60, 67), True), ((60, 66), True), ((60, 69), True),  # with a class missing
    ((55, 59, 62, 65), True), ((55, 59, 65), True), ((60, 64, 67, 71), True), ((59, 62, 65, 68), True),  # sevenths
    ((60,), False), ((60, 72), False), ((60, 62), False), ((60, 61), False), ((60, 65, 67), False),
    ((60, 62, 64, 67), False), ((60, 64, 68), False),
])
def test_what_passes_for_a_chord(pitches, is_chord):
    assert metrics.measure(chords(pitches, pitches), bar_frames=8)["chord_rate"][0] == is_chord


def test_silent_beats_are_no_wrong_chords():
    assert measured((60, 4, 8), (64, 4, 8))["chord_rate"] == 1


@pytest.mark.parametrize("interval, dissonant", list(enumerate((1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0), 1)))
def test_dissonance_is_interval_class_1_2_or_6(interval, dissonant):
    assert measured((50, 0, 64), (50 + interval, 0, 64))["dissonance"] == dissonant


def test_measures_are_counted_per_bar_of_the_metre():
    notes = [(60 + beat, 4 * beat, 4 * beat + 4) for beat in range(12)]
    assert metrics.measure(windows_of(*notes, frames=48), bar_frames=12)["notes_per_bar"][0] == 3
    assert metrics.measure(windows_of(*notes, frames=48), bar_frames=16)["notes_per_bar"][0] == 4


@pytest.mark.parametrize("semitones", [-5, 1, 7, 12])
def test_only_in_key_hears_the_key(rng, semitones):
    rolls = random_windows(rng)
    here, there = metrics.measure(rolls), metrics.measure(np.roll(rolls, semitones, axis=2))
    for name in here:
        if name != "in_key" or semitones % 12 == 0:
            np.testing.assert_array_equal(here[name], there[name], err_msg=name)
    roots = metrics.root_transitions(rolls)
    np.testing.assert_array_equal(metrics.root_transitions(np.roll(rolls, semitones, axis=2)),
                                  np.roll(roots, (semitones, semitones), axis=(0, 1)))


def test_a_bar_of_rest_before_or_after_changes_no_measure(rng):
    rolls = random_windows(rng, frames=3 * BAR)
    rolls[:, -1] = 0  # so that no move crosses the new barline
    rest = np.zeros_like(rolls[:, :BAR])
    early = metrics.measure(np.concatenate([rolls, rest], axis=1))
    late = metrics.measure(np.concatenate([rest, rolls], axis=1))
    for name in early:
        np.testing.assert_allclose(early[name], late[name], err_msg=name)


def test_windows_are_measured_one_by_one(rng):
    rolls = random_windows(rng, num=5)
    together, described = metrics.measure(rolls), metrics.features(rolls)
    for i in range(len(rolls)):
        for name, values in metrics.measure(rolls[i:i + 1]).items():
            assert values[0] == together[name][i]
        np.testing.assert_array_equal(metrics.features(rolls[i:i + 1])[0], described[i])


def test_silence_and_a_single_note_are_measured_without_a_warning():
    silence, single = windows_of(), windows_of((60, 0, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet, lonely = metrics.measure(silence), metrics.measure(single)
        for rolls in (silence, single, silence[:0]):
            assert metrics.features(rolls).shape == (len(rolls), 19)
            assert not np.isnan(metrics.features(rolls)).any()
            assert not metrics.root_transitions(rolls).any()
            assert np.isnan(metrics.root_divergence(rolls, single))
        for piece in (silence[0], single[0], silence[0, :8]):
            assert np.isnan(metrics.self_similarity(piece)).all()
        index = variety.CopyIndex([silence[0], single[0]])
        assert index.longest(silence[0]) == 0 and np.isnan(index.seen(silence[0]))
        assert np.isnan(variety.unique(silence[:0]))
        assert np.isnan(metrics.summary(quiet)["dissonance"]).all()
    assert quiet.pop("notes_per_bar") == 0 and quiet.pop("parallels") == 0
    assert all(np.isnan(value) for value in quiet.values())
    assert lonely["notes_per_bar"] == 0.25 and lonely["odd_onsets"] == 0 and lonely["in_key"] == 1
    assert lonely["chord_rate"] == 0 and np.isnan(lonely["dissonance"]) and np.isnan(lonely["melodic_interval"])


def test_an_interval_is_as_wide_as_pieces_are_few(rng):
    values = rng.normal(5, 1, 400)
    alone, (low, high) = metrics.interval(values, np.arange(400)), metrics.interval(np.repeat(values[:20], 20), np.repeat(range(20), 20))
    assert alone[0] < values.mean() < alone[1]
    assert alone[1] - alone[0] == pytest.approx(2 * 1.96 / 20, rel=0.2)  # the normal approximation
    assert high - low == pytest.approx(2 * 1.96 * values[:20].std() / np.sqrt(20), rel=0.3)  # 20 pieces, not 400 windows


def test_an_interval_knows_what_is_undefined():
    assert metrics.interval([1, np.nan, 1], [0, 0, 1]) == (1, 1)
    assert np.isnan(metrics.interval([np.nan, np.nan], [0, 1])).all()
    with pytest.raises(ValueError, match="name the piece of each window"):
        metrics.interval([1, 2], [0])


def test_summary_leaves_out_what_is_undefined():
    assert metrics.summary({"x": np.array([np.nan, *range(101)])}) == {"x": (50, 5, 95)}


# ---------------------------------------------------------------------------------------------- progressions and form


@pytest.mark.parametrize("beats, expected", [
    (((48, 64, 67, 72), (43, 62, 67, 71), (48, 64, 67, 72)), {(0, 7): 1, (7, 0): 1}),  # C G C
    (((48, 64, 67), (52, 60, 67), (53, 57, 60)), {(0, 5): 1}),  # C, C over E: the same chord; F
    (((48, 52), (50, 53, 59), (48, 52)), {(0, 11): 1, (11, 0): 1}),  # C without a fifth; B diminished over D
    (((48, 52, 55, 57), (50, 53, 57, 60)), {(9, 2): 1}),  # A minor seventh over C; D minor seventh
    (((59, 62, 65, 68), (60, 64, 67)), {(11, 0): 1}),  # a diminished seventh has its bass for a root
    (((48, 52, 55), (), (43, 59, 62)), {}),  # silence between
])
def test_root_transitions_by_hand(beats, expected):
    counts = metrics.root_transitions(chords(*beats))
    assert {tuple(map(int, cell)): int(counts[tuple(cell)]) for cell in np.argwhere(counts)} == expected


def test_a_passing_note_does_not_change_the_root():
    beat = [(48, 0, 4), (52, 0, 4), (67, 0, 4), (72, 0, 2), (74, 2, 4)]
    counts = metrics.root_transitions(windows_of(*beat, (43, 4, 8), (59, 4, 8), (62, 4, 8), frames=8))
    assert counts[0, 7] == counts.sum() == 1


def test_root_divergence_is_0_for_the_same_1_for_nothing_shared_and_symmetric(rng):
    up, down = chords((60, 64, 67), (65, 69, 72)), chords((65, 69, 72), (60, 64, 67))
    both = np.concatenate([up, down])
    assert metrics.root_divergence(up, up) == 0
    assert metrics.root_divergence(up, down) == pytest.approx(1)
    # half of each: 1/2 log2(1 / .75) + 1/2 (1/2 log2(.5 / .75) + 1/2 log2(.5 / .25))
    expected = 0.5 * np.log2(4 / 3) + 0.25 * np.log2(2 / 3) + 0.25
    assert metrics.root_divergence(up, both) == pytest.approx(expected)
    assert metrics.root_divergence(both, up) == pytest.approx(expected)


def test_self_similarity_finds_the_period(rng):
    phrase = random_windows(rng, num=1, frames=3 * BAR)[0]
    piece = np.concatenate([np.zeros((4, 128), np.uint8), phrase, phrase, phrase])
    similarity = metrics.self_similarity(piece, upbeat=4)
    assert similarity[[2, 5]] == pytest.approx(1) and np.all(similarity[[0, 1, 3, 4, 6, 7]] < 0.9)
    assert np.isnan(similarity[8:]).all() and len(similarity) == 16


def test_self_similarity_by_hand_in_any_octave():
    piece = roll_of((60, 0, 16), (72, 16, 24), (62, 24, 32), (64, 48, 64))  # C; C D; rest; E
    similarity = metrics.self_similarity(piece, max_lag=3)
    # 8 frames of C shared, of 16 and 16: cosine 1/2; bars 2 and 4 share nothing; bars 1 and 4 neither
    assert similarity.tolist() == pytest.approx([0.5, 0, 0])


# ---------------------------------------------------------------------------------------------- copying


def longest_by_force(roll, remembered):
    """Every run at every place in every transposition: the most sounding frames that agree."""
    best = 0
    for other in remembered:
        for semitones in range(-60, 61):
            moved = np.zeros_like(other)
            pitches = np.arange(max(0, -semitones), min(128, 128 - semitones))
            moved[:, pitches + semitones] = other[:, pitches]
            equal = np.array([[np.array_equal(a != 0, b != 0) for b in moved] for a in roll])
            for offset in range(-len(roll) + 1, len(moved)):
                run = 0
                for is_equal, frame in zip(np.diagonal(equal, offset), roll[max(0, -offset):]):
                    run = run + bool(frame.any()) if is_equal else 0
                    best = max(best, run)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_longest_run_is_what_brute_force_finds(seed):
    rng = np.random.default_rng(seed)
    remembered = [sparse(rng, 24), sparse(rng, 20)]
    roll = sparse(rng, 16)
    roll[3:12] = np.roll(remembered[1][5:14], 4, axis=1)
    assert variety.CopyIndex(remembered).longest(roll) == longest_by_force(roll, remembered)
    stranger = sparse(rng, 16)
    assert variety.CopyIndex(remembered).longest(stranger) == longest_by_force(stranger, remembered)


def sparse(rng, frames):
    """One or two notes of few pitches a frame, and rests, so that chance runs abound."""
    roll = np.zeros((frames, 128), np.uint8)
    for time in np.flatnonzero(rng.random(frames) < 0.75):
        roll[time, rng.integers(60, 63, size=rng.integers(1, 3))] = 1
    return roll


def test_a_copy_is_found_in_another_key_and_with_other_attacks(rng):
    pieces = [window for window in random_windows(rng, num=3)]
    index = variety.CopyIndex(pieces)
    copy = np.roll(pieces[1][10:50], -4, axis=1)
    copy[copy == 2] = 1
    sounding = int(np.any(copy, axis=1).sum())
    assert index.longest(copy) == sounding and index.seen(copy) == 1


def test_a_change_of_transposition_ends_a_run(rng):
    pieces = [window for window in random_windows(rng, num=3)]
    pieces[0][:, 70] = 2  # no rests
    patchwork = np.concatenate([pieces[0][10:30], np.roll(pieces[0][30:45], 1, axis=1)])
    assert variety.CopyIndex(pieces).longest(patchwork) == 20


def test_runs_do_not_cross_from_piece_to_piece():
    rise, fall = roll_of((60, 0, 4), (62, 4, 8), frames=8), roll_of((65, 0, 4), (61, 4, 8), frames=8)
    index = variety.CopyIndex([rise, fall])
    assert index.longest(np.concatenate([rise, fall])) == 8
    assert index.longest(rise) == index.longest(fall) == 8


def test_silence_is_no_copy_but_may_stand_inside_one():
    piece = roll_of((60, 0, 4), (64, 4, 5), (67, 12, 16), frames=32)
    index = variety.CopyIndex([piece])
    assert index.longest(piece) == 9
    assert index.longest(np.roll(piece, 7, axis=0)) == 9
    assert index.longest(np.zeros((64, 128), np.uint8)) == 0


def test_seen_by_hand():
    piece = roll_of(*[(60 + i, i, i + 1) for i in range(10)], frames=10)
    chord = np.tile(roll_of((40, 0, 1), (41, 0, 1), frames=1), (6, 1))
    roll = np.concatenate([piece, chord])
    assert variety.CopyIndex([piece]).seen(roll) == 3 / 9  # stretches of 8 in 16 frames: those that begin at 0, 1, 2
    assert np.isnan(variety.CopyIndex([piece]).seen(piece[:7]))


# ---------------------------------------------------------------------------------------------- variety


def test_nn_by_hand_and_its_ends(rng):
    reference = np.concatenate([windows_of((60, 0, length)) for length in (8, 12, 20, 36)])  # nearest: 4, 4, 8, 16
    samples = np.concatenate([windows_of((72, 0, length)) for length in (8, 10, 12, 15)])  # 2, 2, 2, 3
    assert variety.nn(samples, reference) == pytest.approx(2 / 6)
    assert variety.nn(reference, reference) == 1
    assert variety.nn(np.repeat(reference[:1], 4, axis=0), reference) == 0
    bach = random_windows(rng, num=40)
    assert 0.9 < variety.nn(bach[::2], bach[1::2]) < 1.1
    assert variety.nn(bach[::2], np.repeat(bach, 2, axis=0)[::4]) == pytest.approx(1)


def test_nn_is_what_pairwise_comparison_finds(rng):
    samples, reference = random_windows(rng, num=9), random_windows(rng, num=9, voices=2)
    near = [np.median([min(np.sum((a != 0) != (b != 0)) for j, b in enumerate(rolls) if i != j)
                       for i, a in enumerate(rolls)]) for rolls in (samples, reference)]
    assert variety.nn(samples, reference) == near[0] / near[1]


def test_unique_counts_distinct_sounds(rng):
    rolls = random_windows(rng, num=4)
    assert variety.unique(rolls) == 1
    assert variety.unique(np.concatenate([rolls, rolls[:1], np.minimum(rolls[1:2], 1)])) == 4 / 6


def test_features_by_hand():
    rolls = windows_of((72, 0, 8), (71, 8, 16), (60, 0, 8), (64, 8, 16), (67, 17, 18), frames=32)
    named = metrics.features(rolls)[0]
    np.testing.assert_array_equal(named[:7], np.nan_to_num([v[0] for v in metrics.measure(rolls).values()]))
    np.testing.assert_allclose(named[7:11], [(72 * 8 + 71 * 8 + 67) / 17, 62, 0, 0])
    np.testing.assert_allclose(named[11:15], [4 / 5, 1 / 5, 0, 0])
    np.testing.assert_allclose(named[15:], [1 / 2, 1 / 2, 0, 0])  # a semitone down, a major third up


@pytest.mark.parametrize("k", [1, 5])
def test_precision_and_coverage_are_those_of_prdc(rng, k):
    prdc = pytest.importorskip("prdc")
    reference = rng.normal(size=(80, 6)) * [1, 2, 3, 4, 5, 60] + 3
    samples = rng.normal(size=(60, 6)) * [1, 2, 3, 4, 5, 90] + 4
    mean, spread = reference.mean(axis=0), reference.std(axis=0)
    theirs = prdc.compute_prdc((reference - mean) / spread, (samples - mean) / spread, nearest_k=k)
    assert variety.precision_coverage(samples, reference, k) == pytest.approx((theirs["precision"], theirs["coverage"]))


def test_precision_and_coverage_by_hand():
    reference = np.array([[0.0], [1], [2], [10], [11], [12]])  # balls of radius 1 or, at the ends, 1
    assert variety.precision_coverage(np.array([[0.5], [30]]), reference, k=1) == (0.5, 2 / 6)
    assert variety.precision_coverage(reference, reference, k=1) == (1, 1)
    constant = np.column_stack([reference, np.ones(6)])
    assert variety.precision_coverage(constant, constant, k=1) == (1, 1)


def test_a_close_is_a_triad_on_the_tonic_in_the_bass():
    chord = lambda *pitches: text.as_roll([[50, 60], list(pitches), []])
    assert metrics.closes(chord(48, 64, 67, 72), 0) and metrics.closes(chord(45, 60, 69), 9)
    assert not metrics.closes(chord(52, 60, 67), 0), "the third is in the bass"
    assert not metrics.closes(chord(48, 60, 67), 0), "there is no third"
    assert not metrics.closes(chord(48, 64, 67, 70), 0), "a seventh sounds"
    assert not metrics.closes(chord(48, 64, 67), 7) and not metrics.closes(np.zeros((4, 128), np.uint8), 0)


# ---------------------------------------------------------------------------------------------- collapse


@pytest.fixture(scope="module")
def bach():
    """Training windows in C major or A minor, in random order."""
    rolls = windows.windows(data.pieces("train"))
    return rolls[np.random.default_rng(1).permutation(len(rolls))]


def verdict(samples, reference):
    return variety.collapse(samples, reference)["verdict"]


def test_bach_against_bach_is_healthy(bach):
    found = variety.collapse(bach[:200], bach[200:])
    assert found["verdict"] == "healthy" and 0.9 < found["nn"] < 1.1 and found["coverage"] > 0.9
    assert list(found) == ["nn", "unique", "coverage", "in_key", "chord_rate", "verdict"]


def test_one_tune_and_a_few_with_small_changes_are_collapsed(bach, rng):
    assert verdict(np.repeat(bach[:1], 100, axis=0), bach[200:]) == "collapsed"
    few = np.tile(bach[:8], (16, 1, 1, 1)).reshape(-1, *bach.shape[1:])  # eight prototypes, many times over
    for window in few:  # in each a few sounding cells fall silent: all are distinct
        cells = np.argwhere(window)
        window[tuple(cells[rng.choice(len(cells), 4, replace=False)].T)] = 0
    found = variety.collapse(few, bach[200:])
    assert found["unique"] == 1 and found["verdict"] == "collapsed"


@pytest.mark.parametrize("floor", [baselines.uniform, baselines.mixed_voices])
def test_uniform_noise_and_mixed_voices_are_noise(bach, floor):
    assert verdict(floor(bach[200:], 200, np.random.default_rng(2)), bach[200:]) == "noise"


def test_silence_is_not_healthy(bach):
    assert verdict(np.zeros_like(bach[:20]), bach[200:]) == "collapsed"
    assert verdict(bach[:20] * 0 + np.eye(20, 128, k=60, dtype=np.uint8)[:, None], bach[200:]) != "healthy"


def test_shuffled_beats_pass_this_gate(bach):
    """They vary as Bach does, in his chords: what catches them are parallels and progressions."""
    shuffled = baselines.shuffled_beats(bach[200:], 200, np.random.default_rng(2))
    assert verdict(shuffled, bach[200:]) == "healthy"
    parallels = [np.mean(metrics.measure(rolls)["parallels"]) for rolls in (shuffled, bach[200:])]
    assert parallels[0] > 5 * parallels[1]


def test_collapse_refuses_what_it_cannot_compare(bach):
    with pytest.raises(ValueError, match="equally many frames"):
        variety.collapse(bach[:10, :32], bach[200:])
    with pytest.raises(ValueError, match="at least two windows"):
        variety.collapse(bach[:1], bach[200:])
