"""Train one of the networks on a folder of your own MIDI files, measure what it writes against them, and hear it.

    python notebooks/own_music.py FOLDER RUN [--network gru] [--steps 2000] [--seed 1]

Weights, pieces and a table go to outputs/local/RUN; nothing else changes, and what is there already is not overwritten.
Networks: gru and lstm, the study's (notebook 02); two_clocks, which knows the bar and remembers (02); dcnn, dilated
convolutions on characters (03); gan, the study's layers with the cure, and voices, four voices of convolutions (04).
The last two read four bars of 4/4, the others any 3/4 and 4/4.
"""

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # must precede `import keras`
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import keras
import numpy as np

from utils import runs
from utils.measure import metrics, phrases, variety
from utils.music import data, midi, text, windows
from utils.nets import char_rnn, compose, gan, gan_grid, gan_voices, inputs, queues, two_clocks, wavenet
from utils.sound import audio

TEMPERATURE, TEMPO = 0.8, 84
NUM_PIECES, FRAMES = 8, 256  # written by a network that writes on and on; four of them are kept as files
NUM_WINDOWS = 64  # written by a network of windows
PER_FRAME = 6  # characters to write for a frame; four voices need five
KEYS = range(-3, 4)  # transpositions to learn from, where a network can use them
STEPS = {"gru": 2000, "lstm": 2000, "two_clocks": 1500, "dcnn": 600, "gan": 1500, "voices": 1000}  # some minutes each
PLAIN = text.vocab()


def read(folder):
    """Read a folder of MIDI files, and hold every fifth back to measure by.

    Args: folder: with .mid or .midi files.
    Returns: (to learn from, held back): lists of data.Piece.
    Raises: ValueError where fewer than two can be used, and why each of the others cannot.
    """
    rows = data.table(folder)
    usable = [piece for piece in data.pieces(folder=folder) if not piece.left_out and piece.roll.any()]
    for row in rows:
        if row["dropped"] or row["left_out"]:
            print(f"left out: {row['file']}: {row['dropped'] or row['left_out']}")
    if len(usable) < 2:
        raise ValueError(f"{len(usable)} of {len(rows)} files in {folder} can be used: give at least two that can be read "
                         "and are in 3/4 or 4/4 throughout")
    held = usable[1::5]
    return [piece for number, piece in enumerate(usable) if number % 5 != 1], held


