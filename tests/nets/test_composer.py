"""The composer with the shipped network: what is given stays, sections return, and music closes as promised."""

from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.measure import attempts
from utils.music import folder, grid, harmony, midi, piece, tune, voices
from utils.music.voices import HELD
from utils.nets import composer, infill_numpy

ROOT = Path(__file__).resolve().parents[2]
TUNES = ("amazing_grace", "greensleeves", "old_hundredth", "scarborough_fair", "silent_night")
FORMS = ("A", "AB", "AAB", "ABA", "AABA", "ABAC")


@cache
def network():
    return infill_numpy.load(ROOT / "outputs" / "infill")


@cache
def read(name):
    (found,) = folder.read(ROOT / "data" / "tunes" / f"{name}.abc")
    return found


@cache
def heard(name):
    return tune.hear(*read(name), name)


@cache
def six(name):
    """Six ways to harmonise a tune."""
    return composer.harmonise(network(), heard(name), attempts=6)


def cells(found):
    """The cells of all attempts: int16 (attempts, frames, 4)."""
    return np.stack([each.piece.voices for each in found])


def closes(read):
    """Whether the bass ends on the tonic."""
    return voices.pitches(read.voices)[-1, 3] % 12 == harmony.tonic(read)


def outline(read):
    """What a piece is beside its notes."""
    return read.metre, read.bar_frames, read.upbeat, read.mode, read.semitones, read.fermatas.tolist()


# ---------------------------------------------------------------------------------------------- harmonise


@pytest.mark.parametrize("name", TUNES)
def test_the_tune_stays_as_it_is_and_nothing_else_is_left_out(name):
    asked = heard(name)
    for each in six(name):
        assert each.piece.voices.dtype == np.int16 and outline(each.piece) == outline(asked.piece)
        assert (each.piece.voices[asked.known] == asked.piece.voices[asked.known]).all()
        written = each.piece.voices[~asked.known].reshape(-1, 3)
        assert written.min() >= 0 and (voices.struck(written) == (written < HELD)).all()
        pitch, (low, high) = voices.pitches(written), np.transpose(voices.RANGES[1:])
        assert (pitch >= low).all() and (pitch <= high).all()
        np.testing.assert_array_equal(each.piece.roll, voices.to_roll(each.piece.voices))
        assert 0 < each.nats < 5


def test_phrases_rest_and_pieces_close_as_promised():
    pieces = [each.piece for name in TUNES for each in six(name)]
    found = [attempts.judge(each) for each in pieces]
    mean = {name: np.mean([each[name] for each in found]) for name in ("parallels", "spacing", "chords")}
    assert np.mean([closes(each) for each in pieces]) >= 0.9
    assert np.mean([end.at_rest for each in pieces for end in harmony.cadences(each)]) >= 0.9
    assert mean["parallels"] <= 0.1 and mean["spacing"] >= 0.97 and mean["chords"] >= 0.8


@pytest.mark.parametrize("name", TUNES)
def test_attempts_differ(name):
    for one, other in combinations(six(name), 2):
        assert (one.piece.voices != other.piece.voices).any() and attempts.alike(one.piece, other.piece) < 0.95


@pytest.mark.parametrize("name", ["old_hundredth", "silent_night"])
def test_the_same_seed_gives_the_same_music_and_another_seed_another(name):
    one, again, other = (composer.harmonise(network(), heard(name), 2, seed=seed, drafts=1) for seed in (3, 3, 4))
    assert (cells(one) == cells(again)).all() and [each.nats for each in one] == [each.nats for each in again]
    assert all((mine.piece.voices != theirs.piece.voices).any() for mine, theirs in zip(one, other))


@pytest.mark.parametrize("name", ["old_hundredth", "greensleeves"])
def test_one_draft_is_enough_to_write(name):
    asked = heard(name)
    for each in composer.harmonise(network(), asked, 2, drafts=1):
        assert (each.piece.voices[asked.known] == asked.piece.voices[asked.known]).all()
        assert each.piece.voices[~asked.known].min() >= 0


def test_eight_drafts_are_better_than_one():
    names = ("old_hundredth", "amazing_grace")
    single = [each.piece for name in names for each in composer.harmonise(network(), heard(name), 12, drafts=1)]
    best = [each.piece for name in names for each in six(name)]
    at_rest = lambda pieces: np.mean([end.at_rest for read in pieces for end in harmony.cadences(read)])
    parallels = lambda pieces: np.mean([len(harmony.parallels(read)) for read in pieces])
    assert at_rest(best) > at_rest(single) + 0.05 and parallels(best) < parallels(single)
    assert np.mean(list(map(closes, best))) > np.mean(list(map(closes, single))) + 0.05


