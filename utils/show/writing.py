"""Pictures of how a piece gets written: the way from a tune to files, and drafts that live and die; SVG on white."""

import numpy as np

from utils.music import grid
from utils.show.diagrams import ARROWS, SOFT, TEXT, TITLE, box, card, line, text
from utils.show.plots import BLUE, INK, LINE, ORANGE, PALE

CARD_WIDTH, EDGE = 700, 20  # pixels of a picture, and at its sides
ROW, TOP = 24, 46  # pixels between two drafts, and above the first
ROOM = 38  # for the number of faults, before each choice
TURN = 44  # for the lines from parents to children


def flow(steps):
    """Draw a way of working as boxes in a row.

    Args: steps: list of (name, what it does or gives), two to six; a comma ends a line of the second.
    Returns: IPython SVG.
    Raises: ValueError for fewer or more.
    Notebook: 06, "From a tune to four voices".
    """
    if not 2 <= len(steps) <= 6:
        raise ValueError(f"{len(steps)} steps: give 2 to 6, or the picture has no room for their names")
    apart, y, parts = (CARD_WIDTH - 2 * EDGE) / len(steps), 44, []
    wide = apart - 24
    for number, (name, said) in enumerate(steps):
        x = EDGE + apart * (number + 0.5)
        parts += [box(x, y, wide, 40, PALE, LINE), text(x, y + 4, name, TITLE, weight="bold")]
        parts += [text(x, y + 40 + 14 * row, words.strip(), TEXT, SOFT) for row, words in enumerate(said.split(","))]
        if number:
            start, end = x - apart + wide / 2, x - wide / 2
            parts.append(line(f"M{start:.1f} {y}H{end:.1f}", ARROWS, head=(end, y, "right")))
    rows = max(said.count(",") for _, said in steps)
    return card(CARD_WIDTH, y + 62 + 14 * rows, parts)


def lineage(parents):
    """Follow what is taken in the end, the first draft, back to its ancestors.

    Args: parents: list of int (drafts,), from which draft each one goes on, choice after choice.
    Returns: list of int, the draft that leads to it before each choice.
    """
    draft, found = 0, []
    for each in parents[::-1]:
        draft = int(each[draft])
        found.append(draft)
    return found[::-1]


def family(choices, read, attempt=0):
    """Draw the drafts of one attempt from phrase to phrase: which stop, which go on, and which one is taken.

    Args: choices: list of `nets.drafts.Choice`, in order. read: piece.Piece that was written. attempt: int.
    Returns: IPython SVG; a line for each draft, at the end of each phrase its faults.
    Raises: ValueError where nothing was chosen.
    Notebook: 06, "How does every phrase come to rest?".
    """
    if not choices:
        raise ValueError("no choice was made: harmonise with two drafts or more, and a tune with a phrase end")
    faults, parents = (np.array([getattr(each, name)[attempt] for each in choices]) for name in ("faults", "parents"))
    taken, drafts = lineage(parents), faults.shape[1]
    apart = (CARD_WIDTH - 2 * EDGE + TURN) / len(choices)
    height = lambda draft: TOP + ROW * (draft + 0.5)
    parts = []
    for number, choice in enumerate(choices):
        x = EDGE + apart * number
        end = x + apart - TURN
        bar = grid.bar_number(choice.frame, read.upbeat, read.bar_frames)
        parts.append(text(end - ROOM / 2, TOP - 12, f"bar {bar}", TEXT, INK, "bold"))
        for draft in range(drafts):
            lives = draft in parents[number]
            colour = ORANGE if draft == taken[number] else BLUE if lives else LINE
            parts += [line(f"M{x:.1f} {height(draft)}H{end - ROOM:.1f}", colour),
                      text(end - ROOM / 2, height(draft) + 4, str(faults[number, draft]), TITLE,
                           colour if lives else SOFT, "bold" if lives else "normal")]
        if number + 1 < len(choices):
            for child in sorted(range(drafts), key=lambda each: each == taken[number + 1]):  # what is taken lies on top
                parent, middle = int(parents[number][child]), end + TURN / 2
                parts.append(line(f"M{end:.1f} {height(parent)}C{middle:.1f} {height(parent)} {middle:.1f} "
                                  f"{height(child)} {end + TURN:.1f} {height(child)}",
                                  ORANGE if child == taken[number + 1] else BLUE))
    bottom = TOP + ROW * drafts + 22
    said = ("A line is a draft, a number its faults at the end of a phrase. Grey: it stops. Blue: it goes on. "
            "Orange: it is taken.")
    return card(CARD_WIDTH, bottom + 14, [*parts, text(EDGE, bottom, said, TEXT, SOFT, anchor="start")])
