"""Denoising of sequences (steps, width): what is rebuilt, and what needs no network.

Values of a row have units of their own, so noise and error count after standardization: the first layers of the
network. What follows these is trained, on standardized rows.
"""

import keras
import numpy as np

from mer.training.pretexts import _linear

# As `_linear.NEIGHBORHOODS`, (values, steps): values beside each other in a row are no neighbors
NEIGHBORHOODS = {"mse_training_mean": (0, 0), "mse_wiener": (1, 1), "mse_linear_5_steps": (1, 5)}
_NORMAL_IQR = 1.349  # quartiles of the normal distribution lie so many deviations apart
_AT_MOST_NUMBERS = 2**25  # behind the statistics


class Standardized:
    """Sequences as the layer "standardise" of a network gives them, with the interface of `store.Patches`.

    Parameters
    ----------
    patches : store.Patches or joined.Joined
    model : keras.Model
        From rows to the layer "standardise".
    """

    def __init__(self, patches, model):
        self.patches, self.model = patches, model
        self.clip, self.clips = patches.clip, patches.clips

    def __len__(self):
        return len(self.patches)

    def gather(self, indices):
        """Shape (*indices.shape, steps, width), float32."""
        return keras.ops.convert_to_numpy(self.model(self.patches.gather(indices)))


class AsPatches:
    """Batches of sequences as those of patches, (n, width, steps, 1), with which `_linear` reckons."""

    def __init__(self, data):
        self.data, self.n = data, data.n

    def __len__(self):
        return len(self.data)

    def __getitem__(self, batch):
        return tuple(as_patches(rows) for rows in self.data[batch])


def as_patches(rows):
    """(n, steps, width) -> a view (n, width, steps, 1)."""
    return np.swapaxes(rows, 1, 2)[..., None]


class References(_linear.References):
    """The best estimates without a network of standardized rows from noisy ones: over steps, and through PCA.

    Parameters
    ----------
    train : denoise.Denoising
        Of `Standardized` sequences.
    """

    def __init__(self, train):
        super().__init__(AsPatches(train), train.noise_sigma, NEIGHBORHOODS)

    def __call__(self, noisy):
        """Name -> estimate, shape of `noisy`, (n, steps, width)."""
        return {name: np.swapaxes(guess[..., 0], 1, 2) for name, guess in super().__call__(as_patches(noisy)).items()}


def statistics(patches):
    """Center and spread of each value of a row: the median, and the quartiles' distance over that of a normal value.

    A value that is the same in half of the rows or more gets its deviation as spread, and one that never changes 1.

    Parameters
    ----------
    patches : store.Patches or joined.Joined
        Sequences (steps, width).

    Returns
    -------
    np.ndarray, np.ndarray, shape (width,)
    """
    n = min(len(patches), max(1, _AT_MOST_NUMBERS // int(np.prod(patches.reads.shape))))
    chosen = np.linspace(0, len(patches) - 1, n).astype(int)
    rows = patches.gather(chosen).astype(np.float64)
    rows = rows.reshape(-1, rows.shape[-1])
    low, center, high = np.percentile(rows, (25, 50, 75), axis=0)
    least = 1e-6 * np.abs(center)  # below it, float32 tells nothing apart
    spread = (high - low) / _NORMAL_IQR
    spread = np.where(spread > least, spread, rows.std(axis=0))
    return center, np.where(spread > least, spread, 1.0)
