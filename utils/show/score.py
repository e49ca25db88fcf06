"""Notes -> a MusicXML score, on two staves or open, and its picture as SVG, without an external program."""

from itertools import pairwise
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np
import verovio

from utils.music import lines as dealing
from utils.music import harmony, keys, midi, voices
from utils.show import musicxml as writing

MIDDLE_C = 60
HAND = 16  # most semitones from the highest note of a chord to its lowest
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0">
<work><work-title>{title}</work-title></work>
<part-list>{parts}</part-list>
"""
ONE_PART = '<score-part id="P1"><part-name print-object="no">Piano</part-name></score-part>'
CLEFS = {"treble": "<sign>G</sign><line>2</line>", "bass": "<sign>F</sign><line>4</line>",
         "tenor": "<sign>G</sign><line>2</line><clef-octave-change>-1</clef-octave-change>"}
TEMPO_MARK = ("<direction placement=\"above\"><direction-type><metronome><beat-unit>quarter</beat-unit>"
              "<per-minute>{0:g}</per-minute></metronome></direction-type><sound tempo=\"{0:g}\"/></direction>\n")
FINAL = '<barline location="right"><bar-style>light-heavy</bar-style></barline>\n'
STAFF_SCALE = 40  # percent; five lines are then 29 pixels high
HIGHEST_PAGE = 60_000  # verovio's limit: a whole piece becomes one picture
verovio.enableLog(verovio.LOG_ERROR)  # no warnings about ties that an excerpt cuts


class Part(NamedTuple):
    """A part to draw. Voices: lists of (start, end, pitches) in sixteenths, the highest first. Clef: in an open score.
    Lower: whether it is on the lower of two staves; None if its height decides.
    """

    name: str
    voices: list
    clef: str
    lower: bool | None


def musicxml(notes, title="", metre=(4, 4), fifths=0, upbeat=0.0, fermatas=(), names=(), open_score=False, tempo=None):
    """Write notes as a chorale score on two staves, or as an open score with a staff for each part.

    Parts stay as they are. On two staves soprano and alto, or the first two of four, are on the upper one, tenor and
    bass on the lower one; other numbers of parts are placed by order and height. A part with chords is split. Only
    overlapping notes of a single part (a roll, piano music) are dealt to four voices. Of many notes at once, some
    become chords, or further voices if they end at different times, so that every note is drawn. The grid is that of
    `voices.from_notes`.

    Args: notes: structured array (notes,) of midi.NOTE. title: str. metre: (numerator, denominator).
        fifths: key signature, -7 (flats) to 7 (sharps). upbeat: quarters before the first barline, less than a bar.
        fermatas: quarters at which the highest and the lowest voice have a fermata; in an open score
            all voices that begin a note there, or all that sound if none begins.
        names: str, of the parts by number. open_score: a file for other programs instead of a picture.
        tempo: quarter notes per minute, or None.
    Returns: str, a MusicXML 4.0 document. The last bar is shortened by the upbeat if the notes allow it.
    Raises: ValueError if there are no notes, for an impossible key or tempo, and for a metre or upbeat off the
        sixteenth grid.
    Notebook: 01, "One chorale, three ways".
    """
    upbeat_steps = _check(notes, metre, fifths, upbeat, tempo)
    parts = _parts(notes, names)
    end = max(voice[-1][1] for part in parts for voice in part.voices)
    bars = writing.bars(end, metre, upbeat_steps, fifths)
    holds = [round(quarter * midi.STEPS_PER_QUARTER) for quarter in fermatas]
    if open_score:
        begins = [[{start for start, *_ in voice} for voice in part.voices] for part in parts]
        late = [hold for hold in holds if not any(hold in starts for part in begins for starts in part)]  # on no start
        drawn = [[[writing.values(voice, bars, [hold for hold in holds if hold in starts or hold in late], bool(inner))
                   for inner, (voice, starts) in enumerate(zip(part.voices, each))]]
                 for part, each in zip(parts, begins)]
        clefs, labels = [[part.clef] for part in parts], [_plain(part.name) for part in parts]
        head = "".join(f'<score-part id="P{number}"><part-name>{label}</part-name></score-part>'
                       for number, label in enumerate(labels, start=1))
    else:
        drawn, clefs, head = [_two_staves(parts, bars, holds)], [["treble", "bass"]], ONE_PART
    text = HEAD.format(title=_plain(title), parts=head)
    for number, staves in enumerate(drawn):
        signs = _attributes(fifths, metre, clefs[number]) + (TEMPO_MARK.format(tempo) if tempo and number == 0 else "")
        text += f'<part id="P{number + 1}">\n' + _measures(staves, bars, signs) + "</part>\n"
    return text + "</score-partwise>\n"


def key_to_fifths(key):
    """Count the sharps (flats: negative) of a key, spelled as in MIDI: "A" and "F#m" have 3, "Gm" has -2."""
    return writing.LETTERS.index(key[0]) - 1 + 7 * (key.count("#") - key.count("b")) - 3 * key.endswith("m")


def signature(piece):
    """Count the sharps (flats: negative) of a piece's key; of two with the same sound, the usual one: -6 to 6."""
    return key_to_fifths(keys.TONICS[piece.mode == "minor"][harmony.tonic(piece)] + "m" * (piece.mode == "minor"))


