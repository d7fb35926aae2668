"""Intervals and comparisons of scores of clips that come in groups: artists, songs, speakers.

Clips of one group resemble each other, so whole groups are drawn with replacement and their clips come along. The
spread of a score over these resamples is its standard error. Student's t with as many degrees of freedom as there are
groups, less one, turns it into an interval. Groups of unequal size count for fewer (`Resamples.n_effective`).
`tests/evaluation/test_coverage.py` shows how often these intervals hold the true value.

References
----------
Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 6 and 12 (standard error, t interval).
Field & Welsh (2007), Bootstrapping clustered data, J. R. Stat. Soc. B 69, 369-390,
doi:10.1111/j.1467-9868.2007.00593.x (resampling whole clusters).
Carter, Schnepel & Steigerwald (2017), Asymptotic behavior of a t-test robust to cluster heterogeneity,
Rev. Econ. Stat. 99, 698-709, doi:10.1162/REST_a_00639 (effective number of clusters).
Owen (2007), The pigeonhole bootstrap, Ann. Appl. Stat. 1, 386-411, doi:10.1214/07-AOAS122 (two crossed factors: adding
their variances is conservative).
Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics Bulletin 2,
110-114, doi:10.2307/3002019.
Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6, 65-70.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
MIN_GROUPS = 5  # of `paired_mean`: with fewer groups in the test set, clips are drawn instead
_ZERO = 1e-12  # a standard error below this is rounding


@dataclass(frozen=True)
class Resamples:
    """How often each clip is drawn, and how many groups there are to draw from.

    Attributes
    ----------
    weights : np.ndarray of int, shape (n_bootstrap, n_clips)
    n_groups : int > 0
    n_effective : float in [1, n_groups]
        n_clips squared, over the sum of the squared sizes of the groups: `n_groups` where all are of one size.
    """

    weights: np.ndarray
    n_groups: int
    n_effective: float

    @property
    def tells_spread(self) -> bool:
        """Whether there are resamples, and groups to differ from each other."""
        return self.n_groups > 1 and len(self.weights) > 0


@dataclass(frozen=True)
class Estimate:
    """A value with its interval of `CONFIDENCE`; all but `value` are None where nothing tells the spread.

    `p` is two-sided, of the hypothesis that the true value is 0; it is below 1 - CONFIDENCE exactly where the interval
    leaves 0 out. `error` is the standard error, `freedom` its degrees of freedom (infinite where the error is 0).
    """

    value: float
    low: float | None
    high: float | None
    p: float | None
    error: float | None = None
    freedom: float | None = None


def draw_clips(n_clips: int, *, n_bootstrap: int, seed: int) -> np.ndarray:
    """How often each clip is drawn in each bootstrap resample of single clips.

    Returns
    -------
    np.ndarray of int, shape (n_bootstrap, n_clips)
        Each row sums to `n_clips`. The same seed gives the same resamples.
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_clips, np.full(n_clips, 1 / n_clips), size=n_bootstrap)


def draw(groups: Sequence[str] | np.ndarray, *, n_bootstrap: int, seed: int) -> Resamples:
    """Draw whole groups with replacement.

    Parameters
    ----------
    groups : sequence of str, length n_clips, at least one
        Artist, song or speaker of each clip; the clip itself where nothing is known.
    n_bootstrap : int >= 0
    seed : int

    Returns
    -------
    Resamples
        The same groups and seed give the same draws, in whatever order the clips come: scores of two tasks, levels or
        models on the same clips are resampled alike.
    """
    names, group, sizes = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
    drawn = draw_clips(len(names), n_bootstrap=n_bootstrap, seed=seed)
    return Resamples(drawn[:, group], len(names), float(sizes.sum() ** 2 / np.square(sizes).sum()))


