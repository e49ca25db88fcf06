"""What the two-clock networks read: memory knows nothing ahead, keys and padding change nothing else."""

import numpy as np
import pytest

from tests.rolls import PIECE
from utils.music import text
from utils.nets import inputs


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
