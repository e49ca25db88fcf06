"""A tune to harmonise: found in any file, put in its octave, key and bars, and said how."""

import numpy as np
import pytest

from utils.music import data, ear, folder, keys, midi, tune, voices
from utils.music.voices import HELD, REST

METRES = [(4, 4), (3, 4), (2, 2), (2, 4), (6, 8), (9, 8), (12, 8), (5, 4), (7, 8), (3, 8), (3, 2), (3, 16)]
MELODY = (72, 74, 76, 77, 79, 77, 74, 72)
LOW = (48, 50, 52, 53, 55, 53, 50, 48)
FOUR = (MELODY, (67, 67, 67, 69, 71, 69, 67, 64), (64, 65, 67, 65, 62, 62, 62, 60), (48, 47, 48, 41, 43, 45, 43, 48))
IN_FOUR = ((0.0, 4, 4),)


def line(pitches, part=0, length=1.0, start=0.0):
    return np.array([(start + at * length, start + (at + 1) * length, pitch, 90, part)
                     for at, pitch in enumerate(pitches)], midi.NOTE)


def chords(*pitches, part=0, length=2.0):
    return np.concatenate([line(column, part, length) for column in zip(*pitches)])


def parts(*lines):
    """Lines as parts 0, 1 and so on."""
    return np.concatenate([line(pitches, part) for part, pitches in enumerate(lines)])


def named(*names, **others):
    return midi.Meta(IN_FOUR, part_names=names, **others)


def recorded(notes, seed, gates=None, overlap=0.0, late=0.02):
    """As someone plays against a click; gates: the shares of notes after which keys are released, one for each."""
    rng, played = np.random.default_rng(seed), notes.copy()
    played["start"] = np.maximum(0, notes["start"] + rng.uniform(-late, late, len(notes)))
    played["end"] = played["start"] + (notes["end"] - notes["start"]) * (1.0 if gates is None else gates) + overlap
    played["velocity"] = rng.integers(20, 120, len(notes))
    return played


def at_random(seed):
    """A tune with rests, of one note at a time, its metre and whether the file names it."""
    rng = np.random.default_rng(seed)
    metre = METRES[rng.integers(len(METRES))]
    rows, now, middle = [], int(rng.integers(0, 3)) / 4, int(rng.integers(40, 90))
    for _ in range(rng.integers(1, 60)):
        now += rng.choice([0, 0, 0, 0, 1, 2])
        length = rng.choice([0.25, 0.5, 0.5, 1, 1, 1.5, 2, 3, 4])
        rows.append((now, now + length, middle + int(rng.integers(-9, 10)), 90, 0))
        now += length
    return np.array(rows, midi.NOTE), metre, bool(rng.random() < 0.7)


def sung(heard, voice=0):
    """The notes of one voice."""
    return voices.to_notes(heard.piece.voices[:, [voice]])


def sing(heard):
    """The pitches of a heard soprano."""
    return sung(heard)["pitch"].tolist()


def key(heard):
    return keys.name((9 * (heard.piece.mode == "minor") - heard.piece.semitones) % 12, heard.piece.mode)


