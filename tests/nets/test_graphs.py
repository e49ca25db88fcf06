"""A network that is a class, and its graph, say the same; a logit is the sum of its parts."""

import numpy as np
import pytest

from tests import diagrams as drawn
from tests import networks
from utils.music import text
from utils.nets import graphs
from utils.nets.backend import ops


def test_a_graph_of_two_clocks_computes_what_the_network_does():
    model, graph = drawn.built("two_clocks")
    rng = np.random.default_rng(0)
    tokens = rng.integers(text.NO_TOKEN, 9, (1, graphs.FRAMES, graphs.SLOTS))
    conditions = np.zeros((1, graphs.FRAMES, len(model.read_conditions)), int)
    batch = tokens, tokens, conditions
    np.testing.assert_allclose(ops.convert_to_numpy(graph(list(batch))), ops.convert_to_numpy(model(batch)), atol=1e-5)


def test_a_graph_of_an_infiller_holds_its_layers():
    model, graph = drawn.built("infill")
    assert set(map(id, graph.weights)) < set(map(id, model.weights))
    assert graph.output_shape == (None, graphs.FRAMES, 4, 74)


def test_what_is_a_graph_already_is_refused():
    with pytest.raises(ValueError, match="draw it as it is"):
        graphs.of(drawn.built("gru")[0])
    assert networks.two_clock() is drawn.built("two_clocks")[0]


def test_a_logit_is_the_sum_of_its_parts():
    model, cells = networks.infiller(), networks.quartet()
    parts = graphs.parts(model, cells, networks.CHORALE, 21)
    whole = graphs.logits(model, cells, networks.CHORALE)[0, 21, :, 2:]
    can = whole > -1e8
    assert list(parts) == list(graphs.LOGIT_PARTS) and can.any()
    np.testing.assert_allclose(sum(parts.values())[can], whole[can], atol=1e-4)
    assert np.ndim(model.heard) == 1, "the network must be left as it was"
    pitches = graphs.pitches(networks.CHORALE)
    assert len(pitches) == whole.shape[1] and pitches[0] < cells[21].min() % 256 and pitches[-1] > 80
