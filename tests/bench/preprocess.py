"""The rows of notebook 01: the corpus, against music21 and mido; folders; sound, measures and the n-gram chain."""

import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import mido
import music21
import numpy as np

from tests.bench.table import Row, seconds
from utils.measure import metrics, variety
from utils.music import corpus, data, midi, ngram, text, windows
from utils.sound import audio

SAMPLE = 20  # files that music21 reads; all others would take as long
WORKERS = 2
MANY = 3_000  # files of a large folder
CHORALES = 5  # rendered
WINDOWS = 1000
ORDER, KEYS = 20, range(-6, 6)  # of the chain in notebook 01


def rows():
    with tempfile.TemporaryDirectory() as folder:
        yield from corpus_rows(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from folder_rows(data.pieces(), Path(folder))
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
    yield Row(f"MIDI to pieces, {number} files", ours, "s", "at most 5", f"music21, by {SAMPLE}", plain, plain / ours)

    cached, again = seconds(lambda: data.pieces(folder=folder), repeats=3)
    assert len(again) == len(pieces)
    yield Row("pieces from cache", cached, "s", "under 1", "MIDI to pieces", ours, ours / cached)
    yield from reader_rows(sorted(folder.glob("[!.]*.mid")), folder / "troubled.mid")


def reader_rows(paths, troubled):
    """Our reader beside mido: on the exported files, and on each trouble of TROUBLES in some of them."""
    ours, _ = seconds(lambda: [midi.read_midi(path) for path in paths], repeats=2)
    plain, _ = seconds(lambda: [mido.MidiFile(path) for path in paths], repeats=2)
    number = len(paths)
    yield Row("exported files read", number / ours, "files/s", "", "mido alone", number / plain, plain / ours)
    spent, read, by_mido, files = 0.0, 0, 0, 0
    for path in paths[::number // SAMPLE]:
        for trouble in TROUBLES:
            troubled.write_bytes(trouble(path.read_bytes()))
            took, notes = seconds(lambda: readable(midi.midi_to_notes, troubled))
            spent, read, files = spent + took, read + notes, files + 1
            by_mido += readable(mido.MidiFile, troubled)
    yield Row(f"{files} troubled files read", files / spent, "files/s")
    yield Row("troubled files that are read", read, "files", f"all {files}", "mido alone", by_mido, read / by_mido)


def readable(reader, path):
    """Whether a reader takes a file."""
    try:
        reader(path)
    except Exception:
        return False
    return True


def wrong_size(data):
    """The second track claims four bytes too many."""
    at = data.index(b"MTrk", data.index(b"MTrk") + 4) + 4
    return data[:at] + (int.from_bytes(data[at:at + 4]) + 4).to_bytes(4) + data[at + 4:]


def first_event(event):
    """Put an event before all others."""
    def put(data):
        at = data.index(b"MTrk") + 4
        size = int.from_bytes(data[at:at + 4]) + len(event)
        return data[:at] + size.to_bytes(4) + event + data[at + 4:]
    return put


TROUBLES = [  # what is wrong with the files of strangers
    first_event(b"\x00\xff\x59\x02\x63\x09"),  # a key with 99 sharps
    first_event(b"\x00\xff\x58\x04\x00\x02\x18\x08"),  # a metre of no beats
    first_event(b"\x00\xff\x51\x02\x07\xa1"),  # a tempo that is cut short
    first_event(b"\x00\xff\x54\x05\x60\x60\x60\x60\x60"),  # an impossible SMPTE offset
    first_event(b"\x00\xb0\x40\xff"),  # a pedal pressed by 255
    first_event(b"\x00\xf4"),  # a status byte that is not defined
    wrong_size,
    lambda data: data[:10] + b"\x00\x01" + data[12:],  # one track is said to be there
    lambda data: data[:10] + b"\x00\x63" + data[12:],  # 99 are
    lambda data: data + b"\x00" * 64,
    lambda data: data[:-40],
    lambda data: b"RIFF" + bytes(4) + b"RMIDdata" + len(data).to_bytes(4, "little") + data,
    lambda data: bytes(128) + data,  # MacBinary
]


def folder_rows(pieces, folder):
    """A folder of thousands of files, Bach's pieces in other keys and note values: from nothing, and from the cache."""
    for number in range(MANY):
        piece = pieces[number % len(pieces)]
        key = number // len(pieces) - 3
        notes = midi.roll_to_notes(piece.roll)
        notes["pitch"] += np.uint8(key % 256)
        for edge in ("start", "end"):
            notes[edge] *= 1 + number % 2
        midi.notes_to_midi(notes, folder / f"{piece.name}_{number}.mid")
    code = ("import resource, sys, time\nfrom utils.music import data\n"
            "start = time.perf_counter()\nread = data.pieces(folder=sys.argv[1])\n"
            "who = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN\n"
            "most = [resource.getrusage(each).ru_maxrss / 1e6 for each in who]\n"
            "print(time.perf_counter() - start, max(most), len(read))")
    first, cached = ([float(word) for word in subprocess.check_output([sys.executable, "-c", code, folder]).split()]
                     for _ in range(2))
    assert first[2] == cached[2] == MANY
    yield Row(f"folder of {MANY:,} files to pieces", first[0], "s", "at most 60")
    yield Row("  memory of the largest process", first[1], "GB", "under 1.5")
    yield Row("  from cache", cached[0], "s", "at most 2", "from nothing", first[0], first[0] / cached[0])


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
