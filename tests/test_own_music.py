"""A reader's own folder of MIDI: five files for every network, broken files, and trainings that are stopped."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest

from notebooks import own_music
from utils import runs
from utils.music import midi
from utils.show import score

ROOT = Path(__file__).resolve().parents[1]
FIVE = [ROOT / "outputs" / "infill" / f"piece_{number}.mid" for number in range(1, 6)]
TINY = {  # other numbers of layers than by default, too
    "gru": dict(units=16, num_layers=2),
    "lstm": dict(units=16),
    "infill": dict(channels=8, units=8, hidden=8),
    "dcnn": dict(num_stacks=1, num_layers=3, channels=8, skip_channels=16),
    "gan": dict(units=[8, 16, 32]),
    "voices": dict(units=8, hidden=8),
}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Five pieces in a folder that was read before: finding their keys takes music21 some seconds."""
    folder = tmp_path_factory.mktemp("known") / "mine"
    folder.mkdir()
    for path in FIVE:
        shutil.copy(path, folder)
    own_music.read(folder, "gru")
    return folder


@pytest.fixture
def folder(known, tmp_path, monkeypatch):
    """The five pieces as a reader's folder; small networks write little, beside it."""
    shutil.copytree(known, tmp_path / "mine")
    monkeypatch.setattr(own_music, "ROOT", tmp_path)
    for name, value in dict(FRAMES=16, NUM_PIECES=4, NUM_WINDOWS=8, NUM_FILES=2).items():
        monkeypatch.setattr(own_music, name, value)
    monkeypatch.setattr(own_music, "epochs", lambda steps: (2, steps // 2))
    monkeypatch.setattr(own_music, "SIZES", {name: own_music.SIZES[name] | tiny for name, tiny in TINY.items()})
    return tmp_path / "mine"


def files(tmp_path):
    """All that was written, by name."""
    return sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "outputs").rglob("*") if path.is_file())


# ---------------------------------------------------------------------------------------------- every network


@pytest.mark.parametrize("network", own_music.STEPS)
def test_five_files_become_music_a_report_and_a_network_to_rebuild(network, folder, tmp_path, capsys):
    from utils.nets import training

    own_music.main([str(folder), "my run", "--network", network, "--steps", "2"])
    run, said = tmp_path / "outputs" / "local" / "my run", capsys.readouterr().out
    assert f"4 training pieces, 1 held back; {network}, 2 steps" in said
    written = [f"piece_{number}.{ending}" for number in (1, 2) for ending in ("mid", "mp3")]
    assert files(tmp_path) == sorted(f"outputs/local/my run/{name}" for name in (
        *written, "report.md", runs.CONFIG, runs.HISTORY, runs.WEIGHTS)) and not (run.parent / "fit").exists()
    for number in (1, 2):
        assert len(midi.midi_to_notes(run / f"piece_{number}.mid"))
        assert (run / f"piece_{number}.mp3").stat().st_size > 1000
    report = (run / "report.md").read_text()
    assert report.splitlines()[2].startswith("| held back | ") and report.splitlines()[3].startswith("| written | ")
    assert "What it wrote repeats at most " in report and report in said
    config = runs.config(run)
    assert config["network"] == network and TINY[network].items() <= config["builder"].items()
    assert training.rebuild(run).count_params() < 150_000


# ---------------------------------------------------------------------------------------------- what cannot be used


def test_broken_files_are_named_with_their_fault_and_the_rest_goes_on(folder, capsys):
    for path in sorted(folder.glob("*.mid"))[:2]:
        path.write_bytes(path.read_bytes()[:40])
    learned, held = own_music.read(folder, "gru")
    assert len(learned) == 2 and len(held) == 1
    said = capsys.readouterr().out
    assert "left out: piece_1.mid: it has no notes (" in said
    assert "left out: piece_2.mid: " in said


