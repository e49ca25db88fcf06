"""Pieces as the piano plays them, what networks hear of a score, and how those who perform it are judged."""

import functools
from typing import NamedTuple

import numpy as np

from utils.music import data, midi, piece
from utils.sound import audio, conditioning, hearing, recordings, tones

UNIT, TEMPO = recordings.RMS, recordings.TEMPO  # of the waves that networks learn, in full scale; of a score
PIANO_RANGE = tones.LOWEST_TONE, tones.LOWEST_TONE + tones.NUM_TONES  # that performers read, the last not included
DECIMALS = dict(recall=3, convergence=3, loudness="+.2f")  # of the columns of `judge`, 2 for the others


class Recorded(NamedTuple):
    """A piece and its recording. piece: piece.Piece. notes: midi.NOTE, in seconds. wave: int16 (samples,)."""

    piece: piece.Piece
    notes: np.ndarray
    wave: np.ndarray


def recorded(split, count=None, depth=0.0):
    """Play pieces of a split, or take them from the cache.

    Args: split: "train", "valid" or "test". count: of pieces to play now; None takes all, played once and kept. depth:
        of the expression: 0 plays as written, 1 is a performance.
    Returns: list of Recorded.
    Raises: ValueError as `data.pieces`.
    Notebook: 03, "What it hears".
    """
    pieces = data.pieces(split)[:count]
    notes = [recordings.notes(each, depth) for each in pieces]
    waves = [recordings.play(each) for each in notes] if count else recordings.waves(split, depth=depth)
    print(f"{split}: {len(waves)} pieces, {sum(map(len, waves)) / audio.SAMPLE_RATE / 60:.0f} minutes", flush=True)
    return [Recorded(*each) for each in zip(pieces, notes, waves)]


def excerpt(pieces, seconds):
    """Take the first seconds of recorded pieces, in order: list of (notes, wave float32 (samples,))."""
    chosen, left = [], round(seconds * audio.SAMPLE_RATE)
    for each in pieces:
        if left > 0:
            chosen.append((each.notes, np.asarray(each.wave[:left]) / np.float32(recordings.FULL)))
            left -= len(chosen[-1][1])
    return chosen


def codes(pieces):
    """The recordings of pieces as mu-law codes: list of uint8 (1 + samples,), silence first."""
    return recordings.codes([each.wave for each in pieces])


def samples(pieces):
    """The recordings of pieces in UNIT: list of float32 (1 + samples,), 0 first."""
    return recordings.samples([each.wave for each in pieces])


def performance(piece):
    """A piece for `plots.performance`: notes as written, notes as performed, fermatas in seconds, and the tempo."""
    seconds = recordings.FRAME_SAMPLES / audio.SAMPLE_RATE
    return recordings.notes(piece), recordings.notes(piece, 1.0), piece.fermatas * seconds, TEMPO


def program(paths, num_frames, path):
    """Read the shortest of composed pieces (of equal ones the last by name) and perform it by rule.

    Args: paths: of MIDI files. num_frames: sixteenths to take at most. path: of a MIDI file that is written, with the
        notes as they were composed.
    Returns: notes as performed, midi.NOTE in seconds; int, samples until the last one has died away.
    Notebook: 03, "Composed and performed by networks alone".
    """
    written = min(map(midi.midi_to_notes, sorted(paths, reverse=True)), key=lambda notes: notes["end"].max())
    written = written[written["start"] < num_frames / midi.STEPS_PER_QUARTER]
    midi.notes_to_midi(written, path, midi.Meta(tempos=((0, TEMPO),)))
    played = recordings.perform(written)
    return played, round((played["end"].max() + audio.RELEASE_SECONDS) * audio.SAMPLE_RATE)


def piano(path, fit=False):
    """Take the additive piano from a file, or fit it to the sampled one and keep it there: tones.Piano."""
    if fit:
        path.parent.mkdir(parents=True, exist_ok=True)
        tones.save(path, tones.fit())
    return tones.load(path)


def one_note(piano, pitch=60):
    """A note by the sampled and by the additive piano: two waves float32 (samples,)."""
    place = pitch - tones.LOWEST_TONE
    return tones.single(place), tones.additive(piano)(place)[:, 0]


def heard_by_teacher(piano):
    """What a teacher hears: a function from (notes, num_samples, first=0) to [features, bare harmonics and piano]."""
    return _heard(tones.both(piano), 1.0)


def heard_by_student(piano):
    """What a student hears: a function from (notes, num_samples, first=0) to [features, additive piano]."""
    return _heard(tones.additive(piano), recordings.RMS)


def known(hears, pieces):
    """What networks learn beside recorded pieces: a function from (number, first sample, samples), for `fit`."""
    return lambda number, first, steps: hears(pieces[number].notes, steps, first)


def players(piano, excerpts, seed=0):
    """Players to compare networks with: the piano itself, an additive one, sines, silence and noise.

    Args: piano: tones.Piano. excerpts: all that will be played, see `excerpt`. seed: of the noise.
    Returns: dict from a name to a function from (notes, num_samples) to a wave float (num_samples,).
    Notebook: 03, "An ear".
    """
    tone, by_length = tones.additive(piano), {len(wave): wave for _, wave in excerpts}
    wide = lambda wave, length: np.pad(wave, (0, max(length - len(wave), 0)))[:length]
    return {
        "the piano itself": lambda notes, length: by_length[length],
        "additive piano": lambda notes, length: conditioning.excitation(notes, tone, length, audio.ONE_A_SECOND)[:, 0],
        "sine synthesiser": lambda notes, length: wide(audio.render_sine(notes, tempo=audio.ONE_A_SECOND), length),
        "silence": lambda notes, length: np.zeros(length),
        "white noise": lambda notes, length: np.random.default_rng(seed).normal(0, recordings.RMS, length)}


def sides(player, excerpts):
    """Play excerpts for critics: waves of the recordings and of a player, two lists of float32 (samples,), -1 to 1."""
    return [wave for _, wave in excerpts], [np.clip(player(notes, len(wave)), -1, 1).astype(np.float32)
                                            for notes, wave in excerpts]


def judge(everyone, excerpts):
    """Take all measures of all players: `hearing.judge` with the ear of the sampled piano."""
    return hearing.judge(everyone, excerpts, _ear())


@functools.cache
def _ear():
    return hearing.templates()


def _heard(tone, unit):
    """Features and tones of a piece, or of a part of it; the tones in this unit."""
    tempo = audio.ONE_A_SECOND
    return lambda notes, num_samples, first=0: [
        conditioning.features(notes, num_samples, tempo, first),
        conditioning.excitation(notes, tone, num_samples, tempo, first) / np.float32(unit)]
