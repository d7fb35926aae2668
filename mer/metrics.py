"""Scores of a classifier of clips that are cut into patches, with bootstrap intervals over clips.

Patches of one clip are not independent: they share a song, a singer and a mix. So every interval here
comes from the cluster bootstrap: whole clips are drawn with replacement and their patches come along.
A resample is then a weighted sum of per-clip confusion matrices, and two thousand of them are one matrix
product. Point estimates come from scikit-learn; `scores` repeats its definitions on confusion matrices.

References
----------
Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13 (percentile interval).
Field & Welsh (2007), Bootstrapping clustered data, J. R. Stat. Soc. B 69, 369-390,
doi:10.1111/j.1467-9868.2007.00593.x (resampling whole clusters).
"""

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

AVERAGES = ("macro", "weighted")
SCORES = ("accuracy", *(f"{kind}_{average}" for average in AVERAGES for kind in ("precision", "recall", "f1")))
CONFIDENCE = 0.95


def clip_vote(probabilities, patch_clip, *, n_clips):
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


def clip_confusions(truth, predicted, clip, *, n_clips, n_classes):
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


def scores(confusion):
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


def draw_clips(n_clips, *, n_bootstrap, seed):
    """How often each clip is drawn in each bootstrap resample.

    Returns
    -------
    np.ndarray of int, shape (n_bootstrap, n_clips)
        Each row sums to `n_clips`. The same seed gives the same resamples, so scores of two tasks, levels
        or models on the same clips are resampled alike.
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_clips, np.full(n_clips, 1 / n_clips), size=n_bootstrap)


def intervals(confusions, draws):
    """Percentile bootstrap intervals of all `SCORES`.

    Parameters
    ----------
    confusions : np.ndarray of int, shape (n_clips, n_classes, n_classes)
    draws : np.ndarray of int, shape (n_bootstrap, n_clips)
        From `draw_clips`.

    Returns
    -------
    dict of str -> (float, float) or None
        Lower and upper end of the interval of `CONFIDENCE`; None with a single clip, where resampling
        cannot show any spread.
    """
    n_clips, n_classes, _ = confusions.shape
    if n_clips < 2 or not len(draws):
        return dict.fromkeys(SCORES)
    # float64 sums of counts below 2**53 are exact, so BLAS threads cannot change a digit.
    summed = draws.astype(float) @ confusions.reshape(n_clips, -1).astype(float)
    resampled = scores(summed.reshape(-1, n_classes, n_classes))
    tails = (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
    return {name: tuple(np.quantile(values, tails).tolist()) for name, values in resampled.items()}


def chance(confusion, classes):
    """Scores of two guesses that never listen: always the commonest class, and every class alike.

    Parameters
    ----------
    confusion : np.ndarray of int, shape (n_classes, n_classes)
        Only its row sums, the supports, are used.
    classes : sequence of str, length n_classes

    Returns
    -------
    dict
        ``majority`` (with its ``class``, the commonest of the test set itself) and ``uniform``, the scores
        of the expected confusion matrix of a uniform guess.
    """
    support, n_classes = confusion.sum(axis=1), len(classes)
    commonest = int(support.argmax())
    always = np.zeros((n_classes, n_classes))
    always[:, commonest] = support
    evenly = np.repeat(support[:, None] / n_classes, n_classes, axis=1)
    return {"majority": {"class": classes[commonest], **_floats(scores(always))},
            "uniform": _floats(scores(evenly))}


def evaluate(truth, predicted, clip, *, classes, draws):
    """Everything the report says about one task at one level.

    Parameters
    ----------
    truth, predicted : np.ndarray of int, shape (n,), in [0, n_classes)
    clip : np.ndarray of int, shape (n,), in [0, n_clips)
        Clip of each item; at clip level simply 0 to n_clips - 1.
    classes : sequence of str, length n_classes
    draws : np.ndarray of int, shape (n_bootstrap, n_clips)
        From `draw_clips`.

    Returns
    -------
    dict
        ``n``, every name of `SCORES`, ``intervals``, ``per_class`` (precision, recall, f1, support),
        ``classes``, ``confusion`` (list of rows, rows = truth) and ``chance``. A class that neither
        occurs nor is predicted has zeros, as scikit-learn gives with ``zero_division=0``.
    """
    labels = np.arange(len(classes))
    confusion = confusion_matrix(truth, predicted, labels=labels)
    parts = clip_confusions(truth, predicted, clip, n_clips=draws.shape[1], n_classes=len(classes))
    return {
        "n": len(truth),
        **_point_estimates(truth, predicted),
        "intervals": intervals(parts, draws),
        "per_class": _per_class(truth, predicted, classes),
        "classes": list(classes),
        "confusion": confusion.tolist(),
        "chance": chance(confusion, classes),
    }


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
