"""A grade knows no key, no length and no order of pieces, follows the hand, and rises with what is spoiled."""

import numpy as np
import pytest

from utils.measure import grade
from utils.music import data, piece, voices


@pytest.fixture(scope="module")
def train():
    return data.pieces("train")


@pytest.fixture(scope="module")
def valid():
    return data.pieces("valid")


@pytest.fixture(scope="module")
def reference(train):
    return grade.learn(train)


@pytest.fixture(scope="module")
def bach(valid, reference):
    return grade.grade(valid, reference)


def of(rows, frames=4, upbeat=0, metre=(4, 4)):
    """A piece of chords in C major, soprano first, of so many frames each."""
    cells = np.repeat(np.array(rows, np.int16), frames, axis=0)
    cells[np.arange(len(cells)) % frames > 0] += voices.HELD
    return piece.blank("by hand", cells, metre, upbeat, "major", 0)


# Laws


@pytest.mark.parametrize("name", grade.NINE)
def test_a_distance_is_none_from_itself_and_the_same_both_ways(name, valid):
    first, second = (grade.features(each).counts[name] for each in valid[:2])
    assert grade.distance(name, first, 3 * first) == pytest.approx(0)
    assert grade.distance(name, first, second) == pytest.approx(grade.distance(name, second, first))
    assert np.isnan(grade.distance(name, first, 0 * first))


def test_a_grade_is_the_same_in_every_key_and_in_every_company(valid, reference, bach):
    moved = [each._replace(voices=voices.transpose(each.voices, 2), semitones=each.semitones - 2) for each in valid[:5]]
    moved = [piece.with_voices(each, each.voices) for each in moved]
    alone = grade.grade(moved, reference)
    assert alone.total == pytest.approx(bach.total[:5])
    assert set(alone.parts) == set(grade.NINE) and len(alone.parts) == 9
    assert alone.total == pytest.approx(np.mean(list(alone.parts.values()), axis=0))


def test_lengths_count_in_beats_so_that_a_slower_notation_is_the_same_music(valid):
    read = next(each for each in valid if each.metre == (4, 4))
    slow = piece.blank("slow", np.repeat(read.voices, 2, axis=0), (4, 2), 2 * read.upbeat, read.mode, 0)
    assert np.array_equal(grade.features(read).counts["rhythm"][12:], grade.features(slow._replace(
        voices=_held(slow.voices))).counts["rhythm"][12:])


def _held(cells):
    """Cells that were doubled, each struck once."""
    cells = cells.copy()
    second = cells[1::2]
    cells[1::2] = np.where((second >= 0) & (second < voices.HELD), second + voices.HELD, second)
    return cells


def test_bach_is_usual_for_bach_and_half_of_his_pieces_are_not_told_from_others(train, reference, bach):
    assert all(0.85 < part.mean() < 1.25 for part in bach.parts.values())
    half = grade.learn(train[::2])
    first, second = (grade.grade(each, half).total for each in (train[1::4], train[3::4]))
    found = grade.pairs(first, second, 1)
    assert found.low < 0.5 < found.high and 0.9 < np.mean(first) < 1.1


def test_what_was_learned_from_looks_better_than_it_is(train):
    """Why Bach has to be graded on held-out pieces."""
    few = train[:12]
    assert grade.grade(few, grade.learn(few)).total.mean() < 0.95


def test_short_pieces_are_not_worse_for_being_short(valid, reference):
    beginnings = [piece.with_voices(each, each.voices[:each.upbeat + 6 * each.bar_frames]) for each in valid
                  if len(each.voices) >= each.upbeat + 10 * each.bar_frames]
    assert len(beginnings) > 20 and grade.grade(beginnings, reference).total.mean() < 1.2


@pytest.mark.parametrize("seed", [1, 2])
def test_the_more_is_spoiled_the_higher_the_grade(seed, valid, reference, bach):
    rng = np.random.default_rng(seed)
    spoiled = [bach.total]
    for share in (0.05, 0.1, 0.2):
        spoiled.append(grade.grade([grade.wrong_notes(each, share, rng) for each in valid], reference).total)
    means, picked = [each.mean() for each in spoiled], [grade.pairs(bach.total, each, seed) for each in spoiled]
    assert means == sorted(means) and [each.rate for each in picked] == sorted(each.rate for each in picked)
    assert picked[0].rate == 0.5 and picked[2].low > 0.6 and picked[3].rate > 0.85


@pytest.mark.parametrize("spoil, parts", [(grade.shuffled_beats, {"parallels", *grade.MELODIES}),
                                          (grade.moved_voices, {"pitch", "parallels", "harmony", "repetition"})])
def test_what_is_broken_shows_in_its_own_parts(spoil, parts, valid, reference, bach):
    rng = np.random.default_rng(1)
    found = grade.grade([spoil(each, rng) for each in valid], reference)
    assert {name for name in grade.NINE if found.parts[name].mean() > 1.5 * bach.parts[name].mean()} == parts
    assert grade.pairs(bach.total, found.total, 1).low > 0.95


# Values worked by hand


