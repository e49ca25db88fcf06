"""Train one of the networks on a folder of your own music, measure what it writes, and listen to it.

    python notebooks/own_music.py FOLDER RUN [--network gru] [--steps 2000] [--seed 1] [--performances]

FOLDER holds MIDI, MusicXML, kern or ABC files, in subfolders too. Music, weights and a report on every file are written
to outputs/local/RUN, all at once when they are complete. A stopped training continues when you give the same command
again. In FOLDER a hidden file .pieces.npz caches the music. Performances without a grid are left out unless
--performances is given.

Networks: gru and lstm, the original recurrent networks (notebook 02); infill, four named voices that see later given
notes (02); dcnn, dilated convolutions over characters (03); gan, the original GAN's layers with the cure for mode
collapse, and voices, a GAN of four named voices (04). The last two learn from windows of four bars of 4/4 or 2/2, the
others from any metre; they write in the metre of most pieces.
"""

import argparse
import hashlib
import os
import shutil
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # must precede `import keras`
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from utils import runs
from utils.music import data, midi, text, voices, windows
from utils.nets import gan_grid  # without Keras, which is imported only after the folder is read

TEMPERATURE, TEMPO = 0.8, 84
NUM_PIECES, FRAMES = 8, 256  # written by a network that writes long pieces
PER_FRAME = 6  # characters to write per frame; four voices need five
NUM_WINDOWS, NUM_FILES = 64, 4  # windows written by a GAN; files kept, of any network
COPY_FRAMES = 16  # a bar: many pieces share shorter runs
SIGN_SECONDS = 15  # between two signs of life
PLAIN = text.vocab()
STEPS = {"gru": 2000, "lstm": 2000, "infill": 1500, "dcnn": 600, "gan": 1500, "voices": 300}  # some minutes each
SIZES = {  # the settings of each network; a run's config keeps them
    "gru": dict(cell="gru", units=256, num_layers=1, embedding_size=64, dropout_rate=0.0),
    "lstm": dict(cell="lstm", units=256, num_layers=1, embedding_size=64, dropout_rate=0.0),
    "infill": dict(),
    "dcnn": dict(num_stacks=2, num_layers=9, channels=48, skip_channels=256, head="softmax", dropout_rate=0.05),
    "gan": dict(units=(128, 256, 512, 1028)),
    "voices": dict(units=96, hidden=128),
}
TAUGHT = 4  # supervised steps of the GAN of four voices, before each step against its discriminator
LESSONS = {  # how the two GANs learn
    "gan": dict(generator_rate=1.6e-4, discriminator_rate=9.05e-4, penalty=10.0, average=0.98, beta_2=0.99),
    "voices": dict(generator_rate=2e-4, discriminator_rate=4e-4, penalty=5.0, average=0.98, beta_2=0.99,
                   relativistic=True, batch_size=16),
}

# ---------------------------------------------------------------------------------------------- a folder of MIDI files


def read(folder, network, performances=False):
    """Read a folder of music, name the files that cannot be used, and hold back every fifth piece for measuring.

    Pieces that are nearly the same music stay on one side.

    Args: folder: Path. network: one of STEPS. performances: also use performances without a grid.
    Returns: (training pieces, pieces held back): lists of piece.Piece.
    Raises: ValueError for a missing folder, or if fewer than two pieces can be used.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: give one that holds music (MIDI, MusicXML, kern or ABC). Paths "
                         f"start at {Path.cwd()}")
    say(f"reading {folder} ...")
    rows, pieces = data.table(folder), data.pieces(folder=folder, performances=performances)
    names, usable = {piece.name for piece in pieces}, []
    for row in rows:
        if row["dropped"] and row["piece"] not in names:
            say(f"left out: {row['file']}: {why_dropped(row)}")
    for piece in pieces:
        if reason := why_not(piece, network):
            say(f"left out: {piece.name}: {reason}")
        else:
            usable.append(piece)
    learned, held = [], []
    for number, family in enumerate(data.families(usable)):
        side, place = (held, "held back") if number % 5 == 1 else (learned, "learned from")
        side += [usable[index] for index in family]
        if len(family) > 1:
            say(f"nearly the same music, all {place}: {few([usable[index].name for index in family])}")
    if not learned or not held:
        raise ValueError(f"{len(usable)} of {len(rows)} files in {folder} can be used: give at least two that "
                         f"--network {network} can learn from, and not the same music twice")
    return learned, held


def few(names):
    """Join names; of many, only the first."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def why_dropped(row):
    """Explain why a file is not a piece: str, without the file's name; empty if it is one."""
    return row["dropped"].removeprefix(f"{row['file']}: ")


