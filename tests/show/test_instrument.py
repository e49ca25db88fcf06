"""The instrument in real browsers, from a file: a tune is drawn, harmonised, heard and kept, and nothing is lost."""

import base64
import json
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from notebooks import play
from tests import browsers
from tests.browsers import until
from utils.music import folder, piece, voices
from utils.nets import composer, infill_inputs, infill_numpy
from utils.show import gallery, instrument, pages

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "outputs" / "gallery" / "play.html"
MOST_BYTES = 6_000_000
TUNE = [(0, 67), (4, 69), (8, 71), (12, 72), (16, 74), (20, 72), (24, 71), (28, 67)]  # frames and pitches of quarters
QUIET = "--autoplay-policy=no-user-gesture-required", "--mute-audio"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return play.main(["--keep-closed", "--out", str(tmp_path_factory.mktemp("page") / "play.html")])


@contextmanager
def watched(opened):
    """A page in a browser; in the end a look at what it asked for and complained of."""
    with opened as page:
        yield page
        complaints = [each for each in page.complaints() if not each.startswith("XML Parsing Error")]  # of broken files
        assert complaints == [] and page.requests() == []


@pytest.fixture(scope="module")
def in_chromium(built):
    with watched(browsers.chromium(built.as_uri(), *QUIET)) as page:
        yield page


@pytest.fixture(scope="module")
def in_firefox(built):
    with watched(browsers.firefox(built.as_uri())) as page:
        yield page


def fresh(page):
    """The page with an empty piece of four bars, at a desktop's size; in each test it draws the same random numbers."""
    page.resize(1280, 900)
    page.evaluate("() => { start(blank(4)); chooseLength(4); $('marks').checked = true; show(); }")
    page.evaluate("() => { Math.random = random(1); }")
    return page


@pytest.fixture(params=["in_chromium", "in_firefox"])
def page(request):
    return fresh(request.getfixturevalue(request.param))


@pytest.fixture
def chromium(in_chromium):
    """For tests that one browser is enough for, or that have to see what a page saves."""
    return fresh(in_chromium)


def point(page, *places):
    """Press at a frame and pitch of the grid, move over the others, and let go."""
    page.evaluate("$('grid').scrollIntoView({block: 'center', behavior: 'instant'})")
    page.drag(*page.evaluate("""(places) => { const box = $("grid").getBoundingClientRect();
        return places.map(([frame, pitch]) => [box.left + xOf(frame) + COLUMN / 2, box.top + rowOf(pitch) + ROW / 2]
            .map(Math.round)); }""", places))


def press(page, selector):
    """Click where a person would: what is clicked comes into view first."""
    page.evaluate("""(selector) => document.querySelector(selector)
        .scrollIntoView({block: "center", behavior: "instant"})""", selector)
    page.click(selector)


def cells(page):
    return np.array(page.evaluate("score.cells"))


def said(page):
    return page.evaluate("$('said').textContent")


def draw(page):
    for frame, pitch in TUNE:
        point(page, (frame, pitch))


def harmonise(page, button="#harmonise"):
    press(page, button)
    until(page, "!writing && state.ways.length === WAYS")


def is_sound(found):
    """Every note that is held has been struck."""
    held = found >= voices.HELD
    before = np.vstack([np.full((1, 4), voices.REST), found[:-1]])
    same = found[held] - voices.HELD == before[held] % voices.HELD
    return not held[0].any() and same.all() and (before[held] >= 0).all()


# ---------------------------------------------------------------------------------------------- the file


def test_the_page_that_is_shipped_is_what_the_shipped_network_makes(built):
    assert SHIPPED.read_bytes() == built.read_bytes()


def test_it_is_one_file_that_may_ask_nothing_and_is_small(built):
    text = built.read_text(encoding="utf-8")
    assert built.stat().st_size <= MOST_BYTES and "default-src 'none'" in text and "connect-src 'none'" in text
    assert not re.findall(r'(?:src|href)="(?!data:|#)|\beval\b', text)


