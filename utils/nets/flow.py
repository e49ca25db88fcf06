"""A flow that plays a piece in one parallel pass from noise, and how it learns from a teacher and from spectra."""

import numpy as np

from utils.nets import student, training, wavenet
from utils.nets.backend import keras, ops

LAMBDA = 4.0  # weight of the distance between the log sigmas in the regularised divergence
SPECTRAL_WEIGHT = 10.0  # of the distance of spectra beside the divergence


def build(num_flows=2, num_layers=8, channels=32, skip_channels=64, condition_size=0, condition_channels=48, hop=1,
          excitation_size=0):
    """Build a flow: a chain of Gaussian inverse autoregressive flows, each of them a WaveNet.

    A flow reads noise and says by what mean and sigma each sample is to be moved; the mean of a sample looks at earlier
    noise alone, so that all samples are played at once. What a flow returns is the noise of the next.

    Args: num_flows, num_layers: flows, and layers in the one stack of each. The others: as `wavenet.build`.
    Returns: keras.Model from noise float (batch, steps), then condition and excitation as of `wavenet.build`, to float
        (batch, steps, 3): wave, and mean and log sigma of the whole chain, for which wave = mean + exp(log sigma) *
        noise.
    Raises: ValueError for no flow, and as `wavenet.build`.
    Source: van den Oord et al. 2018, Parallel WaveNet; Ping et al. 2019, ClariNet, section 3.2. Notebook: 03, "All at
        once".
    """
    if num_flows < 1:
        raise ValueError(f"{num_flows} flows play nothing: build 1 or more")
    inputs = [keras.Input((None,), name="noise")]
    inputs += [keras.Input((None, condition_size), name="condition")] if condition_size else []
    inputs += [keras.Input((None, excitation_size), name="excitation")] if excitation_size else []
    wave, mean, log_sigma = inputs[0], 0.0, 0.0
    for number in range(num_flows):
        flow = wavenet.build(num_stacks=1, num_layers=num_layers, channels=channels, skip_channels=skip_channels,
                             condition_size=condition_size, condition_channels=condition_channels, hop=hop,
                             excitation_size=excitation_size, head="gaussian", name=f"flow_{number}")
        moments = flow([_before(wave), *inputs[1:]])
        sigma = ops.exp(moments[..., 1])
        wave, mean = moments[..., 0] + sigma * wave, moments[..., 0] + sigma * mean
        log_sigma = log_sigma + moments[..., 1]
    return keras.Model(inputs, ops.stack([wave, mean, log_sigma], axis=-1), name="flow")


def noise_of(flow, wave, *known):
    """Invert the flow: find the noise that it would turn into this wave.

    Each pass of this iteration makes one more sample exact, so that it takes as many passes as there are samples: for
    tests and short waves.

    Args: flow: what `build` returned. wave: float (steps,). known: condition and excitation of these steps.
    Returns: float32 (steps,).
    Notebook: 03, "All at once".
    """
    noise = np.zeros_like(wave, dtype=np.float32)
    for _ in range(len(wave)):
        _, mean, log_sigma = np.moveaxis(flow.predict_on_batch([x[None] for x in (noise, *known)])[0], -1, 0)
        noise = (wave - mean) * np.exp(-log_sigma)
    return noise


def divergence(mean, log_sigma, teacher_mean, teacher_log_sigma):
    """Nats by which a student's Gaussian misses the teacher's, in closed form, with a penalty where sigmas differ.

    Args: float arrays of equal shape.
    Returns: float, same shape: KL(student || teacher) + LAMBDA * (difference of log sigmas)^2.
    Source: Ping et al. 2019, ClariNet, equation 8 and section 3.1.1. Notebook: 03, "All at once".
    """
    apart = log_sigma - teacher_log_sigma
    squares = ops.exp(2 * apart) + ops.square((mean - teacher_mean) * ops.exp(-teacher_log_sigma))
    return 0.5 * squares - 0.5 - apart + LAMBDA * ops.square(apart)


