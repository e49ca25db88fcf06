"""The listening page in a browser: clips sound, a cursor follows them, the quiz runs by keyboard to a review, results
of a class add up, and nothing leaves or complains.
"""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests import browsers
from tests.browsers import until
from utils.music import folder, midi, piece, voices
from utils.show import edition, gallery
from utils.sound import audio

SHIPPED = Path(__file__).resolve().parents[2] / "outputs" / "gallery" / "index.html"

LOUDNESS = """async (source) => {
    const coded = Uint8Array.from(atob(source.split(",").at(-1)), (letter) => letter.charCodeAt(0));
    const heard = await new OfflineAudioContext(1, 16000, 16000).decodeAudioData(coded.buffer);
    const wave = heard.getChannelData(0);
    return Math.sqrt(wave.reduce((sum, x) => sum + x * x, 0) / wave.length);
}"""
CHORDS = [[72, 67, 64, 48], [74, 71, 62, 55], [76, 67, 60, 48], [74, 69, 65, 53]]
WRITERS = "Bach", "a GRU, large", "Bach", "a GAN"
RESULT = "Bach or machine? Listener {}: {} of 4 right. Taken for Bach: Bach {}/2; a GAN {}/1; a GRU, large {}/1."


def hymn(beats=12, up=0):
    """Four voices in quarters and eighths, with an upbeat and a fermata."""
    cells = np.repeat(np.array(CHORDS, np.int16)[np.arange(beats) % 4] + up, 4, axis=0) + voices.HELD
    cells[::4] -= voices.HELD
    cells[6::8, 1] -= voices.HELD
    made = piece.blank("hymn", cells, (4, 4), 4, "major", 0)
    return made._replace(fermatas=np.array([16], np.int32))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A small page, as an address."""
    played = edition.perform(hymn(), 84)
    clips = [gallery.Clip("One", "seed 1", audio.concert(played.notes), hymn(), played.clock, 84),
             gallery.Clip("Two", "", np.sin(np.arange(48_000) / 40).astype("float32") / 4)]
    quiz = [gallery.Guess(model, hymn(16, 2 * number), [f"{number} leaps <wide>"])
            for number, model in enumerate(WRITERS)]
    sections = [gallery.Section("Bach", "Excerpts.", clips, [("chord rate", "0.91")])]
    path = tmp_path_factory.mktemp("page") / "index.html"
    return gallery.build(path, sections, quiz, "Bach or machine?", "Listen.", 2, 120).as_uri()


@pytest.fixture(scope="module")
def browser():
    with browsers.playwright_chromium() as browser:
        yield browser


@contextmanager
def opened(browser, address, **options):
    """A page, and in the end a look at what it asked for and complained of."""
    page, asked, complaints = browser.new_page(**options), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    assert not complaints and {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
    page.close()


@pytest.fixture
def page(browser, address):
    with opened(browser, address) as page:
        yield page


def cursor(page, kind):
    """How far from the left the cursor of the first clip's roll or sheet is, in the unit of its picture."""
    return page.evaluate(f"parseFloat(document.querySelector('article .{kind} .cursor').getAttribute('d').slice(1))")


# ---------------------------------------------------------------------------------------------- players


def test_every_clip_plays_by_its_button_and_only_one_at_a_time(page):
    now = "[...document.querySelectorAll('article audio')].map((audio) => audio.paused)"
    buttons = page.locator("article .round")
    assert page.locator("article audio").count() == buttons.count() == 2
    for source in page.locator("article audio").evaluate_all("(all) => all.map((audio) => audio.src)"):
        assert page.evaluate(LOUDNESS, source) > 0.01
    assert buttons.nth(0).get_attribute("aria-label") == "Play One"
    buttons.nth(0).press("Enter")
    until(page, "document.querySelector('article audio').currentTime > 0.1")
    assert buttons.nth(0).get_attribute("aria-label") == "Pause One"
    buttons.nth(1).press("Enter")
    until(page, now, [True, False])
    buttons.nth(1).press("Enter")
    until(page, now, [True, True])


def test_the_cursor_is_where_the_music_is_on_roll_and_score(page):
    page.locator("article summary").first.click()
    until(page, "document.querySelector('article .sheet .cursor') !== null")
    times = page.evaluate("JSON.parse(document.getElementById('scores').textContent)[0].times")
    scale, seen = page.locator("article input[type=range]").first, []
    for frame in (0, 4, 17, 40):
        scale.evaluate("(range, time) => { range.value = time; range.oninput(); }", times[frame])
        until(page, f"Math.abs(document.querySelector('article audio').currentTime - {times[frame]}) < 0.06")
        assert abs(cursor(page, "roll") - frame) < 0.5
        seen.append(cursor(page, "sheet"))
        head = page.locator(f"article .sheet [data-voice='0'][data-frame='{frame // 4 * 4}']").bounding_box()
        line = page.locator("article .sheet .cursor").bounding_box()
        assert head["x"] - 25 < line["x"] < head["x"] + 80
    assert len(set(seen)) == len(seen)
    before = cursor(page, "roll")
    page.locator("article .round").first.click()
    at = "parseFloat(document.querySelector('article .roll .cursor').getAttribute('d').slice(1))"
    until(page, f"{at} > {before} + 1")


