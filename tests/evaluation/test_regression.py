"""regression: CCC is its formula, R2 and RMSE are scikit-learn's, intervals hold the true value, a head learns."""

import numpy as np
import pytest
from made_up import predictions, without_pictures
from sklearn.metrics import r2_score, root_mean_squared_error

from mer.evaluation import compare, intervals, metrics, regression, report, results
from mer.evaluation import predictions as held_predictions
from mer.tasks import PUBLISHED, Task

VALUE = Task("value", "value", range=(-1.0, 1.0))


def sums(truth, predicted, guess=0.0, clip=None):
    clip = np.arange(len(truth)) if clip is None else clip
    return regression.sums(truth, predicted, np.full(len(truth), guess), clip, n_clips=int(clip.max()) + 1)


def test_ccc_is_lins_formula_on_known_numbers():
    truth, predicted = np.array([1.0, 2, 3, 4]), np.array([2.0, 2, 4, 6])
    # means 2.5 and 3.5, variances 1.25 and 2.75, covariance 1.75: 2 * 1.75 / (1.25 + 2.75 + 1)
    of_sums, constant = regression.scores(sums(truth, predicted, guess=2.5).sum(axis=0))
    for found in (regression.point_estimates(truth, predicted), of_sums):
        assert found["ccc"] == pytest.approx(0.7)
        assert found["r2"] == pytest.approx(1 - 6 / 5)  # squared errors 1, 0, 1, 4 against 5
        assert found["rmse"] == pytest.approx(1.5**0.5)
    assert regression.point_estimates(truth, truth) == {"ccc": 1, "r2": 1, "rmse": 0}
    assert regression.point_estimates(truth, -truth)["ccc"] == pytest.approx(-2.5 / 27.5)
    assert (constant["ccc"], constant["r2"]) == (0, 0) and constant["rmse"] == pytest.approx(1.25**0.5)
    assert regression.point_estimates(np.ones(4), predicted)["r2"] == 0  # nothing to explain


def test_scores_from_sums_are_those_of_scikit_learn(rng):
    truth, clip = rng.uniform(-1, 1, 60), rng.integers(0, 9, 60)
    predicted = np.tanh(truth + rng.normal(0, 0.5, 60))
    found = regression.scores(sums(truth, predicted, clip=clip).sum(axis=0))[0]
    expected = {"r2": r2_score(truth, predicted), "rmse": root_mean_squared_error(truth, predicted),
                "ccc": regression.point_estimates(truth, predicted)["ccc"]}
    assert found == pytest.approx(expected)


