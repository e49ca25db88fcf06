"""Build the page for composing with the network of four voices, and open it in a browser.

    python notebooks/play.py                                       the shipped network
    python notebooks/play.py --network outputs/local/my_run        one trained on your own music: own_music.py infill
    python notebooks/play.py my.mid your.abc                       with your tunes as examples

The page is a single file that works offline; you can copy and send it. It is in outputs/local/gallery/ or at --out.
"""

import argparse
import sys
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from notebooks import compose
from utils import files
from utils.music import folder, tune
from utils.nets import infill_numpy
from utils.show import instrument
from utils.sound import tones

PIANO = ROOT / "outputs" / "dcnn_teacher" / "piano.npz"
PAGE = ROOT / "outputs" / "local" / "gallery" / "play.html"
TUNES = ROOT / "data" / "tunes"


def read(paths):
    """Read example tunes: list of Path -> list of (title, tune.Tune), the first tune of each file.

    Raises: ValueError, with the remedy, for a file without a tune.
    """
    found = []
    for path in paths:
        notes, meta = folder.read(path)[0]
        found.append((compose.title_of(path), tune.hear(notes, meta, files.shown(path.name))))
    return found


def main(arguments=None):
    """Run the command line; raises ValueError for what the user can correct. Returns: Path of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tunes", nargs="*", type=Path, metavar="TUNE", help="example tunes; by default data/tunes")
    parser.add_argument("--network", type=Path, default=compose.NETWORK, help="folder of a run that writes four voices")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page, a file that ends in .html")
    parser.add_argument("--keep-closed", action="store_true", help="build the page, but do not open it")
    chosen = parser.parse_args(arguments)
    out = compose.page(chosen.out)
    network, learned_from = infill_numpy.load(chosen.network), "Bach’s chorales"
    if chosen.network.resolve() != compose.NETWORK:
        learned_from = "the music you gave it"
    page = instrument.build(out, network, tones.load(PIANO), read(chosen.tunes or sorted(TUNES.glob("*.abc"))),
                            learned_from)
    opened = not chosen.keep_closed and webbrowser.open(page.resolve().as_uri())
    print(f"{compose.near(page)}: " + ("it opens in your browser" if opened else "open it in a browser"))
    return page


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(str(error))
