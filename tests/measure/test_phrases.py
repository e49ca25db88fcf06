"""Finer measures: values worked by hand, laws, what a published package says, and what chance gets."""

import warnings

import numpy as np
import pytest

from tests.rolls import BAR, chords, windows_of
from utils.measure import metrics, phrases
from utils.music import baselines, data, windows

def measured(rolls, bar_frames=BAR):
    return {name: value[0] for name, value in phrases.measure(rolls, bar_frames).items()}


# ---------------------------------------------------------------------------------------------- window by window


def test_groove_by_hand():
    """Quarters, quarters, then a bar with one attack: 16 of 16 sixteenths agree, then 13 of 16."""
    notes = [(60, start, start + 4) for start in range(0, 32, 4)] + [(60, 32, 48)]
    assert measured(windows_of(*notes, frames=48))["groove"] == pytest.approx((16 + 13) / 32)
    assert np.isnan(measured(windows_of((60, 0, 4), frames=16))["groove"])  # a single bar has no neighbour


def test_spacing_by_hand():
    close, alto, tenor = (72, 67, 60, 36), (76, 63, 60, 48), (72, 67, 54, 48)
    assert measured(chords(close, close, alto, tenor))["wide_spacing"] == 1 / 2  # a bass may be as far as it likes
    assert np.isnan(measured(chords((72, 50, 36), (72,), (72, 50), (60,)))["wide_spacing"])  # never four voices


def test_an_octave_is_not_yet_wide():
    assert measured(chords(*[(72, 60, 48, 36)] * 4))["wide_spacing"] == 0
    assert measured(chords(*[(73, 60, 48, 36)] * 4))["wide_spacing"] == 1


def test_a_tonal_step_is_none_for_one_harmony_and_short_for_a_fifth():
    still, fifth, tritone = (measured(chords((48, 52, 55), later, (48, 52, 55), later))["tonal_step"]
                             for later in ((48, 55, 64), (55, 59, 62), (54, 58, 61)))
    assert still == pytest.approx(0, abs=1e-12) and 0 < fifth < tritone


def test_centroids_by_hand():
    path, sounds = phrases.centroids(chords((60,), (67,), ()))
    np.testing.assert_allclose(path[0, 0], [0, 0, 0, 1, 1, 0.5], atol=1e-12)  # C: angle 0 on all three circles
    # G, 7 semitones up: 49 twelfths of pi, once round the minor thirds but for a quarter, two thirds on the major ones
    np.testing.assert_allclose(path[0, 1, [0, 3]], [np.sin(49 * np.pi / 6), np.cos(49 * np.pi / 6)], atol=1e-12)
    np.testing.assert_array_equal(sounds, [[True, True, False]])
    assert not path[0, 2].any()


def test_transposed_music_steps_as_far():
    line = (48, 52, 55), (50, 53, 57), (43, 47, 50, 53), (48, 52, 60)
    steps = [measured(chords(*[tuple(np.add(chord, up)) for chord in line]))["tonal_step"] for up in range(12)]
    np.testing.assert_allclose(steps, steps[0])


def test_a_phrase_end_is_a_chord_that_stays_for_more_than_a_quarter():
    window = windows_of((60, 0, 4), (64, 4, 9), (67, 4, 16), (60, 16, 21), (72, 24, 29), (74, 28, 32), frames=32)
    # 4: stays five frames and its lower note longer; 16: five frames; 24: after four frames another voice moves
    np.testing.assert_array_equal(np.flatnonzero(phrases.phrase_ends(window)[0]), [4, 16])
    assert measured(window)["phrase_ends"] == 2 / 2


def test_a_phrase_end_lasts_until_its_last_sound():
    assert not phrases.phrase_ends(windows_of((60, 0, 4), frames=16)).any()  # a quarter, then silence
    assert not phrases.phrase_ends(windows_of((60, 0, 4), frames=4)).any()  # nobody knows how long it would have stayed


@pytest.mark.parametrize("chord, closes", [
    ((48, 55, 64, 72), True), ((45, 52, 60, 69), True), ((48, 52), True),  # major, minor, no fifth
    ((52, 55, 60, 72), False), ((48, 55), False), ((47, 50, 53), False), ((43, 47, 50, 53), False), ((48,), False),
])
def test_what_passes_for_a_cadence(chord, closes):
    assert measured(chords(chord, chord, frames=8))["cadences"] == closes


@pytest.mark.parametrize("line, share", [((60, 62, 60, 62), 1), ((60, 62, 64, 65), 0), ((60, 60, 62, 62, 60), 1),
                                         ((60, 62, 64, 62), 0.5), ((60, 62, -1, 60), 1)])
def test_which_steps_go_straight_back(line, share):
    assert phrases.returns(np.array(line)[None, :, None]) == share


def test_a_voice_of_two_pitches_takes_no_second_step():
    assert np.isnan(phrases.returns(np.array((60, 62, 62))[None, :, None])).all()


def test_silence_is_measured_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measured(windows_of())
        assert found.pop("groove") == 1 and found.pop("phrase_ends") == 0 and np.isnan(list(found.values())).all()
        assert np.isnan([value[0] for value in metrics.counts(windows_of()).values()]).all()
        assert np.isnan(list(phrases.divergences(windows_of(), chords((60,), (60,), frames=32)).values())).all()


