"""How careful raters are, and whether raters of one language share a view beyond what their care explains.

Raters who are careful agree more than careless ones, whatever they share. So languages whose raters differ in care look
like languages that share a view. Here each rater r is described by the part of a common view that he follows, l_r, and
by his own noise, with variance psi_r: the covariance of two raters over clips is then l_r l_s, and the noise of neither
is in it.

- `noise`: psi_r, from the raters of the same language only, so that a view which a language shares is no noise. It is
  Grubbs' (1948) estimator: the mean squared difference of two raters, each about his own mean, is psi_r + psi_s.
- `shared_beyond_care`: l_r fitted to the covariances of all pairs, weighted by 1 / (psi_r psi_s) (one factor, minimum
  residuals: Harman & Jones 1966). What is left, divided by sqrt(psi_r psi_s), is a correlation of noises. It is spread
  alike for careful and careless raters, so the languages may be permuted over the raters even where care differs. The
  statistic is its mean over pairs of one language.

At the ordinal level ratings are mid-ranks within a class, at the nominal level one 0/1 column per word.

References
----------
Grubbs (1948), On estimating precision of measuring instruments and product variability, Journal of the American
Statistical Association 43, 243-264, doi:10.1080/01621459.1948.10483261.
Harman & Jones (1966), Factor analysis by minimizing residuals (minres), Psychometrika 31, 351-368,
doi:10.1007/BF02289468.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import scipy.stats

_LEAST_NOISE = 0.05  # of a rater's variance: estimates below are by chance, and would get all the weight
_LEAST_RATERS = 3    # of a language: Grubbs' estimator tells two raters apart only with a third
_ROUNDS = 100        # of the fit of one factor; it stands still after some 30


@dataclass(frozen=True)
class Pairs:
    """Covariances of raters over the units that both rated.

    Attributes
    ----------
    covariance : np.ndarray, shape (raters, raters)
        NaN where no unit is shared.
    n_shared : np.ndarray, shape (raters, raters)
        Units that both rated.
    """

    covariance: np.ndarray
    n_shared: np.ndarray

    @classmethod
    def together(cls, parts):
        """Several classes as one: sums of products over sums of units."""
        n_shared = sum(part.n_shared for part in parts)
        products = sum(np.nan_to_num(part.covariance) * part.n_shared for part in parts)
        return cls(_divided(products, n_shared), n_shared)

    @property
    def variance(self):
        """Of each rater, shape (raters,)."""
        return np.nan_to_num(np.diag(self.covariance))

    def among(self, chosen):
        """The same of some raters."""
        return Pairs(self.covariance[np.ix_(chosen, chosen)], self.n_shared[np.ix_(chosen, chosen)])


def _divided(products, n_shared):
    return np.divide(products, n_shared, out=np.full(products.shape, np.nan), where=n_shared > 0)


def pairs_of(table, level):
    """Covariances in each class.

    Parameters
    ----------
    table : mer.agreement.alpha.Table
    level : {"ordinal", "interval", "nominal"}

    Returns
    -------
    list of Pairs
    """
    return [_pairs(table, np.flatnonzero(table.unit_class[table.cell_unit] == place), level)
            for place in range(table.n_classes)]


def _pairs(table, cells, level):
    rows, values = table.rows.tocsc()[:, cells].tocsr(), table.cell_value[cells]
    _, unit = np.unique(table.cell_unit[cells], return_inverse=True)
    to_units = scipy.sparse.csr_array((np.ones(len(cells)), (np.arange(len(cells)), unit)))
    rated = (rows @ to_units).toarray()                                    # (raters, units), 0 and 1
    n_shared, n_rated = rated @ rated.T, np.maximum(rated.sum(1, keepdims=True), 1)
    if level == "nominal":
        _, column = np.unique(values, return_inverse=True)
        to_words = scipy.sparse.csr_array((np.ones(len(cells)), (np.arange(len(cells)), column)))
        shares = (rows @ to_words).toarray() / n_rated
        return Pairs(_divided((rows @ rows.T).toarray(), n_shared) - shares @ shares.T, n_shared)
    x = table.values[values] - table.values.mean()
    if level == "ordinal":
        given = np.repeat(np.arange(len(cells)), np.asarray(rows.sum(0), int))
        x = np.zeros(len(cells))
        x[given] = scipy.stats.rankdata(values[given])
    x = (rows @ (to_units.multiply(x[:, None])).tocsr()).toarray()         # (raters, units)
    x = np.where(rated > 0, x - x.sum(1, keepdims=True) / n_rated, 0.0)
    return Pairs(_divided(x @ x.T, n_shared), n_shared)


def noise(pairs, languages, names):
    """Variance of each rater's own noise.

    Parameters
    ----------
    pairs : Pairs
    languages : np.ndarray of object, shape (raters,)
    names : sequence of str
        The languages wanted.

    Returns
    -------
    np.ndarray, shape (raters,)
        In squared units of the ratings, above 0; NaN in languages of fewer than three raters, and where a rater shares
        no unit with others of his language or gave one rating to everything.
    """
    found = np.full(len(languages), np.nan)
    for name in names:
        chosen = np.flatnonzero(languages == name)
        part = pairs.among(chosen)
        weights = np.where(np.eye(len(chosen), dtype=bool) | (part.n_shared < 2), 0, part.n_shared)
        if len(chosen) < _LEAST_RATERS:
            continue
        variance = part.variance
        apart = variance[:, None] + variance[None] - 2 * np.nan_to_num(part.covariance)
        psi = np.linalg.lstsq(np.diag(weights.sum(1)) + weights, (weights * apart).sum(1), rcond=None)[0]
        is_known = (weights.sum(1) > 0) & (variance > 0)
        found[chosen[is_known]] = np.maximum(psi, _LEAST_NOISE * variance)[is_known]
    return found


def unequal(pairs, languages, names, *, n_permutations, rng):
    """Do raters of different languages differ in their own noise?

    The statistic is the sum of squares between languages of log noise, the languages being permuted over raters.

    Parameters
    ----------
    pairs, languages, names
        As in `noise`.
    n_permutations : int > 0
    rng : np.random.Generator

    Returns
    -------
    dict
        ``noise``: language -> geometric mean of its raters' noise, as a standard deviation, over the standard
        deviation of all ratings about their raters' means. ``p``: None where fewer than two languages are known.
    """
    log = np.log(noise(pairs, languages, names))
    known, overall = np.isfinite(log), np.log(pairs.variance.mean() or 1.0)
    means = {name: log[known & (languages == name)] for name in names}
    spread = {name: float(np.exp((values.mean() - overall) / 2)) for name, values in means.items() if len(values)}
    if len(spread) < 2:
        return {"noise": spread, "p": None}
    codes = np.unique(languages[known].astype(str), return_inverse=True)[1]
    log = log[known] - log[known].mean()
    sizes = np.bincount(codes)

    def between(labels):
        sums = np.array([(labels == code) @ log for code in range(len(sizes))])
        return (sums.T**2 / sizes).sum(-1)

    shuffled = rng.permuted(np.tile(codes, (n_permutations, 1)), axis=1)
    n_as_far = (between(shuffled) >= between(codes) * (1 - 1e-9)).sum()
    return {"noise": spread, "p": float((1 + n_as_far) / (1 + n_permutations))}


def one_view(pairs):
    """What one common view leaves of the covariances: correlations of noises, and the weight of each pair.

    Parameters
    ----------
    pairs : Pairs

    Returns
    -------
    rest, weights : np.ndarray, shape (raters, raters)
        0 on the diagonal; a pair without two units in common, or with a rater who gave one rating to everything,
        has no weight.
    """
    variance, covariance = pairs.variance, np.nan_to_num(pairs.covariance)
    varies = variance > 0
    weights = np.where((pairs.n_shared >= 2) & varies & varies[:, None], pairs.n_shared, 0.0)
    np.fill_diagonal(weights, 0)
    least = np.where(varies, _LEAST_NOISE * variance, 1.0)
    start = max(np.median(covariance[weights > 0]) if weights.any() else 0.0, 1e-3 * variance.mean())
    part = np.full(len(variance), np.sqrt(start))
    for _ in range(_ROUNDS):
        psi = np.maximum(variance - part**2, least)
        fit = weights / np.outer(psi, psi)
        norm = fit @ part**2
        part = (part + np.divide((fit * covariance) @ part, norm, out=np.zeros_like(norm),
                                 where=norm > 0)) / 2
    psi = np.maximum(variance - part**2, least)
    rest = np.where(weights > 0, (covariance - np.outer(part, part)) / np.sqrt(np.outer(psi, psi)), 0.0)
    return rest, weights


def shared_beyond_care(pairs, labels, sizes):
    """Mean correlation of noises within languages, weighted by raters, for many assignments of the languages.

    Parameters
    ----------
    pairs : Pairs
    labels : np.ndarray of object, shape (batch, raters)
    sizes : dict of str -> int
        Languages that count, and their raters.

    Returns
    -------
    np.ndarray, shape (batch,)
        NaN where a language has no pair of raters with two units in common.
    """
    rest, weights = one_view(pairs)
    total = 0.0
    for name, n in sizes.items():
        inside = (labels == name).astype(float)
        size = ((inside @ weights) * inside).sum(1)
        total = total + n * np.divide(((inside @ (rest * weights)) * inside).sum(1), size,
                                      out=np.full(len(size), np.nan), where=size > 0)
    return total / sum(sizes.values())