CHORDS = [[72, 67, 64, 48], [74, 67, 62, 55], [76, 67, 60, 48], [72, 69, 65, 53]] * 4


def test_counts_are_those_of_the_hand():
    counts = grade.features(of(CHORDS)).counts
    fifths = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 5: 11}  # degree -> place on the circle
    degrees = np.bincount([fifths[note % 12] for row in CHORDS for note in row], minlength=12)
    assert counts["pitch"].tolist() == degrees.tolist()
    assert counts["rhythm"][grade.FINE * -grade.SHORTEST_BEATS] == counts["rhythm"].sum() == 64  # a beat each
    soprano = dict(zip(np.arange(-24, 25), counts["soprano"]))
    assert {step: count for step, count in soprano.items() if count} == {2: 8, -4: 4, 0: 3}
    assert counts["harmony"].sum() == 16 and np.count_nonzero(counts["harmony"]) == 2  # F over F, C and G over C and G:
    assert sorted(counts["harmony"][counts["harmony"] > 0]) == [4, 12]  # G without its third has no name
    assert counts["repetition"][grade.ALIKE] == counts["repetition"].sum() == 3  # each bar is the one before


def test_parallels_are_told_from_other_moves():
    counts = grade.features(of([[72, 67, 64, 48], [74, 69, 65, 50]] * 8)).counts["parallels"]
    assert counts.sum() == 15 * 6 and counts[1] == 15 * 2  # soprano and bass in octaves, alto and bass in fifths


def test_distances_are_those_of_the_hand():
    one = lambda name, place: np.eye(len(grade.features(of(CHORDS)).counts[name]))[place]
    assert grade.distance("pitch", one("pitch", 0), one("pitch", 11)) == pytest.approx(1)  # round the circle
    assert grade.distance("pitch", one("pitch", 0), one("pitch", 6)) == pytest.approx(6)
    assert grade.distance("soprano", one("soprano", 24), one("soprano", 29)) == pytest.approx(5)  # semitones
    assert grade.distance("rhythm", one("rhythm", 12), one("rhythm", 36)) == pytest.approx(2)  # a quarter of the length
    assert grade.distance("harmony", one("harmony", 0), one("harmony", 9)) == 1
    assert grade.distance("repetition", one("repetition", 0), one("repetition", 40)) == pytest.approx(1)


def test_pairs_are_counted():
    assert grade.pairs([1, 2], [3, 4, 5]) == (1, 1, 1) and grade.pairs([1, 1], [1]).rate == 0.5
    assert grade.pairs([1, 4], [2, 3]).rate == 0.5 and grade.pairs([1, 4], [2, 5]).rate == 0.75
    rng = np.random.default_rng(0)
    few, many = (grade.pairs(rng.normal(0, 1, size), rng.normal(1, 1, size), 3) for size in (20, 500))
    assert few.high - few.low > 2 * (many.high - many.low) and many.low < 0.76 < many.high


def test_spoiling_keeps_what_it_says(valid):
    read, rng = valid[0], np.random.default_rng(0)
    wrong = grade.wrong_notes(read, 0.1, rng)
    struck = voices.struck(read.voices)
    assert np.array_equal(voices.struck(wrong.voices), struck)
    changed = (voices.pitches(wrong.voices) != voices.pitches(read.voices))[struck].mean()
    assert 0.04 < changed < 0.18 and np.array_equal(grade.wrong_notes(read, 0, rng).roll, read.roll)
    shuffled = grade.shuffled_beats(read, rng)
    beats = [sorted(beat.tobytes() for beat in np.split(each.voices[read.upbeat:][:128], 32)) for each in (
        piece.with_voices(read, read.voices[:read.upbeat + 128]), grade.shuffled_beats(
            piece.with_voices(read, read.voices[:read.upbeat + 128]), rng))]
    assert beats[0] == beats[1] and not np.array_equal(shuffled.roll, read.roll)
    moved = grade.moved_voices(read, rng)
    steps = voices.pitches(moved.voices).astype(int) - voices.pitches(read.voices)
    assert all(len(set(line[sounds].tolist())) == 1 for line, sounds in zip(
        steps.T, (voices.pitches(read.voices) >= 0).T))


# What cannot be graded


def test_what_cannot_be_graded_is_said(valid, reference):
    read = valid[0]
    silent = read.voices.copy()
    silent[:, 2] = voices.REST
    for other, words in ((read._replace(voices=read.voices[:, :3]), "3 voices, not four"),
                         (piece.with_voices(read, read.voices[:32]), "shorter than 4 bars"),
                         (piece.with_voices(read, silent), "tenor without a melody")):
        assert grade.why_not(other) == words
        with pytest.raises(ValueError, match=f"{words}: give a piece of 4 bars or more in four voices"):
            grade.grade([other], reference)
    assert grade.why_not(read) == "" and len(grade.grade([], reference).total) == 0
    with pytest.raises(ValueError, match="give 10 or more"):
        grade.learn(valid[:9])
    with pytest.raises(ValueError, match="give some of each"):
        grade.pairs([], [1.0])
