"""The published test file is not in the repository; a small one of the same form is scored the same way."""

import json
import os
import re
import subprocess
import sys

import pytest

from utils.music import data


def score(*arguments):
    return subprocess.run([sys.executable, "-m", "tests.bench.score_json", *map(str, arguments)], capture_output=True,
                          text=True, cwd=data.ROOT, env=os.environ | {"KERAS_BACKEND": "tensorflow"})


def test_pitch_lists_are_scored_and_counted(tmp_path):
    piece = data.pieces("test")[0].roll[:64]
    frames = [[int(pitch) for pitch in frame.nonzero()[0][::-1]] + [-1] for frame in piece]
    (tmp_path / "tiny.json").write_text(json.dumps({"test": [frames]}))
    result = score(tmp_path / "tiny.json", "test", "16th")
    assert result.returncode == 0, result.stderr[-2000:]
    characters = int((piece != 0).sum()) + 64
    assert f"1 pieces, 64 frames, {characters} characters" in result.stdout
    nats = [float(value) for value in re.findall(r"([\d.]+) nats a frame", result.stdout)]
    assert len(nats) >= 2 and 0.5 < nats[-1] <= max(nats[:-1]) < 4  # one network, then the average of all


def test_a_wrong_split_or_call_says_what_is_possible(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps({"test": [[[60]]]}))
    assert "choose one of test" in score(tmp_path / "tiny.json", "dev").stderr
    assert "FILE SPLIT" in score().stderr


@pytest.mark.skipif(any((data.ROOT / "outputs").glob("rnn_quarter_*")), reason="networks for the quarter grid are shipped")
def test_a_grid_without_a_network_says_so(tmp_path):
    (tmp_path / "tiny.json").write_text(json.dumps({"test": [[[60]]]}))
    assert "no network for the quarter grid" in score(tmp_path / "tiny.json", "test").stderr
