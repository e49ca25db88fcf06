"""Barlines and sixteenths: every way to write an upbeat, performances told apart, recordings cleaned."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.music import grid, midi

law = settings(database=None, deadline=None)

METRES = [
    (4, 4),
    (3, 4),
    (2, 2),
    (2, 4),
    (6, 8),
    (3, 8),
    (9, 8),
    (12, 8),
    (5, 4),
    (7, 8),
    (3, 2),
    (3, 16),
    (5, 32),
    (1, 64),
]


def bar(metre):
    return 4 * metre[0] / metre[1]


def tune(starts, length=0.25, part=0):
    return np.array(
        [(start, start + length, 60 + place % 12, 90, part) for place, start in enumerate(starts)], midi.NOTE
    )


@pytest.fixture
def chorale():
    """Sixteen bars in four parts that move in quarters and eighths, without repeated notes."""
    rng = np.random.default_rng(0)
    rows = []
    for part, middle in enumerate((72, 65, 58, 50)):
        now, pitch = 0, middle
        while now < 64:
            length = rng.choice([0.5, 1, 1, 2])
            pitch = middle + (pitch - middle + int(rng.integers(1, 4))) % 7
            rows.append((now, min(now + length, 64), pitch, 90, part))
            now += length
    return np.sort(np.array(rows, midi.NOTE), order=["start", "pitch", "part"])


def recorded(notes, milliseconds=0, gate=1.0, late=0.0, seed=0, quarters_per_minute=100):
    """As a keyboard player plays against a click."""
    rng, moved = np.random.default_rng(seed), notes.copy()
    jitter = rng.uniform(-1, 1, len(notes)) * milliseconds / 60_000 * quarters_per_minute
    moved["start"] = np.maximum(0, notes["start"] + jitter + late)
    moved["end"] = moved["start"] + (notes["end"] - notes["start"]) * gate
    return moved


# Laws


@law
@given(st.sampled_from(METRES), st.integers(0, 6), st.data())
def test_an_upbeat_is_found_in_every_way_of_writing_it(metre, silent_bars, data):
    """A short first bar, a padded one, the same signature again, or one signature at its end; silent bars before."""
    full = bar(metre)
    upbeat = data.draw(
        st.integers(1, 63).map(lambda step: step / 4).filter(lambda upbeat: upbeat < full)
        if full > 0.25
        else st.just(None)
    )
    if upbeat is None:
        return
    silence, unit = silent_bars * full, 16
    end = silence + upbeat + 20 * full
    ways = {
        "short bar": (
            [(0, *metre)] * bool(silence) + [(silence, round(upbeat * unit / 4), unit), (silence + upbeat, *metre)],
            silence,
        ),
        "again": ([(0, *metre), (silence + upbeat, *metre)], silence),
        "only at its end": ([(upbeat, *metre)], 0.0),
    }
    if upbeat <= full / 2:
        ways["padded"] = ([(0, *metre)], silence + full - upbeat)
    for way, (signatures, first) in ways.items():
        meta = midi.Meta(tuple(signatures))
        start, found = grid.beginning(meta, first, end)
        assert (start, found) == (pytest.approx(first), pytest.approx(upbeat)), way
        bars = grid.bars(meta, start, found, end)
        assert bars[0].tolist() == [round(4 * upbeat), *metre], way


@law
@given(st.sampled_from(METRES), st.integers(0, 20), st.floats(0, 0.49))
def test_silence_is_cut_to_the_bar(metre, silent_bars, rest):
    first = (silent_bars + rest) * bar(metre)
    start, upbeat = grid.beginning(midi.Meta(((0.0, *metre),)), first, first + 8)
    assert upbeat == 0 and start == pytest.approx(silent_bars * bar(metre))


@law
@given(
    st.lists(st.tuples(st.integers(0, 60).map(lambda step: step / 2), st.sampled_from(METRES)), max_size=5),
    st.integers(0, 40).map(lambda step: step / 4),
    st.integers(1, 100).map(lambda step: step / 4),
)
def test_any_signatures_give_bars_and_places(marks, first, length):
    signatures = tuple((start, *metre) for start, metre in sorted(dict(marks).items()))
    meta, end = midi.Meta(signatures), first + length
    start, upbeat = grid.beginning(meta, first, end)
    assert 0 <= start <= first <= start + upbeat or upbeat == 0
    bars = grid.bars(meta, start, upbeat, end)
    assert len(bars) and bars.dtype == np.int32 and (np.diff(bars[:, 0]) >= 0).all() and bars[0, 0] == round(4 * upbeat)
    frames = round(4 * (end - start))
    position, strength = grid.place(bars, round(4 * upbeat), frames)
    assert position.shape == strength.shape == (frames,) and (position >= 0).all()
    assert 0 <= strength.min() and strength.max() < grid.STRENGTHS
    barlines = bars[bars[:, 0] < frames, 0]
    assert (position[barlines] == 0).all() and (strength[barlines] == grid.STRENGTHS - 1).all()


@law
@given(st.sets(st.integers(0, 400), min_size=1), st.sampled_from([4, 6, 8]))
def test_written_music_is_no_performance(places, steps):
    starts = np.array(sorted(places)) / steps
    assert grid.off_grid(tune(starts)) == 0 and grid.phase(starts) == pytest.approx(0) or steps != 4


@law
@given(st.integers(0, 99), st.sampled_from([0.0, 0.05, -0.05]))
def test_free_playing_is_a_performance(seed, late):
    starts = np.cumsum(np.random.default_rng(seed).uniform(0.2, 0.8, 400))
    assert grid.off_grid(tune(starts + late)) > grid.PERFORMED


def test_cleaning_leaves_what_is_on_the_grid_alone(chorale):
    cleaned, done = grid.clean(chorale)
    np.testing.assert_array_equal(cleaned, chorale)
    assert not done and cleaned is not chorale


# Values worked by hand


@pytest.mark.parametrize(
    "milliseconds, gate, late",
    [
        (30, 0.7, 0),
        (30, 1, 0),
        (30, 0.85, 0),
        (0, 0.7, 0),
        (0, 0.9, 0),
        (15, 0.95, 0),
        (30, 0.7, 0.06),
        (0, 1, 0.1),
        (0, 0.8, -0.1),
    ],
)
def test_a_recording_against_a_click_is_the_score_again(chorale, milliseconds, gate, late):
    later = chorale.copy()
    later["start"], later["end"] = chorale["start"] + 4, chorale["end"] + 4
    played = recorded(later, milliseconds, gate, late)
    assert grid.off_grid(played) <= grid.PERFORMED
    cleaned, done = grid.clean(played)
    wanted, found = midi.notes_to_roll(later), midi.notes_to_roll(cleaned)
    assert done or not (gate < 1 or late)
    frames = min(len(wanted), len(found))
    assert abs(len(wanted) - len(found)) <= 4 and np.mean(wanted[: frames - 8] != found[: frames - 8]) < 1e-3


def test_how_late_all_are_together():
    notes = tune(np.arange(40) / 2 + 0.1)
    assert grid.phase(notes["start"]) == pytest.approx(0.1) and grid.off_grid(notes) == 0
    cleaned, done = grid.clean(notes)
    np.testing.assert_allclose(cleaned["start"], np.arange(40) / 2, atol=1e-9)
    assert done[0] == "all onsets moved by -0.100 quarter notes"
    assert grid.phase(np.arange(30) / 3) == 0  # triplets do not agree on one place between sixteenths


def test_triplets_and_thirty_seconds_are_written_and_rubato_is_not():
    swing = np.sort(np.r_[np.arange(40), np.arange(40) + 2 / 3])
    for starts in (
        np.arange(90) / 3,
        np.arange(90) / 6,
        np.arange(90) / 8,
        swing,
        np.rint(np.arange(90) / 3 * 96) / 96,
    ):
        assert grid.off_grid(tune(starts)) == 0
    mixed = np.r_[np.arange(0, 20, 0.25), 20 + np.arange(60) / 3]
    assert grid.off_grid(tune(mixed)) < grid.PERFORMED
    beats = np.arange(200) / 2
    assert grid.off_grid(tune(beats * 1.013 + 0.3 * np.sin(beats / 7))) > grid.PERFORMED


def test_gaps_are_closed_in_each_part_on_its_own():
    upper, lower = tune(np.arange(8), 0.75), tune(np.arange(0, 8, 4), 3.75, part=1)
    cleaned, done = grid.clean(np.concatenate([upper, lower]))
    assert (
        cleaned["end"].tolist()[:7] == list(range(1, 8))
        and cleaned["end"][8] == 4
        and done == ["8 early releases closed"]
    )


def test_notes_held_over_the_next_stay_held():
    notes = tune(np.arange(0, 8, 0.5), 0.375)
    notes["end"][4] = 5  # three quarters of the four quarters to 6
    cleaned, _ = grid.clean(notes)
    assert cleaned["end"][4] == 6 and cleaned["end"][3] == 2


@pytest.mark.parametrize(
    "signatures, first, wanted",
    [
        ([(0, 3, 4)], 2, (2, 1)),
        ([(0, 4, 4)], 11, (11, 1)),
        ([(0, 4, 4)], 4, (4, 0)),
        ([(0, 4, 4)], 1, (0, 0)),
        ([(0, 1, 4), (1, 3, 4)], 0.5, (0.5, 0.5)),
        ([(0, 4, 4), (8, 1, 4), (9, 4, 4)], 8, (8, 1)),
        ([(8, 3, 4)], 7, (7, 1)),
        ([(0, 4, 4), (32, 6, 8)], 34.5, (34.5, 0.5)),
        ([], 5, (4, 0)),
        ([], 0, (0, 0)),
        ([(100, 3, 4)], 0, (0, 0)),
    ],
)
def test_the_beginning_by_hand(signatures, first, wanted):
    assert grid.beginning(midi.Meta(tuple(signatures)), first, first + 40) == wanted


def test_bars_through_changes_of_metre_and_no_further_than_the_music():
    meta = midi.Meta(((0, 1, 4), (1, 3, 4), (7, 2, 4), (9, 3, 4), (100, 6, 8)))
    assert grid.bars(meta, 0, 1, 12).tolist() == [[4, 3, 4], [16, 3, 4], [28, 2, 4], [36, 3, 4]]
    assert grid.bars(midi.Meta(), 3, 1, 4).tolist() == [[4, 4, 4]]  # an upbeat and nothing else


@pytest.mark.parametrize(
    "metre, wanted",
    [
        ((4, 4), [4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0]),
        ((3, 4), [4, 0, 1, 0, 2, 0, 1, 0, 2, 0, 1, 0]),
        ((2, 4), [4, 0, 1, 0, 3, 0, 1, 0]),
        ((2, 2), [4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]),
        ((6, 8), [4, 0, 1, 0, 1, 0, 3, 0, 1, 0, 1, 0]),
        ((3, 8), [4, 1, 2, 1, 2, 1]),
        ((7, 16), [4, 2, 2, 2, 2, 2, 2]),
        ((1, 64), [4]),
    ],
)
def test_strengths_by_hand(metre, wanted):
    assert grid.strengths(*metre).tolist() == wanted


def test_an_upbeat_has_the_places_at_the_end_of_a_bar():
    position, strength = grid.place(np.array([[4, 3, 4], [16, 3, 4]]), 4, 20)
    assert position[:6].tolist() == [8, 9, 10, 11, 0, 1] and strength[:6].tolist() == [2, 0, 1, 0, 4, 0]
    assert position[14:].tolist() == [10, 11, 0, 1, 2, 3]


@pytest.mark.parametrize("metre", METRES[:11])
@pytest.mark.parametrize("upbeat", [0.0, 0.25])
def test_a_bar_has_the_number_of_the_barline_before_it(metre, upbeat):
    end = upbeat + 5 * bar(metre)
    barlines = grid.bars(midi.Meta(((0.0, *metre),)), 0.0, upbeat, end)[:, 0]
    frames = np.arange(round(4 * end))
    wanted = np.searchsorted(barlines, frames, side="right")
    numbers = grid.bar_number(frames, round(4 * upbeat), round(4 * bar(metre)))
    assert numbers.tolist() == wanted.tolist() and numbers[-1] == 5


def test_bars_are_numbered_from_the_first_full_one():
    assert [grid.bar_number(frame, 4, 16) for frame in (0, 3, 4, 19, 20, 35, 36)] == [0, 0, 1, 1, 2, 2, 3]
    assert [grid.bar_number(frame, 0, 12) for frame in (0, 11, 12, 119)] == [1, 1, 2, 10]
    assert grid.bar_number(np.array([0, 6, 7]), 6, 6).tolist() == [0, 1, 1]


def test_no_bars_are_refused():
    with pytest.raises(ValueError, match="no bars: pass"):
        grid.place(np.zeros((0, 3), int), 0, 4)
