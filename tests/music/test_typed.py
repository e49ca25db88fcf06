"""What a musician types: keys, metres, upbeats, bars, singers."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.music import keys, midi, typed, voices

law = settings(database=None, deadline=None)
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SIGNS = {"": 0, "#": 1, "♯": 1, "sharp": 1, " sharp": 1, "-sharp": 1, "b": -1, "♭": -1, "flat": -1, "-flat": -1}

# Laws


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("sign", SIGNS)
def test_a_key_is_understood_in_every_spelling(letter, sign):
    tonic = (LETTERS[letter] + SIGNS[sign]) % 12
    for mode in ("", " major", "major", "-major", " maj", "maj"):
        assert typed.key(letter + sign + mode) == (tonic, "major"), letter + sign + mode
    for mode in (" minor", "minor", "-minor", " min", "min", "m", " m"):
        assert typed.key(letter + sign + mode) == (tonic, "minor"), letter + sign + mode
        assert typed.key(letter.lower() + sign + mode) == (tonic, "minor"), letter + sign + mode
    assert typed.key(letter.lower() + sign) == (tonic, "minor")
    assert typed.key(letter.lower() + sign + " major") == (tonic, "major")
    assert typed.key(f"  {letter}{sign} ") == (tonic, "major")


@pytest.mark.parametrize("mode", keys.KEY_MODES)
@pytest.mark.parametrize("tonic", range(12))
def test_a_key_that_we_name_is_understood(tonic, mode):
    assert typed.key(keys.name(tonic, mode)) == (tonic, mode)


@pytest.mark.parametrize("sharps", range(-7, 8))
def test_a_signature_of_midi_is_understood(sharps):
    names = [midi.KEYS[mode][sharps + 7] for mode in (0, 1)]
    assert [typed.key(name) for name in names] == keys.signed(sharps)


@pytest.mark.parametrize("unit", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("beats", [1, 2, 3, 4, 5, 6, 12, 99])
def test_a_metre_is_understood(beats, unit):
    assert typed.metre(f"{beats}/{unit}") == typed.metre(f" {beats} / {unit} ") == (beats, unit)


@pytest.mark.parametrize("metre", [(4, 4), (3, 4), (6, 8), (2, 2), (5, 16), (3, 1)])
def test_every_sixteenth_before_the_bar_is_full_is_an_upbeat(metre):
    bar = metre[0] * 16 // metre[1]
    assert [typed.upbeat(frames / 4, metre) for frames in range(bar)] == list(range(bar))
    for frames in (-1, bar, bar + 1, 0.5):
        with pytest.raises(ValueError, match=f"in {metre[0]}/{metre[1]}: give whole sixteenths, less than a bar"):
            typed.upbeat(frames / 4, metre)


@law
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), min_size=1, max_size=8))
def test_bars_are_understood_in_any_order_and_counted_once(ranges):
    text = ",".join(f"{first}-{first + more}" if more else str(first) for first, more in ranges)
    wanted = {number for first, more in ranges for number in range(first, first + more + 1)}
    assert typed.bars(text) == typed.bars(text.replace(",", " , ").replace("-", " - ")) == sorted(wanted)


def test_singers_are_understood_in_any_order_and_named_once():
    for count in range(1, 5):
        for chosen in permutations(range(4), count):
            for names in (voices.SINGERS, [name.lower() for name in voices.SINGERS], "SATB"):
                assert typed.singers(",".join(names[voice] for voice in chosen)) == sorted(chosen)
    assert typed.singers("alto, alto,tenor ") == [1, 2]


# Values worked by hand


@pytest.mark.parametrize("text, key", [
    ("G", (7, "major")), ("g", (7, "minor")), ("e minor", (4, "minor")), ("F# major", (6, "major")),
    ("Bbm", (10, "minor")), ("bb", (10, "minor")), ("b", (11, "minor")), ("Cb", (11, "major")), ("B#", (0, "major")),
    ("am", (9, "minor")), ("c-sharp-minor", (1, "minor")), ("E flat major", (3, "major"))])
def test_keys_by_hand(text, key):
    assert typed.key(text) == key


@pytest.mark.parametrize("text, bars", [("4", [4]), ("5-8,12", [5, 6, 7, 8, 12]), ("12,5-8,6", [5, 6, 7, 8, 12]),
                                        ("3-3", [3]), (7, [7]), ("0", [0]), ("9999", [9999])])
def test_bars_by_hand(text, bars):
    assert typed.bars(text) == bars


def test_upbeats_by_hand():
    assert typed.upbeat(1, (4, 4)) == 4 and typed.upbeat(0.5, (6, 8)) == 2 and typed.upbeat(2.75, (3, 4)) == 11


# Errors and their remedies


@pytest.mark.parametrize("text", ["", "H", "X major", "G moll", "G##", "Gbb", "do", "7", "G major minor", "minor"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match=f"the key '{text}' cannot be read: write G, e minor, F# or Bbm"):
        typed.key(text)


@pytest.mark.parametrize("text", ["", "4", "4/", "/4", "0/4", "4/0", "4/3", "5/32", "-3/4", "3.5/4", "100/4", "3/4/4",
                                  "C", "four four", None])
def test_what_is_no_metre_is_refused(text):
    with pytest.raises(ValueError, match=f"the metre {text!r} cannot be read: write 4/4, 3/4, 6/8"):
        typed.metre(text)


@pytest.mark.parametrize("quarters", [4, 4.0001, -0.25, 0.1, 1 / 3, float("nan"), float("inf"), -float("inf"), 1e300])
def test_what_is_no_upbeat_is_refused(quarters):
    with pytest.raises(ValueError, match="such as 1 or 0.5"):
        typed.upbeat(quarters, (4, 4))


@pytest.mark.parametrize("text", ["", ",", "1,,2", "8-5", "4-", "-4", "a", "1.5", "10000", "1-2-3", "4;8"])
def test_what_are_no_bars_is_refused(text):
    with pytest.raises(ValueError, match=f"the bars '{text}' cannot be read: write 4, 5-8 or 4,8,12"):
        typed.bars(text)


@pytest.mark.parametrize("text", ["", "viola", "alto,", "1", "alto,tenor,all"])
def test_what_are_no_singers_is_refused(text):
    with pytest.raises(ValueError, match=f"the voices '{text}' cannot .*: write soprano, alto, tenor, bass, with"):
        typed.singers(text)


@pytest.mark.parametrize("text, wanted", [("G Major", (7, "major")), ("E MINOR", (4, "minor")), ("GM", (7, "major"))])
def test_a_mode_may_be_in_capitals(text, wanted):
    assert typed.key(text) == wanted


@pytest.mark.parametrize("text", ["alto;tenor", "alto tenor", "alto and tenor", "Tenor, Alto"])
def test_voices_may_be_listed_in_any_way(text):
    assert typed.singers(text) == [1, 2]
