"""One planned question: is one system better than another on the same test clips, and what could have been shown?

The answer is the difference of the headline of a task over clips (macro F1, or CCC), the mean over runs on each side,
then over pairs. Two things make it uncertain: which groups (artists) were tested, and the luck of training.

**Interval.** Whole groups are drawn again (`intervals`), the same for every run. The runs of a side differ for two
reasons: one was luckier than another everywhere, or each was lucky with other groups. The second is in the spread
over groups already. So it is estimated from how the deviation of each run from the mean varies over the resamples,
and taken off the variance between runs; what is left is the luck of training. Adding all of that variance (Owen 2007,
and `intervals.estimate`) counts the second reason twice. What is left may be below 0 by chance; it then counts as 0,
since few runs that happen to agree are no evidence on the artists. The
variance over groups is corrected by their effective number, and has one degree of freedom less than there are groups:
in simulations with few and very unequal groups that rejects a true null 4 to 6 times in 100 (docs/answer.md).

**Permutation.** If the two systems do the same, nobody can tell whose answers to a group are whose. So the answers to
whole groups change sides at random, and macro F1 is computed again. That p value needs no Student's t. But it knows
these trained models only, and nothing of the luck of training: where seeds matter it finds too much.

**Which decides.** The p value of the interval, `Finding.p`, since it covers both. `Finding.disagrees` says where the
permutation comes to another verdict.

References
----------
Cameron & Miller (2015), A practitioner's guide to cluster-robust inference, J. Hum. Resour. 50, 317-372,
doi:10.3368/jhr.50.2.317 (as many degrees of freedom as groups, less one).
Carter, Schnepel & Steigerwald (2017), see `intervals` (effective number of groups).
Good (2005), Permutation, Parametric, and Bootstrap Tests of Hypotheses, 3rd ed., Springer, chapters 3 and 6.
Phipson & Smyth (2010), Permutation p-values should never be zero, Stat. Appl. Genet. Mol. Biol. 9, 39,
doi:10.2202/1544-6115.1585.
Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., chapter 2 (power of a t test).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mer import MerError
from mer.evaluation import intervals, metrics
from mer.evaluation.paired import Run, SharedClips
from mer.tasks import Task

POWER = 0.8
ALPHA = 1 - intervals.CONFIDENCE
ALTERNATIVES = ("two-sided", "greater", "less")
_TIE = 1e-9  # a difference of scores below this is rounding


@dataclass(frozen=True)
class Finding:
    """What a test found; `low` to `freedom` are None where a single group was tested.

    Attributes
    ----------
    task, score : str
    one, other : float
        The score of each side.
    difference, low, high : float
        One minus other, and its interval of `intervals.CONFIDENCE`.
    p, p_permutation : float
        Of the interval, which decides; of groups that change sides.
    error, freedom : float
        Standard error of the difference, and its degrees of freedom.
    alternative : str
        One of `ALTERNATIVES`.
    n_clips, n_groups : int
    n_effective : float
        Groups, of which unequal ones count for fewer; of the smallest test set.
    n_pairs : int
    n_runs : (int, int)
    knows_luck : bool
        Whether there are several runs of a kind on both sides, so that the interval covers the luck of training.
    """

    task: str
    score: str
    one: float
    other: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_permutation: float | None
    error: float | None
    freedom: float | None
    alternative: str
    n_clips: int
    n_groups: int
    n_effective: float
    n_pairs: int
    n_runs: tuple[int, int]
    knows_luck: bool

    @property
    def disagrees(self) -> bool:
        """Whether the two p values lie on different sides of `ALPHA`."""
        return self.p is not None and self.p_permutation is not None and (self.p < ALPHA) != (
            self.p_permutation < ALPHA)

    def detectable(self, alpha: float = ALPHA) -> float | None:
        """The smallest true difference that such a test finds with probability `POWER`; None without an interval.

        It is (t of 1 - alpha / 2 + t of the power) standard errors; with one side, t of 1 - alpha.

        Parameters
        ----------
        alpha : float in (0, 1)
            How often a true null may be rejected. Divided by the number of questions that are corrected together, it is
            that of the hardest step of Holm's.
        """
        if self.error is None or self.freedom is None:
            return None
        sides = 2 if self.alternative == "two-sided" else 1
        return float((stats.t.ppf(1 - alpha / sides, self.freedom) + stats.t.ppf(POWER, self.freedom)) * self.error)


def test(one: Sequence[Run], other: Sequence[Run], task: Task, *, alternative: str = "two-sided",
         level: str = "clip", score: str | None = None, n_bootstrap: int = 2000, n_permutations: int = 2000,
         seed: int = 0) -> Finding:
    """Compare two systems in one task.

    Parameters
    ----------
    one, other : sequence of Run
        The runs of a pair were tested on the same clips; pairs may have other clips than each other.
    task : Task
    alternative : {"two-sided", "greater", "less"}
        What is to be shown: that the difference is not 0, above 0, below 0.
    level : {"patch", "clip"}
    score : str or None
        None: the headline of the task at that level.
    n_bootstrap, n_permutations : int > 0
    seed : int

    Returns
    -------
    Finding

    Raises
    ------
    MerError
        A pair has runs on one side only, or other clips, labels or seeds on its two sides.
    """
    if alternative not in ALTERNATIVES:
        raise MerError(f"the alternative {alternative!r} came, but one of {', '.join(ALTERNATIVES)} was expected")
    score = score or task.headline(level)
    sets = _test_sets(one, other, task)
    n_pairs, tested = sum(len(pairs) for _, pairs in sets), []
    for number, (clips, pairs) in enumerate(sets):
        tested.append(SharedClips(clips, pairs, task, level=level, score=score, n_bootstrap=n_bootstrap,
                                  seed=seed + number))
    share = [len(each.pairs) / n_pairs for each in tested]
    means = [float(sum(part * each.means[side] for part, each in zip(share, tested, strict=True))) for side in (0, 1)]
    value = means[0] - means[1]
    found, permuted = intervals.Estimate(value, None, None, None), None
    if all(each.resamples.tells_spread for each in tested):
        spread = [each.variances() for each in tested]
        found = intervals.student(
            value, [part**2 * variance for part, (variance, _) in zip(share, spread, strict=True)],
            [part**4 * uncertain for part, (_, uncertain) in zip(share, spread, strict=True)],
            bounds=metrics.bounds(task, score, margin=True))
        swapped = sum(part * each.swapped(n_permutations, seed=seed + number)
                      for number, (part, each) in enumerate(zip(share, tested, strict=True)))
        permuted = (1 + int(np.sum(_as_far(swapped, value, alternative)))) / (n_permutations + 1)
    return Finding(
        task.name, score, means[0], means[1], value, found.low, found.high, _p(found, alternative),
        permuted, found.error, found.freedom, alternative,
        n_clips=sum(len(clips) for clips, _ in sets), n_groups=sum(each.resamples.n_groups for each in tested),
        n_effective=min(each.resamples.n_effective for each in tested), n_pairs=n_pairs, n_runs=(len(one), len(other)),
        knows_luck=all(each.knows_luck for each in tested))


def _as_far(swapped, value, alternative):
    """Mask of the permutations whose difference speaks as much against the null as the one that was found."""
    if alternative == "two-sided":
        return np.abs(swapped) >= abs(value) - _TIE
    return swapped >= value - _TIE if alternative == "greater" else swapped <= value + _TIE


def _p(found, alternative):
    """The p value of an `Estimate` for an alternative."""
    if found.p is None or alternative == "two-sided":
        return found.p
    return found.p / 2 if (found.value > 0) == (alternative == "greater") else 1 - found.p / 2


def _test_sets(one, other, task):
    """(clips and their labels, pairs of runs) of every test set; the pairs in the order in which they come."""
    found: dict = {}
    pairs: dict = {}
    for side, runs in enumerate((one, other)):
        for run in runs:
            pairs.setdefault(run.pair, ([], []))[side].append(run)
    if not pairs:
        raise MerError("no runs came, but at least one was expected on each side of a hypothesis")
    for name, sides in pairs.items():
        label = f" of {name}" if name else ""
        if not all(sides):
            raise MerError(f"the pair{label} has runs on one side only: run what the plan lacks, or correct its "
                           "hypothesis")
        clips = {tuple(sorted(run.predictions.labelled(task).items())) for side in sides for run in side}
        if len(clips) > 1:
            raise MerError(f"the runs{label} were tested on different clips or labels in the task {task.name}, so no "
                           "difference can be paired: train them on one split, or correct the hypothesis")
        seeds = [Counter(run.seed for run in side) for side in sides]
        if any(None not in each for each in seeds) and seeds[0].keys() != seeds[1].keys():
            raise MerError(f"the runs{label} are paired by seed, but the seeds of the two sides differ: run those that "
                           "the plan lacks")
        found.setdefault(clips.pop(), []).append(sides)
    return list(found.items())
