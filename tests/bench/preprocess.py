"""The rows of notebook 01: the corpus, against music21 alone; sound, measures and the n-gram chain."""

import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import music21
import numpy as np

from tests.bench.table import Row, seconds
from utils.measure import metrics, variety
from utils.music import corpus, data, midi, ngram, text, windows
from utils.sound import audio

SAMPLE = 20  # files that music21 reads; all others would take as long
WORKERS = 2
CHORALES = 5  # rendered
WINDOWS = 1000
ORDER, KEYS = 20, range(-6, 6)  # of the chain in notebook 01


def rows():
    with tempfile.TemporaryDirectory() as folder:
        yield from corpus_rows(Path(folder))
    yield from sound_rows()
    yield from measure_rows()
    yield from ngram_rows()


def corpus_rows(folder):
    """Scores -> MIDI -> rolls -> cache, with music21's own loop beside the first two."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as executor:
        ours, number = seconds(lambda: corpus.export(folder, executor))
    paths = list(corpus.scores().values())
    plain = number * mean_seconds(music21_export, paths)
    yield Row(f"scores to MIDI, {number}, {WORKERS} cores", ours, "s", "at most 40", f"music21, 1 core, by {SAMPLE}",
              plain, plain / ours)

    ours, pieces = seconds(lambda: data.pieces(folder=folder))
    plain = number * mean_seconds(music21.converter.parseFile, sorted(folder.glob("[!.]*.mid")))
    yield Row(f"MIDI to rolls, {number} files", ours, "s", "at most 5", f"music21, by {SAMPLE}", plain, plain / ours)

    cached, again = seconds(lambda: data.pieces(folder=folder), repeats=3)
    assert len(again) == len(pieces)
    yield Row("pieces from cache", cached, "s", "under 1", "MIDI to rolls", ours, ours / cached)


def music21_export(path):
    """What the corpus's own tools offer: parse a score and write it as MIDI."""
    score = music21.converter.parse(path, forceSource=True)
    with tempfile.TemporaryDirectory() as folder, suppress(music21.repeat.ExpanderException):  # a few it cannot write
        score.write("midi", Path(folder) / "score.mid")


def mean_seconds(run, paths):
    """Seconds a file, over a sample spread evenly."""
    sample = [paths[i] for i in np.linspace(0, len(paths) - 1, SAMPLE).astype(int)]
    run(sample[0])  # what a first call loads is not counted
    return sum(seconds(lambda: run(path))[0] for path in sample) / SAMPLE


def sound_rows():
    """Notes -> wave."""
    chorales = [midi.roll_to_notes(piece.roll) for piece in data.pieces("test")[:CHORALES]]
    spent, waves = seconds(lambda: [audio.render(notes) for notes in chorales], repeats=2)
    played = sum(map(len, waves)) / audio.SAMPLE_RATE
    yield Row(f"render {CHORALES} chorales", played / spent, "x real time", "at least 30")


def measure_rows():
    """All measures of a thousand four-bar windows, and how long a copy search takes."""
    rolls = np.resize(windows.windows(data.pieces()), (WINDOWS, 64, midi.NUM_PITCHES))
    spent, _ = seconds(lambda: (metrics.measure(rolls), metrics.features(rolls)), repeats=2)
    yield Row(f"all measures of {WINDOWS:,} windows", spent, "s", "under 10")
    index = variety.CopyIndex([piece.roll for piece in data.pieces("train")])
    spent, _ = seconds(lambda: [index.longest(window) for window in rolls[:100]])
    yield Row("longest copy in 100 windows", spent, "s")


def ngram_rows():
    """The chain of notebook 01: counting and scoring."""
    strings = [text.encode(midi.transpose(piece.roll, key)) for piece in data.pieces("train") for key in KEYS]
    spent, chain = seconds(lambda: ngram.fit(strings, ORDER))
    yield Row(f"n-gram fit, {sum(map(len, strings)) / 1e6:.1f} M characters", spent, "s", "under 120")
    held_out = [text.encode(piece.roll) for piece in data.pieces("test")]
    spent, nats = seconds(lambda: [chain.nll(string).sum() for string in held_out])
    yield Row("n-gram scoring", sum(map(len, held_out)) / spent, "characters/s")
    yield Row("n-gram surprise on test", sum(nats) / sum(string.count(" ") for string in held_out), "nats/frame",
              "about 2.35")