@pytest.mark.parametrize("name", ["old_hundredth", "scarborough_fair", "silent_night"])
def test_a_recording_against_a_click_is_harmonised_as_the_written_tune(name, tmp_path):
    notes, meta = read(name)
    played = notes.copy()
    late = np.random.default_rng(5).uniform(-0.02, 0.02, len(notes))
    played["start"] = np.maximum(0, notes["start"] + late)
    played["end"] = played["start"] + 0.8 * (notes["end"] - notes["start"])
    midi.notes_to_midi(played, tmp_path / "played.mid", meta)
    asked = tune.hear(*midi.read_midi(tmp_path / "played.mid"), name)
    assert (played["start"] != notes["start"]).any() and outline(asked.piece) == outline(heard(name).piece)
    clean, recorded = (composer.harmonise(network(), each, 1, drafts=2) for each in (heard(name), asked))
    assert (cells(clean) == cells(recorded)).all()


def test_a_bass_that_is_given_beside_the_tune_stays_too():
    whole = six("old_hundredth")[0].piece
    notes = voices.to_notes(whole.voices)
    asked = tune.hear(notes[np.isin(notes["part"], (0, 3))], midi.Meta(
        ((0.0, 1, 4), (1.0, 4, 4)), part_names=voices.SINGERS), "old_hundredth")
    assert asked.known.all(axis=0).tolist() == [True, False, False, True]
    for each in composer.harmonise(network(), asked, 2):
        assert (each.piece.voices[:, [0, 3]] == whole.voices[:, [0, 3]]).all()
        assert each.piece.voices.min() >= 0


@pytest.mark.parametrize("numbers", [dict(attempts=0), dict(drafts=0)])
def test_no_attempt_and_no_draft_are_refused(numbers):
    with pytest.raises(ValueError, match="attempts of . drafts: ask for 1 or more of each"):
        composer.harmonise(network(), heard("old_hundredth"), **numbers)


# ---------------------------------------------------------------------------------------------- vary


@pytest.mark.parametrize("name, bars, singers", [
    ("old_hundredth", [0], [0, 1, 2, 3]), ("old_hundredth", [3, 4], [1, 2]), ("old_hundredth", [7, 8], [3]),
    ("old_hundredth", [2, 5], [0]), ("old_hundredth", None, [2]), ("old_hundredth", [6], None),
    ("greensleeves", [2, 3], [1, 2]), ("greensleeves", [16], None), ("greensleeves", None, [3]),
])
def test_all_is_untouched_but_the_cells_that_were_asked_for(name, bars, singers):
    whole = six(name)[0].piece
    number = grid.bar_number(np.arange(len(whole.voices)), whole.upbeat, whole.bar_frames)
    inside = np.isin(number, number if bars is None else bars)[:, None] & np.isin(
        range(4), range(4) if singers is None else singers)
    found = composer.vary(network(), whole, bars, singers, attempts=2, seed=2)
    for each in found:
        assert (each.piece.voices[~inside] == whole.voices[~inside]).all() and outline(each.piece) == outline(whole)
        assert each.piece.voices[inside].min() >= 0 and each.nats > 0
    assert (cells(found)[:, inside] != whole.voices[inside]).any()


def test_where_no_voices_and_no_bars_are_named_all_are_meant():
    whole = six("old_hundredth")[0].piece
    last = grid.bar_number(len(whole.voices) - 1, whole.upbeat, whole.bar_frames)
    unsaid = composer.vary(network(), whole, attempts=1)
    said = composer.vary(network(), whole, list(range(last + 1)), [0, 1, 2, 3], attempts=1)
    assert (cells(unsaid) == cells(said)).all()
    assert (cells(unsaid)[0] != whole.voices).any(axis=0).all()


def test_a_note_that_is_held_into_what_stays_is_begun_in_the_bar_before():
    notes = np.tile(np.array([72, 67, 64, 48], np.int16) + HELD, (64, 1))
    notes[::4] -= HELD
    notes[32, [1, 3]] += HELD
    whole = piece.blank("held", notes, (4, 4), 0, "major", 0)
    for each in composer.vary(network(), whole, [2], [1, 2, 3], attempts=4):
        assert (each.piece.voices[31, [1, 3]] % HELD == [67, 48]).all()
        assert (each.piece.voices[32:] == notes[32:]).all() and not voices.struck(each.piece.voices)[32, [1, 3]].any()


