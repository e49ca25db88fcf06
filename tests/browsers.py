"""Pages of ours in real browsers, through one small interface: Chromium by playwright, Firefox by marionette_driver."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FIREFOX = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
LOCAL = ("file:", "data:", "blob:", "about:")  # where nobody else is asked
SECONDS = 60  # after which a browser has to have answered
PREFERENCES = {  # of a Firefox that nobody uses: it asks nothing of anybody, and plays unasked
    "marionette.port": 0, "media.autoplay.default": 0, "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore", "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.disabledForTesting": True, "app.normandy.enabled": False, "services.settings.server": "data:,",
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "extensions.getAddons.cache.enabled": False, "browser.safebrowsing.downloads.remote.enabled": False,
}


def needs_chromium():
    """Skip a test where there is no Chromium; returns playwright."""
    if not CHROMIUM:
        pytest.skip("needs Chromium: apt install chromium (Debian, Ubuntu), and run again")
    return pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -r requirements-dev.txt")


def needs_firefox():
    """Skip a test where there is no Firefox; returns marionette_driver."""
    if not FIREFOX:
        pytest.skip("needs Firefox: apt install firefox-esr (Debian, Ubuntu), and run again")
    return pytest.importorskip(
        "marionette_driver", reason="needs marionette_driver: pip install -r requirements-dev.txt")


def until(page, expression, value=True):
    """Wait until a script's expression has a value; `wait_for_function` would need eval, which our pages forbid."""
    end = time.monotonic() + SECONDS
    while (found := page.evaluate(expression)) != value:
        assert time.monotonic() < end, f"{expression}: {found}"
        time.sleep(0.02)


@contextmanager
def playwright_chromium(*flags):
    """Start Chromium, or skip: gives playwright's browser, for tests that need more than `chromium` has."""
    with _playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *flags])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def chromium(address, *flags):
    """Open an address in Chromium.

    Args: address: str, such as a Path's `as_uri()`. flags: str each, of the command line.
    Returns: a context that gives an object with
        evaluate(source, argument=None): the value of an expression, or of a function called with the argument, awaited
            where it is a promise; what the page's own scripts declare is seen by name. What JSON can say comes back.
        click(selector), press(keys): "Enter", "a", "Shift+ArrowLeft". screenshot(path). resize(width, height).
        drag(start, *stops): press the mouse at [x, y], move over the other places, and let it go.
        complaints(): list of str, errors and warnings of the page and of its scripts.
        requests(): list of str, addresses that were asked beyond the page itself, data and blobs.
    """
    with playwright_chromium(*flags) as browser:
        yield _Chromium(browser.new_page(), address)


_drivers = []  # the one that runs, once for each Chromium that is open: playwright allows no second one


@contextmanager
def _playwright():
    _drivers.append(_drivers[0] if _drivers else needs_chromium().sync_playwright().start())
    try:
        yield _drivers[-1]
    finally:
        driver = _drivers.pop()
        if not _drivers:
            driver.stop()


class _Chromium:
    def __init__(self, page, address):
        self.page, self._complaints, self._requests = page, [], []
        page.on("request", lambda request: self._requests.append(request.url))
        page.on("console", lambda message: self._complaints.append(message.text)
                if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.goto(address)
        self.evaluate, self.click, self.press = page.evaluate, page.click, page.keyboard.press

    def screenshot(self, path):
        self.page.screenshot(path=path)

    def resize(self, width, height):
        self.page.set_viewport_size({"width": width, "height": height})

    def drag(self, start, *stops):
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for stop in stops:
            self.page.mouse.move(*stop, steps=3)
        self.page.mouse.up()

    def complaints(self):
        self.evaluate("0")  # what has happened meanwhile is heard with the next answer
        return list(self._complaints)

    def requests(self):
        self.evaluate("0")
        return [url for url in self._requests if not url.startswith(LOCAL)]


@contextmanager
def firefox(address):
    """Open an address in a Firefox of its own, with a new profile: as `chromium`.

    `evaluate` runs as a script inside the page, which its Content-Security-Policy has to allow, as ours do.
    """
    driver = needs_firefox().marionette
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in PREFERENCES.items()]
        Path(profile, "user.js").write_text("\n".join(lines), encoding="utf-8")
        call = [FIREFOX, "--marionette", "--remote-allow-system-access", "--headless", "--no-remote", "--profile"]
        process = subprocess.Popen([*call, profile], start_new_session=True, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            port = _port(Path(profile, "MarionetteActivePort"), process)
            session = driver.Marionette(host="127.0.0.1", port=port)
            session.start_session()
            session.timeout.script = SECONDS
            yield _Firefox(session, address)
        finally:
            _stop(process)


def _port(path, process):
    """The port that a Firefox answers on, as soon as it says so."""
    for _ in range(20 * SECONDS):
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"Firefox ended ({process.poll()}), or is silent for {SECONDS} s: start {FIREFOX} by hand")


