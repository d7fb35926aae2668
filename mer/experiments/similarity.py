"""Do two layers say the same of clips? Linear CKA, with an interval, of clips that come in groups.

Linear CKA (Kornblith et al. 2019) compares two tables of numbers about the same clips by their matrices of inner
products, however the units are rotated: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)). The plain HSIC counts every clip
beside itself, so few clips with many units look alike even where they are independent. Song et al. (2012) leave these
pairs out, as Nguyen et al. (2021) do for CKA. Here pairs of one group (artist, speaker) are left out too, because clips
of an artist resemble each other in every layer. With one clip a group it is the estimate of Song et al. Its mean over
independent tables is 0, so single values may fall below 0.

The interval comes from a jackknife over blocks of whole groups. A bootstrap draws groups twice, and a clip that meets
its own copy counts as a pair that is alike in both tables; `tests/experiments/test_similarity.py` measures both.

References
----------
Kornblith, Norouzi, Lee & Hinton (2019), Similarity of neural network representations revisited, ICML, arXiv:1905.00414.
Song, Smola, Gretton, Bedo & Borgwardt (2012), Feature selection via dependence maximization, JMLR 13, equation 5.
Nguyen, Raghu & Kornblith (2021), Do wide and deep networks learn the same things?, ICLR, arXiv:2010.15327.
Busing, Meijer & van der Leeden (1999), Delete-m jackknife for unequal m, Statistics and Computing 9, 3-8.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mer.evaluation.intervals import CONFIDENCE

BLOCKS = 50  # of groups, left out one at a time
LEAST_GROUPS = 8  # four at least are needed, and some to leave out


@dataclass(frozen=True)
class Blocks:
    """Which clips belong together, and which are left out together.

    Attributes
    ----------
    group : np.ndarray of int, shape (clips,)
    block : np.ndarray of int, shape (groups,)
        Block of each group; every one of `n` has some.
    n : int
    """

    group: np.ndarray
    block: np.ndarray
    n: int

    @property
    def sizes(self) -> np.ndarray:
        """Clips of each block, shape (n,)."""
        return np.bincount(self.block[self.group], minlength=self.n)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of a spread over blocks: fewer where few groups have most of the clips."""
        n_effective = len(self.group) ** 2 / np.square(np.bincount(self.group)).sum()
        return float(min(self.n, n_effective) - 1)


def blocks(groups: Sequence[str], *, seed: int, most: int = BLOCKS) -> Blocks:
    """Put groups into blocks of about as many clips each.

    Parameters
    ----------
    groups : sequence of str, length clips
    seed : int
        Of which groups meet in a block.
    most : int
        Blocks; with fewer groups each is a block of its own.
    """
    names, group, sizes = np.unique(np.asarray(groups, str), return_inverse=True, return_counts=True)
    n = min(most, len(names))
    shuffled = np.random.default_rng(seed).permutation(len(names))
    block, filled = np.empty(len(names), int), np.zeros(n, int)
    for one in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:  # the largest first, each into the emptiest
        block[one] = filled.argmin()
        filled[block[one]] += sizes[one]
    return Blocks(group, block, n)


class Table:
    """What one layer says of clips, ready to be compared with others.

    Parameters
    ----------
    values : np.ndarray, shape (clips, units)
        Finite.
    of : Blocks
        The same for all tables that are compared.
    """

    def __init__(self, values: np.ndarray, of: Blocks) -> None:
        self.of, (n, n_groups) = of, (len(of.group), len(of.block))
        centered = np.asarray(values, np.float64) - np.mean(values, axis=0, dtype=np.float64)
        self._gram = centered @ centered.T / max(float(np.square(centered).sum()), np.finfo(float).tiny)
        self._gram[of.group[:, None] == of.group] = 0
        members = np.eye(n_groups)[of.group]
        self._by_group = self._gram @ members  # (clips, groups)
        self._between = members.T @ self._by_group  # (groups, groups)
        self._by_block = self._by_group @ np.eye(of.n)[of.block]  # (clips, blocks)
        # column 0: of all; column 1 + b: without block b
        self._rows = self._gram.sum(axis=1)[:, None] - np.c_[np.zeros(n), self._by_block]
        self._group_rows = members.T @ self._rows  # (groups, 1 + blocks)
        self.own = self.hsic(self)

    def hsic(self, other: "Table") -> np.ndarray:
        """The Hilbert-Schmidt independence criterion of two tables, and without each block: shape (1 + blocks,).

        Every mean runs over pairs, triples and quadruples of clips of different groups.
        """
        of, kept = self.of, _kept(self.of)
        of_clip, of_group = kept[of.block[of.group]], kept[of.block]
        pairs = _without(_folded(self._gram * other._gram, of.block[of.group], of.block[of.group], of.n))
        rows = np.einsum("ib,ib,ib->b", self._rows, other._rows, of_clip)
        rows -= _without(_folded(self._by_group * other._by_group, of.block[of.group], of.block, of.n))
        totals = [np.einsum("gb,gb->b", table._group_rows, of_group) for table in (self, other)]
        fours = totals[0] * totals[1] - 4 * np.einsum("gb,gb,gb->b", self._group_rows, other._group_rows, of_group)
        fours += 2 * _without(_folded(self._between * other._between, of.block, of.block, of.n))
        n_pairs, n_triples, n_fours = _counts(of)
        return pairs / n_pairs + fours / n_fours - 2 * rows / n_triples