def test_where_nothing_is_asked_for_nothing_is_written():
    whole = six("old_hundredth")[0].piece
    (each,) = composer.vary(network(), whole, singers=[], attempts=1)
    assert (each.piece.voices == whole.voices).all() and np.isnan(each.nats)


@pytest.mark.parametrize("bars, missing", [([99], 99), ([3, 9], 9), ([-1], -1)])
def test_a_bar_that_is_not_there_is_refused(bars, missing):
    with pytest.raises(ValueError, match=f"there is no bar {missing}: the piece has bars 0 to 8"):
        composer.vary(network(), six("old_hundredth")[0].piece, bars)


# ---------------------------------------------------------------------------------------------- write on

LONGER = (("old_hundredth", 8), ("amazing_grace", 4), ("silent_night", 4), ("auld_lang_syne", 8))


@cache
def longer(name, bars):
    return composer.write_on(network(), heard(name), bars, attempts=2)


@pytest.mark.parametrize("name, bars", LONGER)
def test_what_is_given_goes_on_by_whole_bars(name, bars):
    asked = heard(name)
    length, bar = len(asked.piece.voices), asked.piece.bar_frames
    for each in longer(name, bars):
        new = each.piece
        assert len(new.voices) == length + bars * bar == len(new.roll)
        assert (new.voices[:length][asked.known] == asked.piece.voices[asked.known]).all()
        assert new.voices[length:].min() >= 0 and new.voices[:length][~asked.known].min() >= 0
        ends = new.fermatas.tolist()
        assert ends[:len(asked.piece.fermatas)] == asked.piece.fermatas.tolist() and ends == sorted(set(ends))
        assert len(new.voices) - bar <= ends[-1] < len(new.voices)


def test_what_goes_on_closes_on_the_tonic():
    assert np.mean([closes(each.piece) for name, bars in LONGER for each in longer(name, bars)]) >= 0.9


def test_a_last_bar_that_is_not_full_is_filled_first():
    notes = np.array([(beat, beat + 1, pitch, 90, 0) for beat, pitch in enumerate((67, 71, 74, 71, 72, 69))], midi.NOTE)
    asked = tune.hear(notes, midi.Meta(((0.0, 4, 4),), part_names=("",)), key="G")
    (each,) = composer.write_on(network(), asked, 2, attempts=1)
    assert len(asked.piece.voices) == 24 and len(each.piece.voices) == 32 + 2 * 16
    assert (each.piece.voices[:24, 0] == asked.piece.voices[:, 0]).all() and each.piece.voices.min() >= 0


def test_a_piece_in_four_voices_goes_on_too():
    whole = six("old_hundredth")[0].piece
    asked = tune.Tune(whole, np.ones(whole.voices.shape, bool), ())
    for each in composer.write_on(network(), asked, 4, attempts=2):
        assert (each.piece.voices[:len(whole.voices)] == whole.voices).all()
        assert len(each.piece.voices) == len(whole.voices) + 4 * 16


@pytest.mark.parametrize("bars", [0, -4])
def test_no_bars_more_are_refused(bars):
    with pytest.raises(ValueError, match=f"{bars} bars more: ask for 1 to 400"):
        composer.write_on(network(), heard("old_hundredth"), bars)


# ---------------------------------------------------------------------------------------------- compose


@pytest.mark.parametrize("vary_inner", [False, True])
@pytest.mark.parametrize("form, bars", [("AAB", 12), ("AABA", 16), ("ABA", 12), ("ABAC", 8)])
def test_a_section_that_returns_is_the_same(form, bars, vary_inner):
    blank = composer.blank(bars, "e minor", form=form)
    places = composer.sections(blank, form)
    found = composer.compose(network(), blank, form, vary_inner, attempts=2, drafts=2)
    parts = [[each.piece.voices[start:stop] for start, stop in places] for each in found]
    again = [(part[form.index(letter)], part[number]) for part in parts for number, letter in enumerate(form)
             if form.index(letter) < number]
    for first, returned in again:
        np.testing.assert_array_equal(first[:, [0, 3]], returned[:, [0, 3]])
        assert vary_inner or (first == returned).all()
    assert not vary_inner or any((first != returned).any() for first, returned in again)
    assert all((part[form.index(one)] != part[form.index(other)]).any() for part in parts
               for one, other in combinations(dict.fromkeys(form), 2))


