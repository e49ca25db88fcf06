"""The published test file is not in the repository; a small one of the same form is scored the same way."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.bench import score_json
from utils.music import data, midi, text

FOLDER = data.ROOT / "outputs" / "infill"  # music that is shipped: no corpus is needed


def write(path, content):
    """A file with this content, as JSON unless it is bytes."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_pitch_lists_are_scored_and_counted(tmp_path, capsys):
    roll = midi.notes_to_roll(midi.midi_to_notes(FOLDER / "piece_1.mid"))[:32]
    frames = [[int(pitch) for pitch in frame.nonzero()[0][::-1]] + [-1] for frame in roll]
    score_json.main(write(tmp_path / "tiny.json", {"test": [frames]}), "test", "16th")
    said = capsys.readouterr().out
    assert f"test, 16th grid: 1 pieces, 32 frames, {len(text.encode(roll))} characters" in said
    nats = [float(value) for value in re.findall(r"([\d.]+) nats per frame", said)]
    assert len(nats) >= 2 and all(0.5 < each < 4 for each in nats)  # each network, then the average of all


@pytest.mark.parametrize("content, split, words", [
    (None, "test", r"cannot be read \(No such file or directory\): check its name. Paths count from "),
    (b"\x80\x04no JSON", "test", "is no JSON .*: give {\"test\""),
    (b"{'test': [[[60]]]}", "test", "is no JSON .*: give {\"test\""),
    (b"[" * 100_000, "test", "is no JSON .*: give {\"test\""),
    ([[[60]]], "test", "holds a list, not splits by name: give {\"test\""),
    ({"test": [[[60]]]}, "dev", "has no split 'dev': choose one of test"),
    ({"test": [[60, 62]]}, "test", "is of another form .*: give {\"test\""),
    ({"test": [[["C4"]]]}, "test", "is of another form .*: give {\"test\""),
    ({"test": 5}, "test", "is of another form .*: give {\"test\""),
    ({"test": [[[60.5]]]}, "test", "frame 0 holds pitch 60.5"),
    ({"test": [[[126]]]}, "test", "push a note out of MIDI's range"),
    ({"test": [[]]}, "test", "holds no frames"),
])
def test_what_is_no_such_file_is_refused_in_a_sentence(tmp_path, content, split, words):
    path = tmp_path / "mine.json" if content is None else write(tmp_path / "mine.json", content)
    with pytest.raises(ValueError, match=words):
        score_json.read(path, split)


def test_missing_voices_are_silent(tmp_path):
    rolls, quartets = score_json.read(write(tmp_path / "mine.json", b'{"test": [[[60, -1, NaN], []]]}'), "test")
    assert quartets is None
    assert len(rolls) == 1 and np.argwhere(rolls[0]).tolist() == [[0, 60]] and len(rolls[0]) == 2


def test_voices_that_are_named_are_scored(tmp_path, capsys):
    path = write(tmp_path / "mine.json", b'{"test": [[[72, 67, 60, 48], [72, 65, -1, NaN]]], "few": [[[60]]]}')
    assert score_json.read(path, "test")[1][0].tolist() == [[72, 67, 60, 48], [72, 65, -1, -1]]
    score_json.main(path, "test", "voices")
    assert len(re.findall(r"test, voices named, 2 frames, .*: [\d.]+ nats per frame", capsys.readouterr().out)) == 2
    with pytest.raises(ValueError, match="not every frame has four entries"):
        score_json.main(path, "few", "voices")


def test_a_wrong_grid_says_what_is_possible(tmp_path, monkeypatch):
    path = write(tmp_path / "tiny.json", {"test": [[[60]]]})
    with pytest.raises(ValueError, match="there is no grid 'eighth': choose one of 16th, quarter, voices"):
        score_json.main(path, "test", "eighth")
    monkeypatch.setattr(score_json, "OUTPUTS", tmp_path)
    with pytest.raises(ValueError, match="no network for the quarter grid"):
        score_json.main(path, "test")


@pytest.mark.parametrize("arguments", [("missing.json", "test"), ()])
def test_on_the_command_line_a_mistake_is_a_sentence_without_keras(arguments):
    code = ("import runpy, sys\n"
            "try: runpy.run_module('tests.bench.score_json', run_name='__main__', alter_sys=True)\n"
            "finally: assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules")
    result = subprocess.run([sys.executable, "-c", code, *arguments], cwd=data.ROOT, capture_output=True, text=True)
    assert result.returncode == 1 and "Traceback" not in result.stderr and result.stdout == ""
    assert ("missing.json cannot be read" if arguments else "FILE SPLIT") in result.stderr