def why_not(piece, network):
    """Explain why a network cannot learn from a piece: str, empty if it can."""
    if piece.metre[0] * 16 % piece.metre[1]:
        return "a bar of {}/{} has no whole number of sixteenths".format(*piece.metre)
    if len(piece.roll) < piece.bar_frames:
        return "it is shorter than a bar"
    try:
        midi.transpose(piece.roll, piece.semitones)
    except ValueError as error:
        return str(error)
    if network in ("infill", "voices") and voices.in_four(piece.voices) is None:
        return f"more than four notes sound at once, and --network {network} writes four voices"
    if network not in LESSONS:
        return ""
    if piece.bar_frames != 16 or not len(found := four_bars(piece)):
        return f"it has no four bars of 4/4, which --network {network} learns from"
    if network == "gan" and not gan_grid.in_range(found).any():
        return "no four bars of it stay within G1 to D6 in one key"
    return ""


def four_bars(piece):
    """Cut a piece in 4/4 or 2/2 into windows that start on every bar: uint8 (windows, 64, 128)."""
    return windows.windows([piece], metre=piece.metre, hop=1)


def cells(pieces):
    """Encode the training windows of the GAN with the original layers, see `gan_grid.encode`; say how many are lost."""
    found = np.concatenate(list(map(four_bars, pieces)))
    kept = gan_grid.in_range(found)
    if not kept.all():
        say(f"{np.sum(~kept)} of {len(kept)} windows left out: pitches outside G1 to D6")
    return gan_grid.encode(found[kept])


def account(folder, learned, held):
    """List what was done with every file: str, a table in Markdown."""
    sides = {}
    for side, place in ((learned, "learned from"), (held, "held back")):
        for family in data.families(side):
            names = [side[index].name for index in family]
            alike = f"; nearly the same music: {few(names)}" if len(names) > 1 else ""
            sides |= dict.fromkeys(names, place + alike)
    lines = ["| file | key | metre | parts | what was mended | used |", "|---|---|---|---|---|---|"]
    for row in data.table(folder):
        why = why_dropped(row) or "this network cannot use it"
        cells = (row["file"], row["key"], row["metre"], row["parts"], row["mended"],
                 sides.get(row["piece"], f"left out: {why}"))
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------- the networks
# Each function prepares a training: (build, builder, train) as `runs.load_or_train` takes them, and write, a function
# from the trained network to rolls (frames, 128) in C major or A minor.


def characters(network, learned, held, fit, steps, seed):
    """Prepare one of the original recurrent networks."""
    from utils.nets import char_rnn

    strings, checked = (text.tokens("".join(text.encode(midi.transpose(p.roll, p.semitones)) for p in some), PLAIN)
                        for some in (learned, held))
    length = min(100, len(strings) - 2, len(checked) - 2)

    def train(model):
        return char_rnn.fit(model, strings, checked, fit, *epochs(steps), length, seed=seed, keep_best=True)

    def write(model):
        return decode(char_rnn.write_characters(model, PER_FRAME * FRAMES, NUM_PIECES, TEMPERATURE, seed))

    return char_rnn.build_char_rnn, dict(vocab_size=len(PLAIN)) | SIZES[network], train, write


