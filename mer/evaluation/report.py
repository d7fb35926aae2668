"""Stage 4: what one transferred model is worth, from its predictions on the test set.

Patch scores are what ICASSP 2021 printed; clip scores (mean of the patch probabilities of a clip) are what a
listener would ask for. Both come with intervals from a bootstrap over groups of clips (`mer.evaluation.intervals`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mer import MerError, files
from mer.evaluation import calibration, intervals, metrics, plots, predictions
from mer.evaluation.caveats import encoder_warnings, transductive_warning
from mer.evaluation.predictions import LEVELS
from mer.evaluation.report_text import compose
from mer.tasks import QUADRANTS, Task

DIGITS = 6
FEW_GROUPS = 20  # below this the intervals hold the true value less often than they say, see docs/report.md
FEW_CLIPS = 50  # below this an accuracy near one half has a 95 % interval wider than ±.14 (1.96 * .5 / sqrt(50))
# What differs from one machine or moment to the next and says nothing about the result.
VOLATILE = frozenset({"command", "created", "duration", "finished", "folder", "host", "path", "seconds", "started"})


def write(folder: Path, *, clips: Sequence[str], patch_clip: Sequence[int] | np.ndarray,
          patch_start_seconds: Sequence[float] | np.ndarray, tasks: Sequence[Task], truth: dict[str, np.ndarray],
          outputs: dict[str, np.ndarray], run: dict, guess: Mapping[str, float | np.ndarray] = MappingProxyType({}),
          votes: Mapping[str, np.ndarray] = MappingProxyType({}),
          history: Sequence[dict] = (), groups: Sequence[str] | None = None, grouped_by: str = "clip",
          n_bootstrap: int = 2000, seed: int = 0, pictures: bool = True) -> dict:
    """Score the test set and write report.json, report.txt, predictions.csv and three pictures.

    Clips without a label of a task are left out of its scores.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the run; made where it is missing.
    clips : sequence of str, length n_clips
        Clip ids of the test set, all different.
    patch_clip : array of int, shape (n_patches,), in [0, n_clips)
        Clip of each patch; every clip has at least one patch.
    patch_start_seconds : array of float, shape (n_patches,), in seconds from the start of the clip
    tasks : sequence of Task
    truth : dict of str -> array, shape (n_clips,)
        By task: what `Task.targets` gives, index of a class (-1: no label) or value (NaN: no label).
    outputs : dict of str -> array of float, shape (n_patches, units)
        By task: probabilities of its classes, in [0, 1], or values.
    run : dict, JSON-able
        What was trained and how; copied under ``run`` without the keys of `VOLATILE`, at any depth.
    guess : dict of str -> float or array, shape (n_clips,)
        For each task with a range: the mean label of the training clips, which scores are compared with.
    votes : dict of str -> array of float, shape (n_clips, units)
        By task: probabilities or values of the clips, where they are not the mean over their patches.
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
    pictures : bool
        Draw them; report.txt has the confusion matrices, too.

    Returns
    -------
    dict
        What report.json holds: the same input and seed give the same bytes.

    Raises
    ------
    MerError
        Empty test set, lengths that do not match, or values that are not probabilities.
    """
    data = _checked(clips, patch_clip, patch_start_seconds, tuple(tasks), truth, outputs, guess, votes, folder.name)
    data |= _checked_groups(data["clips"], groups, grouped_by, folder.name)
    report = evaluate(data, run=run, n_bootstrap=n_bootstrap, seed=seed)
    files.write_json(folder / "report.json", report)
    files.write_text(folder / "report.txt", compose(report))
    predictions.write(folder / "predictions.csv", clips=data["clips"], groups=data["groups"],
                      patch_clip=data["patch_clip"], starts=data["starts"], tasks=data["tasks"], levels=data)
    _draw(report, data, history, folder, pictures=pictures)
    return report


def _draw(report, data, history, folder, *, pictures):
    """The pictures; where there is nothing to draw, one of an earlier run would be taken for this one's.

    A single fold gets none of its answers: the report on all folds has them. One epoch is no curve.
    """
    confusion, certainty, curves = (folder / f"{name}.png" for name in ("confusion", "certainty", "learning_curves"))
    for path in (confusion, certainty, curves):
        path.unlink(missing_ok=True)
    with_classes = [task for task in data["tasks"] if task.classes]
    if pictures and with_classes and not report["run"].get("fold"):
        plots.confusion(report, with_classes, confusion)
        plots.certainty(data["clip"], with_classes, certainty)
    if len(history) > 1:
        plots.learning_curves(history, data["tasks"], curves)


def evaluate(data: dict, *, run: dict, n_bootstrap: int, seed: int) -> dict:
    """The report as a dict, from checked predictions (see `write`)."""
    groups, n_clips = np.asarray(data["groups"], str), len(data["clips"])
    resamples = intervals.draw(groups, n_bootstrap=n_bootstrap, seed=seed)
    report: dict[str, Any] = {level: {} for level in LEVELS}
    for task in data["tasks"]:
        known = task.is_labelled(data["clip"][task.name][0])
        drawn = resamples if known.all() else intervals.draw(groups[known], n_bootstrap=n_bootstrap, seed=seed)
        number = np.cumsum(known) - 1  # of a clip among those with a label
        for level in LEVELS:
            clip = data["patch_clip"] if level == "patch" else np.arange(n_clips)
            truth, predicted, guess = (values[known[clip]] for values in data[level][task.name])
            result = metrics.evaluate(task, truth, predicted, number[clip[known[clip]]], resamples=drawn,
                                      guess=None if task.classes else guess[:, 0])
            if task.classes and level == "clip":
                result["certainty"] = calibration.evaluate(guess, truth, seed=seed)
            report[level][task.name] = files.rounded(result, DIGITS)
    report["test"] = _test_set(data, resamples)
    report["bootstrap"] = {"unit": data["grouped_by"], "groups": resamples.n_groups, "resamples": n_bootstrap,
                           "seed": seed, "confidence": intervals.CONFIDENCE}
    report["run"] = _stable({**run, "tasks": [task.name for task in data["tasks"]]})
    report["warnings"] = [*encoder_warnings(report["run"]), *transductive_warning(report["run"]),
                          *_warnings(report["test"])]
    return report


def _checked_groups(clips, groups, grouped_by, name):
    """Group of each clip and what it is; the clips themselves where nothing is known."""
    if groups is None:
        return {"groups": clips, "grouped_by": "clip"}
    if len(groups) != len(clips):
        raise MerError(f"the test set of {name} has {len(clips)} clips and {len(groups)} groups; predict again")
    return {"groups": [str(group) for group in groups], "grouped_by": grouped_by}


def _checked(clips, patch_clip, patch_start_seconds, tasks, truth, outputs, guess, votes, name):
    """Checked arrays; and of each task, at both levels, truth, prediction, and probabilities or the guess."""
    clips, patch_clip = list(clips), np.asarray(patch_clip)
    starts = np.asarray(patch_start_seconds, dtype=float)
    patch, clip = {}, {}
    for task in tasks:
        true = np.asarray(truth[task.name])
        _check_lengths(clips, patch_clip, starts, true, name)
        _check_labels(task, true, name)
        made = _check_outputs(task, outputs, len(patch_clip), name)
        vote = metrics.clip_vote(made, patch_clip, n_clips=len(clips))
        if votes:
            vote = _check_outputs(task, votes, len(clips), name)
        if task.classes:
            clip[task.name] = true, vote.argmax(axis=1), vote
            patch[task.name] = true[patch_clip], made.argmax(axis=1), made
        else:
            mean = np.broadcast_to(np.asarray(guess[task.name], float), len(clips))[:, None]
            clip[task.name] = true, vote[:, 0], mean
            patch[task.name] = true[patch_clip], made[:, 0], mean[patch_clip]
    return {"clips": clips, "patch_clip": patch_clip, "starts": starts, "tasks": tasks, "patch": patch, "clip": clip}


def _check_lengths(clips, patch_clip, starts, labels, name):
    """Raise MerError unless clips, patches and labels belong together."""
    if not clips or not len(patch_clip):
        raise MerError(f"the test set of {name} is empty ({len(clips)} clips, {len(patch_clip)} patches); give the "
                       "corpus more labelled clips or set a larger test_fraction")
    if len(labels) != len(clips) or len(starts) != len(patch_clip):
        raise MerError(f"the predictions of {name} do not fit together: {len(clips)} clips with {len(labels)} "
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


def _check_labels(task, truth, name):
    """Raise MerError unless a task's labels are ones of its own, and at least one clip has one."""
    known = truth[task.is_labelled(truth)]
    if not len(known):
        raise MerError(f"no test clip of {name} has a label for {task.name}: leave that task out")
    low, high = task.range or (0, len(task.classes) - 1)
    if np.min(known) < low - 1e-9 or np.max(known) > high + 1e-9:
        raise MerError(f"the labels of {name} for {task.name} should be {low:g} to {high:g}, and go from "
                       f"{np.min(known):g} to {np.max(known):g}; read the corpus again")


