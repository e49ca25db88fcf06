"""The first composers: plans of key, phrases and length, and writing by networks with two clocks under rules."""

import functools
from typing import NamedTuple

import numpy as np

from utils.music import midi, text
from utils.nets import inputs, sampling
from utils.nets.backend import keras, ops

MAX_SLOTS = 12  # characters in a generated frame at most, its space included
PIANO = (21, 108)  # MIDI pitches that are written, A0 to C8: any of them can be transposed by an octave
KINDS = np.array([1 * (token in text.HELD_TOKENS) + 2 * (token in text.STRUCK_TOKENS)  # of each character: 1 held,
                  for token in range(text.END_TOKEN + 1)])  # 2 struck, 0 neither
FERMATA_QUARTERS, LEFT_QUARTERS = 20, 32  # how far ahead a plan looks
PLAN = (25, FERMATA_QUARTERS + 3, LEFT_QUARTERS + 2)  # values of key, next fermata and end; the last says unknown


class Form(NamedTuple):
    """The outline of a piece, without a note of it.

    upbeat: sixteenths before the first barline. bar_frames: sixteenths in a bar. tonic: pitch class 0 to 11. mode:
    "major" or "minor". fermatas: frames. length: frames until END. None is unknown.
    """

    upbeat: int = 0
    bar_frames: int = 16
    tonic: int | None = None
    mode: str = "major"
    fermatas: np.ndarray | None = None
    length: int | None = None


def form(piece):
    """Read the outline of a piece: anything with roll, semitones, upbeat, bar_frames and fermatas, as `data` gives."""
    tonic, mode = final_key(piece.roll, piece.semitones)
    return Form(piece.upbeat, piece.bar_frames, tonic, mode, piece.fermatas, len(piece.roll))


def final_key(roll, semitones):
    """Name the key that a piece closes in, as a singer would: by its last bass note.

    Analysis of the whole piece misses one final in seven, for chorales are modal and wander.

    Args: roll: uint8 (frames, 128), with a sounding frame. semitones: what moves the piece to C major or A minor.
    Returns: (tonic, mode): the last bass's pitch class 0 to 11; "major" where the piece's scale has the major third
        above it, else "minor".
    Notebook: 02, "A plan".
    """
    tonic = int(np.flatnonzero(roll[np.flatnonzero(roll.any(axis=1))[-1]])[0]) % 12
    return tonic, "major" if (tonic + semitones + 4) % 12 in (0, 2, 4, 5, 7, 9, 11) else "minor"


