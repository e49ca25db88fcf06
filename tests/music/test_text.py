"""Laws of the strings: what is encoded comes back, and whatever a model writes becomes a roll."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from utils.music import text


def well_formed(cells):
    """Strike every held cell that nothing precedes."""
    roll = cells.copy()
    for time in range(len(roll)):
        before = roll[time - 1] if time else np.zeros(128, np.uint8)
        roll[time][(roll[time] == 2) & (before == 0)] = 1
    return roll


rolls = arrays(np.uint8, st.tuples(st.integers(0, 12), st.just(128)), elements=st.sampled_from([0] * 20 + [1, 2]),
               fill=st.just(0)).map(well_formed)


@given(rolls, st.booleans())
def test_the_onset_alphabet_loses_nothing(roll, descending):
    decoded, mended = text.decode(text.encode(roll, onsets=True, descending=descending), return_mended=True)
    assert np.array_equal(decoded, roll) and not mended


@given(rolls)
def test_the_plain_alphabet_keeps_what_sounds_and_merges_repeated_notes(roll):
    decoded = text.decode(text.encode(roll))
    assert np.array_equal(decoded != 0, roll != 0)
    assert np.array_equal(decoded, text.as_roll([np.flatnonzero(frame) for frame in roll]))


@given(st.text(max_size=60))
def test_any_string_becomes_a_well_formed_roll(anything):
    roll = text.decode(anything)
    assert roll.dtype == np.uint8 and roll.shape[1] == 128 and np.array_equal(roll, well_formed(roll))


@given(st.text(alphabet=text.vocab(onsets=True), max_size=60))
def test_what_needed_no_mending_reads_back_to_the_same_roll(string):
    roll, mended = text.decode(string, return_mended=True)
    if not mended:
        assert np.array_equal(text.decode(text.encode(roll, onsets=True)), roll)


def test_a_chord_by_hand():
    assert text.encode([[60, 64, 67], [60, 64, 67], []]) == "HLO HLO  "  # middle C is 'H', a third up 'L', a fifth 'O'
    assert text.encode([[60, 64], [60, 65]], onsets=True) == f"{chr(0x13C)}{chr(0x140)} H{chr(0x141)} "
    assert text.encode([[60, 64, 67]], descending=True) == "OLH "


def test_alphabets_are_printable_and_never_share_a_character():
    alphabet = text.vocab(onsets=True)
    assert len(text.vocab()) == 129 and len(alphabet) == len(set(alphabet)) == 259
    assert alphabet.isprintable() and alphabet.startswith(text.vocab())


@pytest.mark.parametrize("string, fault", [
    ("HL", "last frame not closed"), ("H\u2603 ", "unknown characters"), ("HH ", "pitch written twice in a frame"),
    ("{H }", "held note never struck"), ("{ }HL ", "characters after the end")])
def test_each_fault_is_mended_and_named(string, fault):
    roll, mended = text.decode(string, return_mended=True)
    assert fault in mended and len(roll) == 1


def test_tokens_and_characters_are_inverse():
    alphabet = text.vocab(onsets=True)
    assert text.characters(text.tokens(alphabet, alphabet), alphabet) == alphabet
    assert text.tokens(" ", alphabet).tolist() == [0]
    with pytest.raises(ValueError, match="not in this alphabet.*onsets=True"):
        text.tokens(text.START, text.vocab())


def test_each_token_has_its_kind_and_each_pitch_its_two_tokens():
    alphabet = text.vocab(onsets=True)
    kinds = [[text.SPACE_TOKEN], text.HELD_TOKENS, text.STRUCK_TOKENS, [text.START_TOKEN, text.END_TOKEN]]
    assert [token for kind in kinds for token in kind] == list(range(len(alphabet)))
    for kind, characters in zip(kinds, (text.FRAME_END, text.SOUNDING, text.STRUCK, text.START + text.END)):
        assert text.characters(list(kind), alphabet) == characters
    assert text.pitches(text.HELD_TOKENS).tolist() == text.pitches(text.STRUCK_TOKENS).tolist() == list(range(128))
    assert set(text.pitches([text.NO_TOKEN, text.SPACE_TOKEN, text.START_TOKEN, text.END_TOKEN])) == {-1}


@given(rolls, st.booleans(), st.booleans())
def test_pitches_are_those_that_were_encoded(roll, onsets, descending):
    rows = text.pitches(text.frame_tokens(roll, onsets, descending))
    for frame, row in zip(roll, rows, strict=True):
        pitches = np.flatnonzero(frame)[::-1 if descending else 1]
        assert row[row >= 0].tolist() == pitches.tolist()


@pytest.mark.parametrize("frames, remedy", [([[128]], "0 to 127"), ([[-1]], "0 to 127"), ([[60.5]], "whole numbers"),
                                            (np.zeros((4, 88)), "notes_to_roll")])
def test_frames_that_are_none_are_refused(frames, remedy):
    with pytest.raises(ValueError, match=remedy):
        text.encode(frames)
