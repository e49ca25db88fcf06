"""Every figure draws where it is told, says what it was given, and can be read."""

import inspect

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from utils.music import midi
from utils.show import plots

matplotlib.use("agg")

ROLL = np.zeros((20, 128), "uint8")  # an upbeat of a quarter and a bar of four
ROLL[0, 60], ROLL[1:4, 60] = 1, 2
ROLL[4, 67], ROLL[5:20, 67] = 1, 2

PICTURES = {
    "piano_roll": (ROLL, 4),
    "wave": (np.sin(np.arange(16_000) / 10), 16_000),
    "histogram": ({"4/4": 362, "3/4": 44, "other": 7},),
    "losses": ({"loss": [3.0, 2.0], "val_loss": [3.1, 2.5], "accuracy": [0.1, 0.2]},),
    "states": (np.sin(np.arange(200.0)).reshape(20, 10), [4, 12]),
    "inside": ({"Bach": np.array([1.0, 2.0, np.nan]), "silence": np.array([np.nan])}, 0.5, 1.5),
    "intervals": ({"Bach": (0.5, 0.4, 0.6), "network": (0.7, np.nan, np.nan), "silence": None}, (0.4, 0.6), "network"),
    "scoreboard": ({"Bach": {"notes_per_bar": 15.0, "phrase_ends": np.nan}}, {"Bach": {"notes_per_bar": 0.9}}),
    "rates": (pd.DataFrame([(1e-4, 1e-5, 1, "collapsed"), (1e-4, 1e-3, 2, "healthy"), (1e-3, 1e-3, 1, "noise")],
                           columns=["generator_rate", "discriminator_rate", "seed", "verdict"]), [(1e-4, 1e-5)]),
    "points": (np.array([[0.1, 0.0], [2.0, 2.1], [9.0, 9.0]]), np.array([[0, 0], [2, 2]])),
}
WIDE = {  # the same with more in them than a page is wide
    "piano_roll": (np.tile(ROLL, (40, 1)), 4),
    "histogram": ({f"reason {number}": number for number in range(40)},),
    "scoreboard": ({f"a network with a long name, {row}": {f"measure_number_{column}": 0.5 for column in range(20)}
                    for row in range(12)}, {}),
}
SHOWN_PIXELS, LEAST_PIXELS = 900, 9  # a notebook's width; the height of text


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_every_function_has_its_picture():
    public = {name for name, function in inspect.getmembers(plots, inspect.isfunction)
              if function.__module__ == plots.__name__ and not name.startswith("_")}
    others = {"name_pitches", "performance", "parts", "collapsing", "spectra"}  # none, or several axes
    assert public - others == set(PICTURES) >= set(WIDE)


def test_a_performance_shows_tempo_velocities_and_fermatas():
    written = np.array([(0, 1, 60, 90, 0), (1, 2, 62, 90, 0), (2, 3, 64, 90, 0)], midi.NOTE)
    played = written.copy()
    played["start"], played["velocity"] = (0, 1, 3), (80, 90, 100)
    tempo, velocity = plots.performance(written, played, [2.0], 120)
    assert tempo.lines[0].get_ydata().tolist() == [120, 60]
    assert velocity.collections[0].get_offsets().tolist() == [[0, 80], [1, 90], [2, 100]]
    assert all(np.allclose(ax.collections[-1].get_segments()[0][:, 0], 2) for ax in (tempo, velocity))


def test_parts_are_stacked_to_their_sum():
    parts = {"own line": np.array([[1.0, -1.0, 0.0]]), "other voices": np.array([[3.0, 0.0, -3.0]])}
    ax, = plots.parts(parts, np.array([59, 60, 61]), np.array([60]), ["alto"])
    assert ax.lines[0].get_ydata().tolist() == [4, -1, -3] and len(ax.patches) == 6 and ax.get_ylabel() == "alto"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(parts)
    assert ax.patches[3].get_y() == 1  # on top of the part before it


def test_a_map_of_rates_has_a_point_for_each_training_in_the_colour_of_its_verdict():
    ax = plots.rates(*PICTURES["rates"])
    counts = {points.get_label(): len(points.get_offsets()) for points in ax.collections}
    assert counts == {"healthy": 1, "noise": 1, "collapsed": 1, "failed": 0}
    assert len(ax.lines) == 1 and ax.get_xscale() == "log"


def test_losses_are_drawn_over_what_they_do_not_tell():
    history = {"loss": [1.0] * 100, "discriminator_loss": [0.5] * 100, "epoch": [50, 100], "nn": [0.9, 0.1]}
    above, below = plots.collapsing(history, 0.5, "collapsed")
    assert [line.get_ydata()[0] for line in above.lines] == [1, 0.5, np.log(2)]
    assert below.lines[0].get_ydata().tolist() == [0.9, 0.1] and above.get_title(loc="left") == "collapsed"


def test_intervals_are_drawn_where_they_are_known():
    ax = plots.intervals(*PICTURES["intervals"])
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.4, 0.6], [0.5], [0.7]]
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.70"] and ax.lines[2].get_color() == plots.BLUE
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Bach", "network", "silence"]


@pytest.mark.parametrize("name, arguments", [*PICTURES.items(), *WIDE.items()],
                         ids=[*PICTURES, *(f"wide {name}" for name in WIDE)])
