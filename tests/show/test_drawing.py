"""The score that the pages draw, in a browser: what an engraver would check, whatever the piece."""

import random

import pytest

from tests import browsers
from utils.show import pages

SCRIPTS = "cells.js", "notation.js", "harmony.js", "glyphs.js", "bars.js", "voice.js", "score.js"
METRES = [(4, 4), (3, 4), (2, 4), (2, 2), (3, 2), (6, 8), (9, 8), (12, 8), (3, 8)]
LOOK = """([score, width, options, marks]) => {
    const drawn = drawScore(score, width, marks || [], options || {});
    document.body.innerHTML = drawn.svg;
    const all = (where, what) => [...where.querySelectorAll(what)], svg = document.querySelector("svg");
    const box = (each) => {
        const {left, right, top, bottom} = each.getBoundingClientRect();
        return [left, right, top, bottom];
    };
    const boxes = (where, what) => all(where, what).map(box);
    const notes = all(document, "g.note").map((each) => {
        const [left, right, top, bottom] = box(each.querySelector(".head"));
        return {voice: +each.dataset.voice, frame: +each.dataset.frame, size: +each.dataset.size, x: (left + right) / 2,
            y: (top + bottom) / 2, head: each.querySelector(".head").classList[1], dots: all(each, ".dot").length,
            ties: all(each, ".tie").length, signs: boxes(each, ".accidental"), stem: boxes(each, ".stem")[0],
            ring: all(each, ".ring").length, marked: each.matches(".marked")};
    });
    const kinds = ["rest", "fermata", "beam"];
    const staff = (each) => Object.fromEntries(kinds.map((kind) => [`${kind}s`, boxes(each, `.${kind}`)]));
    return {notes, systems: drawn.systems, system: drawn.system, page: box(svg), ink: boxes(svg, "path, text, circle"),
        label: svg.getAttribute("aria-label"), role: svg.getAttribute("role"),
        staves: all(svg, "g.system").map((each) => all(each, "g.staff").map(staff))};
}"""


@pytest.fixture(scope="module")
def page():
    with browsers.playwright_chromium() as browser:
        page, complaints = browser.new_page(viewport={"width": 1280, "height": 800}), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_content(f"<!DOCTYPE html><style>{pages.source('base.css', 'score.css')}</style><body></body>"
                         f"<script>{pages.source(*SCRIPTS)}</script>")
        yield page
        assert not complaints


@pytest.fixture
def look(page):
    """Draw a score and look at it: dict, all places in pixels."""
    return lambda score, width=1000, marks=(), **options: page.evaluate(LOOK, [score, width, options, list(marks)])


def written(*lines, frames=None, **facts):
    """A score of lines of (pitch or None for a rest, sixteenths), the highest voice first."""
    frames = frames or max(sum(length for _, length in line) for line in lines)
    cells = [[-1] * 4 for _ in range(frames)]
    for voice, line in enumerate(lines):
        now = 0
        for pitch, length in line:
            for frame in range(now, min(now + length, frames)):
                if pitch is not None:
                    cells[frame][voice] = pitch + 128 * (frame > now)
            now += length
    return {"cells": cells, "metre": [4, 4], "upbeat": 0, "tonic": 0, "mode": "major", "fermatas": [], **facts}