def plan(form, num_frames=None):
    """Say where a piece is going, frame by frame: its key, how far off the next fermata is, and how far the end.

    Args: form: Form. num_frames: int; by default the form's length.
    Returns: list of three int (num_frames,), each below its number in PLAN; distances in quarters, rounded up.
    Notebook: 02, "A plan".
    """
    num_frames = form.length if num_frames is None else num_frames
    now = np.arange(num_frames)
    key = np.full(num_frames, PLAN[0] - 1 if form.tonic is None else form.tonic % 12 + 12 * (form.mode == "minor"))
    if form.fermatas is None:
        ahead = np.full(num_frames, PLAN[1] - 1)
    else:
        following = np.append(np.sort(form.fermatas), np.iinfo(np.int32).max)  # after the last one: none within sight
        ahead = np.minimum(-((now - following[np.searchsorted(following, now)]) // 4), FERMATA_QUARTERS + 1)
    left = np.full(num_frames, PLAN[2] - 1)
    if form.length is not None:
        left = np.clip(-((now - form.length) // 4), 0, LEFT_QUARTERS)
    return [key, ahead, left]


def prepare_planned(roll, form, keys=(0,), hidden=0.0, rng=None):
    """Prepare a piece of the onset alphabet with its plan, of which now and then a part is unknown.

    Args: roll: uint8 (frames, 128). form: its Form. keys: semitones, one result for each. hidden: the share of results
        in which the key is unknown; the same, drawn apart, for the fermatas and the end. rng: numpy Generator, to draw
        them.
    Returns: list as of `prepare`, with five kinds of conditions.
    Notebook: 02, "A plan".
    """
    prepared = []
    for key in keys:
        keep = rng.random(3) >= hidden if hidden else (True, True, True)
        known = form._replace(**{name: None for name, kept in zip(("tonic", "fermatas", "length"), keep) if not kept})
        if known.tonic is not None:
            known = known._replace(tonic=(known.tonic + key) % 12)
        prepared += inputs.prepare(midi.transpose(roll, key), form.upbeat, form.bar_frames, onsets=True,
                                   conditions=plan(known, len(roll) + 1))
    return prepared


def compose(models, forms, drafts=1, accept=None, max_bars=64, seed=0, **settings):
    """Write a piece for each form, as many side by side as share a metre.

    Args: models: see `generate`, trained under plans (`prepare_planned`). forms: list of `Form`.
        drafts, accept: so many drafts of each piece are written, and the first for which accept(string, form) is true
        is kept, else the last: samples of the networks' own distribution, given what is accepted. max_bars: where to
        stop at the latest, though never more than two bars after the form's end. seed: int. settings: further ones of
        `generate`.
    Returns: list of str, one for each form, see `generate`.
    Notebook: 02, "The composers".
    """
    strings = [""] * len(forms)
    for upbeat, bar_frames in sorted({(form.upbeat, form.bar_frames) for form in forms}):
        mine = [number for number, form in enumerate(forms) if (form.upbeat, form.bar_frames) == (upbeat, bar_frames)]
        lengths = [forms[number].length or max_bars * bar_frames for number in mine]
        bars = max(1, min(max_bars, max(lengths) // bar_frames + 2))
        plans = [plan(forms[number], upbeat + bars * bar_frames) for number in mine for _ in range(drafts)]
        written = generate(models, len(plans), max_bars=bars, seed=seed, upbeat=upbeat, bar_frames=bar_frames,
                           conditions=[np.stack(kind) for kind in zip(*plans)], **settings)
        for place, number in enumerate(mine):
            choice = written[place * drafts:(place + 1) * drafts]
            kept = (string for string in choice if accept is None or accept(string, forms[number]))
            strings[number] = next(kept, choice[-1])
    return strings


def generate(models, num_streams=1, temperature=1.0, prompt=None, max_bars=64, seed=0, upbeat=0,
             bar_frames=16, conditions=(), melody=None, avoid_parallels=False, memory=True, rhythm_temperature=None,
             momentum=0.0, places=None):
    """Write pieces, several side by side, each until its END or the last bar; the state is carried, not recomputed.

    A note can only be held where it sounded before, the pitches of a frame descend and lie on the piano, and several
    models are averaged as probabilities; so every text decodes without mending.

    Args: models: TwoClockRNN of the onset alphabet, or a list. num_streams: pieces to write. temperature: see
        `sampling.sample`. prompt: roll uint8 (frames, 128) that all pieces continue. max_bars: where to stop at the
        latest. seed: int. upbeat, bar_frames: the metre to write in, see `inputs.bar_conditions`. conditions: further
        int arrays (frames,), or (num_streams, frames) for a plan of its own for each piece, as the models were trained
        with and long enough for max_bars. melody: roll uint8 (frames, 128) to harmonise: its highest note of each frame
        is kept as the top voice, and the piece is as long. avoid_parallels: never let a voice follow a higher one from
        fifth to fifth, or octave to octave; a number below 1 overlooks the others, as Bach does now and then. memory:
        recall the piece's own past; False shows what it is worth. rhythm_temperature: of the choice whether a note is
        struck, or held, or no more sound, and `temperature` of pitches only; None for one choice of all characters.
        momentum: nats taken from a note with which a voice, counted from the highest, would turn straight back to the
        pitch that it came from. places: int (frames,), see `inputs.places`, where the models read those.
    Returns: list of str, each from START to END; a piece that was cut has no END.
    Raises: ValueError for a prompt or melody without frames, a prompt with too many frames or pitches, max_bars below
        1, or a condition that is too short.
    Notebook: 02.
    """
    models = models if isinstance(models, (list, tuple)) else [models]
    alphabet, rng = text.vocab(onsets=True), np.random.default_rng(seed)
    given = text.frame_tokens(prompt, onsets=True, descending=True) if prompt is not None else ()
    tune = text.frame_tokens(melody, onsets=True, descending=True)[:, 0] if melody is not None else None
    num_frames = upbeat + max_bars * bar_frames if tune is None else len(tune)
    places = inputs.bar_conditions(num_frames, upbeat, bar_frames) if places is None else places
    known = [np.atleast_2d(values) for values in (places, *conditions)]
    if max_bars < 1 or not num_frames or (prompt is not None and not len(given)):
        raise ValueError("nothing to write: give max_bars of at least 1, and a prompt or melody that has frames")
    if len(given) > num_frames:
        raise ValueError(f"the prompt has {len(given)} frames, and {num_frames} are to be written in all: pass a "
                         "shorter one, or a larger max_bars")
    if len(given) and given.shape[1] > MAX_SLOTS:
        crowd = int(np.argmax((given != text.NO_TOKEN).sum(axis=1)))
        raise ValueError(f"frame {crowd} of the prompt holds {given.shape[1] - 1} pitches, and {MAX_SLOTS - 1} can be "
                         "read: leave out what doubles others")
    if any(values.shape[1] < num_frames for values in known):
        raise ValueError(f"a condition is shorter than the {num_frames} frames to write: give one value for each")
    if any(len(values) not in (1, num_streams) for values in known):
        raise ValueError(f"conditions for another number of pieces than {num_streams}: give one row, or one for each")

    rows = np.full((num_streams, num_frames, MAX_SLOTS), text.NO_TOKEN, np.int32)
    past, players = inputs.Memory(num_streams, num_frames), [_Player(model, num_streams) for model in models]
    heard, alive, streams = rows[:, 0], np.ones(num_streams, bool), np.arange(num_streams)
    lines = np.full((2, num_streams, MAX_SLOTS), -1)  # the pitch that each voice has, and the one that it had before
    for now in range(num_frames):
        source, length = past.recall() if memory else (np.full(num_streams, -1), np.zeros(num_streams, int))
        recalled = np.where(source[:, None] >= 0, rows[streams, source], text.NO_TOKEN)
        facts = [np.broadcast_to(values[:, now], num_streams) for values in known]
        facts.insert(1, np.searchsorted(inputs.MATCHES, length, "right"))
        for player in players:
            player.begin_frame(heard, recalled, np.column_stack(facts))
        forced = given[now] if now < len(given) else tune[now:now + 1] if tune is not None else ()
        frame, writing = np.full((num_streams, MAX_SLOTS), text.NO_TOKEN, np.int32), alive.copy()
        for slot in range(MAX_SLOTS):
            if slot < len(forced):
                chosen = np.full(num_streams, forced[slot])
            else:
                logits = np.log(np.mean([player.next for player in players], axis=0) + 1e-30)
                allowed = _allowed(heard, frame[:, :slot], tune is None)
                if avoid_parallels and slot:
                    strict = avoid_parallels >= 1 or rng.random((num_streams, 1)) < avoid_parallels
                    allowed[:, text.STRUCK_TOKENS] &= ~(_parallel(heard, frame[:, :slot]) & strict)
                back = np.flatnonzero(lines[1, :, slot] >= 0)
                logits[back, text.STRUCK_TOKENS.start + lines[1, back, slot]] -= momentum
                logits = np.where(allowed, logits, -np.inf)
                if rhythm_temperature is not None:
                    logits = sampling.temper_by_kind(logits, KINDS, temperature, rhythm_temperature)
                chosen = sampling.sample(logits, rng, temperature if rhythm_temperature is None else 1.0)
            frame[writing, slot] = chosen[writing]
            writing &= (chosen != text.SPACE_TOKEN) & (chosen != text.END_TOKEN)
            if not writing.any():
                break
            for player in players:
                player.write(chosen)
        rows[:, now] = heard = frame
        pitch = np.where(text.pitches(frame) >= 0, text.pitches(frame), lines[0])
        lines = np.where(pitch != lines[0], [pitch, lines[0]], lines)
        alive &= frame[:, 0] != text.END_TOKEN
        if not alive.any():
            break
        past.push(np.array([hash(row.tobytes()) for row in frame]))
    close = text.END if tune is not None else ""
    return [text.START + text.characters(row[row != text.NO_TOKEN], alphabet) + close for row in rows]


@functools.lru_cache(maxsize=8)  # compiling takes longer than writing a bar
def _clocks(model):
    """The two clocks of a network as networks of their own, for one tick each, states in and out."""
    frames = [keras.Input((1, MAX_SLOTS), dtype="int32") for _ in range(2)]
    conditions = keras.Input((1, len(model.read_conditions)), dtype="int32")
    states = [keras.Input((layer.units,)) for layer in model.slow for _ in range(model.num_states)]
    context, new = model.tick_slow(*frames, conditions, states)
    slow = keras.Model([*frames, conditions, *states], [context[:, 0], *new])
    context, written = keras.Input((model.fast.units,)), keras.Input((1,), dtype="int32")
    state = keras.Input((model.fast.units,))
    logits, new = model.tick_fast(context, written, state)
    return slow, keras.Model([context, written, state], [ops.softmax(logits[:, 0]), new])


class _Player:
    """One network that writes, frame by frame and character by character, with its state carried along."""

    def __init__(self, model, num_streams):
        self.slow, self.fast = _clocks(model)
        self.states = [np.zeros((num_streams, state.shape[1]), np.float32) for state in self.slow.inputs[3:]]
        self.beginning = np.full(num_streams, model.vocab_size)

    def begin_frame(self, heard, recalled, facts):
        """Tick the slow clock: frames (streams, slots) and conditions (streams, kinds)."""
        frame = [heard[:, None], recalled[:, None], facts[:, None]]
        self.context, *self.states = self.slow.predict_on_batch([*frame, *self.states])
        self.state = np.tanh(self.context)
        self.write(self.beginning)

    def write(self, chosen):
        """Tick the fast clock: tokens (streams,)."""
        self.next, self.state = self.fast.predict_on_batch([self.context, chosen[:, None], self.state])


def _allowed(heard, written, can_end):
    """Say which tokens may come next: bool (streams, vocab), from the frame before and what this one holds so far."""
    pitch, last, before = text.pitches(np.arange(text.END_TOKEN + 1)), text.pitches(written), text.pitches(heard)
    lowest = np.where(last >= 0, last, midi.NUM_PITCHES).min(axis=1, initial=midi.NUM_PITCHES)
    allowed = (pitch < lowest[:, None]) & (pitch >= PIANO[0]) & (pitch <= PIANO[1])
    sounded = np.zeros((len(heard), midi.NUM_PITCHES), bool)
    stream, slot = np.nonzero(before >= 0)
    sounded[stream, before[stream, slot]] = True
    allowed[:, text.HELD_TOKENS] &= sounded  # only what sounded before can be held
    allowed[:, text.SPACE_TOKEN], allowed[:, text.END_TOKEN] = True, can_end and written.shape[1] == 0
    if written.shape[1] == MAX_SLOTS - 1:
        allowed[:, text.SPACE_TOKEN + 1:] = False
    return allowed


def _parallel(heard, written):
    """Say which pitches, struck next, would follow a higher voice in parallel fifths, octaves or unisons.

    Voices are counted from the highest down: heard, written int (streams, slots) -> bool (streams, 128).
    """
    before, now = text.pitches(heard), text.pitches(written)
    own, pitch = before[:, written.shape[1], None], np.arange(midi.NUM_PITCHES)
    forbidden = np.zeros((len(heard), midi.NUM_PITCHES), bool)
    for above in range(written.shape[1]):
        was, is_now = before[:, above, None], now[:, above, None]
        interval = (was - own) % 12
        there = (was >= 0) & (own >= 0) & (is_now >= 0) & ((interval == 0) | (interval == 7))
        together = np.sign(is_now - was) * np.sign(pitch - own) > 0
        forbidden |= there & together & ((is_now - pitch) % 12 == interval)
    return forbidden
