"""Mixtures of Gaussians in the plane, where it can be counted what a GAN leaves out: the field's tests of collapse."""

import itertools
import json
import time
from pathlib import Path

import numpy as np

from utils import runs
from utils.nets import gan
from utils.nets.backend import keras

LATENTS = 2  # numbers that a point is made from, as PacGAN has them
NUM_REAL, NUM_POINTS = 100_000, 2500  # points to learn from, points to judge by, as PacGAN counts
SPREAD = 20  # of latents: a generator that starts steep can leave the gaps between modes empty
GOOD = 3  # deviations: a point nearer than that to a mode is a good one
FREQUENCIES = 64  # of the waves through which a discriminator sees a point, normally distributed, radians per unit

class Mixture:
    """Gaussians of one size in the plane, each as likely as each other.

    Args: centres: float (modes, 2). deviation: of each of them, in both directions.
    """

    def __init__(self, centres, deviation):
        self.centres, self.deviation = np.asarray(centres, float), deviation

    def sample(self, num_samples, seed=0):
        """Draw points: float32 (num_samples, 2)."""
        rng = np.random.default_rng(seed)
        chosen = self.centres[rng.integers(len(self.centres), size=num_samples)]
        return (chosen + self.deviation * rng.standard_normal((num_samples, 2))).astype(np.float32)

    def judge(self, points):
        """Count what a generator leaves out, and what it writes besides.

        Args: points: float (points, 2), 2,500 in the papers.
        Returns: dict: modes, how many have a good point nearest to them; quality, the share of good points, within 3
            deviations of a mode; reverse_kl, the divergence in nats from the shares of points that are nearest to each
            mode to equal shares.
        Raises: ValueError for no points, or other than pairs of finite numbers.
        Source: Srivastava et al. 2017, VEEGAN; Lin et al. 2018, PacGAN. Notebook: 04, "Where all modes are known".
        """
        points = np.asarray(points, float)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
            raise ValueError(f"points of shape {points.shape}: pass at least one pair of numbers, all of them finite")
        distance = np.linalg.norm(points[:, None] - self.centres, axis=2)  # (points, modes)
        nearest, good = distance.argmin(axis=1), distance.min(axis=1) < GOOD * self.deviation
        shares = np.bincount(nearest, minlength=len(self.centres)) / len(points)
        some = shares[shares > 0]
        return {"modes": len(np.unique(nearest[good])), "quality": float(good.mean()),
                "reverse_kl": float(np.sum(some * np.log(some * len(self.centres))))}


ANGLES = np.arange(8) * np.pi / 4
TOYS = {  # Metz et al. 2017, Unrolled GAN; Srivastava et al. 2017, VEEGAN
    "ring": Mixture(2 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), 0.02),
    "grid": Mixture(list(itertools.product(range(-4, 5, 2), repeat=2)), 0.05),
}
FIT = dict(generator_rate=1e-3, discriminator_rate=1e-3, penalty=0.1, average=0.995, batch_size=256)


def build_generator(units=(128, 128, 128)):
    """Build a generator of points: fully connected layers and leaky ReLU, after latents are spread out.

    Args: units: of each hidden layer.
    Returns: keras.Model from latents (batch, 2) to points (batch, 2).
    Notebook: 04, "Where all modes are known".
    """
    latents = keras.Input((LATENTS,))
    x = keras.layers.Rescaling(float(SPREAD))(latents)
    for size in units:
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(size)(x))
    return keras.Model(latents, keras.layers.Dense(2)(x), name="generator")


def build_features():
    """Build what a discriminator reads of a point: waves over the plane, so that it can tell what is close together.

    Returns: keras.Model from points (batch, 2) to their sines and cosines (batch, 128), no weights in it.
    Source: Tancik et al. 2020, Fourier features let networks learn high frequency functions in low dimensional domains.
    Notebook: 04, "Where all modes are known".
    """
    points = keras.Input((2,))
    directions = np.random.default_rng(0).standard_normal((2, FREQUENCIES)).astype(np.float32)
    angles = keras.ops.matmul(points, directions)
    waves = keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], axis=1)
    return keras.Model(points, waves * (2 / FREQUENCIES) ** 0.5, name="features")


def table(recipes, seeds, steps):
    """List trainings: each mixture with each recipe and each seed.

    Args: recipes: of gan.RECIPES. seeds: ints. steps: batches for each side.
    Returns: list of dicts, `train`'s arguments by name.
    Raises: ValueError for an unknown recipe.
    Notebook: 04, "Where all modes are known".
    """
    if unknown := set(recipes) - set(gan.RECIPES):
        raise ValueError(f"recipes {', '.join(unknown)}: choose from {', '.join(gan.RECIPES)}")
    return [dict(zip(("toy", "recipe", "seed", "steps"), each))
            for each in itertools.product(TOYS, recipes, seeds, (steps,))]


