"""The infilling network without Keras: loads the arrays of a run, and writes with them frame by frame in NumPy."""

import numpy as np
from threadpoolctl import threadpool_limits

from utils import runs
from utils.music import voices, windows
from utils.nets import infill_inputs, sampling
from utils.nets.infill_inputs import (CENTRE, DISTANCES, FAR, HEADS, HOLD, LOW, NEAR, NOTE_AGES, NO_NOTE, ORDER,
                                      OUTLINE, PAIRS, SEEN, SPAN)

EACH = SPAN + 12 + 3  # numbers that encode a voice
OTHERS = [[other for other in range(4) if other != voice] for voice in range(4)]
PITCHES = np.arange(1, SPAN + 1)
PAIRED = np.array(PAIRS).T
SPELLED = np.concatenate([  # the first number of each group in `infill.see`
    EACH * np.arange(4) + start for start in (0, SPAN, SPAN + 12, SPAN + 13, SPAN + 14)
] + [4 * EACH + 12 * np.arange(len(PAIRS)), SEEN - 4 + np.arange(4)])
PARTS = [slice(end - size, end) for end, size in zip(np.cumsum(HEADS), HEADS)]  # of the output of a head
DEGREES = (PITCHES - 1 + LOW) % 12
NEARBY, BETWEEN = (np.clip(PITCHES - np.arange(SPAN + 1)[:, None] + width // 2, 0, width - 1) for width in (NEAR, FAR))
IS_PERFECT = np.isin(np.arange(12), windows.PERFECT)
DENSE, GRU = ("kernel", "bias"), ("kernel", "recurrent_kernel", "bias")
NEVER = -1e9  # added to the logit of an impossible choice, or replaces it


def load(run_dir):
    """Read the arrays of a run that `runs.save` wrote of an Infiller.

    Args: run_dir: folder.
    Returns: dict from "layer/array" to float32 array, and "dilations" to a tuple; `write` calls this a network.
    Raises: ValueError as `runs.load`.
    """
    found = {}
    for layer, values in runs.arrays(run_dir).items():
        kinds = GRU if len(values) == 3 else ("scale",) if values[0].ndim == 1 else DENSE
        found |= {f"{layer}/{kind}": value.astype(np.float32) for kind, value in zip(kinds, values)}
    return found | {"dilations": runs.config(run_dir)["builder"].get("dilations", infill_inputs.DILATIONS)}


@threadpool_limits.wrap(limits=1, user_api="blas")  # products are small: threads that wait for a busy core cost minutes
def write(networks, forms, given=None, known=None, temperature=infill_inputs.TEMPERATURE, seed=0,
          present=None, singable=False, choose=None):
    """Write the cells that are not given; see `infill.write`, which takes Keras models too.

    Args: networks: list of dicts, as `load` reads them. singable: write no rest, no note beyond `voices.RANGES`,
        and none by which alto or tenor would be more than an octave below its neighbour. choose: function of each
        frame's number and the cells so far, int16 (pieces, frames, 4); it returns None, or for each piece the number of
        the piece from which it continues, int (pieces,), with the same form and given cells. The others, and Returns:
        as `infill.write`.
    """
    cells, known = _given(forms, given, known)
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature is {temperature}: give 0 for the likeliest cell, or a number up to 1")
    batch, whole = _prepare(cells, forms, known, present)
    chance = np.stack([np.random.default_rng([seed, row]).random((whole.shape[1], 4)) for row in range(len(whole))])
    players = [_Player(network, batch) for network in networks]
    nats, line = np.zeros(whole.shape[:2]), np.zeros((3, len(whole), 4), np.int32)
    pitch, struck, present = batch["pitch"], batch["struck"], batch["present"]
    given = batch["given"] > 0
    for now in range(whole.shape[1]):
        for player in players:
            player.begin(now, line)
        last = pitch[:, now - 1] if now else np.zeros_like(pitch[:, 0])
        seen = batch["given"][:, now].copy()
        for voice in ORDER:
            new = ~given[:, now, voice] & (present[:, now, voice] > 0)
            if new.any():
                rows = see(pitch[:, now], struck[:, now], seen, present[:, now])
                each = [log_softmax(player.voice(now, voice, rows, last, line, seen)) for player in players]
                share = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
                if singable:
                    share[_unsingable(voice, pitch[:, now], seen, batch, now)] = NEVER
                token = sampling.draw(share, chance[:, now, voice], temperature)
                nats[new, now] -= share[new, token[new]]
                _put(token, new, now, voice, batch, whole)
            seen[:, voice] = present[:, now, voice]
        line = infill_inputs.follow(line, pitch[:, now], struck[:, now] > 0)
        rows = choose(now, whole) if choose else None
        if rows is not None:
            for each in (pitch, struck, whole, nats):
                each[:] = each[rows]
            line = line[:, rows]
            for player in players:
                player.states = [state[rows] for state in player.states]
    return [(whole[row, :len(piece)].copy(), nats[row, :len(piece)]) for row, piece in enumerate(cells)]


def _given(forms, given, known):
    """Cells and known cells of each piece, from the arguments of `write`."""
    if given is None:
        if any(form.length is None for form in forms):
            raise ValueError("a form without a length, and no cells: use form._replace(length=...) in sixteenths")
        given, known = [np.full((form.length, 4), voices.REST, np.int16) for form in forms], None
    if known is None:
        known = [np.asarray(piece) != voices.REST for piece in given]
    return given, [np.asarray(mine, bool) for mine in known]


def _prepare(cells, forms, known, present):
    """The batch as `infill_inputs.batch`, with silence in hidden cells, and the cells (pieces, frames, 4)."""
    infill_inputs.check(cells, forms, known)
    blank = []
    for piece, mine in zip(cells, known):
        piece = np.where(mine, piece, voices.REST).astype(np.int16)
        held = ~mine[:-1] & mine[1:] & (piece[1:] >= voices.HELD)  # hidden; its note is given from the next frame on
        piece[:-1][held] = piece[1:][held]
        blank.append(piece)
    batch = infill_inputs.batch(blank, forms, known, present)
    whole = np.full((len(cells), batch["pitch"].shape[1], 4), voices.REST, np.int16)
    for row, piece in enumerate(blank):
        whole[row, :len(piece)] = piece
    batch["homes"] = np.array([infill_inputs.home(form) for form in forms])
    return batch, whole


def _unsingable(voice, pitch, seen, batch, now):
    """The tokens that a voice must not write: bool (pieces, VOCAB)."""
    low, high = (edge - LOW + 1 - batch["homes"] for edge in voices.RANGES[voice])
    if voice in (1, 2):  # soprano or alto is above them
        above = pitch[:, voice - 1] * (seen[:, voice - 1] > 0)
        low = np.where(above > 0, np.maximum(low, np.minimum(above - voices.OCTAVE, high)), low)
    out = (low[:, None] > PITCHES) | (high[:, None] < PITCHES)
    free = batch["must"][:, now, voice, None] == 0
    return np.concatenate([np.zeros_like(free), free, out & free], axis=1)


def _put(token, new, now, voice, batch, whole):
    """Put new tokens (pieces,) into the batch that is read later, and into the cells that are returned."""
    ago, strike = max(now - 1, 0), token > NO_NOTE
    last, held = batch["pitch"][:, ago, voice], whole[:, ago, voice] % voices.HELD + voices.HELD
    pitch = np.where(strike, token - 1, np.where(token == HOLD, last, 0))
    cell = np.where(strike, pitch - 1 + LOW + batch["homes"], np.where(token == HOLD, held, voices.REST))
    batch["pitch"][new, now, voice] = pitch[new]
    batch["struck"][new, now, voice] = strike[new]
    whole[new, now, voice] = cell[new]


class _Player:
    """One network that writes: the encoder's output, computed once, and a state that is kept from frame to frame."""

    def __init__(self, network, batch):
        self.net, self.batch = network, batch
        inside = batch["plan"][..., :1] >= 0  # beyond the end of a piece there is nothing
        plan = np.where(inside, batch["plan"] + np.cumsum([0, *OUTLINE[:-1]]), 0)
        given = see(batch["pitch"], batch["struck"], batch["given"], batch["present"])
        self.encoded = encode(network, given, plan, inside)
        self.base = (_rows(network["read_past/kernel"][SEEN:], plan) + network["read_past/bias"]
                     + self.encoded @ network["read_encoder/kernel"])
        self.see_past = _with_nothing(network["read_past/kernel"][:SEEN])
        self.see_now, self.see_lines = map(_with_nothing, (network["read_now/kernel"],
                                                           network["read_lines/kernel"][:infill_inputs.LINES]))
        self.outlined = (_rows(network["read_lines/kernel"][infill_inputs.LINES:], plan)
                         + network["read_context/bias"])
        units = network["gru_0/recurrent_kernel"].shape[0]
        self.states = [np.zeros((len(plan), units), np.float32) for _ in range(2)]

    def begin(self, now, line):
        """Read the frame before, and update the state for this frame."""
        batch, net = self.batch, self.net
        past = [batch[name][:, max(now - 1, 0)] * (now > 0) for name in ("pitch", "struck", "heard")]
        x = np.tanh(self.base[:, now] + self.see_past[see(*past, batch["present"][:, now])].sum(axis=1))
        outputs = [x]
        for number, state in enumerate(self.states):
            self.states[number] = gru(net, f"gru_{number}", outputs[-1], state)
            outputs.append(self.states[number])
        context = np.concatenate([*outputs, self.encoded[:, now]], axis=1) @ net["read_context/kernel"]
        self.context = context + self.outlined[:, now] + self.see_lines[lines(batch, now, past[0], line)].sum(axis=1)

    def voice(self, now, voice, rows, last, line, seen):
        """The logits (pieces, VOCAB) of one voice; rows: of `see`, for this frame so far."""
        net = self.net
        x = silu(self.context + self.see_now[rows].sum(axis=1) + net["read_voice/kernel"][voice])
        x = silu(x @ net["think/kernel"] + net["think/bias"])
        values = x @ net[f"head_{voice}/kernel"] + net[f"head_{voice}/bias"]
        return by_interval(values, voice, last, line[1][:, voice], self.batch["next_pitch"][:, now],
                           self.batch["pitch"][:, now], seen, self.batch["soon"][:, now],
                           self.batch["soon_far"][:, now], self.batch["must"][:, now, voice])


def encode(net, given, plan, inside):
    """Read the given cells of all frames: float32 (pieces, frames, channels)."""
    kernel = net["read_given/kernel"]
    x = _rows(_with_nothing(kernel[:SEEN]), given) + _rows(kernel[SEEN:], plan) + net["read_given/bias"]
    x = x * inside
    for layer, dilation in enumerate(net["dilations"]):
        wide = np.pad(_norm(x, net[f"norm_{layer}/scale"]), ((0, 0), (0, 2 * dilation), (0, 0)))
        taps = [wide[:, tap * dilation:tap * dilation + x.shape[1]] for tap in range(3)]
        signal, strength = np.split(np.concatenate(taps, axis=-1) @ net[f"gates_{layer}/kernel"]
                                    + net[f"gates_{layer}/bias"], 2, axis=-1)
        x = x + inside * ((np.tanh(signal) * sigmoid(strength)) @ net[f"mix_{layer}/kernel"] + net[f"mix_{layer}/bias"])
    return _norm(x, net[f"norm_{len(net['dilations'])}/scale"])


def see(pitch, struck, seen, present):
    """Indices of the ones among the numbers of `infill.see`: int (..., rows), SEEN for none."""
    sounds, seen, degree = (pitch > 0) & (seen > 0), seen > 0, (pitch - 1 + LOW) % 12
    high, low = pitch[..., PAIRED[0]], pitch[..., PAIRED[1]]
    rows = np.concatenate([pitch - 1, degree, np.zeros((*pitch.shape[:-1], 12), int), (high - low) % 12,
                           np.zeros(pitch.shape, int)], axis=-1) + SPELLED
    there = np.concatenate([sounds, sounds, seen & (struck > 0), seen, seen & ~sounds,
                            sounds[..., PAIRED[0]] & sounds[..., PAIRED[1]], present > 0], axis=-1)
    return np.where(there, rows, SEEN)


def lines(batch, now, last, line):
    """Indices of the ones among the numbers of `infill.lines`: int (pieces, rows)."""
    singing = batch["present"][:, now] > 0
    last, before, age = last * singing, line[1] * singing, np.searchsorted(NOTE_AGES, line[2], "right")
    following, then = batch["next_pitch"][:, now], batch["then_pitch"][:, now]
    interval = lambda to, start: (np.clip(to - start, -CENTRE, CENTRE) + CENTRE, (to > 0) & (start > 0))
    degree = lambda pitch: ((pitch - 1 + LOW) % 12, pitch > 0)
    far = lambda name: (batch[name][:, now], np.True_)
    parts = ((NEAR, interval(last, before)), (len(NOTE_AGES) + 1, (age, singing)),
             (len(DISTANCES) + 1, far("next_far")), (NEAR, interval(following, last)), (12, degree(following)),
             (len(DISTANCES) + 1, far("then_far")), (NEAR, interval(then, following)), (12, degree(then)))
    rows, start = [], 0
    for size, (index, where) in parts:
        rows.append(np.where(where, start + size * np.arange(4) + index, infill_inputs.LINES))
        start += 4 * size
    return np.concatenate(rows, axis=1)


def by_interval(values, voice, last, before, following, pitch, seen, soon, soon_far, must):
    """Add up the logits of one voice, as `infill.by_interval`: values (pieces, HEAD_SIZE) -> (pieces, VOCAB)."""
    logits, degrees, near, far, parallel = (values[:, part] for part in PARTS)
    own, others = last[:, voice], OTHERS[voice]
    was, now = last[:, others], pitch[:, others] * (seen[:, others] > 0)
    line = np.concatenate([own[:, None], before[:, None], following], axis=1)
    pitches = logits[:, 2:]  # a view: adding to it adds to the logits
    pitches += degrees[:, DEGREES] + slide(near, line, NEARBY) + slide(far, now, BETWEEN)
    together = soon[:, others] * (soon_far[:, others] == soon_far[:, voice, None])
    for mine, theirs, weight in ((own, was, parallel[:, :3]), (soon[:, voice], together, parallel[:, 3:])):
        mine = mine[:, None]
        perfect = (mine > 0) & (theirs > 0) & (now > 0) & (now != theirs) & IS_PERFECT[np.abs(theirs - mine) % 12]
        if perfect.any():
            there = parallels(mine, theirs, now) & perfect[..., None]
            pitches += ((weight - 1)[..., None] * there).sum(axis=1)
    logits[own == 0, HOLD] = NEVER
    for row in np.flatnonzero(must):
        logits[row, :2] = NEVER if must[row] != own[row] else (logits[row, HOLD], NEVER)
        pitches[row, PITCHES != must[row]] = NEVER
    return logits


def slide(values, pitch, table):
    """Look up values by interval and add them: (pieces, kinds * intervals), int (pieces, kinds) -> (pieces, SPAN).

    table: int (SPAN + 1, SPAN), from a pitch to the indices of its intervals; nothing is added for pitch 0.
    """
    rows = np.arange(pitch.size).reshape(*pitch.shape, 1) * (values.shape[1] // pitch.shape[1])
    found = np.ascontiguousarray(values).ravel()[table[pitch] + rows]
    return (found * (pitch > 0)[..., None]).sum(axis=1)


def parallels(own, was, now):
    """Mark the pitches that are as far from `now` as `own` was from `was`, and move in the same direction."""
    own, was, now = own[..., None], was[..., None], now[..., None]
    return (np.sign(PITCHES - own) == np.sign(now - was)) & (np.abs(now - PITCHES) % 12 == np.abs(was - own) % 12)


def gru(net, name, x, state):
    """One step of a GRU, its gates in Keras's order: update, reset, candidate."""
    bias = net[f"{name}/bias"]
    new, old = x @ net[f"{name}/kernel"] + bias[0], state @ net[f"{name}/recurrent_kernel"] + bias[1]
    units = state.shape[1]
    gates = sigmoid(new[:, :2 * units] + old[:, :2 * units])
    update, reset = gates[:, :units], gates[:, units:]
    return update * state + (1 - update) * np.tanh(new[:, 2 * units:] + reset * old[:, 2 * units:])


def sigmoid(x):
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def silu(x):
    return x * sigmoid(x)


def log_softmax(x):
    x = x.astype(np.float64)
    x -= x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def _norm(x, scale):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6) * scale


def _rows(kernel, index):
    """Sum rows of a kernel: index int (..., rows) -> (..., columns)."""
    total = kernel[index[..., 0]]
    for column in range(1, index.shape[-1]):
        total = total + kernel[index[..., column]]
    return total


def _with_nothing(kernel):
    return np.vstack([kernel, np.zeros_like(kernel[:1])])