@pytest.mark.parametrize(
    "call", [phrases.measure, phrases.phrase_ends, phrases.centroids, phrases.lengths, metrics.counts]
)
def test_what_is_no_window_is_refused(call):
    with pytest.raises(ValueError, match=r"pass uint8 \(windows, frames, 128\)"):
        call(np.zeros((64, 128), np.uint8))
    with pytest.raises(ValueError, match="cut whole bars"):
        phrases.measure(np.zeros((1, 60, 128), np.uint8))


# ---------------------------------------------------------------------------------------------- sets of windows


def test_lengths_by_hand():
    rolls = windows_of((60, 0, 8), (60, 8, 12), (67, 0, 6), (72, 12, 16), frames=16)
    found = {name: {int(length): int(counts[length]) for length in np.flatnonzero(counts)}
             for name, counts in phrases.lengths(rolls).items()}
    assert found == {"notes": {4: 2, 6: 1, 8: 1}, "onsets": {8: 1, 4: 1}, "phrases": {}}


def test_phrases_reach_from_one_end_to_the_next():
    notes = [(60, 0, 8), (62, 8, 12), (64, 12, 16), (65, 16, 24), (67, 24, 32)]
    assert np.flatnonzero(phrases.lengths(windows_of(*notes, frames=32))["phrases"]).tolist() == [8, 16]


def test_lengths_do_not_reach_from_window_to_window():
    two = np.concatenate([windows_of((60, 0, 64)), windows_of((60, 0, 64))])
    assert phrases.lengths(two)["notes"][64] == 2 and not phrases.lengths(two)["onsets"].any()


def test_divergences_are_0_for_the_same_and_1_for_nothing_shared():
    quarters, halves = chords(*[(60,)] * 8), chords(*[(60,)] * 4, frames=8)
    same, other = phrases.divergences(quarters, quarters), phrases.divergences(quarters, halves)
    assert same["notes"] == same["onsets"] == 0 and other["notes"] == other["onsets"] == pytest.approx(1)
    assert np.isnan(same["phrases"]) and np.isnan(other["phrases"])  # quarters end no phrase
    with pytest.raises(ValueError, match="cut both to the same"):
        phrases.divergences(quarters, chords((60,)))


def test_counts_by_hand():
    rolls = windows_of((60, 0, 8), (72, 0, 4), (64, 8, 12), frames=16)
    found = {name: value[0] for name, value in metrics.counts(rolls).items()}
    assert found == {
        "polyphony": 16 / 12,
        "polyphony_rate": 4 / 16,
        "pitch_range": 12,
        "pitches": 3,
        "pitch_classes": 2,
        "pitch_class_entropy": pytest.approx(np.log2(3) - 2 / 3),
    }


def test_counts_and_groove_are_those_of_muspy():
    muspy = pytest.importorskip("muspy", reason="the package muspy is missing: pip install muspy")
    rng = np.random.default_rng(3)
    rolls = baselines.markov(windows.windows(data.pieces("test")), 8, rng)
    rolls[:, -1, 60] = 1  # so that both end on the same frame
    ours = metrics.counts(rolls) | {"groove": phrases.measure(rolls)["groove"]}
    for number, window in enumerate(rolls):
        ends = np.concatenate([window, np.zeros((1, 128), np.uint8)])
        notes = [muspy.Note(int(start), int(pitch), int(np.flatnonzero(ends[start + 1:, pitch] != 2)[0]) + 1, 64)
                 for start, pitch in np.argwhere(window == 1)]
        music = muspy.Music(resolution=4, tracks=[muspy.Track(notes=notes)])
        theirs = {"polyphony": muspy.polyphony(music), "polyphony_rate": muspy.polyphony_rate(music, threshold=1),
                  "pitch_range": muspy.pitch_range(music), "pitches": muspy.n_pitches_used(music),
                  "pitch_classes": muspy.n_pitch_classes_used(music),
                  "pitch_class_entropy": muspy.pitch_class_entropy(music)}
        assert {name: ours[name][number] for name in theirs} == pytest.approx(theirs)
        # muspy counts a bar more than there is, empty here: taken out again
        onsets = np.any(window == 1, axis=1).reshape(-1, BAR)
        phantom = np.count_nonzero(onsets[-1])
        agreed = (1 - muspy.groove_consistency(music, BAR)) * BAR * len(onsets) - phantom
        assert 1 - agreed / (BAR * (len(onsets) - 1)) == pytest.approx(ours["groove"][number])


# ---------------------------------------------------------------------------------------------- Bach and the baselines


def test_bach_ends_phrases_where_a_fermata_stands():
    found = matched = 0
    for piece in (piece for piece in data.pieces("train") if piece.metre == (4, 4)):
        ends = np.flatnonzero(phrases.phrase_ends(piece.roll[None])[0])
        found, matched = found + len(ends), matched + np.isin(ends, piece.fermatas).sum()
    assert matched / found > 0.9


def test_phrases_tell_bach_from_chains_that_no_other_figure_catches(bach):
    chain = baselines.beat_markov(bach["train"], 256, np.random.default_rng(1))
    ours, theirs = (phrases.divergences(rolls, bach["train"])["phrases"] for rolls in (bach["test"], chain))
    assert ours < 0.1 < 0.4 < theirs
    assert np.nanmean(phrases.measure(bach["test"])["cadences"]) > 0.9