class Distiller(keras.Model):
    """A flow that learns from a teacher and from the spectra of real waves.

    Args: flow: what `build` returned. teacher: a WaveNet with a Gaussian head, that hears the same. scale: what a unit
        of the waves is, in full scale. skip: steps at the beginning of an excerpt that do not count, for the teacher
        cannot yet know.
    """

    def __init__(self, flow, teacher, scale=1.0, skip=800):
        super().__init__()
        self.flow, self.teacher, self.floor, self.skip = flow, teacher, student.FLOOR / scale, skip
        self.teacher.trainable = False
        self.built = True  # all that it holds is

    def call(self, inputs):
        return self.flow(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        wave, mean, log_sigma = y_pred[..., 0], y_pred[..., 1], y_pred[..., 2]
        told = self.teacher([_before(wave), *x[1:]])[:, self.skip:]
        apart = divergence(mean[:, self.skip:], log_sigma[:, self.skip:], told[..., 0], told[..., 1])
        return ops.mean(apart) + SPECTRAL_WEIGHT * student.spectral_loss(y, wave, self.floor)


class Lessons(wavenet.Excerpts):
    """Excerpts for a flow: noise in place of the samples before. Arguments as of `wavenet.Excerpts`."""

    def __getitem__(self, number):
        item, target = super().__getitem__(number)
        known = item[1:] if isinstance(item, tuple) else ()
        return (self.rng.standard_normal(target.shape, np.float32), *known), target


def fit(distiller, train, valid, folder, epochs, steps=200, num_steps=6_400, batch_size=2, learning_rate=1.5e-3, seed=0,
        known=(None, None), hop=1):
    """Train a flow on random excerpts; a run that was stopped goes on from its last whole epoch.

    Args: distiller: a Distiller. train, valid: lists of float (1 + samples,). The others: as `wavenet.fit`.
    Returns: dict, the history: loss, of the Distiller, and val_loss, the spectral loss of 16 held-out excerpts at
        temperature 0, one value an epoch.
    Notebook: 03, "All at once".
    """
    distiller.compile(training.optimizer(epochs * steps, learning_rate, 0.0),
                      jit_compile=epochs * steps > training.WORTH_COMPILING)
    held_out = Lessons(valid, num_steps, 1, 16, known[1], hop, seed=1)
    held_out = [held_out[number] for number in range(16)]

    def score():
        found = [distiller.predict_on_batch([0 * inputs[0], *inputs[1:]])[..., 0] for inputs, _ in held_out]
        target = np.concatenate([target for _, target in held_out])
        return student.spectral_loss(target, np.concatenate(found), distiller.floor)

    lessons = Lessons(train, num_steps, batch_size, steps, known[0], hop, seed=seed)
    return training.fit(distiller, lessons, folder, epochs, score)


def perform(flow, num_samples, condition=None, excitation=None, temperature=1.0, seed=0, hop=1):
    """Play: all samples at once, in passes of student.PASS_SAMPLES that overlap by what the flows look back at.

    Args: flow: what `build` returned. num_samples: int. condition: float (rows, size), a row for each `hop` samples.
        excitation: float (num_samples, size). temperature: standard deviation of the noise. seed: int.
    Returns: float32 (num_samples,), in the unit of the waves that it learned.
    Raises: ValueError for no samples, a temperature below 0, and a condition or excitation that is missing, of the
        wrong shape, or not finite.
    Notebook: 03, "All at once".
    """
    if num_samples < 1 or not 0 <= temperature < np.inf:
        raise ValueError(f"{num_samples} samples at temperature {temperature}: give at least 1 and 0")
    noise = temperature * np.random.default_rng(seed).standard_normal(num_samples, np.float32)
    streams = wavenet.streams(flow, num_samples, hop, noise=noise, condition=condition, excitation=excitation)
    back = -(-sum(wavenet.receptive_field(1, layers) for layers in _layers(flow)) // hop) * hop
    length, result = -(-student.PASS_SAMPLES // hop) * hop, []
    for start in range(0, num_samples, length):
        begin = start - back
        parts = [wavenet.cut(stream, begin // rate, (start + length) // rate) for stream, rate in streams]
        result.append(flow.predict_on_batch([part[None] for part in parts])[0, back:, 0])
    return np.concatenate(result)[:num_samples]


def _layers(flow):
    """How many layers each flow has."""
    return [sum(layer.name.startswith("gate_") for layer in part.layers) for part in flow.layers
            if part.name.startswith("flow_")]


def _before(wave):
    """Each step's sample before it: (batch, steps), 0 before the first."""
    return ops.pad(wave[:, :-1], ((0, 0), (1, 0)))
