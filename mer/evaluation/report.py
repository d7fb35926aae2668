"""Stage 4: what one transferred model is worth, from its predictions on the test set.

Patch scores are what ICASSP 2021 printed; clip scores (mean of the patch probabilities of a clip) are what a
listener would ask for. Both come with intervals from a bootstrap over groups of clips (`mer.evaluation.intervals`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mer import MerError, files
from mer.evaluation import intervals, metrics, plots, predictions
from mer.evaluation.predictions import LEVELS
from mer.evaluation.report_text import compose, pretext_warning
from mer.tasks import QUADRANTS, TASKS

DIGITS = 6
FEW_GROUPS = 20  # below this the intervals hold the true value less often than they say, see docs/report.md
FEW_CLIPS = 50  # below this an accuracy near one half has a 95 % interval wider than ±.14 (1.96 * .5 / sqrt(50))
# What differs from one machine or moment to the next and says nothing about the result.
VOLATILE = frozenset({"command", "created", "duration", "finished", "folder", "host", "path", "seconds", "started"})


def write(folder: Path, *, clips: Sequence[str], patch_clip: Sequence[int] | np.ndarray,
          patch_start_seconds: Sequence[float] | np.ndarray, quadrant: Sequence[int] | np.ndarray,
          probabilities: dict[str, np.ndarray], run: dict, history: Sequence[dict] = (),
          groups: Sequence[str] | None = None, grouped_by: str = "clip", n_bootstrap: int = 2000,
          seed: int = 0) -> dict:
    """Score the test set and write report.json, report.txt, predictions.csv and two pictures.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the run; made where it is missing.
    clips : sequence of str, length n_clips
        Clip ids of the test set, all different.
    patch_clip : array of int, shape (n_patches,), in [0, n_clips)
        Clip of each patch; every clip has at least one patch.
    patch_start_seconds : array of float, shape (n_patches,), in seconds from the start of the clip
    quadrant : array of int, shape (n_clips,), in 0..3
        True quadrant of each clip, an index into `mer.tasks.QUADRANTS`.
    probabilities : dict of str -> array of float, shape (n_patches, n_classes), in [0, 1]
        For every task of `mer.tasks.TASKS`.
    run : dict, JSON-able
        What was trained and how; copied under ``run`` without the keys of `VOLATILE`, at any depth.
    history : sequence of dict, one per epoch
        For learning_curves.png (see `mer.evaluation.plots.learning_curves`), which is left out where this is empty.
    groups : sequence of str, length n_clips, or None
        Artist, song or speaker of each clip; None: nothing is known, every clip counts for itself.
    grouped_by : str
        What the groups are: "artist", "song", "speaker", "group", "clip".
    n_bootstrap : int >= 0
        Resamples behind each interval.
    seed : int
        Seed of the resamples.

    Returns
    -------
    dict
        What report.json holds: the same input and seed give the same bytes.

    Raises
    ------
    MerError
        Empty test set, lengths that do not match, or values that are not probabilities.
    """
    data = _checked(clips, patch_clip, patch_start_seconds, quadrant, probabilities, folder.name)
    data |= _checked_groups(data["clips"], groups, grouped_by, folder.name)
    report = evaluate(data, run=run, n_bootstrap=n_bootstrap, seed=seed)
    files.write_json(folder / "report.json", report)
    files.write_text(folder / "report.txt", compose(report))
    predictions.write(folder / "predictions.csv", clips=data["clips"], groups=data["groups"],
                      patch_clip=data["patch_clip"], starts=data["starts"], levels=data)
    plots.confusion(report, folder / "confusion.png")
    curves = folder / "learning_curves.png"
    if history:
        plots.learning_curves(history, curves)
    else:
        curves.unlink(missing_ok=True)  # one of an earlier run would be taken for this one's
    return report


def evaluate(data: dict, *, run: dict, n_bootstrap: int, seed: int) -> dict:
    """The report as a dict, from checked predictions (see `write`)."""
    resamples = intervals.draw(data["groups"], n_bootstrap=n_bootstrap, seed=seed)
    report: dict[str, Any] = {level: {} for level in LEVELS}
    for task in TASKS:
        for level in LEVELS:
            truth, predicted, _ = data[level][task.name]
            clip = data["patch_clip"] if level == "patch" else np.arange(len(data["clips"]))
            result = metrics.evaluate(truth, predicted, clip, classes=task.classes, resamples=resamples)
            report[level][task.name] = files.rounded(result, DIGITS)
    report["test"] = _test_set(data, resamples)
    report["bootstrap"] = {"unit": data["grouped_by"], "groups": resamples.n_groups, "resamples": n_bootstrap,
                           "seed": seed, "confidence": intervals.CONFIDENCE}
    report["run"] = _stable(run)
    report["warnings"] = [*pretext_warning(report["run"]), *_warnings(report["test"])]
    return report


def _checked_groups(clips, groups, grouped_by, name):
    """Group of each clip and what it is; the clips themselves where nothing is known."""
    if groups is None:
        return {"groups": clips, "grouped_by": "clip"}
    if len(groups) != len(clips):
        raise MerError(f"the test set of {name} has {len(clips)} clips and {len(groups)} groups; predict again")
    return {"groups": [str(group) for group in groups], "grouped_by": grouped_by}


def _checked(clips, patch_clip, patch_start_seconds, quadrant, probabilities, name):
    """Checked arrays, and truth, prediction and probabilities of each task at both levels."""
    clips, patch_clip, quadrant = list(clips), np.asarray(patch_clip), np.asarray(quadrant)
    starts = np.asarray(patch_start_seconds, dtype=float)
    _check_lengths(clips, patch_clip, starts, quadrant, name)
    patch, clip = {}, {}
    for task in TASKS:
        p = _check_probabilities(task, probabilities, len(patch_clip), name)
        vote = metrics.clip_vote(p, patch_clip, n_clips=len(clips))
        truth = task.targets(quadrant)
        clip[task.name] = truth, vote.argmax(axis=1), vote
        patch[task.name] = truth[patch_clip], p.argmax(axis=1), p
    return {"clips": clips, "patch_clip": patch_clip, "starts": starts, "quadrant": quadrant,
            "patch": patch, "clip": clip}


def _check_lengths(clips, patch_clip, starts, quadrant, name):
    """Raise MerError unless clips, patches and labels belong together."""
    if not clips or not len(patch_clip):
        raise MerError(f"the test set of {name} is empty ({len(clips)} clips, {len(patch_clip)} patches); give the "
                       "corpus more labelled clips or set a larger test_fraction")
    if len(quadrant) != len(clips) or len(starts) != len(patch_clip):
        raise MerError(f"the predictions of {name} do not fit together: {len(clips)} clips with {len(quadrant)} "
                       f"labels, {len(patch_clip)} patches with {len(starts)} start times; predict again")
    if len(set(clips)) < len(clips):
        raise MerError(f"{len(clips) - len(set(clips))} clip ids occur twice in the test set of {name}; "
                       "draw the split again")
    if np.min(patch_clip) < 0 or len(np.bincount(patch_clip, minlength=len(clips))) > len(clips):
        raise MerError(f"a patch of {name} belongs to none of its {len(clips)} clips; predict again")
    silent = int((np.bincount(patch_clip, minlength=len(clips)) == 0).sum())
    if silent:
        raise MerError(f"{silent} test clips of {name} have no patch, so nothing was predicted for them; "
                       "leave them out of the split or predict again")
    if not np.isin(quadrant, range(len(QUADRANTS))).all():
        raise MerError(f"the labels of {name} should be 0 to {len(QUADRANTS) - 1}, one per quadrant, and go from "
                       f"{np.min(quadrant)} to {np.max(quadrant)}; read the corpus again")


def _check_probabilities(task, probabilities, n_patches, name):
    """The task's probabilities as float64, or MerError."""
    expected = n_patches, len(task.classes)
    if task.name not in probabilities:
        raise MerError(f"{name} has no prediction for the task {task.name!r}, only for {sorted(probabilities)}")
    p = np.asarray(probabilities[task.name], dtype=float)
    if p.shape != expected:
        raise MerError(f"the predictions of {name} for {task.name} have the shape {p.shape}, expected {expected}")
    bad = int((~np.isfinite(p)).any(axis=1).sum())
    if bad:
        raise MerError(f"{bad} of {n_patches} patches of {name} have no finite probability for {task.name}: the "
                       "training diverged, so train again with a lower learning rate")
    if p.min() < 0 or p.max() > 1.001:  # bfloat16 softmax may pass 1 by a rounding step
        raise MerError(f"the predictions of {name} for {task.name} go from {p.min():.3g} to {p.max():.3g}; expected "
                       "probabilities from 0 to 1, so end the head with a softmax")
    return p


