"""A folder of anyone's music beside Bach: his own is not told from his, what is spoiled is, and what is too little or
broken is said.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from notebooks import judge
from utils.measure import critic, grade, metrics, verdicts
from utils.music import data, midi, voices
from utils.show import edition

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"NUM": 40, "TAUGHT": 40, "EPOCHS": 1}
HELD = 30  # pieces of a folder


def some(split):
    """Fewer pieces than there are, for the grade."""
    return data.pieces(split)[:{"train": 223, "valid": 12, "test": 30}[split]]


def write(place, pieces, notes_of=lambda read: voices.to_notes(read.voices)):
    """Pieces as a stranger's MIDI files."""
    place.mkdir()
    for number, read in enumerate(pieces):
        midi.notes_to_midi(notes_of(read), place / f"{number:02d}.mid", edition.meta(read))
    return place


def run(place, name, out, *options):
    """Call it as a user does, with less to do: what report.json holds, and report.md."""
    with pytest.MonkeyPatch.context() as patch:
        for setting, value in SMALL.items():
            patch.setattr(judge, setting, value)
        real = data.pieces
        patch.setattr(judge.data, "pieces", lambda split: real(split)[:{"valid": 12, "test": 30}.get(split)])
        patch.setattr(critic, "NUM_BOOTSTRAPS", 100)
        judge.main([str(place), "--name", name, "--out", str(out), *options])
    return json.loads((out / "report.json").read_text()), (out / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def his():
    """Pieces by Bach in 4/4 that no reference and no critic has learned from."""
    return [read for read in data.pieces("valid") if read.metre == (4, 4) and len(read.roll) > 140
            and read.roll[0].any()][:HELD]


@pytest.fixture(scope="module")
def place(his, tmp_path_factory):
    """A folder of them, and of what cannot be used."""
    place = write(tmp_path_factory.mktemp("his") / "mine", his)
    (place / "sub").mkdir()
    (place / "sub" / "broken.mid").write_bytes(b"no music")
    (place / "broken.musicxml").write_text("<score-partwise><part>", encoding="utf-8")
    waltz = next(read for read in data.pieces("valid") if read.metre == (3, 4))
    midi.notes_to_midi(voices.to_notes(waltz.voices), place / "waltz.mid", edition.meta(waltz))
    tune = voices.to_notes(his[0].voices[:, :1])
    midi.notes_to_midi(tune, place / "tune.mid", edition.meta(his[0]))
    return place


@pytest.fixture(scope="module")
def judged(place, tmp_path_factory):
    out = tmp_path_factory.mktemp("judged") / "out"
    return (*run(place, "mine", out), out)


# ---------------------------------------------------------------------------------------------- what it finds


def test_bach_is_not_told_from_bach(judged):
    found, _, _ = judged
    assert found["windows"]["asked"] == found["windows"]["taught"] == 40 and found["pieces"]["four voices"] == HELD + 1
    for verdict in found["critics"]["mine"]:
        assert verdict["low"] < 0.6 and verdict["high"] > 0.4
    row = found["grades"]["mine"]
    assert row["Bach picked"][1] < 0.5 < row["Bach picked"][2] and 0.8 < row["grade"][0] < 1.25
    assert found["rows"]["mine"]["coverage"][0] > 0.5 and found["no grade"] == ""


def test_figures_are_those_of_the_windows(judged, his, place):
    found, _, _ = judged
    heard = judge.read(place, True)
    asked, taught = judge.usable(heard, 1)
    assert len(asked) + len(taught) == found["pieces"]["with windows"] == HELD + 1
    assert not {each.file for each in asked} & {each.file for each in taught}
    rolls = np.concatenate([each.windows for each in asked + taught])[:40]
    measured, row = metrics.measure(rolls), found["rows"]["mine"]
    for column, measure in (("chord rate", "chord_rate"), ("notes per bar", "notes_per_bar")):
        value, low, high = row[column]
        assert value == pytest.approx(np.nanmean(measured[measure])) and low < value < high
    whole = {each.file: each.piece for each in heard}
    for number, read in enumerate(his):
        known = whole[f"{number:02d}.mid"]
        assert np.array_equal(voices.pitches(known.voices), voices.pitches(read.voices)[:len(known.voices)])
        assert (known.upbeat, known.mode, known.semitones % 12) == (read.upbeat, read.mode, read.semitones % 12)


def test_the_report_says_what_the_json_holds(judged):
    found, text, out = judged
    assert judge.report(found) == text and sorted(path.name for path in out.iterdir()) == [
        "report.json", "report.md", "table.png"]
    value, low, high = found["rows"]["mine"]["chord rate"]
    assert f"| mine | {value:.2f} ({low:.2f} to {high:.2f}) |" in text
    first = found["critics"]["mine"][0]
    assert f"**{first['auc']:.2f} ({first['low']:.2f} to {first['high']:.2f})**" in text
    assert f"| mine | {HELD + 1} | {judge.cell(found['grades']['mine']['grade'])} |" in text
    shipped = json.loads((ROOT / "outputs" / "evaluation" / "results.json").read_text())["rows"]
    for name, row in shipped.items():
        assert {column: found["rows"][name][column][0] for column in row} == pytest.approx(row)
    assert "with fewer a critic learns less" not in text  # as many as were asked for
    assert (out / "table.png").stat().st_size > 10_000


def test_what_cannot_be_used_is_listed_with_its_reason(judged):
    found, text, _ = judged
    rows = {row["file"]: row for row in found["files"]}
    assert len(rows) == HELD + 4 and found["pieces"]["broken"] == 2
    assert rows["sub/broken.mid"]["used"].startswith("no MIDI") or "MIDI" in rows["sub/broken.mid"]["used"]
    assert rows["broken.musicxml"]["used"] and rows["broken.musicxml"]["windows"] == 0
    assert rows["waltz.mid"]["used"] == "no window: 3/4, not 4/4"
    assert rows["tune.mid"]["used"] == "no grade: alto and tenor and bass without a melody"
    assert all(f"| {row['file']} | {row['windows']} | " in text for row in found["files"])


def test_one_seed_gives_one_report(judged, place, tmp_path):
    found, text, _ = judged
    assert run(place, "mine", tmp_path / "again") == (found, text)


def test_spoiled_music_is_heard(judged, his, tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "EPOCHS", 1)
    rng = np.random.default_rng(1)
    worse = write(tmp_path / "worse", [grade.shuffled_beats(read, rng) for read in his])
    train, test = ([read for read in data.pieces(split) if read.metre == (4, 4)] for split in ("train", "test"))
    row, heard, _ = judge.figures(*judge.usable(judge.read(worse, False), 1), verdicts.bach(train, test), 1)
    assert heard[0]["auc"] == row["critic's AUC"][0] > 0.9 and heard[0]["taken_for_bach"] < 0.2
    assert row["parallels per bar"][1] > judged[0]["rows"]["mine"]["parallels per bar"][2]


def test_an_upbeat_that_no_file_names_is_heard(his, tmp_path):
    read = next(each for each in his if each.upbeat == 4)
    for name, meta in (("bare", midi.NO_META), ("plain", midi.Meta(time_signatures=((0, 4, 4),)))):
        midi.notes_to_midi(voices.to_notes(read.voices), tmp_path / f"{name}.mid", meta)
    score = edition.write(read, tmp_path / "score", formats=("musicxml",))[0]
    for name in ("bare.mid", "plain.mid"):
        (by_ear,), (written,) = (judge.hear(tmp_path / name, name, name, asked) for asked in (True, False))
        assert by_ear.piece.upbeat == 4 and judge.BY_EAR in by_ear.said and written.piece.upbeat == 0
        assert by_ear.piece.semitones == written.piece.semitones
        assert not np.array_equal(by_ear.windows, written.windows[:len(by_ear.windows)])
    (named,) = judge.hear(score, "score", "score", True)
    assert named.piece.upbeat == 4 and "as written" in named.said


def test_piano_music_is_dealt_to_four_voices_and_a_performance_is_left_out(his, tmp_path):
    notes = voices.to_notes(his[0].voices)
    notes["part"] = 0
    midi.notes_to_midi(notes, tmp_path / "piano.mid", midi.Meta(time_signatures=((0, 4, 4),)))
    (heard,) = judge.hear(tmp_path / "piano.mid", "piano", "piano.mid", False)
    assert heard.piece.voices.shape[1] == 4 and heard.no_grade == ""
    free = notes.copy()
    free["start"] += np.random.default_rng(0).uniform(0, 0.25, len(free))
    free["end"] = free["start"] + 1
    midi.notes_to_midi(free, tmp_path / "free.mid")
    (heard,) = judge.hear(tmp_path / "free.mid", "free", "free.mid", True)
    assert heard.piece is None and heard.why.startswith("a performance without a grid")
    (heard,) = judge.hear(tmp_path / "missing.mid", "missing", "missing.mid", True)
    assert heard.piece is None and heard.why


# ---------------------------------------------------------------------------------------------- what it refuses


def test_too_little_music_is_refused_in_a_sentence_before_keras_is_loaded(place, tmp_path):
    (tmp_path / "few").mkdir()
    for name in ("00.mid", "01.mid", "waltz.mid"):
        shutil.copy(place / name, tmp_path / "few")
    code = ("import runpy, sys\n"
            f"try: runpy.run_path({str(ROOT / 'notebooks' / 'judge.py')!r}, run_name='__main__')\n"
            "finally: assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules")
    result = subprocess.run([sys.executable, "-c", code, str(tmp_path / "few")], capture_output=True, text=True,
                            cwd=tmp_path)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "windows of four bars of 4/4 in 2 of 3 pieces: the critics need 60 or more" in result.stderr
    assert "waltz.mid: 3/4, not 4/4" in result.stderr


def test_one_piece_many_times_is_too_little(place, tmp_path):
    for number in range(30):
        shutil.copy(place / "00.mid", tmp_path / f"{number}.mid")
    with pytest.raises(ValueError, match="all but 0 in pieces that are nearly the same music"):
        judge.usable(judge.read(tmp_path, False), 1)


def test_few_whole_pieces_are_not_graded_but_the_rest_is(his):
    bach = {split: some(split) for split in ("train", "valid", "test")}
    rows, said = judge.grades("mine", his[:9], bach, 1)
    assert "mine" not in rows and said.startswith("9 whole pieces in four voices: the grade needs 10 or more")
    rates = [rows[name]["Bach picked"][0] for name in (
        "Bach, test", "Bach, 5% wrong notes", "Bach, 10% wrong notes", "Bach, 20% wrong notes")]
    assert rates == sorted(rates) and rates[0] == 0.5


@pytest.mark.parametrize("arguments, words", [
    (["--seed", "-1"], "a seed of 0"), (["--name", "Bach"], "choose another one"),
    (["--name", "beat markov"], "choose another one"), (["--keep"], "--source and --licence")])
def test_what_cannot_work_is_refused(arguments, words, place):
    with pytest.raises(ValueError, match=words):
        judge.parse([str(place), *arguments])


def test_a_folder_that_is_full_missing_or_without_music_is_refused(place, tmp_path):
    with pytest.raises(ValueError, match="give --out a new folder"):
        judge.parse([str(place), "--out", str(place)])
    with pytest.raises(ValueError, match="there is no folder"):
        judge.main([str(tmp_path / "nothing")])
    with pytest.raises(ValueError, match="holds no MIDI file"):
        judge.main([str(tmp_path)])
    assert judge.free_folder("a b").name == "a_b" and judge.free_folder("../..").name == "music"


# ---------------------------------------------------------------------------------------------- what is kept of others


def test_what_is_kept_is_figures_and_no_music(judged, place):
    found, _, _ = judged
    chosen = judge.parse([str(place), "--name", "mine", "--keep", "--source", "a friend", "--licence", "none"])
    kept = judge.record(found, chosen)
    assert kept["row"] == found["rows"]["mine"] and kept["grade"] == found["grades"]["mine"]
    assert "files" not in kept and str(place) not in json.dumps(kept) and kept["source"] == "a friend"
    other = judge.with_outside(json.loads(json.dumps(found)), {"theirs": kept, "mine": {}})
    assert other["rows"]["theirs"] == other["rows"]["mine"] and list(other["critics"])[-1] == "theirs"
    assert "| theirs | " in judge.report(other) and other["grades"]["theirs"]["pieces"] == HELD + 1


def test_what_is_shipped_of_others_fits_the_table(judged):
    kept = judge.kept()
    assert {"JS Fake Chorales", "RNN, four voices, test outlines"} <= set(kept)
    for name, found in kept.items():
        assert set(found["row"]) == set(judged[0]["rows"]["mine"]) and found["source"] and found["licence"]
        assert set(found["grade"]) == set(judged[0]["grades"]["mine"]) and name in found["command"]
        assert found["row"][judge.AUC] == [found["critics"][0][key] for key in ("auc", "low", "high")]
        assert (found["windows"]["taught"], found["windows"]["asked"]) == (judge.TAUGHT, judge.NUM)
