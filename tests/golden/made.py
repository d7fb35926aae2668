"""Waveform, patches and weights that the golden values were computed from: numbers of a generator that never changes.

`numpy.random.RandomState` is frozen by numpy's policy (NEP 19), so the same seed gives the same numbers for good.
"""

import numpy as np

CONVS = {"b1_c1": (1, 32), "b1_c2": (32, 32), "b2_c1": (32, 64), "b2_c2": (64, 64), "b3_c1": (64, 128),
         "b3_c2": (128, 128)}
NORMS = ("b1_b1", "b1_b2", "b1_b3", "b2_b1", "b2_b2", "b3_b1", "b3_b2")
DECODER = {"b6_c1": (128, 128), "b6_c2": (128, 128), "b7_c1": (128, 64), "b7_c2": (64, 64), "b8_c1": (64, 32),
           "b8_c2": (32, 1)}
CLASSES = {"quadrants": 4, "arousal": 2, "valence": 2}


def waveform():
    """Three seconds at 16 kHz, float32: partials that glide, clicks, fading noise, then 0.5 s of zeros."""
    rng, t = np.random.RandomState(1), np.arange(48000) / 16000
    tone = sum(np.sin(2 * np.pi * 180 * k * (t + 0.1 * t**2)) / k for k in range(1, 20))
    noise = rng.standard_normal(len(t)) * np.exp(-4 * t)
    clicks = (np.arange(len(t)) % 4000 == 0) * 3.0
    sound = np.where(t < 2.2, 0.3 * tone * (1 + np.sin(2 * np.pi * 3 * t)), 0) + 0.4 * noise + clicks * (t < 1.5)
    return np.where(t < 2.5, sound, 0).astype(np.float32)


def loud(sound):
    """A sound of 6 s below full scale: `sound` twice over, its peak at 0.5."""
    return np.tile(sound * (0.5 / np.abs(sound).max()), 2).astype(np.float32)


def patches(n=6):
    """(n, 1, 128, 31) float32, like log-mel values: bands that differ, frames that change slowly."""
    rng = np.random.RandomState(2)
    slow = np.cumsum(rng.standard_normal((n, 1, 128, 31)), axis=3) * 0.5
    return (rng.normal(-5, 3, (n, 1, 128, 1)) + slow + rng.standard_normal((n, 1, 128, 31))).astype(np.float32)


class _Weights:
    def __init__(self, seed):
        self.rng = np.random.RandomState(seed)

    def kernel(self, *shape):
        return self.rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape).astype(np.float32)

    def bias(self, n):
        return self.rng.normal(0, 0.1, n).astype(np.float32)

    def dense(self, n_in, n_out, scale=1.0):
        return {"kernel": self.kernel(n_in, n_out) * np.float32(scale), "bias": self.bias(n_out)}

    def norm(self, n):
        rng = self.rng
        held = {"gamma": rng.uniform(0.5, 1.5, n), "beta": rng.normal(0, 0.3, n),
                "moving_mean": rng.normal(0, 0.5, n), "moving_variance": rng.uniform(0.5, 2, n)}
        return {name: value.astype(np.float32) for name, value in held.items()}

    def blocks(self):
        held = {name: {"kernel": self.kernel(3, 3, *size), "bias": self.bias(size[1])} for name, size in CONVS.items()}
        return held | {name: self.norm(31) for name in NORMS}

    def heads(self, code_units):
        held = {"b9_fc1": self.dense(code_units, 512), "b9_fc2": self.dense(512, 512), "b9_fc3": self.dense(512, 512)}
        for branch, (task, classes) in zip(("b10", "b11", "b12"), CLASSES.items(), strict=True):
            held |= {f"{branch}_fc1": self.dense(512, 512), f"{branch}_fc2": self.dense(512, 512),
                     task: self.dense(512, classes, scale=0.05)}  # probabilities well away from 0 and 1
        return held


def scae_weights():
    """Layer -> {weight: array} of the published autoencoder."""
    made = _Weights(3)
    held = made.blocks()
    for name, (n_in, n_out) in DECODER.items():  # transposed kernels: (height, width, out, in)
        held[name] = {"kernel": made.kernel(3, 3, n_out, n_in), "bias": made.bias(n_out)}
        held[name.replace("_c", "_b")] = made.norm(31)
    return held | made.heads(2 * 31 * 128)


def cpc_weights():
    """Layer -> {weight: array} of the published CPC model."""
    made = _Weights(4)
    held = made.blocks()
    held |= {"b3_fc1": made.dense(4 * 31 * 128, 256), "b3_b3": made.norm(256),
             "encod": made.dense(256, 256, scale=0.05)}  # small codes leave the gates of the GRU open
    held["ar_context"] = {"kernel": made.kernel(256, 768), "recurrent_kernel": made.kernel(256, 768),
                          "bias": made.bias(768)}
    held |= {f"z_t_{step}": made.dense(256, 256) for step in range(2)}
    return held | made.heads(256)
