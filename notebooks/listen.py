"""Build the page to listen to: music by every network, and the blind test "Bach or machine?".

    python notebooks/listen.py                   from what is shipped, to outputs/local/gallery/index.html
    python notebooks/listen.py --out my.html

The page is a single file that works offline and can be copied and sent. Notebook 05 calls `write` with what it wrote.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

from notebooks import compose
from utils import files, runs
from utils.measure import tells, verdicts
from utils.music import data, midi, piece
from utils.show import edition, gallery
from utils.sound import audio

OURS = "RNN, four voices"
PAGE = ROOT / "outputs" / "local" / "gallery" / "index.html"
SHIPPED = ROOT / "outputs" / "evaluation"
TEMPO, CLIP_SECONDS, QUIZ_SECONDS = 84, 15, 10  # quarter notes per minute; longest excerpt; clips of the quiz
EXCERPT_BARS, COLLAPSED_WINDOWS, FACTS = 4, 3, 3  # of Bach; by the collapsed GAN; facts about a clip of the quiz
QUIZ = {"Bach": 5, OURS: 4, "GAN, four voices": 2, "RNN, original GRU": 1}  # who plays in it, and how often
SAYS = "chord rate", "dissonance", "parallels per bar", "copied", "coverage", "critic's AUC"  # of a row of the results


def clip(title, note, read):
    """A card of the page: a piece, performed."""
    played = edition.perform(read, TEMPO)
    return gallery.Clip(title, note, audio.concert(played.notes), read, played.clock, TEMPO)


def from_windows(rolls, name, note, count=2):
    """Cards of a writer's first windows: list of gallery.Clip."""
    return [clip(f"{name}, window {number}", note, piece.of_window(name, window))
            for number, window in enumerate(rolls[name][:count], 1)]


def recorded(path, seconds=CLIP_SECONDS):
    """The beginning of a shipped recording: float32 (samples,)."""
    return audio.read(ROOT / "outputs" / path, audio.SAMPLE_RATE)[0][:seconds * audio.SAMPLE_RATE]


def performed(who):
    """A card: a piece of the network of four voices, and how another one performs it."""
    notes, meta = midi.read_midi(ROOT / "outputs/dcnn_student/chain.mid")
    (read, _), tempo = piece.from_notes("chain", notes, meta), meta.tempos[0][1]
    return gallery.Clip(f"Composed by the four voices, performed by the {who}",
                        "16,000 samples per second; temperature 0 for the sound; seed 1",
                        recorded(f"dcnn_student/chain_{who}.mp3"), read, edition.perform(read, tempo).clock, tempo,
                        audio.SAMPLE_RATE)


def sections(rolls, songs, rows, bach, seed):
    """Put together what there is to hear, family by family: list of gallery.Section; arguments as `write`."""
    said = {name: [(key, f"{row[key]:.0f}" if key == "copied" else f"{row[key]:.2f}") for key in SAYS
                   if row.get(key) is not None] for name, row in rows.items()}
    excerpts = [clip(read.name.replace("bwv", "BWV "), f"Bach, the first {EXCERPT_BARS} bars", piece.with_voices(
        read, read.voices[:read.upbeat + EXCERPT_BARS * read.bar_frames])) for read in bach[:2]]
    complete = [clip(f"A whole piece, number {number}", f"by the network of four voices, seed {seed}", song)
                for number, song in enumerate(songs, 1)]
    collapsed = midi.notes_to_roll(midi.midi_to_notes(ROOT / "outputs/gan_collapsed/windows.mid"))
    collapsed = piece.of_window("GAN, collapsed", collapsed[:COLLAPSED_WINDOWS * 64])
    seeded = f"seed {seed}"
    return [
        gallery.Section("Bach", "Two test pieces, which no network has learned from.", excerpts, said["Bach"]),
        gallery.Section("Recurrent networks", "The network of four voices writes a line for each singer, under the "
                        "outline of a piece: key, bars, phrase ends. The original GRU writes character by character, "
                        "and knows only the last ones.",
                        complete
                        + from_windows(rolls, OURS, f"as busy as the pieces whose outlines they have, {seeded}")
                        + from_windows(rolls, "RNN, original GRU", seeded, 1), said[OURS]),
        gallery.Section("Dilated convolutions", "The same layers write characters, or perform a score as sound.",
                        from_windows(rolls, "DCNN on characters", seeded, 1)
                        + [*map(performed, ("teacher", "student", "piano")),
                           gallery.Clip("A WaveNet that is given nothing", "seed 1",
                                        recorded("dcnn_lean/babble.mp3", 4), sample_rate=audio.SAMPLE_RATE)],
                        said["DCNN on characters"]),
        gallery.Section("Adversarial networks", "A generator learns from the complaints of a discriminator. When it "
                        "collapses, it writes a few windows again and again.",
                        from_windows(rolls, "GAN, four voices", seeded)
                        + from_windows(rolls, "GAN, cured", f"the original layers, {seeded}", 1)
                        + [clip("GAN, collapsed", f"{COLLAPSED_WINDOWS} windows, from as many latents", collapsed)],
                        said["GAN, four voices"]),
    ]