def _stop(process):
    """End a process with all that it has started: its group is its own."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue


class _Firefox:
    KEYS = {"ArrowLeft": "ARROW_LEFT", "ArrowRight": "ARROW_RIGHT", "ArrowUp": "ARROW_UP", "ArrowDown": "ARROW_DOWN",
            "Enter": "ENTER", "Escape": "ESCAPE", "Tab": "TAB", "Delete": "DELETE", "Backspace": "BACK_SPACE",
            "Home": "HOME", "End": "END", "Space": "SPACE", "Shift": "SHIFT", "Control": "CONTROL", "Alt": "ALT"}
    # The page's own `const` and `let` are out of reach of a driver's script, but not of a script element.
    INSIDE = """const [source, argument, done] = arguments, script = document.createElement("script");
        window.addEventListener("answered", (event) => done(event.detail), {once: true});
        script.textContent = `(async () => {
            const answer = (found) => dispatchEvent(new CustomEvent("answered", {detail: JSON.stringify(found)}));
            try {
                let value = (${source}\n);
                if (typeof value === "function") value = value(${argument});
                answer({value: await value});
            } catch (error) { answer({error: String(error) + " " + error.stack}); }
        })()`;
        document.head.append(script);
        script.remove();"""
    ERRORS = """return Services.console.getMessageArray().filter((each) => each instanceof Ci.nsIScriptError)
        .filter((each) => each.sourceName.startsWith(arguments[0]) || each.sourceName.startsWith("blob:"))
        .map((each) => each.errorMessage);"""
    SAID = """return Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage).getEvents()
        .filter((each) => ["error", "warn"].includes(each.level))
        .map((each) => each.arguments.map(String).join(" "));"""

    def __init__(self, session, address):
        self.session, self.address = session, address
        session.navigate(address)

    def evaluate(self, source, argument=None):
        found = json.loads(self.session.execute_async_script(self.INSIDE, script_args=[source, json.dumps(argument)]))
        if "error" in found:
            raise RuntimeError(found["error"])
        return found.get("value")

    def click(self, selector):
        self.session.find_element("css selector", selector).click()

    def press(self, keys):
        from marionette_driver.keys import Keys

        names = [getattr(Keys, self.KEYS[key]) if key in self.KEYS else key for key in keys.split("+")]
        action = self.session.actions.sequence("key", "keyboard")
        for name in names:
            action = action.key_down(name)
        for name in names[::-1]:
            action = action.key_up(name)
        action.perform()

    def drag(self, start, *stops):
        action = self.session.actions.sequence("pointer", "mouse", {"pointerType": "mouse"})
        action = action.pointer_move(*start).pointer_down(button=0)
        for stop in stops:
            action = action.pointer_move(*stop)
        action.pointer_up(button=0).perform()

    def screenshot(self, path):
        Path(path).write_bytes(self.session.screenshot(format="binary", full=False))

    def resize(self, width, height):
        now, inner = self.session.window_rect, self.evaluate("[innerWidth, innerHeight]")
        self.session.set_window_rect(width=now["width"] - inner[0] + width, height=now["height"] - inner[1] + height)

    def complaints(self):
        said = self.session.execute_script(self.SAID, sandbox="system")  # by the page's process
        with self.session.using_context("chrome"):
            return self.session.execute_script(self.ERRORS, script_args=[self.address]) + said

    def requests(self):
        asked = self.evaluate('performance.getEntriesByType("resource").map((each) => each.name)')
        return [url for url in asked if not url.startswith(LOCAL)]
