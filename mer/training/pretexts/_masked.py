"""Masking: rebuild the hidden cells of a patch from the visible ones (Vincent et al. 2008; He et al. 2022).

The mask is a grid of tiles, each hidden or visible by a coin. A cell inside a hidden tile has few visible neighbors, so
no filter of its surroundings can fill it in: what is known about it has to pass the code.
"""

import keras
import numpy as np

from mer.training import batches
from mer.training.pretexts import _linear

_REACH = 2  # bands and frames on each side in the neighborhood of 5 x 5 cells
_NEIGHBORS = (2 * _REACH + 1) ** 2


class Masking(batches.Batches):
    """({"patch": visible cells, 0 elsewhere; "hidden": 1 where hidden}, clean patch, weight of each cell in the loss).

    Parameters
    ----------
    patches : patches.Patches
    hidden_share : float in (0, 1)
        Probability of a tile to be hidden. Hidden cells weigh 1 / hidden_share in the loss and visible ones 0, so the
        loss is about the mean squared error of the hidden cells.
    tile : (int, int)
        Bands and frames of a tile.
    **batching
        See `batches.Batches`.
    """

    def __init__(self, patches, *, hidden_share, tile, **batching):
        super().__init__(n=len(patches), **batching)
        self.patches, self.hidden_share, self.tile = patches, hidden_share, tile

    def __getitem__(self, batch):
        clean = self.patches.gather(self.indices(batch))
        n, *size = clean.shape[:3]
        grid = [-(-cells // tile) for cells, tile in zip(size, self.tile, strict=True)]
        hidden = self.rng(batch).random((n, *grid)) < self.hidden_share
        hidden = hidden.repeat(self.tile[0], axis=1).repeat(self.tile[1], axis=2)[:, :size[0], :size[1]]
        inputs = {"patch": np.where(hidden[..., None], np.float32(0), clean),
                  "hidden": hidden[..., None].astype(np.float32)}
        return inputs, clean, hidden.astype(np.float32) / np.float32(self.hidden_share)


class References:
    """What needs no network: the hidden cells from the mean, the nearest visible cells, or a linear code.

    Parameters
    ----------
    train : Masking
        The statistics are those of its clean patches.
    """

    def __init__(self, train):
        self.components = _linear.Components(train)
        moments, total, n = 0, 0, 0
        for _, clean, _ in _linear.spread(train, _linear.AT_MOST):
            cells = clean[..., 0]
            total, n = total + cells.sum(axis=(0, 2), dtype=np.float64), n + cells.shape[0] * cells.shape[2]
            self.mean = (total / n).astype(np.float32)[:, None]
            # the mean of the patches so far is near enough: the covariance is about the final one
            around = _around(cells - self.mean)[:, :, _REACH:-_REACH or None]
            rows = np.swapaxes(around, 0, 1).reshape(around.shape[1], -1, _NEIGHBORS)
            moments = moments + (np.swapaxes(rows, 1, 2) @ rows).astype(np.float64) / rows.shape[1]
        self.covariance = moments  # of the 25 cells around a cell of each band, times a factor that cancels

    def __call__(self, inputs):
        """Name -> estimate of the patches in which the hidden cells are filled in, (n, bands, frames, 1)."""
        patch, hidden = inputs["patch"][..., 0], inputs["hidden"][..., 0] > 0
        centered = np.where(hidden, 0, patch - self.mean)
        guesses = {"mse_training_mean": np.zeros_like(centered), "mse_interpolated": _interpolated(centered, hidden),
                   "mse_linear_5x5": self._from_neighbors(centered, hidden)}
        filled = {name: (guess + self.mean)[..., None] for name, guess in guesses.items()}
        return filled | {"mse_pca": self.components.fill(inputs["patch"], inputs["hidden"] > 0)}

    def _from_neighbors(self, centered, hidden):
        """The best linear estimate of each hidden cell from those of the 5 x 5 cells around it that are visible."""
        n, band, frame = np.nonzero(hidden)
        seen = _around((~hidden).astype(np.float32))[n, band, frame] > 0
        pattern = seen @ (1 << np.arange(_NEIGHBORS))
        kinds, kind = np.unique(band.astype(np.int64) << _NEIGHBORS | pattern, return_inverse=True)
        visible = kinds[:, None] >> np.arange(_NEIGHBORS) & 1 > 0  # (kinds, 25)
        of_band = self.covariance[kinds >> _NEIGHBORS]
        gram = of_band * visible[:, :, None] * visible[:, None]
        ridge = 1e-6 * of_band[:, _NEIGHBORS // 2, _NEIGHBORS // 2, None]
        gram += (np.where(visible, ridge, 1)[:, :, None]) * np.eye(_NEIGHBORS)
        product = np.where(visible, of_band[:, :, _NEIGHBORS // 2], 0)
        weights = np.linalg.solve(gram, product[..., None])[..., 0].astype(np.float32)
        guess = np.zeros_like(centered)
        guess[n, band, frame] = np.einsum("nk,nk->n", _around(centered)[n, band, frame], weights[kind])
        return guess


def scored(model, test, train):
    """Squared errors of the hidden cells of each patch, for the model and for `References`.

    Parameters
    ----------
    model : keras.Model
        Of the inputs of `Masking`.
    test, train : Masking

    Returns
    -------
    dict of str to np.ndarray, shape (patches,)
        Sum of the squared errors; "mse" is the model's.
    np.ndarray, shape (patches,)
        How many cells are hidden.
    """
    references, errors, cells = References(train), {}, []
    for number in range(len(test)):
        inputs, clean, _ = test[number]
        guesses = {"mse": keras.ops.convert_to_numpy(model.predict_on_batch(inputs)), **references(inputs)}
        for name, value in guesses.items():
            squares = np.square(value - clean, dtype=np.float64) * inputs["hidden"]
            errors.setdefault(name, []).append(squares.sum(axis=(1, 2, 3)))
        cells.append(inputs["hidden"].sum(axis=(1, 2, 3)))
    return {name: np.concatenate(parts) for name, parts in errors.items()}, np.concatenate(cells)


def _around(cells):
    """The 5 x 5 cells around each cell, 0 beyond the edge: (n, bands, frames) -> (n, bands, frames, 25)."""
    padded = np.pad(cells, ((0, 0), (_REACH, _REACH), (_REACH, _REACH)))
    size = 2 * _REACH + 1
    around = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    return around.reshape(*around.shape[:3], _NEIGHBORS)


def _interpolated(centered, hidden):
    """A line between the nearest visible frames of the band; the nearest one at an end; 0 where all is hidden."""
    frames = centered.shape[2]
    number = np.broadcast_to(np.arange(frames), hidden.shape)
    before = np.maximum.accumulate(np.where(hidden, -1, number), axis=2)
    after = np.flip(np.minimum.accumulate(np.flip(np.where(hidden, frames, number), 2), axis=2), 2)
    left = np.where(before < 0, after, before)
    right = np.where(after == frames, before, after)
    none = (before < 0) & (after == frames)
    value = [np.take_along_axis(centered, np.clip(place, 0, frames - 1), axis=2) for place in (left, right)]
    share = np.divide(number - left, right - left, out=np.zeros(hidden.shape, np.float32), where=right > left)
    return np.where(none, 0, value[0] + share * (value[1] - value[0])).astype(np.float32)
