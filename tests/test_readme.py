"""What the README says runs as it stands there: its Python, block after block, and its commands' files and options."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import types
from concurrent import futures
from contextlib import suppress
from pathlib import Path

import pytest

from notebooks import compose, judge, own_music
from tests.bench import score_json
from utils.music import midi
from utils.nets import gan
from utils.sound import audio

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INDENTED = re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.MULTILINE)
PYTHON = [textwrap.dedent(block) for block in INDENTED if block.split()[0] in ("from", "import")]
WRITTEN = [ROOT / path for path in sorted(set(re.findall(r'"(outputs/local/.+?)"', "".join(PYTHON))))]


def status():
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout


class Here(futures.Executor):
    """A stand-in for a cluster: it does at once what it is given."""

    def submit(self, function, /, *arguments):
        done = futures.Future()
        done.set_result(function(*arguments))
        return done


class Client:
    """A stand-in for Dask's client."""

    def __init__(self, address):
        assert address.startswith("tcp://")

    def get_executor(self, pure):
        assert pure is False
        return Here()


def untrained(real, watch, every, epochs, **_):
    """A stand-in for `gan.fit`: a thousand epochs take a minute."""
    generator = gan.build_generator(real.shape[1:])
    looked = {name: [value] for name, value in watch(epochs, generator).items()}
    return generator, {"loss": [1.0], "discriminator_loss": [1.0], "epoch": [epochs], **looked}


@pytest.fixture
def tidy():
    """What the blocks write, and was not there before, is removed at the end; the rest of outputs/local is not ours."""
    new = [path for path in WRITTEN if not path.exists()]
    yield
    for path in new:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    with suppress(OSError):  # it holds something else
        (ROOT / "outputs" / "local").rmdir()


def test_all_python_of_the_readme_runs_from_the_root_and_writes_to_outputs_local_alone(monkeypatch, tidy, capsys):
    dask = types.ModuleType("dask")
    dask.distributed = types.ModuleType("dask.distributed")
    dask.distributed.Client = Client
    monkeypatch.setitem(sys.modules, "dask", dask)
    monkeypatch.setitem(sys.modules, "dask.distributed", dask.distributed)
    monkeypatch.setattr(gan, "fit", untrained)
    monkeypatch.chdir(ROOT)
    before, names = status(), {}
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)
    assert re.search(r"\d\.\d\d nats per frame", capsys.readouterr().out)
    assert {row["verdict"] for row in names["rows"]} <= {"noise", "collapsed", "healthy"} and len(names["rows"]) == 2
    assert {path.name for path in WRITTEN if path.exists()} == {"continued.mid", "performed.mp3", "my_sweep"}
    assert status() == before
    given, gone_on = (midi.notes_to_roll(midi.midi_to_notes(path)) for path in (
        "outputs/infill/piece_1.mid", "outputs/local/continued.mid"))
    assert len(gone_on) >= len(given) + 48 and ((given != 0) == (gone_on[:len(given)] != 0)).all()
    wave, rate = audio.read("outputs/local/performed.mp3")
    written = len(gone_on) / 4 * 60 / 84  # seconds, at 84 quarter notes per minute; a performance takes a little longer
    assert 1 < (len(wave) / rate - 1) / written < 1.2 and 0.01 < wave.std() < 0.3


def test_from_another_folder_it_says_from_where_paths_count(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    block = next(block for block in PYTHON if "rnn_bach_a" in block)
    with pytest.raises(ValueError, match=f"Relative paths start at the current folder, {tmp_path}"):
        exec(compile(block, "README.md", "exec"), {})


def test_python_is_four_blocks_that_read_what_is_shipped():
    assert len(PYTHON) == 4
    for block in PYTHON:
        assert ast.parse(block).body and max(map(len, block.splitlines())) <= 116  # and four of indentation
        for path in re.findall(r'"(outputs/[^"]*)"', block):
            assert path.startswith("outputs/local") or (ROOT / path).exists(), path


def test_commands_for_a_tune_are_understood():
    calls = re.findall(r"^    \.venv/bin/python notebooks/compose\.py (.*)$", README, re.MULTILINE)
    assert {call.split()[0] for call in calls} == set(compose.TASKS)
    for call in calls:
        assert compose.parse(shlex.split(call)).attempts == 3
    section = README[README.index("## Your own tune"):README.index("## More ways")]
    helps = subprocess.run([sys.executable, ROOT / "notebooks" / "compose.py", "harmonise", "--help"], cwd=ROOT,
                           capture_output=True, text=True).stdout
    options = set(re.findall(r"(--[\w-]+)", section)) - {"--bars", "--voices", "--form", "--vary-inner"}
    assert options and all(option in helps for option in options)


def test_commands_name_files_and_options_that_exist():
    call = re.search(r"^    \.venv/bin/python (notebooks/own_music\.py) (.*)$", README, re.MULTILINE)
    assert (ROOT / call[1]).is_file() and own_music.parse(call[2].split()).network == "gru"
    section = README[README.index("## Your own music"):README.index("## Judge any chorales")]
    assert set(own_music.STEPS) <= set(re.findall(r"`(\w+)`", section))
    for option in re.findall(r"`(--\w+)`", section):
        assert option in own_music.__doc__
    call, = re.findall(r"^    \.venv/bin/python notebooks/judge\.py (.*)$", README, re.MULTILINE)
    assert judge.parse(shlex.split(call)).name == "My program"
    section = README[README.index("## Judge any chorales"):README.index("## The music")]
    assert f"needs {judge.LEAST_WINDOWS} windows, and {judge.LEAST_PIECES} whole pieces" in section
    module, arguments = re.search(r"^    \.venv/bin/python -m (\S+) (.*)$", README, re.MULTILINE).groups()
    assert module == score_json.__name__ and len(arguments.split()) == 2