@pytest.mark.parametrize("scripts", [
    ("cells.js", "weights.js", "audio.js", *instrument.ENGINE, *instrument.SCRIPTS), gallery.PAGE_SCRIPTS],
    ids=["instrument", "gallery"])
def test_no_two_scripts_of_a_page_declare_one_name(scripts):
    declared = {}
    for name in scripts:
        found = re.findall(r"^(?:async )?(?:function\*?|class) (\w+)", pages.source(name), re.MULTILINE)
        for line in re.findall(r"^(?:const|let) (.*)", pages.source(name), re.MULTILINE):
            found += re.findall(r"(?:^|, )(\w+) = ", line)
        for each in found:
            declared.setdefault(each, []).append(name)
    assert len(declared) > 100 and not {each: names for each, names in declared.items() if len(names) > 1}


def test_weights_as_bytes_are_near_to_what_they_were():
    network = infill_numpy.load(ROOT / "outputs" / "infill")
    for name in ("head_0/kernel", "gru_0/recurrent_kernel"):
        kept = {key: base64.b64decode(text) for key, text in instrument.quantised(network[name]).items()}
        scale, data = np.frombuffer(kept["scale"], "<f4"), np.frombuffer(kept["data"], "i1")
        wrong = np.abs(data.reshape(network[name].shape) * scale - network[name]).max(axis=0)
        assert (wrong <= 0.51 * np.abs(network[name]).max(axis=0) / instrument.LEVELS).all()


def test_a_page_begins_with_ones_own_tunes_and_network(tmp_path):
    shutil.copytree(ROOT / "outputs" / "infill", tmp_path / "mine")
    page = play.main([str(ROOT / "data" / "tunes" / "greensleeves.abc"), "--network", str(tmp_path / "mine"),
                      "--out", str(tmp_path / "my.html"), "--keep-closed"])
    text = page.read_text(encoding="utf-8")
    tunes = json.loads(re.search(r'id="tunes">(.*?)</script>', text, re.DOTALL)[1])
    assert [tune["title"] for tune in tunes] == ["Greensleeves"] and tunes[0]["metre"] == [6, 8]
    assert "trained on the music you gave it" in text and "learned from Bach" not in text
    with pytest.raises(ValueError, match="nowhere"):
        play.main(["--network", str(tmp_path / "nowhere"), "--out", str(tmp_path / "other.html"), "--keep-closed"])
    assert not (tmp_path / "other.html").exists()


def test_a_page_without_a_tune_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no example tune"):
        instrument.build(tmp_path / "play.html", {}, None, [])
    with pytest.raises(ValueError, match="ends in .html"):
        play.main(["--keep-closed", "--out", str(tmp_path / "page.txt")])
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------------------------- four voices


def test_the_page_writes_as_python_does(chromium):
    """The same drafts, ranges and usual temperature; the arithmetic is compared in test_engine."""
    assert chromium.evaluate("DRAFTS") == composer.DRAFTS
    assert chromium.evaluate("RANGES") == [list(each) for each in voices.RANGES]
    assert float(chromium.evaluate("$('boldness').defaultValue")) == infill_inputs.TEMPERATURE


def test_a_drawn_tune_becomes_four_voices_with_it_on_top(page):
    draw(page)
    tune = cells(page)[:32, 0]
    assert tune[::4].tolist() == [pitch for _, pitch in TUNE]
    harmonise(page)
    found = cells(page)
    assert found.shape == (32, 4) and (found[:, 0] == tune).all() and (found >= 0).mean() > 0.95 and is_sound(found)
    struck = ((found >= 0) & (found < voices.HELD)).sum()  # one note each on the score, or several that are tied
    assert page.evaluate("document.querySelectorAll('#score .note').length") >= struck >= len(TUNE) * 3
    first, second, third = (np.array(way) for way in page.evaluate("state.ways.map((way) => way.cells)"))
    assert (first != second).any() and (second != third).any() and (first != third).any()
    assert (first[:, 0] == tune).all() and (second[:, 0] == tune).all()
    press(page, "#ways-cards article:nth-child(3) button:nth-child(2)")
    assert (cells(page) == third).all()
    press(page, "#undo")
    assert (cells(page) == first).all()


