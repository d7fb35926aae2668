"""Scaler, choice of features and classifier as one scikit-learn Pipeline, fitted on training parts only.

Parts of a clip, and clips of an artist, stand on one side of every inner division, so what is compared or chosen here
was heard neither in part nor by its artist.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mer import MerError, classifiers

CALIBRATION_FOLDS = 5
SVM_C = (0.3, 1.0, 3.0, 10.0)
SVM_GAMMA = (0.1, 0.3, 1.0)  # times 1 / features: of standardized features, those that scikit-learn calls "scale"


@dataclass(frozen=True)
class Training:
    """Parts with a label of one task.

    Attributes
    ----------
    values : np.ndarray, shape (n, width), float32
    classes : np.ndarray of int, shape (n,)
        Index of each part's class.
    clip : np.ndarray of int, shape (n,)
    group : np.ndarray of str or int, shape (n,)
        Artist or song: parts of one group are never divided.
    n_classes : int
    seed : int
    n_selected : int
        Features that chi2 keeps.
    svm_folds : int
        Of `tune`.
    """

    values: np.ndarray
    classes: np.ndarray
    clip: np.ndarray
    group: np.ndarray
    n_classes: int
    seed: int
    n_selected: int = 50
    svm_folds: int = 5

    def take(self, rows: np.ndarray) -> "Training":
        """The parts that an index array names."""
        return replace(self, **{name: getattr(self, name)[rows] for name in ("values", "classes", "clip", "group")})

    def folds(self, n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows for training and for testing, groups whole, classes spread evenly; fewer where a class has few groups.

        Raises
        ------
        MerError
            Fewer than two classes have two groups.
        """
        from sklearn.model_selection import StratifiedGroupKFold
        groups = [len(np.unique(self.group[self.classes == label])) for label in np.unique(self.classes)]
        if sum(n > 1 for n in groups) < 2:
            raise MerError("the clips for training have too few groups (artists, songs) for a choice among them: two "
                           "classes need two each, so give the corpus more clips")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class of one group is in one fold only
            found = list(StratifiedGroupKFold(max(2, min(n_folds, *groups)), shuffle=True, random_state=self.seed)
                         .split(self.values, self.classes, self.group))
        return [(known, held) for known, held in found if len(np.unique(self.classes[known])) > 1]


