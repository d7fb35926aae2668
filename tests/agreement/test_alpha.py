"""Krippendorff's alpha: published examples, the package, meaning, what is not defined."""

import time

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from mer.agreement import alpha, ratings

# Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example C: 4 observers, 12 units, 5 values.
EXAMPLE = """1 2 3 3 2 1 4 1 2 . . .
             1 2 3 3 2 2 4 1 2 5 . 3
             . 3 3 3 2 3 4 2 2 5 1 .
             1 2 3 3 2 4 4 1 2 5 1 ."""


def table_of(matrices):
    """The table of ratings of shape (classes, raters, clips), NaN where there is none."""
    matrices = np.asarray(matrices, float)
    kind, rater, clip = np.nonzero(~np.isnan(matrices))
    values, value = np.unique(matrices[kind, rater, clip], return_inverse=True)
    names = [tuple(map(str, range(n))) for n in matrices.shape]
    return alpha.Table.of(ratings.Ratings(None, names[2], names[1], ("",) * len(names[1]), names[0], values, clip,
                                          rater, kind, value, {}))


def alphas(matrices, level, raters=None, units=None):
    """Alpha of each class and of all together; every rater and unit counts once."""
    table = table_of(matrices)
    raters = np.ones(np.shape(matrices)[1]) if raters is None else raters
    units = np.ones(len(table.unit_clip)) if units is None else units[table.unit_clip]
    return alpha.every_class(table.by(raters[None]), units[None], level)[0]


def example():
    return np.array([[float("nan") if cell == "." else float(cell) for cell in line.split()]
                     for line in EXAMPLE.splitlines()])


def by_package(matrix, level):
    return krippendorff.alpha(matrix, level_of_measurement=level)


