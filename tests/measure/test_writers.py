"""Windows of what networks and chains write: in C major or A minor, and cut as the text goes."""

import numpy as np

from tests.networks import infiller
from utils.measure import writers
from utils.music import data, midi, text, voices
from utils.nets import infill


def test_a_text_is_cut_from_its_beginning_and_moved_home():
    piece = next(piece for piece in data.pieces("test") if piece.metre == (4, 4) and not piece.upbeat)
    home = midi.transpose(piece.roll, piece.semitones)[:128]
    rolls, groups = writers.streams([text.encode(midi.transpose(home, 3), onsets=True)] * 2, per_text=2)
    assert groups.tolist() == [0, 0, 1, 1] and rolls.shape == (4, 64, 128)
    assert np.array_equal(rolls[0] > 0, home[:64] > 0) and np.array_equal(rolls[:2], rolls[2:])


def test_a_chain_writes_the_same_for_the_same_seed():
    pieces = data.pieces("train")[:3]
    first, second = (writers.counted(pieces, 2, 1, 0.8, order=5, per_text=1)[0] for _ in range(2))
    assert np.array_equal(first, second) and first.any()


def test_pieces_are_written_anew_around_what_is_known():
    pieces = [piece._replace(voices=piece.voices[:32], roll=piece.roll[:32]) for piece in data.pieces("test")[:2]]
    network = infill.arrays(infiller())
    anew = writers.rewrite([network], pieces, np.arange(4) == 0, seed=2)
    for piece, other in zip(pieces, anew):
        assert (other.voices[:, 0] == piece.voices[:, 0]).all() and (other.voices[:, 1:] != piece.voices[:, 1:]).any()
        assert np.array_equal(other.roll, voices.to_roll(other.voices)) and other.name == piece.name
    gap = np.arange(32)[:, None] // 8 != 2 + np.zeros(4, int)
    filled, = writers.rewrite([network], pieces[:1], [gap], seed=2)
    assert (filled.voices[gap] == pieces[0].voices[gap]).all()


def test_measures_of_pieces_are_means_over_their_windows():
    found = writers.measured(data.pieces("test")[:4])
    assert list(found) == list(writers.SHOWN) and 0.8 < found["chord_rate"] <= 1 and found["notes_per_bar"] > 10


def test_bach_closes_his_own_phrases_and_gaps_are_filled_between_what_is_given():
    pieces = [piece for piece in data.pieces("test") if piece.metre == (4, 4) and piece.voices.shape[1] == 4][:2]
    found = writers.closes(pieces, pieces)
    assert found["root triad on fermatas"] > 0.8 and found["tonic in the last bass"] == 1
    holes, filled = writers.fill([infill.arrays(infiller())], pieces[:1], seed=1)
    for (piece, (start, end)), other in zip(holes, filled, strict=True):
        same = (piece.voices == other.voices).all(axis=1)
        assert same[:start].all() and same[end:].all() and not same[start:end].all()
    assert list(writers.at_seams(filled, holes)) == ["chord rate", "dissonance", "melodic interval", "parallels"]