def test_notes_are_drawn_moved_stretched_and_removed_with_the_pointer(page):
    line = lambda: page.evaluate("asText(score).split('\\n')[6]")
    point(page, (2, 72), (9, 72))
    assert line() == "soprano: r:2 C5:8 r:54"
    point(page, (4, 72), (8, 76))
    assert line() == "soprano: r:6 E5:8 r:50"
    page.evaluate("() => { const frame = score; putNote(frame.cells, 0, 20, 24, 60); show(); }")
    point(page, (21, 60))
    point(page, (21, 60))
    assert line() == "soprano: r:6 E5:8 r:50"
    press(page, "#undo")
    assert "C4:4" in line()


def test_the_whole_way_by_keyboard_alone(page):
    def go_to(identity, key="Tab"):
        for _ in range(60):
            if page.evaluate("document.activeElement.id") == identity:
                return
            page.press(key)
        raise AssertionError(f"no {key} leads to {identity}")

    page.evaluate("$('examples').focus()")
    go_to("new")
    page.press("Enter")
    until(page, "document.activeElement.id === 'grid'")
    for key in ("g", "a", "b", "5", "g"):
        page.press(key)
    assert page.evaluate("asText(score).split('\\n')[6]").startswith("soprano: G4:4 A4:4 B4:4 G4:16")
    page.press("ArrowLeft")
    assert "soprano G4" in page.evaluate("$('told').textContent")
    page.press("t")
    assert page.evaluate("score.fermatas.length") == 1
    go_to("harmonise", "Shift+Tab")
    page.press("Enter")
    until(page, "!writing && state.ways.length === WAYS")
    found = cells(page)
    assert (found[:28] >= 0).all() and (found[28:] < 0).all()  # all voices end with the tune
    go_to("score")
    page.press("ArrowRight")
    assert all(name in page.evaluate("$('told').textContent") for name in ("soprano", "alto", "tenor", "bass", "chord"))
    page.press("Control+z")
    assert (cells(page)[:, 1:] < 0).all()


@pytest.mark.parametrize("selector", ["#voices .voice1 button:nth-child(2)", "#lengths button:nth-child(4)"])
def test_the_keyboard_stays_on_the_button_that_it_has_pressed(page, selector):
    named = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    page.evaluate("(selector) => document.querySelector(selector).focus()", selector)
    before = page.evaluate(named)
    page.press("Enter")
    until(page, f"document.querySelector('{selector}').getAttribute('aria-pressed') === 'true'")
    assert page.evaluate(named) == before
    page.evaluate("() => { if (score.locks.voices[1]) start(blank(4)); }")


def test_what_is_locked_never_moves(page):
    draw(page)
    harmonise(page)
    press(page, "#voices .voice3 button:nth-child(2)")
    page.evaluate("() => { lockBar(16); state.voice = 1; lockNote(1, 0); }")
    before, known = cells(page), np.array(page.evaluate("lockedCells()"))
    assert known[:, [0, 3]].all() and known[16:].all() and known[0, 1] and not known[:16, 2].any()
    changed = np.zeros(before.shape, bool)
    for _ in range(2):
        harmonise(page)
        for way in page.evaluate("state.ways.map((way) => way.cells)"):
            assert (np.array(way)[known] == before[known]).all() and is_sound(np.array(way))
            changed |= np.array(way) != before
    assert changed[~known].any()
    before = cells(page)
    page.evaluate("() => change((piece) => { piece.locks.voices = [true, true, true, true]; })")
    press(page, "#harmonise")
    assert "Everything is locked" in said(page) and (cells(page) == before).all()