def _kept(of):
    """Which blocks are kept in all (column 0) and without each one, shape (blocks, 1 + blocks)."""
    return np.c_[np.ones(of.n), 1 - np.eye(of.n)]


def _folded(values, row_block, column_block, n):
    """Sums of a matrix over blocks of its rows and columns, shape (n, n)."""
    return np.eye(n)[row_block].T @ values @ np.eye(n)[column_block]


def _without(folded):
    """Sum of all, and without the rows and columns of each block."""
    total = folded.sum()
    return np.r_[total, total - folded.sum(axis=0) - folded.sum(axis=1) + np.diag(folded)]


def _counts(of):
    """Pairs, triples and quadruples of clips of different groups, in all and without each block."""
    sizes = np.bincount(of.group, minlength=len(of.block))[:, None] * _kept(of)[of.block]
    n = sizes.sum(axis=0)
    two, three, four = (np.power(sizes, power).sum(axis=0) for power in (2, 3, 4))
    return n**2 - two, n**3 - 3 * n * two + 2 * three, (
        n**4 - 6 * n**2 * two + 3 * two**2 + 8 * n * three - 6 * four)


@dataclass(frozen=True)
class Similarity:
    """CKA of two tables.

    Attributes
    ----------
    value : float at most about 1; nan where a layer says the same of all clips
    without : np.ndarray, shape (blocks,)
        The same without each block.
    """

    value: float
    without: np.ndarray


def cka(one: Table, other: Table) -> Similarity:
    """Linear CKA of two tables about the same clips, without the bias of few clips."""
    bottom = one.own * other.own
    usable = (one.own > 0) & (other.own > 0)
    values = np.where(usable, one.hsic(other) / np.sqrt(np.where(usable, bottom, 1)), np.nan)
    return Similarity(float(values[0]), values[1:])


def plain_cka(one: np.ndarray, other: np.ndarray) -> float:
    """Linear CKA as first published, equation 1 of Kornblith et al. (2019): biased upwards with few clips.

    Parameters
    ----------
    one, other : np.ndarray, shape (clips, units)
    """
    one, other = (np.asarray(each, np.float64) - np.mean(each, axis=0, dtype=np.float64) for each in (one, other))
    cross, *own = (np.square(np.linalg.norm(a.T @ b)) for a, b in ((one, other), (one, one), (other, other)))
    return float(cross / np.sqrt(own[0] * own[1]))


def interval(found: Sequence[Similarity], of: Blocks, *, minus: Sequence[Similarity] = ()) -> dict[str, float | None]:
    """The mean of similarities, or its difference from the mean of others, with the interval of the jackknife.

    Blocks of unequal size are weighed as Busing et al. (1999) do. The interval covers which groups were heard; the luck
    of the random weights is in it where several seeds are given, as the variance of their mean.

    Parameters
    ----------
    found, minus : sequence of Similarity
        Of the same clips and blocks.
    of : Blocks

    Returns
    -------
    dict
        value, low, high; None where a layer says the same of all clips.
    """
    sides = [side for side in (found, minus) if len(side)]
    signs = (1, -1)
    value = sum(sign * np.mean([each.value for each in side]) for sign, side in zip(signs, sides, strict=False))
    without = sum(sign * np.mean([each.without for each in side], axis=0)
                  for sign, side in zip(signs, sides, strict=False))
    if not (np.isfinite(value) and np.isfinite(without).all()):
        return dict.fromkeys(("value", "low", "high"))
    share = of.sizes.sum() / of.sizes  # h of Busing et al.
    pseudo = share * value - (share - 1) * without
    variance = float(np.mean(np.square(pseudo - (pseudo / share).sum()) / (share - 1)))
    parts = [(variance, of.freedom)]
    parts += [(float(np.var([each.value for each in side], ddof=1)) / len(side), len(side) - 1.0)
              for side in sides if len(side) > 1]
    total = sum(part for part, _ in parts)
    freedom = total**2 / sum(part**2 / degrees for part, degrees in parts) if total > 0 else of.freedom
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom)) * total**0.5
    return {"value": float(value), "low": float(value - half), "high": float(value + half)}