def svg(xml, width=900, max_bars=None):
    """Draw a score as one picture that needs no other file: no font, no script, no address.

    Args: xml: str, a MusicXML document. width: pixels; the height follows. max_bars: draw only the first ones.
    Returns: str, an SVG element for a file or a page; the same score gives the same text.
    Raises: ValueError for text that is not MusicXML.
    Notebook: 01, "One chorale, three ways".
    """
    toolkit = verovio.toolkit()
    toolkit.setOptions({
        "scale": STAFF_SCALE, "pageWidth": round(width * 100 / STAFF_SCALE), "pageHeight": HIGHEST_PAGE,
        "adjustPageHeight": True, "footer": "none", "svgViewBox": True, "xmlIdChecksum": True, "staffLineWidth": 0.2})
    try:
        root = ElementTree.fromstring(xml)
        for part in root.iter("part"):
            for measure in part.findall("measure")[max_bars or len(part):]:
                part.remove(measure)
        is_score = toolkit.loadData(ElementTree.tostring(root, "unicode"))
    except ElementTree.ParseError:
        is_score = False
    if not is_score:
        raise ValueError("This text cannot be drawn as a score. Pass what `score.musicxml` returns.")
    paper = f'<svg style="width: 100%; max-width: {width}px; background: white" '
    return toolkit.renderToSVG(1).replace("<svg ", paper, 1)


def sheet(piece, title="", width=900, max_bars=None):
    """Draw a piece with its parts, its key and its fermatas: data.Piece -> str, as `svg`.

    Args: piece: data.Piece; fermatas after its end are left out. title, width, max_bars: see `musicxml` and `svg`.
    Notebook: 02, "Listen".
    """
    fermatas = piece.fermatas[piece.fermatas < len(piece.roll)] / midi.STEPS_PER_QUARTER
    return svg(musicxml(voices.to_notes(piece.voices), title, piece.metre, signature(piece),
                        piece.upbeat / midi.STEPS_PER_QUARTER, fermatas, piece.voice_names), width, max_bars)


def _check(notes, metre, fifths, upbeat, tempo):
    """Refuse what cannot be written; return the length of the upbeat in steps."""
    if not len(notes):
        raise ValueError("There are no notes to write. Generate again, or choose another file.")
    if not -7 <= fifths <= 7:
        raise ValueError(f"No key has {fifths} fifths. Use -7 (seven flats) to 7 (seven sharps).")
    if tempo is not None and not 0 < tempo < float("inf"):
        raise ValueError(f"No music has {tempo} quarter notes per minute. Use a tempo such as 80, or None.")
    bar_steps, off_grid = divmod(metre[0] * 4 * midi.STEPS_PER_QUARTER, metre[1])
    if bar_steps < 1 or off_grid:
        raise ValueError(f"A bar of {metre[0]}/{metre[1]} has no whole number of sixteenths. Use a metre such as 4/4.")
    upbeat_steps = upbeat * midi.STEPS_PER_QUARTER
    if upbeat_steps % 1 or not 0 <= upbeat_steps < bar_steps:
        raise ValueError(f"An upbeat of {upbeat} quarters must be whole sixteenths and shorter than a bar.")
    return int(upbeat_steps)


def _plain(text):
    return escape("".join(filter(str.isprintable, text)))


def _parts(notes, names):
    """Bring notes onto the grid and into parts, the top part first."""
    numbers = voices.order(notes, names)
    if len(numbers) == 1 and voices.from_notes(notes)[0].shape[1] > 1:
        lines = _dealt(notes)
        numbers, quartet = list(lines), range(4)
        names = names if len(names) > 1 else [f"Voice {part + 1}" for part in quartet]
    else:
        lines = {part: _lines(notes[notes["part"] == part]) for part in numbers}
        quartet = numbers if len(numbers) == 4 else ()
    titles = [(names[part] if part < len(names) else "") or f"Part {part + 1}" for part in numbers]
    singers = voices.choir(titles)
    quartet = [numbers[place] for place in singers] if singers else quartet
    quartet = quartet if set(quartet) <= set(numbers) else ()
    parts = []
    for part, title in zip(numbers, titles):
        by_height = "treble" if np.mean([_height(line) for line in lines[part]]) >= MIDDLE_C else "bass"
        clef = {0: "treble", 1: "treble", 2: "tenor", 3: "bass"}.get(voices.singer(title), by_height)
        parts.append(Part(title, lines[part], clef, part in quartet[2:] if part in quartet else None))
    return parts