def test_a_click_on_roll_and_score_seeks_there(page):
    page.locator("article summary").first.click()
    until(page, "document.querySelector('article .sheet .cursor') !== null")
    roll = page.locator("article .roll").first
    box = roll.bounding_box()
    roll.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
    assert abs(cursor(page, "roll") - 36) < 0.7
    note = page.locator("article .sheet [data-voice='0'][data-frame='8']").first.bounding_box()
    page.mouse.click(note["x"] + 5, note["y"] + note["height"] / 2)
    assert abs(cursor(page, "roll") - 8) < 2


@pytest.mark.parametrize("kind", ["MIDI", "MusicXML"])
def test_what_is_kept_is_read_back_as_the_same_piece(page, kind, tmp_path):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Keep One as {kind}").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    ((notes, meta),) = folder.read(path)
    again, _ = piece.from_notes("again", notes, meta)
    np.testing.assert_array_equal(again.voices, hymn().voices)
    assert (again.metre, again.upbeat) == ((4, 4), 4) and path.stem == "One"


def test_a_piece_of_many_voices_is_drawn_as_a_roll_alone(browser, tmp_path):
    crowd = np.zeros((32, 128), np.uint8)
    crowd[:, 60:72:2], crowd[0, 60:72:2] = 2, 1
    made = piece.of_window("crowd", crowd)
    played = edition.perform(made, 84)
    clip = gallery.Clip("Crowd", "", audio.concert(played.notes), made, played.clock, 84)
    quiz = [gallery.Guess("Bach", hymn()), gallery.Guess("a GAN", hymn())]
    path = gallery.build(tmp_path / "a.html", [gallery.Section("A", "", [clip])], quiz, "t", "t", 2, 120)
    with opened(browser, path.as_uri()) as page:
        assert page.locator("article .roll rect").count() == made.voices.shape[1] == 6
        assert not page.locator("article summary").count() and not page.locator("article .kept").count()


# ---------------------------------------------------------------------------------------------- the blind test


def taken(page):
    return page.locator("#rows tr").all_inner_texts()


def test_the_keys_b_m_and_space_run_the_test_to_its_end(page):
    page.locator("#start").press("Enter")
    for number in range(4):
        assert page.locator("#count").inner_text() == f"Clip {number + 1} of 4"
        assert page.evaluate("document.activeElement.id") == "count"  # where a screen reader goes on
        assert page.locator("#dots .done").count() == number
        until(page, "quiz.player.audio.currentTime > 0")  # by itself
        assert page.evaluate(LOUDNESS, page.evaluate("quiz.player.audio.src")) > 0.01
        page.keyboard.press("Space")
        until(page, "quiz.player.audio.paused")
        page.keyboard.press("Space")
        until(page, "quiz.player.audio.paused", False)
        page.keyboard.press("Control+b")  # belongs to the browser
        page.keyboard.press("bM"[number % 2])
        said = "Bach" if number % 2 == 0 else "a machine"
        assert page.locator("#status").inner_text() == f"Clip {number + 1}: you say {said}."
    assert page.evaluate("document.activeElement.id") == "score" and page.evaluate("playing.audio.paused")
    counts = [[int(count) for count in row.split("\t")[1].split(" of ")] for row in taken(page)]
    assert np.sum(counts, axis=0).tolist() == [2, 4]
    page.locator("#again").press("Enter")
    assert page.locator("#count").inner_text() == "Clip 1 of 4" and not page.locator("#result").is_visible()


def test_the_result_counts_who_was_taken_for_bach(page):
    page.locator("#start").click()
    for _ in range(4):
        page.locator("#says-bach").press("Enter")
    assert page.locator("#score").inner_text() == "2 of 4 right"
    assert sorted(row.strip() for row in taken(page)) == ["Bach\t2 of 2", "a GAN\t1 of 1", "a GRU, large\t1 of 1"]
    line = page.locator("#copy").input_value()
    assert line == RESULT.format(line.split()[4].rstrip(":"), 2, 2, 1, 1)


