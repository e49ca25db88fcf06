import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.show import musicxml

METRES = [(4, 4), (3, 4), (2, 4), (2, 2), (3, 2), (3, 8), (6, 8), (9, 8), (12, 8)]


@st.composite
def lines(draw):
    """A line of notes and rests in sixteenths."""
    now, line = 0, []
    for rest, steps, pitch in draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30), st.integers(36, 84)))):
        line.append((now + rest, now + rest + steps, (pitch,)))
        now += rest + steps
    return line


@settings(max_examples=60, deadline=None)
@given(lines(), st.sampled_from(METRES), st.integers(0, 5))
def test_values_fill_every_bar_and_keep_every_note(line, metre, upbeat):
    bars = musicxml.bars(line[-1][1] if line else 0, metre, upbeat, 0)
    values = musicxml.values(line, bars)
    lengths = [right - left for left, right in pairwise(bars.edges)]
    assert [sum(value.steps for value in bar) for bar in values] == lengths
    notes, now = [], 0
    for value in sum(values, []):
        assert value.onset == (now - upbeat) % bars.steps
        if value.pitches and not value.tied_in:
            notes.append((now, value.pitches))
        now += value.steps
        if value.pitches and not value.tied_out:
            notes[-1] = (notes[-1][0], now, value.pitches)
    assert notes == line
    assert {value.steps for bar in values for value in bar} <= {*musicxml.TYPES, *(3 * b // 2 for b in (16, 8, 4, 2))}


@given(st.integers(0, 127), st.integers(-7, 7))
def test_a_spelled_pitch_sounds_as_it_did(pitch, fifths):
    letter, alter, octave = musicxml.spell(pitch, fifths)
    assert 12 * (octave + 1) + "C D EF G A B".index(letter) + alter == pitch
    assert abs(alter) <= 2


@pytest.mark.parametrize("end, metre, upbeat, edges", [
    (16, (4, 4), 0, [0, 16]), (17, (4, 4), 0, [0, 16, 32]), (32, (4, 4), 4, [0, 4, 20, 32]),
    (33, (4, 4), 4, [0, 4, 20, 36]), (13, (6, 8), 2, [0, 2, 14]), (3, (3, 8), 0, [0, 6])])
def test_barlines_by_hand(end, metre, upbeat, edges):
    assert musicxml.bars(end, metre, upbeat, 0).edges == edges


def stems(number, *voices):
    """The stems of one bar: a string for each voice of whole notes (pitch or None for a rest)."""
    bars = musicxml.bars(16, (4, 4), 0, 0)
    values = [musicxml.values([(0, 16, (pitch,))] if pitch else [], bars)[0] for pitch in voices]
    return ["".join(re.findall("<stem>(.*?)</stem>", text)) for text in musicxml.staff(values, bars, number)]


def test_the_outer_voice_has_its_stems_to_itself():
    assert stems(1, 72) == [""] and stems(1, 72, 67) == ["up", "down"] == stems(2, 60, 48)
    assert stems(1, 76, 72, 67) == ["up", "down", "down"] and stems(2, 60, 55, 48) == ["up", "up", "down"]
    assert stems(1, None, 67) == [""]  # a voice that rests all the bar is left out


def test_rests_of_an_inner_voice_are_not_printed():
    bars = musicxml.bars(16, (4, 4), 0, 0)
    main = musicxml.values([(0, 16, (72,))], bars)[0]
    for is_inner, mark in ((False, "<note>"), (True, '<note print-object="no">')):
        text = musicxml.staff([main, musicxml.values([(8, 16, (60,))], bars, is_inner=is_inner)[0]], bars)[1]
        assert text.startswith(mark + "<rest/><duration>8</duration><voice>2</voice>")


def test_a_staff_of_rests():
    bars = musicxml.bars(16, (4, 4), 4, 0)
    upbeat, full = musicxml.values([], bars)
    assert 'measure="yes"' not in musicxml.staff([upbeat], bars)[0]
    assert musicxml.staff([full], musicxml.bars(16, (3, 4), 0, 0), 2, 5) == [
        '<note><rest measure="yes"/><duration>12</duration><voice>5</voice><staff>2</staff></note>\n']
