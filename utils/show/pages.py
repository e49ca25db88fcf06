"""Write a page: a template of `web/` with its styles and scripts inside, one file that loads nothing from outside."""

from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup

from utils import files
from utils.music import harmony, voices

FOLDER = Path(__file__).with_name("web")


def write(path, template, **content):
    """Write a page, whole or not at all.

    Args: path: of the .html file, its folder is created if missing. template: name of a file in `web/`, in Jinja2,
        where `source("base.css")` includes another one. content: the values of the template; text is escaped.
    Returns: the path.
    """
    settings = dict(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = jinja2.Environment(**settings).from_string(source(template)).render(source=source, **content)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def source(*names):
    """The text of files in `web/`, one after another: Markup, for a page."""
    return Markup("\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names))


def score(read, title, tempo):
    """A piece for the scripts of `web/`, see cells.js: dict, with silent voices if it has fewer than four.

    Args: read: piece.Piece, the highest voice first. title: str. tempo: quarter notes per minute.
    """
    missing = max(0, len(voices.SINGERS) - read.voices.shape[1])
    cells = np.pad(read.voices, ((0, 0), (0, missing)), constant_values=voices.REST)
    return {"title": title, "cells": cells.tolist(), "metre": list(read.metre), "upbeat": int(read.upbeat),
            "tonic": int(harmony.tonic(read)), "mode": read.mode, "tempo": tempo,
            "fermatas": read.fermatas[read.fermatas < len(cells)].tolist()}
