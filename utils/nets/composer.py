"""Use the network of four voices: harmonise a tune, vary bars, continue a piece, compose in a form.

Each attempt has several drafts. At the end of each phrase only the best drafts continue (a particle filter, Doucet et
al. 2001): those that end on a triad, at the last phrase end on the tonic, and have no parallels.
"""

import re
from typing import NamedTuple

import numpy as np

from utils.music import grid, harmony, piece, typed, voices
from utils.nets import drafts as drafting
from utils.nets import infill_inputs, infill_numpy

DRAFTS = drafting.DRAFTS
PHRASE = 32  # frames of a phrase at least, where nothing else is known
CALM = 0.8  # notes of a voice in a quarter where eighths are taken for quarters: they pass twice as fast
MOST_BARS = 400
KNOWN_BARS = (16, 12)  # frames of the bars in training: 4/4 and 3/4


class Attempt(NamedTuple):
    """One result. piece: piece.Piece of four voices. nats: float, the negative log-likelihood of the written cells, a
    mean over frames with such cells; NaN without any.
    """

    piece: piece.Piece
    nats: float


# ---------------------------------------------------------------------------------------------- the tasks


def harmonise(network, read, attempts=3, temperature=infill_inputs.TEMPERATURE, seed=0, drafts=DRAFTS, watch=None):
    """Write the voices that are not given.

    Args: network: `infill_numpy.load`. read: tune.Tune. attempts, drafts: int from 1. temperature: of pitches, 0 for
        the likeliest, 1 as the network thinks. seed: int; each attempt has a chance of its own. watch: list to which
        each choice among drafts is added, see `drafts.Choice`.
    Returns: list of Attempt.
    Raises: ValueError as `infill_numpy.write`, and for fewer than one attempt.
    Notebook: 06, "Four voices".
    """
    return _write(network, [(read.piece, read.known)] * attempts, temperature, seed, drafts, watch)


def vary(network, read, bars=None, singers=None, attempts=3, temperature=infill_inputs.TEMPERATURE, seed=0,
         drafts=DRAFTS):
    """Rewrite some bars of some voices; all other notes stay the same.

    Args: read: piece.Piece of four voices. bars: list of int, 1 the first full bar; None for all. singers: list of int,
        0 soprano to 3 bass; None for all. The others, and Returns: as `harmonise`.
    Raises: ValueError for a bar that does not exist; as `harmonise`.
    Notebook: 06, "Some bars anew".
    """
    number = grid.bar_number(np.arange(len(read.voices)), read.upbeat, read.bar_frames)
    bars = np.unique(number).tolist() if bars is None else bars
    if missing := [bar for bar in bars if bar not in number]:
        raise ValueError(f"there is no bar {missing[0]}: the piece has bars {number.min()} to {number.max()}")
    known = ~(np.isin(number, bars)[:, None] & np.isin(range(4), range(4) if singers is None else singers))
    return _write(network, [(read, known)] * attempts, temperature, seed, drafts)