@pytest.mark.parametrize("metre, key", [("4/4", "G"), ("3/4", "e minor"), ("6/8", "F"), ("2/2", "Bbm"), ("2/4", "F#"),
                                        ("5/4", "d"), ("3/8", "A"), ("7/8", "C")])
def test_every_metre_and_key_is_written_to_its_end(metre, key):
    for form in FORMS if metre in ("4/4", "3/4") else ("A", "ABA"):
        blank = composer.blank(2 * len(form), key, metre, form=form)
        (each,) = composer.compose(network(), blank, form, attempts=1, drafts=1)
        assert each.piece.voices.shape == blank.voices.shape and each.piece.voices.min() >= 0 and each.nats > 0
        pitch, (low, high) = voices.pitches(each.piece.voices), np.transpose(voices.RANGES)
        assert (pitch >= low).all() and (pitch <= high).all() and outline(each.piece) == outline(blank)


def test_what_is_composed_closes_on_the_tonic():
    found = [each.piece for form, key in (("A", "G"), ("AB", "e minor"), ("AA", "Bb"))
             for each in composer.compose(network(), composer.blank(8, key, form=form), form, attempts=3)]
    assert np.mean([closes(each) for each in found]) >= 0.9
    assert np.mean([end.at_rest for each in found for end in harmony.cadences(each)]) >= 0.9


def test_the_same_seed_composes_the_same_piece():
    blank = composer.blank(2)
    one, again, other = (composer.compose(network(), blank, attempts=1, drafts=2, seed=seed) for seed in (1, 1, 2))
    assert (cells(one) == cells(again)).all() and (cells(one) != cells(other)).any()


@given(st.text("ABC", min_size=1, max_size=6), st.integers(1, 40))
def test_sections_share_all_bars_out(form, bars):
    try:
        places = composer.sections(composer.blank(bars), form)
    except ValueError as error:
        assert str(error).startswith(f"{bars} bars cannot be divided into {form}: ask for ")
        assert bars % (2 * len(form))
        return
    assert places[0][0] == 0 and places[-1][1] == 16 * bars and all(a[1] == b[0] for a, b in pairwise(places))
    sizes = {letter: {stop - start for (start, stop), mine in zip(places, form) if mine == letter} for letter in form}
    assert all(len(each) == 1 and min(each) >= 16 and min(each) % 16 == 0 for each in sizes.values())


@pytest.mark.parametrize("bars, form, sizes", [
    (12, "AAB", [4, 4, 4]), (16, "AABA", [4, 4, 4, 4]), (7, "AAB", [2, 2, 3]), (15, "ABA", [5, 5, 5]),
    (10, "AA", [5, 5]), (11, "A", [11]), (13, "AB", [6, 7])])
