"""Lines of codes, states or samples -> random excerpts to learn from, with what is known of each step."""

import numpy as np

from utils.nets.backend import keras


class Excerpts(keras.utils.PyDataset):
    """Random excerpts of random lines, longer lines more often; the same ones for the same seed.

    Args: lines: list of arrays (1 + steps,): what stands before the first step, then the codes int, states int or
        samples float. num_steps: length of an excerpt; a shorter line is padded. batch_size, steps: excerpts a step,
        steps an epoch. known: None, or a function from (number of the line, first step, num_steps) to a list of what is
        known of these steps, in the order of the network's inputs. hop: excerpts start on a multiple of it. levels:
        codes are states modulo this. dither: standard deviation of the noise that is added to samples. blur: up to
        which that of a second noise is drawn for each excerpt, on what is read and not on what is to be said. seed:
        int.
    An item is (inputs, target): codes, states or samples (batch_size, num_steps), as a list with what is known; and the
    next codes int32, -1 where a line has ended, or the next samples float32.
    """

    def __init__(self, lines, num_steps, batch_size=2, steps=200, known=None, hop=1, levels=256, dither=0.0,
                 blur=0.0, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.lines, self.num_steps, self.batch_size, self.steps = lines, num_steps, batch_size, steps
        self.known, self.hop, self.levels, self.dither, self.blur = known, hop, levels, dither, blur
        lengths = np.array([len(line) - 1 for line in lines], float)
        self.shares, self.rng = np.cumsum(lengths) / lengths.sum(), np.random.default_rng(seed)

    def __len__(self):
        return self.steps

    def __getitem__(self, _):
        chosen = np.searchsorted(self.shares, self.rng.random(self.batch_size))
        spare = [max(1, len(self.lines[number]) - self.num_steps) for number in chosen]
        starts = [self.rng.integers(0, most) // self.hop * self.hop for most in spare]
        cuts = [self.lines[number][start:start + self.num_steps + 1] for number, start in zip(chosen, starts)]
        if cuts[0].dtype.kind == "f":
            cuts = np.stack([np.pad(cut, (0, self.num_steps + 1 - len(cut))) for cut in cuts]).astype(np.float32)
            cuts += self.rng.normal(0, self.dither, cuts.shape) if self.dither else 0
            given, target = cuts[:, :-1], cuts[:, 1:]
            if self.blur:
                levels = self.rng.uniform(0, self.blur, (len(given), 1))
                given = given + (levels * self.rng.standard_normal(given.shape)).astype(np.float32)
        else:
            cuts = np.stack([np.pad(cut.astype(np.int32), (0, self.num_steps + 1 - len(cut)), constant_values=-1)
                             for cut in cuts])
            given, target = np.maximum(cuts[:, :-1], 0), np.where(cuts[:, 1:] < 0, -1, cuts[:, 1:] % self.levels)
        if self.known is None:
            return given, target
        facts = zip(*(self.known(number, start, self.num_steps) for number, start in zip(chosen, starts)))
        return (given, *(np.stack(fact).astype(np.float32) for fact in facts)), target
