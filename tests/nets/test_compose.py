"""Writing under plans and rules: what is written decodes, keeps what it was given, and obeys what it was asked."""

import numpy as np
import pytest

from tests.networks import PLANNED, two_clock
from tests.rolls import PIECE
from utils.measure import metrics, phrases
from utils.music import text
from utils.nets import compose, inputs
from utils.nets.backend import ops
from utils.nets.compose import Form

VOCAB = len(text.vocab(True))
STRIKE, HOLD = text.STRUCK_TOKENS.start, text.HELD_TOKENS.start  # + pitch: its token


def test_a_plan_by_hand():
    key, fermata, left = compose.plan(Form(tonic=7, mode="minor", fermatas=[5, 9], length=11), 12)
    assert set(key) == {19}
    assert fermata.tolist() == [
        2,
        1,
        1,
        1,
        1,
        0,
        1,
        1,
        1,
        0,
        compose.FERMATA_QUARTERS + 1,
        compose.FERMATA_QUARTERS + 1,
    ]
    assert left.tolist() == [3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0]
    assert [values[0] for values in compose.plan(Form(), 1)] == [size - 1 for size in compose.PLAN]
    assert np.array_equal(compose.plan(Form(length=11)), compose.plan(Form(length=11), 11))


def test_a_final_key_is_read_off_the_last_bass():
    roll = text.as_roll([[57, 60, 64], [55, 59, 62], [48, 64, 67, 72], []])
    assert compose.final_key(roll, 0) == (0, "major") and compose.final_key(roll, 2) == (0, "minor")
    phrygian = text.as_roll([[57, 60, 64], [52, 59, 68]])  # A minor that stops on E major
    assert compose.final_key(phrygian, 0) == (4, "minor")


def test_a_planned_piece_hides_each_fact_alone_and_moves_its_key():
    rng = np.random.default_rng(0)
    form = Form(4, 16, 11, "minor", [8], 36)
    here, up = compose.prepare_planned(PIECE, form, (0, 3))
    assert set(here[2][:, 2]) == {11 + 12} and set(up[2][:, 2]) == {2 + 12} and here[2].shape == (37, 5)
    assert here[2][-1, 4] == 0 and here[2][8, 3] == 0
    assert np.array_equal(np.where(here[0][:-1] > 0, here[0][:-1] + 3, here[0][:-1]), up[0][:-1])
    nothing = form._replace(tonic=None, fermatas=None, length=None)
    for (dark,) in (
        compose.prepare_planned(PIECE, form, hidden=1, rng=rng),
        compose.prepare_planned(PIECE, nothing, (3,)),
    ):
        assert [set(dark[2][:, kind]) for kind in (2, 3, 4)] == [{size - 1} for size in compose.PLAN]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_carried_state_gives_the_same_logits_as_the_whole_window(cell):
    model = two_clock(cell, onsets=True)
    tokens, recalled, conditions = inputs.pad(inputs.prepare(PIECE, onsets=True))
    whole = ops.convert_to_numpy(model((tokens, recalled, conditions)))[0]
    player, heard = compose._Player(model, 1), np.full((1, compose.MAX_SLOTS), -1)
    wide = np.full((2, 1, len(tokens[0]), compose.MAX_SLOTS), -1)
    wide[0, :, :, :tokens.shape[2]], wide[1, :, :, :tokens.shape[2]] = tokens, recalled
    for now in range(len(whole)):
        player.begin_frame(heard, wide[1, :, now], conditions[:, now])
        for slot, token in enumerate(tokens[0, now][tokens[0, now] >= 0]):
            expected = np.exp(whole[now, slot] - whole[now, slot].max())
            assert np.allclose(player.next[0], expected / expected.sum(), atol=1e-5)
            player.write(np.array([token]))
        heard = wide[0, :, now]


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_is_generated_decodes_without_mending(cell):
    model = two_clock(cell, onsets=True)
    written = compose.generate([model, two_clock(onsets=True, seed=3)], num_streams=3, max_bars=2, seed=1)
    for string in written:
        roll, mended = text.decode(string, return_mended=True)
        assert string.startswith(text.START) and not mended and len(roll) <= 32
    assert written == compose.generate([model, two_clock(onsets=True, seed=3)], num_streams=3, max_bars=2, seed=1)
    assert written != compose.generate([model, two_clock(onsets=True, seed=3)], num_streams=3, max_bars=2, seed=2)


def test_a_prompt_is_continued_and_a_melody_kept_on_top():
    model = two_clock(onsets=True)
    roll = text.decode(compose.generate(model, prompt=PIECE, max_bars=4, seed=1)[0])
    assert np.array_equal(roll[:36], PIECE) and len(roll) > 36
    string, = compose.generate(model, melody=PIECE, seed=1)
    roll = text.decode(string)
    top = lambda roll: [frame.nonzero()[0].max() for frame in roll]
    assert string.endswith(text.END) and top(roll) == top(PIECE)


def test_a_model_with_a_plan_writes_under_it():
    model = two_clock(onsets=True, kinds=PLANNED)
    assert compose.generate(model, max_bars=2, conditions=compose.plan(Form(tonic=0, length=32)))
    with pytest.raises(ValueError, match="shorter than the 32 frames"):
        compose.generate(model, max_bars=2, conditions=compose.plan(Form(), 31))