def test_text_can_be_read_where_a_notebook_shows_it(name, arguments):
    figure = getattr(plots, name)(*arguments, title="A claim").figure
    figure.canvas.draw()
    width = max(figure.bbox.width, figure.get_tightbbox().width * figure.dpi)  # pixels; notebooks cut to what is drawn
    texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_visible() and text.get_text()]
    sizes = {text.get_text(): text.get_size() * figure.dpi / 72 * min(1, SHOWN_PIXELS / width) for text in texts}
    assert "A claim" in sizes and min(sizes.values()) >= LEAST_PIXELS, (width, sizes)


def labels(axis):
    return [tick.get_text() for tick in axis.get_ticklabels()]


@pytest.mark.parametrize("name", PICTURES)
def test_every_plot_draws_where_it_is_told_and_touches_nothing_else(name):
    plot, style = getattr(plots, name), dict(plt.rcParams)
    figure, ax = plt.subplots()
    assert plot(*PICTURES[name], title="A claim", ax=ax) is ax
    assert plt.get_fignums() == [figure.number] and ax.get_title(loc="left") == "A claim"
    alone = plot(*PICTURES[name])
    assert alone is not ax and len(plt.get_fignums()) == 2
    alone.figure.canvas.draw()  # a label or colour that cannot be drawn would raise here
    assert dict(plt.rcParams) == style


def test_piano_roll_shows_notes_attacks_bars_and_names():
    ax = plots.piano_roll(ROLL, upbeat=4)
    held, attacked = ([path.get_extents().bounds for path in collection.get_paths()] for collection in ax.collections)
    np.testing.assert_allclose([(x, y + 0.45, width) for x, y, width, _ in held], [(0, 60, 3.88), (4, 67, 15.88)])
    np.testing.assert_allclose([(x, y + 0.45, width) for x, y, width, _ in attacked], [(0, 60, 0.88), (4, 67, 0.88)])
    assert labels(ax.xaxis) == ["1"] and ax.get_xticks().tolist() == [4]
    assert labels(ax.yaxis) == ["C4", "G4"] and ax.get_yticks().tolist() == [60, 67]


def test_piano_roll_draws_the_lowest_pitch():
    roll = np.zeros((16, 128), "uint8")
    roll[0, 0] = 1
    assert plots.piano_roll(roll).get_ylim() == (-2, 2)


def test_piano_roll_draws_silence():
    assert plots.piano_roll(np.zeros((16, 128), "uint8")).get_xlim() == (0, 16)


def test_wave_keeps_every_peak_of_a_long_sound():
    sound = np.zeros(100_000)
    sound[54_321] = 0.7
    outline = plots.wave(sound, 16_000).lines[0].get_xydata()
    assert outline[:, 1].max() == 0.7
    assert abs(outline[outline[:, 1].argmax(), 0] - 54_321 / 16_000) < 0.01


def test_histogram_greys_out_what_is_not_kept():
    ax = plots.histogram({"4/4": 362, "3/4": 44, "other": 7}, kept=("4/4", "3/4"))
    assert [bar.get_height() for bar in ax.patches] == [362, 44, 7]
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in ax.patches]
    assert colours == [plots.BLUE, plots.BLUE, plots.LINE]


def test_a_pitch_axis_is_named_at_every_c_and_g():
    _, ax = plt.subplots()
    plots.name_pitches(ax.xaxis, 60, 72)
    assert ax.get_xticks().tolist() == [60, 67, 72] and labels(ax.xaxis) == ["C4", "G4", "C5"]


def test_losses_pair_training_with_validation_by_colour():
    training, validation, accuracy = plots.losses(*PICTURES["losses"]).lines
    assert training.get_color() == validation.get_color() != accuracy.get_color()
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert training.get_xdata().tolist() == [1, 2]


def test_inside_says_the_share_within_the_band():
    ax = plots.inside(*PICTURES["inside"])
    assert [text.get_text() for text in ax.texts] == ["Bach, p5 to p95", "50%", "undefined"]
    assert [len(points.get_offsets()) for points in ax.collections] == [2, 0]


def test_scoreboard_prints_each_number_and_tints_what_is_inside():
    ax = plots.scoreboard({"Bach": {"in_key": 0.957, "cadences": 0.2}, "noise": {"in_key": 12.5, "cadences": np.nan}},
                          {"Bach": {"in_key": 0.9}, "noise": {"in_key": 0.0}})
    assert [text.get_text() for text in ax.texts] == ["0.96", "0.20", "12.5", "–"]
    assert labels(ax.yaxis) == ["Bach", "noise"] and labels(ax.xaxis) == ["in key", "cadences"]
    share = ax.images[0].get_array()
    assert share[0, 0] == 0.9 and share[1, 0] == 0 and share.mask[0, 1] and share.mask[1, 1]


def test_points_lie_over_rings_at_the_modes_and_far_ones_fall_outside():
    ax = plots.points(*PICTURES["points"])
    rings, points = (collection.get_offsets().tolist() for collection in ax.collections)
    assert rings == [[0, 0], [2, 2]] and points == [[0.1, 0.0], [2.0, 2.1], [9.0, 9.0]]
    assert ax.get_xlim() == ax.get_ylim() == (-2.6, 2.6) and ax.get_aspect() == 1
