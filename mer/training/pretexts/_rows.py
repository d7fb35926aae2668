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
    """Sequences as the layer "standardise" of a network gives them, with the interface of `patches.Patches`.

    Parameters
    ----------
    patches : patches.Patches or joined.Joined
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


class Viewed:
    """Batches whose arrays are seen in another shape, with which `_linear` reckons.

    Parameters
    ----------
    data : batches.Batches
        Of sequences (n, steps, width).
    view : callable
        `as_patches` or `as_rows`.
    n : int
        Examples in that shape.
    """

    def __init__(self, data, view, n):
        self.data, self.view, self.n = data, view, n

    def __len__(self):
        return len(self.data)

    def __getitem__(self, batch):
        return tuple(self.view(rows) for rows in self.data[batch])


def as_patches(rows):
    """(n, steps, width) -> a view (n, width, steps, 1)."""
    return np.swapaxes(rows, 1, 2)[..., None]


def as_rows(rows):
    """(n, steps, width) -> a view (n * steps, width)."""
    return rows.reshape(-1, rows.shape[-1])


class References(_linear.References):
    """The best estimates without a network of standardized rows from noisy ones, fitted on training sequences.

    Over the steps of one value; from all values of one row; from all of a sequence through its principal components.

    Parameters
    ----------
    train : denoise.Denoising
        Of `Standardized` sequences.
    """

    def __init__(self, train):
        super().__init__(Viewed(train, as_patches, train.n), train.noise_sigma, NEIGHBORHOODS)
        steps, width = train[0][1].shape[1:]
        self.row = _linear.Components(Viewed(train, as_rows, train.n * steps), width)  # all of them: the Wiener filter

    def __call__(self, noisy):
        """Name -> estimate, shape of `noisy`, (n, steps, width)."""
        row = self.row.denoise(as_rows(noisy), self.noise_sigma).reshape(noisy.shape)
        guesses = super().__call__(as_patches(noisy))
        return {"mse_linear_row": row, **{name: np.swapaxes(each[..., 0], 1, 2) for name, each in guesses.items()}}


def statistics(patches):
    """Center and spread of each value of a row: the median, and the quartiles' distance over that of a normal value.

    A value that is the same in half of the rows or more gets its deviation as spread, and one that never changes 1.

    Parameters
    ----------
    patches : patches.Patches or joined.Joined
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