def test_a_model_that_hears_is_better_than_the_mean_and_noise_is_not(rng):
    truth = rng.uniform(-1, 1, 80)
    resamples = intervals.draw(np.arange(80) // 4, n_bootstrap=300, seed=0)
    guess = np.full(80, 0.1)
    hears, noise = (metrics.evaluate(VALUE, truth, predicted, np.arange(80), resamples=resamples, guess=guess)
                    for predicted in (truth * 0.7 + rng.normal(0, 0.2, 80), rng.uniform(-1, 1, 80)))
    assert all(hears["above_guessing"][score][0] > 0 for score in regression.SCORES)
    assert not any(noise["above_guessing"][score][0] > 0 for score in regression.SCORES)
    assert hears["chance"]["training mean"]["value"] == pytest.approx(0.1)


def values(*, n=40, noise=0.3, seed=0, lacking=()):
    """Keywords of `report.write`: the published tasks and a value, which some clips lack."""
    data, rng = predictions(n_clips=n, n_patches=2, seed=seed), np.random.default_rng(seed)
    truth = np.linspace(-1, 1, n)
    outputs = np.clip(np.repeat(truth, 2) + rng.normal(0, noise, 2 * n), -1, 1)[:, None]
    truth[list(lacking)] = np.nan
    return {**data, "tasks": (*PUBLISHED, VALUE), "truth": {**data["truth"], "value": truth},
            "outputs": {**data["outputs"], "value": outputs}, "guess": {"value": 0.05}}


@pytest.fixture
def with_value(monkeypatch):
    """`VALUE` is in the table of tasks; no pictures are drawn."""
    without_pictures(monkeypatch)
    for module in ("mer.tasks", "mer.evaluation.results", "mer.evaluation.page_tables"):
        monkeypatch.setattr(f"{module}.TASKS", (*PUBLISHED, VALUE))
    monkeypatch.setitem(results._LEVEL["properties"], "value", results._VALUE)


def test_clips_without_a_label_are_left_out_of_that_task_alone(tmp_path, with_value):
    made = report.write(tmp_path, **values(lacking=range(0, 40, 4)))
    assert made["test"]["clips_without_label"] == {"quadrants": 0, "arousal": 0, "valence": 0, "value": 10}
    assert made["clip"]["value"]["n"] == 30 and made["patch"]["value"]["n"] == 60 and made["clip"]["arousal"]["n"] == 40
    assert made["clip"]["value"]["ccc"] > 0.9
    assert "10 for value" in (tmp_path / "report.txt").read_text(encoding="utf-8")
    held = held_predictions.read(tmp_path / "predictions.csv", (*PUBLISHED, VALUE))
    assert np.isnan(held.truth["value"]).sum() == 10 and len(held.labelled(VALUE)) == 30
    again = metrics.samples(VALUE, held.parts("clip", VALUE, sorted(held.labelled(VALUE))),
                            intervals.draw(range(30), n_bootstrap=0, seed=0))
    assert again["ccc"][0][0] == pytest.approx(made["clip"]["value"]["ccc"], abs=1e-5)


def test_values_are_compared_pairwise_where_labels_are_the_same(tmp_path, with_value):
    for title, noise, lacking in (("A", 0.1, ()), ("B", 0.8, ()), ("C", 0.1, (3,))):
        data = values(noise=noise, lacking=lacking, seed=ord(title))
        data["run"] = {**data["run"], "title": title}
        report.write(tmp_path / "models" / title, **data)
    found = results.find(tmp_path / "none", tmp_path / "models").reports
    one = compare.test_sets(found, compare.read_predictions(found)[0])[0]
    names = [known["model"] for known, _ in one.cells]
    pairs = {names[pair.one] + names[pair.other]: pair for pair in one.pairs() if pair.task == "value"}
    assert set(pairs) == {"AB"} and pairs["AB"].is_clear and pairs["AB"].difference.low > 0
    assert one.score(one.cells[0][1], VALUE, compare.STRICT)["above_chance"]
    results.write(found, tmp_path / "out")


def coverage(n_groups, score, *, repeats, seed=0):
    """Share of 95 % intervals that hold the score of a large sample; ratings and errors have a part of the group."""
    rng, hits = np.random.default_rng(seed), 0

    def draw(groups):
        group = np.repeat(np.arange(groups), 9)
        truth = rng.normal(0, 0.3, groups)[group] + rng.normal(0, 0.3, len(group))
        return group, truth, 0.6 * truth + rng.normal(0, 0.15, groups)[group] + rng.normal(0, 0.2, len(group))

    group, truth, predicted = draw(40_000)
    true = regression.point_estimates(truth, predicted)[score]
    for number in range(repeats):
        group, truth, predicted = draw(n_groups)
        resamples = intervals.draw(group, n_bootstrap=300, seed=number)
        own = metrics.samples(VALUE, sums(truth, predicted), resamples)[score][0]
        found = intervals.estimate([own], resamples, bounds=regression.BOUNDS[score])
        hits += found.low <= true <= found.high
    return hits / repeats


def test_intervals_of_ccc_hold_the_true_value():
    assert 0.86 < coverage(20, "ccc", repeats=150) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("score", regression.SCORES)
@pytest.mark.parametrize("n_groups, least", [(10, 0.88), (20, 0.90), (40, 0.92), (80, 0.93)])
def test_coverage_is_close_to_nominal(n_groups, least, score):
    assert least < coverage(n_groups, score, repeats=600) < 0.98
