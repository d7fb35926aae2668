"""Simulated test sets that two systems answer, each in several runs, with a known difference between them."""

from dataclasses import replace

import numpy as np
from scipy import optimize, stats

from mer.evaluation.paired import Run
from mer.evaluation.predictions import Predictions
from mer.tasks import TASKS

TASK = TASKS[0]


class Systems:
    """Two systems on the same clips of artists.

    A run's chance to be right about a clip is a sum: `right`, half of `effect` for or against its system, a deviate of
    the artist (0.15, shared), one of the artist for this system (`apart`), one of the run (`luck`), one of the run with
    this artist (0.05). Runs of a system often agree about a clip: the correlation behind their answers is 0.6.

    Parameters
    ----------
    n_groups : int
    n_runs : (int, int)
        Of each system.
    effect : float
        True difference of the accuracies; of macro F1 too, but for a second-order term, as classes and errors are even.
    luck : float >= 0
        Standard deviation of the chance to be right between runs.
    unequal : bool
        Artists have 1 to hundreds of clips (log-normal, sigma 1) instead of 6 each.
    biased : bool
        Where the second system is wrong it says the first class, and it is wrong less or more often, so that its macro
        F1 is what it would be.
    """

    def __init__(self, n_groups, *, n_runs=(1, 1), effect=0.0, luck=0.0, unequal=False, right=0.6, apart=0.1,
                 biased=False, seed=0):
        self.n_groups, self.n_runs, self.effect, self.luck = n_groups, n_runs, effect, luck
        self.unequal, self.right, self.apart, self.biased = unequal, right, apart, biased
        self.rng = np.random.default_rng(seed)

    def draw(self):
        """Runs of the two systems on a new test set."""
        rng, n_classes = self.rng, len(TASK.classes)
        sizes = (np.ceil(6 * rng.lognormal(-0.5, 1, self.n_groups)).astype(int) if self.unequal
                 else np.full(self.n_groups, 6))
        group = np.repeat(np.arange(self.n_groups), sizes)
        usual = rng.integers(0, n_classes, self.n_groups)[group]  # the class of half of an artist's clips
        truth = np.where(rng.random(len(group)) < 0.5, usual, rng.integers(0, n_classes, len(group)))
        shared, sides = rng.normal(0, 0.15, self.n_groups), []
        for side, n_runs in enumerate(self.n_runs):
            own, usual = rng.normal(0, self.apart, self.n_groups), rng.normal(size=len(group))
            runs = []
            for _ in range(n_runs):
                with_run = rng.normal(0, self.luck) + rng.normal(0, 0.05, self.n_groups)
                right = self.right + (0.5 - side) * self.effect
                chance = (as_good(right) if side and self.biased else right) + (shared + own + with_run)[group]
                mood = stats.norm.cdf(np.sqrt(0.6) * usual + np.sqrt(0.4) * rng.normal(size=len(group)))
                wrong = (truth + rng.integers(1, n_classes, len(truth))) % n_classes
                if side and self.biased:
                    wrong = np.where(truth == 0, wrong, 0)
                runs.append(Run(held(group, truth, np.where(mood < chance, truth, wrong)), seed=None))
            sides.append(runs)
        return sides


def as_good(f1):
    """Accuracy of a system of that macro F1, which says the first class where it is wrong and any other for that one.

    With n even classes and accuracy a, F1 of the first class is 2 a / (1 + a + (n - 1) (1 - a)), that of each other one
    2 a / (1 + a + (1 - a) / (n - 1)).
    """
    n = len(TASK.classes)

    def missing(a):
        first, other = (2 * a / (1 + a + (1 - a) * wrong) for wrong in (n - 1, 1 / (n - 1)))
        return (first + (n - 1) * other) / n - f1
    return optimize.brentq(missing, 0.01, 0.99)


def held(group, truth, answers):
    """`Predictions` of one patch a clip."""
    clips = [f"clip {place}" for place in range(len(truth))]
    return Predictions(clips, [f"artist {each}" for each in group], (TASK,), {TASK.name: truth}, np.arange(len(truth)),
                       np.zeros(len(truth)), {}, {}, {("clip", TASK.name): answers}, {})


def rates(systems, test, *, repeats, true=0.0, **keywords):
    """Over many test sets: how often p is below 0.05, how often the interval holds the truth.

    Returns
    -------
    dict
        ``rejects`` and ``permutation``, share of p below 0.05; ``covers``; ``value``, mean; ``detectable``: that of the
        root mean square of the standard errors, and of the median of their degrees of freedom.
    """
    found = [test(*systems.draw(), TASK, seed=number, **keywords) for number in range(repeats)]
    usual = replace(found[0], error=float(np.sqrt(np.mean([one.error**2 for one in found]))),
                    freedom=float(np.median([one.freedom for one in found])))
    return {name: float(np.mean(values)) for name, values in {
        "rejects": [one.p < 0.05 for one in found], "permutation": [one.p_permutation < 0.05 for one in found],
        "covers": [one.low <= true <= one.high for one in found], "detectable": usual.detectable(),
        "value": [one.difference for one in found]}.items()}
