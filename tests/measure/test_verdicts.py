"""The figures about a writer are those that notebook 05 ships, and no piece is on both sides of a critic."""

from pathlib import Path

import numpy as np
import pytest

from utils import runs
from utils.measure import critic, verdicts
from utils.music import data, windows

SHIPPED = Path(__file__).resolve().parents[2] / "outputs" / "evaluation"


@pytest.fixture(scope="module")
def side():
    train, test = ([each for each in data.pieces(split) if each.metre == (4, 4)] for split in ("train", "test"))
    return verdicts.bach(train, test)


@pytest.mark.parametrize("name", ["Bach", "RNN, four voices", "GAN, cured"])
def test_a_row_is_the_one_that_is_shipped(name, side):
    results, heard = runs.read_json(SHIPPED / "results.json"), runs.read_json(SHIPPED / "critic.json")
    rolls = side.test if name == "Bach" else np.load(SHIPPED / "windows.npz")[name]
    means = {measure: verdicts.mean(values) for measure, values in verdicts.measures(rolls).items()}
    row = verdicts.row(means, verdicts.figures(rolls, side), heard[name])
    assert list(row) == list(results["rows"][name])
    assert row == pytest.approx(results["rows"][name])
    assert row == verdicts.row(means, verdicts.figures(rolls, side), [critic.Verdict(**each) for each in heard[name]])


def test_windows_are_cut_piece_by_piece():
    pieces = [each for each in data.pieces("test") if each.metre == (4, 4)][:5]
    rolls, groups = verdicts.cut(pieces)
    assert np.array_equal(rolls, windows.windows(pieces)) and groups.tolist() == sorted(groups)
    assert np.array_equal(rolls[groups == 2], windows.windows(pieces[2:3]))


def test_critics_learn_from_training_windows_and_are_asked_about_test_windows(side, monkeypatch):
    monkeypatch.setattr(critic, "judge", lambda *given: given)
    taught, asked = side.train[:30], side.train[30:60]
    *sides, groups, seed, epochs, own = verdicts.listen(side, taught, asked, np.arange(30), 3, 2)
    assert [len(each) for each in sides] == [len(side.train), 30, len(side.test), 30]
    assert sides[0] is side.train and sides[2] is side.test and groups is side.groups
    assert (seed, epochs) == (3, 2) and own.tolist() == list(range(30))
    *halves, _, _, _, own = verdicts.listen(side)
    assert halves[2] is side.test and own is None
    names = [{window.tobytes() for window in half} for half in (halves[0], halves[1], halves[3])]
    assert sum(map(len, (halves[0], halves[1], halves[3]))) == len(side.train) and len(names[0] | names[1]) > 200
    coarse = verdicts.listen(side, taught, asked, seen=lambda rolls: rolls[:, ::2])
    assert coarse[0].shape[1] == coarse[2].shape[1] == 32