def train(network, learned, held, folder, steps, seed):
    """Train a network, and let it write.

    Args: network: one of STEPS. learned, held: lists of data.Piece. folder: Path, where a training that was stopped
        goes on. steps: int. seed: int.
    Returns: (model, history, builder: dict, written: list of uint8 rolls (frames, 128), in C major or A minor).
    Raises: ValueError for music that the network cannot read.
    """
    keras.utils.set_random_seed(seed)
    if network in ("gan", "voices"):
        rolls = windows.windows(learned, hop=1)
        if len(rolls) < 2:
            raise ValueError(f"{len(rolls)} windows of four bars of 4/4 to learn from: give longer pieces, or choose "
                             "--network gru")
        return {"gan": _layers, "voices": _voices}[network](rolls, folder, steps, seed)
    epochs, each = max(steps // 100, 1), min(steps, 100)
    make = {"two_clocks": _two_clocks, "dcnn": _dilated}.get(network, partial(_recurrent, network))
    return make(learned, held, folder, epochs, each, seed)


def _recurrent(cell, learned, held, folder, epochs, steps, seed):
    builder = dict(vocab_size=len(PLAIN), cell=cell, units=256)
    model = char_rnn.build_char_rnn(**builder)
    told, checked = (text.tokens("".join(text.encode(midi.transpose(p.roll, p.semitones)) for p in some), PLAIN)
                     for some in (learned, held))
    length = min(100, len(told) - 2, len(checked) - 2)
    history = char_rnn.fit(model, told, checked, folder, epochs, steps, length, seed=seed)
    codes = char_rnn.write_characters(model, PER_FRAME * FRAMES, NUM_PIECES, TEMPERATURE, seed)
    return model, history, builder, _rolls(codes)


def _two_clocks(learned, held, folder, epochs, steps, seed):
    builder = dict(vocab_size=len(PLAIN), slow_units=256, slow_layers=2, fast_units=192, dropout_rate=0.2)
    model = two_clocks.build_two_clock(**builder)
    told = [item for p in learned for item in inputs.prepare(p.roll, p.upbeat, p.bar_frames, _keys(p))]
    checked = [item for p in held for item in inputs.prepare(p.roll, p.upbeat, p.bar_frames, [p.semitones])]
    history = two_clocks.fit(model, told, checked, folder, epochs, steps, seed=seed)
    strings = compose.generate(model, NUM_PIECES, TEMPERATURE, max_bars=FRAMES // 16, seed=seed)
    return model, history, builder, [text.decode(string) for string in strings]


def _dilated(learned, held, folder, epochs, steps, seed):
    builder = dict(levels=len(PLAIN), states=inputs.POSITIONS * len(PLAIN), num_stacks=2, num_layers=9, channels=48,
                   skip_channels=256, dropout_rate=0.05)
    model = wavenet.build(**builder)
    lines = [[inputs.line(item, len(PLAIN)) for p in some for item in
              inputs.prepare(p.roll, p.upbeat, p.bar_frames, [p.semitones])] for some in (learned, held)]
    length = min(1536, *(len(line) - 2 for some in lines for line in some))
    history = wavenet.fit(model, *lines, folder, epochs, steps, length, 8, 3e-3, seed, levels=len(PLAIN))
    codes = queues.generate(wavenet.weights(model), PER_FRAME * FRAMES, num_streams=NUM_PIECES, temperature=TEMPERATURE,
                            seed=seed, first=0, follow=inputs.follow(len(PLAIN)))
    return model, history, builder, _rolls(codes)


def _layers(rolls, _, steps, seed):
    real = gan_grid.encode(rolls)
    model, history = gan.fit(real, "cured", 1.6e-4, 9.05e-4, steps, seed)
    return model, history, dict(shape=real.shape[1:]), list(gan_grid.decode(gan.generate(model, NUM_WINDOWS, seed)))


def _voices(rolls, folder, steps, seed):
    builder = dict(channels=128)
    networks = gan_voices.build_generator(**builder), gan_voices.build_discriminator(channels=96)
    trainer = gan.Trainer(*networks, gan_grid.encode_voices(rolls), 1e-3, 4e-4, penalty=20.0, average=0.99, beta_2=0.99,
                          relativistic=True, features=gan_voices.build_features(transpose=3), batch_size=32, seed=seed)
    model, history = gan.run(trainer, steps, folder=folder)
    return model, history, builder, list(gan_grid.decode_voices(gan.generate(model, NUM_WINDOWS, seed)))


def report(learned, held, written):
    """Measure what was written beside what was held back: str, a table in Markdown, a row each."""
    rows, index = {}, variety.CopyIndex([piece.roll for piece in learned])
    for name, found in (("held back", [midi.transpose(p.roll, p.semitones) for p in held]), ("written", written)):
        rolls = [windows.four_bar_windows(roll) for roll in found]
        rolls = np.concatenate([each for each in rolls if len(each)] or [np.zeros((0, 64, 128), np.uint8)])
        if len(rolls):
            values = metrics.measure(rolls) | phrases.measure(rolls)
            values["copied"] = np.array([index.longest(window) for window in rolls])
            rows[name] = {measure: np.nanmean(each) if np.isfinite(each).any() else np.nan for measure, each in values.items()}
    if not rows:
        return "No piece is four bars long: nothing to measure."
    measures = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(measures).replace("_", " ") + " |", "|---" * (len(measures) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |" for name, row in rows.items()]
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("run")
    parser.add_argument("--network", choices=STEPS, default="gru")
    parser.add_argument("--steps", type=int, help="of training; by default some minutes")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    out, start = ROOT / "outputs" / "local" / chosen.run, time.time()
    if (out / runs.CONFIG).exists():
        raise ValueError(f"{out} holds a run already: choose another name, or remove it")
    steps = chosen.steps or STEPS[chosen.network]
    learned, held = read(chosen.folder)
    print(f"{len(learned)} pieces to learn from, {len(held)} held back; {chosen.network}, {steps} steps", flush=True)
    model, history, builder, written = train(chosen.network, learned, held, out / "fit", steps, chosen.seed)
    runs.save(model, history, out, network=chosen.network, builder=builder, steps=steps, seed=chosen.seed,
              minutes=(time.time() - start) / 60)
    sounding = [roll for roll in written if roll.any()]
    for number, roll in enumerate(sounding[:4], 1):
        notes = midi.roll_to_notes(roll)
        midi.notes_to_midi(notes, out / f"piece_{number}.mid", midi.Meta(tempos=((0, TEMPO),)))
        audio.write(out / f"piece_{number}.mp3", audio.render(notes, tempo=TEMPO))
    table = report(learned, held, written)
    (out / "report.md").write_text(table + "\n", encoding="utf-8")
    print(table)
    print(f"{out.relative_to(ROOT).as_posix()}/: {min(len(sounding), 4)} pieces as MIDI and MP3, report.md, the weights"
          + ("" if sounding else "; every piece is silent: train for more steps"))


def _rolls(streams):
    """Texts of a stream each -> rolls, as long as all can be."""
    return [text.decode(text.characters(stream, PLAIN))[:FRAMES] for stream in streams]


def _keys(piece):
    """The transpositions of a piece around C major or A minor that stay on the keyboard."""
    used = np.flatnonzero(piece.roll.any(axis=0))
    keys = [piece.semitones + key for key in KEYS]
    return [key for key in keys if used[0] + key >= 0 and used[-1] + key < midi.NUM_PITCHES]


if __name__ == "__main__":
    try:
        main()
    except ValueError as error:
        sys.exit(str(error))