def guess(name, roll, bach):
    """A clip of the test, and what the page says of it in the end."""
    found = tells.facts(roll[None], bach)[0]
    if name == "Bach":
        said = found.inside[:FACTS] + [f"{fact} Here he is outside his own range." for fact in found.outside[:1]]
    else:
        like = [f"Like Bach: {fact[0].lower()}{fact[1:]}" for fact in found.inside]
        said = [*(found.outside or ["Nothing that is counted is outside Bach's range."]), *like][:FACTS]
    return gallery.Guess(name, piece.of_window(name, roll), said)


def draw(rolls, seed):
    """Draw the clips of the blind test: list of (name, window), music to the end in each."""
    quiz, rng = [], np.random.default_rng(seed)
    for name, count in QUIZ.items():
        audible = np.flatnonzero(rolls[name].any(axis=2)[:, -16:].any(axis=1))
        quiz += [(name, rolls[name][number]) for number in rng.choice(audible, count, replace=False)]
    return quiz


def write(path, rolls, songs, rows, bach, seed):
    """Build the page.

    Args: path: of the page. rolls: dict from a writer to its windows, uint8 (windows, 64, 128), Bach's test windows
        among them. songs: list of piece.Piece, whole pieces by the network of four voices. rows: dict from a writer to
        its row of the table of results. bach: test pieces, of which excerpts are played. seed: int, of the draw.
    Returns: Path of the page. Raises: ValueError as `gallery.build`.
    Notebook: 05, "The page, and your ears".
    """
    return gallery.build(path, sections(rolls, songs, rows, bach, seed),
                         [guess(*each, rolls["Bach"]) for each in draw(rolls, seed)], "Bach or machine?",
                         "Some of this music is by Johann Sebastian Bach. The rest is by neural networks that have "
                         "learned from his chorales. Can you hear which is which?", QUIZ_SECONDS, TEMPO, seed)


def keep(songs, folder):
    """Perform whole pieces and write each as song_1.mp3 and song_1.mid and so on: list of Path, of the recordings."""
    written = []
    for number, song in enumerate(songs, 1):
        written.append(folder / f"song_{number}.mp3")
        edition.write(song, written[-1].with_suffix(""), song.name, TEMPO, formats=("mid", "mp3"))
    return written


def shipped_songs():
    """The whole pieces that are shipped as MIDI files: list of piece.Piece."""
    found = []
    for path in sorted(SHIPPED.glob("song_*.mid")):
        (read, _) = piece.from_notes(path.stem, *midi.read_midi(path))
        found.append(read)
    return found


def main(arguments=None):
    """Do what the command line asks for. Returns: Path of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=PAGE, help="the page, a file that ends in .html")
    chosen = parser.parse_args(arguments)
    out = compose.page(chosen.out)
    found = runs.read_json(SHIPPED / "results.json")
    test = [read for read in data.pieces("test") if read.metre == (4, 4)]
    with np.load(SHIPPED / "windows.npz") as store:
        rolls = {"Bach": verdicts.cut(test)[0]} | {name: store[name] for name in found["rows"] if name != "Bach"}
    page = write(out, rolls, shipped_songs(), found["rows"], test, found["seed"])
    print(f"{files.shown(page)}: open it in a browser")
    return page


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(str(error))
