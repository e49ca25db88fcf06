"""What a performer is told: in time, in tune, and nothing of the future."""

import numpy as np
import pytest

from utils.music import midi
from utils.sound import audio, conditioning, tones

RATE, TEMPO = audio.SAMPLE_RATE, 120  # a quarter lasts half a second
NOTES = np.array([(0, 1, 69, 90, 0), (1, 2, 45, 90, 1), (2, 3, 69, 90, 0)], midi.NOTE)


def heard(notes, num_samples=2 * RATE, first=0):
    return conditioning.excitation(notes, tones.harmonics, num_samples, TEMPO, first)


def test_features_of_one_note_by_hand():
    rows = conditioning.features(NOTES[:1], 2 * RATE, TEMPO).reshape(-1, 4, tones.NUM_TONES)
    sounding, fast, slow, released = rows[:, :, 69 - tones.LOWEST_TONE].T
    assert rows.shape[0] == 400 and sounding.sum() == 100 and sounding[:100].all()  # half a second of 5 ms
    assert fast[0] == slow[0] == 1 and fast[6] == pytest.approx(np.exp(-1)) and slow[80] == pytest.approx(np.exp(-1))
    assert not released[:100].any() and released[100] == 1 and released[120] == pytest.approx(np.exp(-1))
    assert not np.delete(rows, 69 - tones.LOWEST_TONE, axis=2).any()


def test_a_note_struck_again_starts_anew():
    rows = conditioning.features(NOTES, 2 * RATE, TEMPO).reshape(-1, 4, tones.NUM_TONES)
    again = rows[200, :, 69 - tones.LOWEST_TONE]
    assert again.tolist() == [1, 1, 1, 0]


def test_the_future_is_not_heard():
    for tell in (lambda notes: conditioning.features(notes, 2 * RATE, TEMPO), heard):
        both, one = (tell(notes) for notes in (NOTES, NOTES[:2]))
        changed = np.flatnonzero((both != one).any(axis=1))
        assert changed[0] / len(both) == pytest.approx(0.5, abs=0.01)


def test_an_excerpt_is_a_part_of_the_whole():
    notes = np.array([(quarter / 2, quarter / 2 + 0.7, 60 + quarter % 5, 90, 0) for quarter in range(40)], midi.NOTE)
    first, count = 100 * conditioning.HOP, 200 * conditioning.HOP
    whole = conditioning.features(notes, 10 * RATE, TEMPO)[100:300]
    assert np.allclose(conditioning.features(notes, count, TEMPO, first), whole, atol=1e-4)
    assert np.array_equal(heard(notes, count, first), heard(notes, 10 * RATE)[first:first + count])


def test_the_excitation_is_in_tune_and_dies_away():
    wave = heard(NOTES[:1], RATE)
    assert wave.shape == (RATE, tones.NUM_HARMONICS) and wave.dtype == np.float32
    for group, harmonics in enumerate(tones.GROUPS):
        power = np.abs(np.fft.rfft(wave[:8000, group])) ** 2
        found = np.argsort(power)[-len(harmonics):] * 2  # Hz
        assert sorted(found) == [440 * harmonic for harmonic in harmonics]
    size = np.hypot(wave[:, 0], wave[:, len(tones.GROUPS)])
    assert wave[0, 0] == 0 and wave[0, len(tones.GROUPS)] == 1
    assert size[4000] == pytest.approx(np.exp(-0.25 / tones.FADE), rel=1e-3) and size[15_999] < 0.01


def test_notes_beyond_the_range_move_by_octaves_and_silence_is_silent():
    out = np.array([(0, 1, 21, 90, 0), (0, 1, 108, 90, 0)], midi.NOTE)
    inside = np.array([(0, 1, 33, 90, 0), (0, 1, 72, 90, 0)], midi.NOTE)
    assert np.array_equal(conditioning.features(out, 160, TEMPO), conditioning.features(inside, 160, TEMPO))
    assert not conditioning.features(NOTES[:0], 100, TEMPO).any() and not heard(NOTES[:0], 100).any()
    with pytest.raises(ValueError, match="positive"):
        conditioning.features(NOTES, 0, TEMPO)
    with pytest.raises(ValueError, match="multiple of 80"):
        conditioning.features(NOTES, 100, TEMPO, 7)
