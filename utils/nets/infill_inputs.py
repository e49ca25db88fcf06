"""Four voices and the outline of a piece -> the numbers that the infilling network reads."""

from typing import NamedTuple

import numpy as np

from utils.music import grid, keys, voices

LOW, SPAN = -36, 72  # lowest pitch that is read and written, in semitones from home, and number of pitches
HOMES, MIDDLE = 54, 60  # home is the tonic from F sharp below middle C to F above it; in an unknown key, middle C
VOCAB = 2 + SPAN  # values of a cell: 0 hold, 1 rest, 2 and more strike the pitch LOW, LOW + 1, ...
HOLD, NO_NOTE = 0, 1
DILATIONS = (1, 2, 4, 8, 16, 32, 1, 4)  # of the encoder
ORDER = (0, 3, 1, 2)  # soprano, bass, alto, tenor: the order of writing within a frame
NEAR, FAR = 49, 97  # intervals: -24 to 24 within a voice, -48 to 48 between voices; wider ones count as the widest
DISTANCES = np.array([1, 2, 3, 4, 5, 7, 9, 13, 17, 33])  # frames to a given attack: 0 none, then ten classes
CENTRE = NEAR // 2
NOTE_AGES = np.array([1, 2, 3, 4, 6, 8, 12, 16])  # frames since a voice's last attack: nine classes
BAR_PLACES, FERMATA, SINCE, LEFT = 24, 26, 13, 34  # values of a plan, without "unknown"
MOTIONS = np.array([.8, .9, .95, 1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5])  # classes of attacks per voice and quarter
# number of values of each part of a plan; the last value means unknown
OUTLINE = (BAR_PLACES + 1, BAR_PLACES + 1, 6, FERMATA + 1, SINCE + 1, LEFT + 1, len(MOTIONS) + 2, 3, 14)
NO_HEIGHT = 12  # home is the tonic, but its height, 0 to 11, is hidden
PAIRS = [(a, b) for a in range(4) for b in range(a + 1, 4)]
SEEN = 4 * (SPAN + 12 + 3) + 12 * len(PAIRS) + 4  # numbers that encode a frame
LINES = 4 * (NEAR + len(NOTE_AGES) + 1 + 2 * (len(DISTANCES) + 1 + NEAR + 12))  # and where voices come from and go to
HEADS = (VOCAB, 12, 6 * NEAR, 3 * FAR, 6)  # outputs of a head: see `infill.by_interval`
HEAD_SIZE = sum(HEADS)
FLOATS = ("struck", "given", "present", "heard")  # arrays of `read`, besides the plan
INTEGERS = ("pitch", "token", "soon", "soon_far", "next_pitch", "next_far", "then_pitch", "then_far",
            "before", "age", "must")
TEMPERATURE = 0.5  # of pitches, see `sampling.draw`: chosen on the validation pieces
SOON = 8  # frames: given notes this near already count for parallels
FORGOTTEN = 0.3  # largest share of the past that is hidden in training


class Form(NamedTuple):
    """The outline of a piece, without its notes; None is unknown.

    upbeat: sixteenths before the first barline. bar_frames, beat_frames: sixteenths in a bar and in a beat: 16 and 4 in
    4/4, 12 and 6 in 6/8. tonic: pitch class 0 to 11. mode: "major" or "minor". fermatas: frames. length: frames.
    motion: notes that a voice strikes in a quarter note, as `motion` counts them; Bach's chorales have .8 to 1.5.
    """

    upbeat: int | None = 0
    bar_frames: int = 16
    beat_frames: int = 4
    tonic: int | None = None
    mode: str | None = None
    fermatas: np.ndarray | None = None
    length: int | None = None
    motion: float | None = None


def form(piece, with_motion=False):
    """Read the outline of a piece: anything with voices, semitones, upbeat, metre, bar_frames and fermatas.

    Its key is the one in which it ends, see `keys.closing`. Without fermatas the phrases of a piece are unknown.

    Args: piece. with_motion: count its notes per quarter, for training or for writing a similar piece; it must not be
        known when the piece is scored or completed. Returns: Form.
    """
    tonic, mode = keys.closing(piece.voices, piece.semitones)
    fermatas = piece.fermatas if len(piece.fermatas) else None
    return Form(piece.upbeat, piece.bar_frames, grid.beat_frames(*piece.metre), tonic, mode, fermatas,
                len(piece.voices), motion(piece.voices) if with_motion else None)


def motion(cells):
    """Measure how busy a piece is: cells int (frames, voices) -> attacks per voice and quarter note where it sings."""
    return float(((cells >= 0) & (cells < voices.HELD)).sum() / max((cells >= 0).sum() / 4, 1))


