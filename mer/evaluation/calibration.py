"""How far the certainty of a classifier can be believed, and what it is worth to leave out what it is unsure of.

The certainty of an answer is the largest probability. A model is calibrated where answers of certainty 0.7 are right in
70 % of cases.

References
----------
Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks, ICML: expected calibration error and
temperature. El-Yaniv & Wiener (2010), On the foundations of noise-free selective classification, J. Mach. Learn. Res.
11: risk and coverage.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

N_BINS = 10
COVERAGES = (1.0, 0.9, 0.75, 0.5)  # of the table
_DRAWS = 200
_LOG_TEMPERATURES = (-4.0, 4.0)  # 0.018 to 55


def bins(certainty: np.ndarray, correct: np.ndarray, *, n_bins: int = N_BINS) -> list[tuple[float, float, int]]:
    """Mean certainty, share of right answers and number of answers in bins of equal numbers of answers.

    Parameters
    ----------
    certainty : np.ndarray, shape (n,), in [0, 1]
    correct : np.ndarray of bool, shape (n,)
    n_bins : int
        At most so many; fewer where there are fewer answers.
    """
    parts = np.array_split(np.argsort(certainty, kind="stable"), min(n_bins, len(certainty)))
    return [(float(certainty[part].mean()), float(correct[part].mean()), len(part)) for part in parts]


def expected_error(certainty: np.ndarray, correct: np.ndarray, *, n_bins: int = N_BINS) -> float:
    """Expected calibration error: mean distance of certainty and share of right answers over `bins`, in [0, 1]."""
    parts = bins(certainty, correct, n_bins=n_bins)
    return sum(n * abs(sure - right) for sure, right, n in parts) / len(certainty)


def error_by_chance(certainty: np.ndarray, *, seed: int = 0, n_bins: int = N_BINS) -> float:
    """The `expected_error` that a perfectly calibrated model of the same certainties has on average, by luck alone.

    With few answers it is far from 0. Answers are drawn right with the probability that the certainty says.
    """
    draws = np.random.default_rng(seed).random((_DRAWS, len(certainty))) < certainty
    return float(np.mean([expected_error(certainty, right, n_bins=n_bins) for right in draws]))


def coverage_curve(certainty: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of right answers among the most certain ones, for every number of them.

    Parameters
    ----------
    certainty, correct
        Of `bins`.

    Returns
    -------
    np.ndarray, shape (n,)
        Coverage: share of the answers that are kept, 1 / n to 1.
    np.ndarray, shape (n,)
        Accuracy among those. Answers of equal certainty count in parts, so that their order makes no difference.
    """
    values, group = np.unique(-np.asarray(certainty), return_inverse=True)
    share = np.bincount(group, weights=correct, minlength=len(values)) / np.bincount(group)
    expected = share[np.sort(group)]
    kept = np.arange(1, len(expected) + 1)
    return kept / len(expected), np.cumsum(expected) / kept


def accuracy_at(certainty: np.ndarray, correct: np.ndarray, coverages: Sequence[float] = COVERAGES) -> dict[str, float]:
    """Accuracy among the most certain answers: "0.75" -> that of the 75 % of greatest certainty."""
    curve = coverage_curve(certainty, correct)[1]
    return {f"{share:g}": float(curve[max(round(share * len(curve)), 1) - 1]) for share in coverages}


def evaluate(probabilities: np.ndarray, truth: np.ndarray, *, seed: int = 0) -> dict[str, Any]:
    """What a report says of the certainty of answers to one task.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n, classes)
    truth : np.ndarray of int, shape (n,)
    seed : int
        Of `error_by_chance`.

    Returns
    -------
    dict
        mean_certainty, expected_error, error_by_chance (see there); accuracy_at: coverage -> accuracy.
    """
    certainty, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    return {"mean_certainty": float(certainty.mean()), "expected_error": expected_error(certainty, correct),
            "error_by_chance": error_by_chance(certainty, seed=seed), "accuracy_at": accuracy_at(certainty, correct)}


def temperature(log_probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The T for which softmax(log_probabilities / T) gives the true classes the greatest likelihood (Guo et al. 2017).

    Parameters
    ----------
    log_probabilities : np.ndarray, shape (n, classes)
        Or logits.
    truth : np.ndarray of int, shape (n,)
        Of clips that the model was not trained on.
    """
    def loss(log_t):
        return cross_entropy(log_probabilities / np.exp(log_t), truth)

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x))


def cross_entropy(logits: np.ndarray, truth: np.ndarray) -> float:
    """Mean over answers of minus the logarithm of the probability of the true class; parameters as `temperature`."""
    return float(-log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())