def test_going_on_leaves_what_is_there_and_is_one_step(chromium):
    page = chromium
    draw(page)
    harmonise(page)
    before = cells(page)
    harmonise(page, "#continue")
    after = cells(page)
    assert len(after) == 32 + 8 * 16 and (after[:32] == before).all()
    assert (after[32:] >= 0).mean() > 0.9 and is_sound(after)
    press(page, "#undo")
    assert (cells(page) == before).all()


def test_stopping_in_the_middle_leaves_a_sound_piece_that_undo_takes_back(page):
    page.evaluate("start({...tunes[0], keyGiven: true, endsGiven: true})")
    before = cells(page)
    page.evaluate("harmonise()")
    until(page, "!writing || writing.part !== null")
    page.evaluate("stopWriting()")
    stopped = cells(page)
    assert "Stopped" in said(page) and is_sound(stopped)
    assert (stopped[:, 0] == before[:, 0]).all() and (stopped[:, 1:] >= 0).any()
    time.sleep(0.5)
    assert (cells(page) == stopped).all()  # nothing comes late
    press(page, "#undo")
    assert (cells(page) == before).all()
    harmonise(page)  # the worker is still there
    assert (cells(page)[:, 1:] >= 0).mean() > 0.9


def test_what_is_done_while_the_network_writes_is_refused_or_stays(page):
    draw(page)
    before = cells(page)[:32]  # `harmonise` takes away the bars after the tune
    page.evaluate("""() => { harmonise(); state.at = 4; writeRest(); remove(); alter({by: 1}); writeNote(60);
        change((piece) => { piece.title = "Meanwhile"; }); stopWriting(); }""")
    assert (cells(page) == before).all() and page.evaluate("score.title") == "Meanwhile"
    page.evaluate("() => { state.at = 4; writeRest(); }")
    assert (cells(page) != before).any()


@pytest.mark.parametrize("metre", ["6/8", "3/2", "3/8"])
def test_other_metres_are_harmonised_too(chromium, metre):
    page = chromium
    page.evaluate("""(metre) => { setMetre(metre);
        [67, 69, 71, 72, 71, 67].forEach((pitch, k) => writeNote(pitch, 4 * k)); }""", metre)
    harmonise(page)
    assert is_sound(cells(page)) and (cells(page)[:24, 1:] >= 0).mean() > 0.9


# ---------------------------------------------------------------------------------------------- heard


def test_it_plays_with_a_cursor_from_where_one_clicks_and_stops(page):
    draw(page)
    press(page, "#play")
    until(page, "view.cursor > 2 || !playing")
    if "no sound" in said(page):
        pytest.skip("this browser has no sound output here, and the page says so")
    assert page.evaluate("Boolean(document.querySelector('#score .cursor')) && playing.sources.length > 0")
    press(page, "#play")
    assert page.evaluate("playing === null && view.cursor === null")
    page.evaluate("""document.querySelector('#score [data-frame="16"]')
        .dispatchEvent(new MouseEvent("click", {bubbles: true}))""")
    until(page, "view.cursor > 16")
    page.evaluate("stopPlaying()")


def test_what_is_muted_is_not_heard_and_solo_is_heard_alone(chromium):
    page = chromium
    loud = "async () => (await waveOf(score))[0].reduce((most, each) => Math.max(most, Math.abs(each)), 0)"
    draw(page)
    assert page.evaluate(loud) > 0.01
    press(page, "#voices .voice0 button:nth-child(3)")
    assert page.evaluate(loud) == 0
    press(page, "#voices .voice0 button:nth-child(4)")
    press(page, "#voices .voice0 button:nth-child(3)")
    assert page.evaluate(loud) > 0.01
    press(page, "#voices .voice0 button:nth-child(4)")
    press(page, "#voices .voice2 button:nth-child(4)")
    assert page.evaluate(loud) == 0
    press(page, "#voices .voice2 button:nth-child(4)")