def test_the_review_says_of_each_clip_what_it_was_what_was_said_and_why(page):
    assert not [name for name in (*WRITERS[1:2], "a GAN", "<wide>", "&lt;wide") if name in page.content()]
    page.locator("#start").click()
    for key in "bbmm":
        page.keyboard.press(key)
    seen = []
    for number in range(4):
        writer = page.locator("#was").inner_text()
        said = "Bach" if number < 2 else "a machine"
        is_right = (said == "Bach") == (writer == "Bach wrote this")
        assert page.locator("#you").inner_text() == f"You said {said}: {'right' if is_right else 'wrong'}."
        assert page.locator("#why").inner_text() == ("What speaks for Bach" if writer == "Bach wrote this"
                                                    else "What shows that it is a machine")
        page.locator("#review .round").click()
        until(page, "quiz.player.audio.currentTime > 0.1 && document.querySelector('#review .roll .cursor') !== null")
        until(page, "document.querySelectorAll('#review .sheet [data-voice]').length", 4 * 16 + 8)
        seen.append((writer, page.locator("#facts").inner_text()))
        assert page.locator("#after").is_enabled() == (number < 3)
        if number < 3:
            page.locator("#after").press("Enter")
    names = ["Bach wrote this" if name == "Bach" else f"A machine wrote this: {name}" for name in WRITERS]
    assert sorted(seen) == sorted((name, f"{number} leaps <wide>") for number, name in enumerate(names))
    marks = page.locator("#strip button").evaluate_all("(all) => all.map((button) => button.className)")
    assert f"{marks.count('right')} of 4 right" == page.locator("#score").inner_text()
    page.locator("#strip button").nth(0).press("Enter")
    assert page.locator("#was").inner_text() == seen[0][0]


def test_a_browser_that_refuses_to_play_by_itself_is_no_dead_end(page):
    refuse = "Promise.reject(new DOMException('', 'NotAllowedError'))"
    page.evaluate(f"() => {{ HTMLMediaElement.prototype.play = () => {refuse}; }}")
    page.locator("#start").click()
    until(page, "document.querySelector('#clip .note').textContent.includes('press play or the space bar')")
    page.keyboard.press("b")
    assert page.locator("#count").inner_text() == "Clip 2 of 4"


# ---------------------------------------------------------------------------------------------- a class


def add_up(page, text):
    page.locator("#pasted").fill(text)
    page.locator("#add-up").click()
    assert page.locator("#pasted").input_value() == text  # nothing is lost
    return page.locator("#class-said").inner_text(), page.locator("#class-lines li").all_inner_texts()


def test_the_results_of_a_class_add_up_in_any_order_and_junk_is_named(page):
    first, second = RESULT.format(1234, 2, 2, 1, 1), RESULT.format(5678, 4, 2, 0, 0)
    wrapped = "> " + second.replace(" Taken for", "\n> Taken for")  # as mail quotes and wraps
    said, unread = add_up(page, f"Hello!\n\n{wrapped}\nbest wishes\n{first} {RESULT.format(9, 3, 2, 0, 1)}\n")
    assert said.startswith("3 listeners, 9 of 12 answers right: 75 %, 95 % interval 47 to 91 %.")  # Wilson, by hand
    rows = [row.split("\t")[:3] for row in page.locator("#class-rows tr").all_inner_texts()]
    assert sorted(rows) == [["Bach", "6 of 6", "100 %"], ["a GAN", "1 of 3", "33 %"],
                            ["a GRU, large", "2 of 3", "67 %"]]
    assert unread == ["“Hello!” is not a result.", "“best wishes” is not a result."]


@pytest.mark.parametrize("bad, why", [
    (RESULT.format(1, 3, 2, 1, 1), "has counts that do not add up"),
    (RESULT.format(1, 2, 3, 1, 0), "has impossible counts"),
    (RESULT.format(1, 2, 2, 1, 1)[:60], "is not a complete result"), ("Bach or machine?", "is not a complete result"),
    ("<img src=x onerror=alert(1)>", "is not a result"), ("4 of 4 right", "is not a result")])
def test_a_line_that_cannot_be_right_is_named_and_the_others_count(page, bad, why):
    good = RESULT.format(1234, 2, 2, 1, 1)
    said, unread = add_up(page, f"{bad}\n{good}")
    assert said.startswith("1 listener, 2 of 4") and len(unread) == 1 and unread[0].endswith(f"{why}.")
    said, unread = add_up(page, bad)
    assert "no result in this text" in said and len(unread) == 1 and not page.locator("#class-table").is_visible()