def test_what_one_network_cannot_read_another_can(folder, capsys):
    short = midi.roll_to_notes(midi.notes_to_roll(midi.midi_to_notes(FIVE[0]))[:32])
    tiny, high = short[short["end"] < 2], np.array([(0, 16, 126, 64, 0), (0, 16, 72, 64, 0)], midi.NOTE)
    for name, notes in {"short": short, "tiny": tiny, "high": high}.items():
        midi.notes_to_midi(notes, folder / f"{name}.mid")
    kept = {network: {piece.name for some in own_music.read(folder, network) for piece in some}
            for network in ("gru", "voices", "gan")}
    five, said = {path.stem for path in FIVE}, capsys.readouterr().out
    assert kept["gan"] == kept["voices"] - {"high"} == five
    assert {"short"} | five <= kept["gru"] and "tiny" not in kept["gru"]
    assert "left out: tiny: it is shorter than a bar\n" in said
    assert "left out: short: it has no four bars of 4/4, which --network voices learns from\n" in said
    assert "left out: high: no four bars of it stay within G1 to D6" in said


def test_a_folder_of_strangers_is_read_and_the_report_says_what_was_done(tmp_path, capsys):
    """Other metres, a choir of five, a subfolder, a wrapper, a false key, a performance, two copies of one piece."""
    rng = np.random.default_rng(0)
    (tmp_path / "sub").mkdir()
    one, two, three, four, five = map(midi.midi_to_notes, FIVE)
    write = lambda name, notes, *metre: midi.notes_to_midi(
        notes, tmp_path / name, midi.Meta(time_signatures=(metre,) if metre else (), key_signatures=((0, "Gm"),)))
    upbeat, free, again = two.copy(), four.copy(), five.copy()
    for edge in ("start", "end"):
        upbeat[edge] += 3  # of four quarters
    free["start"] += rng.uniform(0, 0.25, len(free))
    free["end"] = free["start"] + 1
    again["pitch"] += 2
    write("six_eight.mid", one, 0, 6, 8)
    write("two_two.mid", upbeat, 0, 2, 2)
    write("sub/in_a_subfolder.mid", three)
    write("free.mid", free)
    write("piece.mid", five)
    write("piece again.mid", again)
    whole = (tmp_path / "sub" / "in_a_subfolder.mid").read_bytes()
    moved = midi.notes_to_midi(four)
    (tmp_path / "wrapped.rmi").write_bytes(b"RIFF\0\0\0\0RMIDdata" + len(moved).to_bytes(4, "little") + moved)
    (tmp_path / "false_key.mid").write_bytes(whole.replace(b"\xff\x59\x02\xfe\x01", b"\xff\x59\x02\x63\x09"))
    chords = [(beat, beat + 1, pitch + beat % 5, 90, part) for beat in range(16)
              for part, pitch in enumerate((72, 67, 64, 55, 43))]
    choir = score.musicxml(np.array(chords, midi.NOTE), names=("Soprano", "Alto", "Tenor", "Bass", "Continuo"),
                           open_score=True)
    (tmp_path / "choir.musicxml").write_text(choir, encoding="utf-8")

    learned, held = own_music.read(tmp_path, "gru")
    used = {piece.name: piece for piece in learned + held}
    assert set(used) == {"six_eight", "two_two", "sub/in_a_subfolder", "piece", "piece again", "wrapped", "false_key",
                         "choir"}
    assert used["six_eight"].metre == (6, 8) and used["six_eight"].bar_frames == 12
    assert (used["two_two"].metre, used["two_two"].upbeat) == ((2, 2), 4)
    assert used["choir"].voice_names == ("Soprano", "Alto", "Tenor", "Bass", "Continuo")
    sides = [{piece.name for piece in side} for side in (learned, held)]
    for copies in ({"piece", "piece again"}, {"sub/in_a_subfolder", "false_key"}):
        assert any(copies <= side for side in sides)
    said, report = capsys.readouterr().out, own_music.account(tmp_path, learned, held)
    assert "left out: free.mid: a performance without a grid" in said and "nearly the same music, all " in said
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in report.splitlines()}
    assert "key signature passed over" in lines["false_key.mid"] and "wrapper" in lines["wrapped.rmi"]
    assert "upbeat" in lines["two_two.mid"] and "left out: a performance" in lines["free.mid"]
    assert any(piece.name == "free" for side in own_music.read(tmp_path, "gru", performances=True) for piece in side)


def test_too_little_music_is_refused_in_a_sentence(folder, capsys):
    notes = np.array([(0, 1, 60, 64, 0), (1, 2, 62, 64, 0)], midi.NOTE)
    for path in folder.glob("*.mid"):
        midi.notes_to_midi(notes, path, midi.Meta(time_signatures=((0, 6, 8),)))
    with pytest.raises(ValueError, match="0 of 5 files in .* can be used: give at least two that --network gru can "):
        own_music.read(folder, "gru")
    assert "left out: piece_1: it is shorter than a bar" in capsys.readouterr().out


