"""The published benchmark with its voices named: the infilling network on pitches, without attacks and plan."""

import numpy as np

from utils.music import voices
from utils.nets import infill_inputs, training, two_clocks


def without_attacks(pitches):
    """Write pitches as cells, as a score in which every repeated note is tied.

    Args: pitches: int (frames, 4), MIDI pitches of soprano, alto, tenor and bass, -1 for a rest; cells are accepted
        too.
    Returns: int16 (frames, 4), cells: a pitch is struck where it differs from the frame before.
    Notebook: 02, "The published benchmark".
    """
    pitches = np.asarray(pitches)
    pitches = np.where(pitches >= 0, pitches % voices.HELD, voices.REST).astype(np.int16)
    same = np.zeros(pitches.shape, bool)
    same[1:] = (pitches[1:] == pitches[:-1]) & (pitches[1:] >= 0)
    return pitches + np.int16(voices.HELD) * same


def plain(pieces):
    """Make training pieces for the benchmark: without attacks, and with only the metre of the outline.

    Args: pieces: list of (cells int16 (frames, 4), Form). Returns: the same.
    """
    return [(without_attacks(cells), infill_inputs.Form(form.upbeat, form.bar_frames, form.beat_frames))
            for cells, form in pieces]


def frame_nll(models, pieces, transpositions=(0,), metres=None, batch_size=12):
    """Score pieces by the chain rule, four cells per frame, from the first frame on; nothing else is known of them.

    The probabilities of each cell are averaged over models and over transpositions of the past. Metres and upbeats are
    hypotheses of a mixture: each is weighted by its share in the training pieces times the probability that it gave to
    the piece so far. For a pitch that sounds on, the probabilities of holding it and of striking it again are added.

    Args: models: an Infiller, trained on `plain` pieces, or a list. pieces: list of int (frames, 4), see
        `without_attacks`. transpositions: semitones, each a context to average. metres: dict from (sixteenths in a bar,
        before it) to its share; by default `two_clocks.UPBEATS`. batch_size: pieces at a time.
    Returns: list of float64 (frames,), nats of the four cells of every frame.
    Source: Boulanger-Lewandowski et al. 2012 for the benchmark. Notebook: 02, "The published benchmark".
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    metres, cells = metres or two_clocks.UPBEATS, [without_attacks(piece) for piece in pieces]
    prior = np.array(list(metres.values())) / sum(metres.values())
    result = [np.zeros(0)] * len(cells)
    for group in training.by_length(cells, batch_size):
        nats = []
        for bar, upbeat in metres:
            forms = [infill_inputs.Form(upbeat, bar)] * len(group)
            moved = ([np.where(cells[i] >= 0, cells[i] + shift, cells[i]) for i in group] for shift in transpositions)
            batches = [infill_inputs.batch(each, forms, multiple=64) for each in moved]
            each = [pitch_nats(model.predict_on_batch(batch), batch) for batch in batches for model in models]
            nats.append((np.log(len(each)) - np.logaddexp.reduce(-np.array(each), axis=0)).sum(axis=-1))
        for row, i in enumerate(group):
            result[i] = two_clocks.mix(np.stack(nats)[:, row, :len(cells[i])], prior)
    return result


def pitch_nats(logits, batch):
    """Score which pitch sounds, whether held or struck: logits (batch, frames, 4, VOCAB) -> (batch, frames, 4)."""
    logits, held = logits.astype(np.float64), batch["token"] == infill_inputs.HOLD
    nats = training.nats(logits, batch["token"])
    again = training.nats(logits, batch["pitch"] + 1)
    return np.where(held, -np.logaddexp(-nats, -again), nats)
