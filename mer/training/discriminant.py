"""Linear heads on a frozen encoder, solved at once: discriminant analysis of the mean codes of clips.

The mean code of a clip goes through a principal component analysis; in these coordinates a linear discriminant
analysis with a shrunken covariance answers each task (Fisher 1936; Friedman 1989, Regularized discriminant analysis,
J. Am. Stat. Assoc. 84). Both are linear, so the logits of a clip are the means of the logits of its patches, and the
heads can be asked about every patch. There are no epochs, and the seed matters for the folds below alone.

How many components there are, how far the covariance is shrunken, how certain the answers may be, and how far from the
training music a song may lie, is decided on training clips that were held out: folds over groups, so that no artist is
on both sides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from types import ModuleType, SimpleNamespace

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from mer import MerError, heads
from mer.evaluation import calibration
from mer.prediction import verdict
from mer.tasks import Task
from mer.training import spoken

COMPONENTS, SHRINKAGES = (50, 100, 150, 200), (0.1, 0.3, 0.5, 0.8)  # to choose from
LEAST_SPREAD = 1e-2  # of a unit over clips, as a share of that of all: one that is all but constant is rounding noise
LEAST_VARIANCE = 1e-6  # share of the variance that a component explains: one with less is rounding noise, too
N_FOLDS, LEAST_CLIPS = 5, 3
FAMILIAR = 0.95  # share of held-out training clips that count as familiar
VOTE = {"pooling": "log"}  # so that a clip gets the mean of the logits of its patches
SETTINGS = {"heads": "linear", "linear_components": list(COMPONENTS), "linear_shrinkages": list(SHRINKAGES),
            "linear_folds": N_FOLDS, "familiar_share": FAMILIAR}  # that a run depends on, beside those of the user
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
        JSON-able. components: how many coordinates. chosen: "components" that are not 0, and "shrinkage". temperature:
        task -> by what the logits were divided. familiar: "seconds", lengths of stretches, and "distance", the root
        mean square of the coordinates of a stretch that 95 % of held-out stretches stay below; where speech is told
        from music, "speech", from `spoken.direction`.
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
    return SimpleNamespace(build=module.build, encoder=module.encoder, heads=heads.Linear(max(COMPONENTS)).heads)


@threadpool_limits.wrap(limits=1)  # matrices are small: several threads wait for each other for most of the time
def fit(codes: np.ndarray, clip: np.ndarray, truth: dict[str, np.ndarray], tasks: Sequence[Task],
        groups: Sequence[str], *, patch_seconds: float, hop_seconds: float, balanced: bool, seed: int,
        speech: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None) -> Heads:
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
    speech : (np.ndarray, np.ndarray, np.ndarray) or None
        From `spoken.Speech.heard`: what is to be told from music.

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
    folds = _folds(truth[tasks[0].name], groups, seed=seed)
    choice = _chosen(means, truth, tasks, folds, balanced=balanced)
    held_out, found = _held_out(codes, clip, means, truth, tasks, folds, *choice, balanced=balanced, seed=seed)
    place, answers = _solved(_basis(means), means, truth, tasks, *choice, balanced=balanced)
    temperature, losses = {}, []
    for task in tasks:
        known = truth[task.name] >= 0
        true, unseen = truth[task.name][known], held_out[task.name][known]
        temperature[task.name] = t = calibration.temperature(unseen, true)
        answers[task.name] = slopes, offsets = tuple(values / t for values in answers[task.name])
        heard = (means[known] @ place[0] + place[1]) @ slopes + offsets
        losses.append([calibration.cross_entropy(logits, true) for logits in (heard, unseen / t)])
    familiar = {"share": FAMILIAR, "seconds": [round((n - 1) * hop_seconds + patch_seconds, 3) for n in found],
                "distance": [float(np.quantile(values, FAMILIAR)) for values in found.values()]}
    if speech:
        places = [(*place, np.arange(len(means)), np.arange(0)), *(
            (basis[0] / basis[2], basis[1] / basis[2], *fold) for fold in folds for basis in [_basis(means[fold[0]])])]
        familiar["speech"] = spoken.direction((codes, clip), speech, places, seed=seed)
    about = {"components": place[1].size, "chosen": dict(zip(("components", "shrinkage"), choice, strict=True)),
             "temperature": temperature, "familiar": familiar}
    return Heads(place, answers, about, *(float(loss) for loss in np.mean(losses, axis=0)))


def _folds(strata, groups, *, seed):
    """Training and held-out clips of each fold over groups."""
    n_folds = min(N_FOLDS, len(set(groups)), int(np.bincount(strata[strata >= 0]).min()))
    if n_folds < LEAST_CLIPS:
        raise MerError(f"linear heads are calibrated on held-out clips, which needs {LEAST_CLIPS} groups and as many "
                       f"clips of each class, and the training clips come from {len(set(groups))} group(s), with "
                       f"{int(np.bincount(strata[strata >= 0]).min())} clip(s) of the rarest class: give the corpus "
                       "more labelled clips, or train with --heads published")
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(strata)), strata, groups))


def _chosen(means, truth, tasks, folds, *, balanced):
    """(components, shrinkage) of least cross-entropy on held-out clips, the temperature put right, over the tasks."""
    bases = [_basis(means[known]) for known, _ in folds]
    most = max(len(spread) for *_, spread in bases)
    labels = {task.name: (truth[task.name] >= 0, truth[task.name][truth[task.name] >= 0]) for task in tasks}
    losses = {}
    for choice in product(sorted({min(each, most) for each in COMPONENTS}), SHRINKAGES):
        unseen = _logits(means, truth, tasks, folds, bases, *choice, balanced=balanced)
        known = [(unseen[name][is_known], true) for name, (is_known, true) in labels.items()]
        losses[choice] = np.mean([calibration.cross_entropy(logits / calibration.temperature(logits, true), true)
                                  for logits, true in known])
    return min(losses, key=losses.__getitem__)


def _logits(means, truth, tasks, folds, bases, components, shrinkage, *, balanced):
    """Logits of every clip from heads that did not hear its group, by task."""
    logits = {task.name: np.empty((len(means), len(task.classes))) for task in tasks}
    for (known, unseen), basis in zip(folds, bases, strict=True):
        (weights, offsets), answers = _solved(basis, means[known], {name: values[known] for name, values in
                                              truth.items()}, tasks, components, shrinkage, balanced=balanced)
        places = means[unseen] @ weights + offsets
        for name, (slopes, intercepts) in answers.items():
            logits[name][unseen] = places @ slopes + intercepts
    return logits


def _basis(means):
    """Principal components of standardized units: weights (units, n), offsets (n,), and spread (n,) of coordinates."""
    center, scale = means.mean(axis=0), means.std(axis=0)
    scale = np.maximum(scale, LEAST_SPREAD * np.sqrt(np.square(scale).mean()) or 1)
    pca = PCA(min(max(COMPONENTS), *means.shape, len(means) - 1), random_state=0)
    pca.fit((means - center) / scale)
    kept = pca.explained_variance_ratio_ > LEAST_VARIANCE
    weights = pca.components_[kept].T / scale[:, None]
    return weights, -(center @ weights) - pca.mean_ @ pca.components_[kept].T, np.sqrt(pca.explained_variance_[kept])


def _solved(basis, means, truth, tasks, components, shrinkage, *, balanced):
    """(place, answers) as in `Heads`, not calibrated, in the first `components` of a basis."""
    weights, offsets, spread = (values[..., :components] for values in basis)
    coordinates = means @ weights + offsets
    lacking = max(COMPONENTS) - len(spread)  # the rest is 0
    place = tuple(np.pad(values / spread, [(0, 0)] * (values.ndim - 1) + [(0, lacking)])
                  for values in (weights, offsets))
    answers = {}
    for task in tasks:
        known, n_classes = truth[task.name] >= 0, len(task.classes)
        analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage,
                                              priors=np.full(n_classes, 1 / n_classes) if balanced else None)
        analysis.fit(coordinates[known], truth[task.name][known])
        slopes, intercepts = analysis.coef_, analysis.intercept_
        if n_classes == 2:  # one difference of two logits
            slopes, intercepts = (np.concatenate([-each / 2, each / 2]) for each in (slopes, intercepts))
        answers[task.name] = np.pad((slopes * spread).T, [(0, lacking), (0, 0)]), intercepts
    return place, answers


def _held_out(codes, clip, means, truth, tasks, folds, components, shrinkage, *, balanced, seed):
    """Logits of every clip from heads that did not hear its group; length -> distances of held-out stretches."""
    bases = [_basis(means[known]) for known, _ in folds]
    logits = _logits(means, truth, tasks, folds, bases, components, shrinkage, balanced=balanced)
    found: dict[int, list[float]] = {length: [] for length in _LENGTHS}
    rng = np.random.default_rng(seed)
    for (_, unseen), (weights, offsets, spread) in zip(folds, bases, strict=True):
        for one in unseen:
            places = ((codes[clip == one] @ weights + offsets) / spread)[:, :components]
            places = np.pad(places, [(0, 0), (0, max(COMPONENTS) - places.shape[1])])  # as in `Heads.place`
            for length in [length for length in _LENGTHS if length <= len(places)]:
                starts = rng.integers(0, len(places) - length, size=_STRETCHES, endpoint=True)
                found[length] += [verdict.distance(places[start:start + length].mean(axis=0)) for start in starts]
    return logits, {length: values for length, values in found.items() if values}


def _means(codes, clip, n_clips):
    order = np.argsort(clip, kind="stable")
    starts = np.searchsorted(clip[order], np.arange(n_clips))
    return np.add.reduceat(codes[order], starts) / np.bincount(clip, minlength=n_clips)[:, None]