def test_each_piece_may_have_a_plan_of_its_own():
    model = two_clock(onsets=True, kinds=PLANNED)
    forms = Form(tonic=0, length=32), Form(tonic=7, mode="minor", fermatas=[8], length=16)
    plans = [np.stack(both) for both in zip(*(compose.plan(form, 32) for form in forms))]
    one, two = compose.generate(model, 2, temperature=0, max_bars=2, conditions=plans)
    alone = [compose.generate(model, temperature=0, max_bars=2, conditions=compose.plan(form, 32))[0] for form in forms]
    assert [one, two] == alone
    with pytest.raises(ValueError, match="one row, or one for each"):
        compose.generate(model, 3, max_bars=2, conditions=plans)


def test_pieces_are_composed_in_the_order_of_their_forms():
    model = two_clock(onsets=True, kinds=PLANNED)
    forms = [Form(4, 16, 0, "major", [8], 20), Form(0, 12, None, "minor", None, 24),
             Form(4, 16, 7, "minor", [4], 8)]
    strings = compose.compose(model, forms, seed=1, max_bars=2)
    assert len(strings) == 3 and strings == compose.compose(model, forms, seed=1, max_bars=2)
    expected = compose.generate(model, max_bars=2, seed=1, bar_frames=12, conditions=compose.plan(Form(length=24)))
    assert strings[1:2] == expected
    seen = []
    second_good = lambda string, form: seen.append(string) or len(seen) == 2
    first_good, = compose.compose(model, forms[:1], drafts=4, accept=second_good)
    none_good, = compose.compose(model, forms[:1], drafts=4, accept=lambda string, form: seen.append(string))
    assert len(seen) == 6 and len(set(seen)) == 4 and first_good == seen[1] and none_good == seen[5]


@pytest.fixture
def biased():
    """The network of the onset alphabet, and a function that makes it write given tokens alone: (tokens, biases)."""
    model = two_clock(onsets=True)
    kept = model.logits.bias.numpy()

    def bias(tokens, values):
        whole = np.full(VOCAB, -30.0)
        whole[tokens] = values
        model.logits.bias.assign(whole)

    yield model, bias
    model.logits.bias.assign(kept)


def test_parallels_are_avoided_where_asked(biased):
    model, bias = biased
    scale = np.array([48, 50, 52, 55, 57, 60, 62, 64, 67, 69, 72, 74])
    bias([text.SPACE_TOKEN, *STRIKE + scale], [1, *np.zeros(12)])  # few pitches and many attacks: parallels abound

    def parallels(avoid):
        total = 0
        for string in compose.generate(model, 8, max_bars=5, seed=1, avoid_parallels=avoid):
            roll = text.decode(string)
            roll[(roll != 0).sum(axis=1) > 4] = 0  # the measure reads four voices
            total += metrics.measure(roll[None])["parallels"][0]
        return total

    assert parallels(False) > 0 and parallels(0.1) > 0 and parallels(True) == 0


def test_a_parallel_by_hand():
    # under C4 G4: A4 above leaves no D4 (a fifth after a fifth), F4 no Bb3, and a G4 that stays forbids nothing
    heard = np.array([[STRIKE + 67, STRIKE + 60, text.SPACE_TOKEN, text.NO_TOKEN]] * 3)
    forbidden = compose._parallel(heard, np.array([[STRIKE + 69], [STRIKE + 65], [STRIKE + 67]]))
    assert [np.flatnonzero(row[:60 + 5]).tolist() for row in forbidden] == [[62], [10, 22, 34, 46, 58], []]


def test_cool_pitches_need_not_make_the_music_stand_still(biased):
    model, bias = biased  # to hold one note is likelier than any attack, but not than all twelve together
    bias([HOLD + 60, text.SPACE_TOKEN, *range(STRIKE + 60, STRIKE + 72)], [1, 0, *np.linspace(0, 0.5, 12)])
    attacks = [np.mean(text.decode(compose.generate(model, 1, 0.1, max_bars=4, rhythm_temperature=rhythm)[0]) == 1)
               for rhythm in (None, 1.0)]
    assert attacks[1] > 4 * attacks[0]


def test_momentum_keeps_voices_from_turning_straight_back(biased):
    model, bias = biased
    bias([text.SPACE_TOKEN, *range(STRIKE + 60, STRIKE + 64)], [1, 3, 3, 3, 3])  # one voice that strikes by chance
    shares = [
        phrases.measure(text.decode(compose.generate(model, 1, max_bars=16, momentum=nats)[0])[None])["returns"][0]
        for nats in (0.0, 1.0, 30.0)
    ]
    assert shares[0] > shares[1] > shares[2] == 0


def test_nothing_to_write_is_refused():
    with pytest.raises(ValueError, match="max_bars of at least 1"):
        compose.generate(two_clock(onsets=True), max_bars=0)
    with pytest.raises(ValueError, match="prompt or melody"):
        compose.generate(two_clock(onsets=True), prompt=PIECE[:0])
