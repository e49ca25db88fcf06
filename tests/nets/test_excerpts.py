"""Excerpts are parts of lines, with what is known of them."""

import numpy as np

from utils.nets import excerpts


def test_excerpts_hold_what_comes_next_and_what_is_known_of_it():
    line, rows = np.arange(200) % 16, np.arange(50)
    known = lambda number, start, steps: [rows[start // 4:(start + steps) // 4, None]]
    (codes, facts), target = excerpts.Excerpts([line], 40, 3, known=known, hop=4)[0]
    assert codes.shape == target.shape == (3, 40) and np.array_equal((codes + 1) % 16, target)
    assert facts.shape == (3, 10, 1) and np.array_equal(facts[:, :, 0] * 4 % 16, codes[:, ::4])
    again = [excerpts.Excerpts([line], 40, seed=4)[0][0] for _ in range(2)]
    assert np.array_equal(*again)


def test_short_lines_are_padded_states_become_codes_and_samples_get_noise():
    states, target = excerpts.Excerpts([np.array([32, 17, 19])], 4, 1, levels=16)[0]
    assert states.tolist() == [[32, 17, 19, 0]] and target.tolist() == [[1, 3, -1, -1]]
    given, target = excerpts.Excerpts([np.zeros(9000, np.float32)], 8000, 1, dither=0.5)[0]
    assert given.shape == target.shape and abs(given.std() - 0.5) < 0.03
    assert np.array_equal(given[:, 1:], target[:, :-1])
