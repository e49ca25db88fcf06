"""Pieces as the networks of notebook 02 learn from them, are scored on them, and as a reader tries other settings."""

import numpy as np

from utils.music import data, midi, text, voices
from utils.nets import char_rnn, infill, infill_benchmark, infill_inputs, inputs, masks, training, two_clocks
from utils.nets.backend import keras

ALL_KEYS = range(-6, 6)  # semitones: all twelve keys
TRY_STEPS = 100_000  # more than any machine takes in the minutes of a trial
CHARACTERS = {"build": ("cell", "units", "num_layers", "embedding_size", "dropout_rate"),
              "fit": ("learning_rate", "batch_size", "length"), "write": ("temperature",)}
VOICES = {"build": ("channels", "units", "hidden", "dropout_rate", "encoder_dropout", "without"),
          "fit": ("learning_rate", "batch_size", "num_frames"), "write": ("temperature",)}
INGREDIENTS = {  # of the infilling network: what each row of an ablation leaves out
    "pitches named from home, nothing else": ("intervals", "encoder", "parallels"),
    "+ by interval": ("encoder", "parallels"), "+ an encoder of what is given": ("parallels",),
    "+ a weight on parallels: all": ()}
ON_QUARTERS = dict(sixteenths=4, tonic=0)  # four sixteenths in a frame; every piece in C
QUARTER_CONDITIONS = (*inputs.NUM_CONDITIONS, 12)  # on that grid the key is a third one
QUARTERS = {"a": dict(epochs=10, played=False, seed=1), "b": dict(epochs=17, played=True, seed=2)}  # two runs
NEAR_END = 2  # frames before and after a fermata that count as the end of a phrase


# ------------------------------------------------------------------------------------------------ to learn from


def one_string(pieces, everything=False):
    """Write pieces as one string, in C major or A minor: tokens int32 (characters,).

    Args: pieces: list of data.Piece. everything: those too that the original filter leaves out.
    Notebook: 02, "The original network".
    """
    kept = [midi.transpose(piece.roll, piece.semitones) for piece in pieces if everything or not piece.left_out]
    return text.tokens("".join(map(text.encode, kept)), text.vocab())


def in_keys(pieces, keys=ALL_KEYS):
    """Prepare pieces for a network with two clocks: in these keys, with their repeats written once and played.

    Args: pieces: list of data.Piece. keys: semitones.
    Returns: list of inputs.Prepared.
    Notebook: 02, "Two clocks".
    """
    return [item for piece in _repeated(pieces)
            for item in inputs.prepare(piece.roll, piece.upbeat, piece.bar_frames, keys)]


def _repeated(pieces, played=True):
    """The pieces, and if `played` those with repeats once more, as they are played."""
    return [*pieces, *(piece._replace(roll=data.unfold(piece)) for piece in pieces if played and piece.repeats)]


def as_written(pieces):
    """Prepare pieces for a network with two clocks, in their own keys, with their repeats written once."""
    return [inputs.prepare(piece.roll, piece.upbeat, piece.bar_frames)[0] for piece in pieces]


def in_quarters(pieces, keys=(0,), offsets=(0,), played=False):
    """Prepare pieces in C on the older grid, every fourth frame from each of `offsets`; the others as `in_keys`."""
    return [item for piece in _repeated(pieces, played) for offset in offsets for item in inputs.prepare(
        midi.transpose(piece.roll, piece.quarter_shift)[offset::4], piece.upbeat - offset, piece.bar_frames, keys,
        **ON_QUARTERS)]


def in_four(pieces, with_motion=False):
    """List (cells, outline) of the pieces in four parts; with_motion: as `infill_inputs.form`, for learning only."""
    return [(piece.voices, infill_inputs.form(piece, with_motion)) for piece in pieces if piece.voices.shape[1] == 4]


