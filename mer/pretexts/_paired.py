"""Is a model better than what it is compared with, on the same clips? A paired difference with its interval."""

import numpy as np

CONFIDENCE = 0.95
MIN_GROUPS = 5  # with fewer groups in the test set, clips are drawn instead


def difference(better_by, weight, *, clip, group, n_bootstrap, seed=0):
    """Weighted mean of a paired difference, with a percentile bootstrap interval over groups (Efron & Tibshirani 1993).

    Groups (speakers) are drawn with all that belongs to them, because the clips of one speaker are alike.

    Parameters
    ----------
    better_by : np.ndarray, shape (n,)
        Sum of the differences of each item (a patch), positive where the model is better.
    weight : np.ndarray, shape (n,)
        What each sum is divided by in the mean, for example its number of cells.
    clip : np.ndarray of int, shape (n,)
        Clip of each item.
    group : np.ndarray of str, shape (clips,)
        Group of each clip.
    n_bootstrap : int
        Resamples.
    seed : int

    Returns
    -------
    dict
        mean; low, high (ends of the 95 % interval, None where there is only one unit); unit ("group", or "clip" with
        fewer than `MIN_GROUPS` groups), n_units.
    """
    used = np.unique(clip)
    of_group = np.unique(np.asarray(group, str)[used], return_inverse=True)[1]
    by_group = of_group.max() + 1 >= MIN_GROUPS
    unit = (of_group if by_group else np.arange(len(used)))[np.searchsorted(used, clip)]
    n = int(unit.max()) + 1
    top, bottom = np.bincount(unit, better_by, n), np.bincount(unit, weight, n)
    found = {"mean": float(top.sum() / bottom.sum()), "low": None, "high": None,
             "unit": "group" if by_group else "clip", "n_units": n}
    if n < 2:
        return found
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_bootstrap).astype(float)
    tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    low, high = np.quantile((draws @ top) / (draws @ bottom), tails)
    return {**found, "low": float(low), "high": float(high)}
