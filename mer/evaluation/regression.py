"""Scores of a task that answers with a number: concordance, explained variance, error, beside what a guess gets.

Everything follows from nine sums of each clip, so a resample of clips is a weighted sum of rows, as the confusion
matrices are in `mer.evaluation.metrics`. The guess that ignores the audio is the mean label of the training clips.

References
----------
Lin (1989), A concordance correlation coefficient to evaluate reproducibility, Biometrics 45, 255-268,
doi:10.2307/2532051 (with variances that divide by n, as there).
"""

from typing import Any

import numpy as np
from sklearn.metrics import r2_score, root_mean_squared_error

SCORES = ("ccc", "r2", "rmse")
BOUNDS = {"ccc": (-1, 1), "r2": (-np.inf, 1), "rmse": (0, np.inf)}
BETTER = {"ccc": 1, "r2": 1, "rmse": -1}  # sign of a difference that is an improvement


def sums(truth: np.ndarray, predicted: np.ndarray, guess: np.ndarray, clip: np.ndarray, *, n_clips: int) -> np.ndarray:
    """The sums of each clip.

    Parameters
    ----------
    truth, predicted, guess : np.ndarray of float, shape (n,)
    clip : np.ndarray of int, shape (n,), in [0, n_clips)
    n_clips : int > 0

    Returns
    -------
    np.ndarray, shape (n_clips, 9)
        n, truth, truth squared; then of the prediction and of the guess: itself, squared, times the truth.
    """
    columns = [np.ones(len(truth)), truth, truth**2]
    for value in (predicted, guess):
        columns += [value, value**2, value * truth]
    return np.stack([np.bincount(clip, column, n_clips) for column in columns], axis=1)


def scores(totals: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """`SCORES` of the prediction and of the guess.

    Parameters
    ----------
    totals : np.ndarray, shape (..., 9)
        Sums over clips of what `sums` gives; n > 0.

    Returns
    -------
    (dict, dict) of str -> np.ndarray, shape (...)
        CCC and R2 are 0 where truth does not vary: nothing can be explained there.
    """
    n, truth, squares = np.moveaxis(totals[..., :3], -1, 0)
    mean, variance = truth / n, np.maximum(squares / n - (truth / n) ** 2, 0)
    found = []
    for first in (3, 6):
        value, value_squares, product = np.moveaxis(totals[..., first:first + 3], -1, 0)
        own, own_variance = value / n, np.maximum(value_squares / n - (value / n) ** 2, 0)
        error = np.maximum((squares - 2 * product + value_squares) / n, 0)
        top, bottom = 2 * (product / n - mean * own), variance + own_variance + (mean - own) ** 2
        varies = variance > 1e-12
        found.append({"ccc": np.divide(top, bottom, out=np.zeros(np.shape(top)), where=varies),
                      "r2": np.where(varies, 1 - error / np.where(varies, variance, 1), 0.0), "rmse": np.sqrt(error)})
    return found[0], found[1]


def improvement(own: dict[str, Any], guess: dict[str, Any]) -> dict[str, Any]:
    """How much better each of `SCORES` is than that of the guess, positive where it is better."""
    return {name: BETTER[name] * (own[name] - guess[name]) for name in SCORES}


def point_estimates(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """`SCORES` by scikit-learn, which has no CCC: that is Lin's formula.

    Parameters
    ----------
    truth, predicted : np.ndarray of float, shape (n,)
    """
    covariance = np.cov(truth, predicted, bias=True)
    bottom = covariance[0, 0] + covariance[1, 1] + (np.mean(truth) - np.mean(predicted)) ** 2
    varies = covariance[0, 0] > 1e-12
    return {"ccc": float(2 * covariance[0, 1] / bottom) if varies else 0.0,
            "r2": float(r2_score(truth, predicted)) if varies else 0.0,
            "rmse": float(root_mean_squared_error(truth, predicted))}