def test_sections_by_hand(bars, form, sizes):
    places = composer.sections(composer.blank(bars), form)
    assert [(stop - start) // 16 for start, stop in places] == sizes


@pytest.mark.parametrize("bars, form, remedy", [
    (7, "AA", "7 bars cannot be divided into AA: ask for a multiple of 2 bars"),
    (9, "AABB", "ask for a multiple of 4 bars"), (2, "AAB", "ask for a multiple of 3 bars"),
    (8, "aab", "'aab' cannot be read: write a letter for each section"), (8, "", "write a letter"),
    (8, "A B", "write a letter")])
def test_a_form_that_does_not_fit_is_refused(bars, form, remedy):
    with pytest.raises(ValueError, match=remedy):
        composer.sections(composer.blank(bars), form)
    with pytest.raises(ValueError, match=remedy):
        composer.blank(bars, form=form)
    with pytest.raises(ValueError, match=remedy):
        composer.compose(network(), composer.blank(bars), form)


@pytest.mark.parametrize("bars, metre, upbeat, fermatas", [
    (8, "4/4", None, [28, 60, 92, 124]), (8, "2/2", None, [28, 60, 92, 124]), (4, "4/4", 0, [24, 56]),
    (8, "3/4", None, [52, 88]), (6, "3/4", 0, [24, 60])])
def test_a_blank_piece_by_hand(bars, metre, upbeat, fermatas):
    blank = composer.blank(bars, "e minor", metre, upbeat)
    assert blank.fermatas.tolist() == fermatas and len(blank.voices) == bars * blank.bar_frames
    assert blank.upbeat == (4 if upbeat is None else 4 * upbeat)
    assert (harmony.tonic(blank), blank.mode) == (4, "minor") and blank.voices.max() == voices.REST == -1


def test_every_section_of_a_blank_piece_ends_a_phrase():
    for form in FORMS:
        blank = composer.blank(4 * len(form), form=form)
        for _, stop in composer.sections(blank, form):
            assert stop - 4 in blank.fermatas


@pytest.mark.parametrize("wish, remedy", [
    (dict(bars=0), "0 bars of 4/4: ask for 1 to 400"), (dict(bars=401), "ask for 1 to 400"),
    (dict(metre="3/16"), "16 bars of 3/16: ask for 1 to 400, of a quarter note or more"),
    (dict(metre="4/3"), "write 4/4, 3/4, 6/8"), (dict(key="H"), "write G, e minor, F# or Bbm"),
    (dict(upbeat=4), "less than a bar, such as 1 or 0.5"), (dict(upbeat=0.3), "give whole sixteenths")])
def test_a_piece_that_cannot_be_is_refused(wish, remedy):
    with pytest.raises(ValueError, match=remedy):
        composer.blank(**wish)


# ---------------------------------------------------------------------------------------------- metres


@pytest.mark.parametrize("metre, bar, scale, words", [
    ("4/4", 16, 1, ""), ("3/4", 12, 1, ""), ("2/2", 16, 1, "2/2 is harmonised as 4/4"),
    ("2/4", 16, 1, "2/4 is harmonised as 4/4: no 2/4 was learned"),
    ("6/4", 12, 1, "6/4 is harmonised as 3/4: no 6/4 was learned"),
    ("6/8", 12, 2, "6/8 is harmonised as 3/4 with an eighth for a quarter: no 6/8 was learned"),
    ("9/8", 12, 2, "9/8 is harmonised as 3/4 with an eighth for a quarter: no 9/8 was learned")])
def test_a_metre_is_harmonised_as_the_nearest_one_that_was_learned(metre, bar, scale, words):
    blank = composer.blank(8, "D", metre, upbeat=0.5)
    form, found, said = composer.form_of(blank)
    assert (form.bar_frames, found, said) == (bar, scale, words)
    assert (form.upbeat, form.length, form.tonic, form.mode) == (2 * scale, scale * len(blank.voices), 2, "major")
    assert form.fermatas.tolist() == (scale * blank.fermatas).tolist()


@pytest.mark.parametrize("metre", ["5/4", "7/8", "7/4"])
def test_a_metre_like_none_that_was_learned_leaves_the_place_in_the_bar_open(metre):
    form, scale, said = composer.form_of(composer.blank(8, "D", metre))
    assert form.upbeat is None and scale == 1
    assert said == f"{metre} is harmonised without a metre: no similar metre was learned"


@pytest.mark.parametrize("metre", ["4/4", "3/4", "2/4", "6/8", "3/2", "2/2", "9/8", "3/8"])
@pytest.mark.parametrize("upbeat", [None, 0, 0.5, 1])
def test_phrases_end_inside_their_section_and_one_in_its_last_bar(metre, upbeat):
    for bars, form in ((16, "A"), (16, "AABA"), (12, "AAB"), (2, "A")):
        made = composer.blank(bars, "G", metre, upbeat, form)
        for start, stop in composer.sections(made, form):
            inside = made.fermatas[(made.fermatas >= start) & (made.fermatas < stop)]
            assert len(inside) and stop - made.bar_frames <= inside[-1] <= stop - 2


def test_a_note_that_is_held_over_the_seam_is_begun_before_it_in_six_eight_too():
    chord = np.array([72, 67, 64, 48])
    chords = np.tile(chord + voices.HELD, (48, 1)).astype(np.int16)
    chords[::4] -= voices.HELD
    chords[24, [1, 3]] += voices.HELD
    held = piece.blank("mine", chords, (6, 8), 0, "major", 0)._replace(fermatas=np.array([44], np.int32))
    for seed in range(4):
        for each in composer.vary(network(), held, [2], [1, 2, 3], 4, seed=seed):
            assert (voices.pitches(each.piece.voices)[23, [1, 3]] == chord[[1, 3]]).all()
            assert (each.piece.voices[24:] == chords[24:]).all()


def test_bars_of_a_piece_that_goes_on_reach_to_its_end():
    read = heard("old_hundredth")
    (longer,) = composer.write_on(network(), read, 8, attempts=1)
    assert len(longer.piece.bars) == len(read.piece.bars) + 8