def _check_outputs(task, outputs, n_patches, name):
    """The task's probabilities or values as float64, or MerError."""
    expected = n_patches, task.units
    if task.name not in outputs:
        raise MerError(f"{name} has no prediction for the task {task.name!r}, only for {sorted(outputs)}")
    p = np.asarray(outputs[task.name], dtype=float)
    if p.shape != expected:
        raise MerError(f"the predictions of {name} for {task.name} have the shape {p.shape}, expected {expected}")
    bad = int((~np.isfinite(p)).any(axis=1).sum())
    if bad:
        raise MerError(f"{bad} of {n_patches} patches of {name} have no finite prediction for {task.name}: the "
                       "training diverged, so train again with a lower learning rate")
    if task.classes and (p.min() < 0 or p.max() > 1.001):  # bfloat16 softmax may pass 1 by a rounding step
        raise MerError(f"the predictions of {name} for {task.name} go from {p.min():.3g} to {p.max():.3g}; expected "
                       "probabilities from 0 to 1, so end the head with a softmax")
    return p


def _test_set(data, resamples):
    """Size and make-up of the test set; the digest tells whether two reports used the same clips and labels."""
    first, truth = data["tasks"][0], {name: values[0] for name, values in data["clip"].items()}
    lacking = {task.name: int((~task.is_labelled(truth[task.name])).sum()) for task in data["tasks"]}
    per_class = {}
    if "quadrants" in truth:
        counts = np.bincount(truth["quadrants"][truth["quadrants"] >= 0], minlength=len(QUADRANTS)).tolist()
        per_class = {"clips_per_quadrant": dict(zip(QUADRANTS, counts, strict=True))}
    return {
        "clips": len(data["clips"]),
        "patches": len(data["patch_clip"]),
        **per_class,
        **({"clips_without_label": lacking} if any(lacking.values()) else {}),
        "grouped_by": data["grouped_by"],
        "groups": resamples.n_groups,
        "groups_effective": round(resamples.n_effective, 1),
        "digest": predictions.digest(data["clips"], truth[first.name]),
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
    absent = [name for name, support in test.get("clips_per_quadrant", {}).items() if not support]
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
