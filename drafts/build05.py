import json
SETUP=''.join(json.load(open('/work/main/notebooks/01_preprocess.ipynb'))['cells'][1]['source'])
cells=[]
def md(s): cells.append(("markdown",s.strip("\n")))
def code(s): cells.append(("code",s.strip("\n")))
md('''
# 05 · Which network writes Bach?

Three families have learned from the same pieces. Which of them comes near to Bach, in what, and would you have known? The shipped networks of notebooks 02 to 04 go in; a table against Bach and against chance, a machine listener's verdict, and a page to listen to come out.

READ_TIME

[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/NAME/blob/main/notebooks/05_evaluation.ipynb)
''')
code(SETUP)
code('''
SEED = int(os.environ.get("BACH_SEED", 1))  # of what is written
SMOKE = MODE == "smoke"
NUM = 24 if SMOKE else 256  # windows of each that are measured
TAUGHT = 24 if SMOKE else 512  # further ones that teach the critics what a model sounds like
COPIED = 8 if SMOKE else 64  # windows that are searched for in the training pieces
COMPOSE_TEMPERATURE, STUDY_TEMPERATURE, DCNN_TEMPERATURE = 0.85, 0.8, 0.8  # as notebooks 02 and 03 chose them
CHOICES = 4  # windows by the GAN of four voices for each that its discriminator keeps, as in notebook 04
STREAM_WINDOWS = 4  # windows cut from each text that knows no end
CHARACTERS = 6  # to write for a frame of a window; Bach has five
MAX_FRAMES = 208  # of a training piece that lends its outline
ORDER, CHAIN_TEMPERATURE = 5 if SMOKE else 20, 0.8  # of the n-gram chain, as in notebook 01
TEMPO, CLIP_SECONDS, QUIZ_SECONDS = 84, 15, 10  # quarter notes a minute; longest clip on the page; clips of the quiz
FRONT = ("Bach", "RNN, both composers", "GAN, four voices", "RNN, the study's GRU", "GAN, the study's", "markov", "uniform")
FRONT_MEASURES = "notes_per_bar chord_rate dissonance in_key melodic_interval parallels groove rests cadences".split()
QUIZ = {"Bach": 5, "RNN, both composers": 4, "GAN, four voices": 2, "RNN, the study's GRU": 1}  # who plays in it
CRITIC_EPOCHS = 1 if SMOKE else 12
''')
md('''
## The writers

A *window* is four bars of 4/4 in C major or A minor, on the grid of sixteenths, as in notebook 01. Each model writes windows; of Bach we take those of the test pieces, which nothing here has learned from or been chosen by.
''')
code('''
import json
import logging
import time
import numpy as np
import matplotlib.pyplot as plt
from IPython.display import HTML, Markdown, display
import keras
from utils import (audio, baselines, cells, choir, critic, data, gallery, gan, inputs, metrics, midi, ngram, plots, queues, rnn,
                   runs, score, style, text, wavenet)

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every network anew
plt.rcParams["figure.dpi"] = 60  # the pictures travel inside the notebook
pieces = {split: [p for p in data.pieces(split) if p.metre == (4, 4)] for split in ("train", "valid", "test")}

def cut(written):
    """Windows of pieces, and the number of the piece that each comes from."""
    found = [metrics.windows([piece]) for piece in written]
    return np.concatenate(found), np.repeat(range(len(found)), list(map(len, found)))

bach, bach_groups = cut(pieces["test"])
bach_train = metrics.windows(pieces["train"])
print(f"{len(bach)} windows of {len(pieces['test'])} test pieces, {len(bach_train)} of the training pieces")
''')
md('''
First the recurrent networks. The composers follow the outlines of training pieces: key, phrase lengths and end, none of their notes. The study's networks write one endless text, cut every 64 frames, for they know no bars.
''')
code('''
def load(build, name):
    """A shipped network."""
    network = build(**runs.config(ROOT / "outputs" / name)["builder"])
    runs.load(network, ROOT / "outputs" / name)
    return network

def composed(count, names, seed, **settings):
    """Windows by composers, under outlines drawn at random from training pieces that begin with an upbeat."""
    outlines = [p for p in pieces["train"] if p.upbeat == 4 and len(p.fermatas) and len(p.roll) <= MAX_FRAMES]
    drawn = [outlines[i] for i in np.random.default_rng(seed).integers(len(outlines), size=count // 2)]
    strings = rnn.compose([load(rnn.build_two_clock, name) for name in names], [inputs.form(p) for p in drawn], seed=seed,
                          temperature=COMPOSE_TEMPERATURE, **settings)
    windows, groups = cut([p._replace(roll=text.decode(string)) for p, string in zip(drawn, strings)])
    return windows[:count], groups[:count]

def streams(strings):
    """Windows of texts without bars, each text moved to where most of it lies in C major or A minor."""
    found = []
    for string in strings:
        roll = text.decode(string)[:64 * STREAM_WINDOWS]
        moved = [midi.transpose(roll, semitones) for semitones in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6)]
        home = max(moved, key=lambda each: metrics.measure(each[None, :len(each) // 16 * 16])["in_key"][0])
        found.append(metrics.four_bar_windows(home))
    return np.concatenate(found), np.repeat(range(len(found)), list(map(len, found)))
''')
code('''
alphabet, per_text = text.vocab(), CHARACTERS * 64 * STREAM_WINDOWS

def studied(count, cell, seed):
    codes = rnn.write_characters(load(rnn.build_char_rnn, f"rnn_study_{cell}"), per_text, count // STREAM_WINDOWS,
                                 STUDY_TEMPERATURE, seed)
    return streams([text.characters(line, alphabet) for line in codes])

def dilated(count, seed):
    codes = queues.generate(wavenet.weights(load(wavenet.build, "dcnn_characters")), per_text,
                            num_streams=count // STREAM_WINDOWS, temperature=DCNN_TEMPERATURE, seed=seed, first=0,
                            follow=inputs.follow(len(alphabet)))
    return streams([text.characters(line, alphabet) for line in codes])

def adversarial(count, name, seed):
    windows = cells.decode(gan.generate(load(gan.build_generator, name), count, seed))
    return windows, np.arange(count)

def voices(count, seed):
    judge = keras.Sequential([choir.build_features(), load(choir.build_discriminator, "gan_choir_judge")])
    made = gan.choose(load(choir.build_generator, "gan_choir"), judge, count, CHOICES, seed)
    return cells.decode_voices(made), np.arange(count)
''')
md('''
And the floors of notebook 01: what chance can do with training's windows, and a chain that counts characters.
''')
code('''
lines = [text.encode(midi.transpose(piece.roll, piece.semitones), onsets=True) for piece in pieces["train"]]
chain = ngram.fit(lines, ORDER)

def counted(count, seed):
    rng = np.random.default_rng(seed)
    return streams([chain.generate(rng, per_text, temperature=CHAIN_TEMPERATURE) for _ in range(count // STREAM_WINDOWS)])

def floor(count, make, seed):
    return make(bach_train, count, np.random.default_rng(seed)), np.arange(count)

GRU, LSTM = "rnn_compose_gru", "rnn_compose_lstm"
writers = {
    "RNN, both composers": lambda count, seed: composed(count, (GRU, LSTM), seed, avoid_parallels=True),
    "RNN, GRU composer": lambda count, seed: composed(count, (GRU,), seed),
    "RNN, LSTM composer": lambda count, seed: composed(count, (LSTM,), seed),
    "RNN, the study's GRU": lambda count, seed: studied(count, "gru", seed),
    "RNN, the study's LSTM": lambda count, seed: studied(count, "lstm", seed),
    "DCNN on characters": dilated,
    "GAN, four voices": voices,
    "GAN, cured": lambda count, seed: adversarial(count, "gan_cured", seed),
    "GAN, the study's": lambda count, seed: adversarial(count, "gan_study", seed),
    "n-gram chain": counted,
} | {make.__name__.replace("_", " "): lambda count, seed, make=make: floor(count, make, seed) for make in (
    baselines.beat_markov, baselines.markov, baselines.shuffled_beats, baselines.uniform)}
''')
md('''
All of them write:
''')
code('''
written, seconds = {"Bach": (bach, bach_groups)}, {}
for name, write in writers.items():
    start = time.time()
    written[name] = write(NUM, SEED)
    seconds[name] = time.time() - start
print(", ".join(f"{name} {len(windows)}" for name, (windows, _) in written.items()))
print(f"the writing took {sum(seconds.values()):.0f} seconds")
''')
md('''
## The table

Three kinds of figures: of rhythm, of harmony and voice leading, of the whole. Each number is a mean over windows; a cell is blue where most windows lie inside Bach's own 5th to 95th percentile, orange where few do.
''')
code('''
measures = {name: metrics.measure(windows) | style.measure(windows) for name, (windows, _) in written.items()}
bounds = {measure: np.nanpercentile(values, (5, 95)) for measure, values in measures["Bach"].items()}

def inside(values, low, high):
    defined = values[np.isfinite(values)]
    return np.mean((defined >= low) & (defined <= high)) if len(defined) else np.nan

means = {name: {measure: np.nanmean(values) if np.isfinite(values).any() else np.nan for measure, values in table.items()}
         for name, table in measures.items()}
shares = {name: {measure: inside(values, *bounds[measure]) for measure, values in table.items()}
          for name, table in measures.items()}
fig = plots.scoreboard(means, shares, "Mean of each measure, and how many windows are inside Bach's range").figure
_, OUT = runs.folders(ROOT, "evaluation", MODE)
fig.savefig(OUT / "table.png", dpi=110)
plt.show()
''')
md('''
READ_TABLE

A part of it, and four bars by the best composer, stand on the front page of the repository:
''')
code('''
fig, (above, below) = plt.subplots(2, 1, figsize=(10, 6), height_ratios=(1, 1.3), layout="constrained")
plots.piano_roll(written["RNN, both composers"][0][0], title="Four bars by the recurrent networks", ax=above)
plots.scoreboard({name: {measure: means[name][measure] for measure in FRONT_MEASURES} for name in FRONT}, shares,
                 "Blue: as Bach's windows. Orange: not", below)
fig.savefig(OUT / "front.png", dpi=110)
plt.show()
''')
md('''
How sure are these means? Windows of one piece resemble each other, so an interval is drawn by pieces. The largest differences from Bach, in the units of his own spread:
''')
code('''
def interval(name, measure):
    values, groups = measures[name][measure], written[name][1]
    return metrics.interval(values, groups, SEED)

spread = {measure: np.nanstd(values) or 1 for measure, values in measures["Bach"].items()}
lines = ["| | first | second | third |", "|---|---|---|---|"]
for name in writers:
    apart = {measure: (means[name][measure] - means["Bach"][measure]) / spread[measure] for measure in bounds}
    worst = sorted((measure for measure in apart if np.isfinite(apart[measure])), key=lambda m: -abs(apart[m]))[:3]
    lines.append(f"| {name} | " + " | ".join(
        f"{measure.replace('_', ' ')} {apart[measure]:+.1f}: {means[name][measure]:.2f} "
        f"({interval(name, measure)[0]:.2f} to {interval(name, measure)[1]:.2f})" for measure in worst) + " |")
Markdown("\\n".join(lines))
''')
md('''
READ_APART

Distributions say what means hide: which root follows which (*roots*), how long notes last (*notes*), how far attacks lie apart (*onsets*) and rests (*phrases*), as divergences from Bach's training windows, in bits. Then how much is copied, and how various it is.
''')
code('''
index, reference = metrics.CopyIndex([piece.roll for piece in pieces["train"]]), metrics.features(bach)
whole = {}
for name, (windows, _) in written.items():
    apart = {"roots": metrics.root_divergence(windows, bach_train)} | style.divergences(windows, bach_train)
    copied = [index.longest(window) for window in windows[:COPIED]]
    seen = np.nanmean([index.seen(window) for window in windows[:COPIED]])
    precision, coverage = metrics.precision_coverage(metrics.features(windows), reference)
    similar = [np.nanmean(metrics.self_similarity(window, max_lag=3)) for window in windows if window.any()]
    whole[name] = apart | {"similar bars": np.mean(similar), "copied": np.median(copied), "seen before": seen,
                           "precision": precision, "coverage": coverage, "nn": metrics.nn(windows, bach_train)}
lines = ["| | " + " | ".join(whole["Bach"]) + " |", "|---" * (len(whole["Bach"]) + 1) + "|"]
lines += [f"| {name} | " + " | ".join(f"{value:.0f}" if key == "copied" else f"{value:.3f}" for key, value in row.items()) + " |"
          for name, row in whole.items()]
Markdown("\\n".join(lines))
''')
md('''
READ_WHOLE

**What measures are worth.** Many papers report how many pitches sound, how many are used, and the entropy of their classes:
''')
code('''
usual = {name: {measure: np.nanmean(values) for measure, values in style.counts(written[name][0]).items()}
         for name in ("Bach", "RNN, both composers", "shuffled beats", "beat markov", "markov")}
lines = ["| | " + " | ".join(usual["Bach"]).replace("_", " ") + " |", "|---" * 7 + "|"]
lines += [f"| {name} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |" for name, row in usual.items()]
Markdown("\\n".join(lines))
''')
md('''
READ_USUAL

## The critic

Measures are what we thought of. A *critic* finds its own: it learns to tell a model's windows from Bach's training windows, and is asked about test windows and fresh ones. *AUC* is the chance that of a pair, one by each, it takes the right one for Bach: 0.5 is guessing. Three critics try, boosted trees and a logistic regression on 19 features, and a small convolutional network that sees the roll; the one that hears most counts. The GANs on the grid of eighths are held against Bach on that grid.
''')
code('''
def on_eighths(windows):
    """Windows as the GAN of four voices could write them: what sounds and is struck on each eighth."""
    coarse = np.repeat(windows[:, ::2], 2, axis=1)
    coarse[:, 1::2][coarse[:, 1::2] == 1] = 2
    return metrics.struck(coarse)

grids = {"GAN, four voices": on_eighths} | dict.fromkeys(
    ("GAN, cured", "GAN, the study's"), lambda windows: cells.decode(cells.encode(windows)))

def listen(name):
    """The verdicts on one writer; Bach himself is held against other training pieces than the critics have learned from."""
    known, unseen = map(grids.get(name, lambda windows: windows), (bach_train, bach))
    if name == "Bach":
        middle = len(known) // 2
        return critic.judge(known[:middle:2], known[1:middle:2], unseen, known[middle:], bach_groups, SEED, CRITIC_EPOCHS)
    return critic.judge(known, writers[name](TAUGHT, SEED + 1)[0], unseen, written[name][0], bach_groups, SEED, CRITIC_EPOCHS)
''')
code('''
heard = runs.folders(ROOT, "evaluation", MODE)[0] / "critic.json"
if MODE != "load":  # TIME_CRITIC minutes; half a minute in smoke mode
    judged = list(written) if MODE == "train" else ["Bach", "RNN, both composers"]
    runs.write_json(heard, {name: [verdict._asdict() for verdict in listen(name)] for name in judged})
verdicts = json.loads(heard.read_text())
lines = ["| | AUC of the hardest | 95 % interval | which | taken for Bach | trees | logistic | network |", "|---" * 8 + "|"]
for name, found in verdicts.items():
    first, each = found[0], {verdict["name"]: f"{verdict['auc']:.2f}" for verdict in found}
    lines.append(f"| {name} | {first['auc']:.3f} | {first['low']:.2f} to {first['high']:.2f} | {first['name']} | "
                 f"{first['taken_for_bach']:.0%} | {each['boosted trees']} | {each['logistic']} | {each['network']} |")
Markdown("\\n".join(lines))
''')
md('''
READ_CRITIC

One of these trained anew, to see that the table is what this machine finds too, and what gives the best composer away:
''')
code('''
found = listen("RNN, both composers")
print(", ".join(f"{verdict.name} {verdict.auc:.3f}" for verdict in found))
trees = next(verdict for verdict in found if verdict.name == "boosted trees")
top = dict(list(trees.gives_away.items())[:8])
_, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
ax.barh(list(top), list(top.values()), color=plots.BLUE)
ax.invert_yaxis()
ax.set(xlabel="AUC lost without it", title="What gives the composers away")
plt.show()
''')
md('''
READ_AWAY

## Who plays it

Notebook 03 has judged its performers by ear, on test pieces that they had never heard: how many of the struck notes are found again, how many false ones are heard in a frame, and how far the spectra are from the soundfont's.
''')
code('''
played = json.loads((ROOT / "outputs/dcnn_student/scores.json").read_text())["test"]
lines = ["| | recall | false a frame | log-STFT, dB | loudness, dB |", "|---" * 5 + "|"]
lines += [f"| {name} | {played[name]['recall']:.3f} | {played[name]['false']:.2f} | {played[name]['dB']:.2f} | "
          f"{played[name]['loudness']:+.2f} |" for name in ("the true rendering", "teacher", "student", "additive piano", "silence")]
Markdown("\\n".join(lines))
''')
md('''
READ_PLAYED

## The page

What is worth hearing goes onto one page: a single file that opens without a network, with a blind test at its head. Of Bach it holds excerpts, as sound and as a drawn score.
''')
code('''
def clip(title, note, roll, seconds=CLIP_SECONDS, bars=4):
    """A card of the page: sound, roll and score of a piece's beginning."""
    notes = midi.roll_to_notes(roll)
    wave = audio.render(notes, tempo=TEMPO)[:seconds * audio.SAMPLE_RATE]
    sheet = score.svg(score.musicxml(notes), 700, bars)
    return gallery.Clip(title, note, wave, roll[:16 * bars], sheet)

def from_windows(name, note, count=2):
    """Cards of the first windows of a writer, nobody's choice."""
    return [clip(f"{name}, window {number}", note, window) for number, window in enumerate(written[name][0][:count], 1)]

def figures(name):
    """What the table says of a writer."""
    row, first = whole[name], verdicts.get(name, [None])[0]
    shown = [("chord rate", f"{means[name]['chord_rate']:.2f}"), ("dissonance", f"{means[name]['dissonance']:.2f}"),
             ("parallels a bar", f"{means[name]['parallels']:.2f}"), ("longest copy, sixteenths", f"{row['copied']:.0f}"),
             ("coverage of Bach", f"{row['coverage']:.2f}")]
    return shown + ([("critic's AUC", f"{first['auc']:.2f}")] if first else [])

def history(name, *keys):
    """Curves of a shipped training, thinned out to a hundred points."""
    kept = json.loads((ROOT / "outputs" / name / "history.json").read_text())
    return {key: np.asarray(kept[key])[np.linspace(0, len(kept[key]) - 1, min(len(kept[key]), 100)).astype(int)] for key in keys}
''')
md('''
The chain of all: composed by the recurrent networks, performed by the dilated one.
''')
code('''
def sound(path, seconds=CLIP_SECONDS):
    """A shipped recording's beginning."""
    return audio.read(ROOT / "outputs" / path, audio.SAMPLE_RATE)[0][:seconds * audio.SAMPLE_RATE]

chain_roll = midi.notes_to_roll(midi.midi_to_notes(ROOT / "outputs/dcnn_student/chain.mid"))
performed = [gallery.Clip(f"Composed by the GRU, performed by the {who}", "temperature 0.85 for the notes, 0 for the sound; seed 1",
                          sound(f"dcnn_student/chain_{who}.mp3"), chain_roll[:128]) for who in ("teacher", "student", "piano")]
performed.append(gallery.Clip("A WaveNet that is told nothing", "seed 1", sound("dcnn_lean/babble.mp3", 4)))
half = midi.midi_to_notes(ROOT / "outputs/gan_collapsed/windows.mid")
collapsed = midi.notes_to_roll(half)[:192]
seeded = f"seed {SEED}"
excerpts = [clip(piece.name, "Bach, an excerpt from its beginning, in C major or A minor", midi.transpose(piece.roll, piece.semitones))
            for piece in pieces["test"][:2]]
''')
code('''
sections = [
    gallery.Section("Bach", "Two test pieces, which no network has learned from.", excerpts, figures("Bach")),
    gallery.Section("Recurrent networks", "They write character by character. The composers know the bar, remember their own piece, and follow a plan of key and phrases; the study's network knows only the last characters.",
                    from_windows("RNN, both composers", f"temperature {COMPOSE_TEMPERATURE}, {seeded}")
                    + from_windows("RNN, the study's GRU", f"temperature {STUDY_TEMPERATURE}, {seeded}", 1),
                    figures("RNN, both composers"), history("rnn_compose_gru", "loss", "val_loss")),
    gallery.Section("Dilated convolutions", "The same layers write characters, or perform a score as sound.",
                    from_windows("DCNN on characters", f"temperature {DCNN_TEMPERATURE}, {seeded}", 1) + performed,
                    figures("DCNN on characters"), history("dcnn_student", "loss", "val_loss")),
    gallery.Section("Adversarial networks", "A generator makes a window at once and learns from a discriminator's complaints. When it collapses, it writes one window again and again.",
                    from_windows("GAN, four voices", seeded)
                    + from_windows("GAN, cured", f"the study's layers, {seeded}", 1)
                    + [clip("GAN, collapsed", "three windows, from three different latents", collapsed, bars=12)],
                    figures("GAN, four voices"), history("gan_choir", "loss", "discriminator_loss")),
]
''')
md('''
## Blind test

Twelve windows in random order, all four bars from a barline, in one key, on one piano, at one tempo and level. Which are Bach's? Those that are played were drawn by lot.
''')
code('''
rng, quiz = np.random.default_rng(SEED), []
for name, count in QUIZ.items():
    windows = written[name][0]
    audible = np.flatnonzero(windows.any(axis=2)[:, -16:].any(axis=1))  # music to the end
    for number in rng.choice(audible, count, replace=False):
        notes = midi.roll_to_notes(windows[number])
        quiz.append((name, audio.render(notes, tempo=TEMPO)))
_, gallery_out = runs.folders(ROOT, "gallery", MODE)
page = gallery.build(gallery_out / "index.html", sections, quiz, "Bach by machine",
                     "Three families of neural networks have learned from Bach's chorales. Hear what they write, and see how far it is from him.",
                     QUIZ_SECONDS, SEED)
print(f"{page.relative_to(ROOT)}: {page.stat().st_size / 1e6:.1f} MB, {len(quiz)} clips to guess, "
      f"{sum(len(section.clips) for section in sections)} to hear")
''')
md('''
Open it in a browser; it needs no network. A page without a server keeps no secret from those who run its script by hand, but nothing in its text tells the answers.

## Results

What the front page of the repository shows is written here:
''')
code('''
COLUMNS = {"chord rate": "chord_rate", "dissonance": "dissonance", "parallels a bar": "parallels", "notes a bar": "notes_per_bar"}
results = {name: {column: means[name][measure] for column, measure in COLUMNS.items()}
           | {key: whole[name][key] for key in ("phrases", "copied", "coverage")}
           | ({"critic's AUC": verdicts[name][0]["auc"]} if name in verdicts else {}) for name in written}
runs.write_json(OUT / "results.json", {"seed": SEED, "windows": NUM, "rows": results})
print(f"{(OUT / 'results.json').relative_to(ROOT)}: {len(results)} rows")
''')
md('''
## What we learned

LEARNED
''')
nb={"cells":[],"metadata":{"kernelspec":{"display_name":"Python 3","language":"python","name":"python3"},"language_info":{"name":"python","version":"3.11.7"}},"nbformat":4,"nbformat_minor":5}
for i,(k,s) in enumerate(cells):
    c={"cell_type":k,"id":f"c{i:02d}","metadata":{},"source":s.splitlines(keepends=True)}
    if k=="code": c|={"execution_count":None,"outputs":[]}; n=len(s.splitlines()); n>25 and print("LONG",i,n)
    nb["cells"].append(c)
import sys
json.dump(nb,open(sys.argv[1],'w'),indent=1,ensure_ascii=False); open(sys.argv[1],'a').write("\n")
