"""Do the intervals of intervals and metrics mean what they say? Simulated test sets, by hundreds.

The quick tests look at one case each. `python -m pytest -m slow tests/evaluation/test_coverage.py` looks at all, and
`PYTHONPATH=. python3 tests/evaluation/test_coverage.py` prints the tables of docs/report.md.
"""

import numpy as np
import pytest

from mer.evaluation import intervals, metrics
from mer.tasks import TASKS

CLASSES = TASKS[0].units
CLIPS_OF_AN_ARTIST = 9


class World:
    """Simulated test sets whose artists differ in how easy they are.

    Parameters
    ----------
    n_groups : int
    unequal : bool
        Sizes are 1 + geometric, mean 9, instead of 9.
    spread : float > 0
        The share of an artist's clips that a model has right is Beta(spread * right, spread * (1 - right)). The
        correlation of two clips of an artist is 1 / (spread + 1).
    right : float in (0, 1)
        Its mean: the true accuracy and, since classes and errors are even, the true macro F1.
    """

    def __init__(self, n_groups, *, unequal=False, spread=2.0, right=0.5, seed=0):
        self.n_groups, self.unequal, self.spread, self.right = n_groups, unequal, spread, right
        self.rng = np.random.default_rng(seed)

    def draw(self):
        """Group and true class of the clips of one test set; an artist has a class that half of the clips are of."""
        sizes = (1 + self.rng.geometric(1 / (CLIPS_OF_AN_ARTIST - 1), self.n_groups) if self.unequal
                 else np.full(self.n_groups, CLIPS_OF_AN_ARTIST))
        group = np.repeat(np.arange(self.n_groups), sizes)
        usual = self.rng.integers(0, CLASSES, self.n_groups)[group]
        return group, np.where(self.rng.random(len(group)) < 0.5, usual, self.rng.integers(0, CLASSES, len(group)))

    def ease(self, group):
        """Chance of each clip to be answered right, of one model or of all."""
        return self.rng.beta(self.spread * self.right, self.spread * (1 - self.right), self.n_groups)[group]

    def answers(self, truth, ease):
        """What a model says that is right with that chance, and otherwise says any other class."""
        wrong = (truth + self.rng.integers(1, CLASSES, len(truth))) % CLASSES
        return np.where(self.rng.random(len(truth)) < ease, truth, wrong)


def sampled(truth, answers, resamples):
    """`metrics.samples` of one model."""
    n = len(truth)
    parts = metrics.clip_confusions(truth, answers, np.arange(n), n_clips=n, n_classes=CLASSES)
    return metrics.samples(TASKS[0], parts, resamples)


def coverage(world, *, repeats, n_bootstrap=300, score="accuracy"):
    """Share of 95 % intervals that hold the true score: percentiles over clips (as before), and over groups."""
    hits = np.zeros(2)
    for seed in range(repeats):
        group, truth = world.draw()
        answers = world.answers(truth, world.ease(group))
        over_groups = intervals.draw(group, n_bootstrap=n_bootstrap, seed=seed)
        over_clips = intervals.draw(range(len(group)), n_bootstrap=n_bootstrap, seed=seed)
        low, high = np.quantile(sampled(truth, answers, over_clips)[score][0][1], [0.025, 0.975])
        found = intervals.estimate([sampled(truth, answers, over_groups)[score][0]], over_groups, bounds=(0, 1))
        hits += low <= world.right <= high, found.low <= world.right <= found.high
    return tuple(hits / repeats)


def difference_errors(world, *, repeats, n_runs=1, seed_spread=0.0, n_bootstrap=300, score="f1_macro"):
    """Share of differences of two equally good models whose interval leaves 0 out.

    Both find the same artists easy, by halves. With several runs, each run is as good as a seed makes it: its chance of
    a right answer is moved by a normal deviate of `seed_spread`.
    """
    wrong = 0
    for seed in range(repeats):
        group, truth = world.draw()
        shared, resamples = world.ease(group), intervals.draw(group, n_bootstrap=n_bootstrap, seed=seed)
        sides = []
        for _ in range(2):
            own = (shared + world.ease(group)) / 2
            lucks = world.rng.normal(0, seed_spread, n_runs)
            sides.append([sampled(truth, world.answers(truth, np.clip(own + luck, 0, 1)), resamples)[score][0]
                          for luck in lucks])
        wrong += intervals.estimate(sides[0], resamples, minus=sides[1]).p < 0.05
    return wrong / repeats


