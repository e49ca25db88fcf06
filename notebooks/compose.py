"""Harmonise a tune in four voices, continue it, rewrite some bars, or compose: MIDI, MusicXML, score and sound of each.

    python notebooks/compose.py harmonise TUNE               three ways to harmonise a tune
    python notebooks/compose.py continue PIECE --bars 8      continue a tune or a piece in four voices
    python notebooks/compose.py vary PIECE --bars 5-8 --voices alto,tenor     rewrite some cells, keep all others
    python notebooks/compose.py new --bars 16 --key "e minor" --metre 3/4 --form AAB

TUNE is a MIDI, MusicXML, ABC or kern file: a melody alone or with other parts, written or played with a click. Key,
metre, upbeat and phrase ends are found, or you can give them. All files go to a new folder in outputs/local, or to
--out: for each attempt, the best first, .mid .musicxml .svg .png as written, .mp3 and .performed.mid as performed, and
report.md, which says what was found and how good each attempt is.
"""

import argparse
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from utils import files
from utils.measure import attempts
from utils.music import folder, harmony, keys, tune, typed, voices
from utils.nets import composer, infill_inputs, infill_numpy
from utils.show import edition, table
from utils.sound import expression

NETWORK = ROOT / "outputs" / "infill"
MOST_ATTEMPTS = 24
HEARD = "mp3", "performed.mid"  # of edition.KINDS
SEEN = tuple(kind for kind in edition.KINDS if kind not in HEARD)
COLUMNS = {"nats": "nats per frame", "parallels": "parallels per bar"}  # the others have the names of attempts.judge


def read_file(path, number):
    """Read one tune of a file: (notes, meta, title, list of remarks)."""
    found = folder.read(path)
    if not 1 <= number <= len(found):
        raise ValueError(f"--tune {number} is not in {files.shown(path)}: give a number from 1 to {len(found)}")
    said = [f"the file holds {len(found)} tunes, this is number {number}: choose with --tune"] if len(found) > 1 else []
    return (*found[number - 1], title_of(path), said)


def title_of(path):
    """Make a title from a file's name."""
    words = re.sub(r"[_\s]+", " ", files.shown(path.stem)).strip()
    return words.title() if words.islower() else words


def wishes(chosen):
    """The reader's choices, as arguments of `tune.hear`."""
    return {name: getattr(chosen, name) for name in ("key", "metre", "upbeat", "fermatas")}


def harmonise(network, chosen):
    """Harmonise a tune: (attempts, title, what was found)."""
    notes, meta, title, said = read_file(chosen.file, chosen.tune)
    read = tune.hear(notes, meta, chosen.file.name, chosen.part, **wishes(chosen))
    return composer.harmonise(network, read, **how(chosen)), title, [*said, *read.said]


def go_on(network, chosen):
    """Continue a tune, or a piece in four voices."""
    notes, meta, title, said = read_file(chosen.file, chosen.tune)
    read = None if chosen.part else tune.quartet(notes, meta, chosen.file.name, **wishes(chosen))
    read = read or tune.hear(notes, meta, chosen.file.name, chosen.part, **wishes(chosen))
    return (composer.write_on(network, read, chosen.bars, **how(chosen)), f"{title}, continued",
            [*said, *read.said, f"{chosen.bars} bars more"])


def vary(network, chosen):
    """Rewrite some bars of some voices of a piece."""
    notes, meta, title, said = read_file(chosen.file, chosen.tune)
    read = tune.quartet(notes, meta, chosen.file.name, **wishes(chosen))
    if read is None:
        raise ValueError(f"{chosen.file} does not have four voices of one note at a time: harmonise it first, then "
                         "vary the result")
    bars = None if chosen.bars is None else typed.bars(chosen.bars)
    singers = None if chosen.voices is None else typed.singers(chosen.voices)
    said += [*read.said, f"rewritten: bars {chosen.bars or 'all'}, voices {chosen.voices or 'all'}"]
    return composer.vary(network, read.piece, bars, singers, **how(chosen)), f"{title}, varied", said


def new(network, chosen):
    """Compose from nothing."""
    outline = composer.blank(chosen.bars, chosen.key, chosen.metre, chosen.upbeat, chosen.form)
    said = [f"{chosen.bars} bars of {chosen.metre} in {keys.name(*typed.key(chosen.key))}, form {chosen.form}"]
    return composer.compose(network, outline, chosen.form, chosen.vary_inner, **how(chosen)), "New", said


