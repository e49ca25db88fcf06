"""Judge a folder of chorales, written by whatever program, against Bach: measures, copies, three critics, and a grade.

    python notebooks/judge.py FOLDER [--name NAME] [--out FOLDER] [--bars file] [--seed 1]

FOLDER holds MIDI, MusicXML, kern or ABC files, in subfolders too. Key and bars are found. Where a MIDI file names no
more than one metre, as most programs write it, the upbeat is heard in the notes; --bars file takes all bars as written.
Windows of four bars of 4/4, in C major or A minor, are measured and judged by critics that learn from one half of the
pieces and are asked about the other half; whole pieces in four voices are graded. All stand beside Bach's test pieces,
chance and the networks of this repository, in report.md, report.json and table.png, in a new folder in
outputs/local/judge or in --out. --keep adds the figures, but no music, to outputs/evaluation/outside.json, for
notebook 05.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # must precede `import keras`
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from utils import files, runs
from utils.measure import grade, metrics
from utils.music import data, ear, folder, grid, harmony, keys, midi, piece, voices, windows

NUM, TAUGHT = 256, 512  # windows that are measured and asked about; that teach the critics; as in notebook 05
EPOCHS = 12  # of the critics' network, as there
LEAST_WINDOWS, LEAST_SIDE, LEAST_PIECES = 60, 20, 10  # to judge at all; on each side of the critics; to grade
POOL_FROM = 40  # files, from which on several processes read them
METRE = (4, 4)
SHIPPED = ROOT / "outputs" / "evaluation"
OUTSIDE = "outside.json"
AUC, BY_EAR = "critic's AUC", "by ear alone"
AT_REST = {"phrase ends at rest": "cadences"}
SPOILED = 0.05, 0.1, 0.2  # shares of wrong notes in Bach's pieces, for comparison
SHOWN = ("chord rate", "dissonance", "parallels per bar", "notes per bar", "phrases", "phrase ends at rest", "copied",
         "longest copy", "coverage", AUC)
PANELS = "chord rate", "dissonance", "parallels per bar", "phrase ends at rest", AUC, "Bach picked"
DRAWN = "Bach", "RNN, four voices", "GAN, four voices", "beat markov", "shuffled beats"  # of the shipped rows


class Heard(NamedTuple):
    """What was read of a file. file: its name. piece: piece.Piece, or None. why: it cannot be used, or "". said: what
    was found, str. windows: uint8 (windows, 64, 128). no_windows, no_grade: why there are none, or "".
    """

    file: str
    piece: object
    why: str = ""
    said: str = ""
    windows: object = ()
    no_windows: str = ""
    no_grade: str = ""


# ---------------------------------------------------------------------------------------------- a folder of files


def hear(path, name, file, by_ear):
    """Read one file, whatever is in it: a list of Heard, several from a file of several tunes."""
    try:
        tunes = folder.read(path)
        named = [name if len(tunes) == 1 else f"{name}#{number}" for number in range(1, len(tunes) + 1)]
    except Exception as error:  # a stranger's file may break any reader, and must not stop the others
        return [Heard(file, None, _fault(error, path))]
    found = []
    for title, (notes, meta) in zip(named, tunes):
        try:
            found.append(_placed(file, title, notes, meta, by_ear and path.name.lower().endswith(folder.MIDI_ENDINGS)))
        except Exception as error:
            found.append(Heard(file, None, _fault(error, path)))
    return found


def _fault(error, path):
    """An error in a line; those of our readers are sentences, others need their kind."""
    text = " ".join(str(error).removeprefix(f"{files.shown(path)}: ").split())
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}"


def _placed(file, name, notes, meta, by_ear):
    """Find key, bars, windows and voices of one tune."""
    read, mended = piece.from_notes(name, notes, meta)
    if read.off_grid > grid.PERFORMED:
        return Heard(file, None, f"a performance without a grid ({read.off_grid:.0%} of its onsets are off it)")
    read, bars = barred(read, meta) if by_ear else (read, "as written")
    beats = "{}/{}".format(*read.metre)
    said = [keys.name(harmony.tonic(read), read.mode), f"{beats}, upbeat of {read.upbeat} sixteenths, {bars}", *mended]
    cut, no_windows = np.zeros((0, 64, midi.NUM_PITCHES), np.uint8), ""
    if read.metre == METRE:
        cut = windows.four_bar_windows(read.roll, read.upbeat, read.bar_frames, read.semitones)
        no_windows = "" if len(cut) else "shorter than four bars"
    else:
        no_windows = f"{beats}, not 4/4"
    four = voices.in_four(read.voices)
    if four is None:
        return Heard(file, read, "", "; ".join(said), cut, no_windows, "more than four notes at once")
    if read.voices.shape[1] != len(voices.SINGERS):
        said.append(f"notes of {read.voices.shape[1]} parts dealt to four voices by height")
    sung = piece.with_voices(read, four)
    return Heard(file, sung._replace(roll=read.roll), "", "; ".join(said), cut, no_windows, grade.why_not(sung))


def barred(read, meta):
    """Hear where the bars of a piece are, if its file does not say it: (Piece, how they were found)."""
    asked = (read.metre,) if meta.time_signatures else ear.HEARD_METRES
    if meta.score or len(meta.time_signatures) > 1 or read.upbeat or asked[0] not in ear.HEARD_METRES:
        return read, "as written"
    if not read.roll[0].any():
        return read, "as written"
    metre, upbeat = ear.metre(ear.line(read.voices[:, 0]), ear.load(), asked)
    if (metre, upbeat) == (read.metre, read.upbeat):
        return read, "as written and by ear"
    return piece.blank(read.name, read.voices, metre, upbeat, read.mode, harmony.tonic(read)), BY_EAR


def read(place, by_ear):
    """Read a folder and its subfolders: list of Heard.

    Raises: ValueError for a folder that is not there, or holds no music.
    """
    if not place.is_dir():
        raise ValueError(f"there is no folder {place}: give one that holds music (MIDI, MusicXML, kern or ABC). Paths "
                         f"count from {Path.cwd()}")
    jobs = [(path, name, files.shown(path.relative_to(place).as_posix()), by_ear)
            for path, name in folder.find(place).items()]
    if not jobs:
        raise ValueError(f"{place} holds no MIDI file and no score ({', '.join(folder.ENDINGS)}): give a folder with "
                         "some")
    say(f"reading {len(jobs)} files of {place} ...")
    if len(jobs) < POOL_FROM:
        return [heard for job in jobs for heard in hear(*job)]
    with files.workers(most=len(jobs) // (POOL_FROM // 2)) as pool:
        return [heard for some in pool.map(hear, *zip(*jobs), chunksize=8) for heard in some]


def halves(heard, seed):
    """Share pieces with windows between two sides, nearly the same music on one of them: (asked, taught)."""
    families = data.families([each.piece for each in heard])
    sides, counts = ([], []), [0, 0]
    for number in np.random.default_rng(seed).permutation(len(families)):
        side = int(counts[1] < counts[0])
        sides[side].extend(heard[index] for index in families[number])
        counts[side] += sum(len(heard[index].windows) for index in families[number])
    return sides


def gathered(heard, most):
    """The windows of pieces, at most so many, and the number of the piece that each comes from."""
    rolls = np.concatenate([each.windows for each in heard])[:most]
    return rolls, np.repeat(range(len(heard)), [len(each.windows) for each in heard])[:most]


def usable(heard, seed):
    """The pieces whose windows are judged: (asked, taught), lists of Heard.

    Raises: ValueError where there are too few windows.
    """
    with_windows = [each for each in heard if len(each.windows)]
    count = sum(len(each.windows) for each in with_windows)
    asked, taught = halves(with_windows, seed) if with_windows else ([], [])
    fewest = min(sum(len(each.windows) for each in side) for side in (asked, taught))
    if count < LEAST_WINDOWS or fewest < LEAST_SIDE:
        faults = [f"{each.file}: {each.why or each.no_windows}" for each in heard if each.why or each.no_windows][:3]
        alike = "" if count < LEAST_WINDOWS else f", but all but {fewest} in pieces that are nearly the same music"
        raise ValueError(f"{count} windows of four bars of 4/4 in {len(with_windows)} of {len(heard)} pieces{alike}: "
                         f"the critics need {LEAST_WINDOWS} or more, {LEAST_SIDE} of them in other pieces than the "
                         "rest; give more music" + (f" ({'; '.join(faults)})" if faults else ""))
    return asked, taught


# ---------------------------------------------------------------------------------------------- the figures


def graded(pieces, reference, his, seed):
    """Grade whole pieces, beside Bach's test pieces: a row, and float (pieces,).

    Raises: ValueError for too few pieces.
    """
    if len(pieces) < LEAST_PIECES:
        raise ValueError(f"{len(pieces)} whole pieces in four voices: the grade needs {LEAST_PIECES} or more, each of "
                         f"{grade.MIN_BARS} bars or more with a soprano, an alto, a tenor and a bass")
    found = grade.grade(pieces, reference)
    low, high = metrics.interval(found.total, np.arange(len(pieces)), seed)
    picked = grade.pairs(found.total if his is None else his, found.total, seed)
    return {"pieces": len(pieces), "grade": [found.total.mean(), low, high], "Bach picked": list(picked)} | {
        name: part.mean() for name, part in found.parts.items()}, found.total


def grades(name, mine, bach, seed):
    """Grade Bach's test pieces, his validation pieces, test pieces made worse, and one's own.

    Args: mine: list of piece.Piece. bach: dict from a split to pieces.
    Returns: rows: dict from a name to a row. said: why one's own are not graded, or "".
    """
    say("grading whole pieces ...")
    reference, rng, test, said = grade.learn(bach["train"]), np.random.default_rng(seed), bach["test"], ""
    rows = {}
    rows["Bach, test"], his = graded(test, reference, None, seed)
    worse = {"Bach, valid": bach["valid"]}
    worse |= {f"Bach, {share:.0%} wrong notes": [grade.wrong_notes(each, share, rng) for each in test]
              for share in SPOILED}
    worse["Bach, voices moved apart"] = [grade.moved_voices(each, rng) for each in test]
    worse["Bach, beats shuffled"] = [grade.shuffled_beats(each, rng) for each in test]
    for other, pieces in worse.items():
        rows[other], _ = graded(pieces, reference, his, seed)
    try:
        rows[name], _ = graded(mine, reference, his, seed)
    except ValueError as error:
        said = str(error)
    return rows, said


def shipped(side):
    """The rows that notebook 05 ships: (dict from a name to a row, dict from a name to verdicts)."""
    from utils.measure import verdicts

    results, heard = runs.read_json(SHIPPED / "results.json"), runs.read_json(SHIPPED / "critic.json")
    with np.load(SHIPPED / "windows.npz") as store:
        rolls = {name: side.test if name == "Bach" else store[name] for name in results["rows"]}
    rows = {}
    for name, known in results["rows"].items():
        sure = {column: results["intervals"][name].get(measure, [None, None])
                for column, measure in (verdicts.COLUMNS | AT_REST).items()}
        row = known | {"phrase ends at rest": verdicts.mean(verdicts.measures(rolls[name])["cadences"]),
                       "longest copy": int(verdicts.copies(rolls[name], side).max())}
        rows[name] = {column: [value, *sure.get(column, [None, None])] for column, value in row.items()}
    return rows, heard


def figures(asked, taught, side, seed):
    """Measure and judge one's own windows: (row, verdicts, how many windows did what)."""
    from utils.measure import verdicts

    rolls, groups = gathered([*asked, *taught], NUM)
    found = verdicts.measures(rolls)
    means = {measure: verdicts.mean(values) for measure, values in found.items()}
    say("searching for copies ...")
    whole, known = verdicts.figures(rolls, side), verdicts.COLUMNS | AT_REST
    sides = gathered(taught, TAUGHT)[0], *gathered(asked, NUM)
    say("critics listen, a minute or so ...")
    heard = verdicts.listen(side, *sides, seed, EPOCHS)
    row = verdicts.row(means, whole, heard) | {"phrase ends at rest": means["cadences"],
                                               "longest copy": whole["longest copy"]}
    row = {column: [value, *(metrics.interval(found[known[column]], groups, seed) if column in known else (None, None))]
           for column, value in row.items()}
    count = {"measured": len(rolls), "taught": len(sides[0]), "asked": len(sides[1]), "most": [TAUGHT, NUM]}
    return row, [each._asdict() for each in heard], count


