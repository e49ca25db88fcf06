"""Four named voices: what a generator may write, what a discriminator hears, and that both learn."""

import numpy as np
import pytest

from utils.music import voices, windows
from utils.music.piece import blank
from utils.nets import gan, gan_voices
from utils.nets.backend import keras
from utils.nets.infill_inputs import HOLD, LOW, MIDDLE, NO_NOTE, SPAN, VOCAB

BAR, FRAMES = 16, 8


def tokens_of(*chords, length=4):
    """One sample: chords of MIDI pitches, soprano to bass, each struck and held for so many frames; 0 rests."""
    chords = np.repeat(chords, length, axis=0)
    tokens = np.where(chords > 0, chords - MIDDLE - LOW + 2, NO_NOTE)
    later = np.arange(len(chords)) % length > 0
    return np.where(later[:, None] & (chords > 0), HOLD, tokens)[None]


def outline(frames, samples=1):
    return np.zeros((samples, frames, len(gan_voices.SIZES)), np.uint8)


def heard(tokens):
    """What `Hear` says, by part, of the frame on which the second chord is struck."""
    cells = gan_voices.encode(tokens)
    out = np.array(gan_voices.Hear()(cells, outline(tokens.shape[1])))[0, 4]
    sizes = 4 * SPAN, 4, 4, 12, 6 * 12, 12, 4 * 5, 4 * 12, 4 * 12, 3 * 6, sum(gan_voices.SIZES)
    names = "pitches hit rest classes pairs parallels sizes steps heights spaces outline".split()
    assert len(out) == sum(sizes) == gan_voices.NUM_HEARD
    return dict(zip(names, np.split(out, np.cumsum(sizes)[:-1])))


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(1)
    return gan_voices.build_generator(FRAMES, units=8, hidden=8)


def test_a_piece_becomes_excerpts_and_windows_again():
    cells = np.tile([[72, 67, 64, 48]] + 3 * [[200, 195, 192, 176]] + [[74, voices.REST, 65, 50]], (13, 1))[:64]
    piece = blank("x", cells.astype(np.int16), (4, 4), 0, "major", 0)
    tokens, outlines = gan_voices.excerpts([piece], bars=1, hop=1)
    assert tokens.shape == (4, BAR, 4) and outlines.shape == (4, BAR, 5)
    np.testing.assert_array_equal(outlines[:, :, 0], np.tile(np.arange(BAR), (4, 1)))  # the place in the bar
    rolls = windows.windows([piece], bars=1)
    np.testing.assert_array_equal(gan_voices.decode(gan_voices.encode(tokens)), rolls)
    with pytest.raises(ValueError, match="four voices and 8 bars"):
        gan_voices.excerpts([piece], bars=8)


def test_any_numbers_are_music():
    rolls = gan_voices.decode(np.random.default_rng(1).normal(size=(3, BAR, 4, VOCAB)))
    assert rolls.shape == (3, BAR, 128) and set(np.unique(rolls)) == {0, 1, 2}
    with pytest.raises(ValueError, match="pass"):
        gan_voices.decode(np.zeros((1, BAR, 4, 5)))


def test_what_is_generated_is_one_hot_depends_on_the_seed_alone_and_holds_nothing_silent(generator):
    made = gan_voices.generate(generator, outline(FRAMES, 20), seed=3)
    assert made.shape == (20, FRAMES, 4, VOCAB) and set(np.unique(made)) == {0, 1}
    np.testing.assert_array_equal(made, gan_voices.generate(generator, outline(FRAMES, 20), seed=3))
    assert np.any(made != gan_voices.generate(generator, outline(FRAMES, 20), seed=4))
    tokens = made.argmax(axis=3)
    assert np.all(tokens[:, 0] != HOLD) and np.any(tokens == HOLD)
    assert not np.any((tokens[:, 1:] == HOLD) & (tokens[:, :-1] == NO_NOTE))


def test_relations_by_hand():
    found = heard(tokens_of((72, 67, 64, 48), (74, 67, 62, 43)))
    # pairs from soprano down: 74-67, 74-62, 74-43, 67-62, 67-43, 62-43
    np.testing.assert_array_equal(found["pairs"].reshape(6, 12).argmax(axis=1), [7, 0, 7, 5, 0, 7])
    np.testing.assert_array_equal(found["steps"].reshape(4, 12).argmax(axis=1), [2, 0, 10, 7])
    np.testing.assert_array_equal(found["sizes"].reshape(4, 5).argmax(axis=1), [1, 0, 1, 3])
    np.testing.assert_array_equal(found["hit"], 1)
    assert not found["parallels"].any() and not found["rest"].any()


