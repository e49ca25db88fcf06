"""WaveNet weights as arrays -> codes, one after another: each layer queues what it will look back at; no Keras.

A step of generation needs, in each layer, the input of now and of `dilation` steps ago. A network that is called on its
whole receptive field computes all that lies between them anew for each code; a queue as long as the dilation remembers
it. Numba compiles the loop; without Numba the same functions run as plain NumPy and Python, slowly.
"""

import numpy as np
from tqdm import tqdm

try:
    from numba import njit
except ImportError:  # a wheel is not to be had everywhere

    def njit(**_):
        """Leave a function as it is."""
        return lambda function: function

CHUNK = 2_000  # codes between two looks at the progress bar
ARRAYS = ("embed gate_kernel gate_bias residual_kernel residual_bias skip_kernel skip_bias hidden_kernel hidden_bias "
          "logits_kernel logits_bias").split()  # in the order in which `_run` takes them


def generate(weights, num_samples, condition=None, num_streams=1, temperature=1.0, seed=0, first=None, progress=False):
    """Generate codes, several streams side by side, from empty queues.

    Args: weights: dict of arrays, see `wavenet.weights`. num_samples: int, codes in each stream. condition: float
        (rows, size), the same for all streams, a row for each `hop` codes; for a network that was built with conditions.
        num_streams: int. temperature: divides the logits; 0 takes the likeliest code. seed: int. first: the code to start
        from; by default the middle one, which is silence in mu-law. progress: show a bar with the codes a second.
    Returns: int32 (num_streams, num_samples), codes.
    Raises: ValueError for no samples or streams, a temperature below 0, weights that are no WaveNet's or hold NaN, and a
        condition that is missing, too short, of another size, not finite, or not asked for.
    Source: Le Paine et al. 2016, Fast Wavenet Generation Algorithm. Notebook: 03.
    """
    if num_samples < 1 or num_streams < 1 or not 0 <= temperature < np.inf:
        raise ValueError(f"{num_samples} samples, {num_streams} streams, temperature {temperature}: give at least 1, 1 and 0")
    state = _State(weights, num_streams, condition, num_samples)
    levels, rng = len(weights["embed"]), np.random.default_rng(seed)
    codes = np.full((num_streams, num_samples + 1), levels // 2 if first is None else first, np.int32)
    nothing = np.zeros((0, 0, 0), np.float32)
    with tqdm(total=num_samples, unit="code", disable=not progress, mininterval=1) as bar:
        for start in range(0, num_samples, CHUNK):
            stop = min(start + CHUNK, num_samples)
            draws = rng.random((stop - start, num_streams), np.float32)
            state.run(codes, start, stop, draws, temperature, nothing)
            bar.update(stop - start)
    return codes[:, 1:]


def logits(weights, codes, condition=None):
    """Say what the network expects after each code, by the queues: equal to its whole forward pass.

    Args: weights, condition: as `generate`. codes: int (streams, steps).
    Returns: float32 (streams, steps, levels): at each step the logits of the next code.
    Raises: ValueError as `generate`, and for codes outside the levels.
    Notebook: 03.
    """
    codes = np.array(codes, np.int32)
    if codes.ndim != 2 or not codes.size or codes.min() < 0 or codes.max() >= len(weights["embed"]):
        raise ValueError(f"codes of shape {codes.shape}: pass int (streams, steps), each below {len(weights['embed'])}")
    streams, steps = codes.shape
    state = _State(weights, streams, condition, steps)
    found = np.zeros((streams, steps, len(weights["embed"])), np.float32)
    state.run(codes, 0, steps, np.zeros((steps, streams), np.float32), 1.0, found)
    return found


class _State:
    """The weights in the order in which they are read, and the queues of all layers and streams."""

    def __init__(self, weights, num_streams, condition, num_samples):
        missing = {"dilations", *ARRAYS} - weights.keys()
        if missing:
            raise ValueError(f"weights without {', '.join(sorted(missing))}: pass what wavenet.weights returned")
        if not all(np.isfinite(value).all() for value in weights.values()):
            raise ValueError("the weights hold NaN or infinity: look whether the network's loss was finite")
        self.dilations = np.asarray(weights["dilations"], np.int64)
        self.starts = np.cumsum(self.dilations) - self.dilations
        self.arrays = [np.ascontiguousarray(weights[name], np.float32) for name in ARRAYS]
        layers, channels = len(self.dilations), self.arrays[0].shape[1]
        if self.arrays[1].shape != (layers, 2 * channels, 2 * channels):
            raise ValueError(f"a gate_kernel of {self.arrays[1].shape} for {layers} dilations and {channels} channels: "
                             "pass the weights of one network")
        self.queue = np.zeros((int(self.dilations.sum()), num_streams, channels), np.float32)
        self.hop, self.known = self._biases(weights, condition, num_samples)

    @staticmethod
    def _biases(weights, condition, num_samples):
        """What the conditions add to each gate: hop, float32 (rows, layers, 2 channels)."""
        wanted = weights["squeeze_kernel"].shape[0] if "squeeze_kernel" in weights else 0
        if condition is None and not wanted:
            return 1, np.zeros((0, 0, 0), np.float32)
        hop = int(weights.get("hop", 1))
        condition = np.asarray(np.zeros((0, 0)) if condition is None else condition, np.float32)
        rows = -(-num_samples // hop)
        if condition.ndim != 2 or condition.shape[1] != wanted or len(condition) < rows or not np.isfinite(condition).all():
            raise ValueError(f"a condition of shape {condition.shape}: this network wants finite numbers, {wanted} features "
                             f"in each of at least {rows} rows" if wanted else "this network was built without conditions")
        squeezed = np.tanh(condition[:rows] @ weights["squeeze_kernel"] + weights["squeeze_bias"])
        return hop, np.einsum("rs,lsc->rlc", squeezed, weights["condition_kernel"]).astype(np.float32)

    def run(self, codes, start, stop, draws, temperature, found):
        _run(codes, start, stop, draws, temperature, found, self.dilations, self.starts, self.queue, self.hop, self.known,
             *self.arrays)


@njit(cache=True, fastmath=True)
def _add_product(out, inputs, kernel):
    """out (streams, m) += inputs (streams, n) @ kernel (n, m); for one stream by hand, four rows of the kernel at a time."""
    if len(out) > 1:
        out += np.dot(inputs, kernel)
        return
    total, x = out[0], inputs[0]
    n, m = kernel.shape
    whole = n - n % 4
    for i in range(0, whole, 4):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        for j in range(m):
            total[j] += a * kernel[i, j] + b * kernel[i + 1, j] + c * kernel[i + 2, j] + d * kernel[i + 3, j]
    for i in range(whole, n):
        for j in range(m):
            total[j] += x[i] * kernel[i, j]


@njit(cache=True, fastmath=True)
def _tanh(x):
    """tanh by its continued fraction (Lambert 1761), cut after eleven terms: off by less than 1e-6, no exponential."""
    f = np.float32
    x = min(max(x, f(-7.5)), f(7.5))
    y = x * x
    above = ((((y + f(2145)) * y + f(675675)) * y + f(64324260)) * y + f(1964187225)) * y + f(13749310575)
    below = ((((f(66) * y + f(45045)) * y + f(7567560)) * y + f(413513100)) * y + f(6547290750)) * y + f(13749310575)
    return x * above / below


@njit(cache=True, fastmath=True)
def _run(codes, start, stop, draws, temperature, found, dilations, starts, queue, hop, known, embed, gate_kernel, gate_bias,
         residual_kernel, residual_bias, skip_kernel, skip_bias, hidden_kernel, hidden_bias, logits_kernel, logits_bias):
    """Step from `start` to `stop`: read codes[:, t], and write codes[:, t + 1], or the logits where `found` has room."""
    streams, channels, layers, levels = codes.shape[0], embed.shape[1], len(dilations), embed.shape[0]
    x, pair = np.empty((streams, channels), np.float32), np.empty((streams, 2 * channels), np.float32)
    both, gated = np.empty((streams, 2 * channels), np.float32), np.empty((streams, layers * channels), np.float32)
    mine = np.empty((streams, channels), np.float32)
    skip, hidden = np.empty((streams, len(skip_bias)), np.float32), np.empty((streams, len(hidden_bias)), np.float32)
    scores = np.empty((streams, levels), np.float32)
    half = np.float32(0.5)
    for t in range(start, stop):
        for s in range(streams):
            x[s] = embed[codes[s, t]]
        for layer in range(layers):
            place = starts[layer] + t % dilations[layer]
            for s in range(streams):
                for c in range(channels):
                    pair[s, c], pair[s, channels + c] = queue[place, s, c], x[s, c]
                    queue[place, s, c] = x[s, c]
                for j in range(2 * channels):
                    both[s, j] = gate_bias[layer, j]
                if known.shape[0]:
                    for j in range(2 * channels):
                        both[s, j] += known[t // hop, layer, j]
            _add_product(both, pair, gate_kernel[layer])
            for s in range(streams):
                for c in range(channels):
                    value = _tanh(both[s, c]) * (half + half * _tanh(half * both[s, channels + c]))
                    mine[s, c] = value
                    gated[s, layer * channels + c] = value
                    x[s, c] += residual_bias[layer, c]
            if layer < layers - 1:
                _add_product(x, mine, residual_kernel[layer])
        for s in range(streams):
            skip[s], hidden[s], scores[s] = skip_bias, hidden_bias, logits_bias
        _add_product(skip, gated, skip_kernel)
        for s in range(streams):
            for j in range(skip.shape[1]):
                skip[s, j] = max(skip[s, j], np.float32(0))
        _add_product(hidden, skip, hidden_kernel)
        for s in range(streams):
            for j in range(hidden.shape[1]):
                hidden[s, j] = max(hidden[s, j], np.float32(0))
        _add_product(scores, hidden, logits_kernel)
        for s in range(streams):
            if found.shape[0]:
                found[s, t] = scores[s]
                continue
            highest, best = scores[s, 0], 0
            for j in range(levels):
                if scores[s, j] > highest:
                    highest, best = scores[s, j], j
            if temperature > 0:
                total = 0.0
                for j in range(levels):
                    scores[s, j] = np.exp((scores[s, j] - highest) / temperature)
                    total += scores[s, j]
                left = draws[t - start, s] * total
                for j in range(levels):
                    left -= scores[s, j]
                    if left < 0:
                        best = j
                        break
            codes[s, t + 1] = best
