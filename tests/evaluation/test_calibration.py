"""Certainty against simulated answers whose calibration is known."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import accuracy_score

from mer.evaluation import calibration


def _answers(seed, *, n=4000, classes=4, temperature=1.0):
    """Probabilities, and classes drawn from them; the probabilities are then made too sure by 1 / `temperature`."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (n, classes))
    truth = (softmax(logits, axis=1).cumsum(axis=1) < generator.random((n, 1))).sum(axis=1)
    return softmax(logits * temperature, axis=1), truth


def test_a_calibrated_model_errs_no_more_than_by_luck_and_one_that_is_too_sure_does():
    for seed in range(3):
        probabilities, truth = _answers(seed)
        honest = calibration.evaluate(probabilities, truth)
        assert honest["expected_error"] < 2 * honest["error_by_chance"] < 0.05
        probabilities, truth = _answers(seed, temperature=3)
        boastful = calibration.evaluate(probabilities, truth)
        assert boastful["expected_error"] > 0.1 > 5 * boastful["error_by_chance"]


def test_few_answers_err_by_luck():
    probabilities, _ = _answers(0, n=40)
    assert calibration.error_by_chance(probabilities.max(axis=1)) > 0.08


@pytest.mark.parametrize("wanted", [0.4, 1.0, 3.0])
def test_the_temperature_is_the_one_that_was_put_in(wanted):
    probabilities, truth = _answers(1, n=20000, temperature=wanted)
    assert calibration.temperature(np.log(probabilities), truth) == pytest.approx(wanted, rel=0.06)


def test_expected_error_by_hand():
    certainty, correct = np.array([0.2, 0.4, 0.6, 0.8]), np.array([True, False, True, True])
    assert calibration.expected_error(certainty, correct, n_bins=2) == pytest.approx((0.2 + 0.3) / 2)


def test_coverage_ends_at_the_accuracy_and_ties_count_in_parts():
    probabilities, truth = _answers(2, n=500)
    certainty, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    coverage, accuracy = calibration.coverage_curve(certainty, correct)
    assert coverage[-1] == 1 and accuracy[-1] == pytest.approx(accuracy_score(truth, probabilities.argmax(axis=1)))
    assert accuracy[249] > accuracy[-1] + 0.05  # the certain half is better
    order = np.argsort(-certainty)[:125]
    assert calibration.accuracy_at(certainty, correct)["0.5"] == pytest.approx(accuracy[249])
    assert accuracy[124] == pytest.approx(correct[order].mean())
    equal = calibration.coverage_curve(np.full(4, 0.5), np.array([1, 0, 0, 1], bool))[1]
    assert equal == pytest.approx([0.5] * 4)
