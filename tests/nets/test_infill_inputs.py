"""What the infilling network reads: the plan of any metre."""

import numpy as np

from tests.networks import CHORALE, quartet, quartet_gap
from utils.music import data
from utils.music.voices import HELD
from utils.nets import infill_inputs

TUNE, GAP = quartet(), quartet_gap()


def test_the_plan_of_any_metre_says_place_and_strength():
    plan = infill_inputs.plan(infill_inputs.Form(6, 12, 6, fermatas=np.array([4]), length=20), 20)
    assert plan[:8, 0].tolist() == [6, 7, 8, 9, 10, 11, 0, 1] and plan[:8, 1].tolist() == [5, 4, 3, 2, 1, 0, 11, 10]
    assert plan[6, 2] == 0 and plan[12, 2] == 1 and plan[:6, 2].tolist() == [1, 4, 3, 4, 3, 4]
    assert plan[:6, 3].tolist() == [2, 2, 1, 1, 0, 25] and plan[4:8, 4].tolist() == [0, 0, 1, 1]
    assert plan[-1, 5] == 0 and (plan[:, 6:] == [11, 2, 13]).all()


def test_tokens_count_from_home_and_strike_what_cannot_be_held():
    cells = np.array([[[72 + HELD, 67, -1, 48], [72 + HELD, 69 + HELD, 60, 48]]])
    pitch, token = infill_inputs.tokens(cells, np.array([60]))
    assert pitch.tolist() == [[[49, 44, 0, 25], [49, 46, 37, 25]]]
    assert token.tolist() == [[[50, 45, 1, 26], [0, 47, 38, 26]]]


def test_what_is_given_ahead_is_seen_with_its_distance():
    batch = infill_inputs.batch([TUNE], [CHORALE], [GAP])
    assert batch["next_pitch"][0, 26, 0] == TUNE[28, 0] - infill_inputs.home(CHORALE) - infill_inputs.LOW + 1
    assert batch["next_far"][0, [26, 27], 0].tolist() == [2, 1] and batch["then_far"][0, 27, 0] == 5
    assert batch["soon"][0, 26, 0] == batch["next_pitch"][0, 26, 0] and batch["soon_far"][0, 26, 0] == 2
    assert batch["soon"][0, 18, 0] == 0 < batch["next_pitch"][0, 18, 0]  # ten frames ahead is not soon
    assert (batch["next_pitch"][0, 16:, 1] == 0).all()  # nothing of the alto is given any more


def test_the_outline_of_a_piece_tells_its_motion_only_on_demand():
    piece = next(piece for piece in data.pieces("test") if len(piece.fermatas))
    form, busy = infill_inputs.form(piece), infill_inputs.form(piece, with_motion=True)
    assert form.motion is None and busy == form._replace(motion=busy.motion) and 0.5 < busy.motion < 2
    assert infill_inputs.motion(np.array([[60, 48], [60 + HELD, 50], [62, 50 + HELD], [-1, 50 + HELD]])) == 4 / (7 / 4)
    assert infill_inputs.form(piece._replace(fermatas=piece.fermatas[:0])).fermatas is None
    assert infill_inputs.form(piece._replace(metre=(6, 8))).beat_frames == 6