def plain(pieces):
    """List (cells, outline) of the pieces in four parts as the benchmark has them, see `infill_benchmark.plain`."""
    return infill_benchmark.plain(in_four(pieces))


def higher(cells, form, semitones):
    """Move a piece in four parts, cells and outline, by so many semitones."""
    return voices.transpose(cells, semitones), form._replace(tonic=(form.tonic + semitones) % 12)


# ------------------------------------------------------------------------------------------------ to be scored on


def frame_nats(model, pieces, transpositions=(0,)):
    """Score pieces as written by the chain rule, whichever network of notebook 02 it is.

    Args: model: what `char_rnn.build_char_rnn`, `two_clocks.build_two_clock` or `infill.build_infiller` returns; the
        first scores a piece in C major or A minor, the last must be trained on `infill_benchmark.plain` pieces. pieces:
        list of data.Piece. transpositions: contexts to average, for two clocks.
    Returns: list of float64 (frames,), nats of each frame.
    Notebook: 02, "The published benchmark".
    """
    if isinstance(model, infill.Infiller):
        return infill_benchmark.frame_nll(model, [piece.voices for piece in pieces])
    if isinstance(model, two_clocks.TwoClockRNN):
        return two_clocks.frame_nll(model, [piece.roll for piece in pieces], [piece.upbeat for piece in pieces],
                                    [piece.bar_frames for piece in pieces], transpositions)
    found = []
    for piece in pieces:
        tokens = one_string([piece], everything=True)
        found.append(np.bincount(_frames(tokens), char_rnn.text_nll(model, tokens), len(piece.roll)))
    return found


def quarter_nats(model, pieces):
    """Score pieces on the grid of quarters: dict of name -> mean nats per frame."""
    rolls = [midi.transpose(piece.roll, piece.quarter_shift)[::4] for piece in pieces]
    nats = two_clocks.frame_nll(model, rolls, [piece.upbeat for piece in pieces],
                                [piece.bar_frames for piece in pieces], **ON_QUARTERS)
    return {piece.name: each.mean() for piece, each in zip(pieces, nats)}


def by_place(nats, pieces):
    """Average nats per character by place in a bar of 4/4: nats list of (frames,) -> float (16,).

    Args: nats: as `frame_nats`. pieces: list of data.Piece, those in other metres are passed over.
    Returns: float (16,), the first sixteenth of the bar first. Notebook: 02, "What it expects of Bach".
    """
    totals = np.zeros((2, 16))
    for each, piece in zip(nats, pieces, strict=True):
        if piece.bar_frames == 16:
            place = (np.arange(len(each)) - piece.upbeat) % 16
            np.add.at(totals[0], place, each)
            np.add.at(totals[1], place, (piece.roll != 0).sum(axis=1) + 1)
    return totals[0] / np.maximum(totals[1], 1)


def facts(piece):
    """Say what a reader of a piece's text may know after each character, to compare a network's state with.

    Args: piece: data.Piece.
    Returns: tokens int32 (characters,), in C major or A minor; dict of name -> float (characters,).
    Notebook: 02, "What the state holds".
    """
    tokens = one_string([piece], everything=True)
    frame, roll = _frames(tokens), midi.transpose(piece.roll, piece.semitones) != 0
    highest = np.where(roll.any(axis=1), 127 - roll[:, ::-1].argmax(axis=1), 60)
    to_end = np.abs(frame[:, None] - np.append(piece.fermatas, -99)).min(axis=1)
    found = {"the frame ends": tokens == text.SPACE_TOKEN, "height of the soprano": highest[frame],
             "first sixteenth of a beat": (frame - piece.upbeat) % 4 == 0, "a phrase ends": to_end <= NEAR_END}
    return tokens, {name: values.astype(float) for name, values in found.items()}


