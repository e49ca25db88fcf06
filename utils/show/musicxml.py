"""Voices -> the bars of a MusicXML staff: values, ties, beams, stems and accidentals, on the grid of sixteenths."""

from bisect import bisect_right
from itertools import groupby
from typing import NamedTuple

TYPES = {16: "whole", 8: "half", 4: "quarter", 2: "eighth", 1: "16th"}  # steps -> name; a dot adds half of it
LETTERS = "FCGDAEB"  # on the line of fifths; a sharp is seven places further
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


class Bars(NamedTuple):
    """The bars of a piece, in sixteenths: barlines and both ends, lengths of a bar, of the upbeat and of a beat."""

    edges: list
    steps: int
    upbeat: int
    beat: int
    fifths: int


class Value(NamedTuple):
    """One written note, chord or rest (no pitches). Onset (from the barline) and steps are in sixteenths."""

    onset: int
    steps: int
    pitches: tuple
    tied_in: bool
    tied_out: bool
    fermata: bool
    hidden: bool


def bars(end, metre, upbeat, fifths):
    """Place barlines in a piece; its last bar is shorter by the upbeat, if the notes allow it.

    Args: end: of the last note, in sixteenths. metre: (numerator, denominator). upbeat: sixteenths before the first
        barline, less than a bar. fifths: key signature, -7 (flats) to 7 (sharps).
    Returns: Bars.
    Notebook: 01, "One chorale, three ways".
    """
    steps = metre[0] * 16 // metre[1]
    edges = [0, *range(upbeat or steps, end + steps, steps)]
    if len(edges) > 2 and end <= edges[-1] - upbeat:
        edges[-1] -= upbeat
    return Bars(edges, steps, upbeat, 6 if metre[1] == 8 and metre[0] % 3 == 0 else 4, fifths)


def values(voice, bars, fermatas=(), is_inner=False):
    """Cut a voice and its rests at barlines, and into lengths of a single note value.

    Args: voice: list of (start, end, pitches) in sixteenths, in order and without overlap. bars: Bars. fermatas:
        sixteenths; a note that sounds there has one. is_inner: whether it is an additional voice of its part, whose
        rests are not printed.
    Returns: list of lists of Value, one for each bar.
    Notebook: 01, "One chorale, three ways".
    """
    found, edges = [[] for _ in bars.edges[1:]], bars.edges
    ends = [0, *(end for _, end, _ in voice)]
    starts = [*(start for start, _, _ in voice), edges[-1]]
    rests = [(end, start, ()) for end, start in zip(ends, starts)]
    for start, end, pitches in sorted(rests + voice):
        now = start
        while now < end:
            bar = bisect_right(edges, now) - 1
            onset = (now - bars.upbeat) % bars.steps
            steps = _longest(onset, min(end, edges[bar + 1]) - now, bars.beat, is_rest=not pitches)
            fermata = any(now <= hold < now + steps for hold in fermatas)
            found[bar].append(Value(onset, steps, pitches, now > start, now + steps < end, fermata,
                                    is_inner and not pitches))
            now += steps
    return found


