"""Let networks and a chain of characters write: whole pieces, or windows of four bars in C major or A minor."""

from functools import cache

import numpy as np

from utils.measure import metrics, phrases, seams
from utils.music import midi, ngram, piece, text, windows
from utils.nets import char_rnn, gan, gan_grid, gan_voices, infill_inputs, infill_numpy, training, wavenet

SHOWN = "notes_per_bar", "chord_rate", "dissonance", "parallels", "returns", "cadences"
TEXT_WINDOW = 64  # frames
FRAME_CHARACTERS = 6  # written per frame of a window; Bach has five
SHIFTS = 0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6  # semitones of transposition of a text, the nearest first

network = cache(training.rebuild)  # the network of a run, built once


def rewrite(networks, pieces, known=None, temperature=infill_inputs.TEMPERATURE, seed=0, as_busy=False):
    """Let the network of four voices rewrite pieces, with their outlines and their known cells.

    Args: networks: list of what `infill_numpy.load` returns, averaged. pieces: list of data.Piece of four voices.
        known: list of bool (frames, 4), or one of (4,) for all pieces; None for nothing. temperature, seed: see
        `infill.write`. as_busy: give the network the number of notes of each piece, which is counted in its own voices.
    Returns: list of data.Piece, with new voices and rolls.
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

    Args: pieces: list of data.Piece; pieces without a whole window do not count.
    Notebook: 02, "Composing".
    """
    cut = windows.windows(pieces)
    found = metrics.measure(cut) | phrases.measure(cut)
    means = metrics.summary(found)
    return {name: means[name][0] for name in SHOWN}


def closes(pieces, tunes):
    """Judge harmonised melodies as a teacher does: how their phrases close, and three measures.

    Args: pieces: list of data.Piece, written under the melodies of `tunes`, list of data.Piece.
    Returns: dict of name -> float; the measures are those of pieces in 4/4.
    Notebook: 02, "Harmonising".
    """
    tonics = [infill_inputs.form(tune).tonic for tune in tunes]
    settled, home = seams.closings([each.voices for each in pieces], [tune.fermatas for tune in tunes], tonics)
    found = measured([each for each in pieces if each.metre == (4, 4)])
    return {"root triad on fermatas": settled, "tonic in the last bass": home} | {
        name.replace("_", " "): found[name] for name in ("chord_rate", "dissonance", "parallels")}


def fill(networks, pieces, seed=0):
    """Hide two bars in the middle of pieces, up to three gaps each, and let the network of four voices write them anew.

    Args: networks, seed: as `rewrite`. pieces: list of data.Piece.
    Returns: holes: list of (piece, gap), gap (start, end) in frames; filled: list of data.Piece.
    Notebook: 02, "Filling a gap".
    """
    holes = [(each, gap) for each in pieces if each.voices.shape[1] == 4 for gap in seams.gaps(each)]
    known = [seams.outside(len(each.voices), gap) for each, gap in holes]
    return holes, rewrite(networks, [each for each, _ in holes], known, seed=seed)


def at_seams(pieces, holes):
    """Measure music around the seams of gaps: dict of measure -> str, its mean and 95 % interval over pieces.

    Args: pieces: list of data.Piece, one a gap. holes: as `fill` returns them.
    Notebook: 02, "Filling a gap".
    """
    groups = np.unique([each.index for each, _ in holes], return_inverse=True)[1]
    found = seams.measure([each.voices for each in pieces], [gap for _, gap in holes],
                          [each.semitones for each in pieces], groups)
    return {name.replace("_", " "): "{:.3f} ({:.3f} to {:.3f})".format(*values) for name, values in found.items()}


def streams(strings, per_text=4):
    """Cut texts without bars into windows, each text transposed so that most of it is in C major or A minor.

    Args: strings: list of str, as `text.encode` writes them. per_text: windows per text, from its beginning.
    Returns: rolls: uint8 (windows, 64, 128). groups: int (windows,), the text of each window.
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
        temperature: see `sampling.sample`. per_text: see `streams`.
    Returns: as `streams`.
    Notebook: 05, "The writers".
    """
    model = network(run_dir)
    write = char_rnn.write_characters if run_dir.name.startswith("rnn") else wavenet.write_characters
    codes = write(model, FRAME_CHARACTERS * TEXT_WINDOW * per_text, count // per_text, temperature, seed)
    alphabet = text.vocab()
    return streams([text.characters(line, alphabet) for line in codes], per_text)


def counted(pieces, count, seed, temperature, order=20, per_text=4):
    """Let an n-gram chain write, which counts the next characters after up to `order` characters in pieces.

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


def on_eighths(rolls):
    """Write windows on the grid of eighths, as the GANs with the original layers read and write them."""
    return gan_grid.decode(gan_grid.encode(rolls))


def choir(run_dir, pieces, count, seed):
    """Let the GAN of four voices write under outlines of pieces.

    Args: run_dir: Path of the run of its generator. pieces: as `data.pieces` gives them. count: windows wanted.
        seed: int.
    Returns: as `streams`.
    Notebook: 05, "The writers".
    """
    outlines = gan_voices.draw(gan_voices.excerpts(pieces)[1], count, seed)
    return gan_voices.decode(gan_voices.generate(network(run_dir), outlines, seed)), np.arange(count)
