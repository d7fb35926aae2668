"""Runs of two systems on the same test clips: scores, how uncertain their difference is, and groups that change sides.

`mer.evaluation.hypotheses` says what is made of it, and why.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from mer.evaluation import intervals, metrics, regression
from mer.evaluation.predictions import Predictions
from mer.tasks import Task


@dataclass(frozen=True)
class Run:
    """A trained model on a test set.

    Attributes
    ----------
    predictions : Predictions
    pair : hashable
        What it is compared within: runs of one side are compared with those of the other that have the same.
    kind : hashable
        What tells it from other runs of its side and pair, but for the seed: runs of one kind differ by luck alone.
    seed : hashable or None
        None: the seeds of the two sides have nothing to do with each other. Else runs of equal seeds are compared.
    """

    predictions: Predictions
    pair: Hashable = ""
    kind: Hashable = ""
    seed: Hashable | None = None


class SharedClips:
    """Pairs of runs on the same clips: their scores, on resamples too, and where groups change sides.

    Parameters
    ----------
    clips : sequence of (str, value)
        The clips with a label, sorted, and their labels.
    pairs : sequence of (list of Run, list of Run)
        The two sides of each pair.
    task : Task
    level : {"patch", "clip"}
    score : str
        One of `metrics.SCORES` or `regression.SCORES`.
    n_bootstrap, seed : int

    Attributes
    ----------
    resamples : intervals.Resamples
    means : list of two floats
        The score of each side: the mean over runs, then over pairs.
    knows_luck : bool
        Whether every side has several runs of a kind.
    """

    def __init__(self, clips: Sequence[tuple[str, Any]], pairs: Sequence[tuple[list[Run], list[Run]]], task: Task, *,
                 level: str, score: str, n_bootstrap: int, seed: int):
        self.pairs, self.task, self.score = pairs, task, score
        order = [clip for clip, _ in clips]
        known = [(run.predictions.clips, run.predictions.groups) for sides in pairs for side in sides for run in side
                 if run.predictions.groups]
        # Where runs know other groups, the coarsest are the careful choice.
        best = min(known, key=lambda each: len(set(each[1])), default=((), ()))
        of = dict(zip(*best, strict=True))
        groups = [of.get(clip, clip) for clip in order]
        self.resamples = intervals.draw(groups, n_bootstrap=n_bootstrap, seed=seed)
        _, place = np.unique(groups, return_inverse=True)
        self._parts, self._values, self._resampled = {}, {}, {}
        for run in (run for sides in pairs for side in sides for run in side):
            parts = run.predictions.parts(level, task, order)
            self._values[id(run)] = float(self._scored(parts.sum(axis=0).astype(float)))
            self._resampled[id(run)] = self._scored(metrics.resampled(parts, self.resamples))
            by_group = np.zeros((self.resamples.n_groups, *parts.shape[1:]))
            np.add.at(by_group, place, parts)
            self._parts[id(run)] = by_group
        self.means = [np.mean([np.mean([self._values[id(run)] for run in sides[side]]) for sides in pairs])
                      for side in (0, 1)]
        self.knows_luck = all(len(kinds) > len(set(kinds)) for kinds, *_ in self._units())

    def _units(self):
        """What luck falls on: kinds, values and resamples of the runs of each side, or of pairs of equal seeds."""
        for one, other in self.pairs:
            if one[0].seed is None:
                for side in (one, other):
                    yield ([run.kind for run in side], np.array([self._values[id(run)] for run in side]),
                           np.array([self._resampled[id(run)] for run in side]))
                continue
            made = [[np.mean([held[id(run)] for run in one if run.seed == seed], axis=0)
                     - np.mean([held[id(run)] for run in other if run.seed == seed], axis=0)
                     for held in (self._values, self._resampled)] for seed in dict.fromkeys(run.seed for run in one)]
            yield [""] * len(made), np.array([value for value, _ in made]), np.array([drawn for _, drawn in made])

    def variances(self) -> tuple[float, float]:
        """Variance of the difference, by groups and by training, and how uncertain it is (see `intervals.student`)."""
        drawn = np.mean([np.mean([self._resampled[id(run)] for run in one], axis=0)
                         - np.mean([self._resampled[id(run)] for run in other], axis=0)
                         for one, other in self.pairs], axis=0)
        few = self.resamples.n_effective / (self.resamples.n_effective - 1)
        variance = float(drawn.var()) * few
        uncertain, luck = variance**2 / (self.resamples.n_groups - 1), 0.0
        for kinds, values, resampled in self._units():
            freedom = len(kinds) - len(set(kinds))
            if not freedom:
                continue
            for kind in set(kinds):
                mine = np.array([each == kind for each in kinds])
                values[mine] -= values[mine].mean()
                resampled[mine] -= resampled[mine].mean(axis=0)
            between = float(np.square(values).sum()) / freedom
            with_groups = float(resampled.var(axis=1).sum()) / freedom * few
            share = 1 / len(self.pairs)**2 / len(kinds)
            luck += share * (between - with_groups)
            uncertain += (share * between)**2 / freedom
        return variance + max(luck, 0.0), uncertain

    def swapped(self, n_permutations: int, *, seed: int) -> np.ndarray:
        """The difference where each group has changed sides or not, by chance: shape (n_permutations,)."""
        shape = n_permutations, self.resamples.n_groups
        swaps = np.random.default_rng(seed).integers(0, 2, shape).astype(float)
        moved, stayed = ({key: np.tensordot(part, parts, 1) for key, parts in self._parts.items()}
                         for part in (swaps, 1 - swaps))
        total = np.zeros(n_permutations)
        for one, other in self.pairs:
            meet = [(id(a), id(b)) for a, b in product(one, other) if a.seed == b.seed]
            for a, b in meet:
                total += (self._scored(stayed[a] + moved[b]) - self._scored(stayed[b] + moved[a])) / len(meet)
        return total / len(self.pairs)

    def _scored(self, totals):
        """The headline of sums over clips."""
        return metrics.scores(totals)[self.score] if self.task.classes else regression.scores(totals)[0][self.score]
