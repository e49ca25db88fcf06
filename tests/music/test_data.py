"""The corpus as pieces: the published split, held-out music held out, and any folder of a user's own."""

import csv
import shutil
import struct

import numpy as np
import pytest
from music21 import converter

from utils.music import corpus, data, grid, midi, notation


@pytest.fixture(scope="module")
def all_pieces():
    return data.pieces()


@pytest.fixture(scope="module")
def published():
    with open(data.SPLIT_TABLE, newline="", encoding="utf-8") as lines:
        return {(row["split"], int(row["index"])): row for row in csv.DictReader(lines)}


def test_the_published_split_is_complete(all_pieces):
    counts = {split: sum(piece.split == split for piece in all_pieces) for split in data.SPLITS}
    assert (counts["train"], counts["valid"], counts["test"]) == (223, 74, 77) and counts["extra"] > 0
    assert [piece.index for piece in data.pieces("test")] == list(range(77))


def test_each_piece_has_the_frames_that_the_table_states(all_pieces, published):
    for piece in all_pieces:
        if piece.split != "extra":
            row = published[piece.split, piece.index]
            assert len(piece.roll) == int(row["n_frames_music21"]) * int(row["time_scale"]), piece.name
            assert (piece.roll != 0).sum(axis=1).max() <= 5, piece.name  # four parts; one may divide


def test_rolls_hold_music_in_their_bars(all_pieces):
    for piece in all_pieces:
        assert piece.roll.dtype == np.uint8 and set(np.unique(piece.roll)) <= {0, 1, 2}
        assert 0 <= piece.upbeat < piece.bar_frames and -6 <= piece.semitones <= 5 and piece.mode in ("major", "minor")
        assert piece.fermatas.size == 0 or piece.fermatas.max() < len(piece.roll)
    downbeats = [np.mean([(piece.roll[piece.upbeat + shift::piece.bar_frames] == 1).any(axis=1).mean()
                          for piece in all_pieces]) for shift in (0, 2)]
    assert downbeats[0] > 0.9 > downbeats[1]  # bars begin with an attack, offbeat eighths often do not


def test_repeats_are_written_once_and_unfold_to_the_published_length(all_pieces, published):
    lengths = np.array(
        [
            (len(piece.roll), len(data.unfold(piece)), int(published[piece.split, piece.index]["n_frames_benchmark"]))
            for piece in all_pieces
            if piece.repeats and piece.split == "test"
        ]
    )
    once, unfolded, benchmark = lengths.T
    assert len(lengths) > 10 and (unfolded > once).all()
    assert np.mean(np.abs(unfolded - benchmark) <= 16) > 0.6 > np.mean(np.abs(once - benchmark) <= 16)


def test_unfold_by_hand(all_pieces):
    roll = np.arange(6)[:, None] * np.ones((1, 128), int)
    piece = all_pieces[0]._replace(roll=roll, repeats=((0, 2), (3, 5)))
    assert data.unfold(piece)[:, 0].tolist() == [0, 1, 0, 1, 2, 3, 4, 3, 4, 5]
    assert data.unfold(piece._replace(repeats=())) is not None and len(data.unfold(piece._replace(repeats=()))) == 6


def test_key_normalised_pieces_end_on_c_or_a(all_pieces):
    finals = []
    for piece in all_pieces:
        last = np.flatnonzero(midi.transpose(piece.roll, piece.semitones)[np.flatnonzero(piece.roll.any(axis=1))[-1]])
        finals.append(last[0] % 12 == (0 if piece.mode == "major" else 9))
    assert np.mean(finals) > 0.8  # modal chorales and half closes make up the rest


def test_no_held_out_piece_stands_in_another_split(all_pieces):
    held_out = [piece for piece in all_pieces if piece.split in ("valid", "test")]
    extra = [piece for piece in all_pieces if piece.split == "extra"]
    assert not data.near_duplicates(extra, held_out)
    assert not {p.name for p in held_out} & {p.name for p in all_pieces if p.split in ("train", "extra")}


def test_a_copy_in_another_key_is_found_and_an_unrelated_piece_is_not(all_pieces):
    original, other = [piece for piece in all_pieces if piece.split == "test"][:2]
    copy = original._replace(name="copy", roll=midi.transpose(original.roll, 3)[8:])
    found = data.near_duplicates([copy, other], [original])
    assert found["copy"][0] == original.name and found["copy"][1] == 1 and other.name not in found


