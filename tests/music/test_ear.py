"""The ear: key, metre, upbeat and phrase ends of a tune alone."""

import numpy as np
import pytest

from utils.music import data, ear, folder, voices
from utils.music.voices import HELD, REST

TUNES = {  # key, metre, and upbeat in sixteenths; of 2/2 the ear hears 4/4
    "amazing_grace": ((7, "major"), (3, 4), 4),
    "auld_lang_syne": ((5, "major"), (4, 4), 4),
    "god_rest_you_merry": ((4, "minor"), (4, 4), 4),
    "good_king_wenceslas": ((7, "major"), (4, 4), 0),
    "greensleeves": ((9, "minor"), (6, 8), 2),
    "ode_to_joy": ((2, "major"), (4, 4), 0),
    "old_hundredth": ((7, "major"), (4, 4), 4),
    "scarborough_fair": ((2, "minor"), (3, 4), 0),
    "silent_night": ((10, "major"), (6, 8), 0),
}


def cells(*notes):
    """A line of (pitch or REST, frames)."""
    held = [[pitch] + [pitch if pitch == REST else pitch + HELD] * (frames - 1) for pitch, frames in notes]
    return np.concatenate(held).astype(np.int16)


def quarters(*pitches):
    return [(pitch, 4) for pitch in pitches]


def weights(name, **chosen):
    """Weights for what is looked at, 0 but for those that are named by their place."""
    found = np.zeros(len(getattr(ear, name)))
    for place, weight in chosen.items():
        found[int(place[1:])] = weight
    return found


@pytest.fixture(scope="module")
def learned():
    return ear.load()


@pytest.fixture(scope="module")
def held_out():
    return ear.lessons(data.pieces("valid"))


@pytest.fixture(scope="module")
def tunes():
    found = {}
    for path in sorted((data.ROOT / "data" / "tunes").glob("*.abc")):
        ((notes, _),) = folder.read(path)
        found[path.stem] = ear.line(voices.from_notes(notes)[0][:, 0])
    return found


# Laws


def test_what_is_kept_is_what_the_training_sopranos_teach(learned):
    found = ear.learn(ear.lessons(data.pieces("train")))
    assert found.keys() == learned.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, learned[name], rtol=0, atol=0.02, err_msg=name)
    assert len(learned["key"]) == len(ear.OF_KEY) and len(learned["metre"]) == len(ear.OF_METRE)
    assert len(learned["end"]) == len(ear.OF_END) and len(learned["lengths"]) == ear.LONGEST + 1
    assert np.exp(learned["lengths"]).sum() == pytest.approx(1, abs=0.01)


def test_keys_of_sopranos_that_were_held_out_are_heard(held_out, learned):
    right = [ear.key(tune, learned) == key for tune, key, *_ in held_out]
    assert len(right) > 70 and np.mean(right) >= 0.93


def test_metres_with_upbeats_of_sopranos_that_were_held_out_are_heard(held_out, learned):
    right = [ear.metre(tune, learned) == way for tune, _, way, _ in held_out]
    assert len(right) > 70 and np.mean(right) >= 0.93


