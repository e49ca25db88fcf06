"""WaveNet weights as arrays -> codes or samples, one by one: each layer keeps a queue of past inputs; no Keras.

A step of generation needs, in each layer, the present input and the input of `dilation` steps ago. If the network is
called on its whole receptive field, it computes all inputs between them again for each code. A queue as long as the
dilation remembers them. Numba compiles the loop; without Numba, plain NumPy computes the same, several times slower.
"""

import time
from collections import namedtuple

import numpy as np
from tqdm import tqdm

try:
    from utils.nets import queues_numba
except ImportError:  # Numba is not available everywhere
    queues_numba = None

RATE = 16_000  # samples per second, of audio
STEPS_A_LOOK = 2_000  # steps between two updates of the progress bar
ARRAYS = ("embed gate_kernel gate_bias residual_kernel residual_bias skip_kernel skip_bias hidden_kernel hidden_bias "
          "head_kernel head_bias").split()  # of `wavenet.weights`
Net = namedtuple("Net", "gaussian lowest follow dilations starts queue hop biases excitation".split() + ARRAYS)
Net.__doc__ = """A network as the loop reads it: inputs of the steps, queues, and weights.

gaussian: bool, whether the head is Gaussian. lowest: float32, its lowest log sigma. follow: float32 (states, levels) or
empty, see `generate`. starts: int64 (layers,), where each layer's queue begins. queue: float32 (places, streams,
channels). hop: int. biases: float32 (rows, layers, 2 channels), from the conditions. excitation: float32 (steps,
channels).
"""


