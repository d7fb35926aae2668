"""What can be read off a layer by a straight line: linear probes (Alain & Bengio 2016), each in folds of groups.

A probe with classes is a linear discriminant analysis with a shrunken covariance on principal components of the mean
activations; a probe with numbers is a ridge regression, whose penalty is chosen on the training clips. Components,
standardization and penalty are fitted on the training clips of each fold alone. Every layer of every encoder gets the
same folds, and the scores of two layers are compared on the same clips, group by group.

References
----------
Alain & Bengio (2016), Understanding intermediate layers using linear classifier probes, arXiv:1610.01644.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline

from mer.evaluation import intervals, metrics, regression
from mer.evaluation.intervals import Estimate

N_FOLDS = 5
LEAST_GROUPS = 5  # with clips of each class, where the folds are groups: with fewer, the class is the group
COMPONENTS, SHRINKAGE = 100, 0.3
PENALTIES = tuple(10.0 ** np.arange(-2, 6))
LEAST_SPREAD = 1e-2  # of a unit, as a share of that of all: one that is all but constant is rounding noise


@dataclass(frozen=True)
class Probe:
    """A question about clips.

    Attributes
    ----------
    name : str
        "arousal", "speech or music", "pitch of speech", ...
    clips : tuple of (str, str)
        Corpus ("music e") and clip.
    truth : np.ndarray, shape (clips,)
        Index of the class, int; or a number, float.
    classes : tuple of str
        () where the answer is a number.
    groups : tuple of str, length clips
        What the interval draws; it is what the folds keep together, too, unless `closed`.
    closed : bool
        The folds cut through the groups: the speakers to be told apart are those of the training clips.
    note : str
        What a reader has to know.
    """

    name: str
    clips: tuple[tuple[str, str], ...]
    truth: np.ndarray
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    closed: bool = False
    note: str = ""

    @property
    def score(self) -> str:
        """The score that stands for it."""
        return "f1_macro" if self.classes else "r2"


def folds(probe: Probe, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test clips of each fold."""
    groups = np.unique(probe.groups, return_inverse=True)[1]
    if probe.closed:
        split = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(groups, probe.truth)
    elif probe.classes:
        split = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed).split(groups, probe.truth, groups)
    else:
        split = GroupKFold(N_FOLDS, shuffle=True, random_state=seed).split(groups, probe.truth, groups)
    return list(split)


def answers(probe: Probe, values: np.ndarray, cut: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """What the probe says of every clip when its group was held out.

    Parameters
    ----------
    probe : Probe
    values : np.ndarray, shape (clips, units)
    cut : list of (np.ndarray, np.ndarray)
        From `folds`.

    Returns
    -------
    np.ndarray, shape (clips,)
        Class, int, or number.
    """
    made = np.empty(len(values), int if probe.classes else float)
    values = np.asarray(values, np.float64)
    for known, unseen in cut:
        center, scale = values[known].mean(axis=0), values[known].std(axis=0)
        scale = np.maximum(scale, LEAST_SPREAD * np.sqrt(np.square(scale).mean()) or 1)
        standard = (values - center) / scale
        made[unseen] = _model(probe, *standard[known].shape).fit(standard[known], probe.truth[known]).predict(
            standard[unseen])
    return made


def _model(probe: Probe, n_clips: int, n_units: int) -> Pipeline:
    if not probe.classes:
        return make_pipeline(RidgeCV(PENALTIES))
    equal = np.full(len(probe.classes), 1 / len(probe.classes))
    return make_pipeline(PCA(min(COMPONENTS, n_clips - 1, n_units), random_state=0),
                         LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE, priors=equal))