def test_phrase_ends_of_sopranos_that_were_held_out_are_heard(held_out, learned):
    right, said, true = 0, 0, 0
    for tune, _, ((beats, unit), upbeat), marks in held_out:
        if len(marks):
            found = ear.phrase_ends(tune, upbeat, beats * 16 // unit, ear.beat_frames((beats, unit)), learned)
            marked = ((tune.start[:, None] <= marks) & (marks < tune.end[:, None])).any(axis=1)
            chosen = np.isin(tune.start, found)
            right, said, true = right + (chosen & marked).sum(), said + chosen.sum(), true + marked.sum()
    assert true > 300 and right / said > 0.7 and right / true > 0.7


@pytest.mark.parametrize("semitones", [-12, -5, 1, 2, 6, 9])
def test_a_transposition_moves_the_key_and_neither_metre_nor_phrases(held_out, tunes, learned, semitones):
    for tune in [*tunes.values(), *(lesson[0] for lesson in held_out[::6])]:
        moved = tune._replace(pitch=tune.pitch + semitones)
        for sharps in (None, 0, -3):
            tonic, mode = ear.key(tune, learned, sharps)
            there = None if sharps is None else sharps + 7 * semitones
            assert ear.key(moved, learned, there) == ((tonic + semitones) % 12, mode)
        metre, upbeat = ear.metre(tune, learned)
        assert ear.metre(moved, learned) == (metre, upbeat)
        setting = upbeat, metre[0] * 16 // metre[1], ear.beat_frames(metre), learned
        np.testing.assert_array_equal(ear.phrase_ends(moved, *setting), ear.phrase_ends(tune, *setting))


def test_phrases_end_on_notes_of_the_tune_and_the_last_note_ends_one(held_out, learned):
    for tune, _, ((beats, unit), upbeat), _ in held_out:
        found = ear.phrase_ends(tune, upbeat, beats * 16 // unit, ear.beat_frames((beats, unit)), learned)
        assert np.isin(found, tune.start).all() and (np.diff(found) > 0).all() and found[-1] == tune.start[-1]


@pytest.mark.parametrize("title", TUNES)
def test_tunes_that_all_know_are_heard_as_they_are_sung(tunes, learned, title):
    assert tunes.keys() == TUNES.keys()
    key, metre, upbeat = TUNES[title]
    assert ear.key(tunes[title], learned) == key
    assert ear.metre(tunes[title], learned) == (metre, upbeat)


@pytest.mark.parametrize("seed", range(12))
def test_any_line_has_a_key_a_metre_and_phrases(learned, seed):
    rng = np.random.default_rng(seed)
    notes = [(int(rng.integers(0, 128)) if rng.random() < 0.8 else REST, int(rng.integers(1, 20)))
             for _ in range(rng.integers(1, 60))]
    tune = ear.line(cells((64, 3), *notes))
    tonic, mode = ear.key(tune, learned)
    metre, upbeat = ear.metre(tune, learned)
    assert 0 <= tonic < 12 and mode in ("major", "minor") and (metre, upbeat) in ear.candidates()
    for bar, beat in ((16, 4), (12, 6), (10, 4), (3, 4)):
        found = ear.phrase_ends(tune, 0, bar, beat, learned)
        assert np.isin(found, tune.start).all() and found[-1] == tune.start[-1]


# Values worked by hand


def test_a_line_becomes_notes_that_rests_cut_short():
    found = ear.line(cells((60, 4), (REST, 2), (62, 3), (62, 5)))
    assert found.start.tolist() == [0, 6, 9] and found.end.tolist() == [4, 9, 14] and found.num_frames == 14
    assert found.pitch.tolist() == [60, 62, 62]
    found = ear.line(cells((REST, 3), (127, 1), (0, 1), (REST, 7)))
    assert found.start.tolist() == [3, 4] and found.end.tolist() == [4, 5] and found.num_frames == 12
    assert found.pitch.tolist() == [127, 0]


def test_a_line_in_four_voices_is_a_lesson():
    read = next(each for each in data.pieces("valid") if each.voices.shape[1] == 4 and len(each.fermatas))
    three = read._replace(voices=read.voices[:, :3])
    ((tune, (tonic, mode), way, marks),) = ear.lessons([three, read])
    assert tune.pitch[0] == read.voices[tune.start[0], 0] and tune.num_frames == len(read.voices)
    assert tonic == read.voices[-1, 3] % HELD % 12 and mode in ("major", "minor")
    assert way == (read.metre, read.upbeat) and marks is read.fermatas


def test_the_last_note_and_the_signature_count_alike():
    tune = ear.line(cells(*quarters(67, 69, 71, 64)))
    last_is_tonic = {"key": weights("OF_KEY", _1=1.0, _7=0.1)}  # and a little for major
    assert ear.key(tune, last_is_tonic) == (4, "major")
    assert ear.key(tune, last_is_tonic, 1) == (4, "minor")
    assert ear.key(tune, last_is_tonic, 4) == (4, "major")
    assert ear.key(tune, {"key": weights("OF_KEY", _3=1.0, _7=0.1)}) == (9, "major")  # the last note is its fifth
    assert ear.key(tune, {"key": weights("OF_KEY", _5=1.0)}) == (3, "major")  # the first note is its third
    assert ear.key(tune, {"key": weights("OF_KEY", _5=1.0, _7=-0.1)}) == (4, "minor")


def test_ways_to_bar_a_tune_by_hand():
    assert len(ear.candidates()) == 8 + 6 + 6
    assert ear.candidates(((2, 4),)) == [((2, 4), 0), ((2, 4), 2), ((2, 4), 4), ((2, 4), 6)]
    assert ear.candidates(((3, 8),)) == [((3, 8), 0), ((3, 8), 2), ((3, 8), 4)]


def test_a_metre_is_chosen_among_those_that_are_asked_for(tunes, learned):
    assert ear.metre(tunes["old_hundredth"], learned, ((4, 4),)) == ((4, 4), 4)
    assert ear.metre(tunes["old_hundredth"], learned, ((3, 4),))[0] == (3, 4)
    assert ear.metre(tunes["greensleeves"], learned, ((6, 8),)) == ((6, 8), 2)


def test_the_downbeat_is_where_the_long_notes_stand():
    tune = ear.line(cells(*[(60, 4), (62, 8)] * 4))
    long_notes = {"metre": weights("OF_METRE", _0=1.0)}
    assert ear.metre(tune, long_notes, ((3, 4),)) == ((3, 4), 4)
    assert ear.metre(ear.line(cells(*[(62, 8), (60, 4)] * 4)), long_notes, ((3, 4),)) == ((3, 4), 0)


def test_phrases_end_where_the_lengths_and_the_long_notes_say():
    line = cells(*quarters(60, 62, 64), (65, 8), *quarters(64, 62, 60), (62, 8), *quarters(60, 62, 64), (60, 8))
    even = np.full(ear.LONGEST + 1, -np.log(ear.LONGEST + 1))
    long_notes = {"end": weights("OF_END", _0=-6.0, _1=4.0), "lengths": even}  # a note of two beats ends a phrase
    assert ear.phrase_ends(ear.line(line), 0, 20, 4, long_notes).tolist() == [12, 32, 52]
    usual = np.full(ear.LONGEST + 1, -20.0)
    usual[4] = 0  # a phrase has four beats, whatever its notes
    four_beats = {"end": weights("OF_END"), "lengths": usual}
    tune = ear.line(cells(*quarters(*range(60, 76))))
    assert ear.phrase_ends(tune, 0, 16, 4, four_beats).tolist() == [12, 28, 44, 60]
    slower = ear.line(cells(*[(pitch, 6) for pitch in range(60, 76)]))
    assert ear.phrase_ends(slower, 0, 12, 6, four_beats).tolist() == [18, 42, 66, 90]


@pytest.mark.parametrize("metre, frames", [
    ((4, 4), 4), ((3, 4), 4), ((2, 2), 4), ((6, 8), 6), ((9, 8), 6), ((12, 8), 6), ((3, 8), 4), ((5, 8), 4)])
def test_what_is_counted_as_a_beat(metre, frames):
    assert ear.beat_frames(metre) == frames


# Errors and their remedies


@pytest.mark.parametrize("silence", [[REST] * 8, [], [60 + HELD, 60 + HELD]])
def test_a_tune_without_notes_is_refused(silence):
    with pytest.raises(ValueError, match="no note in this tune: choose a file or a part with notes"):
        ear.line(np.array(silence, np.int16))