def test_the_table_says_what_became_of_every_file():
    rows = data.table()
    assert len(rows) >= 413 and {"file", "key", "metre", "left_out", "dropped"} <= rows[0].keys()
    leaks = [row for row in rows if row["dropped"].startswith("leak")]
    assert len(leaks) == 2 and {row["split"] for row in leaks} == {"train"}


def test_the_cache_gives_the_same_pieces(all_pieces):
    for fresh, cached in zip(all_pieces, data.pieces(), strict=True):
        assert fresh[:3] == cached[:3] and np.array_equal(fresh.roll, cached.roll)
        assert np.array_equal(fresh.fermatas, cached.fermatas)


def test_a_users_folder_with_broken_files(tmp_path):
    for name in ("bwv66.6", "bwv269", "bwv10.7"):
        shutil.copy(data.MIDI_FOLDER / f"{name}.mid", tmp_path / f"my {name}.mid")
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    (tmp_path / "notes.txt").write_text("not music")
    (tmp_path / "._my bwv269.mid").write_text("what some systems lay beside a file")
    mine = data.pieces(folder=tmp_path)
    assert all(piece.split == "extra" for piece in mine) and len(mine) == 3
    dropped = {row["file"]: row["dropped"] for row in data.table(tmp_path) if row["dropped"]}
    assert list(dropped) == ["broken.mid"] and "broken.mid" in dropped["broken.mid"]


def test_a_file_of_a_stranger_gets_its_key_and_metre(tmp_path):
    tune = [60, 64, 67, 72, 67, 65, 64, 62, 60, 64, 67, 64, 62, 59, 60, 60]
    notes = np.array([(i, i + 1, pitch + 2, 80, 0) for i, pitch in enumerate(tune)], midi.NOTE)
    markers = [(0, "key"), (0, "key of G"), (1, "key G minor"), (2, "repeat end"), (3, "fermata")]
    midi.notes_to_midi(notes, tmp_path / "d_major.mid", midi.Meta(time_signatures=[(0, 5, 4)], markers=markers))
    piece, = data.pieces(folder=tmp_path)
    assert (piece.mode, piece.semitones, piece.metre) == ("major", -2, (5, 4)) and piece.left_out == "metre 5/4"
    assert piece.fermatas.size == 0 and piece.repeats == ()


def tune(path, meta=midi.NO_META, starts=range(16), length=1.0, pitches=(60, 64, 67, 65, 62)):
    rows = [(start, start + length, pitches[at % len(pitches)], 90, 0) for at, start in enumerate(starts)]
    path.parent.mkdir(exist_ok=True)
    midi.notes_to_midi(np.array(rows, midi.NOTE), path, meta)
    return path.read_bytes()


def test_a_folder_of_every_kind_is_read_and_the_table_names_what_was_done(tmp_path):
    exported = (data.MIDI_FOLDER / "bwv66.6.mid").read_bytes()
    plain = tune(tmp_path / "jig.mid", midi.Meta(((0.0, 1, 8), (0.5, 6, 8))), np.arange(33) / 2, 0.5)
    tune(tmp_path / "sub" / "late.mid", midi.Meta(((0.0, 2, 2),)), np.arange(19, 40))
    tune(tmp_path / "free.mid", starts=np.cumsum(np.random.default_rng(0).uniform(0.2, 0.9, 99)), length=0.2)
    tune(tmp_path / "copy.mid", pitches=(72, 71))
    tune(tmp_path / "another copy.mid", pitches=(74, 73))
    inside = b"RMIDdata" + struct.pack("<L", len(plain)) + plain
    (tmp_path / "wrapped.rmi").write_bytes(b"RIFF" + struct.pack("<L", len(inside)) + inside)
    (tmp_path / "key.mid").write_bytes(plain[:22] + b"\x00\xff\x59\x02\x63\x00" + plain[22:])
    (tmp_path / "bwv66.6.mid").write_bytes(exported)
    tunes = "X:1\nT:A\nM:3/4\nL:1/4\nK:G\nD|GAB|c2d|]\n\nX:2\nT:B\nM:4/4\nL:1/4\nK:C\nCDEF|]\n"
    (tmp_path / "tunes.abc").write_text(tunes)
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    pieces = {piece.name: piece for piece in data.pieces(folder=tmp_path)}
    rows = {row["piece"] or row["file"]: row for row in data.table(tmp_path)}
    assert set(rows) == {*pieces, "broken.mid", "free"} and all(piece.split == "extra" for piece in pieces.values())
    assert pieces["jig"].metre == (6, 8) and pieces["jig"].upbeat == 2 and rows["jig"]["left_out"] == "metre 6/8"
    assert pieces["sub/late"].upbeat == 4 and rows["sub/late"]["mended"].startswith("19 quarter notes of silence cut")
    assert rows["free"]["dropped"].startswith("a performance without a grid")
    assert {piece.name for piece in data.pieces(folder=tmp_path, performances=True)} == {*pieces, "free"}
    assert rows["wrapped"]["mended"] == "1 x wrapper passed over"
    assert "1 x key signature passed over" in rows["key"]["mended"]
    np.testing.assert_array_equal(pieces["wrapped"].roll, pieces["key"].roll)
    assert pieces["bwv66.6"].index == -1 and len(pieces["bwv66.6"].fermatas)  # no benchmark here, and yet our own facts
    assert pieces["tunes#1"].upbeat == 4 and pieces["tunes#2"].metre == (4, 4)
    assert rows["broken.mid"]["dropped"].startswith("broken.mid: its header is cut short")
    assert all(row.keys() == rows["jig"].keys() for row in rows.values())


