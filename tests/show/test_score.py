import re

import numpy as np
import pytest
import verovio
from hypothesis import given, settings
from hypothesis import strategies as st
from music21 import converter

from utils.music import midi
from utils.show import score

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
    written = []
    for element in piece.recurse().notes:
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
    return sorted(notes), piece


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
        voices = [sum(int(steps) for steps in re.findall(r"<note>(?!<chord/>).*?<duration>(\d+)", voice))
                  for voice in bar.split("<backup>")]
        assert len(set(voices)) == 1
        if 0 < number < len(bars) - 1:
            assert voices[0] == 16 * numerator // denominator
        for steps, kind, dot in re.findall(r"<duration>(\d+)<.*<type>(\w+)</type>(<dot/>)?", bar):
            base = next(base for base, name in score.TYPES.items() if name == kind)
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
    assert bar(6, 6, (6, 8)) == "4 2 6"
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


def test_names_and_titles_are_escaped(chorale):
    xml = score.musicxml(chorale, title="<Bach> & \x00 S\u00f6hne")
    assert read_back(xml)[1].metadata.title.startswith("<Bach> &")


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