def infilling(network, learned, held, fit, steps, seed):
    """Prepare the network of four named voices; what is not in a file stays unknown in its outline."""
    from utils.nets import infill, infill_inputs

    lessons = [(voices.in_four(piece.voices), infill_inputs.form(piece, with_motion=True)) for piece in learned]
    checked = [(voices.in_four(piece.voices), infill_inputs.form(piece)) for piece in held]

    def train(model):
        return infill.fit(model, lessons, checked, fit, *epochs(steps), seed=seed)

    def write(model):
        forms = [form._replace(length=FRAMES) for _, form in lessons[:NUM_PIECES]]
        found = infill.write(model, forms, seed=seed)
        return [midi.transpose(voices.to_roll(cells), piece.semitones) for piece, (cells, _) in zip(learned, found)]

    return infill.build_infiller, dict(SIZES[network]), train, write


def dilated(network, learned, held, fit, steps, seed):
    """Prepare dilated convolutions over characters."""
    from utils.nets import inputs, wavenet

    levels = len(PLAIN)
    lines, checked = ([inputs.line(item, levels) for p in some for item in
                       inputs.prepare(p.roll, p.upbeat, keys=[p.semitones], bars=p.bars)] for some in (learned, held))
    length = min(1536, int(np.median([len(line) for line in checked])) - 2)

    def train(model):
        return wavenet.fit(model, lines, checked, fit, *epochs(steps), length, batch_size=8, learning_rate=3e-3,
                           seed=seed, keep_best=True, levels=levels)

    def write(model):
        first = levels * places_in(learned, 1)[0]  # a frame ends, a bar begins
        other = metre(learned) if num_places(learned) > inputs.POSITIONS else None
        return decode(wavenet.write_characters(model, PER_FRAME * FRAMES, NUM_PIECES, TEMPERATURE, seed, first, other))

    return wavenet.build, dict(levels=levels, states=num_places(learned) * levels) | SIZES[network], train, write