def test_a_teachers_marks_are_shown_and_can_be_switched_off(chromium):
    page = chromium
    page.evaluate("""() => { for (const [voice, pitches] of [[0, [72, 74]], [3, [53, 55]]])
        pitches.forEach((pitch, k) => putNote(score.cells, voice, 4 * k, 4 * k + 4, pitch)); show(); }""")
    assert page.evaluate("$('marks-count').textContent") == "1 mark"
    assert "parallel fifths" in page.evaluate("$('marks-list').textContent")
    assert page.evaluate("document.querySelectorAll('#score .marked').length") == 2
    page.evaluate("$('marks').click()")
    assert page.evaluate("document.querySelectorAll('#score .marked').length") == 0


# ---------------------------------------------------------------------------------------------- kept


def test_files_that_are_saved_open_here_with_the_same_notes(chromium, tmp_path):
    page = chromium
    draw(page)
    harmonise(page)
    for kind in ("midi", "xml"):
        with page.page.expect_download() as download:
            press(page, f"#save-{kind}")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        notes, meta = folder.read(path)[0]
        read, _ = piece.from_notes(path.name, notes, meta)
        assert (read.voices == cells(page)).all() and read.metre == (4, 4)
    with page.page.expect_download() as download:
        press(page, "#save-wav")
    download.value.save_as(tmp_path / "sound.wav")
    from scipy.io import wavfile

    rate, wave = wavfile.read(tmp_path / "sound.wav")
    assert rate == 44_100 and wave.shape[1] == 2 and np.abs(wave).max() > 10_000 and len(wave) > 5 * rate


@pytest.mark.parametrize("name, content", [
    ("empty.mid", ""), ("words.mid", "these are words"), ("cut.mid", "MThd\0\0\0\6\0\1\0\2\1\xe0MTrk\0\0\0\xff\0\x90"),
    ("broken.musicxml", "<score-partwise><part>"), ("picture.png", "\x89PNG\r\n"),
    ("list.xml", "<?xml version='1.0'?><a/>")])
def test_a_file_that_cannot_be_read_gives_a_sentence_and_loses_nothing(page, name, content):
    draw(page)
    before, steps = cells(page), page.evaluate("state.past.length")
    page.evaluate("""([name, content]) => { const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(content, (letter) => letter.charCodeAt(0))], name));
        const drop = new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data});
        document.body.dispatchEvent(drop); }""", [name, content])
    until(page, f"$('said').textContent.startsWith({json.dumps(name)})")
    assert "cannot be opened" in said(page) and said(page).endswith(".") and len(said(page)) > len(name) + 40
    assert (cells(page) == before).all() and page.evaluate("state.past.length") == steps


def test_a_huge_file_is_refused_before_it_is_read(chromium):
    page = chromium
    page.evaluate("openFile(new File([new Uint8Array(5_000_000)], 'huge.mid'))")
    until(page, "$('said').textContent.startsWith('huge.mid')")
    assert "larger than 4 MB" in said(page)


def test_a_midi_file_that_is_dropped_is_opened_and_undo_brings_the_old_piece_back(chromium):
    page = chromium
    draw(page)
    before = cells(page)
    data = list((ROOT / "outputs" / "compose" / "amazing_grace.mid").read_bytes())
    page.evaluate("(bytes) => openFile(new File([Uint8Array.from(bytes)], 'grace.mid'))", data)
    until(page, "$('said').textContent.startsWith('grace.mid')")
    notes, meta = folder.read(ROOT / "outputs" / "compose" / "amazing_grace.mid")[0]
    read, _ = piece.from_notes("grace", notes, meta)
    assert (cells(page) == read.voices).all()
    assert page.evaluate("[...score.metre, score.upbeat]") == [*read.metre, read.upbeat]
    press(page, "#undo")
    assert (cells(page) == before).all()


