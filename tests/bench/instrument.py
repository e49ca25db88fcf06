"""The rows of the instrument: the network in a browser against the same in NumPy, and how long a musician waits."""

import tempfile
import time
from pathlib import Path

import numpy as np

from tests import browsers
from tests.bench.table import Row, seconds
from utils.music import folder, tune
from utils.nets import composer, infill_numpy
from utils.show import instrument, pages
from utils.sound import tones

ROOT = Path(__file__).resolve().parents[2]
TUNE = ROOT / "data/tunes/auld_lang_syne.abc"  # 16 bars of 4/4
DRAFTS, TRIES = composer.DRAFTS, 3
BEGIN = """() => {
    globalThis.network = networkFrom(JSON.parse(document.getElementById("network").textContent));
}"""
WRITE = """([score, drafts, seed]) => {
    const before = performance.now(), job = jobOf(score, score.cells.map(() => [true, false, false, false]));
    const run = attempt(network, job, {temperature: 0.5, drafts, seed});
    let step = run.next();
    const first = performance.now() - before;
    while (!step.done) step = run.next();
    return [first, performance.now() - before].map((time) => time / 1000);
}"""
CLICKED = """() => new Promise((done) => {  // seconds from a click to the first notes that the worker sends
    const before = performance.now(), kept = JSON.stringify(score.cells);
    document.getElementById("harmonise").click();
    const look = () => {
        if (JSON.stringify(score.cells) !== kept) done((performance.now() - before) / 1000);
        else setTimeout(look, 5);
    };
    look();
})"""


def rows():
    (notes, meta), = folder.read(TUNE)
    read, network = tune.hear(notes, meta, TUNE.stem), infill_numpy.load(ROOT / "outputs/infill")
    frames = len(read.piece.voices)
    python = seconds(lambda: composer.harmonise(network, read, attempts=1, drafts=DRAFTS), TRIES)[0]
    with tempfile.TemporaryDirectory() as place:
        piano = tones.load(ROOT / "outputs/dcnn_teacher/piano.npz")
        path = instrument.build(Path(place, "play.html"), network, piano, [("Auld Lang Syne", read)])
        size = path.stat().st_size / 1e6
        with browsers.chromium(path.as_uri()) as page:
            page.evaluate(BEGIN)
            score = pages.score(read.piece, "Auld Lang Syne", 84)
            times = np.array([page.evaluate(WRITE, [score, DRAFTS, seed]) for seed in range(TRIES)])
        with browsers.chromium(path.as_uri()) as page:
            time.sleep(2)  # the page has its weights ready before anybody clicks
            clicked = page.evaluate(CLICKED)
    first, whole = times.min(axis=0)
    yield Row(f"instrument, {DRAFTS} drafts in Chromium", whole / frames * 1000, "ms per frame", "at most 8", "NumPy",
              python / frames * 1000, python / whole)
    yield Row("instrument, 16 bars in four voices", whole, "s", "at most 2", "NumPy", python, python / whole)
    yield Row("instrument, until the first frame is written", first, "s", "at most 0.2")
    yield Row("instrument, from the click to the first notes", clicked, "s", "at most 0.5")
    yield Row("instrument, the page", size, "MB", "at most 6")