def test_copies_are_one_family_and_others_are_not(tmp_path):
    rng = np.random.default_rng(0)
    pitches, other = (tuple(rng.integers(55, 75, 60).tolist()) for _ in range(2))
    tune(tmp_path / "a.mid", starts=range(60), pitches=pitches)
    tune(tmp_path / "higher.mid", starts=range(60), pitches=[pitch + 3 for pitch in pitches])
    tune(tmp_path / "slower.mid", starts=range(0, 120, 2), length=2.0, pitches=pitches)
    tune(tmp_path / "other.mid", starts=range(60), pitches=other)
    pieces = data.pieces(folder=tmp_path)
    found = {tuple(pieces[place].name for place in family) for family in data.families(pieces)}
    assert found == {("a", "higher", "slower"), ("other",)} and data.families([]) == []


def test_the_split_table_governs_the_exported_files_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "MIDI_FOLDER", tmp_path)
    monkeypatch.setattr(corpus, "export", lambda folder: 0)
    source = corpus.scores()["bwv66.6.mid"]
    notes, meta = notation.score_to_notes(converter.parse(source, forceSource=True))
    (tmp_path / "sub").mkdir()
    for name in ("bwv66.6.mid", "my copy.mid", "sub/bwv66.6.mid"):
        midi.notes_to_midi(notes, tmp_path / name, meta._replace(score=source.name))
    midi.notes_to_midi(notes, tmp_path / "bwv269.mid", meta)  # another piece under the name of an export
    rows = {row["file"]: row for row in data.table(tmp_path)}
    assert rows["bwv66.6.mid"]["split"] != "extra" and rows["bwv269.mid"]["split"] == "extra"
    assert rows["my copy.mid"]["split"] == rows["sub/bwv66.6.mid"]["split"] == "extra"


def test_a_folder_is_read_again_when_a_file_or_a_link_changes(tmp_path):
    tune(tmp_path / "a.mid")
    (tmp_path / "link.mid").symlink_to("b.mid")
    assert [piece.name for piece in data.pieces(folder=tmp_path)] == ["a"]
    tune(tmp_path / "b.mid")
    assert [piece.name for piece in data.pieces(folder=tmp_path)] == ["a", "b", "link"]
    (tmp_path / data.CACHE_NAME).write_bytes(b"damaged")
    pieces = data.pieces(folder=tmp_path)
    assert len(pieces) == 3 and all(piece.off_grid <= grid.PERFORMED for piece in pieces)


@pytest.mark.parametrize("make", ["nothing", "only broken"])
def test_a_folder_without_music_is_refused_with_the_remedy(tmp_path, make):
    if make == "only broken":
        (tmp_path / "broken.mid").write_bytes(b"")
    with pytest.raises(ValueError, match="MIDI"):
        data.pieces(folder=tmp_path)


def test_unknown_splits_are_refused():
    with pytest.raises(ValueError, match="choose one of train, valid, test, extra"):
        data.pieces("dev")
