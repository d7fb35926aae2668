"""hypotheses: does a planned comparison say what is true? Known answers by hand, and simulated systems by hundreds.

The quick tests look at a few cases. `python -m pytest -m slow tests/evaluation/test_hypotheses.py` looks at all, and
`PYTHONPATH=. python3 tests/evaluation/test_hypotheses.py` prints the tables of docs/answer.md.
"""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from simulated_systems import TASK, Systems, held, rates
from sklearn.metrics import f1_score

from mer import MerError
from mer.evaluation import hypotheses
from mer.evaluation.paired import Run

QUICK = {"n_bootstrap": 200, "n_permutations": 199}
DESIGNS = [  # runs of each side, luck of training
    ((1, 1), 0.0), ((3, 3), 0.0), ((3, 3), 0.03), ((5, 5), 0.03), ((9, 3), 0.02)]


def systems(n_groups=24, **facts):
    return Systems(n_groups, **facts)


def score(run):
    return f1_score(run.predictions.truth[TASK.name], run.predictions.predicted["clip", TASK.name], average="macro")


def test_the_difference_is_that_of_the_mean_scores():
    one, other = systems(n_runs=(3, 2), effect=0.1).draw()
    found = hypotheses.test(one, other, TASK, **QUICK)
    assert found.one == pytest.approx(np.mean([score(run) for run in one]), abs=1e-12)
    assert found.difference == pytest.approx(found.one - np.mean([score(run) for run in other]), abs=1e-12)
    assert (found.n_runs, found.n_pairs, found.n_groups, found.score) == ((3, 2), 1, 24, "f1_macro")
    assert found.low < found.difference < found.high
    turned = hypotheses.test(other, one, TASK, **QUICK)
    assert (turned.difference, turned.high) == pytest.approx((-found.difference, -found.low))


def test_the_interval_of_single_runs_is_that_of_the_groups():
    one, other = systems(n_groups=40).draw()
    found = hypotheses.test(one, other, TASK, n_bootstrap=4000, n_permutations=1)
    group = np.array(one[0].predictions.groups)
    rng, drawn = np.random.default_rng(9), []
    places = [np.flatnonzero(group == name) for name in dict.fromkeys(group)]
    for _ in range(400):
        mine = np.concatenate([places[place] for place in rng.integers(0, 40, 40)])
        drawn.append(np.subtract(*(f1_score(run.predictions.truth[TASK.name][mine],
                                            run.predictions.predicted["clip", TASK.name][mine], average="macro")
                                   for run in (one[0], other[0]))))
    assert found.error == pytest.approx(np.std(drawn) * np.sqrt(40 / 39), rel=0.12)
    assert found.freedom == pytest.approx(39)
    half = stats.t.ppf(0.975, 39) * found.error
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.difference) / found.error, 39))
    assert found.detectable() == pytest.approx((stats.t.ppf(0.975, 39) + stats.t.ppf(0.8, 39)) * found.error)
    assert found.detectable(0.01) > found.detectable()
    assert not found.knows_luck


def test_whole_groups_change_sides():
    """Two groups: the second system is right on one, the first on the other; all swaps can be written down."""
    group, truth = np.repeat([0, 1], 8), np.tile([0, 1, 2, 3], 4)
    answers = [np.where(group == side, truth, (truth + 1) % 4) for side in (0, 1)]
    one, other = ([Run(held(group, truth, each))] for each in answers)
    found = hypotheses.test(one, other, TASK, n_bootstrap=50, n_permutations=400)
    assert found.difference == 0 and found.p_permutation == 1
    better = [Run(held(group, truth, truth))]  # right on both: 2 swaps of 4 leave it so far
    assert hypotheses.test(better, [Run(held(group, truth, (truth + 1) % 4))], TASK, n_bootstrap=50,
                           n_permutations=400).p_permutation == pytest.approx(0.5, abs=0.1)


def test_runs_of_other_kinds_are_no_luck():
    """Three kinds that differ much, each in two equal runs: nothing is left to luck."""
    one, other = systems(n_groups=24, seed=4, n_runs=(1, 1)).draw()
    base = one[0].predictions
    rng, sides = np.random.default_rng(0), []
    for share in (0.1, 0.5, 0.9):
        answers = np.where(rng.random(len(base.clips)) < share, base.truth[TASK.name], 0)
        sides += [Run(held([name[7:] for name in base.groups], base.truth[TASK.name], answers), kind=str(share))] * 2
    apart = hypotheses.test(sides, other * 2, TASK, **QUICK)
    mixed = hypotheses.test([dataclasses.replace(run, kind="") for run in sides], other * 2, TASK, **QUICK)
    assert apart.error < 0.6 * mixed.error


def test_runs_that_happen_to_agree_make_no_interval_shorter():
    """Never shorter than artists alone make it: that one knows runs of kinds of their own, which tell no luck."""
    shares = []
    for seed in range(12):
        one, other = systems(n_runs=(3, 3), seed=seed).draw()
        apart = [[dataclasses.replace(run, kind=number) for number, run in enumerate(side)] for side in (one, other)]
        shares.append(hypotheses.test(one, other, TASK, **QUICK).error
                      / hypotheses.test(*apart, TASK, **QUICK).error)
    assert min(shares) > 1 - 1e-9 and max(shares) > 1.02


