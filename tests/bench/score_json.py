"""Score a JSON file of pitch lists, such as the published JSB Chorales, with the shipped networks.

    python -m tests.bench.score_json FILE SPLIT [16th | quarter]

FILE holds {"train": [...], "valid": [...], "test": [...]}: pieces, each a list of frames, each a list of MIDI pitches.
The grid is told by the pieces' length where it is not named. Nothing is assumed of a piece beyond its pitches.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from utils import runs
from utils.music import text
from utils.nets import two_clocks

OUTPUTS = Path(__file__).resolve().parents[2] / "outputs"
GRIDS = {"16th": ("rnn_bach_*", {"transpositions": range(-3, 4)}),
         "quarter": ("rnn_quarter_*", {"transpositions": range(-3, 4), "sixteenths": 4, "tonic": 0})}
LONGEST_QUARTERS = 120  # frames in the median piece: chorales have about 60 quarters and 240 sixteenths


def load(pattern):
    """Rebuild the shipped networks whose folders match, by name."""
    models = {}
    for folder in sorted(OUTPUTS.glob(pattern)):
        models[folder.name] = two_clocks.build_two_clock(**runs.config(folder)["builder"])
        runs.load(models[folder.name], folder)
    return models


def main(file, split, grid=None):
    pieces = json.loads(Path(file).read_text(encoding="utf-8"))
    if split not in pieces:
        sys.exit(f"{file} has no split {split!r}: choose one of {', '.join(pieces)}")
    pieces = [[[pitch for pitch in frame if pitch >= 0] for frame in piece] for piece in pieces[split]]  # -1: a silent voice
    grid = grid or ("quarter" if np.median([len(piece) for piece in pieces]) <= LONGEST_QUARTERS else "16th")
    pattern, settings = GRIDS[grid]
    models = load(pattern)
    if not models:
        sys.exit(f"no network for the {grid} grid is shipped in outputs/: name the other grid, or train {pattern}")
    characters = sum(len(text.encode(piece)) for piece in pieces)
    frames = sum(len(piece) for piece in pieces)
    print(f"{split}, {grid} grid: {len(pieces)} pieces, {frames} frames, {characters} characters")
    rows = {name: ([model], settings | {"transpositions": (0,)}) for name, model in models.items()}
    rows["average of networks and transposed contexts"] = list(models.values()), settings
    for name, (nets, options) in rows.items():
        nats = np.concatenate(two_clocks.frame_nll(nets, pieces, **options)).sum()
        print(f"{name:44} {nats / frames:.4f} nats a frame, {nats / characters:.4f} a character")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4 or sys.argv[-1] not in {*GRIDS, sys.argv[2]}:
        sys.exit(__doc__)
    main(*sys.argv[1:])
