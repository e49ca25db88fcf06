"""The command line of the composer: each task writes its files and says what it found, and refuses with a remedy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from notebooks import compose
from utils.music import folder, grid, midi, piece, tune, voices
from utils.show import edition
from utils.sound import audio

ROOT = Path(__file__).resolve().parents[1]
TUNE = str(ROOT / "data" / "tunes" / "old_hundredth.abc")
PIECE = str(ROOT / "outputs" / "infill" / "piece_1.mid")
TWO_TUNES = "X:1\nT:One\nM:4/4\nL:1/4\nK:C\nCDEF|G2G2|FEDD|C4|\n\nX:2\nT:Two\nM:3/4\nL:1/4\nK:G\nGAB|d2B|AGF|G3|\n"


def run(*arguments, out, attempts=1, drafts=2):
    """Call it as a user does: the folder, and its report."""
    numbers = ["--attempts", attempts, "--drafts", drafts, "--out", out]
    found = compose.main(list(map(str, [*arguments, *numbers])))
    return found, (found / "report.md").read_text(encoding="utf-8")


def expected(attempts):
    """The names of all files."""
    return sorted(["report.md", *(f"attempt_{number}.{kind}" for number in range(1, attempts + 1)
                                  for kind in edition.KINDS)])


def names(place):
    return sorted(path.name for path in place.iterdir())


def read(path):
    """A piece as its file says."""
    ((notes, meta),) = folder.read(Path(path))
    return piece.from_notes("read", notes, meta)[0]


def notes_of(*rows):
    """Rows of (start, end, pitch, part)."""
    return np.array([(start, end, pitch, midi.VELOCITY, part) for start, end, pitch, part in rows], midi.NOTE)


def tune_in(read):
    """The soprano of a piece, as it is written in the file of a tune."""
    ((notes, meta),) = folder.read(Path(read))
    return tune.hear(notes, meta)


# ---------------------------------------------------------------------------------------------- what it writes


def test_harmonise_writes_files_of_each_attempt_and_a_report(tmp_path, capsys):
    out, report = run("harmonise", TUNE, out=tmp_path / "new" / "folder", attempts=2)
    said = capsys.readouterr().out
    assert out == tmp_path / "new" / "folder" and names(out) == expected(2)
    assert report.startswith("# Old Hundredth\n")
    for line in ("- metre 4/4, upbeat of 1 quarter notes: as written in the file",
                 "- key G major: heard in the tune and its signature", "- phrases end in bars 2, 4, 6, 8: "):
        assert f"\n{line}" in report and line[2:] in said
    for number in (1, 2):
        assert f"\n## Attempt {number}\n" in report and f"\n| attempt {number} | " in report
        found = read(out / f"attempt_{number}.mid")
        assert (found.voices[:, 0] == tune_in(TUNE).piece.voices[:, 0]).all() and found.voices.min() >= 0
        assert (read(out / f"attempt_{number}.musicxml").voices == found.voices).all()
    assert report.count("bar 8: phrase ends on ") == 2 and "Two attempts have the same chord on " in report
    assert all(f"attempt_2.{kind}" in said for kind in edition.KINDS) and "more in " in said
    assert (out / "attempt_1.mid").read_bytes() != (out / "attempt_2.mid").read_bytes()


def test_the_best_attempt_comes_first(tmp_path):
    _, report = run("new", "--bars", 4, out=tmp_path, attempts=4, drafts=1)
    rows = [line.split(" | ") for line in report.splitlines() if line.startswith("| attempt ")]
    head = next(line.split(" | ") for line in report.splitlines() if line.startswith("|  | "))
    column = lambda name: np.array([float(row[head.index(name)]) for row in rows])
    assert (np.diff(column("closes")) <= 0).all()
    lost = column("nats per frame") + column("parallels per bar") - column("at rest") - column("chords")
    assert len(rows) == 4 and (np.diff(lost)[np.diff(column("closes")) == 0] > -0.05).all()  # as rounded


def test_the_same_seed_writes_the_same_and_another_seed_another(tmp_path):
    first, again, other = (run("new", "--bars", 2, "--seed", seed, out=tmp_path / name)[0] / "attempt_1.mid"
                           for name, seed in (("first", 7), ("again", 7), ("other", 8)))
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


def test_what_the_user_says_is_believed(tmp_path):
    out, report = run("harmonise", TUNE, "--key", "e minor", "--metre", "2/4", "--upbeat", 1, "--fermatas", "4,16",
                      "--tempo", 240, "--expression", 0, out=tmp_path)
    for line in ("metre 2/4, upbeat of 1 quarter notes: ", "key E minor: as asked for",
                 "phrases end in bars 4, 16: as asked for", "2/4 is harmonised as 4/4: no 2/4 was learned"):
        assert f"\n- {line}" in report
    ((_, meta),) = folder.read(out / "attempt_1.mid")
    assert meta.key_signatures == ((0.0, "Em"),) and meta.tempos[0][1] == pytest.approx(240)
    wave, rate = audio.read(out / "attempt_1.mp3")
    assert len(wave) / rate == pytest.approx(32 / 4 + audio.RELEASE_SECONDS + audio.HALL_SECONDS, abs=0.3)
    assert (midi.midi_to_notes(out / "attempt_1.performed.mid")["velocity"] == midi.VELOCITY).all()


def test_the_depth_of_the_expression_is_heard_and_the_performance_is_read_back_as_the_same_piece(tmp_path):
    even, deep = (run("new", "--bars", 4, "--expression", depth, out=tmp_path / str(depth))[0] for depth in (0, 2))
    assert (even / "attempt_1.mid").read_bytes() == (deep / "attempt_1.mid").read_bytes()
    written, played = (midi.midi_to_notes(deep / f"attempt_1.{kind}") for kind in ("mid", "performed.mid"))
    assert len(np.unique(played["velocity"])) > 3 and len(played) == len(written)
    again = read(deep / "attempt_1.performed.mid")
    assert (again.roll == read(deep / "attempt_1.mid").roll).all()
    lengths = [len(audio.read(out / "attempt_1.mp3")[0]) for out in (even, deep)]
    assert lengths[1] > 1.1 * lengths[0]
    with pytest.raises(ValueError, match="--expression 3: give 0 to 2"):
        run("new", "--expression", 3, out=tmp_path / "no")


def test_a_tune_goes_on(tmp_path):
    out, report = run("continue", TUNE, "--bars", 4, out=tmp_path)
    found, asked = read(out / "attempt_1.mid"), tune_in(TUNE).piece
    assert names(out) == expected(1)
    assert report.startswith("# Old Hundredth, continued\n") and "\n- 4 bars more\n" in report
    assert (found.voices[:len(asked.voices), 0] == asked.voices[:, 0]).all()
    assert len(found.voices) == len(asked.voices) + 4 * 16 and "bar 12: phrase ends on " in report


def test_a_piece_in_four_voices_goes_on_from_all_of_them(tmp_path):
    before = tmp_path / "before"
    run("harmonise", TUNE, out=before)
    whole = read(before / "attempt_1.mid")
    found = read(run("continue", before / "attempt_1.mid", "--bars", 2, out=tmp_path / "after")[0] / "attempt_1.mid")
    assert (found.voices[:len(whole.voices)] == whole.voices).all() and len(found.voices) == len(whole.voices) + 32


@pytest.mark.parametrize("ending", ["mid", "musicxml"])
def test_vary_keeps_all_that_is_locked_through_the_files(ending, tmp_path):
    run("harmonise", TUNE, out=tmp_path / "before")
    source = tmp_path / "before" / f"attempt_1.{ending}"
    out, report = run("vary", source, "--bars", "3-4,7", "--voices", "alto,tenor", out=tmp_path / "after")
    before, after = read(source), read(out / "attempt_1.mid")
    bar = grid.bar_number(np.arange(len(before.voices)), before.upbeat, before.bar_frames)
    inside = np.isin(bar, [3, 4, 7])[:, None] & np.isin(range(4), [1, 2])
    assert (after.voices[~inside] == before.voices[~inside]).all() and (after.voices != before.voices)[inside].any()
    assert (after.metre, after.upbeat) == (before.metre, before.upbeat) and names(out) == expected(1)
    assert "\n- rewritten: bars 3-4,7, voices alto,tenor" in report and report.startswith("# Attempt 1, varied")


def test_vary_takes_a_file_of_four_voices_from_elsewhere(tmp_path):
    ((notes, meta),) = folder.read(Path(PIECE))
    before = tune.quartet(notes, meta).piece
    out, report = run("vary", PIECE, "--voices", "bass", out=tmp_path)
    after = read(out / "attempt_1.mid")
    assert (after.voices[:, :3] == before.voices[:, :3]).all() and (after.voices[:, 3] != before.voices[:, 3]).any()
    assert "\n- rewritten: bars all, voices bass" in report


@pytest.mark.parametrize("form, more", [("aab", []), ("AAB", ["--vary-inner"])])
def test_new_composes_in_a_form(form, more, tmp_path):
    out, report = run("new", "--bars", 6, "--key", "e minor", "--metre", "3/4", "--form", form, *more, out=tmp_path)
    found = read(out / "attempt_1.mid")
    assert names(out) == expected(1) and "\n- 6 bars of 3/4 in E minor, form AAB\n" in report
    assert (found.metre, found.upbeat, len(found.voices)) == ((3, 4), 4, 6 * 12) and found.voices.min() >= 0
    pitch = voices.pitches(found.voices)
    assert (pitch[:24, [0, 3]] == pitch[24:48, [0, 3]]).all()
    assert more or (pitch[:24] == pitch[24:48]).all()


def test_without_a_folder_each_run_makes_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compose, "ROOT", tmp_path)
    call = ["new", "--bars", "2", "--attempts", "1", "--drafts", "1"]
    local = tmp_path / "outputs" / "local"
    assert [compose.main(call) for _ in range(2)] == [local / "new", local / "new_2"]
    assert names(local) == ["new", "new_2"] and names(local / "new") == names(local / "new_2") == expected(1)
    odd = tmp_path / "My_Tune: (a) b.abc"
    odd.write_bytes(Path(TUNE).read_bytes())
    assert compose.main(["harmonise", str(odd), "--attempts", "1", "--drafts", "1"]) == local / "my_tune_a_b"
    assert "# My Tune: (a) b" in (local / "my_tune_a_b" / "report.md").read_text(encoding="utf-8")


def test_of_a_file_of_several_tunes_one_is_chosen(tmp_path):
    tunes = tmp_path / "tunes.abc"
    tunes.write_text(TWO_TUNES)
    _, report = run("harmonise", tunes, "--tune", 2, out=tmp_path / "second")
    assert "\n- the file holds 2 tunes, this is number 2: choose with --tune\n" in report
    assert "\n- metre 3/4, no upbeat: as written in the file" in report
    with pytest.raises(ValueError, match="--tune 3 is not in .*: give a number from 1 to 2"):
        run("harmonise", tunes, "--tune", 3, out=tmp_path / "third")


def test_a_part_of_chords_can_be_named_as_the_tune(tmp_path):
    chords = notes_of(*((beat, beat + 1, pitch + beat % 3, 0) for beat in range(16) for pitch in (60, 64, 67)))
    midi.notes_to_midi(chords, tmp_path / "chords.mid")
    out, report = run("harmonise", tmp_path / "chords.mid", "--part", 1, "--metre", "4/4", "--upbeat", 0,
                      out=tmp_path / "out")
    assert "\n- part 1 has chords: its highest notes are the tune" in report
    assert voices.pitches(read(out / "attempt_1.mid").voices)[::4, 0].tolist() == [67 + beat % 3 for beat in range(16)]


# ---------------------------------------------------------------------------------------------- what it refuses


@pytest.fixture
def files(tmp_path):
    """Files that cannot be used as they are."""
    rng = np.random.default_rng(0)
    free = notes_of(*((0, 0.2, 60 + pitch, 0) for pitch in rng.integers(0, 12, 100)))
    free["start"] = np.cumsum(rng.uniform(0.2, 0.9, 100))
    free["end"] = free["start"] + 0.2
    chords = notes_of(*((beat, beat + 1, pitch, part) for beat in range(8) for part in (0, 1)
                        for pitch in (48 + 12 * part, 52 + 12 * part, 55 + 12 * part)))
    midi.notes_to_midi(free, tmp_path / "free.mid")
    midi.notes_to_midi(chords, tmp_path / "chords.mid", midi.Meta(part_names=("Left", "Right")))
    midi.notes_to_midi(chords[:0], tmp_path / "silent.mid")
    (tmp_path / "rests.abc").write_text("X:1\nM:4/4\nL:1/4\nK:C\nz4|z4|\n")
    (tmp_path / "words.mid").write_text("no music")
    return tmp_path


@pytest.mark.parametrize("task", ["harmonise", "continue", "vary"])
@pytest.mark.parametrize("name, remedy", [
    ("nothing.mid", "nothing.mid: it cannot be opened .*; check the name"),
    ("nothing.abc", "nothing.abc: it cannot be opened .*; check the name"),
    ("silent.mid", "it has no notes .*choose a file with a melodic part"),
    ("rests.abc", "it has no notes; choose another score"), ("words.mid", "words.mid: "),
    ("free.mid", "it is played so freely .*: play it with a click, or write it in")])
def test_a_file_without_a_tune_is_refused(task, name, remedy, files):
    with pytest.raises(ValueError, match=remedy):
        run(task, files / name, out=files / "out")
    assert not (files / "out").exists()


@pytest.mark.parametrize("task", ["harmonise", "continue"])
def test_chords_of_which_no_part_is_named_are_refused(task, files):
    with pytest.raises(ValueError, match=r'parts: 1 "Left", 2 "Right"\): say which one it is, such as --part 1'):
        run(task, files / "chords.mid", out=files / "out")


def test_a_melody_cannot_be_varied(tmp_path):
    with pytest.raises(ValueError, match="old_hundredth.abc does not have four voices .*: harmonise it first"):
        run("vary", TUNE, out=tmp_path / "out")


@pytest.mark.parametrize("call, remedy", [
    (["harmonise", TUNE, "--key", "H"], "the key 'H' cannot be read: write G, e minor, F# or Bbm"),
    (["harmonise", TUNE, "--metre", "4/3"], "the metre '4/3' cannot be read: write 4/4, 3/4, 6/8"),
    (["harmonise", TUNE, "--upbeat", "4"], "give whole sixteenths, less than a bar"),
    (["harmonise", TUNE, "--fermatas", "99"], "no note of the tune begins in bar 99: phrases can end in bars 0 to 8"),
    (["harmonise", TUNE, "--fermatas", "often"], "write 4, 5-8 or 4,8,12"),
    (["harmonise", TUNE, "--part", "horn"], "there is no part 'horn': choose among 1"),
    (["harmonise", TUNE, "--tempo", "5"], "--tempo 5: give 10 to 400 quarter notes per minute"),
    (["harmonise", TUNE, "--tempo", "nan"], "give 10 to 400 quarter notes"),
    (["harmonise", TUNE, "--temperature", "-1"], "temperature is -1.0: give 0"),
    (["harmonise", TUNE, "--seed", "-1"], "--seed -1: give .* a seed of 0 to"),
    (["continue", TUNE, "--bars", "0"], "0 bars more: ask for 1 to 400"),
    (["vary", PIECE, "--bars", "x"], "the bars 'x' cannot be read: write 4, 5-8 or 4,8,12"),
    (["vary", PIECE, "--bars", "99"], "there is no bar 99: the piece has bars 0 to 11"),
    (["vary", PIECE, "--voices", "horn"], "write soprano, alto, tenor, bass, with commas"),
    (["new", "--bars", "0"], "0 bars of 4/4: ask for 1 to 400"),
    (["new", "--key", "X"], "the key 'X' cannot be read"),
    (["new", "--metre", "three"], "the metre 'three' cannot be read"),
    (["new", "--form", "A1"], "the form 'A1' cannot be read: write a letter for each section"),
    (["new", "--form", "AA", "--bars", "7"], "7 bars cannot be divided into AA: ask for a multiple of 2 bars"),
])
def test_a_wish_that_cannot_be_met_is_refused_with_a_remedy(call, remedy, tmp_path):
    with pytest.raises(ValueError, match=remedy):
        run(*call, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("numbers", [dict(attempts=0), dict(attempts=25), dict(drafts=0), dict(drafts=65)])
def test_impossible_numbers_of_attempts_and_drafts_are_refused(numbers, tmp_path):
    with pytest.raises(ValueError, match="give 1 to 24 attempts, 1 to 64 drafts"):
        run("new", out=tmp_path / "out", **numbers)


def test_attempts_that_are_there_are_not_written_over(tmp_path):
    (tmp_path / "attempt_1.mid").write_bytes(b"mine")
    with pytest.raises(ValueError, match="holds attempts already: choose another --out, or remove them"):
        run("new", "--bars", 2, out=tmp_path)
    assert names(tmp_path) == ["attempt_1.mid"] and (tmp_path / "attempt_1.mid").read_bytes() == b"mine"


@pytest.mark.parametrize("call", [[], ["sing"], ["harmonise"], ["new", "--bars", "x"], ["vary", PIECE, "--part", "1"]])
def test_a_call_that_is_none_shows_the_usage(call, capsys):
    with pytest.raises(SystemExit) as left:
        compose.main(call)
    assert left.value.code == 2 and "usage: " in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- as a script


def test_it_composes_without_keras(tmp_path):
    code = ("import sys\nfrom notebooks import compose\ncompose.main(sys.argv[1:])\n"
            "print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules))")
    call = ["new", "--bars", "2", "--attempts", "1", "--drafts", "1", "--out", str(tmp_path / "out")]
    result = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0 and result.stdout.splitlines()[-1] == "set()"
    assert names(tmp_path / "out") == expected(1)


def test_as_a_script_from_anywhere_it_refuses_in_a_sentence(tmp_path):
    result = subprocess.run([sys.executable, str(ROOT / "notebooks" / "compose.py"), "harmonise", "nothing.mid"],
                            capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": ""})
    assert result.returncode == 1 and "nothing.mid: it cannot be opened" in result.stderr
    assert "Traceback" not in result.stderr and not list(tmp_path.iterdir())