def test_equal_seeds_are_paired():
    """What a seed does to both sides cancels."""
    base, other = systems(n_groups=60, effect=0.05, seed=2).draw()
    rng, sides = np.random.default_rng(3), ([], [])
    truth, group = base[0].predictions.truth[TASK.name], [name[7:] for name in base[0].predictions.groups]
    for seed in range(4):
        spoilt = rng.random(len(truth)) < 0.12 * seed
        for side, runs in zip(sides, (base, other), strict=True):
            answers = np.where(spoilt, 0, runs[0].predictions.predicted["clip", TASK.name])
            side.append(Run(held(group, truth, answers), seed=seed))
    paired = hypotheses.test(*sides, TASK, **QUICK)
    apart = hypotheses.test(*([dataclasses.replace(run, seed=None) for run in side] for side in sides), TASK, **QUICK)
    assert paired.difference == pytest.approx(apart.difference)
    assert paired.error < 0.7 * apart.error and paired.knows_luck


def test_pairs_on_other_test_sets_are_averaged():
    pairs = [Systems(n, n_runs=(2, 2), effect=effect, seed=n).draw() for n, effect in ((20, 0.3), (30, 0.0))]
    alone = [hypotheses.test(*sides, TASK, **QUICK) for sides in pairs]
    named = [[Run(run.predictions, pair=str(number)) for number, sides in enumerate(pairs) for run in sides[side]]
             for side in (0, 1)]
    found = hypotheses.test(*named, TASK, **QUICK)
    assert found.difference == pytest.approx(np.mean([one.difference for one in alone]))
    assert found.error == pytest.approx(np.hypot(*(one.error for one in alone)) / 2, rel=0.15)
    assert (found.n_pairs, found.n_groups) == (2, 50)


def test_one_side_is_asked_for():
    one, other = systems(effect=0.15).draw()
    two = hypotheses.test(one, other, TASK, **QUICK)
    greater, less = (hypotheses.test(one, other, TASK, alternative=name, **QUICK) for name in ("greater", "less"))
    assert greater.p == pytest.approx(two.p / 2) and less.p == pytest.approx(1 - two.p / 2)
    assert greater.p_permutation < 0.5 < less.p_permutation
    assert greater.detectable() < two.detectable()


def test_a_single_group_tells_no_spread():
    one, other = systems(n_groups=1).draw()
    found = hypotheses.test(one, other, TASK, **QUICK)
    assert (found.low, found.p, found.p_permutation, found.detectable(), found.disagrees) == (None,) * 4 + (False,)


def test_what_cannot_be_compared_is_refused():
    one, other = systems().draw()
    fewer = systems(n_groups=20).draw()[1]
    for sides, words in (((one, []), "one side only"), ((one, fewer), "different clips"), (([], []), "no runs came"),
                         (([Run(one[0].predictions, seed=1)], [Run(other[0].predictions, seed=2)]), "seeds")):
        with pytest.raises(MerError, match=words):
            hypotheses.test(*sides, TASK, **QUICK)
    with pytest.raises(MerError, match="two-sided, greater, less"):
        hypotheses.test(one, other, TASK, alternative="better")


@pytest.mark.parametrize("n_groups, unequal", [(12, True), (24, False)])
def test_a_true_null_is_seldom_rejected_and_the_interval_covers(n_groups, unequal):
    shares = rates(systems(n_groups, n_runs=(3, 3), luck=0.02, unequal=unequal), hypotheses.test, repeats=150, **QUICK)
    assert shares["rejects"] < 0.1 and shares["covers"] > 0.9


def test_an_effect_of_the_size_that_is_detectable_is_found_four_times_in_five():
    null = rates(systems(), hypotheses.test, repeats=60, **QUICK)
    shares = rates(systems(effect=null["detectable"], seed=1), hypotheses.test, repeats=100, true=null["detectable"],
                   **QUICK)
    assert 0.68 < shares["rejects"] < 0.92


def test_the_permutation_knows_nothing_of_luck():
    """Why it does not decide: with few runs that differ much it finds what is not there."""
    shares = rates(systems(100, n_runs=(2, 2), luck=0.06), hypotheses.test, repeats=60, **QUICK)
    assert shares["permutation"] > 0.2 and shares["rejects"] < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [12, 24, 100])
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("n_runs, luck", DESIGNS)
def test_rejections_coverage_and_power(n_runs, luck, unequal, n_groups):
    facts = {"n_runs": n_runs, "luck": luck, "unequal": unequal}
    null = rates(systems(n_groups, **facts), hypotheses.test, repeats=1000, **QUICK)
    assert 0.03 <= null["rejects"] <= 0.07 and 0.93 <= null["covers"] <= 0.97
    true = null["detectable"]
    found = rates(systems(n_groups, effect=true, seed=1, **facts), hypotheses.test, repeats=1000, true=true, **QUICK)
    assert 0.76 <= found["rejects"] <= 0.84


if __name__ == "__main__":  # the tables in docs/answer.md
    print("artists, clips, runs, luck, errors: null rejected, by permutation, covered; detectable, found, covered")
    for biased, designs in ((False, DESIGNS), (True, DESIGNS[2:3])):
        for n_runs, luck in designs:
            for unequal in (False, True):
                for n_groups in (12, 24, 100):
                    facts = {"n_runs": n_runs, "luck": luck, "unequal": unequal, "biased": biased}
                    null = rates(systems(n_groups, **facts), hypotheses.test, repeats=1000, **QUICK)
                    true = null["detectable"]
                    found = rates(systems(n_groups, effect=true, seed=1, **facts), hypotheses.test, repeats=500,
                                  true=true, **QUICK)
                    numbers = (null["rejects"], null["permutation"], null["covers"], true, found["rejects"],
                               found["covers"])
                    print(n_groups, "unequal" if unequal else "6 each", *n_runs, luck,
                          "one class" if biased else "any", *(f"{each:.3f}" for each in numbers), flush=True)
