"""Cross-validation: one transfer per fold, then one report in which every clip was predicted once, unseen."""

import numpy as np

from mer import files
from mer.data import split_files
from mer.evaluation import predictions
from mer.tasks import named
from mer.training import transfer
from mer.weights import provenance

# Facts of a fold's run that hold for all folds; scores, history and best epoch do not.
_SHARED = ("tasks", "name", "model", "title", "pretext", "speech", "speech_abbr", "hours", "music", "music_abbr",
           "release", "it", "seed", "settings", "encoder", "data")


def run(cfg, *, n_folds, release, it=0, **options):
    """Train and report every fold, then all of them together.

    Parameters
    ----------
    cfg : Config
    n_folds : int
        As given to generate_dataset.py --folds.
    release, it, **options
        Of `transfer.run`.

    Returns
    -------
    pathlib.Path
        Folder of the report on all folds; its `fold_1of5` and so on stand beside it.
    """
    runs = [transfer.run(cfg, release=release, it=it, fold=(number, n_folds), **options)
            for number in range(1, n_folds + 1)]
    tasks = [named(run.metadata.get("tasks"), run.file("run.json")) for run in runs]
    facts = {name: runs[0].metadata.get(name) for name in _SHARED}
    facts["tasks"] = [task.name for task in tasks[0] if all(task in others for others in tasks)]
    facts["split"] = _all_folds(runs)
    if runs[0].metadata.get("vote"):
        facts["vote"] = runs[0].metadata["vote"]
    folder = runs[0].path.parent / runs[0].stem.replace(f"fold_1of{n_folds}.", f"folds_{n_folds}.")
    about = provenance.describe(cfg, folds=n_folds, **facts)
    pooled = _pooled([predictions.read(run.file("predictions.csv"), answered)
                      for run, answered in zip(runs, tasks, strict=True)], voted="vote" in facts)
    scores = transfer.write_report(cfg, folder, about, grouped_by=runs[0].metadata["grouped_by"], **pooled)
    files.write_json(folder / "run.json", {**about, "scores": scores})
    print(f"report on all {n_folds} folds: {folder}")
    return folder


def _all_folds(runs):
    """How the split of all folds together came about."""
    splits = [run.metadata["split"] for run in runs]
    odd = [split for split in splits if split["kind"] != "fold" or split.get("leak")]
    facts = {key: value for key, value in splits[0].items() if key not in ("note", "leak", "uneven", "number")}
    facts |= {"kind": "given", "grouped_by": "given", "odd_folds": odd} if odd else {"kind": "folds"}
    facts |= {"n_folds": len(runs), "leak": {}}
    return {**facts, "note": split_files.describe(facts)}


def _pooled(folds, *, voted=False):
    """The predictions of all folds as keywords of `report.write`; a clip that two folds tested counts once.

    `voted`: what is said of a clip is no mean over its patches.
    """
    clips, groups, first, patch_clip = {}, [], [], []  # first: fold and number of a clip where it is met first
    for fold in folds:
        for number, (name, group) in enumerate(zip(fold.clips, fold.groups, strict=True)):
            if name not in clips:
                clips[name] = len(clips)
                groups.append(group)
                first.append((fold, number))
        patch_clip.append([clips[fold.clips[clip]] for clip in fold.patch_clip])
    tasks = [task for task in folds[0].tasks if all(task in fold.tasks for fold in folds)]
    return {"clips": list(clips), "groups": groups, "tasks": tasks, "patch_clip": np.concatenate(patch_clip),
            "patch_start_seconds": np.concatenate([fold.starts for fold in folds]),
            "truth": {task.name: np.array([fold.truth[task.name][number] for fold, number in first])
                      for task in tasks},
            "guess": {task.name: np.array([fold.guess[task.name][number] for fold, number in first])
                      for task in tasks if not task.classes},
            "votes": {task.name: np.array([fold.votes[task.name][number] for fold, number in first])
                      for task in tasks if voted},
            "outputs": {task.name: np.concatenate([fold.outputs[task.name] for fold in folds]) for task in tasks}}
