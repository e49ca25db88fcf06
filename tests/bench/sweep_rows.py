"""Train random rows of the shipped sweep again, and say whether they come out as the table says:

    python -m tests.bench.sweep_rows [how many] [seed of the choice]
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from utils.measure import gan_sweep
from utils.music import data, windows
from utils.nets import gan_grid

ROOT = Path(__file__).resolve().parents[2]


def main(count=3, seed=None):
    shipped = gan_sweep.read_csv(ROOT / "outputs" / "gan_sweep" / "results.csv")
    chosen = [shipped[number] for number in np.random.default_rng(seed).choice(len(shipped), count, replace=False)]
    configs = [{name: row[name] for name in gan_sweep.CONFIG} for row in chosen]
    real, reference = gan_grid.encode(windows.windows(data.pieces("train"), hop=1)), windows.windows(data.pieces("train"))
    with tempfile.TemporaryDirectory() as folder:
        again = gan_sweep.run(configs, real, gan_grid.decode(gan_grid.encode(reference)), folder)
    for row, new in zip(chosen, again):
        print(f"{row['recipe']} {row['generator_rate']:g} {row['discriminator_rate']:g} seed {row['seed']}: "
              f"{row['verdict']} in the table (nn {row['nn']}), {new['verdict']} now (nn {new.get('nn')})")
    return sum(row["verdict"] != new["verdict"] for row, new in zip(chosen, again))


if __name__ == "__main__":  # the sweep's processes import this file
    sys.exit(main(*map(int, sys.argv[1:])))