def home(form):
    """The pitch from which all others are counted: the tonic, or middle C if that is unknown."""
    return MIDDLE if form.tonic is None else HOMES + (form.tonic - HOMES) % 12


def plan(form, num_frames):
    """Describe the place of each frame in its bar, its phrase and its piece.

    Args: form: Form. num_frames: int.
    Returns: int32 (num_frames, 9), each below its number in OUTLINE: sixteenths since the barline, and to the next one;
        strength of the place, 0 the barline, 1 half a bar, 2 a beat, 3 half a beat, 4 any other; half beats to the next
        fermata, 0 on it; half beats since the last; half beats to the end; class of motion; 0 major or 1 minor; height
        of home.
    Notebook: 02, "Four named voices".
    """
    now, rows = np.arange(num_frames), np.tile(np.array(OUTLINE) - 1, (num_frames, 1))
    if form.upbeat is not None:
        bar, beat = form.bar_frames, form.beat_frames
        place = (now - form.upbeat) % bar
        strength = np.select([place == 0, (place * 2 == bar) & (bar // beat % 2 == 0), place % beat == 0,
                              place % 2 == 0], range(4), 4)
        rows[:, 0], rows[:, 1] = np.minimum(place, BAR_PLACES - 1), np.minimum(bar - place, BAR_PLACES) - 1
        rows[:, 2] = strength
    if form.fermatas is not None:
        far = 10 * FERMATA + num_frames
        marks = np.concatenate([[-far], np.sort(form.fermatas), [far + num_frames]]).astype(int)
        ahead = marks[np.searchsorted(marks, now)] - now
        since = now - marks[np.searchsorted(marks, now, "right") - 1]
        rows[:, 3] = np.minimum((ahead + 1) // 2, FERMATA - 1)
        rows[:, 4] = np.minimum(since // 2, SINCE - 1)
    if form.length is not None:
        rows[:, 5] = np.clip((form.length - 1 - now) // 2, 0, LEFT - 1)
    if form.motion is not None:
        rows[:, 6] = np.searchsorted(MOTIONS, form.motion)
    if form.mode is not None:
        rows[:, 7] = form.mode == "minor"
    if form.tonic is not None:
        rows[:, 8] = home(form) - HOMES
    return rows.astype(np.int32)


def tokens(cells, homes):
    """Turn cells into the tokens of the network; a cell held after another pitch, or after silence, is struck.

    Args: cells: int (batch, frames, 4), MIDI pitches as `music.voices` writes them. homes: int (batch,).
    Returns: pitch, token: int32 (batch, frames, 4). pitch: 0 silent, 1 and more from LOW upwards; pitches outside the
        range count as the outermost one. token: below VOCAB.
    """
    sounding = np.where(cells >= 0, cells % voices.HELD - homes[:, None, None] - LOW + 1, 0)
    pitch = np.where(cells >= 0, np.clip(sounding, 1, SPAN), 0).astype(np.int32)
    before = np.pad(pitch, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    held = (cells >= voices.HELD) & (before == pitch)
    return pitch, np.select([pitch == 0, held], [NO_NOTE, HOLD], pitch + 1).astype(np.int32)


def read(cells, given, present, plans, homes, rng=None):
    """Prepare a batch: everything that the network reads, as numbers.

    Args: cells: int (batch, frames, 4); cells that are not given affect only later frames and voices. given: bool, same
        shape. present: bool (batch, 4), the voices that sing. plans: int (batch, frames, kinds), as `plan`, -1 after
        the end of a piece. homes: int (batch,), as `home`. rng: numpy Generator; with it a part of the past is hidden,
        as in training, so that the network does not depend on every note.
    Returns: dict of arrays (batch, frames, 4): pitch, token as `tokens`; struck, given, present, heard: float32, 0 or
        1, heard is 0 where later frames do not see it; next_pitch, next_far, then_pitch, then_far: the next given
        attack of each voice, strictly later, its distance as a class of DISTANCES, and the one after it; soon,
        soon_far: the next one if it is at most SOON frames ahead, and how many; before: the pitch of a voice before its
        last one; age: class of NOTE_AGES; must: the pitch that must sound, because the given next frame holds it. plan:
        (batch, frames, kinds).
    """
    pitch, token = tokens(cells, homes)
    present = np.broadcast_to(present[:, None], pitch.shape)
    given, heard = given & present, present
    if rng is not None:
        heard = present & (rng.random(pitch.shape) >= FORGOTTEN * rng.random((len(pitch), 1, 1)))
    struck = token > NO_NOTE
    numbers = {"pitch": pitch, "token": token, "plan": plans} | ahead(pitch, struck & given)
    before, age = lines(pitch, struck)
    held = np.pad(given & (token == HOLD), ((0, 0), (0, 1), (0, 0)))[:, 1:]
    numbers |= {"before": before * present, "age": np.searchsorted(NOTE_AGES, age, "right"),
                "must": np.where(held & ~given, np.pad(pitch, ((0, 0), (0, 1), (0, 0)))[:, 1:], 0)}
    flags = {"struck": struck, "given": given, "present": present, "heard": heard}
    return ({name: value.astype(np.int32) for name, value in numbers.items()}
            | {name: value.astype(np.float32) for name, value in flags.items()})


def ahead(pitch, attacks):
    """Find the next given attacks: pitch int, attacks bool (batch, frames, 4) -> six arrays of `read`."""
    found = np.zeros((4, *pitch.shape), np.int32)
    one, far_one, two, far_two = np.zeros((4, len(pitch), 4), np.int32)
    for now in range(pitch.shape[1] - 1, -1, -1):
        found[:, :, now] = one, far_one, two, far_two
        here = attacks[:, now]
        two, far_two = np.where(here, one, two), np.where(here, far_one, far_two)
        one, far_one = np.where(here, pitch[:, now], one), np.where(here, 0, far_one)
        far_one, far_two = far_one + (one > 0), far_two + (two > 0)
    far = np.searchsorted(DISTANCES, found[1::2], "right")
    near = found[1] <= SOON
    return {"soon": found[0] * near, "soon_far": found[1] * near, "next_pitch": found[0], "next_far": far[0],
            "then_pitch": found[2], "then_far": far[1]}


def lines(pitch, struck):
    """Follow each voice: before each frame, the pitch before its last one, and frames since its last attack."""
    before, age = np.zeros((2, *pitch.shape), np.int32)
    line = np.zeros((3, len(pitch), 4), np.int32)  # the last pitch, the one before it, frames since an attack
    for now in range(pitch.shape[1]):
        before[:, now], age[:, now] = line[1:]
        line = follow(line, pitch[:, now], struck[:, now])
    return before, age


def follow(line, pitch, struck):
    """Advance by one frame: line int (3, batch, 4), last pitch, the one before it, frames since the last attack."""
    last, before, age = line
    moved = (pitch > 0) & (pitch != last)
    return np.stack([np.where(moved, pitch, last), np.where(moved, last, before), np.where(struck, 0, age + 1)])


def batch(cells, forms, known=None, present=None, multiple=1):
    """Prepare whole pieces of unequal length as one batch; after the end of a piece everything counts as given.

    Args: cells: list of int (frames, 4). forms: list of Form. known: list of bool (frames, 4), or None if nothing is
        given. present: bool (4,) or None. multiple: the number of frames is a multiple of it.
    Returns: dict, as `read`.
    Raises: ValueError for lists of unequal length, cells or known of another shape, or cells outside MIDI's range.
    """
    known = [np.zeros(np.shape(piece), bool) for piece in cells] if known is None else known
    check(cells, forms, known)
    size = len(cells), -(-max(map(len, cells)) // multiple) * multiple
    whole, given = np.full((*size, 4), voices.REST, np.int16), np.ones((*size, 4), bool)
    plans = np.full((*size, len(OUTLINE)), -1, np.int32)
    for row, (piece, form, mine) in enumerate(zip(cells, forms, known)):
        whole[row, :len(piece)], given[row, :len(piece)] = piece, mine
        plans[row, :len(piece)] = plan(form, len(piece))
    present = np.ones(4, bool) if present is None else np.asarray(present, bool)
    homes = np.array([home(form) for form in forms])
    return read(whole, given, np.broadcast_to(present, (len(cells), 4)), plans, homes)


def check(cells, forms, known):
    """Refuse pieces, forms and masks that do not match, with the errors of `batch`."""
    if not len(cells) == len(forms) == len(known) > 0:
        raise ValueError(f"{len(cells)} pieces, {len(forms)} forms, {len(known)} masks: give one of each per piece")
    for piece, mine in zip(cells, known):
        if np.ndim(piece) != 2 or np.shape(piece)[1] != 4 or not len(piece) or np.shape(mine) != np.shape(piece):
            raise ValueError(f"cells of shape {np.shape(piece)}, known of shape {np.shape(mine)}: pass (frames, 4) of "
                             "both, a column each for soprano, alto, tenor and bass")
        if not voices.REST <= np.min(piece) <= np.max(piece) < 2 * voices.HELD:
            raise ValueError(f"cells from {np.min(piece)} to {np.max(piece)}: write -1 for a rest, a MIDI pitch 0 to "
                             f"127 where it is struck, and the pitch + {voices.HELD} where it is held")