class Scores:
    """Scores of a probe on the clips and on resamples of their groups, the same ones for all layers.

    Parameters
    ----------
    probe : Probe
    n_bootstrap, seed : int
        See `intervals.draw`.
    """

    def __init__(self, probe: Probe, *, n_bootstrap: int, seed: int) -> None:
        self.probe = probe
        self.resamples = intervals.draw(probe.groups, n_bootstrap=n_bootstrap, seed=seed)

    def of(self, said: np.ndarray) -> tuple[float, np.ndarray]:
        """Score of the answers, shape (clips,): on the clips, and on each resample."""
        probe, every = self.probe, np.arange(len(said))
        if probe.classes:
            parts = metrics.clip_confusions(probe.truth, said, every, n_clips=len(said), n_classes=len(probe.classes))
            drawn = metrics.resampled(parts, self.resamples)
            return float(metrics.scores(parts.sum(axis=0))["f1_macro"]), metrics.scores(drawn)["f1_macro"]
        parts = regression.sums(probe.truth, said, np.full(len(said), probe.truth.mean()), every, n_clips=len(said))
        drawn = metrics.resampled(parts, self.resamples)
        return float(regression.scores(parts.sum(axis=0))[0]["r2"]), regression.scores(drawn)[0]["r2"]

    def chance(self, said: np.ndarray) -> float:
        """Score of the same answers given to clips in random order; 0 for numbers, the score of their mean."""
        if not self.probe.classes:
            return 0.0
        confusion = np.zeros((len(self.probe.classes),) * 2)
        np.add.at(confusion, (self.probe.truth, said), 1)
        return float(metrics.guesses(confusion)["shuffled"]["f1_macro"])

    def estimate(self, runs: Sequence[tuple[float, np.ndarray]],
                 minus: Sequence[tuple[float, np.ndarray]] = ()) -> Estimate:
        """A score, or the difference of two, with its interval: see `intervals.estimate`."""
        low = -np.inf if not self.probe.classes else -1.0 if len(minus) else 0.0
        bounds = (low, np.inf if len(minus) and not self.probe.classes else 1.0)
        return intervals.estimate(runs, self.resamples, minus=minus, bounds=bounds)


def compared(probe: Probe, tables: Mapping[tuple[str, str], np.ndarray], enemies: Mapping[str, Sequence[str]], *,
             n_bootstrap: int, seed: int) -> Iterator[dict]:
    """Score every layer of every encoder, and its difference from the mean spectrum and from random weights.

    Parameters
    ----------
    probe : Probe
    tables : mapping of (str, str) -> np.ndarray, shape (clips, units)
        By encoder and layer, in the order of `probe.clips`; the first layer of each encoder is "input".
    enemies : mapping of str -> sequence of str
        Encoder -> those of the same architecture with random weights.
    n_bootstrap, seed : int

    Yields
    ------
    dict
        probe, encoder, layer, units, score (its name), value, low, high, chance; "over_input" and "over_random", each
        with the ends of its interval and p, None where there is nothing to compare with.
    """
    scores, cut = Scores(probe, n_bootstrap=n_bootstrap, seed=seed), folds(probe, seed=seed)
    said = {which: answers(probe, values, cut) for which, values in tables.items()}
    made = {which: scores.of(answer) for which, answer in said.items()}
    for (encoder, layer), found in made.items():
        own = scores.estimate([found])
        row = {"probe": probe.name, "encoder": encoder, "layer": layer, "units": tables[encoder, layer].shape[1],
               "clips": len(probe.clips), "groups": scores.resamples.n_groups, "score": probe.score, "value": own.value,
               "low": own.low, "high": own.high, "chance": scores.chance(said[encoder, layer])}
        others = {"input": [made[encoder, "input"]] if layer != "input" else [],
                  "random": [made[twin, layer] for twin in enemies.get(encoder, ())]}
        for name, minus in others.items():
            over = scores.estimate([found], minus) if minus else None
            row |= {f"over_{name}{end}": getattr(over, field, None) for end, field in
                    (("", "value"), ("_low", "low"), ("_high", "high"), ("_p", "p"))}
        yield row
