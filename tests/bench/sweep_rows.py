"""Train random rows of the shipped sweep again, and say whether they come out as the table says:

    python -m tests.bench.sweep_rows [how many] [seed of the choice]
"""

import sys
import tempfile
from pathlib import Path

from utils.measure import gan_sweep
from utils.music import data, windows
from utils.nets import gan_grid
from utils.show import table

ROOT = Path(__file__).resolve().parents[2]


def main(count=3, seed=None):
    shipped = table.read_csv(ROOT / "outputs" / "gan_sweep" / "results.csv")
    chosen = shipped.sample(count, random_state=seed).to_dict("records")
    configs = [{name: row[name] for name in gan_sweep.CONFIG} for row in chosen]
    pieces = data.pieces("train")
    real, reference = gan_grid.encode(windows.windows(pieces, hop=1)), windows.windows(pieces)
    with tempfile.TemporaryDirectory() as folder:
        again = gan_sweep.run(configs, real, gan_grid.decode(gan_grid.encode(reference)), folder)
    for row, new in zip(chosen, again):
        print(f"{row['recipe']} {row['generator_rate']:g} {row['discriminator_rate']:g} seed {row['seed']}: "
              f"{row['verdict']} in the table (nn {row['nn']}), {new['verdict']} now (nn {new.get('nn')})")
    return sum(row["verdict"] != new["verdict"] for row, new in zip(chosen, again))


if __name__ == "__main__":  # the sweep's processes import this file
    sys.exit(main(*map(int, sys.argv[1:])))