def judged(name, heard, seed):
    """All there is to say of a folder, as report.json keeps it: plain dict.

    Args: name: of the row. heard: list of Heard. seed: of halves, critics and intervals.
    Raises: ValueError where there is too little to judge.
    """
    asked, taught = usable(heard, seed)
    bach = {split: data.pieces(split) for split in ("train", "valid", "test")}
    mine = [each.piece for each in heard if each.piece is not None and not each.no_grade]
    graded_rows, no_grade = grades(name, mine, bach, seed)
    from utils.measure import verdicts  # and with it Keras

    side = verdicts.bach(*([each for each in bach[split] if each.metre == METRE] for split in ("train", "test")))
    rows, critics = shipped(side)
    rows[name], critics[name], count = figures(asked, taught, side, seed)
    for writer, found in critics.items():
        rows[writer][AUC] = [found[0][key] for key in ("auc", "low", "high")]
    return plain({
        "name": name, "seed": seed, "rows": rows, "critics": critics, "grades": graded_rows, "no grade": no_grade,
        "windows": {"found": sum(len(each.windows) for each in heard)} | count,
        "pieces": {"read": sum(not each.why for each in heard), "broken": sum(bool(each.why) for each in heard),
                   "with windows": len(asked) + len(taught), "four voices": len(mine),
                   "bars by ear": sum(BY_EAR in each.said for each in heard)},
        "files": [{"file": each.file, "windows": len(each.windows), "used": used(each), "found": each.said}
                  for each in heard]})


