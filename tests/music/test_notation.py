"""Score files of strangers: what is in them comes out as it sounds, whatever they are called and packed in."""

import io
import zipfile

import pytest

from utils.music import grid, midi, notation

TUNE = [(0, 1, 72), (1, 2, 74), (2, 3, 76), (3, 4, 79)]


def note(pitch="C5", length=4, more="", voice=1, marks=""):
    return (
        f"<note><pitch><step>{pitch[0]}</step><octave>{pitch[1]}</octave></pitch><duration>{length}</duration>"
        f"<voice>{voice}</voice>{more}<notations>{marks}</notations></note>"
    )


def rest(length=4, voice=1):
    return f"<note><rest/><duration>{length}</duration><voice>{voice}</voice></note>"


BAR = note() + note("D5") + note("E5") + note("G5")
SIGNATURES = "<key><fifths>1</fifths></key><time><beats>4</beats><beat-type>4</beat-type></time>"


def xml(*parts, names=("Voice",), encoding="UTF-8", signatures=SIGNATURES, more=""):
    """A MusicXML file: each part a list of the contents of its bars, four divisions to a quarter."""
    first = f"<attributes><divisions>4</divisions>{signatures}{more}</attributes>"
    listed = "".join(
        f'<score-part id="P{at}"><part-name>{name}</part-name></score-part>' for at, name in enumerate(names)
    )
    music = "".join(
        f'<part id="P{at}">'
        + "".join(
            f'<measure number="{number + 1}">{"" if number else first}{bar}</measure>'
            for number, bar in enumerate(bars)
        )
        + "</part>"
        for at, bars in enumerate(parts)
    )
    return (
        f'<?xml version="1.0" encoding="{encoding}"?><score-partwise version="3.1"><part-list>{listed}</part-list>'
        f"{music}</score-partwise>"
    )


def packed(text, name="score.xml"):
    index = f'<container><rootfiles><rootfile full-path="{name}"/></rootfiles></container>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", index)
        archive.writestr("__MACOSX/._score.xml", "what some systems lay beside a file")
        archive.writestr(name, text)
    return stream.getvalue()


@pytest.fixture
def read(tmp_path):
    """Read the bytes of a score file as if it lay on disk: (start, end, pitch) by part, and Meta, of each piece."""

    def read_bytes(name, data):
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return [
            (
                [
                    [row[:3] for row in notes[["start", "end", "pitch", "part"]].tolist() if row[3] == part]
                    for part in range(len(meta.part_names))
                ],
                meta,
            )
            for notes, meta in notation.read(tmp_path / name)
        ]

    return read_bytes


# One file, however it is packed, called and encoded


def test_endings_and_encodings_say_nothing(read):
    text = xml([BAR], names=["Ténor"])
    latin = xml([BAR], names=["Ténor"], encoding="ISO-8859-1").encode("latin1")
    for name, data in [
        ("a.xml", text),
        ("a.musicxml", text),
        ("a.XML", text),
        ("a.xml", latin),
        ("a.xml", text.encode("latin1")),
        ("a.xml", "\ufeff" + text),
        ("a.xml", xml([BAR], names=["Ténor"], encoding="UTF-16").encode("utf-16")),
        ("a.xml", xml([BAR], names=["Ténor"], encoding="no-such-code").encode("latin1")),
        ("a.mxl", packed(text)),
        ("a.MXL", packed(text)),
        ("a.mxl", packed(text, "Ärger/1.musicxml")),
        ("a.mxl", packed(latin)),
        ("a.mxl", text),
        ("a.xml", packed(text)),
        ("a.mid", text),
    ]:
        ((parts, meta),) = read(name, data)
        assert parts == [TUNE] and meta.part_names == ("Ténor",), (name, data[:80])


# MusicXML by hand


def test_parts_upbeat_fermatas_repeats_ties_and_key(read):
    repeat = '<barline location="right"><repeat direction="backward"/></barline>'
    tied = [note("G5", 4, '<tie type="start"/>', marks='<tied type="start"/>'), note("G5", 4, '<tie type="stop"/>')]
    ((parts, meta),) = read(
        "a.xml",
        xml(
            [
                note("D5"),
                BAR + repeat,
                note() + note("E5") + note("D5", marks="<fermata/>") + tied[0],
                tied[1] + rest(12) + repeat,
            ],
            [note("D4"), rest(16), rest(16), rest(16)],
            names=["Soprano", "Alto"],
        ),
    )
    assert parts[0] == [(0, 1, 74)] + [(a + 1, b + 1, p) for a, b, p in TUNE] + [
        (5, 6, 72),
        (6, 7, 76),
        (7, 8, 74),
        (8, 10, 79),
    ]
    assert parts[1] == [(0, 1, 62)] and meta.part_names == ("Soprano", "Alto")
    assert meta.time_signatures == ((0, 1, 4), (1, 4, 4)) and midi.upbeat_quarters(meta) == 1
    assert meta.key_signatures == ((0, "G"),) and meta.fermatas == (7,) and meta.repeats == ((0, 5), (5, 13))
    assert meta.score == "" and meta.skipped == ()


def test_a_padded_upbeat_is_found_with_its_notes(read):
    ((parts, meta),) = read("a.xml", xml([rest(12) + note(), BAR]))
    assert parts[0][0] == (3, 4, 72) and grid.beginning(meta, 3, 8) == (3, 1)


