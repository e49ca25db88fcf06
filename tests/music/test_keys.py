"""Key finding: music21's answer, in linear time."""

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from utils.music import data, keys, midi, voices

law = settings(database=None, deadline=None)


def as_notes(lengths):
    """One note for each pitch class, as long as stated, all at once."""
    return np.array([(0, length, 60 + pitch, 90, 0) for pitch, length in enumerate(lengths) if length], midi.NOTE)


def by_music21(notes):
    """music21's key of the same notes, and how much better it fits than the next one."""
    from music21 import note, stream

    score = stream.Score([stream.Part()])
    for start, end, pitch, *_ in notes.tolist():
        score.parts[0].insert(start, note.Note(pitch, quarterLength=end - start))
    found = score.analyze("key")
    others = found.alternateInterpretations
    margin = found.correlationCoefficient - max(each.correlationCoefficient for each in others)
    return (found.tonic.pitchClass, found.mode), margin


LENGTHS = st.lists(st.integers(0, 16), min_size=12, max_size=12).filter(lambda lengths: len(set(lengths)) > 1)


@settings(law, max_examples=60)
@given(LENGTHS)
def test_the_key_is_music21s(lengths):
    notes = as_notes(lengths)
    wanted, margin = by_music21(notes)
    assume(margin > 1e-6)  # between equals either may win
    assert keys.find(notes) == wanted


def test_the_key_of_chorales_is_music21s():
    for path in sorted(data.MIDI_FOLDER.glob("bwv*.mid"))[::60]:
        notes = midi.midi_to_notes(path)
        assert keys.find(notes) == by_music21(notes)[0], path.name


@law
@given(LENGTHS, st.integers(0, 11), st.integers(1, 5))
def test_a_transposition_moves_the_tonic_and_nothing_else_counts(lengths, semitones, factor):
    notes = as_notes(lengths)
    tonic, mode = keys.find(notes)
    moved = np.roll(lengths, semitones)
    profile = np.sort(
        [np.corrcoef(lengths, np.roll(each, shift))[0, 1] for each in keys.PROFILES for shift in range(12)]
    )
    assume(profile[-1] - profile[-2] > 1e-9)
    assert keys.find(as_notes(moved)) == ((tonic + semitones) % 12, mode)
    higher = notes.copy()
    higher["pitch"] += 12
    higher["start"], higher["end"], higher["part"] = notes["start"] * factor, notes["end"] * factor, 3
    assert keys.find(higher[::-1]) == (tonic, mode)


@law
@given(LENGTHS)
def test_the_agreement_with_each_key_is_its_correlation_in_proportion(lengths):
    agreed = keys.agreement(np.array(lengths, float))
    wanted = np.array([[np.corrcoef(lengths, np.roll(profile, tonic))[0, 1] for tonic in range(12)]
                       for profile in keys.PROFILES])
    assert agreed.shape == (2, 12)
    np.testing.assert_allclose(agreed / np.abs(agreed).max(), wanted / np.abs(wanted).max(), atol=1e-9)
    tonic, mode = keys.find(as_notes(lengths))
    assert agreed[keys.KEY_MODES.index(mode), tonic] == pytest.approx(agreed.max())


@pytest.mark.parametrize("sharps", range(-7, 8))
def test_a_signature_is_that_of_its_two_keys(sharps):
    (major, _), (minor, _) = found = keys.signed(sharps)
    assert [mode for _, mode in found] == ["major", "minor"] and minor == (major - 3) % 12
    assert major == (keys.signed(sharps - 1)[0][0] + 7) % 12 and keys.to_c(*found[0]) == keys.to_c(*found[1])


@pytest.mark.parametrize("semitones", range(-6, 6))
def test_a_transposition_moves_the_key_in_which_a_piece_closes(semitones):
    for read in data.pieces("valid")[::9]:
        tonic, mode = keys.closing(read.voices, read.semitones)
        moved = voices.transpose(read.voices, semitones)
        assert keys.closing(moved, read.semitones - semitones) == ((tonic + semitones) % 12, mode)


@pytest.mark.parametrize(
    "pitches, key",
    [
        ([0, 2, 4, 5, 7, 9, 11, 0, 7], (0, "major")),
        ([9, 11, 0, 2, 4, 5, 8, 9, 4, 9, 0], (9, "minor")),
        ([7, 9, 11, 0, 2, 4, 6, 7, 2], (7, "major")),
    ],
)
def test_scales_by_hand(pitches, key):
    assert keys.find(as_notes(np.bincount(pitches, minlength=12))) == key


def test_any_notes_have_a_key():
    for lengths in ([1] * 12, [1] + [0] * 11):  # all alike; one note
        tonic, mode = keys.find(as_notes(lengths))
        assert 0 <= tonic < 12 and mode in keys.KEY_MODES


@pytest.mark.parametrize(
    "tonic, mode, name, semitones",
    [
        (0, "major", "C major", 0),
        (9, "minor", "A minor", 0),
        (7, "minor", "G minor", 2),
        (10, "major", "Bb major", 2),
        (6, "major", "F# major", -6),
        (3, "minor", "Eb minor", -6),
        (2, "major", "D major", -2),
    ],
)
def test_names_and_the_way_to_c(tonic, mode, name, semitones):
    assert keys.name(tonic, mode) == name and keys.to_c(tonic, mode) == semitones


@pytest.mark.parametrize("sharps, major, minor", [(0, 0, 9), (1, 7, 4), (-1, 5, 2), (4, 4, 1), (-3, 3, 0), (7, 1, 10)])
def test_signatures_by_hand(sharps, major, minor):
    assert keys.signed(sharps) == [(major, "major"), (minor, "minor")]


@pytest.mark.parametrize(
    "last, semitones, key",
    [
        ([72, 67, 64, 48], 0, (0, "major")),
        ([72, 69, 64, 57], 0, (9, "minor")),
        ([73, 69, 64, 57], 0, (9, "minor")),  # A major at the end of a piece in A minor
        ([74, 69, 65, 50], 0, (2, "minor")),  # Dorian
        ([71, 67, 62, 55], 0, (7, "major")),  # Mixolydian
        ([71, 68, 64, 52], 0, (4, "minor")),  # Phrygian
        ([71, 67, 62, 55], 5, (7, "major")),  # G major
        ([70, 67, 62, 55], 2, (7, "minor")),  # G minor
        ([72, 67, 64, -1], 0, (4, "minor")),  # no bass: the tenor is the lowest
        ([-1, -1, 65, -1], 0, (5, "major")),
    ],
)
def test_the_key_in_which_a_piece_closes_by_hand(last, semitones, key):
    last = np.array(last)
    held = np.where(last >= 0, last + voices.HELD, last)
    for end in ([last], [last, held, held], [held, [-1] * 4], [last, [-1] * 4, [-1] * 4]):
        assert keys.closing(np.array([[71, 67, 62, 43], *end], np.int16), semitones) == key


@pytest.mark.parametrize(
    "pitch, name", [(60, "C4"), (59, "B3"), (61, "Db4"), (66, "F#4"), (69, "A4"), (70, "Bb4"), (0, "C-1"), (127, "G9")]
)
def test_names_of_pitches(pitch, name):
    assert keys.pitch_name(pitch) == keys.pitch_name(np.int16(pitch)) == name


def test_twenty_thousand_notes_take_no_second():
    notes = np.tile(as_notes([4, 0, 2, 0, 3, 1, 0, 4, 0, 2, 0, 1]), 3_000)
    start = time.process_time()
    assert keys.find(notes) == (0, "major") and time.process_time() - start < 1
