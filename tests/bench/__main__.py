"""Print the benchmark table, and write its figures to outputs/bench.json:  python -m tests.bench

A module beside this one measures for one notebook: its `rows()` yields `table.Row`. To add rows, write one and list it.
"""

import importlib.metadata
import os
import platform
from pathlib import Path

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[threads] = "1"  # one core for every rival; who uses several processes says so

from tests.bench import compose, dcnn, instrument, preprocess, rnn, table
from utils import runs

MODULES = [preprocess, rnn, dcnn, compose, instrument]
PACKAGES = "numpy scipy music21 mido midirenderer keras tensorflow numba".split()
ROOT = Path(__file__).resolve().parents[2]


def main():
    rows = []
    for module in MODULES:
        for row in module.rows():
            print(f"{row.what}: {row.value:.3g} {row.unit}", flush=True)
            rows.append(row)
    print("\n" + table.show(rows))
    versions = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}
    figures = {"cores": os.cpu_count(), "machine": platform.machine(), "versions": versions}
    runs.write_json(ROOT / "outputs" / "bench.json", figures | {"rows": [row._asdict() for row in rows]})


if __name__ == "__main__":  # the export's worker processes import this file
    main()
