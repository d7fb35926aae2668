"""Scores of a classifier of clips that are cut into patches, with intervals and with what guessing gets.

Patches of one clip are not independent: they share a song, a singer and a mix; clips of one artist are not either. So
every interval here comes from resamples of whole groups of clips (`evaluation.intervals`) and their patches come along.
A resample is then a weighted sum of per-clip confusion matrices, and two thousand of them are one matrix
product. Point estimates come from scikit-learn; `scores` repeats its definitions on confusion matrices.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from mer.evaluation import intervals, regression
from mer.evaluation.intervals import CONFIDENCE as CONFIDENCE
from mer.evaluation.intervals import draw_clips as draw_clips
from mer.tasks import Task

AVERAGES = ("macro", "weighted")
SCORES = ("accuracy", *(f"{kind}_{average}" for average in AVERAGES for kind in ("precision", "recall", "f1")))


def clip_vote(probabilities: np.ndarray, patch_clip: np.ndarray, *, n_clips: int) -> np.ndarray:
    """Mean of the patch probabilities of each clip.

    Parameters
    ----------
    probabilities : np.ndarray, shape (n_patches, n_classes), in [0, 1]
    patch_clip : np.ndarray of int, shape (n_patches,), in [0, n_clips)
        Clip of each patch; every clip has at least one.
    n_clips : int > 0

    Returns
    -------
    np.ndarray, shape (n_clips, n_classes), in [0, 1]
        Its argmax is the clip's predicted class.
    """
    sums = [np.bincount(patch_clip, weights=column, minlength=n_clips) for column in probabilities.T]
    return np.stack(sums, axis=1) / np.bincount(patch_clip, minlength=n_clips)[:, None]


def clip_confusions(truth: np.ndarray, predicted: np.ndarray, clip: np.ndarray, *, n_clips: int,
                    n_classes: int) -> np.ndarray:
    """One confusion matrix per clip.

    Parameters
    ----------
    truth, predicted : np.ndarray of int, shape (n,), in [0, n_classes)
    clip : np.ndarray of int, shape (n,), in [0, n_clips)
    n_clips, n_classes : int > 0

    Returns
    -------
    np.ndarray of int, shape (n_clips, n_classes, n_classes)
        Counts; rows are the truth, columns the prediction.
    """
    cell = (clip * n_classes + truth) * n_classes + predicted
    counts = np.bincount(cell, minlength=n_clips * n_classes**2)
    return counts.reshape(n_clips, n_classes, n_classes)


def scores(confusion: np.ndarray) -> dict[str, Any]:
    """All of `SCORES` from confusion matrices, as scikit-learn defines them with ``zero_division=0``.

    Macro averages run over the classes that occur in the truth (as in balanced accuracy), so a resample
    that misses a class is not punished for it; where every class occurs this is the usual macro average.

    Parameters
    ----------
    confusion : np.ndarray, shape (..., n_classes, n_classes), counts or weights >= 0
        Rows are the truth. At least one entry of each matrix is positive.

    Returns
    -------
    dict of str -> np.ndarray, shape (...), in [0, 1]
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)  # (..., n_classes)
    support, called = confusion.sum(axis=-1), confusion.sum(axis=-2)
    present, total = support > 0, support.sum(axis=-1)
    by_class = {
        "precision": _ratio(hits, called),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, support + called),
    }
    result = {"accuracy": hits.sum(axis=-1) / total}
    for kind, values in by_class.items():
        result[f"{kind}_macro"] = (values * present).sum(axis=-1) / present.sum(axis=-1)
        result[f"{kind}_weighted"] = (values * support).sum(axis=-1) / total
    return result


def resampled(parts: np.ndarray, resamples: intervals.Resamples) -> np.ndarray:
    """Confusion matrices, or sums, of bootstrap resamples.

    Parameters
    ----------
    parts : np.ndarray, shape (n_clips, ...)
        From `clip_confusions` or `regression.sums`.
    resamples : intervals.Resamples

    Returns
    -------
    np.ndarray, shape (n_bootstrap, ...)
    """
    # float64 sums of counts below 2**53 are exact, so BLAS threads cannot change a digit.
    summed = resamples.weights.astype(float) @ parts.reshape(len(parts), -1).astype(float)
    return summed.reshape(-1, *parts.shape[1:])


def guesses(confusion: np.ndarray) -> dict[str, dict[str, Any]]:
    """Scores of three guesses that ignore the audio, from the numbers of true and of given answers alone.

    ``majority`` always says the commonest class of the test set; ``uniform`` says every class alike; ``shuffled`` gives
    the model's own answers to the clips in random order. The last two are scores of the expected confusion matrix. A
    model that ignores the audio cannot be better than the last one, whatever classes it prefers.

    Parameters
    ----------
    confusion : np.ndarray, shape (..., n_classes, n_classes), counts or weights >= 0
        Rows are the truth.

    Returns
    -------
    dict of str -> dict
        Name of the guess -> its `scores`.
    """
    n_classes = confusion.shape[-1]
    support, called = confusion.sum(axis=-1), confusion.sum(axis=-2)
    commonest = np.eye(n_classes)[support.argmax(axis=-1)]
    shares = {"majority": commonest, "uniform": np.full(support.shape, 1 / n_classes),
              "shuffled": called / called.sum(axis=-1, keepdims=True)}
    return {name: scores(support[..., :, None] * share[..., None, :]) for name, share in shares.items()}