def generate(weights, num_samples, condition=None, num_streams=1, temperature=1.0, seed=0, first=None, excitation=None,
             follow=None, progress=False):
    """Generate codes or samples, several streams in parallel, from empty queues.

    Args: weights: dict of arrays, see `wavenet.weights`. num_samples: int, steps of each stream. condition: float
        (rows, size), the same for all streams, a row for each `hop` steps; for a network with conditions. num_streams:
        int. temperature: divides the logits, or multiplies sigma; 0 takes the likeliest value. seed: int. first: the
        code, state or sample to start from; by default silence: the middle code, or the sample 0. excitation: float
        (steps, size), for a network with an excitation. follow: int (states, levels), the state that follows each state
        and code; by default the code itself. progress: show a bar with the steps per second, also as a multiple of real
        time at 16 kHz.
    Returns: int32 (num_streams, num_samples), codes; for a Gaussian head float32, samples.
    Raises: ValueError for fewer than one sample or stream, a temperature below 0, weights that are not those of a
        WaveNet or hold NaN, and a condition or excitation that is missing, too short, of another size, not finite, or
        not used by the network.
    Source: Le Paine et al. 2016, Fast Wavenet Generation Algorithm. Notebook: 03.
    """
    if num_samples < 1 or num_streams < 1 or not 0 <= temperature < np.inf:
        raise ValueError(f"{num_samples} samples, {num_streams} streams, temperature {temperature}: give at least 1, 1 "
                         "and 0")
    net = _net(weights, num_streams, condition, excitation, follow, num_samples)
    line = np.zeros((num_streams, num_samples + 1), np.float32)  # floats hold states exactly: they are below 2**24
    line[:, 0] = (0 if net.gaussian else len(weights["head_bias"]) // 2) if first is None else first
    rng, nothing = np.random.default_rng(seed), np.zeros((0, 0, 0), np.float32)
    draw = rng.standard_normal if net.gaussian else rng.random
    began = time.perf_counter()
    with tqdm(total=num_samples, unit="step", disable=not progress, mininterval=1) as bar:
        for start in range(0, num_samples, STEPS_A_LOOK):
            stop = min(start + STEPS_A_LOOK, num_samples)
            _run(net, line, start, stop, draw((stop - start, num_streams), np.float32), temperature, nothing)
            bar.update(stop - start)
            bar.set_postfix_str(f"{stop * num_streams / (time.perf_counter() - began) / RATE:.2f} x real time", False)
    if net.gaussian:
        return line[:, 1:]
    return line[:, 1:].astype(np.int32) % len(weights["head_bias"])


def logits(weights, inputs, condition=None, excitation=None):
    """Compute the outputs after each input, with the queues: equal to the network's full forward pass.

    Args: weights, condition, excitation: as `generate`. inputs: int (streams, steps), codes or states; for a Gaussian
        head float, samples.
    Returns: float32 (streams, steps, levels): at each step the logits of the next code; for a Gaussian head (streams,
        steps, 2), mean and log sigma of the next sample.
    Raises: ValueError as `generate`, and for codes outside the levels.
    Notebook: 03.
    """
    line = np.array(inputs, np.float32)
    streams, steps = line.shape if line.ndim == 2 else (0, 0)
    net = _net(weights, streams, condition, excitation, None, steps)
    most = np.inf if net.gaussian else len(weights["embed"])
    if not line.size or not np.isfinite(line).all() or not net.gaussian and not 0 <= line.min() <= line.max() < most:
        what = "samples" if net.gaussian else f"numbers, each at least 0 and below {most}"
        raise ValueError(f"inputs of shape {line.shape}: pass (streams, steps) of finite {what}")
    found = np.zeros((streams, steps, len(weights["head_bias"])), np.float32)
    _run(net, line, 0, steps, np.zeros((steps, streams), np.float32), 1.0, found)
    return found


def _net(weights, num_streams, condition, excitation, follow, num_samples):
    """Check the arguments and convert them for the loop, with empty queues."""
    missing = {"dilations", *ARRAYS} - weights.keys()
    if missing:
        raise ValueError(f"weights without {', '.join(sorted(missing))}: pass what wavenet.weights returned")
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise ValueError("the weights hold NaN or infinity: check whether the network's loss was finite")
    arrays = {name: np.ascontiguousarray(weights[name], np.float32) for name in ARRAYS}
    dilations = np.asarray(weights["dilations"], np.int64)
    (states, channels), levels = arrays["embed"].shape, len(arrays["head_bias"])
    known = arrays["gate_kernel"].shape[1] - 2 * channels  # channels of the excitation
    if arrays["gate_kernel"].shape[::2] != (len(dilations), 2 * channels) or known < 0:
        raise ValueError(f"a gate_kernel of {arrays['gate_kernel'].shape} for {len(dilations)} dilations and "
                         f"{channels} channels: pass the weights of one network")
    follow = np.zeros((0, 0), np.float32) if follow is None else np.ascontiguousarray(follow, np.float32)
    if follow.size and follow.shape != (states, levels):
        raise ValueError(f"follow of shape {follow.shape}: pass (states, levels), here ({states}, {levels})")
    hop, biases = _biases(weights, condition, num_samples)
    return Net(gaussian="lowest_log_sigma" in weights, lowest=np.float32(weights.get("lowest_log_sigma", 0)),
               follow=follow, dilations=dilations, starts=np.cumsum(dilations) - dilations, hop=hop, biases=biases,
               queue=np.zeros((int(dilations.sum()), num_streams, channels), np.float32),
               excitation=_rows("excitation", excitation, known, num_samples), **arrays)


def _biases(weights, condition, num_samples):
    """The biases of each gate from the conditions: hop, float32 (rows, layers, 2 channels)."""
    hop = int(weights.get("hop", 1))
    size = weights["squeeze_kernel"].shape[0] if "squeeze_kernel" in weights else 0
    condition = _rows("condition", condition, size, -(-num_samples // hop))
    if not size:
        return 1, np.zeros((0, 0, 0), np.float32)
    squeezed = np.tanh(condition @ weights["squeeze_kernel"] + weights["squeeze_bias"])
    return hop, np.einsum("rs,lsc->rlc", squeezed, weights["condition_kernel"], optimize=True).astype(np.float32)


def _run(net, line, start, stop, draws, temperature, found):
    step = queues_numba.run if queues_numba else _run_numpy
    step(line, start, stop, draws, np.float32(temperature), found, net)


def _rows(name, values, size, count):
    """Check a condition or an excitation and return its first `count` rows, float32 (count, size)."""
    if values is None and not size:
        return np.zeros((count, 0), np.float32)
    if not size:
        raise ValueError(f"this network was built without {name}: leave it out")
    values = np.asarray(np.zeros((0, 0)) if values is None else values, np.float32)
    if values.ndim != 2 or values.shape[1] != size or len(values) < count or not np.isfinite(values).all():
        raise ValueError(f"{name} of shape {values.shape}: this network needs finite numbers, {size} in each of at "
                         f"least {count} rows")
    return np.ascontiguousarray(values[:count])


def _run_numpy(line, start, stop, draws, temperature, found, net):
    """The same as `queues_numba.run`, without Numba."""
    channels, gated = net.embed.shape[1], [None] * len(net.dilations)
    for t in range(start, stop):
        now = line[:, t]
        x = now[:, None] * net.embed[0] + net.embed[1] if net.gaussian else net.embed[now.astype(int)]
        heard = np.broadcast_to(net.excitation[t], (len(line), net.excitation.shape[1]))
        for layer, dilation in enumerate(net.dilations):
            place = net.starts[layer] + t % dilation
            both = np.concatenate([net.queue[place], x, heard], axis=1) @ net.gate_kernel[layer] + net.gate_bias[layer]
            net.queue[place] = x
            if len(net.biases):
                both += net.biases[t // net.hop, layer]
            gated[layer] = np.tanh(both[:, :channels]) * (0.5 + 0.5 * np.tanh(0.5 * both[:, channels:]))
            x = x + gated[layer] @ net.residual_kernel[layer] + net.residual_bias[layer]
        hidden = np.maximum(np.concatenate(gated, axis=1) @ net.skip_kernel + net.skip_bias, 0)
        scores = np.maximum(hidden @ net.hidden_kernel + net.hidden_bias, 0) @ net.head_kernel + net.head_bias
        if net.gaussian:
            scores[:, 1] = np.maximum(scores[:, 1], net.lowest)
        if len(found):
            found[:, t] = scores
        elif net.gaussian:
            line[:, t + 1] = scores[:, 0] + temperature * np.exp(scores[:, 1]) * draws[t - start]
        else:
            codes = scores.argmax(axis=1)
            if temperature > 0:
                shares = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature).cumsum(axis=1)
                codes = (shares <= draws[t - start][:, None] * shares[:, -1:]).sum(axis=1)
                codes = codes.clip(max=len(net.head_bias) - 1)
            line[:, t + 1] = net.follow[now.astype(int), codes] if net.follow.size else codes
