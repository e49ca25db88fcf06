"""Facts that show whether a window is by Bach: simple counts, each compared with four bars by Bach, as sentences."""

from typing import NamedTuple

import numpy as np

from utils.measure import metrics, phrases
from utils.music import keys, midi, windows

USUAL = 5, 95  # percentiles of Bach's windows: a count between them is usual
FIFTH = 7  # semitones
STRONG = 8  # frames from one strong beat to the next
WORDS = {  # a sentence, a word for too few and one for too many; {s} is the plural
    "parallels": ("{} parallel fifth{s} or octave{s} between two voices", "", ""),
    "chords": ("{} strong beat{s} with a clear chord", "", ""),
    "unrooted": ("{} phrase end{s} without a triad over its root", "", ""),
    "dissonance": ("{} % of the pairs of voices are dissonant (seconds, sevenths, tritones)", "smooth", "harsh"),
    "off_eighths": ("{} note{s} between the eighths", "", ""),
    "leaps": ("{} leap{s} wider than a fifth", "", ""),
    "notes": ("{} note{s} in four bars", "sparse", "crowded"),
    "longest": ("the longest time without a new note is {} beat{s}", "restless", "too still"),
    "outside_key": ("{} % of the notes, by length, are outside the key", "", ""),
    "returns": ("{} % of the steps go directly back to the note before", "", ""),
    "wide": ("{} % of the time two upper voices are more than an octave apart", "", ""),
    "highest": ("the highest note is {}", "low", "high"),
    "lowest": ("the lowest note is {}", "low", "high"),
}
NAMED = "highest", "lowest"


class Facts(NamedTuple):
    """Facts of one window. outside: list of str, counts that are rare in Bach, the rarest first. inside: list of str,
    counts that are usual in Bach, in the order of WORDS.
    """

    outside: list
    inside: list


def counts(rolls):
    """Compute the counts of WORDS: dict from each key of WORDS to float (windows,), NaN where undefined.

    Args: rolls: uint8 (windows, frames, 128), key-normalised, from a barline in 4/4.
    Notebook: 05, "The page, and your ears".
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
        "returns": 100 * finer["returns"], "wide": 100 * finer["wide_spacing"],
        "highest": edge(midi.NUM_PITCHES - 1 - sounds[:, ::-1].argmax(axis=1)), "lowest": edge(sounds.argmax(axis=1)),
    }


def facts(rolls, reference):
    """Describe windows: which of their counts are rare in Bach, and which are usual.

    Args: rolls, reference: uint8 (windows, frames, 128), key-normalised, equally long; the reference is by Bach.
    Returns: list of Facts, one for each window.
    Notebook: 05, "The page, and your ears".
    """
    mine, his = counts(rolls), counts(reference)
    found = [[] for _ in rolls]
    for key, values in mine.items():
        if not np.isfinite(his[key]).any():
            continue
        digits = 1 if key == "longest" else 0
        low, high = np.nanpercentile(his[key], USUAL).round(digits)
        for said, value in zip(found, values.round(digits)):  # as shown, so that no sentence says 16 > 16
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