def adversaries(network, learned, held, fit, steps, seed):
    """Prepare a GAN; the state nearest to the pieces held back is kept."""
    from utils.measure import metrics
    from utils.nets import gan, gan_voices

    settings = LESSONS[network] | dict(seed=seed)
    if network == "gan":
        real, checked = cells(learned), cells(held)
        build, builder, to_rolls = gan.build_generator, dict(shape=real.shape[1:]), gan_grid.decode
        discriminator = gan.build_discriminator(real.shape[1:], minibatch_std=True)
    else:
        sung = ([piece._replace(metre=(4, 4), voices=voices.in_four(piece.voices)) for piece in side]
                for side in (learned, held))
        lessons, checks = (gan_voices.excerpts(side, hop=1) for side in sung)
        real, checked = (gan_voices.encode(tokens) for tokens, _ in (lessons, checks))
        build, builder, to_rolls = gan_voices.build_generator, {}, gan_voices.decode
        discriminator = gan_voices.build_discriminator(channels=96)
    spread = metrics.features(to_rolls(real)).std(axis=0)
    spread[spread == 0] = 1
    reference = metrics.features(to_rolls(checked)) / spread

    def write(model):
        if network == "gan":
            return to_rolls(gan.generate(model, NUM_WINDOWS, seed))
        return to_rolls(gan_voices.generate(model, gan_voices.draw(lessons[1], NUM_WINDOWS, seed), seed))

    def look(step, generator):
        found = nearness(metrics.features(write(generator)) / spread, reference)
        say(f"step {step} of {steps}: nearness {found:.3f}, 0 is best")
        return {"nearness": found}

    def train(model):
        looks = (look, min(100, max(1, steps // 10)), fit, "nearness")
        if network == "gan":
            return gan.run(gan.Trainer(model, discriminator, real, **settings), steps, *looks)
        taught = -(-TAUGHT * steps * settings["batch_size"] // len(real))
        return gan_voices.fit(model, discriminator, lessons, checks, taught, steps, *looks, **settings)

    return build, builder | SIZES[network], train, write


PREPARE = {"gru": characters, "lstm": characters, "infill": infilling, "dcnn": dilated, "gan": adversaries,
           "voices": adversaries}


def epochs(steps):
    """Cut a training into epochs of at most a hundred steps: (epochs, steps of each)."""
    count = -(-steps // 100)
    return count, round(steps / count)


def metre(pieces):
    """Find the metre of most pieces: (numerator, denominator)."""
    metres = [piece.metre for piece in pieces]
    return max(metres, key=metres.count)


def bar_frames(pieces):
    """Count the frames in a bar of most pieces."""
    beats, unit = metre(pieces)
    return beats * 16 // unit


def num_places(pieces):
    """Count the places in a bar that a network must distinguish: fewer if all pieces are in 4/4, 2/2 or 3/4."""
    from utils.nets import inputs

    usual = all(tuple(bar) in inputs.FIRST_PLACES for piece in pieces for bar in piece.bars[:, 1:].tolist())
    return inputs.POSITIONS if usual else inputs.PLACES


def places_in(pieces, num_frames):
    """Number the places in bars of the metre of most pieces: int (num_frames,), see `inputs.places`."""
    from utils.nets import inputs

    starts = np.arange(0, num_frames, bar_frames(pieces))
    return inputs.places(np.array([(start, *metre(pieces)) for start in starts]), 0, num_frames)


def decode(streams):
    """Read tokens int (streams, characters) of the plain alphabet as rolls, at most FRAMES long."""
    return [text.decode(text.characters(stream, PLAIN))[:FRAMES] for stream in streams]


def nearness(ours, theirs):
    """Compare two sets of features, float (windows, features): 0 for equal distributions, the lower the farther apart.

    Source: Székely and Rizzo 2013, Energy statistics; this is minus the energy distance.
    """
    from scipy.spatial import distance

    apart = [distance.cdist(*pair).mean() for pair in ((ours, ours), (theirs, theirs), (ours, theirs))]
    return float(apart[0] + apart[1] - 2 * apart[2])


# ---------------------------------------------------------------------------------------------- the results


def report(learned, held, written, grid=1):
    """Measure the written music, and the pieces held back for comparison.

    Args: learned, held: lists of piece.Piece. written: uint8 rolls (frames, 128). grid: frames that the network reads
        as one; copies are found on that grid.
    Returns: str, a table in Markdown, and a sentence on what is copied.
    """
    from utils.measure import metrics, phrases, variety
    from utils.show import table

    coarse, bar = lambda roll: np.repeat(roll[::grid], grid, axis=0), bar_frames(learned)
    index = variety.CopyIndex([coarse(piece.roll) for piece in learned])
    pieces = {"held back": [(p.roll, p.upbeat, p.bar_frames, p.semitones) for p in held],
              "written": [(roll, 0, bar, 0) for roll in written]}
    rows, longest = {}, []
    for name, some in pieces.items():
        rows[name] = {}
        for roll, upbeat, frames, semitones in some:
            if len(cut := windows.four_bar_windows(roll, upbeat, frames, semitones)):
                measures = metrics.measure(cut, frames) | phrases.measure(cut, frames)
                measures["copied"] = [index.longest(coarse(window)) for window in cut]
                for measure, values in measures.items():
                    rows[name].setdefault(measure, []).extend(values)
        longest.append(max(index.longest(coarse(roll)) for roll, *_ in some))
    return (f"{table.markdown(table.show(rows))}\n\nMeans over windows of four bars; notebooks 01 and 05 explain them. "
            f"{verdict(*longest)}")


def verdict(held, written):
    """Decide whether a network copies, from the longest repeats of held-back and written pieces: str."""
    copies = written >= COPY_FRAMES and written >= 2 * held
    return (f"What it wrote repeats at most {written} sixteenths of a piece it learned from; the held-back pieces "
            f"{held}: it {'copies, train it for fewer steps or on more music' if copies else 'does not copy'}.")


def keep(written, folder):
    """Write the first pieces with notes as MIDI and MP3; returns their number."""
    from utils.sound import audio, expression

    sounding = [roll for roll in written if roll.any()][:NUM_FILES]
    for number, roll in enumerate(sounding, 1):
        say(f"playing piece {number} of {len(sounding)} ...")
        notes = midi.roll_to_notes(roll)
        midi.notes_to_midi(notes, folder / f"piece_{number}.mid", midi.Meta(tempos=((0, TEMPO),)))
        wave = audio.concert(expression.perform(notes, tempo=TEMPO).notes)
        audio.write(folder / f"piece_{number}.mp3", wave, audio.CONCERT_RATE)
    return len(sounding)


def say(line):
    """Print without delay, for a reader who waits."""
    print(line, flush=True)


@contextmanager
def alive():
    """Print a sign of life from time to time."""
    done, start = threading.Event(), time.monotonic()

    def tick():
        while not done.wait(SIGN_SECONDS):
            say(f"... {time.monotonic() - start:.0f} s so far")

    threading.Thread(target=tick, daemon=True).start()
    try:
        yield
    finally:
        done.set()


@contextmanager
def tidy(fit):
    """Remove the other files of a training; after an error, only if it cannot continue from them."""
    try:
        yield
    except BaseException:
        if any(found for name in ("backup/*", "state.npz", f"run/{runs.CONFIG}") for found in fit.glob(name)):
            say(f"{fit} keeps the training so far: the same command continues from there")
        else:
            shutil.rmtree(fit, ignore_errors=True)
        raise
    else:
        shutil.rmtree(fit.parent)
    finally:
        with suppress(OSError):  # they hold other files
            for folder in (fit.parent, fit.parent.parent, fit.parent.parent.parent):
                if folder.is_dir():
                    folder.rmdir()


def parse(arguments):
    """Read the command line, and refuse impossible values."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--network", choices=STEPS, default="gru")
    parser.add_argument("--steps", type=int, help="of training; by default a training of some minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--performances", action="store_true", help="also learn from performances without a grid")
    chosen = parser.parse_args(arguments)
    if chosen.steps is None:
        chosen.steps = STEPS[chosen.network]
    if chosen.steps < 1 or not 0 <= chosen.seed < 2**32:
        raise ValueError(f"--steps {chosen.steps} --seed {chosen.seed}: give 1 step or more, a seed of 0 to 2**32 - 1")
    if Path(chosen.run).name != chosen.run or chosen.run.startswith(".") or chosen.run == "fit":
        raise ValueError(f"RUN is {chosen.run!r}: give a plain name, such as my_run, for a folder in outputs/local")
    return chosen


@alive()
def main(arguments=None):
    """Run the command line; raises ValueError for what the user can correct."""
    chosen = parse(arguments)
    local = ROOT / "outputs" / "local"
    out = local / chosen.run
    if out.exists():
        raise ValueError(f"{out} exists already: choose another name, or remove it")
    learned, held = read(chosen.folder, chosen.network, chosen.performances)
    say(f"{len(learned)} training pieces, {len(held)} held back; {chosen.network}, {chosen.steps} steps")
    from utils.nets import training  # imports Keras

    about = dict(network=chosen.network, steps=chosen.steps, seed=chosen.seed)
    state = hashlib.sha256(repr((about, SIZES)).encode() + b"".join(piece.roll.tobytes() for piece in learned + held))
    fit = local / "fit" / f"own_{chosen.run}" / state.hexdigest()[:12]  # other music or settings start again
    new = fit / "run"  # becomes `out` when all files are written
    with tidy(fit):
        training.keras.utils.set_random_seed(chosen.seed)
        prepare = PREPARE[chosen.network]
        build, builder, train, write = prepare(chosen.network, learned, held, fit, chosen.steps, chosen.seed)
        if not (new / runs.CONFIG).exists():
            runs.load_or_train(build, builder, train, new, "train", **about)
        say("writing ...")
        written = write(training.rebuild(new))
        count = keep(written, new)
        say("measuring ...")
        found = report(learned, held, written, gan_grid.FRAME_STEPS if chosen.network in LESSONS else 1)
        found += f"\n\nWhat was done with each file:\n\n{account(chosen.folder, learned, held)}"
        (new / "report.md").write_text(found + "\n", encoding="utf-8")
        os.replace(new, out)
    say(f"{found}\n\n{out}/: {count} pieces as MIDI and MP3, report.md, the weights"
        + ("" if count else "; every piece is silent: train for more steps"))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(str(error))