def test_transposing_instruments_sound_and_their_key_too(read):
    clarinet = "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic></transpose>"
    ((parts, meta),) = read("a.xml", xml([BAR], more=clarinet))
    assert parts == [[(start, end, pitch - 2) for start, end, pitch in TUNE]] and meta.key_signatures == ((0, "F"),)


def test_two_voices_on_a_staff_are_two_parts(read):
    lower = "<backup><duration>16</duration></backup>" + note("C4", 8, voice=2) + note("D4", 8, voice=2)
    ((parts, meta),) = read("a.xml", xml([BAR, BAR + lower], names=["Women"]))
    assert parts == [TUNE + [(a + 4, b + 4, p) for a, b, p in TUNE], [(4, 6, 60), (6, 8, 62)]]
    assert meta.part_names == ("Women voice 1", "Women voice 2")


def test_chord_symbols_drums_grace_notes_and_words_are_no_notes(read):
    symbol = "<harmony><root><root-step>C</root-step></root><kind>major</kind></harmony>"
    grace = "<note><grace/><pitch><step>B</step><octave>4</octave></pitch><voice>1</voice></note>"
    drum = (
        "<note><unpitched><display-step>C</display-step><display-octave>5</display-octave></unpitched>"
        "<duration>16</duration></note>"
    )
    words = note("C5", more="<lyric><text>Wach</text></lyric>") + BAR[len(note()) :]
    ((parts, meta),) = read("a.xml", xml([symbol + grace + words], [drum], names=["Voice", "Drums"]))
    assert parts == [TUNE, []]
    with pytest.raises(midi.MidiError, match="no notes; choose"):
        read("a.xml", xml([drum]))


@pytest.mark.parametrize(
    "signatures, key",
    [("", ()), ("<key><fifths>9</fifths></key>", ()), ("<key><fifths>-7</fifths></key>", ((0, "Cb"),))],
)
def test_a_score_without_a_key_or_metre_or_with_an_impossible_one_is_read(read, signatures, key):
    ((parts, meta),) = read("a.xml", xml([BAR], signatures=signatures))
    assert parts == [TUNE] and meta.key_signatures == key and meta.time_signatures == ((0, 4, 4),)


# Kern and ABC


def test_kern_has_parts_upbeat_and_fermatas(read):
    lines = "**kern **kern,*M3/4 *M3/4,4C 4c,=1 =1,4D 4d,4E 4e,4F 4f;,=2 =2,2.G 2.g,== ==,*- *-"
    text = "!!!COM: Händel\n" + lines.replace(" ", "\t").replace(",", "\n") + "\n"
    for data in (text.encode(), text.encode("latin1")):
        ((parts, meta),) = read("a.krn", data)
        assert [part[:2] for part in parts] == [[(0, 1, 60), (1, 2, 62)], [(0, 1, 48), (1, 2, 50)]]
        assert meta.time_signatures == ((0, 1, 4), (1, 3, 4)) and meta.fermatas == (3,)


def test_abc_has_several_tunes_with_pickups_and_repeats(read):
    text = "X:1\nT:Été\nM:3/4\nL:1/4\nK:G\nD|GAB|c2d|]\n\nX:2\nT:Two\nM:6/8\nL:1/8\nK:Dm\n|:A|d2d d2A|f2f f2A:|\n"
    for data in (text, text.replace("\n", "\r\n"), text.encode("latin1")):
        (first, meta), (second, other) = read("a.abc", data)
        assert first[0][:3] == [(0, 1, 62), (1, 2, 67), (2, 3, 69)] and meta.time_signatures == ((0, 1, 4), (1, 3, 4))
        assert meta.repeats == () and meta.key_signatures == ((0, "G"),)
        assert second[0][:2] == [(0, 0.5, 69), (0.5, 1.5, 74)] and other.time_signatures == ((0, 1, 8), (0.5, 6, 8))
        assert other.repeats == ((0, 6.5),) and other.key_signatures == ((0, "F"),)


# What is refused

GOOD = packed(xml([BAR]))
ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">' for n in range(10))
BAD_FILES = {
    "empty.xml": b"",
    "empty.mxl": b"",
    "empty.krn": b"",
    "empty.abc": b"",
    "text.xml": b"no score",
    "text.mxl": b"PK\3\4junk",
    "text.abc": b"junk",
    "text.krn": b"junk",
    "other.xml": b"<html></html>",
    "cut.mxl": GOOD[:200],
    "cut short.mxl": GOOD[:-30],
    "silent.xml": xml([rest(16)]).encode(),
    "cut.xml": xml([BAR]).encode()[:-40],
    "no score.mxl": packed("text", "a.txt"),
    "bomb.mxl": packed("<a>" + " " * 40_000_000),
    "large.abc": b"X:1\n" + b"%" * 30_000_000,
    "entities.xml": f"<!DOCTYPE score-partwise [{ENTITIES}]><score-partwise>&e9;</score-partwise>".encode(),
}


@pytest.mark.parametrize("name, data", BAD_FILES.items(), ids=BAD_FILES.keys())
def test_a_bad_score_is_refused_in_a_sentence(read, name, data):
    with pytest.raises(midi.MidiError, match=rf"{name}: it .+; (export|cut|choose).+\.$") as found:
        read(name, data)
    assert "\n" not in str(found.value) and len(str(found.value)) < 400


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(midi.MidiError, match=r"missing\.xml: it cannot be .+; "):
        notation.read(tmp_path / "missing.xml")
