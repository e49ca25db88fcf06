"""The measures: laws, values worked by hand, and what they say about silence and wrong shapes."""

import warnings

import numpy as np
import pytest

from tests.rolls import BAR, chords, random_windows, roll_of, windows_of
from utils.measure import metrics


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def measured(*notes, frames=4 * BAR):
    return {name: value[0] for name, value in metrics.measure(windows_of(*notes, frames=frames)).items()}


@pytest.mark.parametrize("call, remedy", [
    (lambda: metrics.measure(roll_of((60, 0, 64))), "roll\\[None\\]"),
    (lambda: metrics.measure(np.zeros((1, 64, 88), np.uint8)), "four_bar_windows"),
    (lambda: metrics.measure(np.zeros((1, 64, 128))), "pass uint8"),
    (lambda: metrics.measure(np.zeros((1, 48, 128), np.uint8), bar_frames=32), "bar_frames=16 for 4/4 or 12 for 3/4"),
    (lambda: metrics.root_transitions(np.zeros((1, 6, 128), np.uint8)), "multiple of 4"),
])
def test_what_cannot_be_measured_is_refused_with_a_remedy(call, remedy):
    with pytest.raises(ValueError, match=remedy):
        call()


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


@pytest.mark.parametrize("root", range(12))
def test_a_chord_is_one_on_every_root_and_in_any_shape(root):
    named = [(0, 4, 7), (0, 3, 6, 9), (0, 4, 7, 10), (0, 4), (0, 2, 4), (0, 4, 8), (0,), ()]
    classes = np.zeros((2, 4, 12), bool)
    for place, chord in zip(np.ndindex(2, 4), named):
        classes[place][np.add(root, chord).astype(int) % 12] = True
    assert metrics.is_chord(classes).tolist() == [[True] * 4, [False] * 4]
    assert all(metrics.is_chord(classes[place]) == metrics.is_chord(classes)[place] for place in np.ndindex(2, 4))


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


def test_an_interval_is_as_wide_as_pieces_are_few(rng):
    values = rng.normal(5, 1, 400)
    alone = metrics.interval(values, np.arange(400))
    low, high = metrics.interval(np.repeat(values[:20], 20), np.repeat(range(20), 20))
    assert alone[0] < values.mean() < alone[1]
    assert alone[1] - alone[0] == pytest.approx(2 * 1.96 / 20, rel=0.2)  # the normal approximation
    of_pieces = 2 * 1.96 * values[:20].std() / np.sqrt(20)  # there are 20 pieces, not 400 windows
    assert high - low == pytest.approx(of_pieces, rel=0.3)


def test_an_interval_knows_what_is_undefined():
    assert metrics.interval([1, np.nan, 1], [0, 0, 1]) == (1, 1)
    assert np.isnan(metrics.interval([np.nan, np.nan], [0, 1])).all()
    with pytest.raises(ValueError, match="name the piece of each window"):
        metrics.interval([1, 2], [0])


def test_summary_leaves_out_what_is_undefined():
    assert metrics.summary({"x": np.array([np.nan, *range(101)])}) == {"x": (50, 5, 95)}


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
        assert np.isnan(metrics.summary(quiet)["dissonance"]).all()
    assert quiet.pop("notes_per_bar") == 0 and quiet.pop("parallels") == 0
    assert all(np.isnan(value) for value in quiet.values())
    assert lonely["notes_per_bar"] == 0.25 and lonely["odd_onsets"] == 0 and lonely["in_key"] == 1
    assert lonely["chord_rate"] == 0 and np.isnan(lonely["dissonance"]) and np.isnan(lonely["melodic_interval"])


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


def test_features_by_hand():
    rolls = windows_of((72, 0, 8), (71, 8, 16), (60, 0, 8), (64, 8, 16), (67, 17, 18), frames=32)
    named = metrics.features(rolls)[0]
    np.testing.assert_array_equal(named[:7], np.nan_to_num([v[0] for v in metrics.measure(rolls).values()]))
    np.testing.assert_allclose(named[7:11], [(72 * 8 + 71 * 8 + 67) / 17, 62, 0, 0])
    np.testing.assert_allclose(named[11:15], [4 / 5, 1 / 5, 0, 0])
    np.testing.assert_allclose(named[15:], [1 / 2, 1 / 2, 0, 0])  # a semitone down, a major third up
