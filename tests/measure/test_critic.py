"""A critic hears no difference where there is none, and hears it where there is; no luck, no leak."""

import numpy as np
import pytest

from utils.measure import critic, metrics
from utils.music import baselines


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


def test_too_few_windows_and_other_lengths_are_refused(train):
    with pytest.raises(ValueError, match="20 or more"):
        critic.judge(train[:19], train[:40], train[:40], train[:40])
    with pytest.raises(ValueError, match="equally long"):
        critic.judge(train[:40], train[:40, :32], train[:40], train[:40])
