"""What needs no network: linear estimates of the clean patch, fitted on the training patches.

Two kinds. `LocalFilters` see the corrupted cells around each cell, as a Wiener filter does (Wiener 1949). `Components`
see the whole patch through a bottleneck of a few numbers, its principal components (Pearson 1901).
"""

import numpy as np
from sklearn.utils.extmath import randomized_svd

# Neighborhoods, (bands, frames), each inside the last one; (0, 0) sees nothing.
NEIGHBORHOODS = {"mse_training_mean": (0, 0), "mse_wiener": (1, 1), "mse_linear_3_bands": (3, 1),
                 "mse_linear_5x5": (5, 5)}
COMPONENTS = 256  # as many numbers as the code of CPC has
_REACH = 2  # bands and frames on each side in the largest neighborhood
AT_MOST = 16384  # patches that are looked at: over 400 000 cells for the at most 26 weights of a band
_AT_MOST_NUMBERS = 2**25  # kept for the principal components, 128 MiB


class LocalFilters:
    """For each band, the least squares estimate of a clean cell from an intercept and the corrupted cells around it.

    The frames that have less than the whole neighborhood, at both ends of a patch, have weights of their own, as have
    all bands; so every estimate is the best linear one from the cells that are there.

    Parameters
    ----------
    data : batches.Batches
        Yields (corrupted, clean), both (n, bands, frames, 1), in log-mel units.
    neighborhoods : dict of str to (int, int)
        Bands and frames of those that are fitted.
    """

    def __init__(self, data, neighborhoods=NEIGHBORHOODS):
        moments = None
        for noisy, clean in spread(data, AT_MOST):
            if moments is None:
                self.center = clean.mean(axis=(0, 2, 3), dtype=np.float64).astype(np.float32)[:, None]
            places = _places(noisy.shape[2])
            cells = self._cells(noisy)
            target = clean[..., 0] - self.center
            batch = np.stack([_products(cells[:, :, places == place], target[:, :, places == place])
                              for place in range(places.max() + 1)], axis=1)
            moments = batch if moments is None else moments + batch
        self.weights = {name: _solve(moments, *size) for name, size in neighborhoods.items()}

    def __call__(self, noisy):
        """Name of a neighborhood -> estimate of the clean patches, shape of `noisy`, (n, bands, frames, 1)."""
        places, cells = _places(noisy.shape[2]), self._cells(noisy)
        return {name: (np.einsum("nbfk,bfk->nbf", cells, weights[:, places]) + self.center)[..., None]
                for name, weights in self.weights.items()}

    def _cells(self, noisy):
        """1 and the centered cells around each cell, 0 beyond the edge, shape (n, bands, frames, 26)."""
        sides = ((0, 0), (_REACH, _REACH), (_REACH, _REACH))
        padded = np.pad(noisy[..., 0] - self.center, sides)
        size = 2 * _REACH + 1
        around = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        around = around.reshape(*around.shape[:3], size * size)
        return np.concatenate([np.ones((*around.shape[:3], 1), np.float32), around], axis=-1)


