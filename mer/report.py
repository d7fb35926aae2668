"""Stage 4: what one transferred model is worth, from its predictions on the test set.

Patch scores are what ICASSP 2021 printed; clip scores (mean of the patch probabilities of a clip) are what a
listener would ask for. Both come with intervals from a bootstrap over clips (`mer.metrics`).
"""

import csv
import hashlib
import json
import os

import numpy as np

from mer import MerError, figures, metrics
from mer.report_text import compose
from mer.tasks import QUADRANTS, TASKS

LEVELS = ("patch", "clip")
DIGITS = 6
FEW_CLIPS = 50  # below this an accuracy near one half has a 95 % interval wider than ±.14 (1.96 * .5 / sqrt(50))
# What differs from one machine or moment to the next and says nothing about the result.
VOLATILE = frozenset({"command", "created", "duration", "finished", "folder", "host", "path", "seconds", "started"})


def write(folder, *, clips, patch_clip, patch_start_seconds, quadrant, probabilities, run, history=(),
          n_bootstrap=2000, seed=0):
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
        For learning_curves.png (see `mer.figures.learning_curves`), which is left out where this is empty.
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
    folder.mkdir(parents=True, exist_ok=True)
    report = evaluate(data, run=run, n_bootstrap=n_bootstrap, seed=seed)
    _write_text(folder / "report.json", json.dumps(report, sort_keys=True, indent=1, allow_nan=False) + "\n")
    _write_text(folder / "report.txt", compose(report))
    _write_predictions(folder / "predictions.csv", data)
    figures.confusion(report, folder / "confusion.png")
    curves = folder / "learning_curves.png"
    if history:
        figures.learning_curves(history, curves)
    else:
        curves.unlink(missing_ok=True)  # one of an earlier run would be taken for this one's
    return report


def evaluate(data, *, run, n_bootstrap, seed):
    """The report as a dict, from checked predictions (see `write`)."""
    draws = metrics.draw_clips(len(data["clips"]), n_bootstrap=n_bootstrap, seed=seed)
    report = {level: {} for level in LEVELS}
    for task in TASKS:
        for level in LEVELS:
            truth, predicted, _ = data[level][task.name]
            clip = data["patch_clip"] if level == "patch" else np.arange(len(data["clips"]))
            result = metrics.evaluate(truth, predicted, clip, classes=task.classes, draws=draws)
            report[level][task.name] = _rounded(result)
    report["test"] = _test_set(data)
    report["bootstrap"] = {"unit": "clip", "resamples": n_bootstrap, "seed": seed, "confidence": metrics.CONFIDENCE}
    report["run"] = _stable(run)
    report["warnings"] = _warnings(report["test"])
    return report


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


def _test_set(data):
    """Size and make-up of the test set; the digest tells whether two reports used the same clips and labels."""
    labelled = sorted(zip(data["clips"], data["quadrant"].tolist(), strict=True))
    support = np.bincount(data["quadrant"], minlength=len(QUADRANTS)).tolist()
    return {
        "clips": len(data["clips"]),
        "patches": len(data["patch_clip"]),
        "clips_per_quadrant": dict(zip(QUADRANTS, support, strict=True)),
        "digest": hashlib.sha256(json.dumps(labelled).encode()).hexdigest()[:16],
    }


def _warnings(test):
    """Sentences about a test set that is too small to tell much."""
    lines, n_clips = [], test["clips"]
    if n_clips == 1:
        lines.append("The test set is a single clip: no interval can be given.")
    elif n_clips < FEW_CLIPS:
        lines.append(f"The test set has only {n_clips} clips: an accuracy near one half is uncertain by about "
                     f"±{1.96 * 0.5 / n_clips ** 0.5:.2f}, and bootstrap intervals of so few clips are a little too "
                     "narrow.")
    absent = [name for name, support in test["clips_per_quadrant"].items() if not support]
    if absent:
        lines.append(f"No test clip is in {' or '.join(absent)}: nothing can be said about it, and macro averages "
                     "leave it out.")
    return lines


def _write_predictions(path, data):
    """predictions.csv: a row per patch, then a row per clip."""
    clips, patch_clip, starts = data["clips"], data["patch_clip"], data["starts"]
    seen = [0] * len(clips)
    partial = path.with_name(path.name + ".part")
    with open(partial, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(prediction_columns())
        for row, clip in enumerate(patch_clip.tolist()):
            out.writerow(["patch", clips[clip], seen[clip], f"{starts[row]:.6f}", *_cells(data["patch"], row)])
            seen[clip] += 1
        for row, clip in enumerate(clips):
            out.writerow(["clip", clip, "", "", *_cells(data["clip"], row)])
    os.replace(partial, path)


def prediction_columns():
    """Column names of predictions.csv."""
    columns = ["level", "clip", "patch", "start_seconds"]
    for task in TASKS:
        columns += [f"true_{task.name}", f"predicted_{task.name}", *(f"p_{label}" for label in task.classes)]
    return columns


def _cells(level, row):
    """Truth, prediction and probabilities of one row, task after task."""
    cells = []
    for task in TASKS:
        truth, predicted, p = level[task.name]
        cells += [task.classes[truth[row]], task.classes[predicted[row]], *(f"{value:.6f}" for value in p[row])]
    return cells


def _write_text(path, text):
    """Write to a temporary name, then rename."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def _rounded(value):
    """The same nested value with floats at `DIGITS` digits, so that machines agree on the bytes."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def _stable(value):
    """The same nested value without `VOLATILE` keys, in plain JSON types; not-a-number becomes None."""
    if isinstance(value, dict):
        return {str(key): _stable(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, (list, tuple)):
        return [_stable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
