"""Training data of the infilling network: masks of given cells, and excerpts of pieces with masks."""

import numpy as np

from utils.music import voices
from utils.nets import infill_inputs
from utils.nets.backend import keras

MASKS = {"nothing": .35, "voices": .22, "parts": .06, "spans": .22, "beats": .1, "absent": .05}  # shares of `mask`
CLOSES = 3.0  # weight of phrase ends, which are few and must be right
TRANSPOSED = 3  # most semitones up or down: a choir can still sing this
BEATS = (1, 2, 4, 4, 8)  # frames of a cell of the kind "beats"
HIDDEN = ((slice(0, 3), 0.1), (slice(3, 5), 0.1), (slice(5, 6), 0.1),  # shares of excerpts without metre, fermatas,
          (slice(6, 7), 0.4), (slice(7, 9), 0.08))  # and end; motion; key


def mask(num_frames, rng, kinds=None):
    """Draw a mask: which cells of a piece are given, and which voices sing.

    nothing: compose. voices: some voices are given completely, most often the soprano. absent: some voices do not
    exist. parts: some voices are given, completely or except for a span. spans: gaps in all voices or some. beats: a
    random share of a coarse grid.

    Args: num_frames: int. rng: numpy Generator. kinds: dict, the shares of MASKS.
    Returns: given: bool (num_frames, 4); present: bool (4,), the voices that sing.
    Notebook: 02, "Four named voices".
    """
    kinds = kinds or MASKS
    kind = list(kinds)[rng.choice(len(kinds), p=list(kinds.values()))]
    given, present = np.zeros((num_frames, 4), bool), np.ones(4, bool)
    some = rng.permutation(4)[:rng.integers(1, 4)]
    if kind == "voices":
        given[:, [0] if rng.random() < 0.7 else some] = True
    elif kind == "absent":
        present = np.isin(np.arange(4), [0] if rng.random() < 0.6 else some)
    elif kind == "parts":
        given[:, some] = True
        if rng.random() < 0.3:
            start, length = rng.integers(num_frames), rng.integers(8, num_frames + 8)
            given[:start], given[start + length:] = True, True
    elif kind == "spans":
        given[:] = True
        for _ in range(rng.integers(1, 4)):
            start, length = rng.integers(num_frames), 4 * rng.integers(1, 17)
            which = rng.permutation(4)[:rng.integers(1, 5)] if rng.random() < 0.5 else np.arange(4)
            given[start:start + length, which] = False
    elif kind == "beats":
        grid, offset, share = rng.choice(BEATS), rng.integers(4), rng.random()
        cells = rng.random(((num_frames + offset) // grid + 1, 4)) < share
        given = np.repeat(cells, grid, axis=0)[offset:offset + num_frames]
    if given.all():
        given[rng.integers(num_frames), rng.integers(4)] = False
    return given, present


class Crops(keras.utils.PyDataset):
    """Random excerpts of random pieces with random masks, longer pieces more often; the same for the same seed.

    Args: pieces: list of (cells int16 (frames, 4), infill_inputs.Form). num_frames: length of an excerpt; a shorter
        piece is padded. batch_size, steps: excerpts per step, steps per epoch. seed: int. kinds: as `mask`.
    An item is (batch, tokens, weights) for `infill.Infiller`: a batch of `infill_inputs.read`; the tokens to predict;
    and the weight of each cell, 0 for cells that are not written.
    Raises: ValueError if there are no pieces.
    """

    def __init__(self, pieces, num_frames=64, batch_size=16, steps=100, seed=0, kinds=None, **kwargs):
        super().__init__(**kwargs)
        if not pieces:
            raise ValueError("there are no pieces to train on: pass at least one")
        self.pieces, self.num_frames, self.batch_size, self.steps = pieces, num_frames, batch_size, steps
        self.plans = [infill_inputs.plan(form, len(cells)) for cells, form in pieces]
        lengths = np.array([len(cells) for cells, _ in pieces]) + num_frames / 2
        self.shares = np.cumsum(lengths) / lengths.sum()
        self.rng, self.kinds = np.random.default_rng(seed), kinds

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        size = self.batch_size, self.num_frames
        cells, given = np.full((*size, 4), voices.REST, np.int16), np.ones((*size, 4), bool)
        present, homes = np.ones((size[0], 4), bool), np.zeros(size[0], int)
        plans = np.full((*size, len(infill_inputs.OUTLINE)), -1, np.int32)
        for row in range(size[0]):
            crop, plan, homes[row] = self._crop()
            end = len(crop)
            cells[row, :end], plans[row, :end] = crop, plan
            given[row, :end], present[row] = mask(end, self.rng, self.kinds)
        batch = infill_inputs.read(cells, given, present, plans, homes, self.rng)
        weights = (1 - batch["given"]) * batch["present"]  # after the end of a piece everything counts as given
        closes = np.isin(plans[..., 3], range(5)) | np.isin(plans[..., 4], range(2))  # up to two beats ahead, and on it
        weights *= np.where(closes, CLOSES, 1.0).astype(np.float32)[..., None]
        return batch, batch["token"], weights

    def _crop(self):
        """One excerpt, in a key near its own: cells, plan with sometimes unknown parts, home."""
        number, rng = np.searchsorted(self.shares, self.rng.random()), self.rng
        (cells, form), plan = self.pieces[number], self.plans[number]
        # a start before the piece counts as its first frame, so that beginnings after silence come often enough
        start = np.clip(rng.integers(-self.num_frames // 2, len(cells)), 0, max(0, len(cells) - self.num_frames))
        moved = int(rng.integers(-TRANSPOSED, TRANSPOSED + 1))
        crop, plan = cells[start:start + self.num_frames], plan[start:start + self.num_frames].copy()
        unknown = np.array(infill_inputs.OUTLINE) - 1
        if form.tonic is not None:
            plan[:, -1] = infill_inputs.home(form._replace(tonic=form.tonic + moved)) - infill_inputs.HOMES
        for kinds, share in HIDDEN:
            if rng.random() < share:
                plan[:, kinds] = unknown[kinds]
        home = infill_inputs.HOMES + int(plan[0, -1] if plan[0, -1] < unknown[-1] else rng.integers(12))
        if form.tonic is None:  # unknown key: pitches keep their names
            home = infill_inputs.home(form)
        if plan[0, -1] < infill_inputs.NO_HEIGHT and rng.random() < 0.1:
            plan[:, -1] = infill_inputs.NO_HEIGHT
        return np.where(crop >= 0, crop + moved, crop).astype(np.int16), plan, home
