"""The same code on the other backend: a tiny fit of each network that trains there, and the GANs' networks at work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax")

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from utils.music import text
from utils.nets import gan, gan_voices, infill, infill_inputs, inputs, student, two_clocks, wavenet
from utils.nets.backend import keras

folder, found = Path(sys.argv[1]), {"backend": keras.backend.backend()}
piece = inputs.prepare(text.as_roll([[60, 64]] * 12 + [[62]] * 12))[0]
model = two_clocks.build_two_clock(129, slow_units=8, slow_layers=1, fast_units=8)
found["two clocks"] = two_clocks.fit(model, [piece], [piece], folder / "rnn", epochs=1, steps=2,
                                     num_frames=8, batch_size=2)
song = np.array([[72, 67, 64, 48], [200, 195, 192, 176]] * 8), infill_inputs.Form(tonic=0, mode="major")
net = infill.build_infiller(channels=4, dilations=(1, 2), units=4, hidden=4)
found["infill"] = infill.fit(net, [song], [song], folder / "infill", epochs=1, steps=2, num_frames=8, batch_size=2)
codes = [np.arange(100) % 8]
found["wavenet"] = wavenet.fit(wavenet.build(8, 1, 2, 4, 6), codes, codes, folder / "wavenet", epochs=1, steps=2,
                               num_steps=32)
line = np.sin(np.arange(9000) * 0.3).astype("float32")
student.FFT_SIZES = 256, 64  # an excerpt must be longer
tell = lambda number, first, steps: [np.ones((steps // 80, 3)), np.ones((steps, 1))]
learner = student.Learner(student.build(4, 1, 3, 3), level_weight=1.0)
found["student"] = student.fit(learner, [line], [line], folder / "student", epochs=1, steps=2, num_steps=1600,
                               batch_size=2, known=(tell, tell))
made = gan.generate(gan.build_generator((4, 56)), 5)
found["gan"] = gan.build_discriminator((4, 56), minibatch_std=True).predict_on_batch(made).shape
outlines = np.zeros((3, 16, 5), "uint8")
made = gan_voices.generate(gan_voices.build_generator(16, 4, 4), outlines)
found["four voices"] = gan_voices.judge(gan_voices.build_discriminator(16, 4), made, outlines).shape
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What one process on JAX has found, for a start takes longer than a fit."""
    quickly = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # compiled, that is
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path_factory.mktemp("jax"))],
        capture_output=True,
        text=True,
        env=os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT), "XLA_FLAGS": quickly},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["two clocks", "infill", "wavenet", "student"])
def test_a_tiny_fit_runs_on_jax(name, found):
    assert found["backend"] == "jax"
    assert len(found[name]["loss"]) == len(found[name]["val_loss"]) == 1
    assert np.isfinite([*found[name]["loss"], *found[name]["val_loss"]]).all()


def test_the_gans_networks_run_on_jax(found):
    assert (found["gan"], found["four voices"]) == ([5, 1], [3])
