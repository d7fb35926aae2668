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


def test_groups_are_drawn_whole():
    rng = np.random.default_rng(0)
    of_speaker = rng.standard_normal(10)
    clip, group = np.arange(200), np.repeat([f"speaker {n}" for n in range(10)], 20)
    better_by = of_speaker.repeat(20) + 0.1 * rng.standard_normal(200)
    by_group = intervals.paired_mean(better_by, np.ones(200), clip=clip, group=group, n_bootstrap=2000)
    by_clip = intervals.paired_mean(better_by, np.ones(200), clip=clip, group=["one"] * 200, n_bootstrap=2000)
    assert (by_group["unit"], by_group["n_units"], by_clip["unit"], by_clip["n_units"]) == ("group", 10, "clip", 200)
    assert by_group["value"] == pytest.approx(better_by.mean())
    width = by_group["high"] - by_group["low"]
    # Student's t with nine degrees of freedom, times the standard error of the mean of ten speakers
    assert width == pytest.approx(2 * 2.262 * of_speaker.std(ddof=1) / 10**0.5, rel=0.1)
    assert width > 3 * (by_clip["high"] - by_clip["low"])


def test_one_clip_has_no_interval_and_shows_nothing():
    found = intervals.paired_mean(np.ones(4), np.ones(4), clip=np.zeros(4, int), group=["a"], n_bootstrap=100)
    assert found == {"value": 1.0, "low": None, "high": None, "unit": "clip", "n_units": 1}


def test_a_difference_of_shares_stays_within_one():
    right, other = np.array([1.0, 1, 1, 0, 0, 0]), np.array([0.0, 0, 0, 0, 1, 1])
    clip = np.array([0, 0, 0, 1, 1, 1])  # two clips: one degree of freedom, t = 12.7
    call = {"clip": clip, "group": ["a", "b"], "n_bootstrap": 500}
    free = intervals.paired_mean(right - other, np.ones(6), **call)
    assert free["low"] < -1 and free["high"] > 1
    bound = intervals.paired_mean(right - other, np.ones(6), bounds=(-1, 1), **call)
    assert (bound["low"], bound["high"]) == (-1, 1) and bound["value"] == free["value"]