def write_on(network, read, bars=8, attempts=3, temperature=infill_inputs.TEMPERATURE, seed=0, drafts=DRAFTS):
    """Write the voices that are not given, and more bars: phrases as long as before, and an ending.

    Args: read: tune.Tune. bars: int from 1. The others, Returns and Raises: as `harmonise`.
    Notebook: 06, "A beginning, continued".
    """
    old, bar = read.piece, read.piece.bar_frames
    if not 1 <= bars <= MOST_BARS:
        raise ValueError(f"{bars} bars more: ask for 1 to {MOST_BARS}")
    period = -(-(len(old.voices) - old.upbeat) // bar) * bar
    end = period if len(old.voices) <= period else period + old.upbeat  # the last bar is shorter by the upbeat
    length = end + bars * bar
    marks = old.fermatas if len(old.fermatas) else np.array([end - bar])
    again = np.sort([mark + bars * bar - back for mark in marks for back in range(0, bars * bar, period)])  # as before
    new = again[(again >= marks[-1] + bar) & (again < length - 2 * bar)]
    new = np.append(new, max(again[-1], old.upbeat + (length - 4 - old.upbeat) // bar * bar))  # in the last bar
    more = np.full((length - len(old.voices), 4), voices.REST, np.int16)
    longer = piece.blank(old.name, np.concatenate([old.voices, more]), old.metre, old.upbeat, old.mode,
                         harmony.tonic(old))._replace(fermatas=np.append(old.fermatas, new).astype(np.int32))
    known = np.concatenate([read.known, np.zeros(more.shape, bool)])
    return _write(network, [(longer, known)] * attempts, temperature, seed, drafts)


def compose(network, outline, form="A", vary_inner=False, attempts=3, temperature=infill_inputs.TEMPERATURE, seed=0,
            drafts=DRAFTS):
    """Compose a piece in sections; a section that returns is repeated exactly.

    If a section that returns also ends the piece, it is written first, as a separate piece.

    Args: outline: piece.Piece, as `blank` makes one. form: a letter for each section, such as "AAB". vary_inner:
        rewrite alto and tenor of a section that returns. The others, and Returns: as `harmonise`.
    Raises: ValueError for a form that does not fit, and as `harmonise`.
    Notebook: 06, "From nothing, in a form".
    """
    places = sections(outline, form)
    jobs = [(outline, np.zeros(outline.voices.shape, bool)) for _ in range(attempts)]
    written, again, nats = set(), np.zeros(len(outline.voices), bool), []
    for number, letter in enumerate(dict.fromkeys(form)):
        start, stop = places[form.index(letter)]
        if letter == form[-1] and form.count(letter) > 1:
            marks = outline.fermatas[(outline.fermatas >= start) & (outline.fermatas < stop)]
            excerpt = outline._replace(voices=outline.voices[start:stop], fermatas=marks - start)
            made = _write(network, [(excerpt, np.zeros((stop - start, 4), bool))] * attempts, temperature,
                          [seed, number], drafts)
            cells = [each.piece.voices for each in made]
        else:
            made = _write(network, jobs, temperature, [seed, number], drafts)
            cells = [each.piece.voices[start:stop] for each in made]
        nats.append([each.nats for each in made])
        for place, mine in zip(places, form):
            if mine == letter:
                jobs = [_put(job, *place, new) for job, new in zip(jobs, cells)]
                again[slice(*place)] = letter in written
                written.add(letter)
    if vary_inner and again.any():
        for _, known in jobs:
            known[np.ix_(again, [1, 2])] = False
        return _write(network, jobs, temperature, [seed, len(written)], drafts)
    return [Attempt(piece.with_voices(read, read.voices), float(np.mean(each)))
            for (read, _), each in zip(jobs, zip(*nats))]


def _put(job, start, stop, cells):
    """Put cells into a piece, as known cells."""
    read, known = job[0], job[1].copy()
    whole = read.voices.copy()
    whole[start:stop], known[start:stop] = cells, True
    return read._replace(voices=whole), known


def sections(outline, form):
    """Divide the bars of a piece into sections: list of (start, end), frames, one for each letter of its form.

    All are equally long if possible. Otherwise they have an even number of bars, if that leaves at least four, and the
    last section that occurs once takes the rest.

    Raises: ValueError for a form with other characters than letters, or a number of bars that does not fit it.
    """
    if not re.fullmatch("[A-Z]+", form):
        raise ValueError(f"the form {form!r} cannot be read: write a letter for each section, such as AAB")
    bars, count = len(outline.voices) // outline.bar_frames, len(form)
    size, single = bars // count, [place for place, letter in enumerate(form) if form.count(letter) == 1]
    size -= size % 2 if size > 4 and bars % count else 0
    rest = bars - size * count
    if not size or rest and not single:
        raise ValueError(f"{bars} bars cannot be divided into {form}: ask for a multiple of {count} bars")
    sizes = [size] * count
    if rest:
        sizes[single[-1]] += rest
    edges = np.cumsum([0, *sizes]) * outline.bar_frames
    return list(zip(edges[:-1].tolist(), edges[1:].tolist()))


def blank(bars=16, key="G", metre="4/4", upbeat=None, form="A", name="new"):
    """Make the outline of a piece without notes: phrases of eight quarters or more. The last note of each is in the
    middle of the bar or on its downbeat, as in most of Bach's chorales.

    Args: bars: int from 1. key, metre: str, see `typed`. upbeat: quarter notes; None for one, or an eighth in 6/8 and
        the like. form: see `compose`.
    Returns: piece.Piece.
    Raises: ValueError for an impossible number of bars, key, metre, upbeat or form.
    """
    (tonic, mode), metre = typed.key(key), typed.metre(metre)
    bar, beat = metre[0] * 16 // metre[1], grid.beat_frames(*metre)
    if not 1 <= bars <= MOST_BARS or bar < 4:
        raise ValueError(f"{bars} bars of {metre[0]}/{metre[1]}: ask for 1 to {MOST_BARS}, of a quarter note or more")
    usual = (2 if metre[1] >= 8 else 4) * (bar > beat)
    upbeat = usual if upbeat is None else typed.upbeat(upbeat, metre)
    cells = np.full((bars * bar, 4), voices.REST, np.int16)
    read = piece.blank(name, cells, metre, upbeat, mode, tonic)
    phrase, ends = -(-PHRASE // bar) * bar, []
    for start, stop in sections(read, form):
        last = stop + upbeat - bar  # the last barline in the section
        last += bar // 2 if bar // beat % 2 == 0 and last + bar // 2 <= stop - 4 else 0
        ends += [last, *range(last - phrase, start + phrase // 2, -phrase)]
    return read._replace(fermatas=np.array(sorted(ends), np.int32))


# ---------------------------------------------------------------------------------------------- how it is written


def form_of(read):
    """Make the network's outline of a piece, in the nearest metre that the network has learned.

    Args: read: piece.Piece.
    Returns: infill_inputs.Form; scale: frames of the network per sixteenth, 2 if eighths are read as quarters; str, a
        note for the report on the metre, or "".
    """
    bar, metre = read.bar_frames, "{}/{}".format(*read.metre)
    outline = infill_inputs.Form(read.upbeat, bar, 4, harmony.tonic(read), read.mode, read.fermatas, len(read.voices))
    if read.metre[1] == 8 and read.metre[0] % 3 == 0:
        outline = outline._replace(upbeat=2 * read.upbeat, bar_frames=12, fermatas=2 * read.fermatas,
                                   length=2 * len(read.voices), motion=CALM)
        return outline, 2, f"{metre} is harmonised as 3/4 with an eighth for a quarter: no {metre} was learned"
    if bar in KNOWN_BARS and read.metre[1] <= 4:
        return outline, 1, f"{metre} is harmonised as 4/4" if read.metre not in ((4, 4), (3, 4)) else ""
    for like, name in zip(KNOWN_BARS, ("4/4", "3/4")):
        if not like % bar or not bar % like:
            return outline._replace(bar_frames=like), 1, f"{metre} is harmonised as {name}: no {metre} was learned"
    return outline._replace(upbeat=None), 1, f"{metre} is harmonised without a metre: no similar metre was learned"


def _write(network, jobs, temperature, seed, drafts, watch=None):
    """Write what is not known of pieces (piece, known) with one outline: list of Attempt, one for each."""
    if not jobs or drafts < 1:
        raise ValueError(f"{len(jobs)} attempts of {drafts} drafts: ask for 1 or more of each")
    outline, scale, _ = form_of(jobs[0][0])
    finer = [(_finer(read.voices, scale), np.repeat(known, scale, axis=0)) for read, known in jobs]
    cells, known = zip(*[each for each in finer for _ in range(drafts)])
    rng = np.random.default_rng(seed)
    judge = drafting.chooser(jobs[0][0], *finer[0], outline, drafts, rng, watch) if drafts > 1 else None
    found = infill_numpy.write([network], [outline] * len(cells), cells, known, temperature,
                               int(rng.integers(2**31)), singable=True, choose=judge)[::drafts]
    attempts = []
    for (read, mine), (cells, nats) in zip(jobs, found):
        new = ~np.asarray(mine).all(axis=1)
        each = nats.reshape(-1, scale).sum(axis=1)[new]
        attempts.append(Attempt(piece.with_voices(read, np.where(mine, read.voices, _coarser(cells, scale))),
                                float(each.mean()) if len(each) else np.nan))
    return attempts


def _finer(cells, scale):
    """Cells with `scale` frames for each frame."""
    fine = np.repeat(cells, scale, axis=0)
    later = fine[1::scale] if scale > 1 else fine[:0]
    later[(later >= 0) & (later < voices.HELD)] += voices.HELD
    return fine


def _coarser(cells, scale):
    """The inverse: from `scale` frames take the last sound, struck if it began in any of them."""
    pitch, struck = (each.reshape(-1, scale, 4) for each in (voices.pitches(cells), voices.struck(cells)))
    last = pitch[:, -1]
    began = (struck & (pitch == last[:, None])).any(axis=1)
    return np.where(last < 0, voices.REST, last + voices.HELD * ~began).astype(np.int16)
