"""Train one of the networks on a folder of your own MIDI files, measure what it writes, and hear it.

    python notebooks/own_music.py FOLDER RUN [--network gru] [--steps 2000] [--seed 1]

Music, weights and a report go to outputs/local/RUN, all at once when they are complete. A training that is stopped goes
on when the same command is given again. In FOLDER a hidden file .pieces.npz keeps what was read.

Networks: gru and lstm, the original recurrent networks (notebook 02); two_clocks, which knows the place in the bar and
remembers (02); dcnn, dilated convolutions over characters (03); gan, the original GAN's layers with the cure, and
voices, four voices by convolutions (04). The last two learn from windows of four bars of 4/4, the others from 3/4 too.
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
from utils.music import data, midi, text, windows
from utils.nets import gan_grid  # has no Keras, which is imported only when the folder has been read

TEMPERATURE, TEMPO = 0.8, 84
NUM_PIECES, FRAMES = 8, 256  # written by a network that writes on and on
PER_FRAME = 6  # characters to write for a frame; four voices need five
NUM_WINDOWS, NUM_FILES = 64, 4  # written by a GAN; kept as files, of any network
KEYS = range(-3, 4)  # transpositions to learn from, where a network can use them
COPY_FRAMES = 16  # a bar: shorter runs are common property
SIGN_SECONDS = 15  # from one sign of life to the next
PLAIN, ONSETS = text.vocab(), text.vocab(onsets=True)
STEPS = {"gru": 2000, "lstm": 2000, "two_clocks": 1500, "dcnn": 600, "gan": 1500, "voices": 1000}  # some minutes each
SIZES = {  # what each network is built with; a run's config keeps it
    "gru": dict(cell="gru", units=256, num_layers=1, embedding_size=64, dropout_rate=0.0),
    "lstm": dict(cell="lstm", units=256, num_layers=1, embedding_size=64, dropout_rate=0.0),
    "two_clocks": dict(cell="gru", slow_units=256, slow_layers=2, fast_units=192, embedding_size=64, dropout_rate=0.2),
    "dcnn": dict(num_stacks=2, num_layers=9, channels=48, skip_channels=256, head="softmax", dropout_rate=0.05),
    "gan": dict(units=(128, 256, 512, 1028)),
    "voices": dict(channels=128),
}
LESSONS = {  # how the two GANs learn
    "gan": dict(generator_rate=1.6e-4, discriminator_rate=9.05e-4, penalty=10.0, average=0.98, beta_2=0.99),
    "voices": dict(generator_rate=1e-3, discriminator_rate=4e-4, penalty=20.0, average=0.99, beta_2=0.99,
                   relativistic=True, batch_size=32),
}

# ---------------------------------------------------------------------------------------------- a folder of MIDI files


def read(folder, network):
    """Read a folder of MIDI files, name what cannot be used, and hold every fifth piece back to measure by.

    Args: folder: Path, with .mid or .midi files. network: one of STEPS.
    Returns: (to learn from, held back): lists of data.Piece.
    Raises: ValueError for a missing folder, or where fewer than two files can be used.
    """
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}: give one that holds MIDI files (.mid or .midi). Paths count "
                         f"from {Path.cwd()}")
    say(f"reading {folder} ...")
    rows, pieces = data.table(folder), data.pieces(folder=folder)
    faults = [(row["file"], row["dropped"].removeprefix(f"{folder / row['file']}: ")) for row in rows]
    reasons = [why_not(piece, network) for piece in pieces]
    for name, fault in faults + [(piece.name, reason) for piece, reason in zip(pieces, reasons)]:
        if fault:
            say(f"left out: {name}: {fault}")
    usable = [piece for piece, reason in zip(pieces, reasons) if not reason]
    if len(usable) < 2:
        raise ValueError(f"{len(usable)} of {len(rows)} files in {folder} can be used: give at least two that "
                         f"--network {network} can learn from")
    return [piece for number, piece in enumerate(usable) if number % 5 != 1], usable[1::5]


def why_not(piece, network):
    """Say why a network cannot learn from a piece: str, empty where it can."""
    if piece.left_out:
        return f"{piece.left_out}, and only 3/4 and 4/4 can be used"
    if len(piece.roll) < piece.bar_frames:
        return "it is shorter than a bar"
    if network in LESSONS and (piece.metre != (4, 4) or not len(windows.windows([piece], hop=1))):
        return f"it has no four bars of 4/4, which --network {network} learns from"
    try:
        midi.transpose(piece.roll, piece.semitones)
        if network in LESSONS:
            cells(network, [piece])
    except ValueError as error:
        return str(error)
    return ""


def cells(network, pieces):
    """Cut pieces into what a GAN learns from: float32 (windows, eighths, ...), see `gan_grid`."""
    return {"gan": gan_grid.encode, "voices": gan_grid.encode_voices}[network](windows.windows(pieces, hop=1))


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


def two_clocks(network, learned, held, fit, steps, seed):
    """Prepare a network with two clocks, on the onset alphabet, in which a piece has an end."""
    from utils.nets import compose, inputs, two_clocks

    def prepare(piece, keys):
        used = np.flatnonzero(piece.roll.any(axis=0)) + piece.semitones
        keys = [piece.semitones + key for key in keys if used[0] + key >= 0 and used[-1] + key < midi.NUM_PITCHES]
        return inputs.prepare(piece.roll, piece.upbeat, piece.bar_frames, keys, onsets=True)

    def train(model):
        pieces, checked = ([item for piece in some for item in prepare(piece, keys)]
                           for some, keys in ((learned, KEYS), (held, (0,))))
        return two_clocks.fit(model, pieces, checked, fit, *epochs(steps), seed=seed, keep_best=True)

    def write(model):
        bar = usual_bar(learned)
        strings = compose.generate(model, NUM_PIECES, TEMPERATURE, max_bars=FRAMES // bar, seed=seed, bar_frames=bar)
        return [text.decode(string) for string in strings]

    builder = dict(vocab_size=len(ONSETS), num_conditions=inputs.NUM_CONDITIONS)
    return two_clocks.build_two_clock, builder | SIZES[network], train, write


def dilated(network, learned, held, fit, steps, seed):
    """Prepare dilated convolutions over characters."""
    from utils.nets import inputs, wavenet

    levels = len(PLAIN)
    lines, checked = ([inputs.line(item, levels) for p in some for item in
                       inputs.prepare(p.roll, p.upbeat, p.bar_frames, [p.semitones])] for some in (learned, held))
    length = min(1536, int(np.median([len(line) for line in checked])) - 2)

    def train(model):
        return wavenet.fit(model, lines, checked, fit, *epochs(steps), length, batch_size=8, learning_rate=3e-3,
                           seed=seed, keep_best=True, levels=levels)

    def write(model):
        first = levels * inputs.bar_conditions(1, 0, usual_bar(learned))[0]  # a frame has ended, a bar begins
        return decode(wavenet.write_characters(model, PER_FRAME * FRAMES, NUM_PIECES, TEMPERATURE, seed, first))

    return wavenet.build, dict(levels=levels, states=inputs.POSITIONS * levels) | SIZES[network], train, write


def adversaries(network, learned, held, fit, steps, seed):
    """Prepare a GAN, of which the look is kept that came nearest to the pieces held back."""
    from utils.measure import metrics
    from utils.nets import gan, gan_voices

    real, checked = cells(network, learned), cells(network, held)
    shape, settings = real.shape[1:], LESSONS[network] | dict(seed=seed)
    if network == "gan":
        build, builder, to_rolls = gan.build_generator, dict(shape=shape), gan_grid.decode
        discriminator = gan.build_discriminator(shape, minibatch_std=True)
    else:
        build, builder, to_rolls = gan_voices.build_generator, dict(num_eighths=shape[0]), gan_grid.decode_voices
        discriminator = gan_voices.build_discriminator(shape[0], channels=96)
        settings |= dict(features=gan_voices.build_features(shape[0], transpose=3))
    spread = metrics.features(to_rolls(real)).std(axis=0)
    spread[spread == 0] = 1
    reference = metrics.features(to_rolls(checked)) / spread

    def write(model):
        return to_rolls(gan.generate(model, NUM_WINDOWS, seed))

    def look(step, generator):
        found = nearness(metrics.features(write(generator)) / spread, reference)
        say(f"step {step} of {steps}: nearness {found:.3f}, 0 is best")
        return {"nearness": found}

    def train(model):
        trainer = gan.Trainer(model, discriminator, real, **settings)
        return gan.run(trainer, steps, look, min(100, max(1, steps // 10)), fit, best="nearness")

    return build, builder | SIZES[network], train, write


PREPARE = {"gru": characters, "lstm": characters, "two_clocks": two_clocks, "dcnn": dilated, "gan": adversaries,
           "voices": adversaries}


def epochs(steps):
    """Cut a training into epochs of at most a hundred steps: (epochs, steps of each)."""
    count = -(-steps // 100)
    return count, round(steps / count)


def usual_bar(pieces):
    """Name the metre of most pieces by its frames a bar: 16 or 12."""
    return max((16, 12), key=[piece.bar_frames for piece in pieces].count)


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


# ---------------------------------------------------------------------------------------------- what becomes of it


def report(learned, held, written, grid=1):
    """Measure what was written, beside the pieces held back.

    Args: learned, held: lists of data.Piece. written: uint8 rolls (frames, 128). grid: frames that the network takes as
        one; copies are looked for on that grid.
    Returns: str, a table in Markdown, and a sentence on what is copied.
    """
    from utils.measure import metrics, phrases, variety
    from utils.show import table

    coarse, bar = lambda roll: np.repeat(roll[::grid], grid, axis=0), usual_bar(learned)
    index = variety.CopyIndex([coarse(piece.roll) for piece in learned])
    pieces = {"held back": [(p.roll, p.upbeat, p.bar_frames, p.semitones) for p in held],
              "written": [(roll, 0, bar, 0) for roll in written]}
    rows, longest = {}, []
    for name, some in pieces.items():
        rows[name] = {}
        for roll, upbeat, bar_frames, semitones in some:
            if len(cut := windows.four_bar_windows(roll, upbeat, bar_frames, semitones)):
                measures = metrics.measure(cut, bar_frames) | phrases.measure(cut, bar_frames)
                measures["copied"] = [index.longest(coarse(window)) for window in cut]
                for measure, values in measures.items():
                    rows[name].setdefault(measure, []).extend(values)
        longest.append(max(index.longest(coarse(roll)) for roll, *_ in some))
    return (f"{table.markdown(table.show(rows))}\n\nMeans over windows of four bars; notebooks 01 and 05 explain them. "
            f"{verdict(*longest)}")


def verdict(held, written):
    """Say whether a network copies: str, from how many sixteenths held-back pieces and its own repeat at most."""
    copies = written >= COPY_FRAMES and written >= 2 * held
    return (f"What it wrote repeats at most {written} sixteenths of a piece it learned from; the held-back pieces "
            f"{held}: it {'copies, train it for fewer steps or on more music' if copies else 'does not copy'}.")


def keep(written, folder):
    """Write the first pieces that sound as MIDI and MP3; returns how many."""
    from utils.sound import audio

    sounding = [roll for roll in written if roll.any()][:NUM_FILES]
    for number, roll in enumerate(sounding, 1):
        say(f"playing piece {number} of {len(sounding)} ...")
        notes = midi.roll_to_notes(roll)
        midi.notes_to_midi(notes, folder / f"piece_{number}.mid", midi.Meta(tempos=((0, TEMPO),)))
        audio.write(folder / f"piece_{number}.mp3", audio.render(notes, tempo=TEMPO))
    return len(sounding)


def say(line):
    """Print at once, for a reader who waits."""
    print(line, flush=True)


@contextmanager
def alive():
    """Give a sign of life now and then, whatever takes its time."""
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
    """Remove what a training leaves beside its run; after a bad end only where it cannot go on from there."""
    try:
        yield
    except BaseException:
        if any(found for name in ("backup/*", "state.npz", f"run/{runs.CONFIG}") for found in fit.glob(name)):
            say(f"{fit} keeps the training so far: the same command goes on from there")
        else:
            shutil.rmtree(fit, ignore_errors=True)
        raise
    else:
        shutil.rmtree(fit.parent)
    finally:
        with suppress(OSError):  # they hold something else
            for folder in (fit.parent, fit.parent.parent, fit.parent.parent.parent):
                if folder.is_dir():
                    folder.rmdir()


def parse(arguments):
    """Read the command line, and refuse what cannot work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("--network", choices=STEPS, default="gru")
    parser.add_argument("--steps", type=int, help="of training; by default some minutes")
    parser.add_argument("--seed", type=int, default=1)
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
    """Do all that the command line asks for; raises ValueError for what the user can mend."""
    chosen = parse(arguments)
    local = ROOT / "outputs" / "local"
    out = local / chosen.run
    if out.exists():
        raise ValueError(f"{out} is there already: choose another name, or remove it")
    learned, held = read(chosen.folder, chosen.network)
    say(f"{len(learned)} pieces to learn from, {len(held)} held back; {chosen.network}, {chosen.steps} steps")
    from utils.nets import training  # and with it Keras

    about = dict(network=chosen.network, steps=chosen.steps, seed=chosen.seed)
    state = hashlib.sha256(repr((about, SIZES)).encode() + b"".join(piece.roll.tobytes() for piece in learned + held))
    fit = local / "fit" / f"own_{chosen.run}" / state.hexdigest()[:12]  # other music or settings begin anew
    new = fit / "run"  # becomes `out` when all is there
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
