"""Score a JSON file of pitch lists, such as the published JSB Chorales, with the shipped networks.

    python -m tests.bench.score_json FILE SPLIT [16th | quarter | voices]

FILE holds {"train": [...], "valid": [...], "test": [...]}: pieces, each a list of frames, each a list of MIDI pitches.
Without a grid the pieces' length decides. With `voices` each frame names soprano, alto, tenor and bass, -1 for a rest,
on the grid of sixteenths. Nothing is assumed of a piece beyond its pitches.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from utils.music import midi, text  # no Keras yet: a wrong file is refused at once

OUTPUTS = Path(__file__).resolve().parents[2] / "outputs"
KEYS = range(-3, 4)  # transposed contexts to average over
GRIDS = {"16th": ("rnn_bach_*", {"transpositions": KEYS}),
         "quarter": ("rnn_quarter_*", {"transpositions": KEYS, "sixteenths": 4, "tonic": 0})}
LONGEST_QUARTERS = 120  # frames in the median piece: chorales have about 60 quarters and 240 sixteenths


def read(file, split):
    """Read one split of a JSON file.

    Args: file: str or Path. split: str.
    Returns: rolls: list of uint8 (frames, 128). quartets: list of int (frames, 4), -1 for a rest; None where a frame
        has another number of entries.
    Raises: ValueError with a remedy for a file that is missing, of another form, or without this split.
    """
    form = 'give {"test": [...]}: pieces, each a list of frames, each a list of MIDI pitches'
    try:
        splits = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}): check its name. Paths count from "
                         f"{Path.cwd()}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON ({error}): {form}") from None
    if not isinstance(splits, dict):
        raise ValueError(f"{file} holds a {type(splits).__name__}, not splits by name: {form}")
    if split not in splits:
        raise ValueError(f"{file} has no split {split!r}: choose one of {', '.join(splits)}")
    try:  # -1, and in some versions NaN, is a silent voice
        rolls = [text.as_roll([[pitch for pitch in frame if pitch >= 0] for frame in piece]) for piece in splits[split]]
        for roll in rolls:
            for key in (KEYS[0], KEYS[-1]):
                midi.transpose(roll, key)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"split {split!r} of {file} is of another form ({error}): {form}") from None
    if not any(map(len, rolls)):
        raise ValueError(f"split {split!r} of {file} holds no frames: choose one of {', '.join(splits)}, or {form}")
    four = all(len(frame) == 4 for piece in splits[split] for frame in piece)
    quartets = four and [np.nan_to_num(np.array(piece, float).reshape(-1, 4), nan=-1).astype(int)
                         for piece in splits[split] if piece]
    return rolls, quartets or None


def main(file, split, grid=None):
    """Print what the shipped networks say of a split; arguments as on the command line, errors as `read`."""
    if grid not in (None, "voices", *GRIDS):
        raise ValueError(f"there is no grid {grid!r}: choose one of {', '.join(GRIDS)}, voices")
    rolls, quartets = read(file, split)
    if grid == "voices":
        return voiced(quartets, split)
    grid = grid or ("quarter" if np.median(list(map(len, rolls))) <= LONGEST_QUARTERS else "16th")
    pattern, settings = GRIDS[grid]
    folders = sorted(OUTPUTS.glob(pattern))
    if not folders:
        raise ValueError(f"no network for the {grid} grid is shipped in outputs/: name the other grid, or train "
                         f"{pattern} in notebook 02")
    frames, characters = (sum(map(len, each)) for each in (rolls, map(text.encode, rolls)))
    print(f"{split}, {grid} grid: {len(rolls)} pieces, {frames} frames, {characters} characters", flush=True)
    from utils.nets import training, two_clocks

    models = {folder.name: training.rebuild(folder) for folder in folders}
    rows = {name: ([model], settings | {"transpositions": (0,)}) for name, model in models.items()}
    rows["average of networks and transposed contexts"] = list(models.values()), settings
    for name, (nets, options) in rows.items():
        nats = np.concatenate(two_clocks.frame_nll(nets, rolls, **options)).sum()
        print(f"{name:44} {nats / frames:.4f} nats per frame, {nats / characters:.4f} per character", flush=True)


def voiced(quartets, split):
    """Print what four named voices cost, by the network that was trained on pitches alone."""
    if quartets is None:
        raise ValueError("not every frame has four entries: give soprano, alto, tenor and bass, -1 for a rest")
    if not (OUTPUTS / "infill_plain").exists():
        raise ValueError("no network of voices is shipped in outputs/: train infill_plain in notebook 02")
    from utils.nets import infill_benchmark, training

    model = training.rebuild(OUTPUTS / "infill_plain")
    for name, keys in (("one context", (0,)), ("average of transposed contexts", KEYS)):
        nats = np.concatenate(infill_benchmark.frame_nll(model, quartets, keys))
        print(f"{split}, voices named, {len(nats)} frames, {name}: {nats.mean():.4f} nats per frame", flush=True)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
