"""Augmentations of training batches: pure functions of arrays and a generator.

References
----------
Zhang, Cisse, Dauphin, Lopez-Paz (2018), mixup: beyond empirical risk minimization, ICLR.
Park et al. (2019), SpecAugment: a simple data augmentation method for automatic speech recognition, Interspeech.
Szegedy et al. (2016), Rethinking the Inception architecture for computer vision, CVPR, section 7.
"""

import numpy as np


def gains(rng: np.random.Generator, n: int, most: float) -> np.ndarray:
    """Factors of `n` amplitudes, evenly from 1 - most to 1 + most, shape (n,), float32."""
    return rng.uniform(1 - most, 1 + most, n).astype(np.float32)


def mixup_shares(rng: np.random.Generator, n: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Which example is mixed into which, and how much of each stays (Zhang et al. 2018, section 2).

    Returns
    -------
    partner : np.ndarray of int, shape (n,)
        A permutation.
    share : np.ndarray of float32, shape (n,), in [0, 1]
        Beta(alpha, alpha): example i becomes share[i] of itself and 1 - share[i] of partner[i].
    """
    return rng.permutation(n), rng.beta(alpha, alpha, n).astype(np.float32)


def mixed(values: np.ndarray, partner: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Every example mixed with its partner; the shape stays, (n, ...)."""
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return share * values + (1 - share) * values[partner]


def mixed_targets(targets: np.ndarray, weights: np.ndarray, partner: np.ndarray, share: np.ndarray
                  ) -> tuple[np.ndarray, np.ndarray]:
    """Targets and weights of mixed examples.

    The loss of a mixture is the mixture of the losses of its two parts, each with its own weight. Cross-entropy is
    linear in the target, so that is the cross-entropy of the weighted mean of the targets, times the mean of the
    weights; the squared error differs from that by a constant. A part without a label has weight 0 and no say.

    Parameters
    ----------
    targets : np.ndarray, shape (n, units), float32
    weights : np.ndarray, shape (n,), float32
    partner, share
        From `mixup_shares`.

    Returns
    -------
    np.ndarray, np.ndarray
        As `targets` and `weights`.
    """
    weight = mixed(weights, partner, share)
    sums = mixed(targets * weights[:, None], partner, share)
    return np.divide(sums, weight[:, None], out=np.zeros_like(sums), where=weight[:, None] > 0), weight


def hide_bands_and_frames(patches: np.ndarray, rng: np.random.Generator, *, masks: int, bands: int, frames: int
                          ) -> np.ndarray:
    """SpecAugment without time warping: some bands and some frames of every patch become the mean of the patch.

    Park et al. mask with zero, the mean of their standardized spectrograms (section 2).

    Parameters
    ----------
    patches : np.ndarray, shape (n, bands, frames, 1)
    rng : np.random.Generator
    masks : int
        Masks along each of the two axes.
    bands, frames : int
        A mask hides f bands or t frames in a row; f is one of 0 ... bands, t one of 0 ... frames, all equally likely.

    Returns
    -------
    np.ndarray
        A copy.
    """
    hidden = np.zeros(patches.shape, bool)
    for axis, most in ((1, bands), (2, frames)):
        length = patches.shape[axis]
        width = rng.integers(0, min(most, length), (masks, len(patches)), endpoint=True)
        start = rng.integers(0, length - width, endpoint=True)
        place = np.arange(length)
        within = ((place >= start[..., None]) & (place < (start + width)[..., None])).any(axis=0)  # (n, length)
        hidden |= np.expand_dims(within, (3 - axis, 3))
    return np.where(hidden, patches.mean(axis=(1, 2, 3), keepdims=True), patches)


def smoothed(targets: np.ndarray, share: float) -> np.ndarray:
    """One-hot targets (n, classes) of which `share` is spread evenly over all classes; rows of zeros stay zeros."""
    return (1 - share) * targets + share * targets.sum(axis=1, keepdims=True) / targets.shape[1]


def filters(rng: np.random.Generator, n: int, bands: int, *, gain_db: float, filter_db: float, knots: int
            ) -> np.ndarray:
    """Random gains and smooth random filters, to be added to log spectra: in natural logarithms, (n, bands), float32.

    Parameters
    ----------
    rng : np.random.Generator
    n, bands : int
    gain_db : float
        The gain is one of -gain_db ... gain_db, all equally likely.
    filter_db : float
        Standard deviation of the filter at its knots; half cosines join these.
    knots : int > 1
        From the first band to the last.
    """
    place = np.linspace(0, knots - 1, bands)
    left = np.minimum(place.astype(int), knots - 2)
    share = (1 - np.cos(np.pi * (place - left))) / 2
    values = filter_db * rng.standard_normal((n, knots))
    level = rng.uniform(-gain_db, gain_db, (n, 1))
    curves = level + values[:, left] * (1 - share) + values[:, left + 1] * share
    return (curves * np.log(10) / 20).astype(np.float32)
