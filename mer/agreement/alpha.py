"""Krippendorff's alpha: how far people agree, 1 always and 0 no more than by chance.

Ratings stand as the cells (class, clip, value) that occur, so a slider with thousands of values costs no more than its
ratings. Squared differences have a closed form: over the ordered pairs of m numbers x they sum to
2 (m sum x^2 - (sum x)^2). The interval level uses the values for x, the ordinal level their mid-ranks; the nominal
level counts unequal pairs. A test holds all three equal to the package `krippendorff`.

References
----------
Krippendorff (2004), Content Analysis, 2nd edition, Sage, chapter 11 (the coefficient and its levels).
Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, University of Pennsylvania, section E (closed forms).
Hayes & Krippendorff (2007), Answering the call for a standard reliability measure for coding data, Communication
Methods and Measures 1(1), 77-89, doi:10.1080/19312450709336664 (alpha with bootstrap intervals).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from mer.evaluation.intervals import CONFIDENCE

LEVELS = ("ordinal", "interval", "nominal")  # the one that a report is written about first
_MOST_CELLS = 2_000_000           # counts of resamples held at once
_LEAST_DEFINED = 0.95             # of the resamples, for an interval
_ROUNDING = 1e-12                 # of a sum of squares; less spread than this is none


@dataclass(frozen=True)
class _Classes:
    """Sums over the cells and units of each class.

    Attributes
    ----------
    first_unit : np.ndarray of int, shape (classes,)
        Where the units of each class begin.
    column : np.ndarray of int, shape (cells,)
        Number of the cell's class and value among those that occur.
    first_column : np.ndarray of int, shape (classes,)
        Where the columns of each class begin; values ascend within a class.
    of_column : np.ndarray of int, shape (columns,)
        Class of each column.
    to_columns : scipy.sparse.csr_array, shape (columns, cells)
    """

    first_unit: np.ndarray
    column: np.ndarray
    first_column: np.ndarray
    of_column: np.ndarray
    to_columns: scipy.sparse.csr_array

    @classmethod
    def of(cls, unit_class, cell_class, cell_value, n_values):
        """Sums by the class of each unit and cell; both ascend."""
        columns, column = np.unique(cell_class * n_values + cell_value, return_inverse=True)
        to_columns = scipy.sparse.csr_array((np.ones(len(column)), (column, np.arange(len(column)))))
        return cls(_starts(unit_class), column, _starts(columns // n_values), columns // n_values, to_columns)


def _starts(ascending):
    """Index at which each new number begins."""
    return np.flatnonzero(np.diff(ascending, prepend=-1))


@dataclass(frozen=True)
class Table:
    """Ratings as one sparse row of cells per rater. A unit is a class and clip that somebody rated.

    Attributes
    ----------
    rows : scipy.sparse.csr_array of 0 and 1, shape (raters, cells)
    cell_unit, cell_value : np.ndarray of int, shape (cells,)
        Index of the cell into the units and into `values`; units ascend.
    unit_class, unit_clip : np.ndarray of int, shape (units,)
    values : np.ndarray, shape (values,)
        Ascending; numbers, or words at the nominal level.
    """

    rows: scipy.sparse.csr_array
    cell_unit: np.ndarray
    cell_value: np.ndarray
    unit_class: np.ndarray
    unit_clip: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, ratings):
        """The table of a `mer.agreement.ratings.Ratings`."""
        shape = len(ratings.classes), len(ratings.clips), len(ratings.values)
        cells, cell = np.unique(np.ravel_multi_index((ratings.kind, ratings.clip, ratings.value), shape),
                                return_inverse=True)
        units, cell_unit = np.unique(cells // shape[2], return_inverse=True)
        rows = scipy.sparse.coo_array((np.ones(len(cell)), (ratings.rater, cell)), (len(ratings.raters), len(cells)))
        return cls(rows.tocsr(), cell_unit, cells % shape[2], units // shape[1], units % shape[1], ratings.values)

    @property
    def n_classes(self):
        """Classes; they are numbered from 0, and each has a unit."""
        return int(self.unit_class[-1]) + 1

    @cached_property
    def by_class(self):
        """Sums over each class by itself."""
        return _Classes.of(self.unit_class, self.unit_class[self.cell_unit], self.cell_value, len(self.values))

    @cached_property
    def together(self):
        """Sums over all classes together."""
        zero = np.zeros(len(self.cell_unit), int)
        return _Classes.of(zero[:len(self.unit_class)], zero, self.cell_value, len(self.values))

    @cached_property
    def _to_cells(self):
        return self.rows.T.tocsr()

    @cached_property
    def _moments(self):
        """Sums in each unit of 1, x and x^2 for centered values x, (units, raters) each; of words, only of 1."""
        n = len(self.cell_unit)
        to_units = scipy.sparse.csr_array((np.ones(n), (self.cell_unit, np.arange(n))))
        if self.values.dtype.kind != "f":
            return [(to_units @ self._to_cells).tocsr()]
        x = (self.values - self.values.mean())[self.cell_value]
        return [(to_units.multiply(x**power).tocsr() @ self._to_cells).tocsr() for power in range(3)]

    def by(self, raters):
        """The ratings of many samples of raters.

        Parameters
        ----------
        raters : np.ndarray, shape (batch, raters), at least 0
            How often each rater counts; 0 leaves one out.

        Returns
        -------
        Sample
        """
        raters = np.ascontiguousarray(raters.T, float)
        return Sample(self, raters, self._moments[0] @ raters, self._moments[0] @ raters**2)

    def unit_sums(self, cells):
        """Sums over the cells of each unit, shape (units, batch)."""
        return np.add.reduceat(cells, _starts(self.cell_unit), axis=0)

    def chunks(self, n):
        """Slices of 0..n whose counts fit into memory."""
        step = max(1, _MOST_CELLS // len(self.cell_unit))
        return [slice(start, min(start + step, n)) for start in range(0, n, step)]


@dataclass(frozen=True)
class Sample:
    """Ratings by many samples of raters, from `Table.by`.

    Attributes
    ----------
    table : Table
    raters : np.ndarray, shape (raters, batch)
        How often each rater counts.
    m, itself : np.ndarray, shape (units, batch)
        Sum of the raters' weights in each unit, and of their squares.
    """

    table: Table
    raters: np.ndarray
    m: np.ndarray
    itself: np.ndarray

    @cached_property
    def counts(self):
        """How many people gave each cell, shape (cells, batch)."""
        return self.table._to_cells @ self.raters

    @cached_property
    def moments(self):
        """Sums of the values and of their squares in each unit, centered: two of shape (units, batch)."""
        return [moment @ self.raters for moment in self.table._moments[1:]]


def every_class(sample, units, level):
    """Alpha of each class, then of all classes together with each class and clip a unit, for many samples at once.

    With n ratings in units that two or more people rated, and m of a unit, alpha is 1 - Do/De: squared differences of
    values within units, over those between any two ratings. A rater who counts twice makes no pair with himself: there
    are (sum w)^2 - sum w^2 pairs for weights w, which is m (m - 1) where all are 1.

    Parameters
    ----------
    sample : Sample
        Of a batch or of one.
    units : np.ndarray, shape (batch or 1, units), at least 0
        How often each unit counts.
    level : {"ordinal", "interval", "nominal"}

    Returns
    -------
    np.ndarray, shape (batch, classes + 1), or (batch, 1) where there is one class
        NaN where fewer than two units or two values are left, see `undefined`.
    """
    table, pairs = sample.table, sample.m**2 - sample.itself
    weights = np.where(pairs > 0, units.T, 0.0)
    per_pair = weights * sample.m / np.where(pairs > 0, pairs, 1.0)
    found = _alphas(sample, table.by_class, weights, per_pair, level)
    if table.n_classes > 1:
        found = np.concatenate([found, _alphas(sample, table.together, weights, per_pair, level)])
    return found.T


def _alphas(sample, classes, weights, per_pair, level):
    """Alpha of each of the classes, shape (classes, batch)."""
    table, m = sample.table, sample.m

    def total(of_units):
        return np.add.reduceat(of_units, classes.first_unit, axis=0)

    n = total(weights * m)                                                 # (classes, batch)
    if level != "interval":
        counts = sample.counts
        totals = classes.to_columns @ (counts * weights[table.cell_unit])  # (columns, batch)
        has_spread = np.add.reduceat(totals > 0, classes.first_column, axis=0, dtype=int) > 1
    if level == "nominal":
        within = m**2 - table.unit_sums(counts**2)
        between = n**2 - np.add.reduceat(totals**2, classes.first_column, axis=0)
    else:
        if level == "ordinal":
            given = counts * (x := _mid_ranks(totals, classes, n)[classes.column])     # (cells, batch)
            first, second = table.unit_sums(given), table.unit_sums(given * x)
        else:
            first, second = sample.moments
        within = 2 * (m * second - first**2)
        squares = 2 * n * total(weights * second)
        between = squares - 2 * total(weights * first) ** 2
        if level == "interval":
            has_spread = between > _ROUNDING * squares
    pairs = n**2 - total(weights * sample.itself)
    defined = has_spread & (total((weights > 0).astype(int)) > 1)
    return 1 - np.divide(total(per_pair * within) * pairs, n * between, out=np.full(n.shape, np.nan),
                         where=defined)


def _mid_ranks(totals, classes, n):
    """Mid-rank of each value in its class, less that of the middle, shape (columns, batch)."""
    above = np.cumsum(totals, axis=0)
    before = (above - totals)[classes.first_column]                        # of the classes that come earlier
    return above - before[classes.of_column] - (totals + n[classes.of_column]) / 2


def undefined(table, raters, of_class=None):
    """Why some raters have no alpha, in words; "" where they have one.

    Parameters
    ----------
    table : Table
    raters : np.ndarray of bool, shape (raters,)
    of_class : int or None
        Index of a class; None: all classes together.
    """
    if raters.sum() == 1:
        return "one rater"
    sample = table.by(raters[None])
    pairable = (sample.m[:, 0] > 1) & ((table.unit_class == of_class) | (of_class is None))
    given = np.unique(table.cell_value[(sample.counts[:, 0] > 0) & pairable[table.cell_unit]])
    if not pairable.any():
        return "no clip was rated by two people"
    if len(given) == 1:
        value = table.values[given[0]]
        return f"every rating is the same ({f'{value:g}' if isinstance(value, float) else value})"
    if pairable.sum() == 1:
        return "only one clip was rated by two people, and alpha compares clips"
    return ""


def interval(samples):
    """Percentile interval (`metrics.CONFIDENCE`) of shape (n,), as (low, high); Nones where too few are defined."""
    kept = samples[np.isfinite(samples)]
    if len(kept) < max(2, _LEAST_DEFINED * len(samples)):
        return None, None
    return tuple(np.quantile(kept, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)).tolist())
