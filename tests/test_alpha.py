"""Krippendorff's alpha: published examples, the package, meaning, what is not defined."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mer.raters import alpha

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example C: 4 observers, 12 units, 5 values.
EXAMPLE = """1 2 3 3 2 1 4 1 2 . . .
             1 2 3 3 2 2 4 1 2 5 . 3
             . 3 3 3 2 3 4 2 2 5 1 .
             1 2 3 3 2 4 4 1 2 5 1 ."""
VALUES = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


def example_counts():
    units = zip(*(line.split() for line in EXAMPLE.splitlines()), strict=True)
    return np.array([[unit.count(f"{value:g}") for value in VALUES] for unit in units])


@pytest.mark.parametrize("level, published", [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_published_example(level, published):
    counts = example_counts()
    assert alpha.alpha(counts, VALUES, level) == pytest.approx(published, abs=5e-4)
    assert alpha.resampled(counts, np.ones(len(counts)), VALUES, level) == pytest.approx(published, abs=5e-4)


def test_by_hand_for_two_observers_and_two_values():
    # Krippendorff (2011), example A: 10 units, 0/1, four disagreements; o_01 = 4, n_0 = 14, n_1 = 6: 1 - 19 * 4 / 84
    counts = np.array([[1, 1]] * 4 + [[2, 0]] * 5 + [[0, 2]])
    assert alpha.alpha(counts, np.array([0.0, 1.0]), "nominal") == pytest.approx(1 - 19 * 4 / (14 * 6))
    assert alpha.alpha(counts, np.array([0.0, 1.0]), "nominal") == pytest.approx(0.095, abs=5e-4)


@given(st_numpy.arrays(int, st.tuples(st.integers(2, 7), st.integers(2, 5)), elements=st.integers(0, 4)),
       st.lists(st.integers(0, 3), min_size=7, max_size=7), st.sampled_from(alpha.LEVELS))
def test_a_weight_is_so_many_copies_of_a_unit(counts, weights, level):
    weights = np.array(weights[:len(counts)])
    values = np.cumsum(np.arange(counts.shape[1]) + 0.5)
    copies = np.repeat(counts, weights, axis=0)
    made = float(alpha.resampled(counts, weights, values, level))
    if alpha.undefined(copies, values) or (weights[counts.sum(1) >= 2] > 0).sum() < 2:
        assert np.isnan(made)
    else:
        wanted = krippendorff.alpha(value_counts=copies, value_domain=values, level_of_measurement=level)
        assert made == pytest.approx(wanted, abs=1e-9)


def test_many_tables_at_once_are_the_single_ones():
    rng = np.random.default_rng(0)
    counts, weights = rng.integers(0, 4, (6, 3, 5, 4)), rng.integers(0, 3, (6, 3, 5))
    for level in alpha.LEVELS:
        together = alpha.resampled(counts, weights, np.arange(4.0), level)
        for place in np.ndindex(6, 3):
            assert together[place] == pytest.approx(
                alpha.resampled(counts[place], weights[place], np.arange(4.0), level), nan_ok=True)


def test_full_agreement_is_one_and_noise_is_near_zero():
    counts = np.eye(4, dtype=int)[np.arange(40) % 4] * 5
    noise = np.random.default_rng(0).multinomial(5, [0.25] * 4, size=4000)
    for level in alpha.LEVELS:
        assert alpha.alpha(counts, np.arange(4.0), level) == pytest.approx(1)
        assert abs(alpha.alpha(noise, np.arange(4.0), level)) < 0.02


def test_many_different_values_take_the_same_formula(monkeypatch):
    counts = example_counts()
    wanted = alpha.alpha(counts, VALUES, "ordinal")
    monkeypatch.setattr(alpha, "_MOST_PACKAGE_CELLS", 1)
    monkeypatch.setattr(krippendorff, "alpha", None)
    assert alpha.alpha(counts, VALUES, "ordinal") == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("counts, words", [
    ([[1, 0], [0, 1]], "no clip was rated by two people"),
    ([[2, 0], [3, 0], [0, 1]], "every rating is the same (1)"),
    ([[2, 1], [0, 1]], "only one clip"),
])
def test_what_is_not_defined_is_none_with_a_reason(counts, words):
    counts, values = np.array(counts), np.array([1.0, 2.0])
    assert words in alpha.undefined(counts, values)
    for level in alpha.LEVELS:
        assert alpha.alpha(counts, values, level) is None
        assert np.isnan(alpha.resampled(counts, np.ones(len(counts)), values, level))


def test_an_interval_needs_nearly_all_resamples():
    samples = np.linspace(0, 1, 101)
    assert alpha.interval(samples) == pytest.approx((0.025, 0.975))
    samples[:3] = np.nan
    assert alpha.interval(samples)[0] > 0.025
    samples[:10] = np.nan
    assert alpha.interval(samples) == (None, None)
