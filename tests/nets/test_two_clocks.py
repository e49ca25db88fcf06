"""Two clocks: nothing ahead is seen, likelihoods add up, and crops reach both ends of a piece."""

import numpy as np
import pytest

from tests.networks import two_clock
from tests.rolls import CHORDS, PIECE
from utils.music import midi, text
from utils.nets import inputs, two_clocks
from utils.nets.backend import keras


def logits_of(model, batch):
    return keras.ops.convert_to_numpy(model(batch))


@pytest.fixture(scope="module", params=["gru", "lstm"])
def model(request):
    return two_clock(request.param)


def test_a_future_character_leaves_earlier_logits_alone(model):
    tokens, recalled, conditions = inputs.pad(inputs.prepare(PIECE))
    before = logits_of(model, (tokens, recalled, conditions))
    changed = tokens.copy()
    changed[0, 20, 2] = 40
    after = logits_of(model, (changed, recalled, conditions))
    difference = np.abs(after - before).max(axis=-1)[0]  # (frames, slots)
    assert difference[:20].max() == 0 and difference[20, :3].max() == 0
    assert difference[20, 3] > 0 and difference[21:].max() > 0


def test_frame_nll_sums_to_the_nll_of_the_text(model):
    tokens, recalled, conditions = inputs.pad(inputs.prepare(PIECE, 4, 16))
    logits = logits_of(model, (tokens, recalled, conditions))[0].astype(np.float64)
    log_probabilities = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    known = tokens[0] >= 0
    by_character = -np.take_along_axis(log_probabilities, np.maximum(tokens[0], 0)[..., None], axis=-1)[..., 0][known]
    assert len(by_character) == len(text.encode(PIECE))
    nats, = two_clocks.frame_nll(model, [PIECE], upbeats=[4], bar_frames=[16])
    assert len(nats) == len(PIECE) and nats.sum() == pytest.approx(by_character.sum(), rel=1e-5)


def test_lists_of_pitches_score_as_the_roll_of_what_sounds(model):
    nats, = two_clocks.frame_nll(model, [CHORDS * 6], [0], [16])
    assert np.allclose(nats, two_clocks.frame_nll(model, [PIECE], [0], [16])[0], atol=1e-5)


def test_the_quarter_grid_counts_in_quarters_and_may_know_its_key():
    (tokens, _, facts), = inputs.prepare(PIECE[::4], 4, 16, keys=(3,), sixteenths=4, tonic=0)
    assert len(tokens) == 9 and facts[:, 0].tolist() == [12, 0, 4, 8, 12, 0, 4, 8, 12] and set(facts[:, 2]) == {3}
    model = two_clock(kinds=(*inputs.NUM_CONDITIONS, 12))
    nats, = two_clocks.frame_nll(model, [PIECE[::4]], transpositions=(-1, 0, 1), sixteenths=4, tonic=0)
    assert len(nats) == 9


def test_an_unknown_upbeat_is_a_mixture_that_never_looks_ahead(model):
    mixed, = two_clocks.frame_nll(model, [PIECE])
    each = np.array([two_clocks.frame_nll(model, [PIECE], [upbeat], [bar])[0] for bar, upbeat in two_clocks.UPBEATS])
    shares = np.array(list(two_clocks.UPBEATS.values()))
    assert np.exp(-mixed[0]) == pytest.approx(np.sum(shares / shares.sum() * np.exp(-each[:, 0])), rel=1e-4)
    assert each.sum(axis=1).min() <= mixed.sum() <= (each.sum(axis=1) - np.log(shares / shares.sum())).min() + 1e-3
    shorter, = two_clocks.frame_nll(model, [PIECE[:10]])
    assert np.allclose(shorter, mixed[:10], atol=1e-4)


def test_models_and_transpositions_average_as_probabilities(model):
    other = two_clock(seed=1)
    one, two, both = (two_clocks.frame_nll(models, [PIECE], [0], [16])[0] for models in (model, other, [model, other]))
    assert np.allclose(both, -np.log((np.exp(-one) + np.exp(-two)) / 2), atol=1e-4)
    up, = two_clocks.frame_nll(model, [midi.transpose(PIECE, 2)], [0], [16])
    averaged, = two_clocks.frame_nll(model, [PIECE], [0], [16], transpositions=(0, 2))
    assert np.allclose(averaged, -np.log((np.exp(-one) + np.exp(-up)) / 2), atol=1e-4)


def test_unusual_pieces_are_scored_and_impossible_ones_refused(model):
    silence, crowd = np.zeros((5, 128), np.uint8), [[40, 45, 50, 55, 60, 65]] * 3
    scored = two_clocks.frame_nll(model, [silence, crowd, []])
    assert [len(nats) for nats in scored] == [5, 3, 0] and all(np.isfinite(nats).all() for nats in scored)
    assert two_clocks.frame_nll(model, []) == []
    with pytest.raises(ValueError, match="0 to 127"):
        two_clocks.frame_nll(model, [[[60, 200]]])
    with pytest.raises(ValueError, match="transpose by less"):
        two_clocks.frame_nll(model, [[[126]]], transpositions=(5,))
    with pytest.raises(ValueError, match="one for each piece"):
        two_clocks.frame_nll(model, [PIECE, PIECE], upbeats=[0])


def test_crops_are_excerpts_and_reach_the_beginning_and_the_end():
    piece = inputs.prepare(PIECE)[0]
    crops = two_clocks.Crops([piece], num_frames=8, batch_size=4, steps=30, seed=0)
    starts = set()
    for step in range(len(crops)):
        (tokens, recalled, conditions), target = crops[step]
        assert tokens is target and tokens.shape == (4, 8, 5) and conditions.shape == (4, 8, 2)
        for row in tokens:
            found = [s for s in range(29) if np.array_equal(piece[0][s:s + 8], row)]
            assert found
            starts.update(found)
    assert {0, 28} <= starts


def test_training_goes_on_where_it_stopped_and_scores_by_the_frame(tmp_path, monkeypatch):
    piece, settings = inputs.prepare(PIECE)[0], dict(epochs=2, steps=3, num_frames=8, batch_size=2)
    network = lambda: two_clocks.build_two_clock(129, slow_units=8, slow_layers=1, fast_units=8)

    def stop_in_the_second_epoch(crops, index, item=two_clocks.Crops.__getitem__):
        if index == 1 and (tmp_path / "backup").exists():
            raise RuntimeError("stopped")
        return item(crops, index)

    with monkeypatch.context() as patch:
        patch.setattr(two_clocks.Crops, "__getitem__", stop_in_the_second_epoch)
        with pytest.raises(Exception, match="stopped"):  # TensorFlow wraps it in an error of its own
            two_clocks.fit(network(), [piece], [piece], tmp_path, **settings)
    model = network()
    history = two_clocks.fit(model, [piece], [piece], tmp_path, **settings)
    assert len(history["loss"]) == 2 and not (tmp_path / "backup").exists()  # one epoch from before, one from after
    nats = two_clocks.frame_nll(model, [PIECE], [0], [16])[0]
    assert history["val_loss"][1] == pytest.approx(nats.mean(), rel=1e-3)  # a whole piece, without dropout


def test_there_must_be_pieces():
    with pytest.raises(ValueError, match="at least one"):
        two_clocks.Crops([])
