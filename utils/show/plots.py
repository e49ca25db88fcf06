"""Arrays in, Axes out: every figure of the notebooks in one simple style and palette; never `plt.show()`.

Importing this module sets STYLE for all figures. Each function draws on the given `ax`, or on a new figure, and puts
`title` above it.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import mlab
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap

from utils.music import midi

# Okabe and Ito 2008, "Color Universal Design": distinct with any colour vision, and in grey.
BLUE, ORANGE, *_ = PALETTE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INK, GREY, LINE, PALE = "#222222", "#7D868E", "#C6CDD3", "#E8ECF0"
VERDICT_COLOURS = {"healthy": BLUE, "noise": GREY, "collapsed": ORANGE, "failed": "black"}  # of a GAN
MAX_POINTS = 400  # of a strip: more only hide each other
MAX_INCHES = 11  # of a figure's width: what is wider is scaled down in a notebook, and its text with it
STYLE = {  # a point is a pixel at this dpi
    "figure.dpi": 72, "savefig.dpi": 110, "figure.constrained_layout.use": True, "axes.axisbelow": True,
    "font.size": 9, "axes.labelsize": 9, "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.fontsize": 9,
    "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 12,
    "axes.titlecolor": INK, "text.color": INK, "axes.labelcolor": INK, "legend.labelcolor": INK,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.edgecolor": LINE, "xtick.color": LINE, "ytick.color": LINE, "xtick.major.size": 3, "ytick.major.size": 3,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False, "grid.color": PALE,
    "grid.linewidth": 0.8, "axes.prop_cycle": plt.cycler(color=PALETTE)}
plt.rcParams.update(STYLE)


def piano_roll(roll, upbeat=0, bar_frames=16, title="", ax=None):
    """Draw a roll: attacks dark, held frames light, a line at every barline.

    Args: roll: uint8 (frames, 128), 0 silent, 1 attacked, 2 held. upbeat: frames before the first barline.
        bar_frames: frames in a bar.
    Returns: Axes; x in frames, ticked with bar numbers, y in MIDI pitches, ticked with names.
    Notebook: 01, "One chorale, three ways".
    """
    ax = _axes(ax, title, 9, 3.4)
    notes = midi.roll_to_notes(roll)
    start, end = (notes[edge] * midi.STEPS_PER_QUARTER for edge in ("start", "end"))
    for right, alpha in ((end - 0.12, 0.4), (start + 1 - 0.12, 1)):
        top, bottom = notes["pitch"] + 0.45, notes["pitch"] - 0.45
        corners = np.array([(start, bottom), (right, bottom), (right, top), (start, top)])  # (4, 2, notes)
        ax.add_collection(PolyCollection(corners.transpose(2, 0, 1), facecolor=BLUE, alpha=alpha, linewidth=0))
    pitches = notes["pitch"].astype(int) if len(notes) else [midi.NUM_PITCHES // 2]
    barlines = np.arange(upbeat, len(roll), bar_frames)
    every = len(barlines) // 20 + 1  # at most 20 numbers
    for barline in barlines:
        ax.axvline(barline, color=LINE, linewidth=0.8, zorder=0)
    ax.set_xticks(barlines[::every], np.arange(1, len(barlines) + 1, every))
    ax.set(xlim=(0, len(roll)), ylim=(min(pitches) - 2, max(pitches) + 2), xlabel="bar")
    name_pitches(ax.yaxis, min(pitches), max(pitches))
    return ax


def wave(wave, sample_rate, title="", ax=None):
    """Draw a wave.

    Args: wave: float (samples,). sample_rate: Hz.
    Returns: Axes; x in seconds. Notebook: 03.
    """
    ax = _axes(ax, title, 9, 1.8)
    ax.plot(np.arange(len(wave)) / sample_rate, wave, color=BLUE, linewidth=1 if len(wave) < 4000 else 0.3)
    peak = 1.1 * max(np.abs(wave).max(initial=0), 1e-3)
    ax.set(xlim=(0, len(wave) / sample_rate), ylim=(-peak, peak), xlabel="seconds")
    return ax


def histogram(counts, kept=None, xlabel="", title="", ax=None):
    """Draw counts as bars with their numbers, in the order given: keys, metres, reasons.

    Args: counts: dict of label -> number. kept: the labels to colour, the others are grey; None colours all.
    Returns: Axes. Notebook: 01, "Keys and metres".
    """
    ax = _axes(ax, title, max(2.5, 0.45 * len(counts)), 2.6)
    labels = [str(label) for label in counts]
    colours = [BLUE if kept is None or label in kept else LINE for label in counts]
    ax.bar_label(ax.bar(labels, counts.values(), width=0.75, color=colours), padding=2)
    ax.spines["left"].set_visible(False)
    ax.set(xlim=(-0.6, len(counts) - 0.4), yticks=[], xlabel=xlabel)
    ax.tick_params(axis="x", length=0)
    return ax


def losses(history, xlabel="epoch", ylabel="loss", title="", ax=None):
    """Draw learning curves: one colour per quantity, training as a line, validation (`val_`) dashed.

    Args: history: dict of name -> list of floats, as Keras returns it.
    Returns: Axes. Notebook: 02, "Training".
    """
    ax = _axes(ax, title, 6, 3, grid="y")
    names = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    for name, curve in history.items():
        colour = PALETTE[names.index(name.removeprefix("val_")) % len(PALETTE)]
        label = name.replace("val_", "validation ").replace("_", " ")
        dashes = "--" if name.startswith("val_") else "-"
        ax.plot(np.arange(1, len(curve) + 1), curve, dashes, color=colour, label=label)
    ax.legend()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax


def states(values, marks, title="", ax=None):
    """Draw a state while a network reads: blue above 0, red below, a line after each mark.

    Args: values: float (steps, units), -1 to 1, a step per frame. marks: frames.
    Returns: Axes; x in frames. Notebook: 02, "What the state holds".
    """
    ax = _axes(ax, title, 9, 4.4)
    image = ax.imshow(np.transpose(values), cmap="RdBu", vmin=-1, vmax=1, aspect="auto", interpolation="none")
    ax.vlines(np.add(marks, 0.5), *ax.get_ylim(), color=INK, linewidth=2)
    ax.set(xlabel="frame", ylabel=f"{np.shape(values)[1]} units")
    ax.figure.colorbar(image, ax=ax)
    return ax


def parts(parts, pitches, written, names, reach=9):
    """Draw sums of logits by their parts: for each voice stacked bars, their sum as a line, and what was written.

    Args: parts: dict of part -> float (voices, pitches). pitches: int, MIDI pitches. written: int (voices,), MIDI
        pitches. names: str of each voice. reach: pitches shown above and below what is written. Each part is drawn
        minus its mean over them.
    Returns: array of Axes. Notebook: 02, "Output by interval".
    """
    axes = plt.subplots(len(names), 1, figsize=(9, 1.8 * len(names)), sharex=True, squeeze=False)[1][:, 0]
    for voice, ax in enumerate(axes):
        near = np.abs(pitches - written[voice]) <= reach
        low, high = np.zeros((2, near.sum()))
        for name, part in parts.items():
            each = part[voice, near] - part[voice, near].mean()
            ax.bar(pitches[near], each, 0.8, np.where(each < 0, low, high), label=name)
            low, high = low + np.minimum(each, 0), high + np.maximum(each, 0)
        ax.plot(pitches[near], low + high, color=INK)
        ax.axvline(written[voice], color=INK, linestyle=":", zorder=0)
        ax.set(ylabel=names[voice])
    name_pitches(axes[-1].xaxis, min(written) - reach, max(written) + reach)
    axes[0].legend(ncols=len(parts), loc="lower center", bbox_to_anchor=(0.5, 1))
    return axes


def inside(values, low, high, xlabel="", title="", ax=None):
    """Compare a measure with Bach: a band for his range, and for each model points, median and share in the band.

    Args: values: dict of model -> float (windows,), NaN where undefined. low, high: Bach's 5th and 95th percentile.
    Returns: Axes; x in the measure's unit. Notebook: 01, "Bach and the baselines".
    """
    ax = _axes(ax, title, 7, 0.45 * len(values) + 1.1)
    ax.set_title(title, pad=20)  # above the name of the band
    ax.axvspan(low, high, color=PALE, linewidth=0, zorder=0)
    ax.annotate("Bach, p5 to p95", ((low + high) / 2, 1), (0, 3), ("data", "axes fraction"), "offset points",
                ha="center", color=GREY)
    for row, points in enumerate(values.values()):
        points = np.asarray(points, float)[np.isfinite(points)]
        within = (points >= low) & (points <= high)
        show = np.linspace(0, len(points) - 1, min(len(points), MAX_POINTS)).astype(int)
        scatter = row + 0.5 * (show * 0.618 % 1 - 0.5)  # golden-ratio steps: evenly spread without a random generator
        ax.scatter(points[show], scatter, 9, np.where(within[show], BLUE, ORANGE), alpha=0.5, linewidth=0)
        if len(points):
            ax.plot(2 * [np.median(points)], (row - 0.36, row + 0.36), color=INK, linewidth=1.8)
        share = f"{within.mean():.0%}" if len(points) else "undefined"
        ax.annotate(share, (1, row), (6, 0), ("axes fraction", "data"), "offset points",
                    va="center")
    ax.set_yticks(range(len(values)), values)
    ax.set(ylim=(len(values) - 0.4, -0.6), xlabel=xlabel)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def scoreboard(means, shares, title="", ax=None):
    """Show many measures of many models: a number each, on blue if windows are like Bach's, otherwise on orange.

    Args: means: dict of model -> dict of measure -> float, the same measures in each; NaN where undefined. shares: same
        form, the share 0 to 1 of windows inside Bach's 5th to 95th percentile; NaN or a missing entry leaves a cell
        white.
    Returns: Axes. Notebook: 05, "The table".
    """
    models, measures = list(means), list(next(iter(means.values())))
    ax = _axes(ax, title, 2.2 + 0.5 * len(measures), 1.4 + 0.3 * len(models))
    share = np.array([[shares.get(model, {}).get(measure, np.nan) for measure in measures] for model in models], float)
    tones = LinearSegmentedColormap.from_list("", ["#F2B48C", "#FFFFFF", "#9CC7E4"])
    ax.imshow(np.ma.masked_invalid(share), cmap=tones, vmin=0, vmax=0.9, aspect="auto")
    for row, model in enumerate(models):
        for column, measure in enumerate(measures):
            value = means[model][measure]
            text = "–" if not np.isfinite(value) else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
            ax.annotate(text, (column, row), ha="center", va="center")
    ax.set_yticks(range(len(models)), models)
    ax.set_xticks(range(len(measures)), [measure.replace("_", " ") for measure in measures], rotation=40, ha="left",
                  rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def intervals(rows, band=None, mark=None, title="", ax=None):
    """Compare one number of several writers, each with its interval.

    Args: rows: dict of name -> (value, low, high); low and high NaN if there is no interval, None for a row without a
        value. band: (low, high), Bach's interval, or None. mark: name of the row to colour, the others are grey.
    Returns: Axes; x in the number's unit, a row for each name from the top down.
    Notebook: 05, "Music by others".
    """
    ax = _axes(ax, title, 4, 0.3 * len(rows) + 0.8, grid="x")
    if band is not None:
        ax.axvspan(*band, color=PALE, linewidth=0, zorder=0)
    for row, (name, found) in enumerate(rows.items()):
        if found is None or not np.isfinite(found[0]):
            continue
        value, low, high = found
        colour = BLUE if name == mark else GREY
        if np.isfinite(low):
            ax.plot((low, high), (row, row), color=colour, linewidth=2, solid_capstyle="butt")
        ax.plot([value], [row], "o", color=colour, markersize=5)
        ax.annotate(f"{value:.2f}", (value, row), (0, 5), textcoords="offset points", ha="center", color=colour)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(ylim=(len(rows) - 0.5, -0.8))
    ax.margins(x=0.12)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


def rates(rows, named=(), title="", ax=None):
    """Map a sweep of GANs: a point for each training, by its two learning rates and its verdict.

    Args: rows: pandas.DataFrame with the columns generator_rate, discriminator_rate, seed and verdict. named: pairs of
        rates to mark with squares.
    Returns: Axes, both of them logarithmic. Notebook: 04, "The sweep".
    """
    ax = _axes(ax, title, 3, 3.2)
    for verdict, colour in VERDICT_COLOURS.items():
        some = rows[rows["verdict"] == verdict]
        apart = np.where(some["seed"] == 2, 1.12, 0.9)  # or the two seeds would hide each other
        ax.scatter(some["generator_rate"] * apart, some["discriminator_rate"], 20, colour, label=verdict)
    for pair in named:
        ax.plot(*pair, "s", mfc="none", mec="black", ms=12)
    ax.set(xscale="log", yscale="log", xlabel="generator's rate")
    ax.minorticks_off()
    for axis, name, every in ((ax.xaxis, "generator_rate", 3), (ax.yaxis, "discriminator_rate", 2)):
        ticks = np.unique(rows[name])[::every]
        axis.set_ticks(ticks, [f"{rate:.0e}" for rate in ticks])
    return ax


def collapsing(history, bound, title="", axes=None):
    """Draw the losses of a GAN's two sides, and below how varied its samples are.

    Args: history: dict with loss and discriminator_loss, an entry per epoch, and epoch and nn, an entry per look.
        bound: of nn, drawn as a line. axes: two Axes, or None.
    Returns: the two Axes. Notebook: 04, "Losses do not tell".
    """
    above, below = axes if axes is not None else plt.subplots(2, 1, figsize=(5, 5), sharex=True)[1]
    width = max(len(history["loss"]) // 50, 1)
    for key, label in (("loss", "generator"), ("discriminator_loss", "discriminator")):
        smooth = np.convolve(history[key], np.ones(width) / width, "valid")
        above.plot(np.arange(len(smooth)) + width / 2, smooth, label=label)
    above.axhline(np.log(2), color=GREY, linestyle=":")
    above.set(title=title, ylim=(0, 3), ylabel="loss, nats")
    below.plot(history["epoch"], history["nn"], "o-")
    below.axhline(bound, color=GREY, linestyle=":")
    below.set(xlabel="epoch", ylim=(0, 1.6), ylabel="nn")
    above.legend()
    return above, below


def points(samples, centres, title="", ax=None):
    """Draw the points of a generator over the modes of the data.

    Args: samples: float (points, 2). centres: float (modes, 2), each drawn as a ring around its points.
    Returns: Axes, both in the points' unit; it extends beyond the outermost modes, and points outside are not drawn.
    Notebook: 04, "Where all modes are known".
    """
    ax = _axes(ax, title, 3, 3.2)
    ax.scatter(*np.transpose(centres), 90, "none", edgecolor=ORANGE, linewidth=1)
    ax.scatter(*np.transpose(samples), 3, BLUE, alpha=0.4, linewidth=0)
    reach = 1.3 * np.abs(centres).max()
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    return ax


def _axes(ax, title, width, height, grid=None):
    """The Axes to draw on, new ones of width x height inches if there are none, with its title and perhaps a grid."""
    if ax is None:
        _, ax = plt.subplots(figsize=(min(width, MAX_INCHES), height))
    ax.set_title(title)
    if grid:
        ax.grid(axis=grid)
    return ax


def name_pitches(axis, low, high):
    """Tick a pitch axis, such as ax.yaxis, at every C and G from low to high, MIDI pitches: C4 is middle C, 60."""
    ticks = [pitch for pitch in range(int(low) - 1, int(high) + 2) if pitch % 12 in (0, 7)]
    axis.set_ticks(ticks, [f"{'CG'[pitch % 12 == 7]}{pitch // 12 - 1}" for pitch in ticks])


def performance(written, played, fermatas, tempo):
    """Draw the performance of a score: its tempo over time, and the velocity of each note.

    Args: written, played: midi.NOTE (notes,) in the same order, in seconds. fermatas: seconds as written. tempo: as
        written, quarter notes per minute.
    Returns: the two axes.
    Notebook: 03, "A performance".
    """
    onsets, first = np.unique(written["start"], return_index=True)
    speed = tempo * np.diff(onsets) / np.maximum(np.diff(played["start"][first]), 1e-3)
    _, axes = plt.subplots(2, 1, figsize=(9, 4), sharex=True)
    axes[0].step(onsets[:-1], speed, where="post", color=BLUE)
    axes[1].scatter(written["start"], played["velocity"], 8, color=BLUE)
    axes[0].set(title="Tempo, quarter notes per minute", ylim=(0, 1.2 * tempo))
    axes[1].set(title="Velocity of each note: how hard its key is struck, 1 to 127",
                xlabel="seconds as written; dotted: a fermata")
    for ax in axes:
        ax.vlines(fermatas, *ax.get_ylim(), color=GREY, linestyle=":")
    return axes


def spectra(waves, sample_rate, changed=None, top_hz=4000):
    """Draw spectrograms side by side, and what lies between two of them.

    Args: waves: dict of title -> float (samples,). sample_rate: Hz. changed: (before, after), titles of two of them
        whose difference is drawn too; None draws none. top_hz: the highest frequency that is drawn.
    Returns: array of Axes; x in seconds, y in Hz. Louder is darker; in the difference blue is softer, orange louder.
    Notebook: 03, "All at once".
    """
    _, axes = plt.subplots(1, len(waves) + bool(changed), figsize=(MAX_INCHES, 2.8), sharey=True)
    found, rows = {}, slice(0, top_hz * 1024 // sample_rate)
    for ax, (name, wave) in zip(axes, waves.items()):
        power = mlab.specgram(np.asarray(wave), 1024, sample_rate, noverlap=768)[0][rows]
        found[name] = 10 * np.log10(power + 1e-13)
        ax.imshow(found[name], origin="lower", aspect="auto", cmap="Greys", vmin=-115, vmax=-40,
                  extent=(0, len(wave) / sample_rate, 0, top_hz))
        ax.set(title=name, xlabel="seconds")
    if changed:
        before, after = (found[name] for name in changed)
        tones = LinearSegmentedColormap.from_list("", [BLUE, "#FFFFFF", ORANGE])
        shown = axes[-1].imshow(after - before, origin="lower", aspect="auto", cmap=tones, vmin=-25, vmax=25,
                                extent=axes[0].images[0].get_extent())
        axes[-1].set(title="what it changes", xlabel="seconds")
        plt.colorbar(shown, ax=axes[-1], label="dB")
    axes[0].set_ylabel("Hz")
    return axes
