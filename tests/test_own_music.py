"""A reader's own folder of MIDI: five files, five of which two are broken, none that can be used."""

import os
import shutil
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import pytest

from notebooks import own_music
from utils import runs
from utils.music import midi

ROOT = Path(__file__).resolve().parents[1]
FIVE = [ROOT / "outputs" / "rnn_compose_gru" / f"piece_{number}.mid" for number in range(1, 6)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Five pieces as a reader's folder; what is written goes beside it."""
    (tmp_path / "mine").mkdir()
    for path in FIVE:
        shutil.copy(path, tmp_path / "mine")
    monkeypatch.setattr(own_music, "ROOT", tmp_path)
    return tmp_path / "mine"


@pytest.mark.parametrize("network", ["gru", "gan"])
def test_five_files_become_a_run_a_report_and_music(network, folder, tmp_path, capsys):
    own_music.main([str(folder), "my run", "--network", network, "--steps", "2"])
    run = tmp_path / "outputs" / "local" / "my run"
    assert "4 pieces to learn from, 1 held back" in capsys.readouterr().out
    assert runs.config(run)["network"] == network and (run / runs.WEIGHTS).is_file()
    assert (run / "report.md").read_text().splitlines()[2].startswith("| held back | ")
    for number in range(1, 5):
        assert len(midi.midi_to_notes(run / f"piece_{number}.mid")) and (run / f"piece_{number}.mp3").stat().st_size > 1000
    with pytest.raises(ValueError, match="choose another name"):
        own_music.main([str(folder), "my run"])


def test_broken_files_are_named_and_the_rest_goes_on(folder, capsys):
    for path in sorted(folder.glob("*.mid"))[:2]:
        path.write_bytes(path.read_bytes()[:40])
    learned, held = own_music.read(folder)
    assert len(learned) == 2 and len(held) == 1
    said = capsys.readouterr().out
    assert "left out: piece_1.mid" in said and "left out: piece_2.mid" in said


def test_music_in_other_metres_alone_is_refused_in_a_sentence(folder):
    notes = np.array([(0, 1, 60, 64, 0), (1, 2, 62, 64, 0)], midi.NOTE)
    for path in folder.glob("*.mid"):
        midi.notes_to_midi(notes, path, midi.Meta(time_signatures=((0, 6, 8),)))
    with pytest.raises(ValueError, match="0 of 5 files in .* can be used: give at least two that can be read and are in 3/4 or 4/4"):
        own_music.read(folder)


def test_files_that_are_no_midi_at_all_are_refused(folder):
    for path in folder.glob("*.mid"):
        path.write_bytes(b"no music")
    with pytest.raises(ValueError, match="no file in .* could be used"):
        own_music.read(folder)


def test_a_piece_too_short_for_windows_is_refused_by_networks_of_windows(folder):
    learned, _ = own_music.read(folder)
    short = [piece._replace(roll=piece.roll[:40]) for piece in learned]
    with pytest.raises(ValueError, match="choose --network gru"):
        own_music.train("gan", short, short, folder / "fit", 2, 1)