def test_the_piece_survives_a_reload_with_its_locks(chromium):
    page = chromium
    draw(page)
    harmonise(page)
    page.evaluate("() => { lockBar(0); change((piece) => { piece.title = 'Mine: the first'; }); }")
    before, locks = page.evaluate("asText(score)"), page.evaluate("score.locks")
    page.page.reload()
    assert page.evaluate("asText(score)") == before and page.evaluate("score.locks") == locks
    assert "Mine: the first" in said(page)


def test_text_and_link_bring_a_piece_back(page):
    page.evaluate("start({...tunes[4], keyGiven: true, endsGiven: true})")  # in 6/8, with an upbeat
    text = page.evaluate("asText(score)")
    assert page.evaluate("(text) => asText(pieceFrom(text)) === text", text)
    assert page.evaluate("() => asText(pieceOfLink(new URL(linkOf(score)).hash)) === asText(score)")
    assert page.evaluate("asText(pieceFrom('C4 D4:2\\nr:2 E4:8')).split('\\n')[6]") == "soprano: C4:4 D4:2 r:2 E4:8"
    page.evaluate("() => { start(blank()); location.hash = '#piece=AAAA'; }")
    until(page, "$('said').textContent.startsWith('The link')")


@pytest.mark.parametrize("text, words", [
    ("", "not a piece"), ("hello", "“hello” is not a note"), ("soprano: H4:4", "“H4:4” is not a note"),
    ("soprano: C4:0", "is not a note"), ("soprano: C4:4\nmetre: 5/4", "“5/4” is not possible"),
    ("soprano: r:9999", "is not a note"), ('{"cells": []}', "is not a note"),
    ("bass: C99:4", "is not a note"), ("alto: " + "C4:400 " * 20, "more than 400 bars")])
def test_text_that_is_no_piece_gives_a_sentence_and_loses_nothing(chromium, text, words):
    page = chromium
    draw(page)
    before = cells(page)
    press(page, "#open-text")
    page.evaluate("(text) => { $('text').value = text; $('text-open').click(); }", text)
    assert words in page.evaluate("$('text-said').textContent") and (cells(page) == before).all()
    page.evaluate("$('text-close').click()")


# ---------------------------------------------------------------------------------------------- for everyone


@pytest.mark.parametrize("width", [320, 390, 640, 1280])  # 640 is a window of 1280 at 200 %; Firefox stops at 500
def test_it_fits_the_window(page, width):
    page.evaluate("start({...tunes[0], keyGiven: true, endsGiven: true})")
    harmonise(page)
    page.resize(width, 800)
    until(page, "$('score').firstElementChild.getBoundingClientRect().width <= $('score').clientWidth + 1")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_control_has_a_name_and_a_size_that_a_finger_hits(page):
    page.evaluate("start({...tunes[0], keyGiven: true, endsGiven: true})")
    nameless = page.evaluate("""[...document.querySelectorAll("button, input, select, textarea, canvas, [role=group]")]
        .filter((each) => !(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby")
            || each.textContent.trim() || each.labels?.length)).map((each) => each.outerHTML.slice(0, 80))""")
    small = page.evaluate("""[...document.querySelectorAll("main > section button, select")]
        .filter((each) => each.offsetParent && !each.closest("#piano-keys, #marks-list"))
        .filter((each) => each.getBoundingClientRect().height < 36).map((each) => each.outerHTML.slice(0, 80))""")
    assert nameless == [] and small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_voices_can_be_read_in_light_and_dark(chromium, scheme):
    chromium.page.emulate_media(color_scheme=scheme)
    colours = chromium.evaluate("""["card", "paper", "ink", "soft", "mark", "voice0", "voice1", "voice2", "voice3"]
        .map((name) => inks()(name).match(/[0-9a-f]{2}/g).map((pair) => parseInt(pair, 16) / 255))""")
    chromium.page.emulate_media(color_scheme="light")
    linear = np.array(colours)
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
    for ground in linear[:2]:
        contrast = (np.maximum(linear[2:], ground) + 0.05) / (np.minimum(linear[2:], ground) + 0.05)
        assert contrast.min() >= 4.5, contrast  # WCAG 2.2, 1.4.3
