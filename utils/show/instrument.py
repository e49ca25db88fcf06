"""The instrument: one HTML file with the network of four voices, to compose in a browser without the internet.

The page's scripts are in `web/`; `build` puts them, the weights, the additive piano and some tunes into one file.
"""

import base64
import json

import numpy as np

from utils.music import ear
from utils.show import pages
from utils.sound import expression, tones

ENGINE = "inputs.js", "net.js", "drafts.js", "harmony.js", "writer.js"  # for the worker and for the page
SCRIPTS = ("notation.js", "ear.js", "midi.js", "musicxml.js", "open.js", "keep.js", "glyphs.js", "bars.js", "voice.js",
           "score.js", "parts.js", "state.js", "grid.js", "keys.js", "ways.js", "sound.js", "page.js", "begin.js")
LEVELS = 127  # of a weight, on each side of 0


def build(path, network, piano, tunes, learned_from="Bach’s chorales"):
    """Write the page, whole or not at all.

    Args: path: of the .html file, its folder is created if missing. network: dict of arrays, as `infill_numpy.load`
        returns. piano: tones.Piano. tunes: list of (title, tune.Tune), examples to start with. learned_from: str, the
        page's text about the training music.
    Returns: the path.
    Raises: ValueError if there is no tune.
    Notebook: 06, "In a browser".
    """
    if not tunes:
        raise ValueError("the page has no example tune: give one or more")
    arrays = {name: quantised(value) for name, value in network.items() if name != "dilations"}
    waves = {name: _text(value.astype(np.float32)) for name, value in piano._asdict().items()}
    return pages.write(
        path, "instrument.html", engine=ENGINE, scripts=SCRIPTS, ear=json.loads(ear.LEARNED.read_text("utf-8")),
        network={"dilations": list(network["dilations"]), "arrays": arrays}, piano={"decays": tones.DECAYS} | waves,
        tunes=[pages.score(each.piece, title, expression.CHORALE_TEMPO) for title, each in tunes],
        learned_from=learned_from,
        parameters=sum(value.size for name, value in network.items() if name != "dilations"))


def quantised(values):
    """Round an array to bytes, with a scale for each index of its last axis: dict with `scale` and `data`, base64."""
    scale = np.maximum(np.abs(values).reshape(-1, values.shape[-1]).max(axis=0), 1e-12) / LEVELS
    return {"scale": _text(scale.astype(np.float32)), "data": _text(np.rint(values / scale).astype(np.int8))}


def _text(values):
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