def fit(name: str, data: Training) -> tuple[Any, dict]:
    """One pipeline, fitted on all parts of `data`.

    Parameters
    ----------
    name : str
        Of `classifiers.CLASSIFIERS`.
    data : Training

    Returns
    -------
    sklearn.pipeline.Pipeline
        Steps: scale, select (not of every classifier), classify.
    dict
        What was chosen inside `data`: C, gamma and the macro F over clips of the inner cross-validation; {} where
        nothing was.
    """
    from sklearn.pipeline import Pipeline
    of = classifiers.get(name)
    if len(np.unique(data.classes)) < 2:
        raise MerError("the clips for training have one class only, and a classifier needs two: give the corpus more "
                       "clips, or another split")
    chosen = {} if of.is_compared else tune(of, data)
    made = of.build(data.seed).set_params(**{key: chosen[key] for key in ("C", "gamma") if key in chosen})
    if not of.has_probabilities:
        made = _calibrated(made, data)
    pipeline = Pipeline([*_before(of, data), ("classify", made)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 1000 iterations are the published number, reached or not
        pipeline.fit(data.values.astype(float), data.classes)
    if not of.has_probabilities:
        pipeline.set_params(classify__cv=None)  # its rows say nothing to whoever reads the file
    return pipeline, chosen


def _before(of, data):
    """Steps before the classifier; test values outside the range of those for training are clipped: chi2 needs that."""
    from sklearn.feature_selection import SelectKBest, chi2
    from sklearn.preprocessing import MinMaxScaler, StandardScaler
    if not of.is_compared:
        return [("scale", StandardScaler())]
    n_selected = min(data.n_selected, data.values.shape[1])
    return [("scale", MinMaxScaler(clip=True)), ("select", SelectKBest(chi2, k=n_selected))]


def _calibrated(made, data):
    """Probabilities of decision values: their softmax, its temperature fitted on parts of other groups."""
    from sklearn.calibration import CalibratedClassifierCV
    return CalibratedClassifierCV(made, method="temperature", ensemble=False, cv=data.folds(CALIBRATION_FOLDS))


def probabilities(pipeline: Any, values: np.ndarray, n_classes: int) -> np.ndarray:
    """Features (n, width) -> probabilities (n, n_classes), float64; 0 for a class that no training part had."""
    found = np.zeros((len(values), n_classes))
    if len(values):
        with np.errstate(all="ignore"):
            found[:, pipeline.classes_] = pipeline.predict_proba(np.asarray(values, float))
    return found


def clip_scores(truth: np.ndarray, outputs: np.ndarray, clip: np.ndarray) -> dict[str, float]:
    """Macro F and accuracy over clips (the mean of the probabilities of their parts), and weighted F over parts.

    Parameters
    ----------
    truth : np.ndarray of int, shape (n,)
        Class of each part.
    outputs : np.ndarray, shape (n, classes)
    clip : np.ndarray of int, shape (n,)
    """
    from sklearn.metrics import accuracy_score, f1_score
    _, first, place = np.unique(clip, return_index=True, return_inverse=True)
    votes = np.stack([np.bincount(place, column) for column in outputs.T], axis=1).argmax(axis=1)
    scores = {"clip_f1_macro": float(f1_score(truth[first], votes, average="macro", zero_division=0)),
              "clip_accuracy": float(accuracy_score(truth[first], votes)),
              "part_f1_weighted": float(f1_score(truth, outputs.argmax(axis=1), average="weighted", zero_division=0))}
    return {name: round(value, 6) for name, value in scores.items()}


def compare(data: Training, *, n_folds: int, names: Sequence[str] = classifiers.COMPARED) -> list[dict]:
    """Cross-validation of classifiers inside the training parts; each fold fits scaler and choice of features anew.

    Parameters
    ----------
    data : Training
    n_folds : int
    names : sequence of str

    Returns
    -------
    list of dict
        Best first: classifier, title, scores of `clip_scores` over the parts of all folds, folds, seconds.
    """
    folds, rows = data.folds(n_folds), []
    for name in names:
        begin, outputs = time.monotonic(), np.zeros((len(data.classes), data.n_classes))
        for known, held in folds:
            outputs[held] = probabilities(fit(name, data.take(known))[0], data.values[held], data.n_classes)
        tested = np.sort(np.concatenate([held for _, held in folds]))
        scores = clip_scores(data.classes[tested], outputs[tested], data.clip[tested])
        rows.append({"classifier": name, "title": classifiers.title(name), **scores,
                     "folds": len(folds), "seconds": round(time.monotonic() - begin, 1)})
    return sorted(rows, key=lambda row: -row["clip_f1_macro"])


def tune(of: classifiers.Classifier, data: Training) -> dict[str, float]:
    """C and gamma of an RBF SVM by cross-validation inside the training parts: the highest macro F over clips.

    Distances are computed once a fold, so that trying values costs no more than the solver does.

    Returns
    -------
    dict
        C, gamma, clip_f1_macro.
    """
    from scipy.special import softmax
    from sklearn.metrics.pairwise import euclidean_distances
    from sklearn.preprocessing import StandardScaler
    grid = {(c, share / data.values.shape[1]): np.zeros((len(data.classes), data.n_classes))
            for share in SVM_GAMMA for c in SVM_C}
    folds = data.folds(data.svm_folds)
    for known, held in folds:
        scaler = StandardScaler().fit(data.values[known].astype(float))
        near, far = (scaler.transform(data.values[rows].astype(float)) for rows in (known, held))
        inner, outer = euclidean_distances(near, squared=True), euclidean_distances(far, near, squared=True)
        for (c, gamma), outputs in grid.items():
            made = of.build(data.seed).set_params(kernel="precomputed", C=c).fit(np.exp(-gamma * inner),
                                                                               data.classes[known])
            decisions = made.decision_function(np.exp(-gamma * outer))
            if decisions.ndim == 1:  # of two classes
                decisions = np.stack([-decisions, decisions], axis=1)
            outputs[np.ix_(held, made.classes_)] = softmax(decisions, axis=1)
    tested = np.sort(np.concatenate([held for _, held in folds]))
    scores = {pair: clip_scores(data.classes[tested], outputs[tested], data.clip[tested])["clip_f1_macro"]
              for pair, outputs in grid.items()}
    (c, gamma), score = max(scores.items(), key=lambda item: item[1])
    return {"C": c, "gamma": gamma, "clip_f1_macro": score}