def ends(heard):
    """The numbers of the bars in which phrases end."""
    return ((heard.piece.fermatas - heard.piece.upbeat) // heard.piece.bar_frames + 1).tolist()


def same(one, other):
    for name in ("name", "roll", "voices", "mode", "semitones", "metre", "bar_frames", "upbeat", "fermatas"):
        np.testing.assert_array_equal(getattr(one.piece, name), getattr(other.piece, name), f"{one.piece.name}, {name}")
    np.testing.assert_array_equal(one.known, other.known)


@pytest.fixture(scope="module")
def tunes():
    return {path.stem: folder.read(path)[0] for path in sorted((data.ROOT / "data" / "tunes").glob("*.abc"))}


# Laws


@pytest.mark.parametrize("seed", range(40))
def test_any_line_is_a_tune_and_nothing_but_the_soprano_is_known(seed):
    notes, metre, says = at_random(seed)
    given = notes.copy()
    heard = tune.hear(notes, midi.Meta(((0.0, *metre),)) if says else midi.NO_META)
    np.testing.assert_array_equal(notes, given)
    read, found = heard.piece, sung(heard)
    assert heard.known.shape == read.voices.shape == (len(read.roll), 4)
    assert heard.known[:, 0].all() and not heard.known[:, 1:].any() and (read.voices[:, 1:] == REST).all()
    moved = np.unique(found["pitch"].astype(int) - notes["pitch"])
    assert len(found) == len(notes) and len(moved) == 1 and moved[0] % 12 == 0
    np.testing.assert_array_equal(np.diff(found["start"]), np.diff(notes["start"]))
    np.testing.assert_array_equal(read.roll, voices.to_roll(read.voices))
    assert read.metre == metre if says else read.metre in ear.HEARD_METRES
    assert 0 <= read.upbeat < read.bar_frames == read.metre[0] * 16 // read.metre[1]
    assert read.bars[0].tolist() == [read.upbeat, *read.metre] and read.voice_names == voices.SINGERS
    assert np.isin(read.fermatas, found["start"] * 4).all() and read.fermatas[-1] == found["start"][-1] * 4
    assert read.fermatas.dtype == np.int32 and len(heard.said) >= 3


def test_sopranos_of_chorales_are_taken_to_the_note_in_the_bars_of_their_file():
    for read in data.pieces("valid"):
        if read.voices.shape[1] == 4 and read.voices[0, 0] != REST:
            upbeat = ((0.0, read.upbeat, 16),) if read.upbeat else ()
            meta = midi.Meta((*upbeat, (read.upbeat / 4, *read.metre)))
            heard = tune.hear(voices.to_notes(read.voices[:, :1]), meta, read.name)
            np.testing.assert_array_equal(sung(heard), voices.to_notes(read.voices[:, :1]), err_msg=read.name)
            assert (heard.piece.metre, heard.piece.upbeat) == (read.metre, read.upbeat), read.name


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("gate", [0.7, 0.8, 0.85, 0.9])
def test_a_recording_against_a_click_is_the_tune_cell_for_cell(tunes, gate, seed):
    for title, (notes, meta) in tunes.items():
        played = recorded(notes, seed, gate)
        same(tune.hear(played, meta, title), tune.hear(notes, meta, title))
        same(tune.hear(played, name=title), tune.hear(notes, name=title))


@pytest.mark.parametrize("seed", range(3))
def test_a_legato_recording_is_the_tune_cell_for_cell(tunes, seed):
    for title, (notes, meta) in tunes.items():
        played = recorded(notes, seed, overlap=0.08)
        assert (played["start"][1:] < played["end"][:-1]).mean() > 0.8
        same(tune.hear(played, meta, title), tune.hear(notes, meta, title))


@pytest.mark.parametrize("overlap", [0.2, 0.3, 0.4])
def test_a_key_that_is_held_over_the_next_note_is_no_chord(tunes, overlap):
    for title, (notes, meta) in tunes.items():
        held, wanted = (sung(tune.hear(each, meta, title)) for each in (recorded(notes, 0, overlap=overlap), notes))
        assert held["pitch"].tolist() == wanted["pitch"].tolist(), title
        np.testing.assert_array_equal(held["start"], wanted["start"], err_msg=title)
        joined = wanted["end"] == np.append(wanted["start"][1:], 0)
        np.testing.assert_array_equal(held["end"][joined], wanted["end"][joined], err_msg=title)


@pytest.mark.parametrize("seed", range(3))
def test_where_keys_are_released_anyhow_the_notes_begin_where_they_should(tunes, seed):
    for title, (notes, meta) in tunes.items():
        gates = np.random.default_rng(seed).uniform(0.7, 0.9, len(notes))
        found, wanted = (sung(tune.hear(each, meta, title)) for each in (recorded(notes, seed, gates), notes))
        assert found["pitch"].tolist() == wanted["pitch"].tolist(), title
        np.testing.assert_array_equal(found["start"], wanted["start"], err_msg=title)
        joined = (wanted["end"] == np.append(wanted["start"][1:], 0)) & (wanted["end"] - wanted["start"] <= 2)
        np.testing.assert_array_equal(found["end"][joined], wanted["end"][joined], err_msg=title)
        assert joined.sum() > 20


@pytest.mark.parametrize("octaves", [-3, -2, -1, 0, 1, 2])
def test_a_tune_is_moved_by_octaves_and_can_be_moved_back(octaves):
    melody = [64, 67, 72, 76, 79, 76, 72, 64]  # no other octave fits it
    notes = line([pitch + 12 * octaves for pitch in melody])
    heard = tune.hear(notes, named("Melody"))
    there = heard.piece.voices[:, :1]
    assert sing(heard) == melody
    assert voices.to_notes(voices.transpose(there, 12 * octaves))["pitch"].tolist() == notes["pitch"].tolist()
    said = [text for text in heard.said if "octave" in text]
    if not octaves:
        assert not said
    else:
        way, count = "down" if octaves > 0 else "up", f"{abs(octaves)} octave{'s' * (abs(octaves) > 1)}"
        assert said == [f"the tune is moved {way} by {count}, into the range of a soprano"]


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("mode", keys.KEY_MODES)
def test_a_key_that_is_asked_for_is_the_key(tonic, mode):
    heard = tune.hear(line(MELODY), named("Melody"), key=keys.name(tonic, mode))
    assert key(heard) == keys.name(tonic, mode) and f"key {keys.name(tonic, mode)}: as asked for" in heard.said
    assert heard.piece.semitones == keys.to_c(tonic, mode) and sing(heard) == list(MELODY)


@pytest.mark.parametrize("metre", METRES)
def test_a_metre_that_is_asked_for_is_the_metre_with_any_upbeat(metre):
    for meta in (named("Melody"), midi.NO_META):
        for upbeat in (None, *range(0, metre[0] * 16 // metre[1], 3)):
            wish = None if upbeat is None else upbeat / 4
            heard = tune.hear(line(MELODY), meta, metre="{}/{}".format(*metre), upbeat=wish)
            assert heard.piece.metre == metre and heard.piece.bars[0, 1:].tolist() == list(metre)
            assert heard.piece.upbeat == upbeat or upbeat is None
            assert heard.piece.bars[:, 0].tolist() == [*range(heard.piece.upbeat, 32, metre[0] * 16 // metre[1])]
            assert sing(heard) == list(MELODY)


# Values worked by hand


def test_a_tune_by_hand():
    heard = tune.hear(line(LOW), named("Melody", key_signatures=((0.0, "C"),)), "mine")
    assert heard.said == ("the tune is moved up by 1 octave, into the range of a soprano",
                          "metre 4/4, no upbeat: as written in the file", "key C major: heard in the tune",
                          "phrases end in bars 2: heard in long notes, rests, and lengths of phrases")
    wanted = [pitch + 12 + HELD * (frame > 0) for pitch in LOW for frame in range(4)]
    assert heard.piece.voices[:, 0].tolist() == wanted and heard.piece.fermatas.tolist() == [28]
    assert (heard.piece.name, heard.piece.bar_frames, heard.piece.upbeat) == ("mine", 16, 0)


@pytest.mark.parametrize("title, wanted", [
    ("amazing_grace", ("G major", (3, 4), 4)), ("auld_lang_syne", ("F major", (4, 4), 4)),
    ("god_rest_you_merry", ("E minor", (2, 2), 4)), ("good_king_wenceslas", ("G major", (4, 4), 0)),
    ("greensleeves", ("A minor", (6, 8), 2)), ("ode_to_joy", ("D major", (4, 4), 0)),
    ("old_hundredth", ("G major", (4, 4), 4)), ("scarborough_fair", ("D minor", (3, 4), 0)),
    ("silent_night", ("Bb major", (6, 8), 0))])
def test_our_tunes_are_heard_as_they_are_written_or_by_ear(tunes, title, wanted):
    notes, meta = tunes[title]
    written, by_ear = tune.hear(notes, meta, title), tune.hear(notes, name=title)
    assert (key(written), written.piece.metre, written.piece.upbeat) == wanted
    name, metre, upbeat = wanted
    metre = (4, 4) if metre == (2, 2) else metre
    assert (key(by_ear), by_ear.piece.metre, by_ear.piece.upbeat) == (name, metre, upbeat)
    assert any(text.endswith(": as written in the file") for text in written.said)
    assert any(text.startswith("metre ") and text.endswith(": by ear") for text in by_ear.said)


@pytest.mark.parametrize("title, bars", [
    ("ode_to_joy", [2, 4, 6, 8, 10, 12, 14, 16]), ("old_hundredth", [2, 4, 6, 8]), ("greensleeves", [4, 8, 12, 16]),
    ("auld_lang_syne", [2, 4, 6, 8, 10, 12, 14, 16])])
def test_phrases_end_where_a_singer_breathes(tunes, title, bars):
    assert ends(tune.hear(*tunes[title], title)) == bars


def test_four_named_voices_are_their_soprano_in_any_order():
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        notes = parts(*(FOUR[voice] for voice in order))
        heard = tune.hear(notes, named(*(voices.SINGERS[voice] for voice in order)))
        assert heard.known.any(axis=0).tolist() == [True, False, False, False] and sing(heard) == list(MELODY)
        assert heard.said[0] == "all four voices are in the file: its soprano is the tune"


@pytest.mark.parametrize("order", [[0, 3], [3, 0], [2, 0], [0, 1, 3], [3, 1, 0]])
def test_named_voices_beside_the_soprano_are_kept(order):
    heard = tune.hear(parts(*(FOUR[voice] for voice in order)), named(*(voices.SINGERS[voice] for voice in order)))
    assert heard.said[0] == f"given: {', '.join(voices.SINGERS[voice].lower() for voice in sorted(order))}"
    for voice in range(4):
        assert heard.known[:, voice].all() == heard.known[:, voice].any() == (voice in order)
        assert sung(heard, voice)["pitch"].tolist() == (list(FOUR[voice]) if voice in order else [])


def test_a_soprano_beside_parts_that_nobody_sings():
    notes = np.concatenate([chords((60, 64, 67), (59, 62, 67), part=0), line(MELODY, part=1), line(LOW, part=2)])
    heard = tune.hear(notes, named("Organ", "Soprano", "Cello"))
    assert sing(heard) == list(MELODY) and heard.known.any(axis=0).tolist() == [True, False, False, False]


@pytest.mark.parametrize("name", ["Melody", "Lead vocals", "Voice", "Flute", "Melodie 1", "violin"])
def test_a_part_named_as_a_melody_is_the_tune_beside_chords(name):
    notes = np.concatenate([chords(*[(48, 52, 55)] * 4), line(MELODY, part=1)])
    heard = tune.hear(notes, named("Piano", name))
    assert sing(heard) == list(MELODY) and heard.said[0] == f'the tune is part 2 "{name}"'
    assert heard.known.any(axis=0).tolist() == [True, False, False, False]


def test_of_lines_without_names_the_top_one_is_the_tune():
    assert tune.hear(parts(MELODY, LOW), named()).said[0] == "the tune is part 1"
    heard = tune.hear(parts(LOW, MELODY), named())
    assert heard.said[0] == "the tune is part 2" and sing(heard) == list(MELODY)


def test_a_part_is_chosen_by_its_place_or_a_word_and_its_highest_notes_are_the_tune():
    notes = np.concatenate([line(LOW), chords((67, 72, 64), (71, 74, 67), (76, 72, 67), (72, 64, 67), part=1)])
    for part in (2, "2", "piano", "PIANO", "right"):
        heard = tune.hear(notes, named("Cello", "Piano right"), part=part)
        assert sing(heard) == [72, 74, 76, 72]
        assert heard.said[0] == 'part 2 "Piano right" has chords: its highest notes are the tune'
    heard = tune.hear(notes, named("Cello", "Piano right"), part=1)
    assert sing(heard) == [pitch + 12 for pitch in LOW] and not any("chords" in text for text in heard.said)
    heard = tune.hear(chords((60, 64, 67), (59, 62, 67)), named(), part=1)
    assert sing(heard) == [67, 67] and heard.said[0] == "part 1 has chords: its highest notes are the tune"


def test_rests_stay_in_the_soprano(tunes):
    heard = tune.hear(*tunes["scarborough_fair"])
    soprano = heard.piece.voices[:, 0]
    rests = np.flatnonzero(soprano == REST)
    assert rests.tolist() == [*range(48, 52), *range(96, 104)] and heard.known[rests, 0].all()
    assert (heard.piece.voices[:, 1:] == REST).all()


def test_a_file_without_a_time_signature_is_barred_by_ear(tunes):
    notes, _ = tunes["old_hundredth"]
    later = notes.copy()
    later["start"] += 9  # two bars, and a quarter that is no upbeat of three
    later["end"] += 9
    for each in (notes, later):
        heard = tune.hear(each)
        assert "metre 4/4, upbeat of 1 quarter notes: by ear" in heard.said
        assert heard.piece.upbeat == 4 and heard.piece.bars[:3].tolist() == [[4, 4, 4], [20, 4, 4], [36, 4, 4]]
        assert len(sung(heard)) == len(notes) and heard.piece.voices[0, 0] >= 0


@pytest.mark.parametrize("title, metre, upbeat, said", [
    ("old_hundredth", "4/4", 4, "metre 4/4, upbeat of 1 quarter notes: as written in the file"),
    ("old_hundredth", "2/2", 4, "metre 2/2, upbeat of 1 quarter notes: metre as asked for, upbeat by ear"),
    ("old_hundredth", "2/4", 4, "metre 2/4, upbeat of 1 quarter notes: metre as asked for, upbeat by ear"),
    ("old_hundredth", "5/4", 0, "metre 5/4, no upbeat: metre as asked for, no upbeat known"),
    ("good_king_wenceslas", "2/2", 0, "metre 2/2, no upbeat: metre as asked for, upbeat by ear"),
    ("silent_night", "3/4", 6, "metre 3/4, upbeat of 1.5 quarter notes: metre as asked for, upbeat by ear")])
def test_of_a_metre_that_is_asked_for_the_upbeat_is_heard(tunes, title, metre, upbeat, said):
    heard = tune.hear(*tunes[title], metre=metre)
    assert heard.piece.upbeat == upbeat and said in heard.said


def test_an_upbeat_that_is_asked_for_bars_the_tune_anew(tunes):
    notes, meta = tunes["old_hundredth"]
    heard = tune.hear(notes, meta, upbeat=2)
    assert "metre 4/4, upbeat of 2 quarter notes: metre as written in the file, upbeat as asked for" in heard.said
    assert heard.piece.upbeat == 8 and len(sung(heard)) == len(notes)
    heard = tune.hear(notes, meta, upbeat=0)
    assert heard.piece.upbeat == 0 and heard.piece.bars[0].tolist() == [0, 4, 4]
    heard = tune.hear(notes, upbeat=1)
    assert "metre 4/4, upbeat of 1 quarter notes: by ear, upbeat as asked for" in heard.said


def test_where_the_ear_hears_another_metre_than_the_file_names_it_says_so(tunes):
    notes, meta = tunes["amazing_grace"]
    heard = tune.hear(notes, meta._replace(time_signatures=IN_FOUR))
    assert heard.piece.metre == (4, 4) and heard.piece.upbeat == 0
    assert ("metre 4/4, no upbeat: as written in the file; by ear 3/4, upbeat of 1 quarter notes: choose it "
            "with --metre and --upbeat") in heard.said
    assert "metre 3/4, upbeat of 1 quarter notes: as written in the file" in tune.hear(notes, meta).said


def test_of_an_upbeat_that_is_asked_for_nothing_else_is_said():
    notes = line(MELODY, start=2.0)
    assert "upbeat of 2 quarter notes found" in tune.hear(notes, named("Melody")).said
    said = tune.hear(notes, named("Melody"), upbeat=1).said
    assert not any(text.startswith("upbeat") for text in said)
    assert "metre 4/4, upbeat of 1 quarter notes: metre as written in the file, upbeat as asked for" in said


def test_a_signature_is_heard_beside_the_tune(tunes):
    notes, meta = tunes["god_rest_you_merry"]
    assert meta.key_signatures == ((0.0, "G"),)
    for signature, said in [("G", "key E minor: heard in the tune and its signature"),
                            ("Em", "key E minor: heard in the tune and its signature"),
                            ("C", "key E minor: heard in the tune"), ("Am", "key E minor: heard in the tune")]:
        assert said in tune.hear(notes, meta._replace(key_signatures=((0.0, signature),))).said
    assert "key C minor: as asked for" in tune.hear(notes, meta, key="c").said


def test_fermatas_are_those_of_the_file_or_those_that_are_asked_for(tunes):
    notes, meta = tunes["ode_to_joy"]
    for wish, bars, said in [("none", [], "phrase ends: none asked for"), ("No", [], "phrase ends: none asked for"),
                             ("-", [], "phrase ends: none asked for"),
                             ("4,8,16", [4, 8, 16], "phrases end in bars 4, 8, 16: as asked for"),
                             ("15-16,2,2", [2, 15, 16], "phrases end in bars 2, 15, 16: as asked for"),
                             (8, [8], "phrases end in bars 8: as asked for")]:
        heard = tune.hear(notes, meta, fermatas=wish)
        assert ends(heard) == bars and said in heard.said and heard.piece.fermatas.dtype == np.int32
    marked = meta._replace(fermatas=(31.0, 7.0, 7.0))
    heard = tune.hear(notes, marked)
    assert heard.piece.fermatas.tolist() == [28, 124] and "phrases end in bars 2, 8: fermatas in the file" in heard.said
    assert ends(tune.hear(notes, marked, fermatas="none")) == [] and ends(tune.hear(notes, marked, fermatas="4")) == [4]


def test_in_a_bar_that_is_asked_for_the_likeliest_note_ends_the_phrase(tunes):
    for title, bars in [("god_rest_you_merry", "2,4,6,8,10,12,14,16,19"), ("old_hundredth", "2,4,6,8"),
                        ("auld_lang_syne", "2,4,6,8,10,12,14,16"), ("greensleeves", "4,8,12,16")]:
        by_ear, asked = tune.hear(*tunes[title]), tune.hear(*tunes[title], fermatas=bars)
        assert asked.piece.fermatas.tolist() == by_ear.piece.fermatas.tolist(), title
    upbeat = tune.hear(*tunes["old_hundredth"], fermatas="0")
    assert upbeat.piece.fermatas.tolist() == [0] and ends(upbeat) == [0]
    with pytest.raises(ValueError, match="begins in bar 9: phrases can end in bars 0 to 8"):
        tune.hear(*tunes["old_hundredth"], fermatas="9")


def test_fermatas_of_the_file_stay_on_their_notes_when_silence_is_cut():
    notes = line(MELODY, start=5.0)
    heard = tune.hear(notes, named("Melody", fermatas=(8.0, 12.0)), upbeat=2)
    assert heard.piece.fermatas.tolist() == [12, 28] and heard.piece.upbeat == 8 and heard.piece.voices[0, 0] == 72
    assert heard.known.shape == (32, 4)


@pytest.mark.parametrize("notes", [
    line([60]), line([60], length=0.25), line([60], start=9.0), line([64, 64]), line([67] * 40),
    line([67] * 9, length=0.5), line([72, 71, 72], length=8.0), line([60, 62, 64, 65, 67, 65, 62, 60]), line([0, 12]),
    line([127, 115]), np.concatenate([line([60]), line([62], start=200.0)])])
def test_the_smallest_tunes(notes):
    for meta in (midi.NO_META, named("Melody"), midi.Meta(((0.0, 3, 4),))):
        heard = tune.hear(notes, meta)
        assert [pitch % 12 for pitch in sing(heard)] == [pitch % 12 for pitch in notes["pitch"].tolist()]
        assert heard.known[:, 0].all() and heard.piece.fermatas[-1] == 4 * sung(heard)["start"][-1]


def test_a_quartet_is_known_as_a_whole():
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        notes = parts(*(FOUR[voice] for voice in order))
        found = tune.quartet(notes, named(*(voices.SINGERS[voice] for voice in order)), "mine")
        assert found.known.all() and found.known.shape == (32, 4) and found.piece.voice_names == voices.SINGERS
        assert [sung(found, voice)["pitch"].tolist() for voice in range(4)] == list(map(list, FOUR))
        assert found.said == ("metre 4/4, no upbeat: as written in the file", "key C major: heard in all voices",
                              "phrases end in bars 2: heard in long notes, rests, and lengths of phrases")
        np.testing.assert_array_equal(found.piece.roll, voices.to_roll(found.piece.voices))
    found = tune.quartet(np.delete(parts(*FOUR), [8, 31]), named(*voices.SINGERS))
    assert (found.piece.voices[:4, 1] == REST).all() and found.known.shape == (32, 4) and found.known.all()
    found = tune.quartet(parts(*FOUR), named())
    assert found.known.all() and [sung(found, voice)["pitch"].tolist() for voice in range(4)] == list(map(list, FOUR))


def test_chorales_are_quartets_to_the_note():
    for read in data.pieces("valid")[::6]:
        upbeat = ((0.0, read.upbeat, 16),) if read.upbeat else ()
        meta = midi.Meta((*upbeat, (read.upbeat / 4, *read.metre)), part_names=voices.SINGERS,
                         fermatas=tuple(read.fermatas / 4))
        found = tune.quartet(voices.to_notes(read.voices), meta, read.name)
        np.testing.assert_array_equal(found.piece.voices, read.voices, err_msg=read.name)
        assert (found.piece.metre, found.piece.upbeat) == (read.metre, read.upbeat), read.name
        np.testing.assert_array_equal(found.piece.fermatas, np.unique(read.fermatas), err_msg=read.name)


def test_what_a_reader_says_of_a_quartet_is_believed():
    higher = parts(*FOUR)
    higher["pitch"] += 7
    found = tune.quartet(higher, named(*voices.SINGERS))
    assert key(found) == "G major" and sing(found) == [pitch + 7 for pitch in MELODY]
    found = tune.quartet(higher, named(*voices.SINGERS), key="e minor", metre="3/4", upbeat=2, fermatas="1,2")
    assert key(found) == "E minor" and (found.piece.metre, found.piece.upbeat) == ((3, 4), 8) and ends(found) == [1, 2]
    found = tune.quartet(parts(*FOUR), named(*voices.SINGERS, key_signatures=((0.0, "F"),)))
    assert "key F major: by its signature" in found.said


@pytest.mark.parametrize("notes", [line(MELODY), parts(*FOUR[:3]), parts(*FOUR, LOW), parts(MELODY, LOW)])
def test_what_has_not_four_voices_is_no_quartet(notes):
    assert tune.quartet(notes, named()) is None


# Errors and their remedies


@pytest.mark.parametrize("names", [(), ("Piano", "Strings"), ("Flute", "Violin"), ("Bass", "Alto")])
def test_many_notes_without_a_name_are_refused(names):
    notes = np.concatenate([chords(*[(60, 64, 67)] * 4), line(LOW, part=1)])
    with pytest.raises(ValueError, match="no part is named as the tune .*: say which one it is, such as --part 1; its"):
        tune.hear(notes, named(*names))
    assert sing(tune.hear(notes, named(*names), part=1)) == [67] * 4


def test_parts_are_listed_with_their_names():
    notes = np.concatenate([chords(*[(60, 64, 67)] * 4), line(LOW, part=2)])
    with pytest.raises(ValueError, match=r'\(parts: 1 "Piano", 2 "Cello"\)'):
        tune.hear(notes, named("Piano", "Nothing", "Cello"))
    for part in (0, 3, -1, "3", "drums"):
        with pytest.raises(ValueError, match=f"no part '{part}': choose among 1 \"Piano\", 2 \"Cello\""):
            tune.hear(notes, named("Piano", "Nothing", "Cello"), part=part)


@pytest.mark.parametrize("seed", range(3))
def test_free_playing_is_refused(tunes, seed):
    rng = np.random.default_rng(seed)
    for title in ("god_rest_you_merry", "greensleeves"):
        notes, meta = tunes[title]
        free = notes.copy()
        free["start"] = np.cumsum(rng.uniform(0.3, 1.4, len(notes)))
        free["end"] = free["start"] + 0.25
        with pytest.raises(ValueError, match=f"{title}: it is played so freely .*%.*: play it with a click, or"):
            tune.hear(free, meta, title)


def test_what_is_too_long_or_fits_no_sixteenths_is_refused():
    most = tune.MOST_FRAMES // 8
    long = line([60, 62] * (most // 2), length=2.0)
    assert len(tune.hear(long, named()).known) == tune.MOST_FRAMES
    with pytest.raises(ValueError, match="mine: 6408 sixteenths in 4/4: give a tune of at most 6,400"):
        tune.hear(line([60] * (most + 1), length=2.0), named(), "mine")
    with pytest.raises(ValueError, match="in 5/32: .* whole sixteenths, or another metre by --metre"):
        tune.hear(line(MELODY), midi.Meta(((0.0, 5, 32),)))


@pytest.mark.parametrize("wish, match", [
    ({"key": "H"}, "the key 'H' cannot be read: write G, e minor, F# or Bbm"),
    ({"metre": "4/5"}, "the metre '4/5' cannot be read: write 4/4, 3/4"),
    ({"upbeat": 4}, "an upbeat of 4 quarter notes in 4/4: give whole sixteenths, less than a bar"),
    ({"upbeat": 3, "metre": "3/4"}, "an upbeat of 3 quarter notes in 3/4: give whole sixteenths, less than a bar"),
    ({"upbeat": 0.1}, "an upbeat of 0.1 quarter notes in 4/4: give whole sixteenths"),
    ({"upbeat": float("nan")}, "an upbeat of nan quarter notes in 4/4: give whole sixteenths"),
    ({"fermatas": "often"}, "the bars 'often' cannot be read: write 4, 5-8 or 4,8,12"),
    ({"fermatas": ""}, "the bars '' cannot be read"),
    ({"fermatas": "2,3"}, "no note of the tune begins in bar 3: phrases can end in bars 1 to 2, counted"),
    ({"fermatas": "0"}, "no note of the tune begins in bar 0: phrases can end in bars 1 to 2")])
def test_wishes_that_cannot_be_met_are_refused(wish, match):
    for read, notes in ((tune.hear, line(MELODY)), (tune.quartet, parts(*FOUR))):
        with pytest.raises(ValueError, match=match):
            read(notes, named(), **wish)


def test_notes_that_no_file_can_hold_are_refused():
    notes = line(MELODY)
    notes["pitch"][3] = 200
    for read in (tune.hear, tune.quartet):
        with pytest.raises(ValueError, match="1 of 8 notes are out of range, .* pitch < 128"):
            read(notes)


# ---------------------------------------------------------------------------------------------- other people's files


def test_short_notes_and_a_constant_latency_lose_no_note(tunes):
    rows = [(0, .75, 69), (.75, .875, 73), (.875, 1, 74), (1, 2, 71), (2, 3, 69), (3, 4, 67)]
    turn = np.array([(*row, 90, 0) for row in rows], midi.NOTE)
    assert sung(tune.hear(turn, midi.Meta(IN_FOUR)))["pitch"].tolist()[-3:] == [71, 69, 67]
    for title, (notes, meta) in tunes.items():
        late = recorded(notes, 1, np.full(len(notes), 0.9))
        late["start"], late["end"] = late["start"] + 0.12, late["end"] + 0.12
        assert len(sung(tune.hear(late, meta, title))) == len(notes), title


def test_a_soprano_below_a_tenor_stays_the_soprano():
    low = tune.hear(parts((60, 62, 64, 65), (76, 74, 72, 72)), named("Soprano", "Tenor"))
    assert low.piece.voices[0].tolist() == [60, REST, 76, REST]


def test_a_soprano_beside_a_bass_in_chords_is_the_tune():
    notes = np.concatenate([line(MELODY), chords((48, 50, 52, 48), (52, 53, 55, 52), part=1)])
    heard = tune.hear(notes, named("Soprano", "Bass"))
    assert heard.known.any(axis=0).tolist() == [True, False, False, False]


def test_a_melody_over_its_accompaniment_in_one_part_is_no_line_and_its_highest_notes_are_the_tune():
    held = np.array([(0, 4, 84, 90, 0), (4, 8, 83, 90, 0)], midi.NOTE)
    notes = np.concatenate([held, line((48, 52, 55, 52) * 8, length=0.25)])
    with pytest.raises(ValueError, match="several notes sound at once"):
        tune.hear(notes, midi.Meta(IN_FOUR))
    assert set(sung(tune.hear(notes, midi.Meta(IN_FOUR), part="1"))["pitch"] % 12) == {84 % 12, 83 % 12}


def test_a_quartet_without_a_metre_keeps_its_key_and_may_be_played_legato():
    up = tuple(tuple(pitch + 7 for pitch in each) for each in FOUR)
    notes = parts(*up)
    assert any(said.startswith("key G major") for said in tune.quartet(notes).said)
    notes["end"] += 0.2
    assert tune.quartet(notes, midi.Meta(IN_FOUR)) is not None


def test_one_stray_note_does_not_move_a_tune_the_wrong_way():
    moved = tune.hear(line((30,) * 20 + (98,)), midi.Meta(IN_FOUR))
    assert moved.piece.voices[0, 0] > 30


def test_nothing_at_all_and_no_part_are_refused():
    with pytest.raises(ValueError, match="there are no notes: choose another file"):
        tune.hear(np.array([], midi.NOTE))
    with pytest.raises(ValueError, match="there is no part ''"):
        tune.hear(line(MELODY), midi.Meta(IN_FOUR), part="")


@pytest.mark.parametrize("gate", [0.73, 0.75, 0.77])
def test_long_and_short_notes_released_alike_are_joined_even_where_ends_fall_on_sixteenths(tunes, gate):
    for title in ("amazing_grace", "auld_lang_syne", "god_rest_you_merry", "silent_night"):
        notes, meta = tunes[title]
        same(tune.hear(recorded(notes, 1, np.full(len(notes), gate)), meta, title), tune.hear(notes, meta, title))
