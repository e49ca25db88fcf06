"""An edition: MIDI and MusicXML are read back as the same piece, pictures stand alone, sound keeps time."""

import io
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import image

from utils.music import folder, keys, piece, tune, typed, voices
from utils.music.voices import HELD
from utils.show import edition, score
from utils.sound import audio

CHORDS = [[72, 67, 64, 48], [74, 71, 62, 55], [76, 67, 60, 48], [74, 69, 65, 53]]
UPBEATS = {(4, 4): (0, 2, 4, 6, 7, 12), (3, 4): (0, 4, 8), (6, 8): (0, 2, 6), (2, 2): (0, 4), (2, 4): (0, 4),
           (5, 4): (0, 4)}


def sing(lines, metre=(4, 4), upbeat=0, tonic=0, mode="major", fermatas=()):
    """A piece of four lines of (frames, pitch)."""
    length = min(sum(frames for frames, _ in line) for line in lines)
    cells = np.empty((length, 4), np.int16)
    for voice, line in enumerate(lines):
        held = np.repeat([pitch for _, pitch in line], [frames for frames, _ in line]) + HELD
        held[np.cumsum([0, *(frames for frames, _ in line[:-1])])] -= HELD
        cells[:, voice] = held[:length]
    return piece.blank("mine", cells, metre, upbeat, mode, tonic)._replace(fermatas=np.array(fermatas, np.int32))


def hymn(beats=16, **outline):
    return sing([[(4, CHORDS[beat % 4][voice]) for beat in range(beats)] for voice in range(4)], **outline)


def at_random(seed):
    """Phrases of four voices that move as they like, and come to rest together."""
    rng = np.random.default_rng(seed)
    metre = list(UPBEATS)[seed % len(UPBEATS)]
    lines, fermatas = [[] for _ in range(4)], []
    for _ in range(3):
        length = int(rng.integers(8, 30))
        for line, low in zip(lines, (68, 59, 52, 41)):
            edges = [0, *np.sort(rng.choice(np.arange(1, length), rng.integers(7), replace=False)).tolist(), length]
            line += [(after - before, low + int(rng.integers(10))) for before, after in pairwise([*edges, length + 4])]
        fermatas.append(sum(frames for frames, _ in lines[0]) - 4)
    return sing(lines, metre, int(rng.choice(UPBEATS[metre])), int(rng.integers(12)), keys.KEY_MODES[rng.integers(2)],
                fermatas)


# ---------------------------------------------------------------------------------------------- read back


@pytest.mark.parametrize("seed", range(12))
def test_midi_and_musicxml_are_read_back_as_the_same_piece(seed, tmp_path):
    made = at_random(seed)
    for path in edition.write(made, tmp_path / "piece", "Mine", formats=("mid", "musicxml")):
        ((notes, meta),) = folder.read(path)
        again, mended = piece.from_notes("again", notes, meta)
        np.testing.assert_array_equal(again.voices, made.voices)
        assert (again.metre, again.upbeat, again.bar_frames) == (made.metre, made.upbeat, made.bar_frames)
        assert again.fermatas.tolist() == made.fermatas.tolist() and again.voice_names == voices.SINGERS and not mended
        assert score.key_to_fifths(meta.key_signatures[0][1]) == score.signature(made)


@pytest.mark.parametrize("kind", ["mid", "musicxml"])
def test_a_reader_of_four_voices_takes_the_edition_as_it_is(tmp_path, kind):
    made = hymn(upbeat=4, fermatas=[28, 60])
    (path,) = edition.write(made, tmp_path / "piece", tempo=72, formats=(kind,))
    ((notes, meta),) = folder.read(path)
    read = tune.quartet(notes, meta)
    assert (read.piece.voices == made.voices).all() and read.piece.fermatas.tolist() == [28, 60]
    assert read.said[0].startswith("metre 4/4, upbeat of 1 quarter notes: as written in the file")
    assert "phrases end in bars 2, 4: fermatas in the file" in read.said
    assert meta.tempos[0][1] == pytest.approx(72, abs=1e-3)


def test_a_fermata_beyond_the_end_is_left_out(tmp_path):
    for path in edition.write(hymn(fermatas=[12, 64, 99]), tmp_path / "piece", formats=("mid", "musicxml")):
        ((notes, meta),) = folder.read(path)
        assert meta.fermatas == (3.0,)


# ---------------------------------------------------------------------------------------------- signatures


@pytest.mark.parametrize("key, sharps", [
    ("C", 0), ("G", 1), ("D", 2), ("B", 5), ("F", -1), ("Bb", -2), ("Db", -5), ("a minor", 0), ("e minor", 1),
    ("d minor", -1), ("c minor", -3), ("bb minor", -5), ("c# minor", 4), ("g# minor", 5)])
def test_a_key_has_its_sharps_or_flats(key, sharps):
    tonic, mode = typed.key(key)
    made = hymn(tonic=tonic, mode=mode)
    assert score.signature(made) == sharps
    ((_, name),) = edition.meta(made).key_signatures
    assert typed.key(name) == (tonic, mode) and score.key_to_fifths(name) == sharps


