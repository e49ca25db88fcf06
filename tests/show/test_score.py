import re

import numpy as np
import pytest
import verovio
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import converter

from utils.music import data, midi
from utils.show import musicxml, score

# Two bars of G major with an upbeat, in quarters: soprano, alto, tenor, bass as (start, end, pitch).
CHORALE = [
    [(0, 1, 74), (1, 2, 74), (2, 3, 71), (3, 3.5, 72), (3.5, 4, 74), (4, 6, 69), (6, 7.5, 67), (7.5, 8, 67)],
    [(0, 1, 67), (1, 2, 66), (2, 3, 67), (3, 4, 67), (4, 5.25, 67), (5.25, 6, 66), (6, 8, 62)],
    [(0, 1, 59), (1, 2, 57), (2, 3, 62), (3, 4, 64), (4, 5, 62), (5, 6, 60), (6, 8, 59)],
    [(0, 1, 55), (1, 2, 50), (2, 3, 55), (3, 4, 48), (4, 6, 50), (6, 8, 43)],
]
SETTING = dict(title="Cadence", metre=(4, 4), fifths=1, upbeat=1.0, fermatas=(6.0,))


def make_notes(*rows):
    """Rows of (start, end, pitch, part)."""
    return np.array([(start, end, pitch, midi.VELOCITY, part) for start, end, pitch, part in rows], midi.NOTE)


@pytest.fixture(scope="module")
def chorale():
    return make_notes(*((*note, part) for part, notes in enumerate(CHORALE) for note in notes))


def read_back(xml):
    """What music21 finds in the score: sorted notes (start, end, pitch) in quarters, and its own stream."""
    piece = converter.parseData(xml, format="musicxml")
    return notes_of(piece, piece), piece


def notes_of(stream, piece):
    """The notes of a whole piece, or of one of its parts."""
    written = []
    for element in stream.recurse().notes:
        start = float(element.getOffsetInHierarchy(piece))
        for note in element.notes if element.isChord else [element]:
            tie = note.tie.type if note.tie else ""
            written.append((start, start + float(element.quarterLength), note.pitch.midi, tie))
    notes, waiting = [], {}  # waiting: (end so far, pitch) -> starts of notes tied onwards
    for start, end, pitch, tie in sorted(written):
        if tie in ("stop", "continue"):
            start = waiting[start, pitch].pop()
        if tie in ("start", "continue"):
            waiting.setdefault((end, pitch), []).append(start)
        else:
            notes.append((start, end, pitch))
    assert not any(waiting.values()), "a tie leads nowhere"
    return sorted(notes)


def on_the_grid(notes):
    start, end = (np.floor(notes[edge] * 4 + 0.5) / 4 for edge in ("start", "end"))
    return sorted(zip(start.tolist(), np.maximum(end, start + 0.25).tolist(), notes["pitch"].tolist()))


def test_another_program_reads_the_same_notes(chorale):
    notes, piece = read_back(score.musicxml(chorale, **SETTING))
    assert notes == on_the_grid(chorale)
    upbeat = piece.parts[0].getElementsByClass("Measure")[0]
    assert upbeat.number == 0 and upbeat.duration.quarterLength == 1
    assert piece.metadata.title == "Cadence"
    assert piece.recurse().getElementsByClass("TimeSignature").first().ratioString == "4/4"
    assert piece.recurse().getElementsByClass("KeySignature").first().sharps == 1
    assert [clef.sign for clef in piece.recurse().getElementsByClass("Clef")] == ["G", "F"]


def test_a_roll_of_the_chorale_is_written_in_the_same_voices(chorale):
    from_roll = midi.roll_to_notes(midi.notes_to_roll(chorale))
    assert score.musicxml(from_roll, **SETTING) == score.musicxml(chorale, **SETTING)


@st.composite
def pieces(draw):
    """Notes of any density, each pitch sounding once at a time, in any metre, key and upbeat."""
    row = st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(21, 108))
    rows = draw(st.lists(row, min_size=1, max_size=40))
    parts = draw(st.integers(1, 6))
    notes = make_notes(*((start / 4, (start + steps) / 4, pitch, index % parts)
                         for index, (start, steps, pitch) in enumerate({row[2]: row for row in rows}.values())))
    metre = draw(st.sampled_from([(4, 4), (3, 4), (2, 4), (2, 2), (3, 2), (3, 8), (6, 8), (9, 8), (12, 8)]))
    return notes, dict(metre=metre, fifths=draw(st.integers(-7, 7)), upbeat=draw(st.integers(0, 5)) / 4)


