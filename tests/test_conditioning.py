"""What a performer is told: in time, in tune, and nothing of the future."""

import numpy as np
import pytest

from utils import conditioning, midi

RATE, TEMPO = 16_000, 120  # a quarter lasts half a second
NOTES = np.array([(0, 1, 69, 90, 0), (1, 2, 45, 90, 1), (2, 3, 69, 90, 0)], midi.NOTE)


def test_features_of_one_note_by_hand():
    rows = conditioning.features(NOTES[:1], 2 * RATE, RATE, TEMPO).reshape(-1, 4, conditioning.NUM_PITCHES)
    sounding, fast, slow, released = rows[:, :, 69 - conditioning.LOWEST].T
    assert rows.shape[0] == 400 and sounding.sum() == 100 and sounding[:100].all()  # half a second of 5 ms
    assert fast[0] == slow[0] == 1 and fast[6] == pytest.approx(np.exp(-1)) and slow[80] == pytest.approx(np.exp(-1))
    assert not released[:100].any() and released[100] == 1 and released[120] == pytest.approx(np.exp(-1))
    assert not np.delete(rows, 69 - conditioning.LOWEST, axis=2).any()


def test_a_note_struck_again_starts_anew():
    rows = conditioning.features(NOTES, 2 * RATE, RATE, TEMPO).reshape(-1, 4, conditioning.NUM_PITCHES)
    again = rows[200, :, 69 - conditioning.LOWEST]
    assert again.tolist() == [1, 1, 1, 0]


def test_the_future_is_not_heard():
    for tell in (conditioning.features, conditioning.excitation):
        both, one = (tell(notes, 2 * RATE, RATE, TEMPO) for notes in (NOTES, NOTES[:2]))
        changed = np.flatnonzero((both != one).any(axis=1))
        assert changed[0] / len(both) == pytest.approx(0.5, abs=0.01)


def test_the_excitation_is_in_tune_and_dies_away():
    wave = conditioning.excitation(NOTES[:1], RATE, RATE, TEMPO)
    assert wave.shape == (RATE, conditioning.NUM_EXCITATIONS) and wave.dtype == np.float32
    for group, harmonics in enumerate(conditioning.GROUPS):
        power = np.abs(np.fft.rfft(wave[:8000, group])) ** 2
        found = np.argsort(power)[-len(harmonics):] * 2  # Hz
        assert sorted(found) == [440 * harmonic for harmonic in harmonics]
    half = len(conditioning.GROUPS)
    size = np.hypot(wave[:, 0], wave[:, half])
    assert wave[0, 0] == 0 and wave[0, half] == 1 and size[4000] == pytest.approx(np.exp(-0.25 / 0.8), rel=1e-3)
    assert size[15_999] < 0.01


def test_harmonics_that_would_alias_are_left_out():
    high = np.array([(0, 1, 83, 90, 0)], midi.NOTE)  # B5, 988 Hz: its ninth harmonic lies above 8 kHz
    power = np.abs(np.fft.rfft(conditioning.excitation(high, 8000, RATE, TEMPO)[:, 5])) ** 2
    assert set(np.argsort(power)[-2:] * 2 // 100) == {69, 79}


def test_notes_beyond_the_range_move_by_octaves_and_silence_is_silent():
    out = np.array([(0, 1, 21, 90, 0), (0, 1, 108, 90, 0)], midi.NOTE)
    inside = np.array([(0, 1, 33, 90, 0), (0, 1, 72, 90, 0)], midi.NOTE)
    assert np.array_equal(conditioning.features(out, 100, RATE, TEMPO), conditioning.features(inside, 100, RATE, TEMPO))
    assert not conditioning.features(NOTES[:0], 100, RATE, TEMPO).any()
    assert not conditioning.excitation(NOTES[:0], 100, RATE, TEMPO).any()
    with pytest.raises(ValueError, match="positive"):
        conditioning.features(NOTES, 0, RATE, TEMPO)