def _longest(onset, room, beat, is_rest):
    """Find the longest single value that is easy to read: b steps long, or 1.5 b with a dot.

    A note of base b starts on a multiple of b / 2 and stays in its window of 2 b steps (so an off-beat quarter does not
    cross the middle of the bar), unless b is at least a beat and the note starts on a multiple of b. A rest starts on a
    multiple of b and has no dot, except for a whole beat of compound time. It is at most a half, because programs read
    a whole rest as a whole bar.
    """
    if beat == 6:  # compound time: a value that starts within a dotted beat ends with it
        onset %= 6
        room = min(room, 6 - onset) if onset or is_rest else room
        if is_rest and room == 6:
            return 6
    for base in list(TYPES)[is_rest:]:
        on_base = onset % base == 0 and (is_rest or base >= 4)
        half_way = 2 * onset % base == 0 and not is_rest
        for steps in (base,) if is_rest else (base * 3 // 2, base):
            if steps <= room and (on_base or half_way and onset % (2 * base) + steps <= 2 * base):
                return steps


def staff(voices, bars, number=None, first=1):
    """Write one bar of a staff. A voice with only rests is left out, unless all have only rests.

    Args: voices: a list of Value for each, the highest first. bars: Bars. number: of the staff, 1 or 2; None for a part
        with a single staff. first: number of its first voice.
    Returns: list of str, one for each voice.
    Notebook: 01, "One chorale, three ways".
    """
    mark = f"<staff>{number}</staff>" if number else ""
    heard = [(index, voice) for index, voice in enumerate(voices) if any(value.pitches for value in voice)]
    if not heard and sum(value.steps for value in voices[0]) == bars.steps:
        return [f'<note><rest measure="yes"/><duration>{bars.steps}</duration><voice>{first}</voice>{mark}</note>\n']
    heard = heard or [(0, voices[0])]  # an upbeat or a shortened last bar: its rests are written
    accidentals = _accidentals([value for _, voice in heard for value in voice], bars.fifths)
    texts = []
    for place, (index, voice) in enumerate(heard):
        is_up = place < len(heard) - 1 if number == 2 else place == 0  # only the outer voice
        stem = ("down", "up")[is_up] if len(heard) > 1 else ""
        texts.append("".join(
            _notes(value, beam, accidentals, bars.fifths, f"<voice>{first + index}</voice>", mark, stem)
            for value, beam in zip(voice, _beams(voice, bars.beat))))
    return texts


def _notes(value, beam, accidentals, fifths, voice, staff, stem):
    """Write a value: one <note> for each pitch of its chord, or for its rest."""
    base = next(base for base in TYPES if base <= value.steps)
    kind = f"{voice}<type>{TYPES[base]}</type>" + ("<dot/>" if value.steps > base else "")
    ties = ["stop"] * value.tied_in + ["start"] * value.tied_out
    text = ""
    for pitch in value.pitches:
        letter, alter, octave = spell(pitch, fifths)
        accidental = accidentals.get((value.onset, pitch)) if not value.tied_in else None
        notations = "".join(f'<tied type="{tie}"/>' for tie in ties)
        if value.fermata and not text:
            notations += f'<fermata type="{"inverted" if "2" in staff else "upright"}"/>'
        text += (
            "<note>" + ("<chord/>" if text else "")
            + f"<pitch><step>{letter}</step>" + (f"<alter>{alter}</alter>" if alter else "")
            + f"<octave>{octave}</octave></pitch><duration>{value.steps}</duration>"
            + "".join(f'<tie type="{tie}"/>' for tie in ties) + kind
            + (f"<accidental>{accidental}</accidental>" if accidental else "")
            + (f"<stem>{stem}</stem>" if stem else "") + staff + ("" if text else beam)
            + (f"<notations>{notations}</notations>" if notations else "") + "</note>\n")
    hidden = ' print-object="no"' * value.hidden
    return text or f"<note{hidden}><rest/><duration>{value.steps}</duration>{kind}{staff}</note>\n"


def spell(pitch, fifths):
    """Name a pitch with the twelve names around the key: in C major from B flat to D sharp.

    This part of the line of fifths agrees with 99.9 % of the spellings in the corpus, more than any other part.

    Args: pitch: 0 to 127. fifths: key signature. Returns: (letter, alteration, octave). Notebook: 01.
    """
    place = fifths - 2 + (7 * pitch - fifths + 2) % 12
    alter, letter = divmod(place + 1, 7)
    return LETTERS[letter], alter, (pitch - alter) // 12 - 1


def _accidentals(values, fifths):
    """Find each (onset, pitch) of a staff's bar with an accidental: a change from the key and from the bar so far."""
    current, shown = {}, {}
    for value in sorted(values):
        for pitch in value.pitches if not value.tied_in else ():
            letter, alter, octave = spell(pitch, fifths)
            in_key = (fifths - LETTERS.index(letter) + 6) // 7
            if alter != current.get((letter, octave), in_key):
                shown[value.onset, pitch] = ACCIDENTALS[alter]
            current[letter, octave] = alter
    return shown


def _beams(voice, beat):
    """Join values shorter than a quarter within a beat: one beam element per value, "" for none.

    Programs add the second beam of sixteenths.
    """
    beams = [""] * len(voice)
    joins = lambda index: (voice[index].onset // beat, bool(voice[index].pitches) and voice[index].steps < 4)
    for (_, is_short), group in groupby(range(len(voice)), joins):
        group = list(group)
        if is_short and len(group) > 1:
            for index, kind in zip(group, ["begin"] + ["continue"] * (len(group) - 2) + ["end"]):
                beams[index] = f'<beam number="1">{kind}</beam>'
    return beams
