"""Krippendorff's alpha: how far people agree, 1 always and 0 no more than by chance.

Ratings stand as counts: how many people gave clip u the value v, shape (units, values). Point estimates come from
the `krippendorff` package; `resampled` repeats its definition for thousands of resamples at once.

References
----------
Krippendorff (2004), Content Analysis, 2nd edition, Sage, chapter 11 (the coefficient and its levels).
Hayes & Krippendorff (2007), Answering the call for a standard reliability measure for coding data, Communication
Methods and Measures 1(1), 77-89, doi:10.1080/19312450709336664 (alpha with bootstrap intervals).
"""

from dataclasses import dataclass

import krippendorff
import numpy as np
import scipy.sparse

from mer.metrics import CONFIDENCE

LEVELS = ("ordinal", "interval", "nominal")  # the one that a report is written about first
_MOST_PACKAGE_CELLS = 20_000_000  # units x values^2 that the package may hold at once
_MOST_CELLS = 4_000_000           # counts of resamples held at once
_LEAST_DEFINED = 0.95             # of the resamples, for an interval


def alpha(counts, values, level):
    """Krippendorff's alpha of one table of counts.

    Parameters
    ----------
    counts : np.ndarray of int, shape (units, values)
    values : np.ndarray, shape (values,)
        Ascending; numbers, or words at the nominal level.
    level : {"ordinal", "interval", "nominal"}

    Returns
    -------
    float or None
        At most 1; None where it is not defined, see `undefined`.
    """
    if undefined(counts, values):
        return None
    if counts.size * counts.shape[1] > _MOST_PACKAGE_CELLS:  # thousands of different values, from a slider
        return float(resampled(counts, np.ones(len(counts)), values, level))
    return float(krippendorff.alpha(value_counts=counts, value_domain=values, level_of_measurement=level))


def undefined(counts, values):
    """Why a table of counts has no alpha, in words; "" where it has one."""
    pairable = counts[counts.sum(1) >= 2]
    given = np.flatnonzero(pairable.sum(0))
    if not len(pairable):
        return "no clip was rated by two people"
    if len(given) == 1:
        return f"every rating is the same ({_word(values[given[0]])})"
    if len(pairable) == 1:
        return "only one clip was rated by two people, and alpha compares clips"
    return ""


def _word(value):
    return f"{value:g}" if isinstance(value, float) else str(value)


def resampled(counts, weights, values, level):
    """Alpha of many weighted tables of counts at once.

    With n_v ratings of value v in clips that two or more people rated, n in all, and m of a clip, alpha is 1 - Do/De:
    squared differences of values within clips, over those between any two ratings. At the interval level
    the sum over a clip's ordered pairs is 2 (m sum x^2 - (sum x)^2); the ordinal level is the same with mid-ranks
    for x, and the nominal one counts unequal pairs.

    Parameters
    ----------
    counts : np.ndarray, shape (..., units, values)
    weights : np.ndarray, shape (..., units), at least 0
        How often each unit is drawn; 0 leaves it out.
    values : np.ndarray, shape (values,)
    level : {"ordinal", "interval", "nominal"}

    Returns
    -------
    np.ndarray, shape (...)
        NaN where fewer than two units or two values are left.

    References
    ----------
    Krippendorff (2004), chapter 11; Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, University of
    Pennsylvania, section E.
    """
    counts = np.asarray(counts, float)
    m = counts.sum(-1)                                                # (..., units)
    weights = np.where(m >= 2, weights, 0.0)
    per_pair = weights / np.maximum(m - 1, 1)
    totals = (weights[..., None, :] @ counts)[..., 0, :]              # (..., values)
    n = totals.sum(-1)
    if level == "nominal":
        observed = (per_pair * (m**2 - (counts**2).sum(-1))).sum(-1)
        expected = n**2 - (totals**2).sum(-1)
    else:
        x = _positions(totals, values, level)                         # (..., values)
        first, second = (np.einsum("...uv,...v->...u", counts, power) for power in (x, x**2))
        observed = (per_pair * (m * second - first**2)).sum(-1)
        expected = n * (totals * x**2).sum(-1) - (totals * x).sum(-1) ** 2
    defined = ((weights > 0).sum(-1) >= 2) & ((totals > 0).sum(-1) >= 2)
    ratio = np.divide(observed * (n - 1), expected, out=np.full(np.shape(expected), np.nan), where=defined)
    return 1 - ratio


def _positions(totals, values, level):
    """Where each value stands on a line: itself, centred, or at the ordinal level its mid-rank."""
    if level == "ordinal":
        return np.cumsum(totals, -1) - totals / 2 - totals.sum(-1, keepdims=True) / 2
    n = np.maximum(totals.sum(-1, keepdims=True), 1)
    return values - (totals * values).sum(-1, keepdims=True) / n


@dataclass(frozen=True)
class Table:
    """Ratings as one sparse row of counts per rater.

    Attributes
    ----------
    rows : scipy.sparse.csr_array, shape (raters, classes x clips x values)
    shape : (int, int, int)
        Classes, clips and values.
    values : np.ndarray, shape (values,)
    """

    rows: scipy.sparse.csr_array
    shape: tuple
    values: np.ndarray

    @classmethod
    def of(cls, ratings):
        """The table of a `mer.raters.ratings.Ratings`."""
        shape = len(ratings.classes), len(ratings.clips), len(ratings.values)
        cell = np.ravel_multi_index((ratings.kind, ratings.clip, ratings.value), shape)
        rows = scipy.sparse.coo_array((np.ones(len(ratings), int), (ratings.rater, cell)),
                                      (len(ratings.raters), int(np.prod(shape))))
        return cls(rows.tocsr(), shape, ratings.values)

    def counts(self, members):
        """Ratings by some raters, shape (*members.shape[:-1], classes, clips, values).

        Parameters
        ----------
        members : np.ndarray of bool, shape (..., raters)
        """
        flat = (self.rows.T @ np.atleast_2d(members).T.astype(int)).T
        return flat.reshape(*members.shape[:-1], *self.shape)

    def chunks(self, n):
        """Slices of 0..n whose counts fit into memory."""
        step = max(1, _MOST_CELLS // int(np.prod(self.shape)))
        return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def every_class(counts, weights, values, level):
    """Alpha of each class, then of all classes together with each class and clip a unit.

    Parameters
    ----------
    counts : np.ndarray, shape (..., classes, clips, values)
    weights : np.ndarray, shape (..., classes, clips)
    values, level
        As in `resampled`.

    Returns
    -------
    np.ndarray, shape (..., classes + 1), or (..., 1) where there is one class
    """
    single = resampled(counts, weights, values, level)                # (..., classes)
    *more, n_classes, n_clips, n_values = counts.shape
    if n_classes == 1:
        return single
    together = resampled(counts.reshape(*more, n_classes * n_clips, n_values),
                         weights.reshape(*weights.shape[:-2], n_classes * n_clips), values, level)
    return np.concatenate([single, together[..., None]], -1)


def interval(samples):
    """Percentile interval (`metrics.CONFIDENCE`) of shape (n,), as (low, high); Nones where too few are defined."""
    kept = samples[np.isfinite(samples)]
    if len(kept) < max(2, _LEAST_DEFINED * len(samples)):
        return None, None
    return tuple(np.quantile(kept, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)).tolist())