def test_files_that_are_no_midi_at_all_are_refused(folder):
    for path in folder.glob("*.mid"):
        path.write_bytes(b"no music")
    with pytest.raises(ValueError, match="no file in .* could be used"):
        own_music.read(folder, "gru")


def test_a_taken_name_wrong_numbers_and_odd_names_are_refused(folder, tmp_path):
    (tmp_path / "outputs" / "local" / "mine").mkdir(parents=True)
    for arguments, words in ((["mine"], "choose another name"), (["a", "--steps", "0"], "1 step or more"),
                             (["a", "--seed", "-1"], "a seed of 0"), (["../a"], "plain name"), (["fit"], "plain name")):
        with pytest.raises(ValueError, match=words):
            own_music.main([str(folder), *arguments])


@pytest.mark.parametrize("make, words", [(False, "there is no folder"), (True, "holds no MIDI file")])
def test_a_folder_without_music_is_noticed_before_keras_is_loaded(tmp_path, make, words):
    if make:
        (tmp_path / "mine").mkdir()
    code = ("import runpy, sys\n"
            f"try: runpy.run_path({str(ROOT / 'notebooks' / 'own_music.py')!r}, run_name='__main__')\n"
            "finally: assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules")
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path / "mine"), "nothing comes of it"],
                            capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 1 and words in result.stderr and "Traceback" not in result.stderr
    assert not (ROOT / "outputs" / "local" / "nothing comes of it").exists()


# ---------------------------------------------------------------------------------------------- stopped, and going on


def stop_at(number, function):
    """The function, but Ctrl-C at its call of this number."""
    calls = []

    def stopping(*arguments):
        calls.append(arguments)
        if len(calls) == number:
            raise KeyboardInterrupt
        return function(*arguments)

    return stopping


@pytest.mark.parametrize("network, measure, calls", [("dcnn", "nll", 16), ("gan", "nearness", 1)])
def test_a_training_that_is_stopped_goes_on_or_leaves_nothing(folder, tmp_path, monkeypatch, capsys, network,
                                                              measure, calls):
    """Ctrl-C before the first epoch or look, after it, and when all is trained: no run is there before it is whole."""
    from utils.nets import wavenet

    place, local = {"nll": wavenet, "nearness": own_music}[measure], tmp_path / "outputs" / "local"
    call = [str(folder), "mine", "--network", network, "--steps", "2"]
    monkeypatch.setattr(own_music, "keep", lambda written, folder: 0)
    for target, name, number, left, said in ((place, measure, 1, [], []), (place, measure, calls + 1, ["fit"], [1]),
                                             (own_music, "report", 1, ["fit"], [2])):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(target, name, stop_at(number, getattr(target, name)))
            own_music.main(call)
        out = capsys.readouterr().out
        assert [path.name for path in local.glob("*")] == left and ("the same command continues" in out) == bool(left)
        assert [number for number in (1, 2) if f" {number} of 2: " in out] == said
    own_music.main(call)
    assert " of 2: " not in capsys.readouterr().out and [path.name for path in local.glob("*")] == ["mine"]
    history = json.loads((local / "mine" / runs.HISTORY).read_text())
    assert len(history["loss"]) == 2


def test_a_network_that_copies_is_told_from_one_that_does_not(folder):
    assert own_music.verdict(12, 31) == (
        "What it wrote repeats at most 31 sixteenths of a piece it learned from; the held-back pieces 12: it copies, "
        "train it for fewer steps or on more music.")
    assert own_music.verdict(12, 17).endswith("pieces 12: it does not copy.") and "not copy" in own_music.verdict(2, 9)
    learned, held = own_music.read(folder, "gru")
    copied = own_music.report(learned, held, [midi.transpose(learned[0].roll, 1)])
    sounds = int(learned[0].roll.any(axis=1).sum())
    assert f"repeats at most {sounds} sixteenths" in copied and "it copies" in copied
    window = np.repeat(learned[0].roll[:64:2], 2, axis=0)  # as a GAN writes it, on the grid of eighths
    copied = own_music.report(learned, held, [window], grid=2)
    assert f"repeats at most {window.any(axis=1).sum()} sixteenths" in copied
