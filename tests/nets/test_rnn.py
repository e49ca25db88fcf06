"""The recurrent networks: nothing ahead is seen, a carried state is the whole window, and likelihoods add up."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import pytest

from utils.measure import metrics, phrases
from utils.music import midi, text
from utils.nets import char_rnn, compose, inputs, two_clocks

CHORDS = [[48, 64, 67, 72], [48, 64, 67, 72], [50, 65, 69, 74], [50, 65, 69, 74], [43, 62, 67, 71], [43, 62, 67, 71]]
PIECE = text.as_roll(CHORDS * 6)  # 36 frames that repeat


def tiny(cell="gru", onsets=False, kinds=(inputs.POSITIONS, len(inputs.MATCHES) + 1), seed=0):
    keras.utils.set_random_seed(seed)
    return two_clocks.build_two_clock(len(text.vocab(onsets)), cell=cell, slow_units=16, slow_layers=2, fast_units=12, embedding_size=4,
                           num_conditions=kinds, dropout_rate=0.1)


def batch_of(pieces):
    return inputs.pad(pieces)


def logits_of(model, batch):
    return keras.ops.convert_to_numpy(model(batch))


@pytest.fixture(scope="module", params=["gru", "lstm"])
def model(request):
    return tiny(request.param)


def test_a_future_character_leaves_earlier_logits_alone(model):
    tokens, recalled, conditions = batch_of(inputs.prepare(PIECE))
    before = logits_of(model, (tokens, recalled, conditions))
    changed = tokens.copy()
    changed[0, 20, 2] = 40
    after = logits_of(model, (changed, recalled, conditions))
    difference = np.abs(after - before).max(axis=-1)[0]  # (frames, slots)
    assert difference[:20].max() == 0 and difference[20, :3].max() == 0
    assert difference[20, 3] > 0 and difference[21:].max() > 0


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_carried_state_gives_the_same_logits_as_the_whole_window(cell):
    model = tiny(cell, onsets=True)
    tokens, recalled, conditions = batch_of(inputs.prepare(PIECE, onsets=True))
    whole = logits_of(model, (tokens, recalled, conditions))[0]
    player, heard = compose._Player(model, 1), np.full((1, compose.MAX_SLOTS), -1)
    wide = np.full((2, 1, len(tokens[0]), compose.MAX_SLOTS), -1)
    wide[0, :, :, :tokens.shape[2]], wide[1, :, :, :tokens.shape[2]] = tokens, recalled
    for now in range(len(whole)):
        player.begin_frame(heard, wide[1, :, now], conditions[:, now])
        for slot, token in enumerate(tokens[0, now][tokens[0, now] >= 0]):
            expected = np.exp(whole[now, slot] - whole[now, slot].max())
            assert np.allclose(player.probabilities()[0], expected / expected.sum(), atol=1e-5)
            player.write(np.array([token]))
        heard = wide[0, :, now]


def test_frame_nll_sums_to_the_nll_of_the_text(model):
    tokens, recalled, conditions = batch_of(inputs.prepare(PIECE, 4, 16))
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
    model = tiny(kinds=(inputs.POSITIONS, len(inputs.MATCHES) + 1, 12))
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
    other = tiny(seed=1)
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


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_what_is_generated_decodes_without_mending(cell):
    model = tiny(cell, onsets=True)
    written = compose.generate([model, tiny(onsets=True, seed=3)], num_streams=3, max_bars=2, seed=1)
    for string in written:
        roll, mended = text.decode(string, return_mended=True)
        assert string.startswith(text.START) and not mended and len(roll) <= 32
    assert written == compose.generate([model, tiny(onsets=True, seed=3)], num_streams=3, max_bars=2, seed=1)
    assert written != compose.generate([model, tiny(onsets=True, seed=3)], num_streams=3, max_bars=2, seed=2)


def test_a_prompt_is_continued_and_a_melody_kept_on_top():
    model = tiny(onsets=True)
    roll = text.decode(compose.generate(model, prompt=PIECE, max_bars=4, seed=1)[0])
    assert np.array_equal(roll[:36], PIECE) and len(roll) > 36
    string, = compose.generate(model, melody=PIECE, seed=1)
    roll = text.decode(string)
    top = lambda roll: [frame.nonzero()[0].max() for frame in roll]
    assert string.endswith(text.END) and top(roll) == top(PIECE)


def test_a_model_with_a_plan_writes_under_it():
    model = tiny(onsets=True, kinds=(inputs.POSITIONS, len(inputs.MATCHES) + 1, *compose.PLAN))
    assert compose.generate(model, max_bars=2, conditions=compose.plan(32, 0, length=32))
    with pytest.raises(ValueError, match="shorter than the 32 frames"):
        compose.generate(model, max_bars=2, conditions=compose.plan(31))


def test_each_piece_may_have_a_plan_of_its_own():
    model = tiny(onsets=True, kinds=(inputs.POSITIONS, len(inputs.MATCHES) + 1, *compose.PLAN))
    plans = [np.stack(both) for both in zip(compose.plan(32, 0, length=32), compose.plan(32, 7, "minor", [8], 16))]
    one, two = compose.generate(model, 2, temperature=0, max_bars=2, conditions=plans)
    alone = [compose.generate(model, temperature=0, max_bars=2, conditions=[rows[i] for rows in plans])[0] for i in (0, 1)]
    assert [one, two] == alone
    with pytest.raises(ValueError, match="one row, or one for each"):
        compose.generate(model, 3, max_bars=2, conditions=plans)


def test_pieces_are_composed_in_the_order_of_their_forms():
    model = tiny(onsets=True, kinds=(inputs.POSITIONS, len(inputs.MATCHES) + 1, *compose.PLAN))
    forms = [compose.Form(4, 16, 0, "major", [8], 20), compose.Form(0, 12, None, "minor", None, 24),
             compose.Form(4, 16, 7, "minor", [4], 8)]
    strings = compose.compose(model, forms, seed=1, max_bars=2)
    assert len(strings) == 3 and strings == compose.compose(model, forms, seed=1, max_bars=2)
    expected = compose.generate(model, 1, max_bars=2, seed=1, upbeat=0, bar_frames=12, conditions=compose.plan(24, length=24))
    assert strings[1:2] == expected
    seen = []
    first_good, = compose.compose(model, forms[:1], drafts=4, accept=lambda string, form: seen.append(string) or len(seen) == 2)
    none_good, = compose.compose(model, forms[:1], drafts=4, accept=lambda string, form: seen.append(string))
    assert len(seen) == 6 and len(set(seen)) == 4 and first_good == seen[1] and none_good == seen[5]


def test_parallels_are_avoided_where_asked():
    model, scale = tiny(onsets=True, seed=2), np.array([48, 50, 52, 55, 57, 60, 62, 64, 67, 69, 72, 74])
    bias = np.full(len(text.vocab(True)), -30.0)
    bias[[0, *scale + 129]] = 1, *np.zeros(12)  # few pitches and many attacks: parallels abound
    model.logits.bias.assign(bias)

    def parallels(avoid):
        total = 0
        for string in compose.generate(model, 8, max_bars=5, seed=1, avoid_parallels=avoid):
            roll = text.decode(string)
            roll[(roll != 0).sum(axis=1) > 4] = 0  # the measure reads four voices
            total += metrics.measure(roll[None])["parallels"][0]
        return total

    assert parallels(False) > 0 and parallels(0.1) > 0 and parallels(True) == 0


def test_cool_pitches_need_not_make_the_music_stand_still():
    model, bias = tiny(onsets=True), np.full(len(text.vocab(True)), -30.0)
    bias[[60 + 1, 0]] = 1, 0  # to hold one note is likelier than any attack, but not than all twelve together
    bias[129 + 60:129 + 72] = np.linspace(0, 0.5, 12)
    model.logits.bias.assign(bias)
    attacks = [np.mean(text.decode(compose.generate(model, 1, 0.1, max_bars=4, rhythm_temperature=rhythm)[0]) == 1)
               for rhythm in (None, 1.0)]
    assert attacks[1] > 4 * attacks[0]


def test_a_parallel_by_hand():
    # under C4 G4: A4 above leaves no D4 (a fifth after a fifth), F4 no Bb3, and a G4 that stays forbids nothing
    token = lambda pitch: pitch + 129
    heard = np.array([[token(67), token(60), 0, -1]] * 3)
    forbidden = compose._parallel(heard, np.array([[token(69)], [token(65)], [token(67)]]), len(text.vocab(True)) - 1)
    assert [np.flatnonzero(row[:60 + 5]).tolist() for row in forbidden] == [[62], [10, 22, 34, 46, 58], []]


def test_a_text_is_scored_as_the_studys_network_predicts_it():
    model = char_rnn.build_char_rnn(9, units=8)
    tokens = np.array([3, 1, 4, 1, 5])
    logits = keras.ops.convert_to_numpy(model(np.array([[0, 3, 1, 4, 1]])))[0]
    expected = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(5), tokens]
    assert np.allclose(char_rnn.text_nll(model, tokens), expected, atol=1e-5)
    assert not len(char_rnn.text_nll(model, []))


def test_nothing_to_write_is_refused():
    with pytest.raises(ValueError, match="max_bars of at least 1"):
        compose.generate(tiny(onsets=True), max_bars=0)
    with pytest.raises(ValueError, match="prompt or melody"):
        compose.generate(tiny(onsets=True), prompt=PIECE[:0])
    with pytest.raises(ValueError, match="no cell 'rnn'"):
        char_rnn.build_char_rnn(5, "rnn")
    with pytest.raises(ValueError, match="at least one"):
        two_clocks.Crops([])


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


def test_training_goes_on_where_it_stopped(tmp_path, monkeypatch):
    piece = inputs.prepare(PIECE)[0]
    settings = dict(steps=3, num_frames=8, batch_size=2)

    model = tiny()
    history = two_clocks.fit(model, [piece], [piece], tmp_path / "whole", epochs=2, **settings)
    assert len(history["loss"]) == len(history["val_loss"]) == 2 and not (tmp_path / "whole" / "backup").exists()

    def stop_in_the_second_epoch(crops, index, item=two_clocks.Crops.__getitem__):
        if index == 1 and (tmp_path / "half" / "backup").exists():
            raise RuntimeError("stopped")
        return item(crops, index)

    monkeypatch.setattr(two_clocks.Crops, "__getitem__", stop_in_the_second_epoch)
    with pytest.raises(Exception, match="stopped"):  # TensorFlow wraps it in an error of its own
        two_clocks.fit(tiny(), [piece], [piece], tmp_path / "half", epochs=2, **settings)
    monkeypatch.undo()
    history = two_clocks.fit(tiny(seed=5), [piece], [piece], tmp_path / "half", epochs=2, **settings)
    assert len(history["loss"]) == 2  # one epoch from before the stop, one from after it


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_studys_network_writes_what_its_whole_window_predicts(cell):
    keras.utils.set_random_seed(0)
    model = char_rnn.build_char_rnn(20, cell, units=8, num_layers=2)
    written = char_rnn.write_characters(model, 30, num_streams=2, temperature=0, first=3)
    read = np.concatenate([np.full((2, 1), 3), written[:, :-1]], axis=1)
    assert np.array_equal(keras.ops.convert_to_numpy(model(read)).argmax(axis=-1), written)
    with pytest.raises(ValueError, match="at least 1"):
        char_rnn.write_characters(model, 0)


def test_windows_predict_the_next_character_and_resume(tmp_path):
    tokens = np.arange(500) % 7
    x, y = char_rnn.Excerpts(tokens, 10, 4, 3)[0]
    assert x.shape == (4, 10) and np.array_equal((x + 1) % 7, y)
    with pytest.raises(ValueError, match="longer one"):
        char_rnn.Excerpts(tokens[:10], 10)
    model = char_rnn.build_char_rnn(7, units=8)
    history = char_rnn.fit(model, tokens, tokens, tmp_path, epochs=3, steps=20, length=10, learning_rate=0.02)
    assert len(history["val_loss"]) == 3 and history["val_loss"][-1] < np.log(7)


def test_the_studys_network_reads_characters():
    model = char_rnn.build_char_rnn(129, "lstm", units=8, num_layers=2)
    tokens = np.arange(20)[None]
    changed = tokens.copy()
    changed[0, 10] = 99
    before, after = (keras.ops.convert_to_numpy(model(t)) for t in (tokens, changed))
    assert before.shape == (1, 20, 129) and np.array_equal(before[0, :10], after[0, :10])
    assert not np.allclose(before[0, 10:], after[0, 10:])


def test_momentum_keeps_voices_from_turning_straight_back():
    model, bias = tiny(onsets=True), np.full(len(text.vocab(True)), -30.0)
    bias[[0, *range(129 + 60, 129 + 64)]] = 1, 3, 3, 3, 3  # one voice that strikes four pitches by chance
    model.logits.bias.assign(bias)
    shares = [phrases.measure(text.decode(compose.generate(model, 1, max_bars=16, momentum=nats)[0])[None])["returns"][0]
              for nats in (0.0, 1.0, 30.0)]
    assert shares[0] > shares[1] > shares[2] == 0
