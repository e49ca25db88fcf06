"""Read keys, metres, upbeats and bar numbers as a musician types them."""

import re

import numpy as np

from utils.music import keys, midi, voices


def key(text):
    """Read a key: "G", "g", "e minor", "F# major", "Bbm" -> (pitch class, "major" or "minor").

    A lower-case letter alone is minor, as in German and in analysis. Raises: ValueError for anything else.
    """
    found = re.fullmatch(r"\s*([A-Ga-g])\s*(#|b|♯|♭|-?sharp|-?flat)?\s*-?(m|M|(?i:min|minor|maj|major))?\s*", text)
    if not found:
        raise ValueError(f"the key {text!r} cannot be read: write G, e minor, F# or Bbm")
    letter, sign, mode = found.groups()
    sign = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}.get((sign or "").strip("-"), 0)
    tonic = ("C", "", "D", "", "E", "F", "", "G", "", "A", "", "B").index(letter.upper()) + sign
    minor = mode == "m" or mode.lower().startswith("mi") if mode else letter.islower()
    return tonic % 12, keys.KEY_MODES[minor]


def metre(text):
    """Read a metre: "3/4" -> (3, 4). Raises: ValueError for a metre that does not fit the grid of sixteenths."""
    found = re.fullmatch(r"\s*(\d{1,2})\s*/\s*(1|2|4|8|16)\s*", str(text))
    if not found or not int(found[1]):
        raise ValueError(f"the metre {text!r} cannot be read: write 4/4, 3/4, 6/8 or the like")
    return int(found[1]), int(found[2])


def upbeat(quarters, metre):
    """Count the sixteenths of an upbeat; raises ValueError if it is impossible in this metre."""
    frames = round(quarters * midi.STEPS_PER_QUARTER) if np.isfinite(quarters) else -1
    if not 0 <= frames < metre[0] * 16 // metre[1] or abs(frames - quarters * midi.STEPS_PER_QUARTER) > 1e-6:
        raise ValueError(f"an upbeat of {quarters} quarter notes in {metre[0]}/{metre[1]}: give whole sixteenths, less "
                         "than a bar, such as 1 or 0.5")
    return frames


def bars(text):
    """Read bar numbers: "5-8,12" -> [5, 6, 7, 8, 12]. Raises: ValueError for anything else."""
    found = []
    for item in str(text).split(","):
        edges = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", item)
        if not edges or edges[2] and int(edges[2]) < int(edges[1]):
            raise ValueError(f"the bars {text!r} cannot be read: write 4, 5-8 or 4,8,12")
        found += range(int(edges[1]), int(edges[2] or edges[1]) + 1)
    return sorted(set(found))


def singers(text):
    """Read names of voices: "alto,tenor" -> [1, 2]. Raises: ValueError for anything else."""
    found = [voices.singer(name) for name in re.split(r"[,;\s]+(?:and\s+)?", text.strip())]
    if None in found:
        raise ValueError(f"the voices {text!r} cannot be read: write soprano, alto, tenor, bass, with commas")
    return sorted(set(found))