def how(chosen):
    """The options of writing, for `composer`."""
    return dict(attempts=chosen.attempts, temperature=chosen.temperature, seed=chosen.seed, drafts=chosen.drafts)


# ---------------------------------------------------------------------------------------------- the results


def compared(found):
    """Compare attempts in a table, and their differences: composer.Attempts, the best first -> str, Markdown."""
    rows = {f"attempt {number}": {"nats": each.nats} | attempts.judge(each.piece)
            for number, each in enumerate(found, 1)}
    rows = {name: {COLUMNS.get(column, column): value for column, value in row.items()} for name, row in rows.items()}
    text = (f"{table.markdown(table.show(rows))}\n\nFirst come attempts that close on the tonic, then those with "
            "few nats and parallels, and many phrase ends on a triad and beats with chords. Notebook 06 says more.")
    pairs = [attempts.alike(one.piece, other.piece) for one, other in combinations(found, 2)]
    return text + (f" Two attempts have the same chord on {np.mean(pairs):.0%} of the beats." if pairs else "")


def report(title, said, found):
    """Write the report: title, what was found in the tune (list of str), attempts -> str, Markdown."""
    text = [f"# {title}", "", *(f"- {line}" for line in said), "", compared(found)]
    for number, each in enumerate(found, 1):
        text += ["", f"## Attempt {number}", "", *(f"- {line}" for line in details(each.piece))]
    return "\n".join(text) + "\n"


def details(read):
    """List the cadences of a piece, its parallels, and the range of each voice."""
    lines = [f"bar {end.bar}: phrase ends on {end.chord}, {end.kind}" for end in harmony.cadences(read)]
    names = [name.lower() for name in read.voice_names]
    lines += [f"bar {each.bar}: parallel {each.interval}, {names[each.upper]} and {names[each.lower]}"
              for each in harmony.parallels(read)]
    pitch = voices.pitches(read.voices)
    sung = [(name, column[column >= 0]) for name, column in zip(names, pitch.T)]
    return [*lines, ", ".join(f"{name} {keys.pitch_name(notes.min())} to {keys.pitch_name(notes.max())}"
                              for name, notes in sung if len(notes))]


def keep_all(found, title, out, tempo, depth):
    """Write all attempts in all formats: the sound in another thread, while this one draws."""
    with ThreadPoolExecutor(1) as pool:
        paths = [out / f"attempt_{number}" for number in range(1, len(found) + 1)]
        sounds = [pool.submit(edition.write, each.piece, path, "", tempo, HEARD, depth)
                  for each, path in zip(found, paths)]
        for number, (each, path, sound) in enumerate(zip(found, paths, sounds), 1):
            name = title if len(found) == 1 else f"{title} ({number})"
            written = edition.write(each.piece, path, name, tempo, SEEN) + sound.result()
            say("  ".join([f"{near(out)}/", *(file.name for file in written)]))


def free_folder(name):
    """Find a new name for a folder in outputs/local."""
    return files.free_folder(ROOT / "outputs" / "local", name, "piece")


def near(path):
    """Write a path in its shortest form from here."""
    with suppress(ValueError):  # on another drive
        return files.shown(min(str(path), os.path.relpath(path), key=len))
    return files.shown(path)


def page(path):
    """The path of a page, or the error for another ending, before there is anything to write."""
    if path.suffix != ".html":
        raise ValueError(f"--out {files.shown(path)}: name a file that ends in .html")
    return path


def say(line):
    """Print without delay, for a reader who waits."""
    print(line, flush=True)