def train(toy, recipe, seed=0, steps=12000, every=1000, **fit):
    """Train a GAN on a mixture, by a recipe of `gan`.

    Rates fall to a twentieth along half a cosine, and a penalty falls to a tenth: a steep discriminator sharpens modes
    that are all found by then. A recipe's penalty and average are those of FIT where it has any: points lie nearer to
    each other than music, and what keeps a slope small depends on how far it has to reach.

    Args: toy: one of TOYS. recipe: one of gan.RECIPES. seed: of weights, batches and latents. steps: batches for each
        side. every: steps between two looks. fit: what differs from FIT.
    Returns: (points, history): float32 (2500, 2), and a dict with losses, an entry a step, and what the judge counted,
        an entry a look.
    Raises: ValueError as `gan.Trainer`, for an unknown mixture or recipe.
    Notebook: 04, "Where all modes are known".
    """
    if toy not in TOYS or recipe not in gan.RECIPES:
        raise ValueError(f"{toy!r} by {recipe!r}: choose from {', '.join(TOYS)}, and from {', '.join(gan.RECIPES)}")
    own, fit = dict(gan.RECIPES[recipe]), FIT | fit
    minibatch_std = own.pop("minibatch_std", False)
    settings = own | {name: fit.pop(name) for name in ("penalty", "average") if own.get(name)} | {
        name: value for name, value in fit.items() if name not in ("penalty", "average")}
    for name in ("generator_rate", "discriminator_rate"):
        settings[name] = keras.optimizers.schedules.CosineDecay(settings[name], steps, alpha=0.05)
    if settings.get("penalty"):
        settings["penalty"] = keras.optimizers.schedules.ExponentialDecay(settings["penalty"], steps, 0.1)
    keras.utils.set_random_seed(seed)
    generator = build_generator()
    discriminator = gan.build_discriminator((2 * FREQUENCIES,), (128, 128, 128), minibatch_std)
    trainer = gan.Trainer(generator, discriminator, TOYS[toy].sample(NUM_REAL, seed), **settings,
                          features=build_features(), seed=seed)
    generator, history = gan.run(trainer, steps, lambda _, now: TOYS[toy].judge(points(now)), every)
    return points(generator), history


def points(generator):
    """Let a generator write the points by which it is judged: float32 (2500, 2)."""
    return gan.generate(generator, NUM_POINTS)


def counted(rows):
    """Sum up trainings: dict of "mixture, recipe" -> dict of how many, means of the counts, and the fewest modes.

    Args: rows: list of dicts, as `run`. Notebook: 04, "Where all modes are known".
    """
    found = {}
    for row in rows:
        found.setdefault(f"{row['toy']}, {row['recipe']}", []).append(row)
    return {name: {"trainings": len(some)} | {key: float(np.mean([row[key] for row in some])) for key in (
        "modes", "quality", "reverse_kl", "minutes")} | {"fewest modes": min(row["modes"] for row in some)}
        for name, some in found.items()}


def run(configs, folder):
    """Train what has no result in a folder yet, one after another, so that a stop loses one training at most.

    Args: configs: list of dicts, as `table`. folder: where each training leaves a JSON file, and its points.
    Returns: (rows, points): list of dicts, each a config with what the judge counted, the history of that, and
        minutes; a dict of "toy_recipe_seed" -> float16 (2500, 2).
    Notebook: 04, "Where all modes are known".
    """
    folder, rows, written = Path(folder), [], {}
    for config in configs:
        name = "{toy}_{recipe}_{seed}".format(**config)
        path = folder / f"{name}.json"
        if not path.exists():
            start = time.time()
            made, history = train(**config)
            folder.mkdir(parents=True, exist_ok=True)
            np.save(path.with_suffix(".npy"), made.astype(np.float16))
            counted = {key: history[key] for key in ("modes", "quality", "reverse_kl")}
            runs.write_json(path, config | {key: values[-1] for key, values in counted.items()} | {
                "epoch": history["epoch"], "history": counted, "minutes": round((time.time() - start) / 60, 2)})
        rows.append(json.loads(path.read_text(encoding="utf-8")))
        if {key: rows[-1].get(key) for key in config} != config:
            raise ValueError(f"{path} is of another training than {config}: remove it, or choose another folder")
        written[name] = np.load(path.with_suffix(".npy"))
    return rows, written