def estimate(runs: Sequence[tuple[float, np.ndarray]], resamples: Resamples, *,
             minus: Sequence[tuple[float, np.ndarray]] = (),
             bounds: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """The mean of one value over runs, or its difference from the mean over other runs, with an interval.

    The interval covers which groups were tested: all runs are resampled alike, so what is easy for both sides cancels.
    Where a side has several runs, the variance of their mean is added, so the interval covers the luck of training too;
    a single run cannot tell of that.

    Parameters
    ----------
    runs : sequence of (float, np.ndarray of shape (n_bootstrap,)), at least one
        Value of each run on the test set, and on each resample.
    resamples : Resamples
        What the values were resampled with.
    minus : sequence of the same
        What to subtract the mean of.
    bounds : (float, float)
        Lowest and highest possible value.

    Returns
    -------
    Estimate
    """
    sides = [np.array([value for value, _ in side]) for side in (runs, minus) if len(side)]
    value = float(sides[0].mean() - (sides[1].mean() if len(sides) > 1 else 0))
    if not resamples.tells_spread:
        return Estimate(value, None, None, None)
    spread = np.mean([samples for _, samples in runs], axis=0)
    if len(minus):
        spread = spread - np.mean([samples for _, samples in minus], axis=0)
    n = resamples.n_effective
    parts = [(float(spread.var()) * n / (n - 1), n - 1)]  # variance, degrees of freedom
    parts += [(float(side.var(ddof=1)) / len(side), len(side) - 1) for side in sides if len(side) > 1]
    return student(value, [part for part, _ in parts], [part**2 / degrees for part, degrees in parts], bounds=bounds)


def student(value: float, variances: Sequence[float], uncertain: Sequence[float], *,
            bounds: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """A value with Student's t interval, from the parts of its variance.

    Parameters
    ----------
    value : float
    variances : sequence of float >= 0
        Parts that add up to the variance of the value.
    uncertain : sequence of float >= 0, as many
        How uncertain each part is: the square of the estimated part, over its degrees of freedom. Their sum gives the
        degrees of freedom of the whole (Satterthwaite 1946).
    bounds : (float, float)
        Lowest and highest possible value.
    """
    variance = sum(variances)
    error = variance**0.5
    if error < _ZERO:
        return Estimate(value, value, value, float(abs(value) < _ZERO), 0.0, np.inf)
    freedom = variance**2 / sum(uncertain)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * error
    low, high = (float(end) for end in np.clip([value - half, value + half], *bounds))
    return Estimate(value, low, high, float(2 * stats.t.sf(abs(value) / error, freedom)), float(error), float(freedom))


def paired_mean(better_by: np.ndarray, weight: np.ndarray, *, clip: np.ndarray, group: np.ndarray, n_bootstrap: int,
                seed: int = 0, bounds: tuple[float, float] = (-np.inf, np.inf)) -> dict:
    """Is a model better than something else on the same items? Weighted mean of the difference, with its interval.

    Parameters
    ----------
    better_by : np.ndarray, shape (n,)
        Sum of the differences of each item (a patch, a sequence), positive where the model is better.
    weight : np.ndarray, shape (n,)
        What the sums are divided by in the mean, for example the number of cells.
    clip : np.ndarray of int, shape (n,)
        Clip of each item.
    group : np.ndarray of str, shape (clips,)
        Group (speaker) of each clip.
    n_bootstrap : int
        Resamples.
    seed : int
    bounds : (float, float)
        Lowest and highest possible difference: (-1, 1) for a share of right answers.

    Returns
    -------
    dict
        value; low, high (ends of the interval, None where there is only one unit); unit ("group", or "clip" with fewer
        than `MIN_GROUPS` groups); n_units.
    """
    used, place = np.unique(clip, return_inverse=True)
    groups = np.asarray(group, str)[used]
    by_group = len(np.unique(groups)) >= MIN_GROUPS
    resamples = draw(groups if by_group else used, n_bootstrap=n_bootstrap, seed=seed)
    top, bottom = (np.bincount(place, values, len(used)) for values in (better_by, weight))
    drawn = (resamples.weights @ top) / (resamples.weights @ bottom)
    found = estimate([(float(top.sum() / bottom.sum()), drawn)], resamples, bounds=bounds)
    return {"value": found.value, "low": found.low, "high": found.high, "unit": "group" if by_group else "clip",
            "n_units": resamples.n_groups}


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's correction: p values that may be read together.

    Parameters
    ----------
    p_values : sequence of float or None
        None where there was no test.

    Returns
    -------
    list of float or None
    """
    order = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, index) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        corrected[index] = least
    return corrected
