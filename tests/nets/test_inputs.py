"""What the two-clock networks read: memory and plan know nothing ahead, keys and padding change nothing else."""

import numpy as np
import pytest

from utils.music import text
from utils.nets import compose, inputs

CHORDS = [[48, 64, 67, 72], [48, 64, 67, 72], [50, 65, 69, 74], [50, 65, 69, 74], [43, 62, 67, 71], [43, 62, 67, 71]]
PIECE = text.as_roll(CHORDS * 6)  # 36 frames that repeat


def test_what_is_prepared_spells_the_text():
    (tokens, recalled, facts), = inputs.prepare(PIECE, 4, 16)
    alphabet = text.vocab()
    assert text.characters(tokens[tokens >= 0], alphabet) == text.encode(PIECE)
    assert facts[:, 0].tolist() == [(frame - 4) % 16 for frame in range(36)]
    source, length = inputs.recall(PIECE != 0)
    assert (length > 0).any() and np.array_equal(recalled[length > 0], tokens[source[length > 0]])
    assert (recalled[length == 0] == -1).all() and np.array_equal(facts[:, 1] > 0, length > 0)


def test_the_onset_alphabet_ends_with_its_end_and_sings_the_highest_first():
    (tokens, _, facts), = inputs.prepare(PIECE, onsets=True)
    string = text.characters(tokens[tokens >= 0], text.vocab(True))
    assert string == text.encode(PIECE, onsets=True, descending=True) + text.END and len(facts) == 37


def test_keys_transpose_tokens_and_tonic_and_nothing_else():
    here, up = inputs.prepare(PIECE, keys=(0, 3), tonic=11)
    assert np.array_equal(np.where(here[0] > 0, here[0] + 3, here[0]), up[0])
    assert np.array_equal(here[2][:, :2], up[2][:, :2]) and set(here[2][:, 2]) == {11} and set(up[2][:, 2]) == {2}
    with pytest.raises(ValueError, match="transpose by less"):
        inputs.prepare(PIECE, keys=(60,))


def test_a_line_is_the_text_and_follows_from_itself():
    levels = len(text.vocab())
    for bar_frames in (16, 12, 20):
        prepared, = inputs.prepare(PIECE, 4, bar_frames)
        line = inputs.line(prepared, levels)
        assert text.characters(line[1:] % levels, text.vocab()) == text.encode(PIECE) and line[0] % levels == 0
        assert line[0] // levels == prepared[2][0, 0]
        follow = inputs.follow(levels)
        assert np.array_equal(follow[line[:-2], line[1:-1] % levels], line[1:-1])


def test_padding_keeps_the_pieces():
    short, long = inputs.prepare(PIECE[:5])[0], inputs.prepare(PIECE)[0]
    tokens, recalled, conditions = inputs.pad([short, long], 40)
    assert tokens.shape == recalled.shape == (2, 40, 5) and conditions.shape == (2, 40, 2)
    assert np.array_equal(tokens[0, :5], short[0]) and (tokens[0, 5:] == -1).all() and (recalled[0, 5:] == -1).all()


def test_the_bar_is_counted_from_the_upbeat():
    assert inputs.bar_conditions(6, 4, 12).tolist() == [24, 25, 26, 27, 16, 17]
    assert inputs.bar_conditions(4, 4, 16, sixteenths=4).tolist() == [12, 0, 4, 8]
    assert set(inputs.bar_conditions(30, 0, 24)) == {inputs.POSITIONS - 1}


def test_memory_sees_only_what_came_before():
    source, length = inputs.recall(PIECE)
    changed = PIECE.copy()
    changed[20] = 0
    source_2, length_2 = inputs.recall(changed)
    assert np.array_equal(source[:21], source_2[:21]) and np.array_equal(length[:21], length_2[:21])


def test_memory_against_a_slow_search():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 2, (80, 1))
    frames[40:60] = frames[8:28]
    source, length = inputs.recall(frames)
    for now in range(80):
        agreeing = {then: next((n for n in range(then) if frames[then - 1 - n] != frames[now - 1 - n]), then)
                    for then in range(now % 4, now, 4)}
        longest = max(agreeing.values(), default=0)
        if longest < inputs.MIN_MATCH:
            assert source[now] == -1 and length[now] == 0
        else:
            assert length[now] == longest and source[now] == max(t for t, n in agreeing.items() if n == longest)


def test_a_plan_by_hand():
    key, fermata, left = compose.plan(12, tonic=7, mode="minor", fermatas=[5, 9], length=11)
    assert set(key) == {19}
    assert fermata.tolist() == [2, 1, 1, 1, 1, 0, 1, 1, 1, 0, compose.FERMATA_QUARTERS + 1, compose.FERMATA_QUARTERS + 1]
    assert left.tolist() == [3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0]
    assert [values[0] for values in compose.plan(1)] == [size - 1 for size in compose.PLAN]


def test_a_final_key_is_read_off_the_last_bass():
    roll = text.as_roll([[57, 60, 64], [55, 59, 62], [48, 64, 67, 72], []])
    assert compose.final_key(roll, 0) == (0, "major") and compose.final_key(roll, 2) == (0, "minor")
    phrygian = text.as_roll([[57, 60, 64], [52, 59, 68]])  # A minor that stops on E major
    assert compose.final_key(phrygian, 0) == (4, "minor")


def test_a_planned_piece_hides_each_fact_alone_and_moves_its_key():
    rng = np.random.default_rng(0)
    form = compose.Form(4, 16, 11, "minor", [8], 36)
    here, up = compose.prepare_planned(PIECE, form, (0, 3))
    assert set(here[2][:, 2]) == {11 + 12} and set(up[2][:, 2]) == {2 + 12} and here[2].shape == (37, 5)
    assert here[2][-1, 4] == 0 and here[2][8, 3] == 0
    assert np.array_equal(np.where(here[0][:-1] > 0, here[0][:-1] + 3, here[0][:-1]), up[0][:-1])
    nothing = form._replace(tonic=None, fermatas=None, length=None)
    for dark, in (compose.prepare_planned(PIECE, form, hidden=1, rng=rng), compose.prepare_planned(PIECE, nothing, (3,))):
        assert [set(dark[2][:, kind]) for kind in (2, 3, 4)] == [{size - 1} for size in compose.PLAN]