def probe(states, values):
    """Ask what a state holds: correlations of its best unit, and of its best weighted sum, with each fact.

    The best unit and the weights are chosen on the first half of the pieces, the correlations are those on the second.

    Args: states: list of float (characters, units), one a piece. values: list of dict, as `facts`.
    Returns: dict of fact -> {"best unit": float, "all units": float}, 0 to 1.
    Source: Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes.
    Notebook: 02, "What the state holds".
    """
    middle, found = (len(states) + 1) // 2, {}
    learn, check = (np.concatenate(part) for part in (states[:middle], states[middle:] or states))
    with_one = lambda part: np.column_stack([part, np.ones(len(part))])
    for name in values[0]:
        target, truth = (np.concatenate([each[name] for each in part])
                         for part in (values[:middle], values[middle:] or values))
        best = int(np.argmax([_correlation(unit, target) for unit in learn.T]))
        weights = np.linalg.lstsq(with_one(learn), target, rcond=None)[0]
        found[name] = {"best unit": _correlation(check[:, best], truth),
                       "all units": _correlation(with_one(check) @ weights, truth)}
    return found


def _correlation(one, other):
    one, other = one - one.mean(), other - other.mean()
    return float(abs(one @ other) / max(np.sqrt((one @ one) * (other @ other)), 1e-9))


def _frames(tokens):
    """The frame of each character."""
    ends = tokens == text.SPACE_TOKEN
    return np.cumsum(ends) - ends


# ------------------------------------------------------------------------------------------------ to try


def ablation(pieces, checked, folder, settings, rows=4, seed=1, **fit):
    """Train an infilling network anew for each row of INGREDIENTS, the last rows first to be kept.

    Args: pieces, checked: to learn from and to score, as `in_four`. folder: Path, see `training.fit`. settings: of
        `infill.build_infiller`. rows: how many, from the last. seed: int. fit: for `infill.fit`.
    Returns: dict of row -> {"nothing": nats per frame, "soprano": the like of the other voices with it given}.
    Notebook: 02, "One ingredient at a time".
    """
    found, given = {}, [np.tile(np.arange(4) == 0, (len(cells), 1)) for cells, _ in checked]
    for name in list(INGREDIENTS)[-rows:]:
        keras.utils.set_random_seed(seed)
        model = infill.build_infiller(**settings, without=INGREDIENTS[name])
        infill.fit(model, pieces, checked, folder / f"infill_{len(INGREDIENTS[name])}", 1, seed=seed, **fit)
        costs = [np.concatenate(infill.nll(model, *zip(*checked), known)).mean() for known in (None, given)]
        found[name] = dict(zip(("nothing", "soprano"), map(float, costs)))
    return found


def rolls(model, num_characters, temperature=0.8, seed=0, streams=1):
    """Let a network of characters write, and read what it wrote: list of rolls uint8 (frames, 128), one a stream.

    Args: model: what `char_rnn.build_char_rnn` returns. num_characters: of each stream. temperature, seed: see
        `char_rnn.write_characters`. streams: int.
    Notebook: 02, "How bold?".
    """
    written = char_rnn.write_characters(model, num_characters, streams, temperature, seed)
    return [text.decode(text.characters(stream, text.vocab())) for stream in written]


def notes(music):
    """Read the notes of a roll, or of a data.Piece with its voices apart, as `player.listen` plays them."""
    return midi.roll_to_notes(music) if isinstance(music, np.ndarray) else voices.to_notes(music.voices)