def samples(task: Task, parts: np.ndarray, resamples: intervals.Resamples) -> dict[str, tuple]:
    """Every score and how much better it is than the best guess, on the test set and on each resample.

    Parameters
    ----------
    task : Task
    parts : np.ndarray, shape (n_clips, ...)
        From `clip_confusions` where the task has classes, else from `regression.sums`.
    resamples : intervals.Resamples
        Of the clips.

    Returns
    -------
    dict of str -> ((float, np.ndarray), (float, np.ndarray))
        Score -> (value, values on the resamples), and the same for its difference from the best of `guesses`, or from
        the training mean, which are computed on the same resamples.
    """
    sides = []
    for totals in (parts.sum(axis=0).astype(float), resampled(parts, resamples)):
        if task.classes:
            found, guessed = scores(totals), guesses(totals).values()
            margin = {name: found[name] - np.max([guess[name] for guess in guessed], axis=0) for name in SCORES}
        else:
            found, guess = regression.scores(totals)
            margin = regression.improvement(found, guess)
        sides.append({name: (found[name], margin[name]) for name in found})
    whole, many = sides
    return {name: tuple((float(value), values) for value, values in zip(whole[name], many[name], strict=True))
            for name in whole}


def chance(confusion: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """`guesses` for a report: plain floats, and the ``class`` that the majority guess says."""
    found = {name: _floats(values) for name, values in guesses(confusion).items()}
    found["majority"]["class"] = classes[int(confusion.sum(axis=1).argmax())]
    return found


def evaluate(task: Task, truth: np.ndarray, predicted: np.ndarray, clip: np.ndarray, *,
             resamples: intervals.Resamples, guess: np.ndarray | None = None) -> dict[str, Any]:
    """Everything the report says about one task at one level.

    Parameters
    ----------
    task : Task
    truth, predicted : np.ndarray, shape (n,)
        Indices of classes, or values; every item has a label.
    clip : np.ndarray of int, shape (n,), in [0, n_clips)
        Clip of each item; at clip level simply 0 to n_clips - 1.
    resamples : intervals.Resamples
        Of the n_clips clips.
    guess : np.ndarray of float, shape (n,), or None
        Of a task with a range: the training mean.

    Returns
    -------
    dict
        ``n``, every name of `SCORES`, ``intervals`` and ``above_guessing`` (score -> (low, high) of the score, and of
        its difference from the best guess; None with a single group), ``per_class`` (precision, recall, f1,
        support), ``classes``, ``confusion`` (list of rows, rows = truth) and ``chance``. A class that neither
        occurs nor is predicted has zeros, as scikit-learn gives with ``zero_division=0``. A task with a range has
        ``range`` instead of the last four but ``chance``, and the names of `regression.SCORES`.
    """
    n_clips, classes = resamples.weights.shape[1], task.classes
    if classes:
        parts = clip_confusions(truth, predicted, clip, n_clips=n_clips, n_classes=len(classes))
    else:
        guess = np.zeros(len(truth)) if guess is None else guess
        parts = regression.sums(truth, predicted, guess, clip, n_clips=n_clips)
    found = samples(task, parts, resamples)
    made = {
        "n": len(truth),
        **(_point_estimates if classes else regression.point_estimates)(truth, predicted),
        "intervals": {name: _ends(intervals.estimate([own], resamples, bounds=bounds(task, name)))
                      for name, (own, _) in found.items()},
        "above_guessing": {name: _ends(intervals.estimate([margin], resamples, bounds=bounds(task, name, margin=True)))
                           for name, (_, margin) in found.items()},
    }
    if task.range is not None:
        totals = parts.sum(axis=0)
        mean = {"value": float(totals[6] / totals[0]), **_floats(regression.scores(totals)[1])}
        return {**made, "range": list(task.range), "chance": {"training mean": mean}}
    confusion = confusion_matrix(truth, predicted, labels=np.arange(len(classes)))
    return {
        **made,
        "per_class": _per_class(truth, predicted, classes),
        "classes": list(classes),
        "confusion": confusion.tolist(),
        "chance": chance(confusion, classes),
    }


def bounds(task: Task, score: str, *, margin: bool = False) -> tuple[float, float]:
    """Lowest and highest possible value of a score, or of its `margin`, the difference of two."""
    if not task.classes:
        return (-np.inf, np.inf) if margin else regression.BOUNDS[score]
    return (-1, 1) if margin else (0, 1)


def _ends(estimate):
    """(low, high), or None."""
    return None if estimate.low is None else (estimate.low, estimate.high)


def _point_estimates(truth, predicted):
    """scikit-learn's accuracy and averages over the classes that occur in the truth."""
    result, present = {"accuracy": float(accuracy_score(truth, predicted))}, np.unique(truth)
    for average in AVERAGES:
        values = precision_recall_fscore_support(
            truth, predicted, labels=present, average=average, zero_division=0)
        for kind, value in zip(("precision", "recall", "f1"), values[:3], strict=True):
            result[f"{kind}_{average}"] = float(value)
    return result


def _per_class(truth, predicted, classes):
    """Precision, recall, F1 and support of each class."""
    columns = precision_recall_fscore_support(
        truth, predicted, labels=np.arange(len(classes)), average=None, zero_division=0)
    names = "precision", "recall", "f1", "support"
    return {label: {name: column[row].item() for name, column in zip(names, columns, strict=True)}
            for row, label in enumerate(classes)}


def _ratio(numerator, denominator):
    """Elementwise ratio, 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros(np.shape(numerator)), where=denominator > 0)


def _floats(values):
    """The same dict with plain floats."""
    return {name: float(value) for name, value in values.items()}
