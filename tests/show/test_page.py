"""The listening page in a browser: every clip sounds, the quiz runs by keyboard, nothing leaves or complains."""

import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from utils.music import midi
from utils.show import gallery
from utils.sound import audio

SHIPPED = Path(__file__).resolve().parents[2] / "outputs" / "gallery" / "index.html"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="needs Chromium: apt install chromium (Debian, Ubuntu), and run again"
)

LOUDNESS = """async (player) => {
    const coded = Uint8Array.from(atob(player.src.split(",")[1]), (letter) => letter.charCodeAt(0));
    const heard = await new OfflineAudioContext(1, 16000, 16000).decodeAudioData(coded.buffer);
    const wave = heard.getChannelData(0);
    return Math.sqrt(wave.reduce((sum, x) => sum + x * x, 0) / wave.length);
}"""
PLAYS = """(player) => new Promise((done) => {
    player.addEventListener("timeupdate", () => player.currentTime > 0 && done(true));
    player.addEventListener("error", () => done(false));
    player.muted = true; player.play().catch(() => done(false));
})"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A small page of tones, as an address."""
    time = np.arange(3 * audio.CONCERT_RATE) / audio.CONCERT_RATE
    waves = [np.sin(2 * np.pi * audio.pitch_to_hz(pitch) * time).astype("float32") / 4 for pitch in (60, 64)]
    tunes = [np.array([(at, at + 1, pitch, 90, 0) for at in range(8)], midi.NOTE) for pitch in (60, 64, 67, 72)]
    roll = np.zeros((64, 128), np.uint8)
    roll[:32, 60], roll[0, 60] = 2, 1
    sections = [
        gallery.Section(
            "Bach",
            "Excerpts.",
            [gallery.Clip("One", "seed 1", waves[0], roll), gallery.Clip("Two", "", waves[1])],
            [("chord rate", "0.91")],
        )
    ]
    quiz = [("Bach", tunes[0]), ("a GRU", tunes[1]), ("Bach", tunes[2]), ("a GAN", tunes[3])]
    return gallery.build(
        tmp_path_factory.mktemp("page") / "index.html", sections, quiz, "Bach by machine", "Listen.", 2, 120
    ).as_uri()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -r requirements.txt")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, address):
    """A page, and in the end a look at what it asked for and complained of."""
    page, asked, complaints = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    assert not complaints and {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
    page.close()


@pytest.fixture
def page(browser, address):
    with opened(browser, address) as page:
        yield page


def test_every_clip_plays_and_is_not_silent(page):
    players = page.locator("article audio").element_handles()
    assert len(players) == 2
    for player in players:
        assert player.evaluate(PLAYS) and player.evaluate(LOUDNESS) > 0.01


def test_the_quiz_runs_to_its_end_by_keyboard(page):
    assert "a GRU" not in page.content() and page.locator("#rows").inner_text() == ""
    page.locator("#start").press("Enter")
    for number in range(4):
        assert page.locator("#count").inner_text() == f"Clip {number + 1} of 4"
        assert page.evaluate("document.activeElement.id") == "count"  # where a screen reader goes on
        assert page.locator("#player").evaluate(PLAYS) and page.locator("#player").evaluate(LOUDNESS) > 0.01
        page.keyboard.press("Tab")  # the player, whose own controls take several stops
        page.locator("[data-answer='1']").press("Enter")
        assert page.locator("#status").inner_text() == f"Clip {number + 1}: you say Bach."
    assert page.locator("#score").inner_text() == "2 of 4 right"
    assert page.locator("#rows tr").all_inner_texts() == ["Bach\t2 of 2", "a GAN\t1 of 1", "a GRU\t1 of 1"]
    assert page.locator("#copy").input_value().splitlines() == [
        "Bach or machine: 2 of 4 right", "taken for Bach:", "Bach: 2 of 2", "a GAN: 1 of 1", "a GRU: 1 of 1"]
    page.locator("#again").press("Enter")
    assert page.locator("#count").inner_text() == "Clip 1 of 4" and not page.locator("#result").is_visible()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_narrow_and_wide_windows_in_light_and_dark(browser, address, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (red + green + blue > 600) == (scheme == "light")
    page.close()


def test_the_page_that_we_ship_sounds_throughout_and_can_be_guessed_to_its_end(browser):
    with opened(browser, SHIPPED.as_uri()) as page:
        players = page.locator("article audio").element_handles()
        assert len(players) > 10 and all(
            player.evaluate(PLAYS) and player.evaluate(LOUDNESS) > 0.01 for player in players
        )
        page.locator("#start").click()
        for _ in range(12):
            assert page.locator("#player").evaluate(PLAYS) and page.locator("#player").evaluate(LOUDNESS) > 0.01
            page.locator("[data-answer='0']").click()
        told = page.locator("#rows tr").all_inner_texts()  # each model with how many were right, of how many
        assert sum(int(row.rpartition(" of ")[2]) for row in told) == 12 and len(told) > 2
        machines = sum(int(row.rpartition(" of ")[2]) for row in told if not row.startswith("Bach"))
        assert page.locator("#score").inner_text() == f"{machines} of 12 right"
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_what_we_ship_is_no_larger_than_it_must_be():
    assert SHIPPED.stat().st_size < 25_000_000
