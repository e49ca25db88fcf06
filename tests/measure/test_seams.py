"""Seams: gaps keep their distance, what surrounds them is cut right, and closings are judged as worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from utils.measure import seams
from utils.music.voices import HELD

CHORD = np.array([72, 67, 64, 48])  # C major over its root


def chorale(bars=8, upbeat=4):
    """The same chord on every beat, and a piece of it."""
    cells = np.tile(CHORD + HELD, (upbeat + 16 * bars, 1))
    cells[::4] -= HELD
    return SimpleNamespace(voices=cells.astype(np.int16), upbeat=upbeat, bar_frames=16)


def test_gaps_lie_on_barlines_with_two_bars_on_either_side():
    piece = chorale()
    for start, end in seams.gaps(piece):
        assert (start - 4) % 16 == 0 and end - start == 32 and start >= 4 + 32 and end + 32 <= len(piece.voices)
    assert seams.gaps(chorale(5)) == [] and len(seams.gaps(piece)) == 3
    assert seams.outside(100, (20, 52)).sum() == 4 * 68


def test_what_surrounds_a_seam_is_measured():
    cells = chorale().voices
    cells[36:40] = np.where(cells[36:40] >= HELD, cells[36:40] + 2, cells[36:40] + 2)  # a step up and back, in parallel
    found = seams.measure([cells], [(36, 68)], [0], [0])
    assert found["chord_rate"][0] == 1 and found["melodic_interval"][0] == pytest.approx(2)
    assert found["parallels"][0] > 0 and seams.measure([chorale().voices], [(36, 68)], [0], [0])["parallels"][0] == 0


def test_closings_look_at_the_end_of_the_note_under_a_fermata():
    cells = chorale().voices
    cells[20:22, 1] = [65, 65 + HELD]  # a suspension that comes to rest within the soprano's note
    cells[22:24, 1] = [67, 67 + HELD]
    cells[40:44, 3] += 4  # first inversion
    cells[-4:, 3] += 7  # a fifth in the bass at the end
    assert seams.closings([cells], [np.array([20, 40])], [0]) == (0.5, 0.0)
    assert seams.closings([chorale().voices], [np.array([20])], [12]) == (1.0, 1.0)