class Components:
    """A patch through a linear bottleneck: `n` principal components of the clean patches.

    The best linear code of so many numbers, with which the code of a network is compared.

    Parameters
    ----------
    data : batches.Batches
        As for `LocalFilters`.
    n : int
        Numbers in the bottleneck; fewer where there are fewer patches.
    """

    def __init__(self, data, n=COMPONENTS):
        numbers = int(np.prod(data[0][1].shape[1:]))
        kept = spread(data, min(AT_MOST, max(_AT_MOST_NUMBERS // numbers, 1)))
        clean = np.concatenate([batch[1] for batch in kept]).reshape(-1, numbers)
        self.mean = clean.mean(axis=0, dtype=np.float64).astype(np.float32)
        clean -= self.mean
        self.n = min(n, *clean.shape)
        _, singular, self.axes = randomized_svd(clean, self.n, random_state=0)  # axes: (n, numbers)
        self.axes = self.axes.astype(np.float32)
        self.variance = np.square(singular, dtype=np.float64) / len(clean)
        rest = np.square(clean, dtype=np.float64).sum() / len(clean) - self.variance.sum()
        self.rest = max(rest, 0.0) / max(numbers - self.n, 1)  # mean variance of a direction that is left out

    def denoise(self, noisy, sigma):
        """Estimate of the clean patches from all cells with noise of deviation `sigma`, shape of `noisy`."""
        code = (noisy.reshape(len(noisy), -1) - self.mean) @ self.axes.T
        known = self.variance + sigma**2
        weight = np.divide(self.variance, known, out=np.zeros_like(known), where=known > 0).astype(np.float32)
        return (self.mean + (code * weight) @ self.axes).reshape(noisy.shape)

    def fill(self, patch, hidden):
        """Estimate of all cells from the visible ones: the posterior mean of probabilistic PCA (Tipping & Bishop 1999).

        Parameters
        ----------
        patch : np.ndarray, shape (n, bands, frames, 1)
            Hidden cells may hold anything.
        hidden : np.ndarray of bool, shape of `patch`

        Returns
        -------
        np.ndarray, shape of `patch`
        """
        loadings = (self.axes.T * np.sqrt(np.maximum(self.variance - self.rest, 0))).astype(np.float32)
        noise = max(self.rest, 1e-6 * self.variance.max(initial=1e-6)) * np.eye(self.n, dtype=np.float32)
        filled = np.empty((len(patch), len(self.mean)), np.float32)
        patch_rows, visible = patch.reshape(filled.shape), ~hidden.reshape(filled.shape)
        for row, (cells, there) in enumerate(zip(patch_rows, visible, strict=True)):
            seen = loadings[there]
            code = np.linalg.solve(seen.T @ seen + noise, seen.T @ (cells[there] - self.mean[there]))
            filled[row] = self.mean + loadings @ code
        return filled.reshape(patch.shape)


class References:
    """The estimates of `LocalFilters`, and that through `Components`, of patches with noise.

    Parameters
    ----------
    data : batches.Batches
        As for `LocalFilters`.
    noise_sigma : float
        Deviation of the noise.
    neighborhoods
        Of `LocalFilters`.
    """

    def __init__(self, data, noise_sigma, neighborhoods=NEIGHBORHOODS):
        self.filters, self.components = LocalFilters(data, neighborhoods), Components(data)
        self.noise_sigma = noise_sigma

    def __call__(self, noisy):
        """Name -> estimate of the clean patches, shape of `noisy`."""
        return {"mse_pca": self.components.denoise(noisy, self.noise_sigma), **self.filters(noisy)}


def spread(data, at_most):
    """Batches, evenly over the data, that hold about `at_most` examples.

    Parameters
    ----------
    data : batches.Batches
    at_most : int
    """
    step = max(1, round(data.n / at_most))
    return (data[number] for number in range(0, len(data), step))


def _places(frames):
    """Kind of place of each frame: those at most `_REACH` from an end have each their own, the rest is one."""
    number = np.arange(frames)
    left, right = np.minimum(number, _REACH), np.minimum(frames - 1 - number, _REACH)
    return np.unique(left * (_REACH + 1) + right, return_inverse=True)[1]


def _products(cells, target):
    """Sums of products of the cells with each other and, in the last column, with the target, (bands, k, k + 1)."""
    bands, k = cells.shape[1], cells.shape[-1]
    rows = np.swapaxes(cells, 0, 1).reshape(bands, -1, k)
    column = np.swapaxes(target, 0, 1).reshape(bands, -1, 1)
    return (np.swapaxes(rows, 1, 2) @ np.concatenate([rows, column], axis=2)).astype(np.float64)


def _solve(moments, bands, frames):
    """Weights of the neighborhood, 0 outside it, shape (bands, places, k), float32."""
    offset = np.abs(np.arange(-_REACH, _REACH + 1))
    inside = (offset[:, None] <= bands // 2) & (offset[None] <= frames // 2)
    chosen = np.flatnonzero(np.concatenate([[True], inside.reshape(-1) & (bands > 0)]))
    if frames < 2:  # every frame has the whole neighborhood
        moments = np.repeat(moments.sum(axis=1, keepdims=True), moments.shape[1], axis=1)
    gram, product = moments[..., chosen[:, None], chosen], moments[..., chosen, -1:]
    weights = np.zeros((*moments.shape[:2], moments.shape[2]))
    # cells beyond the edge are 0 throughout: the pseudoinverse gives them weight 0
    weights[..., chosen] = (np.linalg.pinv(gram, rcond=1e-7, hermitian=True) @ product)[..., 0]
    return weights.astype(np.float32)