@settings(max_examples=40, deadline=None)
@given(pieces())
def test_any_notes_are_all_written(piece):
    notes, setting = piece
    assert read_back(score.musicxml(notes, **setting))[0] == on_the_grid(notes)


@settings(max_examples=40, deadline=None)
@given(pieces())
def test_every_bar_of_every_voice_is_full(piece):
    """Between two <backup>s the durations add up to the bar, and each is what its type and dot say."""
    notes, setting = piece
    numerator, denominator = setting["metre"]
    bars = re.findall(r"<measure .*?</measure>", score.musicxml(notes, **setting), re.DOTALL)
    for number, bar in enumerate(bars):
        voices = [sum(int(steps) for steps in re.findall(r"<note[^>]*>(?!<chord/>).*?<duration>(\d+)", voice))
                  for voice in bar.split("<backup>")]
        assert len(set(voices)) == 1
        if 0 < number < len(bars) - 1:
            assert voices[0] == 16 * numerator // denominator
        for steps, kind, dot in re.findall(r"<duration>(\d+)<.*<type>(\w+)</type>(<dot/>)?", bar):
            base = next(base for base, name in musicxml.TYPES.items() if name == kind)
            assert int(steps) == (base * 3 // 2 if dot else base)


def lengths(xml):
    """The steps of each value, ~ where it is tied onwards: one string for each voice of each bar."""
    note = re.compile(r'<note>.*<duration>(\d+)</duration>(?:<tie type="stop"/>)?(<tie type="start"/>)?')
    return [" ".join(steps + "~" * bool(tie) for steps, tie in note.findall(voice))
            for bar in xml.split("</measure>")[:-1] for voice in bar.split("<backup>")]


def test_lengths_by_hand(chorale):
    xml = score.musicxml(chorale, **SETTING)
    assert lengths(xml) == [
        "4", "4", "4", "4",
        "4 4 2 2 4~", "4 4 4 4~", "4 4 4 4", "4 4 4 4~",
        "4 6 2", "1 3 8", "4 8", "4 8"]  # the last bar gives the upbeat its quarter back


def test_a_value_starts_where_the_eye_expects_it():
    bar = lambda start, steps, metre=(4, 4): lengths(score.musicxml(
        make_notes((start / 4, (start + steps) / 4, 72, 0)), metre=metre))[0]
    assert bar(2, 4) == "2 4 2 8"  # a syncopated quarter
    assert bar(6, 4) == "4 2 2~ 2 2 4"  # tied over the middle of the bar
    assert bar(4, 6) == "4 6 2 4"  # on the beat it may cross
    assert bar(3, 2) == "2 1 1~ 1 1 2 8"
    assert bar(0, 7) == "6~ 1 1 8"
    assert bar(6, 6, (6, 8)) == "6 6"
    assert bar(0, 12, (3, 4)) == "12"


def test_accidentals_by_hand():
    """In G major F natural needs a sign, the next F sharp of the bar too; other octaves and bars start afresh."""
    pitches = [66, 65, 65, 66, 65, 66, 77, 66]
    notes = make_notes(*((quarter, quarter + 1, pitch, 0) for quarter, pitch in enumerate(pitches)))
    xml = score.musicxml(notes, fifths=1)
    signs = ["".join(re.findall(r"<accidental>(.*?)<", note)) for note in re.findall(r"<note>.*<pitch>.*</note>", xml)]
    assert signs == ["", "natural", "", "sharp", "natural", "sharp", "natural", ""]


@pytest.mark.parametrize("fifths, spelling", [
    (0, "C C# D D# E F F# G G# A B- B"), (3, "B# C# D D# E E# F# G G# A A# B"), (-4, "C D- D E- E F G- G A- A B- B")])
def test_spelling_follows_the_key(fifths, spelling):
    xml = score.musicxml(make_notes(*((step, step + 1, 60 + step, 0) for step in range(12))), fifths=fifths)
    assert [note.name for note in read_back(xml)[1].recurse().notes] == spelling.split()


@pytest.mark.parametrize(
    "key, fifths", [("C", 0), ("A", 3), ("F#m", 3), ("Gm", -2), ("Bb", -2), ("Cb", -7), ("A#m", 7)]
)
def test_a_key_has_its_sharps_or_flats(key, fifths):
    assert score.key_to_fifths(key) == fifths


def test_beams_join_within_the_beat():
    rhythm = [2, 2, 3, 1, 1, 3, 4, 1, 1, 2, 2, 1, 1, 8]
    starts = np.cumsum([0, *rhythm]) / 4
    xml = score.musicxml(make_notes(*((start, end, 72, 0) for start, end in zip(starts, starts[1:]))))
    beams = ["".join(re.findall(r"<beam.*?>(.*?)<", note)) for note in re.findall(r"<note>.*<pitch>.*</note>", xml)]
    assert beams == ["begin", "end"] * 3 + [""] + ["begin", "continue", "end"] * 2 + [""]


def test_fermatas_stand_on_the_outer_voices(chorale):
    xml = score.musicxml(chorale, **SETTING)
    found = re.findall(r'<voice>(\d)</voice>.*<fermata type="(\w+)"/>', xml)
    assert found == [("1", "upright"), ("6", "inverted")]


def in_voices(xml):
    """{voice number: pitches of its notes, without those tied in} of a score on two staves."""
    found = {}
    for note in re.findall("<note>.*<pitch>.*</note>", xml):
        if 'tie type="stop"' not in note:
            letter, alter, octave = re.search(r"<step>(.)</step>(?:<alter>(.*?)</alter>)?<octave>(.)", note).groups()
            pitch = 12 * (int(octave) + 1) + "C D EF G A B".index(letter) + int(alter or 0)
            found.setdefault(int(re.search(r"<voice>(\d+)", note)[1]), []).append(pitch)
    return found


@settings(max_examples=25, deadline=None)
@given(pieces())
def test_other_programs_open_the_same_parts(piece):
    """In an open score each part is itself, its chords included, with its name; only a single part may be dealt."""
    notes, setting = piece
    names = [f"Part <{part}>" for part in range(6)]
    found = read_back(score.musicxml(notes, **setting, names=names, open_score=True))[1]
    parts = np.unique(notes["part"]).tolist()
    if len(parts) > 1:
        assert sorted(part.partName for part in found.parts) == [names[part] for part in parts]
        for part in found.parts:
            assert notes_of(part, found) == on_the_grid(notes[notes["part"] == names.index(part.partName)])
    assert sorted(note for part in found.parts for note in notes_of(part, found)) == on_the_grid(notes)


def test_an_open_score_says_all_in_every_part(chorale):
    names = ("Soprano", "Alto", "Tenor", "Bass")
    xml = score.musicxml(chorale, **SETTING, names=names, open_score=True, tempo=72.5)
    _, piece = read_back(xml)
    assert [part.partName for part in piece.parts] == list(names) and piece.metadata.title == "Cadence"
    for number, (part, voice) in enumerate(zip(piece.parts, CHORALE)):
        assert notes_of(part, piece) == [tuple(map(float, note)) for note in voice]
        first, clef = part.getElementsByClass("Measure")[0], part.recurse().getElementsByClass("Clef").first()
        assert first.number == 0 and first.duration.quarterLength == 1
        assert part.recurse().getElementsByClass("TimeSignature").first().ratioString == "4/4"
        assert part.recurse().getElementsByClass("KeySignature").first().sharps == 1
        assert (clef.sign, clef.octaveChange) == [("G", 0), ("G", 0), ("G", -1), ("F", 0)][number]
        held = [note for note in part.recurse().notes if note.expressions]
        assert [note.getOffsetInHierarchy(piece) for note in held] == [6]
    assert xml.count("<fermata") == 4 and xml.count('implicit="yes"') == 4 and xml.count("light-heavy") == 4
    assert re.findall('<sound tempo="(.*?)"/>', xml) == ["72.5"] == re.findall("<per-minute>(.*?)<", xml)
    assert "<staves>" not in xml and "<staff>" not in xml


@pytest.mark.parametrize("metre, upbeat, bars", [
    ((6, 8), 0.5, [1, 6, 5]), ((2, 2), 1.0, [2, 8, 6]), ((3, 8), 0.5, [1, 3, 2]), ((3, 4), 0.0, [6, 6])])
@pytest.mark.parametrize("open_score", [True, False])
def test_metres_and_upbeats_open_elsewhere(metre, upbeat, bars, open_score):
    """Two voices that fill upbeat, one bar and the rest; lengths of bars in eighths."""
    eighths = sum(bars)
    notes = make_notes(*((at / 2, (at + 1) / 2, 72 - at % 5, 0) for at in range(eighths)), (0, eighths / 2, 48, 1))
    found, piece = read_back(score.musicxml(notes, metre=metre, upbeat=upbeat, open_score=open_score))
    assert found == on_the_grid(notes)
    for part in piece.parts:
        measures = part.getElementsByClass("Measure")
        assert [2 * measure.duration.quarterLength for measure in measures] == bars
        assert measures[0].timeSignature.ratioString == "{}/{}".format(*metre)


def test_an_open_score_has_clefs_by_height_where_no_name_tells():
    notes = make_notes((0, 4, 72, 0), (0, 4, 62, 1), (0, 4, 57, 2), (0, 4, 58, 3))
    xml = score.musicxml(notes, names=("Oboe", "Viola", "Tenor 2"), open_score=True)
    assert re.findall("<part-name>(.*?)<", xml) == ["Oboe", "Viola", "Tenor 2", "Part 4"]
    assert re.findall("<sign>(.)</sign>(?:<line>.</line>)(<clef-octave-change>)?", xml) == [
        ("G", ""), ("G", ""), ("G", "<clef-octave-change>"), ("F", "")]


CROSSING = [[67, 65, 66, 67], [64, 71, 72, 62], [60, 60, 60, 60], [48, 50, 50, 43]]


@pytest.mark.parametrize("names", [(), ("Soprano", "Alto", "Tenor", "Bass"), ("Flute",) * 4])
def test_a_melody_stays_on_top_where_the_alto_goes_above_it(names):
    notes = make_notes(*((at, at + 1, pitch, part) for part, line in enumerate(CROSSING)
                         for at, pitch in enumerate(line)))
    xml = score.musicxml(notes, names=names)
    assert in_voices(xml) == dict(zip((1, 2, 5, 6), CROSSING))
    stems = dict(re.findall("<voice>(.)</voice>.*<stem>(.*?)</stem>", xml))
    assert stems == {"1": "up", "2": "down", "5": "up", "6": "down"}
    open_parts = read_back(score.musicxml(notes, names=names, open_score=True))[1].parts
    assert [[note.pitch.midi for note in part.recurse().notes] for part in open_parts] == CROSSING


@pytest.mark.parametrize("names, places", [
    (("Bass", "Tenor", "Alto", "Soprano"), (3, 2, 1, 0)), (("Alto", "Soprano", "Bass", "Tenor"), (1, 0, 3, 2)),
    ((), (3, 2, 1, 0))])
def test_a_choir_is_drawn_in_its_own_order(names, places):
    """Whatever the file's order; one without names that runs upwards is turned round."""
    heights = dict(zip(places, [72, 65, 60, 48]))
    xml = score.musicxml(make_notes(*((0, 4, pitch, part) for part, pitch in heights.items())), names=names)
    assert in_voices(xml) == {1: [72], 2: [65], 5: [60], 6: [48]}


def test_five_voices_are_spread_by_order_and_height():
    """The third is lower than the fourth: they stay in order, and the cut falls where it is least wrong."""
    notes = make_notes(*((0, 4, pitch, part) for part, pitch in enumerate([72, 67, 59, 62, 48])))
    assert in_voices(score.musicxml(notes)) == {1: [72], 2: [67], 3: [59], 4: [62], 5: [48]}
    choir = ("Oboe", "Soprano", "Alto", "Tenor", "Bass")  # a choir has its staves, what is beside it its height
    notes["pitch"][3] = 65
    assert in_voices(score.musicxml(notes, names=choir)) == {1: [72], 2: [67], 3: [59], 5: [65], 6: [48]}


def test_a_part_with_chords_is_split_in_itself_alone():
    flute = [(at, at + 1, 72 + at, 0) for at in range(4)]
    block = [(0, 2, 64, 1), (0, 2, 67, 1), (2, 4, 65, 1), (2, 4, 69, 1)]
    assert in_voices(score.musicxml(make_notes(*flute, *block))) == {1: [72, 73, 74, 75], 2: [67, 64, 69, 65]}
    moving = [(0, 4, 48, 1), *block[:2], (2, 3, 66, 1), (3, 4, 67, 1), (2, 4, 62, 1)]
    xml = score.musicxml(make_notes(*flute, *moving))
    found = in_voices(xml)
    assert found[1] == [72, 73, 74, 75] and found[5] == [48] and sorted(sum(found.values(), [])) == sorted(
        row[2] for row in flute + moving)
    _, piece = read_back(score.musicxml(make_notes(*flute, *moving), open_score=True, names=("Flute", "Piano")))
    assert [part.partName for part in piece.parts] == ["Flute", "Piano"]
    assert notes_of(piece.parts[1], piece) == on_the_grid(make_notes(*moving))


def test_only_one_part_that_overlaps_is_dealt(chorale):
    line = make_notes(*((at, at + 1, pitch, 3) for at, pitch in enumerate([72, 48, 74, 50])))
    assert in_voices(score.musicxml(line)) == {1: [72, 48, 74, 50]}
    one = chorale.copy()
    one["part"] = 0
    xml = score.musicxml(one, **SETTING, open_score=True)
    assert re.findall("<part-name>(.*?)<", xml) == [f"Voice {number}" for number in (1, 2, 3, 4)]
    names = ("Soprano", "Alto", "Tenor", "Bass")
    assert score.musicxml(one, **SETTING, names=names, open_score=True) == score.musicxml(
        chorale, **SETTING, names=names, open_score=True)


def test_names_and_titles_are_escaped(chorale):
    xml = score.musicxml(chorale, title="<Bach> & \x00 S\u00f6hne", names=["<A> & \x00 B"], open_score=True)
    piece = read_back(xml)[1]
    assert piece.metadata.title.startswith("<Bach> &") and piece.parts[0].partName.startswith("<A> &")


def test_svg_shows_every_note_without_a_warning(chorale, capfd):
    verovio.enableLog(verovio.LOG_WARNING)
    try:
        picture = score.svg(score.musicxml(chorale, **SETTING))
    finally:
        verovio.enableLog(verovio.LOG_ERROR)
    assert capfd.readouterr() == ("", "")
    assert picture.count('class="note"') == len(chorale) + 3  # three notes are tied over
    assert picture.count('class="tie"') == 3 and picture.count('class="fermata"') == 2
    assert "Cadence" in picture


def test_svg_is_reproducible_and_needs_nothing_outside(chorale):
    xml = score.musicxml(chorale, **SETTING)
    picture = score.svg(xml)
    assert picture == score.svg(xml)
    assert set(re.findall(r'https?://[^"]*', picture)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"@import|url\(|<script|<image", picture)


def test_svg_of_the_first_bars(chorale, capfd):
    picture = score.svg(score.musicxml(chorale, **SETTING), max_bars=2)
    assert picture.count('class="measure"') == 2 and "Cadence" in picture
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["", "not a score", "<html/>"])
def test_svg_refuses_what_is_no_score(text):
    with pytest.raises(ValueError, match="Pass what `score.musicxml` returns"):
        score.svg(text)


def test_musicxml_names_the_remedy(chorale):
    with pytest.raises(ValueError, match="no notes to write"):
        score.musicxml(chorale[:0])
    with pytest.raises(ValueError, match="No key has 8 fifths"):
        score.musicxml(chorale, fifths=8)
    with pytest.raises(ValueError, match="Use a metre such as 4/4"):
        score.musicxml(chorale, metre=(1, 32))
    for upbeat in (0.1, -1, 4):
        with pytest.raises(ValueError, match="shorter than a bar"):
            score.musicxml(chorale, upbeat=upbeat)
    for tempo in (0, -60, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="Use a tempo such as 80"):
            score.musicxml(chorale, tempo=tempo)


def test_a_piece_is_drawn_with_its_parts_and_key():
    piece = next(piece for piece in data.pieces("test") if piece.semitones and len(piece.fermatas))
    drawn = score.sheet(piece, "A title", 700, 2)
    assert drawn.startswith("<svg") and "A title" in drawn and "max-width: 700px" in drawn
    assert "keySig" in drawn and len(drawn) < len(score.sheet(piece, "A title", 700, 4))
