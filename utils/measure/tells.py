"""What gives a window away, in words: simple counts of it, each beside what four bars by Bach usually have."""

from typing import NamedTuple

import numpy as np

from utils.measure import metrics, phrases
from utils.music import keys, midi, windows

USUAL = 5, 95  # percentiles of Bach's windows between which a count is usual
FIFTH = 7  # semitones
STRONG = 8  # frames from one strong beat to the next
WORDS = {  # a sentence, and what too few and too many are called; {s} is the plural
    "parallels": ("{} parallel fifth{s} or octave{s} between two voices", "", ""),
    "chords": ("{} strong beat{s} with a clear chord", "", ""),
    "unrooted": ("{} uneasy phrase end{s}, without a triad over its root", "", ""),
    "dissonance": ("{} % of what sounds together clashes (seconds, sevenths, tritones)", "smooth", "harsh"),
    "off_eighths": ("{} note{s} between the eighths", "", ""),
    "leaps": ("{} leap{s} wider than a fifth", "", ""),
    "notes": ("{} note{s} in four bars", "sparse", "crowded"),
    "longest": ("{} beat{s} without a new note, at the longest", "restless", "it stands still"),
    "outside_key": ("{} % of the time is given to notes outside the key", "", ""),
    "returns": ("{} % of the steps go straight back to the note before", "", ""),
    "wide": ("{} % of the time two upper voices are more than an octave apart", "", ""),
    "highest": ("the highest note is {}", "low", "high"),
    "lowest": ("the lowest note is {}", "low", "high"),
}
NAMED = "highest", "lowest"


class Facts(NamedTuple):
    """Of one window. outside: list of str, what Bach seldom has, the farthest from him first. inside: list of str, what
    is as he has it, in the order of WORDS.
    """

    outside: list
    inside: list


def counts(rolls):
    """Count what can be said in a sentence: dict from each key of WORDS to float (windows,), NaN where undefined.

    Args: rolls: uint8 (windows, frames, 128), key-normalised, from a barline in 4/4.
    Notebook: 05, "Blind test".
    """
    rolls = windows.as_windows(rolls, 2 * STRONG)
    known, finer = metrics.measure(rolls), phrases.measure(rolls)
    bars, sounds, strong = rolls.shape[1] // (2 * STRONG), rolls.any(axis=1), rolls[:, ::STRONG] != 0
    notes, gaps = known["notes_per_bar"] * bars, [
        np.diff([*np.flatnonzero(each), len(each)]).max(initial=0) for each in np.any(rolls == 1, axis=2)]
    chords = metrics.is_chord(windows.fold(strong) > 0)
    edge = lambda pitch: np.where(sounds.any(axis=1), pitch, np.nan)
    return {
        "parallels": known["parallels"] * bars, "chords": (strong.any(axis=2) & chords).sum(axis=1),
        "unrooted": (1 - finer["cadences"]) * finer["phrase_ends"] * bars, "dissonance": 100 * known["dissonance"],
        "off_eighths": known["odd_onsets"] * notes, "leaps": (np.abs(windows.steps(rolls)) > FIFTH).sum(axis=(1, 2)),
        "notes": notes, "longest": np.array(gaps) / windows.BEAT_FRAMES, "outside_key": 100 * (1 - known["in_key"]),
        "returns": 100 * finer["returns"], "wide": 100 * finer["spacing"],
        "highest": edge(midi.NUM_PITCHES - 1 - sounds[:, ::-1].argmax(axis=1)), "lowest": edge(sounds.argmax(axis=1)),
    }


def facts(rolls, reference):
    """Say of windows what Bach seldom has, and what is as he has it.

    Args: rolls, reference: uint8 (windows, frames, 128), key-normalised, equally long; the reference is Bach's.
    Returns: list of Facts, one for each window.
    Notebook: 05, "Blind test".
    """
    mine, his = counts(rolls), counts(reference)
    found = [[] for _ in rolls]
    for key, values in mine.items():
        if not np.isfinite(his[key]).any():
            continue
        digits = 1 if key == "longest" else 0
        low, high = np.nanpercentile(his[key], USUAL).round(digits)
        for said, value in zip(found, values.round(digits)):  # as a reader sees them, who would not believe 16 > 16
            if np.isfinite(value):
                apart = max(low - value, value - high, 0) / (np.nanstd(his[key]) or 1)
                said.append((-apart, _sentence(key, value, low, high)))
    return [Facts([text for apart, text in sorted(said, key=lambda each: each[0]) if apart < 0],
                  [text for apart, text in said if apart == 0]) for said in found]


def _sentence(key, value, low, high):
    words, few, many = WORDS[key]
    shown, least, most = (keys.pitch_name(int(each)) if key in NAMED else f"{each:g}" for each in (value, low, high))
    shown = "no" if shown == "0" and "%" not in words else shown
    lead = few if value < low else many if value > high else ""
    text = f"{lead}{': ' * bool(lead)}{words.format(shown, s='s' * (shown != '1'))}"
    return f"{text[0].upper()}{text[1:]}; Bach has {least if least == most else f'{least} to {most}'}."