def try_characters(settings, train, valid, history, minutes=2, steps=TRY_STEPS, seed=1):
    """Train a network of characters with other settings for some minutes, and compare it with the original GRU.

    Args: settings: dict, any of CHARACTERS. train, valid: list of data.Piece. history: of the original GRU. minutes:
        of training at most. steps: of training at most. seed: int.
    Returns: model; rows as `table.show` takes them: the original GRU at the end and after as many steps, and this one.
    Raises: ValueError for an unknown setting.
    Notebook: 02, "Try it: the GRU".
    """
    build, fit = _sorted(settings, CHARACTERS)
    keras.utils.set_random_seed(seed)
    model = char_rnn.build_char_rnn(len(text.vocab()), **build)
    lessons, checks = char_rnn.excerpts(one_string(train), one_string(valid), steps, model.output_shape[-1], seed=seed,
                                        **{name: fit[name] for name in fit if name != "learning_rate"})
    char_rnn.prepare(model, steps, fit.get("learning_rate", 1e-3))
    taken = _train(model, lessons, minutes)
    losses = history["val_loss"]
    per_epoch = 15_000 // len(losses)
    row = lambda number, loss: {"steps": number, "nats per character": loss, "perplexity": float(np.exp(loss))}
    same = min(max(taken // per_epoch, 1), len(losses))
    return model, {"the original GRU": row(per_epoch * len(losses), losses[-1]),
                   "the original GRU, early": row(per_epoch * same, losses[same - 1]),
                   "yours": row(taken, char_rnn.check(model, checks))}


def try_voices(settings, pieces, checked, history, minutes=2, steps=TRY_STEPS, seed=1):
    """Train an infilling network with other settings for some minutes, and compare it with the shipped one.

    Args: settings: dict, any of VOICES. pieces: what to learn from, as `in_four`. checked: what to score. history: of
        the shipped network, which was scored on the same pieces. minutes, steps: of training at most. seed: int.
    Returns: model, ready for `infill.arrays`; rows as `try_characters`.
    Raises: ValueError for an unknown setting.
    Notebook: 02, "Try it: the four voices".
    """
    build, fit = _sorted(settings, VOICES)
    keras.utils.set_random_seed(seed)
    model = infill.build_infiller(**build)
    rate = fit.pop("learning_rate", 2e-3)
    training.prepare(model, steps, keras.optimizers.AdamW(rate, weight_decay=0.08, global_clipnorm=1.0), infill.LOSS)
    taken = _train(model, masks.Crops(pieces, steps=steps, seed=seed, **fit), minutes)
    loss = np.concatenate(infill.nll(model, *zip(*checked), batch_size=len(checked))).mean()
    losses = history["val_loss"]
    per_epoch = 250
    row = lambda number, loss: {"steps": number, "nats per frame": float(loss)}
    return settle(model), {"shipped": row(per_epoch * len(losses), losses[-1]),
                           "shipped, first epoch": row(per_epoch, losses[0]), "yours": row(taken, loss)}


def settle(model):
    """Write into an Infiller's weights what it was built without, so that `infill.arrays` says all of it.

    Args: model: Infiller, trained; its weights change, what it says does not. Returns: the same model, with nothing
        left out any more.
    """
    parallel = infill_inputs.HEADS[-1]
    for head in model.heads:
        kernel, bias = (values * model.heard for values in head.get_weights())
        if "parallels" in model.without:
            kernel[:, -parallel:], bias[-parallel:] = 0, 1  # `infill.by_interval` takes 1 off
        head.set_weights([kernel, bias])
    if "encoder" in model.without:
        model.norms[-1].set_weights([np.zeros_like(values) for values in model.norms[-1].get_weights()])
    model.heard, model.without = np.ones_like(model.heard), ()
    return model


def _sorted(settings, known):
    """What of the settings goes to the builder, and what to the training."""
    names = [name for group in known.values() for name in group]
    unknown = sorted(set(settings) - set(names))
    if unknown:
        raise ValueError(f"there is no setting {', '.join(unknown)} to try: choose among {', '.join(names)}")
    return [{name: settings[name] for name in known[group] if name in settings} for group in ("build", "fit")]


def _train(model, batches, minutes):
    """Train a compiled model for some minutes, and count the steps it took."""
    print(f"{model.count_params():,} weights; compiling, half a minute or less ...", flush=True)
    model.fit(batches, epochs=1, verbose=0, callbacks=[training.Limit(minutes)])
    return int(model.optimizer.iterations)
