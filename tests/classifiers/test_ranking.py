"""Chi2 of features, and whether corpora agree on them more than chance has it."""

import numpy as np
import pytest

from mer.classifiers import ranking


def corpus(told, *, seed, n_clips=80, width=60):
    """Parts of clips of four classes; the features in `told` differ by class; all vary by different amounts."""
    rng = np.random.default_rng(seed)
    classes, clip = np.repeat(np.arange(n_clips) % 4, 3), np.repeat(np.arange(n_clips), 3)
    values = rng.gamma(np.geomspace(0.05, 50, width), size=(len(clip), width))  # skewed less and less
    values[:, told] += 3 * rng.normal(size=(4, len(told)))[classes]
    return values, classes, clip


def test_relevance_by_hand():
    """Sums of a feature by class, 3 and 1, where 2 and 2 are expected: (1 + 1) / 2 = 1."""
    values = np.array([[1.0, 0.5, 0.0], [2.0, 0.5, 0.0], [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]])
    assert ranking.relevance(values, np.array([0, 0, 1, 1])) == pytest.approx([1, 0, 0])
    scaled = ranking.scaled(corpus([3, 4], seed=0)[0])
    assert scaled.min() == 0 and scaled.max() == pytest.approx(1)


def test_agreement_of_the_same_and_the_opposite():
    values = np.random.default_rng(0).random(200)
    assert ranking.agreement(values, values) == {"rho": pytest.approx(1), "top 10": 10, "top 50": 50}
    assert ranking.agreement(values, -values) == {"rho": pytest.approx(-1), "top 10": 0, "top 50": 0}
    assert set(ranking.agreement(values[:20], values[:20])) == {"rho", "top 10"}


def test_corpora_that_share_features_agree_and_others_do_not():
    told = [0, 7, 14, 21, 28, 35, 42, 49]
    alike = ranking.compare([corpus(told, seed=1), corpus(told, seed=2)], n_shuffles=99, seed=0)
    assert alike["top 10"]["p"] == 0.01 and alike["top 10"]["value"] >= 7 > alike["top 10"]["null_high"]
    apart = ranking.compare([corpus(told, seed=1), corpus([3, 10, 17, 24, 31, 38, 45, 52], seed=2)], n_shuffles=99,
                            seed=0)
    assert apart["top 10"]["p"] > 0.05 and apart["rho"]["p"] > 0.05
    noise = ranking.compare([corpus([], seed=1), corpus([], seed=2)], n_shuffles=99, seed=0)
    assert noise["rho"]["value"] > 0.3 and noise["rho"]["p"] > 0.05, "features that vary more rank higher by themselves"