def test_a_result_pasted_twice_counts_once_and_nothing_is_a_sentence(page):
    good = RESULT.format(1234, 2, 2, 1, 1)
    said, unread = add_up(page, f"{good}\n{good}")
    assert said.startswith("1 listener,") and unread == ["“Listener 1234” appears twice and was counted once."]
    said, unread = add_up(page, "")
    assert "no result in this text" in said and not unread


def test_what_the_test_gives_can_be_added_up(page):
    lines = []
    for keys in ("bbbb", "mmmm"):
        page.locator("#start, #again").locator("visible=true").click()
        for key in keys:
            page.keyboard.press(key)
        lines.append(page.locator("#copy").input_value())
    said, unread = add_up(page, "\n".join(lines))
    assert said.startswith("2 listeners, 4 of 8 answers right: 50 %") and not unread


# ---------------------------------------------------------------------------------------------- how it looks


@pytest.mark.parametrize("width", [320, 360, 640, 1280])  # 640: a window of 1280 at 200 %
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_narrow_and_wide_windows_in_light_and_dark(browser, address, width, scheme):
    fits = "document.documentElement.scrollWidth <= innerWidth"
    with opened(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.locator("article summary").first.click()
        assert page.evaluate(fits)
        red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (red + green + blue > 600) == (scheme == "light")
        page.locator("#start").click()
        assert page.evaluate(fits)
        for key in "bmbm":
            page.keyboard.press(key)
        add_up(page, page.locator("#copy").input_value() + "\n" + "x" * 500)
        assert page.evaluate(fits)


def test_every_control_has_a_name_and_can_be_reached_by_keyboard(page):
    page.locator("article summary").first.click()
    unnamed = page.evaluate("""[...document.querySelectorAll("button, input, textarea, summary, a")].filter((each) =>
        !(each.getAttribute("aria-label") || each.textContent.trim() || each.labels?.length
          || each.offsetParent === null)).length""")
    assert unnamed == 0
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("({activeElement: at}) => at.getAttribute('aria-label') || at.textContent",
                                  page.evaluate_handle("document")))
    assert {"Begin", "Compose in your browser", "Play One", "Place in One", "Score", "Score of One", "Keep One as MIDI",
            "Keep One as MusicXML", "Play Two", "Combine"} <= reached


# ---------------------------------------------------------------------------------------------- what is shipped


def test_the_page_that_we_ship_sounds_throughout_and_can_be_guessed_to_its_end(browser):
    with opened(browser, SHIPPED.as_uri()) as page:
        sounds = page.locator("article audio").evaluate_all("(all) => all.map((audio) => audio.src)")
        sounds += page.evaluate("quiz.sounds")
        assert len(sounds) > 22 and all(page.evaluate(LOUDNESS, sound) > 0.01 for sound in sounds)
        page.locator("#start").click()
        for number in range(12):
            assert page.locator("#count").inner_text() == f"Clip {number + 1} of 12"
            page.keyboard.press("m")
        rows = [row.split("\t") for row in taken(page)]
        assert len(rows) > 2 and all(row[1].startswith("0 of ") for row in rows)
        machines = sum(int(row[1].rpartition(" of ")[2]) for row in rows if row[0] != "Bach")
        assert page.locator("#score").inner_text() == f"{machines} of 12 right"
        for number in range(12):
            page.locator("#strip button").nth(number).click()
            until(page, "document.querySelectorAll('#review .sheet [data-voice]').length > 20")
            assert page.locator("#facts li").count()
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_the_page_that_we_ship_runs_in_firefox_by_its_keys():
    with browsers.firefox(SHIPPED.as_uri()) as page:
        page.click("#start")
        for number in range(12):
            until(page, "$('count').textContent", f"Clip {number + 1} of 12")
            page.press("b" if number % 2 else "m")
        until(page, "$('score').textContent.endsWith('of 12 right')")
        assert page.evaluate("$('facts').children.length") > 0
        until(page, "document.querySelectorAll('#review-clip .sheet .note').length > 20")
        silent = "Media resource", "This error message"  # of a machine without sound output
        assert [each for each in page.complaints() if not each.startswith(silent)] == [] and page.requests() == []


def test_what_we_ship_has_a_clock_for_each_score(browser):
    with opened(browser, SHIPPED.as_uri()) as page:
        scores = page.evaluate("JSON.parse(document.getElementById('scores').textContent)")
    assert sum(score is None for score in scores) == 1  # only a network that is given nothing has no notes
    for score in filter(None, scores):
        times, even = np.array(score["times"]), 60 / score["tempo"] / midi.STEPS_PER_QUARTER
        assert len(times) == len(score["cells"]) + 1 and times[0] == 0 and (np.diff(times) > 0.5 * even).all()


def test_what_we_ship_is_no_larger_than_it_must_be():
    assert SHIPPED.stat().st_size < 8_000_000
