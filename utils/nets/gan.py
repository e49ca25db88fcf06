"""Generator against discriminator on windows of piano roll: the original layers, their balancer, a cure for collapse.

An epoch is what the original code calls one: a batch for each side. Gradients and loops are TensorFlow's, so that
many steps are one call; the builders are plain Keras.
"""

import json
from pathlib import Path

import numpy as np

from utils import files
from utils.nets import training
from utils.nets.backend import keras

import tensorflow as tf  # isort: skip, after the backend, which keeps its start quiet

LATENT = 128  # numbers a piece is made from
BATCH = 64
STEPS_A_CALL = 20
STATE = "state.npz"
CURE = dict(penalty=10.0, average=0.98, beta_2=0.99, minibatch_std=True)
RECIPES = {  # what `fit` does besides alternating
    "original": dict(),
    "balanced": dict(balance=(1.5, 2)),  # while a side's loss is over 1.5 nats, at most 2 more steps an epoch
    "cured": CURE,
    "no_penalty": CURE | dict(penalty=0.0),  # and what each part of the cure is worth
    "no_deviation": CURE | dict(minibatch_std=False),
    "no_average": CURE | dict(average=0.0),
    "relativistic": CURE | dict(relativistic=True, minibatch_std=False),  # Huang et al. 2024, and the average
    "slowing": CURE | dict(slowing=4.0),  # the discriminator's rate falls to four times the generator's
}

# ---------------------------------------------------------------------------------------------- networks


def build_generator(shape, units=(128, 256, 512, 1028)):
    """Build the original generator: fully connected layers, batch normalisation, leaky ReLU, and tanh at the end.

    Args: shape: of a sample, such as (32, 56). units: of each hidden layer.
    Returns: keras.Model from latents (batch, 128) to (batch, *shape), -1 to 1.
    Notebook: 04, "The original networks".
    """
    x = latents = keras.Input((LATENT,))
    for size in units:
        x = normal(keras.layers.Dense(size)(x))
    x = keras.layers.Dense(int(np.prod(shape)), activation="tanh")(x)
    return keras.Model(latents, keras.layers.Reshape(shape)(x), name="generator")


def build_discriminator(shape, units=(512, 256), minibatch_std=False):
    """Build the original discriminator: fully connected layers and leaky ReLU; the sigmoid is part of the loss.

    Args: shape: of a sample. units: of each hidden layer. minibatch_std: whether it also reads how varied its
        batch is.
    Returns: keras.Model from (batch, *shape) to logits (batch, 1), above 0 for real.
    Notebook: 04, "The original networks".
    """
    samples = keras.Input(shape)
    x = keras.layers.Flatten()(samples)
    if minibatch_std:
        x = MinibatchStd()(x)
    for size in units:
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(size)(x))
    return keras.Model(samples, keras.layers.Dense(1)(x), name="discriminator")


def normal(x):
    """Batch normalisation and leaky ReLU, after each hidden layer of a generator. Keras tensors in and out."""
    return keras.layers.LeakyReLU(0.2)(keras.layers.BatchNormalization(momentum=0.8)(x))


class MinibatchStd(keras.layers.Layer):
    """Append to each sample how far its batch spreads: the mean over features of the standard deviation.

    Source: Karras et al. 2018, Progressive growing of GANs, section 3. Input (batch, features), output one wider.
    """

    def call(self, x):
        spread = keras.ops.mean(keras.ops.sqrt(keras.ops.var(x, axis=0) + 1e-8))
        return keras.ops.concatenate([x, keras.ops.zeros_like(x[:, :1]) + spread], axis=1)


# ---------------------------------------------------------------------------------------------- training