def parse(arguments):
    """Read the command line, and refuse impossible values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = parser.add_subparsers(required=True, metavar="TASK")
    for name, task in TASKS.items():
        sub = tasks.add_parser(name, help=task.__doc__.splitlines()[0], description=task.__doc__)
        sub.set_defaults(task=task)
        sub.add_argument("--attempts", type=int, default=3, help=f"number of versions, 1 to {MOST_ATTEMPTS}")
        sub.add_argument("--temperature", type=float, default=infill_inputs.TEMPERATURE,
                         help="of pitches: 0 is the safest, 1 the boldest")
        sub.add_argument("--drafts", type=int, default=composer.DRAFTS,
                         help="per attempt; at each phrase end only the best continue; 1 means no choice")
        sub.add_argument("--seed", type=int, default=1, help="of the random numbers; another seed gives other music")
        sub.add_argument("--tempo", type=float, help="quarter notes per minute")
        sub.add_argument("--expression", type=float, default=1.0, metavar="DEPTH",
                         help=f"of the performance: 0 as written, 1 like a pianist, {expression.DEEPEST} too much")
        sub.add_argument("--out", type=Path, help="a folder without attempts; by default a new one in outputs/local")
        sub.add_argument("--upbeat", type=float, help="quarter notes before the first barline")
        if task is new:
            sub.set_defaults(file=None)
            sub.add_argument("--bars", type=int, default=16)
            sub.add_argument("--key", default="G", help='such as G, "e minor", Bbm')
            sub.add_argument("--metre", default="4/4")
            sub.add_argument("--form", type=str.upper, default="A", help="a letter for each section, such as AAB")
            sub.add_argument("--vary-inner", action="store_true", help="new alto and tenor in sections that return")
            continue
        sub.add_argument("file", type=Path, metavar="TUNE" if task is harmonise else "PIECE")
        sub.add_argument("--key", help='such as G, "e minor", Bbm; by default heard in the tune')
        sub.add_argument("--metre", help="such as 3/4")
        sub.add_argument("--fermatas", default="auto", help="auto, none, or bars in which phrases end: 4,8,12")
        sub.add_argument("--tune", type=int, default=1, help="number of the tune, in a file with several")
        if task is not vary:
            sub.add_argument("--part", help="the part with the tune: its number or a word of its name")
        if task is go_on:
            sub.add_argument("--bars", type=int, default=8, help="number of new bars")
        if task is vary:
            sub.add_argument("--bars", help="such as 5-8 or 3,7; by default all")
            sub.add_argument("--voices", help="such as alto,tenor; by default all")
    chosen = parser.parse_args(arguments)
    if not (1 <= chosen.attempts <= MOST_ATTEMPTS and 1 <= chosen.drafts <= 64 and 0 <= chosen.seed < 2**32):
        raise ValueError(f"--attempts {chosen.attempts} --drafts {chosen.drafts} --seed {chosen.seed}: give 1 to "
                         f"{MOST_ATTEMPTS} attempts, 1 to 64 drafts, a seed of 0 to 2**32 - 1")
    if chosen.tempo is not None and not 10 <= chosen.tempo <= 400:
        raise ValueError(f"--tempo {chosen.tempo:g}: give 10 to 400 quarter notes per minute")
    if not 0 <= chosen.expression <= expression.DEEPEST:
        raise ValueError(f"--expression {chosen.expression:g}: give 0 to {expression.DEEPEST}")
    if chosen.out is not None and chosen.out.exists() and not chosen.out.is_dir():
        raise ValueError(f"{chosen.out} is a file: give --out a folder")
    if chosen.out is not None and list(chosen.out.glob("attempt_*")):
        raise ValueError(f"{chosen.out} holds attempts already: choose another --out, or remove them")
    return chosen


TASKS = {"harmonise": harmonise, "continue": go_on, "vary": vary, "new": new}


def main(arguments=None):
    """Run the command line; raises ValueError for what the user can correct.

    Returns: Path of the folder with the files.
    """
    chosen = parse(arguments)
    network = infill_numpy.load(NETWORK)
    found, title, said = chosen.task(network, chosen)
    found = [found[index] for index in attempts.order(found)]
    _, _, metre = composer.form_of(found[0].piece)
    for line in (said := [*said, metre] if metre else said):
        say(line)
    out = chosen.out or free_folder(title)
    out.mkdir(parents=True, exist_ok=True)
    keep_all(found, title, out, chosen.tempo or expression.CHORALE_TEMPO, chosen.expression)
    with files.whole(out / "report.md") as temporary:
        temporary.write_text(report(title, said, found), encoding="utf-8")
    say(f"\n{compared(found)}\n\nmore in {near(out / 'report.md')}")
    return out


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
    except (ValueError, OSError) as error:
        sys.exit(str(error))
