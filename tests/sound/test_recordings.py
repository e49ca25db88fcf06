"""Pieces are played once, at the level and in the time that their rolls say."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from utils import files
from utils.music import data, midi, text
from utils.sound import audio, recordings

def seconds(roll):
    """The notes of a roll as they are played, in seconds."""
    notes = midi.roll_to_notes(roll)
    for edge in ("start", "end"):
        notes[edge] *= 60 / recordings.TEMPO
    return notes


CHORDS = text.as_roll([[48, 64, 67, 72]] * 8 + [[]] * 8 + [[43, 62, 67, 71]] * 8)


@pytest.fixture
def folder(tmp_path):
    for number in range(2):
        notes = midi.roll_to_notes(midi.transpose(CHORDS, number))
        midi.notes_to_midi(notes, tmp_path / f"piece_{number}.mid", midi.Meta(time_signatures=((0, 4, 4),)))
    return tmp_path


def test_a_folder_is_played_once_and_then_read(folder, monkeypatch):
    with ThreadPoolExecutor(1) as executor:
        first = recordings.waves("extra", folder, executor)
    monkeypatch.setattr(files, "workers", lambda *_: pytest.fail("played again"))
    again = recordings.waves("extra", folder)
    assert len(first) == 2 and all(np.array_equal(a, b) for a, b in zip(first, again))
    assert first[0].dtype == np.int16


def test_a_damaged_cache_is_rebuilt(folder):
    with ThreadPoolExecutor(1) as executor:
        first = recordings.waves("extra", folder, executor)
        (folder / ".waves_extra.npy").write_bytes(b"no array")
        again = recordings.waves("extra", folder, executor)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))


def test_a_frame_begins_where_it_should_and_the_last_silence_is_cut():
    wave = recordings.play(seconds(CHORDS)) / recordings.FULL
    loud = np.abs(wave) > 0.02
    assert recordings.FRAME_SAMPLES == 2000
    assert np.flatnonzero(loud)[0] < 400  # the piano's attack
    second = 16 * recordings.FRAME_SAMPLES
    assert not loud[second - 2000:second].any() and loud[second:second + 800].any()
    assert abs(wave[-1]) > recordings.QUIET / 2 and len(wave) < 24 * 2000 + audio.SAMPLE_RATE


def test_a_performance_is_kept_by_itself_and_in_time(folder):
    piece = data.pieces("extra", folder)[0]
    written, played = recordings.notes(piece), recordings.notes(piece, 1.0)
    np.testing.assert_array_equal(written, seconds(piece.roll))
    assert len(np.unique(played["velocity"])) > 1 and played["end"].max() > written["end"].max()
    with ThreadPoolExecutor(1) as executor:
        even, performed = (recordings.waves("extra", folder, executor, depth)[0] for depth in (0.0, 1.0))
    np.testing.assert_array_equal(even, recordings.play(written))
    np.testing.assert_array_equal(performed, recordings.play(played))
    assert len(performed) > len(even)


def test_codes_stand_for_the_wave():
    wave = recordings.play(seconds(CHORDS))
    codes, = recordings.codes([wave])
    assert codes.dtype == np.uint8 and codes[0] == 128
    assert np.abs(audio.mu_law_decode(codes[1:]) - wave / recordings.FULL).max() < 0.02
    samples, = recordings.samples([wave])
    assert samples.dtype == np.float32 and samples[0] == 0
    assert np.allclose(samples[1:] * recordings.RMS * recordings.FULL, wave, atol=1e-2)