def _test_set(data, resamples):
    """Size and make-up of the test set; the digest tells whether two reports used the same clips and labels."""
    support = np.bincount(data["quadrant"], minlength=len(QUADRANTS)).tolist()
    return {
        "clips": len(data["clips"]),
        "patches": len(data["patch_clip"]),
        "clips_per_quadrant": dict(zip(QUADRANTS, support, strict=True)),
        "grouped_by": data["grouped_by"],
        "groups": resamples.n_groups,
        "groups_effective": round(resamples.n_effective, 1),
        "digest": predictions.digest(data["clips"], data["quadrant"]),
    }


def _warnings(test):
    """Sentences about a test set that is too small to tell much."""
    lines, n_clips, unit = [], test["clips"], test["grouped_by"]
    if test["groups"] == 1:
        only = "a single clip" if n_clips == 1 else f"of a single {unit}"
        lines.append(f"The test set is {only}: no interval can be given.")
    elif n_clips < FEW_CLIPS:
        lines.append(f"The test set has only {n_clips} clips: an accuracy near one half is uncertain by about "
                     f"±{1.96 * 0.5 / n_clips ** 0.5:.2f} or more.")
    if 1 < test["groups_effective"] < FEW_GROUPS:
        equal = (f", which count for {test['groups_effective']:g} of equal size"
                 if test["groups_effective"] < test["groups"] - 0.5 else "")
        lines.append(f"The test clips come from only {test['groups']} {unit}s{equal}: intervals from so few {unit}s "
                     "are wide, and hold the true value less often than they say." if unit != "clip" else
                     "Intervals from so few clips hold the true value less often than they say.")
    absent = [name for name, support in test["clips_per_quadrant"].items() if not support]
    if absent:
        lines.append(f"No test clip is in {' or '.join(absent)}: nothing can be said about it, and macro averages "
                     "leave it out.")
    return lines


def _stable(value):
    """The same nested value without `VOLATILE` keys, in plain JSON types; not-a-number becomes None."""
    if isinstance(value, dict):
        return {str(key): _stable(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, (list, tuple)):
        return [_stable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
