"""The rows of notebook 06: from the prompt to the files of a harmonised tune, in processes of their own."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.table import Row

ROOT = Path(__file__).resolve().parents[2]
TUNE = ROOT / "data/tunes/auld_lang_syne.abc"  # 16 bars of 4/4


def rows():
    one, three, keras = command(1), command(3), process("import keras")
    yield Row("compose.py, from the prompt to the first file", one, "s", "at most 12", "import keras", keras,
              keras / one)
    yield Row("compose.py, two attempts more, 16 bars", three - one, "s", "at most 2", "the first", one,
              one / max(three - one, 1e-3))


def command(attempts):
    """Seconds for a whole call, the fastest of two."""
    with tempfile.TemporaryDirectory() as folder:
        calls = [["notebooks/compose.py", "harmonise", str(TUNE), "--attempts", str(attempts), "--out",
                  f"{folder}/{number}"] for number in range(2)]
        return min(timed([sys.executable, *call]) for call in calls)


def process(code):
    """Seconds for a process that runs some Python, the faster of two."""
    return min(timed([sys.executable, "-c", code]) for _ in range(2))


def timed(call):
    start = time.perf_counter()
    subprocess.run(call, cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - start
