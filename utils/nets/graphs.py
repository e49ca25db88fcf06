"""What pictures of networks need: those that are classes as graphs (`show.diagrams`), and the parts of a logit."""

import numpy as np

from utils.nets import infill, infill_inputs, two_clocks
from utils.nets.backend import keras, ops

FRAMES, SLOTS = 61, 7  # no other axis has these sizes, so a picture can show names instead
AXES = {None: "steps", FRAMES: "frames", SLOTS: "characters"}
LOGIT_PARTS = {"any pitch": infill_inputs.VOCAB, "scale degree": 12, "own line": 2 * infill_inputs.NEAR,
         "given ahead": 4 * infill_inputs.NEAR, "other voices": 3 * infill_inputs.FAR, "parallels": 6}  # of a head


def of(model):
    """Trace a network's `call` with symbolic inputs.

    Args: model: two_clocks.TwoClockRNN or infill.Infiller, built.
    Returns: keras.Model, functional, with the same layers and weights; FRAMES frames of SLOTS characters. Layers that
        do not read an input, such as the one for the number of a voice, are missing.
    Raises: ValueError for another network, which is already a graph.
    Notebook: 02, "Two clocks" and "Four named voices".
    """
    if isinstance(model, infill.Infiller):
        given = infill.symbols(FRAMES)
    elif isinstance(model, two_clocks.TwoClockRNN):
        sizes = {"tokens": SLOTS, "recalled": SLOTS, "conditions": len(model.read_conditions)}
        given = [keras.Input((FRAMES, size), dtype="int32", name=name) for name, size in sizes.items()]
    else:
        raise ValueError(f"{model.name} is not a TwoClockRNN or an Infiller: draw it as it is")
    return keras.Model(given, model.call(given), name=model.name)


def logits(model, cells, form, copies=1):
    """Ask an infilling network about every cell of a piece, each with all before it known.

    How high a choir can sing depends on the key, so the network is not given the height of home.

    Args: model: infill.Infiller. cells: int16 (frames, 4). form: infill_inputs.Form. copies: of the piece, in a batch.
    Returns: float (copies, frames, 4, VOCAB).
    Notebook: 02, "Output by interval".
    """
    batch = infill_inputs.batch([cells] * copies, [form] * copies, multiple=64)
    batch["plan"][..., -1] = infill_inputs.NO_HEIGHT
    return ops.convert_to_numpy(model(batch))[:, :len(cells)]


def parts(model, cells, form, frame):
    """Take the logits of a frame apart: they are a sum, and each part is what a network says that says only that.

    Args: model, cells, form: as `logits`. frame: int.
    Returns: dict of part, the keys of LOGIT_PARTS, -> float (4, SPAN), for each voice a value for each pitch from
        `infill_inputs.LOW` above home upwards. Where a pitch can be at all, the sum of all parts is its logit.
    Notebook: 02, "Output by interval".
    """
    whole, group = model.heard, np.repeat(np.arange(len(LOGIT_PARTS)), list(LOGIT_PARTS.values()))
    only = np.concatenate([group == np.arange(len(LOGIT_PARTS))[:, None], np.zeros((1, len(group)), bool)])
    try:
        model.heard = np.float32(only[:, None] * whole)  # each copy of the piece hears another part, the last none
        *found, nothing = logits(model, cells, form, len(only))[:, frame, :, 2:]
    finally:
        model.heard = whole
    return {name: each - nothing * (name != "parallels") for name, each in zip(LOGIT_PARTS, found)}


def pitches(form):
    """Name the pitches that `parts` speaks of: MIDI pitches int (SPAN,)."""
    return infill_inputs.home(form) + infill_inputs.LOW + np.arange(infill_inputs.SPAN)
