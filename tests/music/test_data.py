"""The corpus as pieces: the published split, held-out music held out, and any folder of a user's own."""

import csv
import shutil

import numpy as np
import pytest

from utils.music import data, midi


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


def test_a_file_without_our_markers_gets_its_key_and_metre(tmp_path):
    tune = [60, 64, 67, 72, 67, 65, 64, 62, 60, 64, 67, 64, 62, 59, 60, 60]
    notes = np.array([(i, i + 1, pitch + 2, 80, 0) for i, pitch in enumerate(tune)], midi.NOTE)
    midi.notes_to_midi(notes, tmp_path / "d_major.mid", midi.Meta(time_signatures=[(0, 5, 4)]))
    piece, = data.pieces(folder=tmp_path)
    assert (piece.mode, piece.semitones, piece.metre) == ("major", -2, (5, 4)) and piece.left_out == "metre 5/4"


@pytest.mark.parametrize("make", ["nothing", "only broken"])
def test_a_folder_without_music_is_refused_with_the_remedy(tmp_path, make):
    if make == "only broken":
        (tmp_path / "broken.mid").write_bytes(b"")
    with pytest.raises(ValueError, match="MIDI"):
        data.pieces(folder=tmp_path)


def test_unknown_splits_are_refused():
    with pytest.raises(ValueError, match="choose one of train, valid, test, extra"):
        data.pieces("dev")
