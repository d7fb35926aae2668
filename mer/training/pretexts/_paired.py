"""Is a model better than what it is compared with, on the same clips? A paired difference with its interval."""

import numpy as np

from mer.evaluation import intervals

MIN_GROUPS = 5  # with fewer groups in the test set, clips are drawn instead


def difference(better_by, weight, *, clip, group, n_bootstrap: int, seed: int = 0) -> dict:
    """Weighted mean of a paired difference, with a 95 % interval over groups of clips, see `mer.evaluation.intervals`.

    Parameters
    ----------
    better_by : np.ndarray, shape (n,)
        Sum of the differences of each item (a patch), positive where the model is better.
    weight : np.ndarray, shape (n,)
        What the sums are divided by in the mean, for example the number of cells.
    clip : np.ndarray of int, shape (n,)
        Clip of each item.
    group : np.ndarray of str, shape (clips,)
        Group (speaker) of each clip.
    n_bootstrap : int
        Resamples.
    seed : int

    Returns
    -------
    dict
        value; low, high (ends of the interval, None where there is only one unit); unit ("group", or "clip" with fewer
        than `MIN_GROUPS` groups); n_units.
    """
    used, place = np.unique(clip, return_inverse=True)
    groups = np.asarray(group, str)[used]
    by_group = len(np.unique(groups)) >= MIN_GROUPS
    resamples = intervals.draw(groups if by_group else used, n_bootstrap=n_bootstrap, seed=seed)
    top, bottom = (np.bincount(place, values, len(used)) for values in (better_by, weight))
    drawn = (resamples.weights @ top) / (resamples.weights @ bottom)
    found = intervals.estimate([(float(top.sum() / bottom.sum()), drawn)], resamples)
    return {"value": found.value, "low": found.low, "high": found.high, "unit": "group" if by_group else "clip",
            "n_units": resamples.n_groups}
