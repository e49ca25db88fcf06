"""What networks and a chain of characters write: pieces anew, or windows of four bars in C major or A minor."""

from functools import cache

import numpy as np

from utils.measure import metrics, phrases
from utils.music import midi, ngram, piece, text, windows
from utils.nets import char_rnn, gan, gan_grid, gan_voices, infill_inputs, infill_numpy, training, wavenet

SHOWN = "notes_per_bar", "chord_rate", "dissonance", "parallels", "returns", "cadences"
TEXT_WINDOW = 64  # frames
FRAME_CHARACTERS = 6  # to write for a frame of a window; Bach has five
SHIFTS = 0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6  # semitones by which a text is moved, the nearest first

network = cache(training.rebuild)  # a run's network, built once


def rewrite(networks, pieces, known=None, temperature=infill_inputs.TEMPERATURE, seed=0, as_busy=False):
    """Let the network of four voices write pieces anew, under their outlines and around what is known of them.

    Args: networks: list of `infill_numpy.load`, averaged. pieces: list of data.Piece of four voices. known: list of
        bool (frames, 4), or one of (4,) for all pieces; None for nothing. temperature, seed: see `infill.write`.
        as_busy: tell the network how busy each piece is, which its voices alone say.
    Returns: list of data.Piece, with other voices and rolls.
    Notebook: 02, "Composing"; 05, "The writers".
    """
    known = np.zeros(4, bool) if known is None else known
    if np.ndim(known[0]) == 0:
        known = [np.tile(known, (len(old.voices), 1)) for old in pieces]
    forms = [infill_inputs.form(old, as_busy) for old in pieces]
    written = infill_numpy.write(networks, forms, [old.voices for old in pieces], known, temperature, seed)
    return [piece.with_voices(old, cells) for old, (cells, _) in zip(pieces, written)]


def measured(pieces):
    """Measure pieces by their windows of four bars: dict from each of the measures of SHOWN to its mean or NaN.

    Args: pieces: list of data.Piece; those that hold no window say nothing.
    Notebook: 02, "Composing".
    """
    cut = windows.windows(pieces)
    found = metrics.measure(cut) | phrases.measure(cut)
    means = metrics.summary(found)
    return {name: means[name][0] for name in SHOWN}


def streams(strings, per_text=4):
    """Cut texts that know no bars, each moved to where most of it lies in C major or A minor.

    Args: strings: list of str, as `text.encode` writes them. per_text: windows cut from each, from its beginning.
    Returns: rolls: uint8 (windows, 64, 128). groups: int (windows,), the text that each comes from.
    Notebook: 05, "The writers".
    """
    found = []
    for string in strings:
        roll = text.decode(string)[:TEXT_WINDOW * per_text]
        moved = [midi.transpose(roll, semitones) for semitones in SHIFTS]
        home = max(moved, key=lambda each: metrics.measure(each[None, :len(each) // 16 * 16])["in_key"][0])
        found.append(windows.four_bar_windows(home))
    return np.concatenate(found), np.repeat(range(len(found)), list(map(len, found)))


def characters(run_dir, count, seed, temperature, per_text=4):
    """Let a network of characters write: the original GRU and LSTM, or the dilated one.

    Args: run_dir: Path of a run of `char_rnn` or `wavenet`. count: windows wanted, a multiple of per_text. seed: int.
        temperature, per_text: see `streams`.
    Returns: as `streams`.
    Notebook: 05, "The writers".
    """
    model = network(run_dir)
    write = char_rnn.write_characters if run_dir.name.startswith("rnn") else wavenet.write_characters
    codes = write(model, FRAME_CHARACTERS * TEXT_WINDOW * per_text, count // per_text, temperature, seed)
    alphabet = text.vocab()
    return streams([text.characters(line, alphabet) for line in codes], per_text)


def counted(pieces, count, seed, temperature, order=20, per_text=4):
    """Let a chain write that counts which character follows the last ones, up to `order` of them, in pieces.

    Args: pieces: as `data.pieces` gives them. The others, and Returns: as `characters`.
    Notebook: 05, "The writers".
    """
    chain = ngram.fit([text.encode(midi.transpose(p.roll, p.semitones), onsets=True) for p in pieces], order)
    rng = np.random.default_rng(seed)
    return streams([chain.generate(rng, FRAME_CHARACTERS * TEXT_WINDOW * per_text, temperature=temperature)
                    for _ in range(count // per_text)], per_text)


def adversarial(run_dir, count, seed):
    """Let the generator of a GAN with the original layers write: windows, each a group of its own, as `streams`."""
    return gan_grid.decode(gan.generate(network(run_dir), count, seed)), np.arange(count)


def choir(run_dir, pieces, count, seed):
    """Let the GAN of four voices write under outlines of pieces.

    Args: run_dir: Path of the run of its generator. pieces: as `data.pieces` gives them. count: windows wanted.
        seed: int.
    Returns: as `streams`.
    Notebook: 05, "The writers".
    """
    outlines = gan_voices.draw(gan_voices.excerpts(pieces)[1], count, seed)
    return gan_voices.decode(gan_voices.generate(network(run_dir), outlines, seed)), np.arange(count)