def anything(seed, metre, bars=4, upbeat=0, **facts):
    """Four voices of any notes and rests, close together: heads meet, voices cross."""
    chance, frames = random.Random(seed), upbeat + bars * metre[0] * 16 // metre[1]
    lines = []
    for middle in (72, 68, 58, 54):
        line, pitch = [], middle
        while sum(length for _, length in line) < frames:
            pitch = min(max(pitch + chance.randint(-4, 4), middle - 12), middle + 12)
            line.append((pitch if chance.random() > 0.15 else None, chance.choice([1, 2, 2, 3, 4, 4, 5, 6, 8, 10])))
        lines.append(line)
    facts = {"fermatas": [upbeat + metre[0] * 8 // metre[1]], "metre": list(metre), "upbeat": upbeat, **facts}
    return written(*lines, frames=frames, **facts)


def sounding(score):
    """(voice, start) -> length of each note of a score."""
    found = {}
    for voice in range(4):
        for frame, row in enumerate(score["cells"]):
            if 0 <= row[voice] < 128:
                found[voice, frame] = start = 1
                start = frame
            elif row[voice] >= 128:
                found[voice, start] += 1
    return found


@pytest.mark.parametrize("metre", METRES)
def test_every_note_is_drawn_and_its_values_add_up(look, metre):
    score = anything(sum(metre), metre, upbeat=2)
    notes = look(score)["notes"]
    heads = {(note["voice"], note["frame"]): note for note in notes}
    assert len(heads) == len(notes)
    bar, count = metre[0] * 16 // metre[1], 0
    for (voice, start), length in sounding(score).items():
        now = start
        while now < start + length:
            note = heads[voice, now]
            size, base = note["size"], note["size"] * 2 // 3 if note["size"] % 3 == 0 else note["size"]
            assert base in (1, 2, 4, 8, 16) and note["dots"] == (size != base)
            assert note["head"] == ("whole" if base == 16 else "half" if base == 8 else "black")
            assert (now - 2) // bar == (now + size - 1 - 2) // bar  # no value crosses a barline
            assert (note["stem"] is None) == (base == 16)
            now, count = now + size, count + 1
        assert now == start + length
    assert count == len(notes)


def test_heads_go_on_to_the_right_and_a_step_is_half_a_space(look):
    drawn = look(written([(60 + step, 4) for step in (0, 2, 4, 5, 7, 9, 11, 12)]), 1280)
    heights = [note["y"] for note in drawn["notes"]]
    assert [round(a - b, 1) for a, b in zip(heights, heights[1:])] == [4.5] * 7  # of 9 pixels
    assert len(drawn["systems"]) == 1
    score = anything(3, (4, 4), bars=6)
    drawn = look(score, 700)
    for system in drawn["systems"]:
        for voice in range(4):
            x = [note["x"] for note in drawn["notes"]
                 if note["voice"] == voice and system["first"] <= note["frame"] < system["end"]]
            assert x == sorted(x) and len(set(x)) == len(x)


def test_an_accidental_stands_once_in_a_bar_and_a_tie_carries_it(look):
    line = [(66, 4), (66, 4), (65, 4), (65, 4), (66, 4), (67, 8), (66, 8), (66, 4), (65, 4), (67, 4)]
    notes = look(written(line))["notes"]
    assert [len(note["signs"]) for note in notes] == [1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 0]  # the tied one needs none


def test_ties_join_values_bars_and_systems(look):
    tied = written([(72, 10), (74, 4), (76, 4), (77, 6), (79, 8)])
    notes = look(tied, 1280)["notes"]
    assert [note["size"] for note in notes] == [8, 2, 4, 2, 2, 6, 8]
    assert [note["ties"] for note in notes] == [1, 0, 0, 1, 0, 0, 0]
    long = look(written([(72, 16 * 12)]), 320)
    assert sum(note["ties"] for note in long["notes"]) == 11 + len(long["systems"]) - 1  # a half of it in each system


def test_values_are_split_where_an_engraver_would(page):
    splits = lambda place, length, metre, rest=False: page.evaluate(
        "(all) => writtenValues(...all)", [place, length, metre, rest])
    assert splits(6, 4, [4, 4]) == [2, 2]  # over the middle of a bar
    assert splits(2, 4, [4, 4]) == [4]  # of eighth, quarter, eighth
    assert splits(0, 12, [6, 8]) == [12] and splits(2, 10, [6, 8]) == [4, 6] and splits(4, 4, [6, 8]) == [2, 2]
    assert splits(0, 18, [9, 8]) == [12, 6] and splits(0, 24, [3, 2]) == [24] and splits(4, 8, [3, 4]) == [8]
    assert splits(4, 12, [4, 4], True) == [4, 8] and splits(6, 6, [6, 8], True) == [6]
    assert splits(4, 8, [3, 4], True) == [4, 4]


def test_heads_that_meet_make_room(look):
    pairs = [(71, 4), (72, 4), (72, 8)], [(69, 4), (72, 4), (72, 4), (71, 4)]  # a second, a unison, and an unlike one
    x = {(note["voice"], note["frame"]): note["x"] for note in look(written(*pairs))["notes"]}
    assert x[1, 0] - x[0, 0] > 9 and x[0, 4] == pytest.approx(x[1, 4]) and x[1, 8] - x[0, 8] > 10
    crossed = look(written([(67, 16)], [(72, 16)]))["notes"]
    assert crossed[0]["voice"] == 1 and crossed[1]["x"] > crossed[0]["x"]


@pytest.mark.parametrize("seed", range(4))
def test_signs_of_two_voices_do_not_meet(look, seed):
    chance = random.Random(seed)
    pairs = [(61 + chance.randint(6, 20), 61 + chance.randint(0, 8)) for _ in range(16)]
    drawn = look(written(*([(pair[voice], 4) for pair in pairs] for voice in (0, 1))), 1280)
    signs = {}
    for note in drawn["notes"]:
        for sign in note["signs"]:
            signs.setdefault(note["frame"], []).append(sign)
    for found in signs.values():
        for (left, right, top, bottom), (left_2, right_2, top_2, bottom_2) in zip(found, found[1:]):
            assert right <= left_2 + 0.5 or right_2 <= left + 0.5 or bottom <= top_2 + 2 or bottom_2 <= top + 2


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
def test_nothing_is_outside_and_systems_say_where_they_are(look, width):
    in_e_flat_minor = {"metre": (12, 8), "tonic": 3, "mode": "minor"}
    for facts in ({"metre": (4, 4), "upbeat": 4}, in_e_flat_minor, {"metre": (3, 4), "tonic": 6}):
        score = anything(width, bars=7, **facts)
        drawn = look(score, width, title="A piece of any notes and rests, close together, in four voices")
        left, right, top, bottom = drawn["page"]
        assert right - left == width
        for a, b, c, d in drawn["ink"]:
            assert a > left - 0.5 and b < right + 0.5 and c > top - 0.5 and d < bottom + 0.5
        assert [system["first"] for system in drawn["systems"]] + [len(score["cells"])] == [0] + [
            system["end"] for system in drawn["systems"]]
        for system in drawn["systems"]:
            for rising in (system["edges"], system["xs"]):
                assert all(a < b for a, b in zip(rising, rising[1:])) and len(rising) == len(system["edges"])
            assert system["edges"][0] == system["first"] and system["edges"][-1] == system["end"]
            assert system["y"] <= system["top"] < system["bottom"] <= system["y"] + system["height"] <= bottom - top
            assert drawn["system"] <= system["height"] and system["xs"][-1] <= width


def test_systems_are_filled_evenly(look):
    systems = look(written([(72, 4)] * 4 * 16), 800)["systems"]
    bars = [(system["end"] - system["first"]) // 16 for system in systems]
    assert len(bars) > 2 and max(bars) - min(bars) <= 1
    few = look(written([(72, 4)] * 4), 1280)["systems"]
    assert few[0]["xs"][-1] < 640  # a single bar is not drawn out over the page


def test_what_is_silent_is_not_drawn(look):
    silent = look(written([(None, 96)], metre=[3, 4]))
    assert not silent["notes"] and [len(staff["rests"]) for system in silent["staves"] for staff in system] == [8, 8]
    assert len(look({**written([(None, 4)]), "cells": []})["systems"]) == 1
    upper, lower = look(written([(72, 8), (None, 8), (None, 16)]))["staves"][0]  # a tune alone
    assert len(upper["rests"]) == 2 and len(lower["rests"]) == 2
    shared, _ = look(written([(72, 8), (None, 8)], [(67, 8), (None, 8)]))["staves"][0]
    assert len(shared["rests"]) == 1
    apart, _ = look(written([(72, 8), (None, 8)], [(None, 8), (67, 8)]))["staves"][0]
    assert len(apart["rests"]) == 2
    low, high = look(written([(64, 4), (77, 4)]))["notes"]  # a tune's stems follow its pitch
    assert low["stem"][2] < low["y"] - 20 and high["stem"][3] > high["y"] + 20


def test_fermatas_stand_clear_above_and_marks_are_rings(look):
    score = written([(72, 2), (76, 2), (79, 4), (86, 8)], [(67, 16)], fermatas=[2, 8])
    marks = [{"frame": 9, "voices": [0, 2], "text": "parallel octaves"}]
    drawn = look(score, marks=marks)
    (upper, lower), = drawn["staves"]
    assert len(upper["fermatas"]) == 2 and not lower["fermatas"]
    for left, right, _, bottom in upper["fermatas"]:
        under = [beam for beam in upper["beams"] if beam[0] < right and beam[1] > left]
        under += [note["stem"] for note in drawn["notes"] if note["stem"] and left < note["stem"][0] < right]
        assert under and all(bottom < top for _, _, top, _ in under)
    assert [note["frame"] for note in drawn["notes"] if note["ring"] and note["marked"]] == [8]


def test_it_tells_what_it_shows(look):
    drawn = look(anything(1, (3, 4), bars=16, tonic=7, upbeat=4))
    assert drawn["role"] == "img" and drawn["label"] == "Score, 16 bars in G major, 3/4"


def test_400_bars_are_drawn(page):
    score = anything(5, (4, 4), bars=400)
    drawn = page.evaluate("""(score) => {
        document.body.innerHTML = drawScore(score, 1000).svg;
        return document.querySelectorAll("g.note").length;
    }""", score)
    assert drawn > len(sounding(score)) > 400
