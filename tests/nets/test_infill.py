"""Infilling: alike in every key, nothing hidden is seen, and likelihoods are those of what was written."""

import numpy as np
import pytest

from tests.networks import CHORALE, infiller, quartet, quartet_gap
from utils.music.voices import REST
from utils.nets import infill, infill_inputs, training
from utils.nets.backend import keras

TUNE, GAP = quartet(), quartet_gap()


def predict(batch):
    return keras.ops.convert_to_numpy(infiller()(batch))


def predict_with(model):
    """Logits of the tune, of all that can be."""
    logits = keras.ops.convert_to_numpy(model(infill_inputs.batch([TUNE], [CHORALE], [GAP])))
    return np.where(logits < -1e8, 0, logits)


def test_it_holds_no_more_weights_than_it_may():
    assert infill.build_infiller().count_params() <= 1_500_000


def test_the_same_music_in_another_key_is_as_likely():
    batch = infill_inputs.batch([TUNE], [CHORALE], [GAP])
    batch["plan"][..., -1] = infill_inputs.NO_HEIGHT  # a choir's range is no matter of key
    up = infill_inputs.batch([np.where(TUNE == REST, REST, TUNE + 3)], [CHORALE._replace(tonic=10)], [GAP])
    up["plan"][..., -1] = infill_inputs.NO_HEIGHT
    assert (infill_inputs.home(CHORALE._replace(tonic=10)) - infill_inputs.home(CHORALE)) == 3
    assert np.abs(predict(batch) - predict(up)).max() < 1e-5


def test_a_hidden_cell_leaves_all_before_it_alone_and_a_given_one_does_not():
    changed = TUNE.copy()
    changed[20:24, 1] += 2  # the alto, which comes third within a frame
    before, after = (predict(infill_inputs.batch([cells], [CHORALE], [GAP]))[0] for cells in (TUNE, changed))
    assert np.abs(before - after)[:20].max() < 1e-5 and np.abs(before - after)[20, [0, 1, 3]].max() < 1e-5
    assert np.abs(before - after)[20, 2].max() > 1e-5 and np.abs(before - after)[21].max() > 1e-5
    later = TUNE.copy()
    later[32:36, 0] += 2  # given, and seen from within the gap
    after = predict(infill_inputs.batch([later], [CHORALE], [GAP]))[0]
    assert np.abs(before - after)[27].max() > 1e-6


@pytest.mark.parametrize("present", [None, [True, False, False, True]])
def test_what_was_written_costs_what_nll_says(present, eagerly):
    models, forms = [infiller(0), infiller(1)], [CHORALE, CHORALE._replace(tonic=None, length=None)]
    for known in (GAP, np.zeros_like(GAP)):
        written = infill.write(models, forms, [TUNE, TUNE[:30]], [known, known[:30]], seed=5, present=present)
        cells, nats = zip(*written)
        scored = infill.nll(models, cells, forms, [known, known[:30]], present)
        for ours, theirs in zip(nats, scored):
            assert ours.sum() > 0 and np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize("worth", [0, 10])
def test_two_steps_of_training_as_a_graph_and_without(tmp_path, monkeypatch, worth):
    monkeypatch.setattr(training, "WORTH_A_GRAPH", worth)
    history = infill.fit(infiller(2), [(TUNE, CHORALE)], [(TUNE, CHORALE)], tmp_path, 1, 2, 16, 2)
    assert np.isfinite([*history["loss"], *history["val_loss"]]).all()


def test_a_network_that_is_too_sure_is_calibrated(eagerly):
    sure, cells, forms = infiller(3), [TUNE], [CHORALE]
    before = predict_with(sure)
    found = infill.calibrate(sure, cells, forms, np.array([1.0, 1.6]))
    assert np.allclose(predict_with(sure), before / found, atol=1e-4)
    assert infill.calibrate(sure, cells, forms, np.array([1.25])) == 1.25
    assert np.allclose(predict_with(sure), before / found / 1.25, atol=1e-4)


def test_errors_name_the_remedy():
    with pytest.raises(ValueError, match="length="):
        infill.write(infiller(), [CHORALE._replace(length=None)])
    with pytest.raises(ValueError, match="0 for the likeliest"):
        infill.write(infiller(), [CHORALE], temperature=-1)
    with pytest.raises(ValueError, match="one of each per piece"):
        infill.write(infiller(), [CHORALE, CHORALE], [TUNE], [GAP])
    with pytest.raises(ValueError, match="a column each"):
        infill.nll(infiller(), [TUNE[:, :3]], [CHORALE])
    with pytest.raises(ValueError, match="-1 for a rest"):
        infill.nll(infiller(), [TUNE + 200], [CHORALE])