def used(heard):
    """What a file was used for, and why not for the rest."""
    parts = [f"{what}: {why}" for what, why in (("no window", heard.no_windows), ("no grade", heard.no_grade)) if why]
    return heard.why or "; ".join(parts) or "yes"


def plain(found):
    """Numbers as JSON has them; None for what is not defined."""
    if isinstance(found, dict):
        return {str(key): plain(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [plain(value) for value in found]
    if isinstance(found, (float, np.floating)):
        return float(found) if np.isfinite(found) else None
    return int(found) if isinstance(found, np.integer) else found


def with_outside(found, kept):
    """Add the rows that were kept of other folders: dicts as report.json and as outside.json."""
    for name, row in kept.items():
        if name != found["name"]:
            found["rows"].setdefault(name, row["row"])
            found["critics"].setdefault(name, row["critics"])
            if row["grade"]:
                found["grades"].setdefault(name, row["grade"])
    return found


# ---------------------------------------------------------------------------------------------- what becomes of it


def cell(found, digits=2):
    """A figure and its interval as text: [value, low, high], any of them None."""
    value, low, high = found
    if value is None:
        return ""
    sure = "" if low is None else f" ({low:.{digits}f} to {high:.{digits}f})"
    return f"{value:.{digits}f}{sure}"


def windows_table(rows, sure=True):
    """The table of windows: rows as in report.json -> str, Markdown; with intervals or without."""
    digits = {"notes per bar": 1, "copied": 0, "longest copy": 0}
    return lines({name: {column: cell(row[column] if sure else [row[column][0], None, None], digits.get(column, 2))
                         for column in SHOWN} for name, row in rows.items()})


def critics_table(critics):
    """The table of critics: verdicts as in report.json -> str, Markdown, the hardest critic in bold."""
    rows = {}
    for name, found in critics.items():
        heard = {each["name"]: cell([each["auc"], each["low"], each["high"]]) for each in found}
        heard[found[0]["name"]] = f"**{heard[found[0]['name']]}**"
        rows[name] = {critic: heard[critic] for critic in sorted(heard)} | {
            "taken for Bach": f"{found[0]['taken_for_bach']:.0%}"}
    return lines(rows)


def grades_table(rows):
    """The table of whole pieces: rows as in report.json -> str, Markdown."""
    sure = "grade", "Bach picked"
    return lines({name: {"pieces": row["pieces"]} | {column: cell(row[column]) for column in sure} | {
        part: cell([row[part], None, None]) for part in grade.NINE} for name, row in rows.items()})


def lines(rows):
    """Rows of text as a table in Markdown."""
    from utils.show import table

    return table.markdown(table.show(rows))


def report(found):
    """All there is to say: dict as in report.json -> str, Markdown."""
    name, cut, count = found["name"], found["windows"], found["pieces"]
    most = cut["most"]
    text = [f"# {name}, beside Bach", "",
            f"{count['read']} pieces read, {count['broken']} could not be; {cut['found']} windows of four bars of 4/4 "
            f"in {count['with windows']} of them, {count['four voices']} whole pieces in four voices. The bars of "
            f"{count['bars by ear']} are heard, for their files say nothing of an upbeat. Seed {found['seed']}.",
            "", "## Windows", "", windows_table(found["rows"]), "",
            f"Means over windows, {cut['measured']} of {name}, with 95 % intervals by drawing pieces anew. *Phrases*: "
            "how far the distances between points of rest are from Bach's, in bits. *Phrase ends at rest*: on a triad "
            "over its root. *Copied*: how many sixteenths of a window are in a training piece as they are, in any key, "
            "at a stretch; the median, and beside it the longest, of 64 windows. *Coverage*: how much of Bach's "
            "variety is reached. These three depend on how many windows there are, so that an interval would mislead. "
            "Notebook 05 explains the rest.",
            "", "## Critics", "", critics_table(found["critics"]), "",
            "How well each tells a writer's windows from Bach's test windows: 0.5 is guessing, the hardest is in bold. "
            f"They have learned from {cut['taught']} windows of {name}, and were asked about {cut['asked']} of other "
            "pieces." + (f" The rows of this repository have {most[0]} and {most[1]}: with fewer a critic learns less, "
                         "and what it says is too kind." if [cut["taught"], cut["asked"]] != most else ""),
            "", "## Whole pieces", "", grades_table(found["grades"]), "",
            "The grade is the mean of the nine figures to its right, each about 1 for a piece by Bach; the lower, the "
            "more like Bach. *Bach picked*: how often it is lower for Bach, of a test piece by him and one of the "
            "row's; 0.5 is guessing. A part below 1 is nearer to Bach's average than his own pieces usually are. "
            "`utils/measure/grade.py` says how it is made.",
            f"\n{name} is not graded: {found['no grade']}.\n" * bool(found["no grade"]),
            "## Files", "", files_table(found["files"])]
    return "\n".join(text) + "\n"


def files_table(rows):
    """What was done with each file, as Markdown."""
    text = ["| file | windows | used | found |", "|---|---|---|---|"]
    for row in rows:
        cells = (row["file"], row["windows"], row["used"], row["found"])
        text.append("| " + " | ".join(str(each).replace("|", "/") for each in cells) + " |")
    return "\n".join(text)


def draw(found, path):
    """Draw the figures with their intervals beside Bach's, and keep the picture."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from utils.show import plots

    name = found["name"]
    others = [each for each in found["rows"] if each not in runs.read_json(SHIPPED / "results.json")["rows"]]
    drawn = list(dict.fromkeys([*DRAWN[:1], *reversed(others), *DRAWN[1:]]))
    fig, axes = plt.subplots(2, 3, figsize=(plots.MAX_INCHES, 1.6 + 0.72 * len(drawn)), sharey=True)
    for ax, column in zip(axes.flat, PANELS):
        rows = {each: found["rows"][each].get(column) for each in drawn}
        if column == "Bach picked":
            rows = {each: found["grades"].get(each, {}).get(column) for each in drawn}
            rows["Bach"] = found["grades"]["Bach, valid"][column]
        known = {each: row and [np.nan if value is None else value for value in row] for each, row in rows.items()}
        plots.intervals(known, (known["Bach"] or [0, np.nan, np.nan])[1:], name, column, ax)
    with files.whole(path) as temporary:
        fig.savefig(temporary)
    plt.close(fig)


def record(found, chosen):
    """What outside.json keeps of a folder: figures, and where the music is from."""
    name = found["name"]
    command = f"python notebooks/judge.py FOLDER --name {name!r} --bars {chosen.bars} --seed {found['seed']}"
    return {"source": chosen.source, "licence": chosen.licence, "command": command, "seed": found["seed"],
            "pieces": found["pieces"], "windows": found["windows"], "row": found["rows"][name],
            "critics": found["critics"][name], "grade": found["grades"].get(name)}


def kept():
    """What was kept of other folders, by name; nothing where the file is missing."""
    path = SHIPPED / OUTSIDE
    return runs.read_json(path) if path.is_file() else {}


def free_folder(name):
    """A folder in outputs/local/judge that is not there yet."""
    return files.free_folder(ROOT / "outputs" / "local" / "judge", name, "music")


def say(line):
    """Print at once, for a reader who waits."""
    print(line, flush=True)


def parse(arguments):
    """Read the command line, and refuse what cannot work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--name", help="of the writer, in tables; the folder's name if none")
    parser.add_argument("--out", type=Path, help="a folder for the report; a new one in outputs/local/judge if none")
    parser.add_argument("--seed", type=int, default=1, help="of halves, critics and intervals")
    parser.add_argument("--bars", choices=("ear", "file"), default="ear", help="what says where bars begin")
    parser.add_argument("--keep", action="store_true", help="add the figures to outputs/evaluation/outside.json")
    parser.add_argument("--source", default="", help="with --keep: who wrote the music, and where it is from")
    parser.add_argument("--licence", default="", help="with --keep: a sentence on its licence")
    chosen = parser.parse_args(arguments)
    chosen.name = chosen.name or files.shown(chosen.folder.resolve().name)
    if not 0 <= chosen.seed < 2**32:
        raise ValueError(f"--seed {chosen.seed}: give a seed of 0 to 2**32 - 1")
    if chosen.keep and not (chosen.source and chosen.licence):
        raise ValueError("--keep: say where the music is from and how it may be used, with --source and --licence")
    if chosen.name in runs.read_json(SHIPPED / "results.json")["rows"] or chosen.name.startswith("Bach"):
        raise ValueError(f"--name {chosen.name}: a row of the table has this name already: choose another one")
    if chosen.out is not None and chosen.out.exists() and (not chosen.out.is_dir() or any(chosen.out.iterdir())):
        raise ValueError(f"{chosen.out} is there already: give --out a new folder")
    return chosen


def main(arguments=None):
    """Do all that the command line asks for; raises ValueError for what the user can mend.

    Returns: Path of the folder with the report.
    """
    start, chosen = time.monotonic(), parse(arguments)
    heard = read(chosen.folder, chosen.bars == "ear")
    for each in heard:
        if each.why:
            say(f"left out: {each.file}: {each.why}")
    found = with_outside(judged(chosen.name, heard, chosen.seed), kept())
    out = chosen.out or free_folder(chosen.name)
    out.mkdir(parents=True, exist_ok=True)
    runs.write_json(out / "report.json", found)
    with files.whole(out / "report.md") as temporary:
        temporary.write_text(report(found), encoding="utf-8")
    draw(found, out / "table.png")
    if chosen.keep:
        runs.write_json(SHIPPED / OUTSIDE, kept() | {chosen.name: record(found, chosen)})
    say(f"\n{windows_table(found['rows'], sure=False)}\n\n{critics_table(found['critics'])}\n\n"
        f"{grades_table(found['grades'])}")
    if found["no grade"]:
        say(f"\n{chosen.name} is not graded: {found['no grade']}")
    say(f"\n{out}/: report.md, report.json, table.png; {(time.monotonic() - start) / 60:.1f} minutes")
    return out


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
    except (ValueError, OSError) as error:
        sys.exit(str(error))