class Trainer:
    """Both networks, their optimisers, and steps that move one side and leave the other.

    Losses are binary cross-entropies: the discriminator's is the mean over real and generated samples, the generator's
    asks that its samples pass for real; log 2 is chance for both.

    Args: generator, discriminator: Keras models, the first from latents, the second to logits. real: float32 (samples,
        *shape). generator_rate, discriminator_rate: learning rates of Adam, beta1 0.5, or Keras schedules. penalty:
        weight of R1, which keeps the discriminator flat around real samples, or a Keras schedule of it; 0 for none.
        average: how slowly the averaged generator follows, 0 for not at all. balance: (bound, most): while a
        side's loss in an epoch is over the bound it takes another step, at most so many. beta_2: of Adam.
        relativistic: whether each side is asked by how much real samples seem more real than made ones, which
        leaves no kind of music out; then made samples are penalised too. features: keras.Model from samples to
        what the discriminator reads, and over which its slope is penalised; None where it reads samples.
        outlines: (samples, ...), what is known of each real sample: made ones are written under outlines of
        real ones, and features read [samples, outlines]; None where nothing is known. batch_size: samples of
        each kind a step. seed: of batches and latents.
    Raises: ValueError for no samples, or samples that the networks do not fit.
    Source: Goodfellow et al. 2014; Mescheder et al. 2018, Which training methods for GANs do actually converge (R1);
        Yazici et al. 2019, The unusual effectiveness of averaging in GAN training; Huang et al. 2024, The GAN is dead,
        long live the GAN (relativistic, both penalties). Notebook: 04.
    """

    def __init__(self, generator, discriminator, real, generator_rate, discriminator_rate, penalty=0.0, average=0.0,
                 balance=None, beta_2=0.999, relativistic=False, features=None, outlines=None, batch_size=BATCH,
                 seed=0):
        shape = generator.output_shape[1:] if outlines is not None else (features or discriminator).input_shape[1:]
        if real.ndim != len(shape) + 1 or real.shape[1:] != shape or not len(real):
            raise ValueError(f"real samples of shape {real.shape}: pass at least one, each of shape {shape}, as "
                             "gan_grid.encode makes them")
        if generator.output_shape[1:] != shape:
            raise ValueError(f"the generator writes {generator.output_shape[1:]}, the discriminator reads {shape}: "
                             "build both with one shape")
        if outlines is not None and len(outlines) != len(real):
            raise ValueError(f"{len(outlines)} outlines for {len(real)} samples: give each real sample its own")
        if batch_size < 2 or min(first_rate(generator_rate), first_rate(discriminator_rate)) <= 0:
            raise ValueError(f"batch of {batch_size}, rates {generator_rate}, {discriminator_rate}: give a batch of 2 "
                             "or more, for batch normalisation, and rates above 0")
        self.generator, self.discriminator = generator, discriminator
        self.averaged = keras.models.clone_model(generator) if average else generator
        self.averaged.set_weights(generator.get_weights())
        self.best = keras.models.clone_model(generator)  # where `run` keeps the best of its looks
        self.real, self.batch_size = tf.constant(real), batch_size
        self.outlines = None if outlines is None else tf.constant(outlines)
        self.penalty, self.average, self.balance, self.relativistic = penalty, average, balance, relativistic
        self.features = features or (lambda samples, training: samples)
        self.latent_shape = (generator.input_shape if outlines is None else generator.input_shape[0])[1:]
        self.optimizers = []
        for rate, model in ((generator_rate, generator), (discriminator_rate, discriminator)):
            self.optimizers.append(keras.optimizers.Adam(rate, beta_1=0.5, beta_2=beta_2))
            self.optimizers[-1].build(model.trainable_variables)
        self._seed, self._count = seed, tf.Variable(0)
        self.epochs = tf.function(self._epochs)

    def discriminator_step(self):
        """Move the discriminator once; returns its loss without the penalty, a scalar tensor."""
        real, outline = self._real()
        made = self._write(outline, outline is None)
        penalty = self.penalty(self.optimizers[1].iterations) if callable(self.penalty) else self.penalty
        with tf.GradientTape() as tape:
            of_real, steepness = self._judge(real, outline, bool(self.penalty))
            of_made, more = self._judge(made, outline, bool(self.penalty) and self.relativistic)
            loss = self._cross_entropy(of_real, of_made)
            total = loss + penalty / 2 * (steepness + more)
        self._move(1, self.discriminator, tape, total)
        return loss

    def generator_step(self):
        """Move the generator once, and its average; returns its loss, a scalar tensor."""
        real, outline = self._real()
        of_real, _ = self._judge(real, outline) if self.relativistic else (0.0, 0.0)
        with tf.GradientTape() as tape:
            of_made, _ = self._judge(self._write(outline), outline)
            loss = tf.reduce_mean(tf.nn.softplus(of_real - of_made))
        self._move(0, self.generator, tape, loss)
        if self.average:
            for slow, fast in zip(self.averaged.trainable_variables, self.generator.trainable_variables):
                slow.assign(self.average * slow + (1 - self.average) * fast)
        return loss

    def keep(self, path, history):
        """Write all that it takes to go on, and what has been, to one .npz file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.whole(path) as temporary:
            np.savez(temporary, *[value.numpy() for value in self._state()], history=json.dumps(history))

    def restore(self, path):
        """Go on from what `keep` wrote; returns the history. Raises ValueError for the state of other networks."""
        with np.load(path) as kept:
            state = self._state()
            values = [kept[f"arr_{number}"] for number in range(len(kept) - 1)]
            if [value.shape for value in values] != [tuple(variable.shape) for variable in state]:
                raise ValueError(f"{path} is of other networks than these: remove it, or choose another folder")
            for variable, value in zip(state, values):
                variable.assign(value)
            return json.loads(str(kept["history"]))

    def _state(self):
        models = [self.generator, self.discriminator, self.best, *([self.averaged] if self.average else []),
                  *([self.features] if isinstance(self.features, keras.Model) else []), *self.optimizers]
        return [variable for model in models for variable in model.variables] + [self._count]

    def _epochs(self, count):
        """Train for a scalar tensor of epochs; returns losses (epochs, 2), generator's and discriminator's."""
        losses = tf.TensorArray(tf.float32, count)
        for epoch in tf.range(count):
            discriminator_loss, generator_loss = self.discriminator_step(), self.generator_step()
            if self.balance:
                bound, most = self.balance
                for _ in tf.range(most):
                    if discriminator_loss > bound:
                        discriminator_loss = self.discriminator_step()
                    if generator_loss > bound:
                        generator_loss = self.generator_step()
            losses = losses.write(epoch, tf.stack([generator_loss, discriminator_loss]))
        return losses.stack()

    def _cross_entropy(self, of_real, of_made):
        if self.relativistic:
            return tf.reduce_mean(tf.nn.softplus(of_made - of_real))
        return (tf.reduce_mean(tf.nn.softplus(-of_real)) + tf.reduce_mean(tf.nn.softplus(of_made))) / 2

    def _write(self, outline, training=True):
        latents = tf.random.stateless_normal([self.batch_size, *self.latent_shape], self._draw())
        return self.generator(latents if outline is None else [latents, outline], training=training)

    def _judge(self, samples, outline=None, penalised=False):
        """Logits, and if penalised how steeply they change with what is read: the only gradient in a gradient."""
        read = self.features(samples if outline is None else [samples, outline], training=True)
        if not penalised:
            return self.discriminator(read, training=True), 0.0
        with tf.GradientTape() as tape:
            tape.watch(read)
            logits = self.discriminator(read, training=True)
        slopes = tape.gradient(logits, read)
        return logits, tf.reduce_sum(slopes**2) / self.batch_size

    def _real(self):
        chosen = tf.random.stateless_uniform([self.batch_size], self._draw(), 0, len(self.real), tf.int32)
        outline = None if self.outlines is None else tf.gather(self.outlines, chosen)
        return tf.gather(self.real, chosen), outline

    def _move(self, side, model, tape, loss):
        variables = [variable.value for variable in model.trainable_variables]
        self.optimizers[side].apply(tape.gradient(loss, variables), model.trainable_variables)

    def _draw(self):
        """A seed that was not used before."""
        self._count.assign_add(1)
        return tf.stack([self._seed, self._count])


def fit(real, recipe, generator_rate, discriminator_rate, epochs=1000, seed=0, watch=None, every=100, folder=None,
        best=None):
    """Train a GAN of the original layers by a named recipe.

    Args: real: float32 (samples, eighths, 56), as `gan_grid.encode`. recipe: one of RECIPES. generator_rate,
        discriminator_rate: of Adam. epochs: batches for each side. seed: of weights, batches and latents. watch:
        function of epoch and generator, averaged where the recipe says so, that returns a dict of numbers to remember.
        every: how many epochs lie between two looks. folder: where the whole state is kept at each look, so that a run
        which was stopped goes on; None for nowhere. best: name of a number that `watch` returns; the generator of the
        look at which it was highest is returned, of equals the latest. None for the generator of the last epoch.
    Returns: (generator, history): keras.Model, and a dict with loss and discriminator_loss, an entry an epoch, epoch
        and what `watch` returned, an entry a look.
    Raises: ValueError as `Trainer`, for an unknown recipe, no epochs, or a folder that holds the state of other
        networks; FloatingPointError where a loss is not finite.
    Notebook: 04, "The original networks".
    """
    if recipe not in RECIPES:
        raise ValueError(f"recipe {recipe!r}: choose one of {', '.join(RECIPES)}")
    real = np.asarray(real, np.float32)
    settings = dict(RECIPES[recipe])
    minibatch_std = settings.pop("minibatch_std", False)
    if (end := settings.pop("slowing", 0) * generator_rate) and end < discriminator_rate:
        discriminator_rate = keras.optimizers.schedules.ExponentialDecay(discriminator_rate, epochs,
                                                                         end / discriminator_rate)
    keras.utils.set_random_seed(seed)
    generator = build_generator(real.shape[1:])
    trainer = Trainer(generator, build_discriminator(real.shape[1:], minibatch_std=minibatch_std), real, generator_rate,
                      discriminator_rate, seed=seed, **settings)
    return run(trainer, epochs, watch, every, folder, best)


def run(trainer, epochs, watch=None, every=100, folder=None, best=None):
    """Let a trainer run; arguments, returns and errors as `fit`."""
    if epochs < 1 or every < 1:
        raise ValueError(f"{epochs} epochs, a look every {every}: train for at least one")
    history = {"loss": [], "discriminator_loss": [], "epoch": []}
    few = epochs <= training.WORTH_A_GRAPH and trainer.outlines is None  # voices that write in turn are slow without it
    take = trainer.epochs.python_function if few else trainer.epochs
    if folder and (Path(folder) / STATE).exists():
        history = trainer.restore(Path(folder) / STATE)
    while (done := len(history["loss"])) < epochs:
        count = min(STEPS_A_CALL, epochs - done, every - done % every)
        losses = take(tf.constant(count)).numpy()
        if not np.isfinite(losses).all():
            raise FloatingPointError(f"a loss is not finite in epochs {done + 1} to {done + count}: lower the rates")
        done += count
        history["loss"] += losses[:, 0].tolist()
        history["discriminator_loss"] += losses[:, 1].tolist()
        if done % every and done < epochs:
            continue
        if trainer.average:
            settle(trainer.averaged)
        history["epoch"].append(done)
        for name, value in (watch(done, trainer.averaged) if watch else {}).items():
            history.setdefault(name, []).append(value)
        if best and (ranked := np.nan_to_num(history[best], nan=-np.inf))[-1] == ranked.max():
            trainer.best.set_weights(trainer.averaged.get_weights())
        if folder:
            trainer.keep(Path(folder) / STATE, history)
    return trainer.best if best else trainer.averaged, history


def settle(generator, num_latents=1024):
    """Set a generator's batch normalisation to the statistics of fixed latents, which averaged weights have not seen.

    Args: generator: keras.Model, changed in place. num_latents: how many pieces the statistics are of.
    """
    layers = [layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # forget what was
    generator(latents(num_latents, 0, generator.input_shape[-1]), training=True)
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum


def first_rate(rate):
    """The learning rate of the first step: a number's own, or a Keras schedule's."""
    return getattr(rate, "initial_learning_rate", rate)


def latents(num_samples, seed=0, size=LATENT):
    """Draw where pieces come from: float32 (num_samples, size), normally distributed."""
    return np.random.default_rng(seed).standard_normal((num_samples, size), np.float32)


def between(first, last, num_steps):
    """Walk from one latent to another on a great circle.

    Args: first, last: float (128,). num_steps: int, the ends included.
    Returns: float32 (num_steps, 128), from the first to the last, lengths between theirs.
    Source: White 2016, Sampling generative networks, section 2.1. Notebook: 04, "Between two pieces".
    """
    share = np.linspace(0, 1, num_steps)[:, None]
    cosine = first @ last / (np.linalg.norm(first) * np.linalg.norm(last))
    angle = np.arccos(np.clip(cosine, -1, 1))
    if angle < 1e-6:  # the same direction
        return ((1 - share) * first + share * last).astype(np.float32)
    return ((np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle)).astype(np.float32)


def generate(generator, num_samples, seed=0):
    """Let a generator write.

    Args: generator: keras.Model from latents. num_samples: pieces. seed: of the latents.
    Returns: float32 (num_samples, *shape), for `gan_grid.decode`.
    Notebook: 04, "The original networks".
    """
    return generator.predict_on_batch(latents(num_samples, seed, generator.input_shape[-1]))
