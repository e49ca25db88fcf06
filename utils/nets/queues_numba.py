"""The loop of `queues`, compiled by Numba: one step of all layers per code or sample, for one stream or many."""

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def _add_product(out, inputs, kernel):
    """out (streams, m) += inputs (streams, n) @ kernel (n, m); for one stream an explicit loop, four rows at a time."""
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
def run(line, start, stop, draws, temperature, found, net):
    """Run a `queues.Net` from `start` to `stop`: read line[:, t], write line[:, t + 1], or the head to `found`."""
    streams, channels, layers, levels = line.shape[0], net.embed.shape[1], len(net.dilations), len(net.head_bias)
    known = net.excitation.shape[1]
    x, pair = np.empty((streams, channels), np.float32), np.empty((streams, 2 * channels + known), np.float32)
    both, gated = np.empty((streams, 2 * channels), np.float32), np.empty((streams, layers * channels), np.float32)
    mine = np.empty((streams, channels), np.float32)
    skip = np.empty((streams, len(net.skip_bias)), np.float32)
    hidden, scores = np.empty((streams, len(net.hidden_bias)), np.float32), np.empty((streams, levels), np.float32)
    half = np.float32(0.5)
    for t in range(start, stop):
        for s in range(streams):
            if net.gaussian:
                for c in range(channels):
                    x[s, c] = line[s, t] * net.embed[0, c] + net.embed[1, c]
            else:
                x[s] = net.embed[int(line[s, t])]
            for c in range(known):
                pair[s, 2 * channels + c] = net.excitation[t, c]
        for layer in range(layers):
            place = net.starts[layer] + t % net.dilations[layer]
            for s in range(streams):
                for c in range(channels):
                    pair[s, c], pair[s, channels + c] = net.queue[place, s, c], x[s, c]
                    net.queue[place, s, c] = x[s, c]
                for j in range(2 * channels):
                    both[s, j] = net.gate_bias[layer, j]
                if net.biases.shape[0]:
                    for j in range(2 * channels):
                        both[s, j] += net.biases[t // net.hop, layer, j]
            _add_product(both, pair, net.gate_kernel[layer])
            for s in range(streams):
                for c in range(channels):
                    value = _tanh(both[s, c]) * (half + half * _tanh(half * both[s, channels + c]))
                    mine[s, c] = value
                    gated[s, layer * channels + c] = value
                    x[s, c] += net.residual_bias[layer, c]
            if layer < layers - 1:
                _add_product(x, mine, net.residual_kernel[layer])
        for s in range(streams):
            skip[s], hidden[s], scores[s] = net.skip_bias, net.hidden_bias, net.head_bias
        _add_product(skip, gated, net.skip_kernel)
        for s in range(streams):
            for j in range(skip.shape[1]):
                skip[s, j] = max(skip[s, j], np.float32(0))
        _add_product(hidden, skip, net.hidden_kernel)
        for s in range(streams):
            for j in range(hidden.shape[1]):
                hidden[s, j] = max(hidden[s, j], np.float32(0))
        _add_product(scores, hidden, net.head_kernel)
        for s in range(streams):
            if net.gaussian:
                scores[s, 1] = max(scores[s, 1], net.lowest)
            if found.shape[0]:
                found[s, t] = scores[s]
            elif net.gaussian:
                line[s, t + 1] = scores[s, 0] + temperature * np.exp(scores[s, 1]) * draws[t - start, s]
            else:
                code = _draw(scores[s], draws[t - start, s], temperature)
                line[s, t + 1] = net.follow[int(line[s, t]), code] if net.follow.shape[0] else code


@njit(cache=True, fastmath=True)
def _draw(scores, draw, temperature):
    """Draw a code from logits and a number from 0 to 1; the logits are overwritten."""
    highest, best = scores[0], 0
    for j in range(len(scores)):
        if scores[j] > highest:
            highest, best = scores[j], j
    if temperature > 0:
        total = 0.0
        for j in range(len(scores)):
            scores[j] = np.exp((scores[j] - highest) / temperature)
            total += scores[j]
        left = draw * total
        for j in range(len(scores)):
            left -= scores[j]
            if left < 0:
                return j
    return best