@pytest.mark.parametrize("level, published", [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_published_example(level, published):
    assert alphas([example()], level) == pytest.approx([published], abs=5e-4)


def test_by_hand_for_two_observers_and_two_values():
    # Krippendorff (2011), example A: 10 units, 0/1, four disagreements; o_01 = 4, n_0 = 14, n_1 = 6: 1 - 19 * 4 / 84
    matrix = [[0] * 4 + [0] * 5 + [1], [1] * 4 + [0] * 5 + [1]]
    assert alphas([matrix], "nominal") == pytest.approx([1 - 19 * 4 / (14 * 6)])


@pytest.mark.parametrize("digits", [0, 1, 9])
@pytest.mark.parametrize("level", alpha.LEVELS)
def test_random_ratings_have_the_alpha_of_the_package(level, digits):
    rng = np.random.default_rng(7)
    for _ in range(20):
        n_classes, n_raters, n_clips = rng.integers(1, 4), rng.integers(2, 7), rng.integers(4, 15)
        made = rng.normal(size=(n_classes, 1, n_clips)) + rng.normal(size=(n_classes, n_raters, n_clips)) + 50
        made = np.round(2 * made, digits)
        made[rng.random(made.shape) < 0.2] = np.nan
        wanted = [by_package(matrix, level) for matrix in made]
        wanted += [by_package(np.concatenate(made, axis=1), level)] if n_classes > 1 else []
        assert alphas(made, level) == pytest.approx(wanted, abs=1e-9)


def test_a_slider_has_the_alpha_of_the_package(shared):
    given = ratings.read(shared / "cases" / "slider_10_30_2.csv")
    table, one = alpha.Table.of(given), np.ones((1, len(given.raters)))
    for level in alpha.LEVELS:
        found = alpha.every_class(table.by(one), np.ones((1, len(table.unit_clip))), level)[0]
        for place in range(len(given.classes)):
            mine, matrix = given.kind == place, np.full((len(given.raters), len(given.clips)), np.nan)
            matrix[given.rater[mine], given.clip[mine]] = given.values[given.value[mine]]
            assert found[place] == pytest.approx(by_package(matrix, level), abs=1e-9)


def test_ten_thousand_different_ratings_take_little_time():
    made = np.random.default_rng(0).normal(size=(1, 100, 100))
    table, start = table_of(made), time.perf_counter()
    for level in alpha.LEVELS:
        alpha.every_class(table.by(np.ones((1, 100))), np.ones((100, 100)), level)
    assert time.perf_counter() - start < 20  # 100 resamples at three levels; 0.5 s where nothing else runs


@given(st_numpy.arrays(int, st.tuples(st.integers(2, 5), st.integers(2, 7)), elements=st.integers(0, 4)),
       st.lists(st.integers(0, 3), min_size=7, max_size=7), st.sampled_from(alpha.LEVELS))
def test_a_weight_is_so_many_copies_of_a_clip(codes, weights, level):
    made = np.where(codes == 0, np.nan, np.cumsum(np.arange(5) + 0.5)[codes])
    weights = np.array(weights[:made.shape[1]], float)
    if np.isnan(made).all():
        return
    copies = np.repeat(made, weights.astype(int), axis=1)
    found = float(alphas([made], level, units=weights)[0])
    pairable = copies[:, (~np.isnan(copies)).sum(0) >= 2]
    n_drawn = (weights[(~np.isnan(made)).sum(0) >= 2] > 0).sum()
    if n_drawn < 2 or len(np.unique(pairable[~np.isnan(pairable)])) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(by_package(copies, level), abs=1e-9)


@pytest.mark.parametrize("level", alpha.LEVELS)
def test_a_rater_who_counts_twice_makes_no_pair_with_himself(level):
    made = np.random.default_rng(2).normal(size=(1, 3, 12)).round()
    apart = 1 - alphas(made, level)[0]
    noise = np.random.default_rng(3).normal(size=(1, 2, 4000)).round()
    assert alphas(noise, level, raters=np.array([2.0, 1.0]))[0] == pytest.approx(0, abs=0.05)  # with pairs: 0.3
    assert 1 - alphas(made, level, raters=np.full(3, 2.0))[0] == pytest.approx(apart, rel=0.05)


def test_many_samples_at_once_are_the_single_ones():
    rng = np.random.default_rng(0)
    made = rng.integers(0, 4, (2, 6, 5)).astype(float)
    table, raters, units = table_of(made), rng.integers(0, 2, (9, 6)), rng.integers(0, 3, (9, 10))
    for level in alpha.LEVELS:
        together = alpha.every_class(table.by(raters), units, level)
        for place in range(9):
            single = alpha.every_class(table.by(raters[[place]]), units[[place]], level)[0]
            assert together[place] == pytest.approx(single, nan_ok=True)


def test_full_agreement_is_one_and_noise_is_near_zero():
    full = np.tile(np.arange(40) % 4, (5, 1))
    noise = np.random.default_rng(0).integers(0, 4, (5, 4000))
    for level in alpha.LEVELS:
        assert alphas([full], level) == pytest.approx([1])
        assert abs(alphas([noise], level)[0]) < 0.02


@pytest.mark.parametrize("matrix, words", [
    ([[1, float("nan")], [float("nan"), 2]], "no clip was rated by two people"),
    ([[1, 1, 2], [1, 1, float("nan")]], "every rating is the same (1)"),
    ([[1.1, 1.1], [1.1, 1.1]], "every rating is the same (1.1)"),
    ([[1, 2], [2, float("nan")]], "only one clip"),
    ([[1, 2]], "one rater"),
])
def test_what_is_not_defined_is_nan_with_a_reason(matrix, words):
    table = table_of([matrix])
    assert words in alpha.undefined(table, np.ones(len(matrix), bool))
    for level in alpha.LEVELS:
        assert np.isnan(alphas([matrix], level)).all()


def test_an_interval_needs_nearly_all_resamples():
    samples = np.linspace(0, 1, 101)
    assert alpha.interval(samples) == pytest.approx((0.025, 0.975))
    samples[:3] = np.nan
    assert alpha.interval(samples)[0] > 0.025
    samples[:10] = np.nan
    assert alpha.interval(samples) == (None, None)
