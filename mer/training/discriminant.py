"""Linear heads on a frozen encoder, solved at once: discriminant analysis of the mean codes of clips.

The mean code of a clip goes through a principal component analysis; in these coordinates a linear discriminant
analysis with a shrunken covariance answers each task (Fisher 1936; Friedman 1989, Regularized discriminant analysis,
J. Am. Stat. Assoc. 84). Both are linear, so the logits of a clip are the means of the logits of its patches, and the
heads can be asked about every patch. There are no epochs, and the seed matters for the folds below alone.

How certain the answers may be, and how far from the training music a song may lie, is measured on training clips that
were held out: folds over groups, so that no artist is on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
from scipy.special import log_softmax
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedGroupKFold

from mer import MerError, heads
from mer.evaluation import calibration
from mer.prediction import verdict
from mer.tasks import Task

COMPONENTS, SHRINKAGE = 150, 0.3
LEAST_SPREAD = 1e-2  # of a unit over clips, as a share of that of all: one that is all but constant is rounding noise
LEAST_VARIANCE = 1e-6  # share of the variance that a component explains: one with less is rounding noise, too
N_FOLDS, LEAST_CLIPS = 5, 3
FAMILIAR = 0.95  # share of held-out training clips that count as familiar
VOTE = {"pooling": "log"}  # so that a clip gets the mean of the logits of its patches
SETTINGS = {"heads": "linear", "linear_components": COMPONENTS, "linear_shrinkage": SHRINKAGE, "linear_folds": N_FOLDS,
            "familiar_share": FAMILIAR}  # that a run depends on, beside those of the user
_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34, 55)  # patches of a stretch whose mean is judged
_STRETCHES = 4  # of each length a clip


@dataclass(frozen=True)
class Heads:
    """What `fit` has solved.

    Attributes
    ----------
    place : (np.ndarray, np.ndarray)
        Weights (units, components) and offsets (components,): code -> coordinates of mean 0 and variance 1 over the
        training clips.
    answers : dict of str -> (np.ndarray, np.ndarray)
        By task: weights (components, classes) and offsets (classes,): coordinates -> logits, calibrated.
    certainty : dict
        JSON-able. components: how many coordinates. temperature: task -> by what the logits were divided. familiar:
        "seconds", lengths of stretches, and "distance", the root mean square of the coordinates of a stretch that 95 %
        of held-out stretches stay below.
    loss, held_out_loss : float
        Cross-entropy of the clips, the mean over tasks: of those that were learnt, and of the same when held out.
    """

    place: tuple
    answers: dict
    certainty: dict
    loss: float
    held_out_loss: float


def heads_on(module: ModuleType) -> SimpleNamespace:
    """An architecture with linear heads in place of its own."""
    return SimpleNamespace(build=module.build, encoder=module.encoder, heads=heads.Linear(COMPONENTS).heads)


def fit(codes: np.ndarray, clip: np.ndarray, truth: dict[str, np.ndarray], tasks: Sequence[Task],
        groups: Sequence[str], *, patch_seconds: float, hop_seconds: float, balanced: bool, seed: int) -> Heads:
    """Solve the heads.

    Parameters
    ----------
    codes : np.ndarray, shape (patches, ...)
        Codes of the frozen encoder for the patches of the training clips; axes after the first are flattened.
    clip : np.ndarray of int, shape (patches,), in [0, clips)
        Clip of each patch, in time order.
    truth : dict of str -> np.ndarray of int, shape (clips,)
        By task: index of the class, -1 where a clip has no label.
    tasks : sequence of Task
    groups : sequence of str, length clips
        Artist or song of each clip.
    patch_seconds, hop_seconds : float
        Length of a patch, and from one to the next.
    balanced : bool
        Take every class for equally likely, whatever its share of the clips.
    seed : int
        Of the folds.

    Raises
    ------
    MerError
        A task has a range, or has fewer than two classes with clips.
    """
    for task in tasks:
        if not task.classes:
            raise MerError(f"linear heads answer tasks with classes, and {task.name} has a range: train with "
                           "--heads published, or take its row out of mer/tasks.py")
        if len(set(truth[task.name][truth[task.name] >= 0])) < len(task.classes):
            raise MerError(f"linear heads need training clips of every class of {task.name}, and some have none: give "
                           "the corpus more labelled clips, or train with --heads published")
    codes = np.asarray(codes, np.float64).reshape(len(codes), -1)
    means = _means(codes, clip, len(groups))
    held_out, found = _held_out(codes, clip, means, truth, tasks, groups, balanced=balanced, seed=seed)
    place, answers = _solved(means, truth, tasks, balanced=balanced)
    temperature, losses = {}, []
    for task in tasks:
        known = truth[task.name] >= 0
        true, unseen = truth[task.name][known], held_out[task.name][known]
        temperature[task.name] = t = calibration.temperature(unseen, true)
        answers[task.name] = slopes, offsets = tuple(values / t for values in answers[task.name])
        heard = (means[known] @ place[0] + place[1]) @ slopes + offsets
        losses.append([-log_softmax(logits, axis=1)[np.arange(len(true)), true].mean()
                       for logits in (heard, unseen / t)])
    familiar = {"share": FAMILIAR, "seconds": [round((n - 1) * hop_seconds + patch_seconds, 3) for n in found],
                "distance": [float(np.quantile(values, FAMILIAR)) for values in found.values()]}
    return Heads(place, answers, {"components": place[1].size, "temperature": temperature, "familiar": familiar},
                 *(float(loss) for loss in np.mean(losses, axis=0)))


def _solved(means, truth, tasks, *, balanced):
    """(place, answers) as in `Heads`, not calibrated."""
    center, scale = means.mean(axis=0), means.std(axis=0)
    scale = np.maximum(scale, LEAST_SPREAD * np.sqrt(np.square(scale).mean()) or 1)
    pca = PCA(min(COMPONENTS, *means.shape, len(means) - 1), random_state=0)
    coordinates = pca.fit_transform((means - center) / scale)
    kept = pca.explained_variance_ratio_ > LEAST_VARIANCE
    coordinates, spread, axes = coordinates[:, kept], np.sqrt(pca.explained_variance_[kept]), pca.components_[kept].T
    weights = axes / scale[:, None] / spread
    place = weights, -(center @ weights) - pca.mean_ @ axes / spread
    lacking = COMPONENTS - len(spread)  # of few clips there are fewer; the rest is 0
    place = tuple(np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, lacking)]) for values in place)
    answers = {}
    for task in tasks:
        known, n_classes = truth[task.name] >= 0, len(task.classes)
        analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE,
                                              priors=np.full(n_classes, 1 / n_classes) if balanced else None)
        analysis.fit(coordinates[known], truth[task.name][known])
        slopes, offsets = analysis.coef_, analysis.intercept_
        if n_classes == 2:  # one difference of two logits
            slopes, offsets = (np.concatenate([-each / 2, each / 2]) for each in (slopes, offsets))
        answers[task.name] = np.pad((slopes * spread).T, [(0, lacking), (0, 0)]), offsets
    return place, answers


def _held_out(codes, clip, means, truth, tasks, groups, *, balanced, seed):
    """Logits of every clip from heads that did not hear its group; length -> distances of held-out stretches."""
    strata = truth[tasks[0].name]
    n_folds = min(N_FOLDS, len(set(groups)), int(np.bincount(strata[strata >= 0]).min()))
    if n_folds < LEAST_CLIPS:
        raise MerError(f"linear heads are calibrated on held-out clips, which needs {LEAST_CLIPS} groups and as many "
                       f"clips of each class, and the training clips come from {len(set(groups))} group(s), with "
                       f"{int(np.bincount(strata[strata >= 0]).min())} clip(s) of the rarest class: give the corpus "
                       "more labelled clips, or train with --heads published")
    logits = {task.name: np.empty((len(means), len(task.classes))) for task in tasks}
    found: dict[int, list[float]] = {length: [] for length in _LENGTHS}
    rng = np.random.default_rng(seed)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(means, strata, groups)
    for known, unseen in folds:
        (weights, offsets), answers = _solved(means[known], {name: values[known] for name, values in truth.items()},
                                              tasks, balanced=balanced)
        for task in tasks:
            slopes, intercepts = answers[task.name]
            logits[task.name][unseen] = (means[unseen] @ weights + offsets) @ slopes + intercepts
        for one in unseen:
            places = codes[clip == one] @ weights + offsets
            for length in [length for length in _LENGTHS if length <= len(places)]:
                starts = rng.integers(0, len(places) - length, size=_STRETCHES, endpoint=True)
                found[length] += [verdict.distance(places[start:start + length].mean(axis=0)) for start in starts]
    return logits, {length: values for length, values in found.items() if values}


def _means(codes, clip, n_clips):
    order = np.argsort(clip, kind="stable")
    starts = np.searchsorted(clip[order], np.arange(n_clips))
    return np.add.reduceat(codes[order], starts) / np.bincount(clip, minlength=n_clips)[:, None]