def test_heights_and_spaces_by_hand():
    found = heard(tokens_of((72, 67, 64, 48), (60, 67, 67, 40)))
    np.testing.assert_array_equal(found["spaces"].reshape(3, 6).argmax(axis=1), [0, 1, 5])  # crossed, unison, far
    np.testing.assert_array_equal(found["heights"].reshape(4, 12).argmax(axis=1), [6, 7, 7, 2])  # from 24 in sixes


def test_parallels_by_hand():
    found = heard(tokens_of((72, 67, 60, 53), (74, 67, 62, 55)))["parallels"].reshape(2, 6)
    np.testing.assert_array_equal(np.argwhere(found), [[0, 1], [1, 2], [1, 5]])  # 74-62; 74-55, 62-55
    assert not heard(tokens_of((72, 67, 60, 53), (72, 67, 60, 53)))["parallels"].any()


def test_what_is_held_sounds_and_what_rests_does_not():
    held = np.array(gan_voices.Hear()(gan_voices.encode(tokens_of((72, 0, 64, 48))), outline(4)))[0]
    assert np.all(held[0, :4 * SPAN] == held[3, :4 * SPAN]) and held[3, :4 * SPAN].sum() == 3 * gan_voices.CELL_WEIGHT
    np.testing.assert_array_equal(held[3, 4 * SPAN:4 * SPAN + 8], [0, 0, 0, 0, 0, 1, 0, 0])


def test_soft_notes_fade_as_softly_as_they_are_held():
    rng = np.random.default_rng(0)
    for frames in (1, 2, 5, 16):
        strikes, hold = rng.random((2, frames, 4, 6), np.float32), rng.random((2, frames, 4, 1), np.float32)
        sounds = gan_voices.sustain(strikes, hold)
        for now in range(frames):
            before = hold[:, now] * sounds[:, now - 1] if now else 0
            np.testing.assert_allclose(sounds[:, now], strikes[:, now] + before, rtol=1e-5)


def test_relations_are_the_same_in_every_key():
    here, there = (heard(tokens_of(*np.add([(72, 67, 64, 48), (74, 65, 62, 50)], by))) for by in (0, 5))
    for name in ("hit", "rest", "pairs", "parallels", "sizes", "steps", "spaces"):
        np.testing.assert_allclose(here[name], there[name], atol=1e-6)
    np.testing.assert_array_equal(np.roll(here["classes"], 5), there["classes"])


def test_samples_are_transposed_only_while_training_and_as_a_whole():
    keras.utils.set_random_seed(1)
    tokens, plan = tokens_of((72, 67, 64, 48), (74, 65, 62, 50)).repeat(300, axis=0), outline(8, 300)
    cells = gan_voices.encode(tokens)
    layer = gan_voices.Hear(3)
    plain, moved = (np.array(layer(cells, plan, training=each))[..., :4 * SPAN].reshape(300, 8, 4, SPAN).argmax(axis=3)
                    for each in (False, True))
    shifts = moved - plain
    assert np.all(shifts == shifts[:, :1, :1]) and set(np.unique(shifts)) == set(range(-3, 4))
    assert np.mean(shifts[:, 0, 0] == 0) > 0.3


def test_it_is_taught_by_likelihood():
    tokens = tokens_of((72, 67, 64, 48), (74, 67, 59, 43)).repeat(8, axis=0)
    pupil = gan_voices.build_generator(FRAMES, units=8, hidden=8)
    history = gan_voices.teach(pupil, tokens, outline(FRAMES, 8), (tokens, outline(FRAMES, 8)), 3, batch_size=4)
    assert history["val_loss"][-1] < history["val_loss"][0]


def test_both_sides_learn_under_outlines(generator, eagerly):
    chords = (72, 67, 64, 48), (74, 67, 59, 43)
    real, plan = gan_voices.encode(tokens_of(*chords).repeat(5, axis=0)), outline(FRAMES, 5)
    networks = generator, gan_voices.build_discriminator(FRAMES, channels=8)
    settings = dict(penalty=1, average=0.5, relativistic=True, features=gan_voices.build_features(FRAMES, 3))
    trainer = gan.Trainer(*networks, real, 1e-3, 1e-3, **settings, outlines=plan, batch_size=4)
    before = [[v.numpy() for v in network.trainable_variables] for network in networks]
    averaged, history = gan.run(trainer, 2)
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    for network, values in zip(networks, before):
        assert any(np.any(now.numpy() != was) for now, was in zip(network.trainable_variables, values))
    with pytest.raises(ValueError, match="outlines"):
        gan.Trainer(*networks, real, 1e-3, 1e-3, **settings, outlines=plan[:3], batch_size=4)