def _lines(notes):
    """The voices of one part, the highest first; notes of one hand that begin and end together are a chord."""
    cells, _ = voices.from_notes(notes)
    columns, together = [[] for _ in cells.T], {}
    for start, end, pitch, _, column in voices.to_notes(cells, steps_per_quarter=1).tolist():
        together.setdefault((int(start), int(end)), []).append((column, pitch))
    for edges, rest in sorted(together.items()):
        while rest:
            column, highest = min(rest)
            chord = {pitch for _, pitch in rest if abs(highest - pitch) <= HAND}
            columns[column].append((*edges, tuple(sorted(chord, reverse=True))))
            rest = [(column, pitch) for column, pitch in rest if pitch not in chord]
    line = sorted(sum(columns, []))
    is_line = all(after[0] >= before[1] for before, after in pairwise(line))
    return [line] if is_line else [column for column in columns if column]


def _dealt(notes):
    """Deal notes: {voice: its lines}. Further notes join a chord with the same times, or make inner lines."""
    notes = voices.deal(notes)
    lines = {part: _lines(notes[notes["part"] == part]) for part in np.unique(notes["part"]).tolist()}
    main = {part: found[0] for part, found in lines.items() if part < len(dealing.CENTRES)}
    places = {}
    for line in main.values():
        for place, event in enumerate(line):
            places.setdefault(event[:2], []).append((line, place))
    for crowd in [lines.pop(part) for part in list(lines) if part not in main]:
        for event in [event for line in crowd for event in line if event[:2] in places]:
            found, place = min(places[event[:2]], key=lambda at: abs(np.mean(at[0][at[1]][2]) - event[2][0]))
            found[place] = (*event[:2], tuple(sorted({*found[place][2], *event[2]}, reverse=True)))
        for line in crowd:
            line = [event for event in line if event[:2] not in places]
            if line:
                nearest = min(list(main)[:-1], key=lambda part: abs(_height(main[part]) - _height(line)))
                lines[nearest].append(line)
    return lines


def _height(line):
    return np.mean([pitch for _, _, pitches in line for pitch in pitches])


def _two_staves(parts, bars, holds):
    """The values of each voice on the upper and on the lower staff; a fermata on the outermost two."""
    sides = [(line, inner > 0, part.lower) for part in parts for inner, line in enumerate(part.voices)]
    free = [_height(line) for line, _, lower in sides if lower is None]
    wrong = [sum(max(0, MIDDLE_C - high) for high in free[:cut]) + sum(max(0, low - MIDDLE_C) for low in free[cut:])
             for cut in range(len(free) + 1)]
    cut = len(free) - int(np.argmin(wrong[::-1]))  # number of parts without a given staff that go to the upper staff
    places = iter([place >= cut for place in range(len(free))])
    staves = ([], [])
    for line, is_inner, lower in sides:
        staves[next(places) if lower is None else lower].append((line, is_inner))
    outer = [(staves[0] or staves[1])[0], (staves[1] or staves[0])[-1]]
    return [[writing.values(line[0], bars, holds if any(line is each for each in outer) else (), line[1])
             for line in staff] or [writing.values([], bars)] for staff in staves]


def _attributes(fifths, metre, clefs):
    """Divisions, key, metre and clefs of a part, for its first bar."""
    numbers = [f' number="{number + 1}"' if len(clefs) > 1 else "" for number in range(len(clefs))]
    return (f"<attributes>\n<divisions>{midi.STEPS_PER_QUARTER}</divisions><key><fifths>{fifths}</fifths></key>\n"
            f"<time><beats>{metre[0]}</beats><beat-type>{metre[1]}</beat-type></time>"
            + (f"<staves>{len(clefs)}</staves>\n" if len(clefs) > 1 else "\n")
            + "".join(f"<clef{number}>{CLEFS[clef]}</clef>" for number, clef in zip(numbers, clefs))
            + "\n</attributes>\n")


def _measures(staves, bars, signs):
    """Write the bars of one part, of one staff or two; signs: at the beginning of the first bar."""
    text = ""
    for bar, (left, right) in enumerate(pairwise(bars.edges)):
        voices_now = [voice for number, staff in enumerate(staves) for voice in writing.staff(
            [voice[bar] for voice in staff], bars, number + 1 if len(staves) > 1 else None,
            max(5, len(staves[0]) + 1) if number else 1)]  # 1 to 4 on the upper staff, as programs expect
        number = bar if bars.upbeat else bar + 1
        text += (f'<measure number="{number}"' + (">\n" if number else ' implicit="yes">\n') + signs * (bar == 0)
                 + f"<backup><duration>{right - left}</duration></backup>\n".join(voices_now)
                 + FINAL * (right == bars.edges[-1]) + "</measure>\n")
    return text
