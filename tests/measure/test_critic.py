"""A critic hears no difference where there is none, and hears it where there is; no luck, no leak."""

import numpy as np
import pytest

from utils.measure import critic, metrics
from utils.music import baselines, windows


@pytest.fixture
def train(bach):
    return bach["train"]


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(critic, "NUM_BOOTSTRAPS", 100)


def test_features_have_their_names(train):
    assert metrics.features(train[:2]).shape[1] == len(critic.FEATURES)


def test_bach_against_bach_cannot_be_told(train):
    verdicts = critic.judge(train[:120], train[120:240], train[240:360], train[360:480], epochs=2)
    assert [v.auc for v in verdicts] == sorted((v.auc for v in verdicts), reverse=True) and len(verdicts) == 3
    for verdict in verdicts:
        assert verdict.low < 0.6 and verdict.high > 0.4 and verdict.low < verdict.auc < verdict.high
        assert 0.2 < verdict.taken_for_bach < 0.8


def test_chance_is_told_by_all_but_never_by_what_it_shares_with_bach(train):
    made = baselines.mixed_voices(train, 240, np.random.default_rng(2))
    verdicts = critic.judge(train[:120], made[:120], train[120:240], made[120:], epochs=4)
    assert verdicts[0].auc > 0.95 and verdicts[0].taken_for_bach < 0.1
    told = next(verdict for verdict in verdicts if verdict.name == "boosted trees")
    assert next(iter(told.gives_away)) in ("dissonance", "chord_rate")


def test_one_seed_gives_one_verdict_and_groups_change_its_interval_alone(train):
    sides = train[:60], train[60:120], train[120:180], train[180:240]
    alone = critic.judge(*sides, seed=3, epochs=1)
    grouped = critic.judge(*sides, groups=np.arange(60) // 20, seed=3, epochs=1)
    assert {v.name: (v.auc, v.taken_for_bach) for v in grouped} == {v.name: (v.auc, v.taken_for_bach) for v in alone}
    assert [(v.low, v.high) for v in grouped] != [(v.low, v.high) for v in alone]
    with pytest.raises(ValueError, match="name the piece"):
        critic.judge(*sides, groups=[1, 2])
    with pytest.raises(ValueError, match="name the piece"):
        critic.judge(*sides, model_groups=[1, 2])


def test_windows_of_few_pieces_of_a_model_make_an_interval_wider():
    scores, truth = np.random.default_rng(0).random(400), np.repeat([1, 0], 200)
    scores[200:] += np.repeat(np.arange(5), 40) / 5  # each of five pieces has a height of its own
    alone = critic.verdict("one", scores, truth, np.arange(200), {}, 1)
    grouped = critic.verdict("one", scores, truth, np.arange(200), {}, 1, np.arange(200) // 40)
    assert grouped.auc == alone.auc and grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_too_few_windows_and_other_lengths_are_refused(train):
    with pytest.raises(ValueError, match="20 or more"):
        critic.judge(train[:19], train[:40], train[:40], train[:40])
    with pytest.raises(ValueError, match="equally long"):
        critic.judge(train[:40], train[:40, :32], train[:40], train[:40])


def test_parts_of_a_window_are_what_they_say(train):
    rolls = train[:6]
    by_rank = windows.voices(rolls)
    for name, voices in (("soprano", [0]), ("outer voices", [0, 3]), ("inner voices", [1, 2])):
        kept = critic.part(rolls, name)
        assert ((kept == rolls) | (kept == 0)).all() and (kept != 0).sum(axis=2).max() <= len(voices)
        assert (np.take_along_axis(kept, np.maximum(by_rank[..., voices], 0).astype(int), axis=2)
                == np.take_along_axis(rolls, np.maximum(by_rank[..., voices], 0).astype(int), axis=2)).all()
    rhythm, pitches = critic.part(rolls, "rhythm"), critic.part(rolls, "pitches")
    assert ((rhythm == 1).any(axis=2) == (rolls == 1).any(axis=2)).all() and (rhythm != 0).sum(axis=2).max() == 1
    assert ((pitches != 0) == (rolls != 0)).all() and (pitches == 1).sum() < (rolls == 1).sum()
    with pytest.raises(ValueError, match="no part 'drums'"):
        critic.part(rolls, "drums")


def test_the_network_by_itself_says_what_it_says_among_the_others(train):
    sides = train[:60], train[60:120], train[120:180], train[180:240]
    among = next(each for each in critic.judge(*sides, seed=2, epochs=1) if each.name == "network")
    assert critic.network(*sides, seed=2, epochs=1) == among


def test_a_difference_in_the_bass_is_heard_there_and_not_in_the_soprano(train):
    made = train[:240].copy()
    low = windows.voices(made)[..., 3]
    window, frame = np.nonzero(low >= 0)
    made[window, frame, low[window, frame]] = 1  # the bass is struck on every sixteenth
    sides = train[240:360], made[:120], train[360:480], made[120:]
    heard = {name: critic.network(*(critic.part(each, name) for each in sides), seed=1, epochs=6).auc
             for name in ("soprano", "bass")}
    assert heard["bass"] > heard["soprano"] + 0.15
