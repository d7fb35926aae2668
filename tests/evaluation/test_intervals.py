"""intervals: whole groups are drawn, runs count, differences are paired, many tests are corrected."""

import numpy as np
import pytest

from mer.evaluation import intervals


def test_whole_groups_are_drawn_and_their_clips_come_along():
    made = intervals.draw(["a", "b", "a", "c"], n_bootstrap=50, seed=1)
    assert (made.weights[:, 0] == made.weights[:, 2]).all()
    assert (made.weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert made.n_groups == 3 and made.n_effective == pytest.approx(16 / 6)


def test_draws_depend_on_the_groups_and_not_on_the_order_of_the_clips():
    names = ["x", "y", "z", "y", "x", "w"]
    order = [5, 3, 1, 0, 2, 4]
    one, other = (intervals.draw(groups, n_bootstrap=20, seed=3) for groups in (names, [names[i] for i in order]))
    assert (one.weights[:, order] == other.weights).all()


def _mean(values, resamples):
    """A mean over clips, on the test set and on each resample."""
    return values.mean(), resamples.weights @ values / resamples.weights.sum(axis=1)


def test_interval_of_a_mean_over_single_clips_is_students(rng):
    from scipy import stats
    values = rng.normal(size=12)
    resamples = intervals.draw(range(12), n_bootstrap=20000, seed=0)
    found = intervals.estimate([_mean(values, resamples)], resamples)
    low, high = stats.t.interval(0.95, 11, values.mean(), stats.sem(values))
    assert [found.low, found.high] == pytest.approx([low, high], abs=0.02)
    assert found.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=0.05)


def test_a_paired_difference_is_narrower_than_the_two_scores(rng):
    easy = rng.normal(0.5, 0.3, 30)
    resamples = intervals.draw(range(30), n_bootstrap=500, seed=0)
    one, other = (_mean(easy + rng.normal(shift, 0.01, 30), resamples) for shift in (0.05, 0))
    apart = [intervals.estimate([side], resamples) for side in (one, other)]
    paired = intervals.estimate([one], resamples, minus=[other])
    assert apart[0].low < apart[1].high  # the intervals overlap
    assert 0.03 < paired.low < paired.high < 0.07 and paired.p < 0.05


def test_runs_that_scatter_widen_the_interval_of_their_mean(rng):
    values = rng.normal(size=40)
    resamples = intervals.draw(range(40), n_bootstrap=500, seed=0)
    mean, samples = _mean(values, resamples)
    alike = intervals.estimate([(mean, samples)] * 3, resamples)
    apart = intervals.estimate([(mean + move, samples + move) for move in (-0.5, 0, 0.5)], resamples)
    assert apart.value == pytest.approx(alike.value)
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_p_is_below_5_percent_exactly_where_the_interval_leaves_0_out(rng):
    resamples = intervals.draw(np.arange(40) // 4, n_bootstrap=200, seed=0)
    for shift in np.linspace(-1, 1, 21):
        found = intervals.estimate([_mean(rng.normal(shift, 1, 40), resamples)], resamples)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_one_group_or_no_resamples_tell_no_spread():
    for groups, n in ((["a", "a"], 50), (["a", "b"], 0)):
        resamples = intervals.draw(groups, n_bootstrap=n, seed=0)
        found = intervals.estimate([(0.5, np.zeros(n))], resamples)
        assert (found.value, found.low, found.high, found.p) == (0.5, None, None, None)


def test_no_spread_at_all_is_an_interval_without_width():
    resamples = intervals.draw(list("abc"), n_bootstrap=20, seed=0)
    same = (1.0, np.ones(20))
    found = intervals.estimate([same], resamples)
    assert (found.low, found.high, found.p) == (1, 1, 0)
    assert intervals.estimate([same], resamples, minus=[same]).p == 1


def test_ends_stay_within_bounds(rng):
    resamples = intervals.draw(list("abc"), n_bootstrap=20, seed=0)
    found = intervals.estimate([(0.9, rng.normal(0.9, 0.3, 20))], resamples, bounds=(0, 1))
    assert found.high == 1


def test_holm_by_hand():
    assert intervals.holm([0.01, None, 0.04, 0.03]) == [0.03, None, pytest.approx(0.06), pytest.approx(0.06)]