@pytest.mark.parametrize("mode", keys.KEY_MODES)
@pytest.mark.parametrize("tonic", range(12))
def test_every_signature_is_of_its_key(tonic, mode):
    sharps = score.signature(hymn(tonic=tonic, mode=mode))
    assert -6 <= sharps <= 6 and (tonic, mode) in keys.signed(sharps)


@pytest.mark.parametrize("upbeat, metre, signatures", [
    (0, (4, 4), ((0.0, 4, 4),)), (4, (4, 4), ((0.0, 1, 4), (1.0, 4, 4))), (2, (6, 8), ((0.0, 1, 8), (0.5, 6, 8))),
    (6, (3, 4), ((0.0, 3, 8), (1.5, 3, 4))), (7, (4, 4), ((0.0, 7, 16), (1.75, 4, 4)))])
def test_an_upbeat_is_a_short_first_bar(upbeat, metre, signatures):
    found = edition.meta(hymn(upbeat=upbeat, metre=metre, fermatas=[12]), tempo=66)
    assert found.time_signatures == signatures and found.tempos == ((0.0, 66),)
    assert found.part_names == voices.SINGERS and found.fermatas == (3.0,)


# ---------------------------------------------------------------------------------------------- pictures and sound


def test_five_files_appear_with_nothing_beside_them(tmp_path):
    made = hymn(upbeat=4, fermatas=[12, 28])
    found = edition.write(made, tmp_path / "a hymn. 1", "A hymn")
    assert [path.name for path in found] == [f"a hymn. 1.{kind}" for kind in edition.KINDS]
    assert sorted(tmp_path.iterdir()) == sorted(found) and all(path.stat().st_size > 500 for path in found)
    assert "<work-title>A hymn</work-title>" in (tmp_path / "a hymn. 1.musicxml").read_text(encoding="utf-8")


def test_only_what_is_asked_for_is_written_and_twice_the_same(tmp_path):
    made = hymn()
    for name in ("one", "two"):
        edition.write(made, tmp_path / name, "Title", formats=("svg", "mid", "musicxml", "png"))
    assert len(list(tmp_path.iterdir())) == 8
    for kind in ("mid", "musicxml", "svg", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_a_picture_as_svg_needs_nothing_beside_itself(tmp_path):
    (path,) = edition.write(hymn(fermatas=[12]), tmp_path / "piece", "Mine & <yours>", formats=("svg",))
    root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    names = {element.tag.split("}")[1] for element in root.iter()}
    assert not names & {"image", "script", "foreignObject", "a", "link"}
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert links and all(link.startswith("#") for link in links)
    assert not any(word in path.read_text(encoding="utf-8") for word in ("url(", "@import", "@font-face"))
    assert "Mine & <yours>" in "".join(root.itertext())


def pixels(read, title, **size):
    """The picture of a piece: darkness of each pixel, 0 to 1."""
    data = edition.png(score.sheet(read, title), **size)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return 1 - image.imread(io.BytesIO(data))[..., :3].mean(axis=2)


def test_a_picture_as_png_shows_the_title_where_it_stands():
    one, other, none = (pixels(hymn(), title) for title in ("Silent Night", "Old Hundredth", ""))
    assert one.shape == other.shape and one.shape[1] == edition.PNG_WIDTH
    changed = np.argwhere(np.abs(one - other) > 0.5)
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0)
    assert bottom < one.shape[0] / 2 and abs(left + right - edition.PNG_WIDTH) < 0.1 * edition.PNG_WIDTH
    title = one[top:bottom + 1, left:right + 1]
    assert 0.05 < (title > 0.5).mean() < 0.6 and 20 < bottom - top < 100 and right - left > 200
    assert none[:bottom + 1].max() < 0.1 and (one[bottom + 5:] > 0.5).any()


def test_a_picture_is_as_wide_as_asked_for():
    assert pixels(hymn(), "Title", width=400).shape[1] == 400


def test_sound_lasts_as_long_as_its_tempo_says(tmp_path):
    for tempo in (60, 120):
        (path,) = edition.write(hymn(), tmp_path / f"at_{tempo}", tempo=tempo, formats=("mp3",), depth=0)
        wave, rate = audio.read(path)
        silence = audio.RELEASE_SECONDS + audio.HALL_SECONDS
        assert rate == audio.CONCERT_RATE and len(wave) / rate == pytest.approx(16 * 60 / tempo + silence, abs=0.3)
        assert 0.01 < np.sqrt(np.mean(wave**2)) < 0.3


def test_silence_is_refused(tmp_path):
    silent = hymn()
    silent.voices[:] = voices.REST
    with pytest.raises(ValueError, match="mine is silent, there is nothing to write: generate again"):
        edition.write(silent, tmp_path / "silent")
    assert not list(tmp_path.iterdir())


def test_a_held_note_brings_no_fermata_of_its_own(tmp_path):
    lines = [[(4, CHORDS[beat][voice]) for beat in range(4)] for voice in range(3)]
    made = sing([*lines, [(4, 48), (4, 55), (8, 48)]], fermatas=[12])
    for path in edition.write(made, tmp_path / "piece", formats=("mid", "musicxml")):
        ((_, meta),) = folder.read(path)
        assert meta.fermatas == (3.0,)