def noise_called_hearing(world, *, repeats, shares, per_artist=False, n_bootstrap=300, score="f1_macro"):
    """Share of classifiers of pure noise that are called above guessing.

    Parameters
    ----------
    shares : sequence of float, length CLASSES
        How often the noise says each class; the truth is uneven in the same way.
    per_artist : bool
        It says one class for all clips of an artist.
    """
    wrong = 0
    for seed in range(repeats):
        group, truth = world.draw()
        truth = np.where(world.rng.random(len(truth)) < 0.5, truth, world.rng.choice(CLASSES, len(truth), p=shares))
        says = world.rng.choice(CLASSES, world.n_groups, p=shares)[group] if per_artist else world.rng.choice(
            CLASSES, len(truth), p=shares)
        resamples = intervals.draw(group, n_bootstrap=n_bootstrap, seed=seed)
        wrong += intervals.estimate([sampled(truth, says, resamples)[score][1]], resamples).low > 0
    return wrong / repeats


def test_intervals_over_groups_cover_the_truth_and_those_over_clips_do_not():
    over_clips, over_groups = coverage(World(20), repeats=150)
    assert over_clips < 0.80
    assert over_groups > 0.89


def test_no_difference_is_found_where_there_is_none():
    assert difference_errors(World(20), repeats=150) < 0.11


def test_noise_is_not_called_hearing():
    assert noise_called_hearing(World(20), repeats=150, shares=(0.55, 0.25, 0.1, 0.1)) <= 0.06


def test_a_difference_that_is_there_is_found():
    world, found = World(40, seed=3), 0
    for seed in range(40):
        group, truth = world.draw()
        ease, resamples = world.ease(group), intervals.draw(group, n_bootstrap=300, seed=seed)
        better, worse = (sampled(truth, world.answers(truth, chance), resamples)["f1_macro"][0]
                         for chance in (ease, 0.75 * ease))
        found += intervals.estimate([better], resamples, minus=[worse]).low > 0
    assert found > 30


@pytest.mark.slow
@pytest.mark.parametrize("score", ["accuracy", "f1_macro"])
@pytest.mark.parametrize("spread", [0.6, 1.0, 2.0, 2.7])
def test_nine_clips_an_artist(spread, score):
    over_clips, over_groups = coverage(World(40, spread=spread), repeats=600, score=score)
    assert 0.5 < over_clips < 0.78
    assert 0.92 < over_groups < 0.975


@pytest.mark.slow
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("n_groups, least", [(6, 0.90), (10, 0.90), (20, 0.91), (80, 0.93)])
def test_few_and_unequal_groups(n_groups, least, unequal):
    over_clips, over_groups = coverage(World(n_groups, unequal=unequal), repeats=600)
    assert over_clips < 0.8 and least < over_groups < 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [6, 10, 20, 40])
@pytest.mark.parametrize("n_runs, seed_spread", [(1, 0.0), (3, 0.0), (3, 0.1), (5, 0.1)])
def test_differences_of_equal_models_leave_0_out_in_5_percent(n_groups, n_runs, seed_spread):
    assert difference_errors(World(n_groups), repeats=500, n_runs=n_runs, seed_spread=seed_spread) < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [6, 10, 20, 60])
@pytest.mark.parametrize("shares", [(0.25,) * 4, (0.55, 0.25, 0.1, 0.1), (0.85, 0.05, 0.05, 0.05)])
@pytest.mark.parametrize("per_artist", [False, True])
@pytest.mark.parametrize("score", ["accuracy", "f1_macro", "f1_weighted"])
def test_at_most_5_percent_of_pure_noise_is_called_hearing(n_groups, shares, per_artist, score):
    assert noise_called_hearing(World(n_groups), repeats=400, shares=shares, per_artist=per_artist, score=score) < 0.07


if __name__ == "__main__":  # the tables in docs/report.md
    print("coverage: artists, sizes, accuracy: over clips, over artists")
    for unequal in (False, True):
        for right, spread in ((0.5, 2.0), (0.7, 2.0), (0.85, 2.0)):
            for n_groups in (5, 10, 20, 40, 80):
                shown = coverage(World(n_groups, unequal=unequal, right=right, spread=spread), repeats=1000)
                print("unequal" if unequal else "equal  ", right, n_groups, *(f"{share:.3f}" for share in shown),
                      flush=True)
    print("differences: artists, runs, spread of seeds: share that leaves 0 out")
    for n_runs, seed_spread in ((1, 0.0), (3, 0.1), (5, 0.1)):
        for n_groups in (5, 10, 20, 40):
            print(n_groups, n_runs, seed_spread, difference_errors(World(n_groups), repeats=1000, n_runs=n_runs,
                                                                   seed_spread=seed_spread), flush=True)
    print("noise called hearing: artists, score, one answer an artist")
    for per_artist in (False, True):
        for n_groups in (5, 10, 20, 40):
            for score in ("accuracy", "f1_macro", "f1_weighted"):
                print(n_groups, score, per_artist, noise_called_hearing(
                    World(n_groups), repeats=1000, shares=(0.55, 0.25, 0.1, 0.1), per_artist=per_artist, score=score),
                    flush=True)
