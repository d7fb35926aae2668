"""Cross-validation: one transfer per fold, then one report in which every clip was predicted once, unseen."""

from collections import Counter

import numpy as np

from mer import files
from mer.data import split_files
from mer.evaluation import predictions
from mer.tasks import named
from mer.training import cards, elsewhere, music
from mer.weights import provenance

# Facts of a fold's run that hold for all folds; scores, history and best epoch do not.
_WHERE_THERE = ("role", "trained_on", "steps", "tested", "tested_abbr", "tested_on", "vote", "heard", "heard_from",
                "labels", "normalized_by")
_SHARED = ("tasks", "name", "model", "title", "pretext", "speech", "speech_abbr", "hours", "music", "music_abbr",
           "release", "it", "seed", "settings", "encoder", "data")


def run(train, cfg, *, n_folds, **options):
    """Train and report every fold, then all of them together.

    Parameters
    ----------
    train : callable
        `transfer.run` or `classify.run`.
    cfg : Config
    n_folds : int
        As given to generate_dataset.py --folds.
    **options
        Of `train`, but for the fold.

    Returns
    -------
    pathlib.Path
        Folder of the report on all folds; its `fold_1of5` and so on stand beside it.
    """
    runs = [train(cfg, fold=(number, n_folds), **options) for number in range(1, n_folds + 1)]
    folder = runs[0].path.parent / runs[0].stem.replace(f"fold_1of{n_folds}.", f"folds_{n_folds}.")
    about, predicted = _together(cfg, [run.file(".") for run in runs])
    scores = music.write_report(cfg, folder, about, grouped_by=about.pop("grouped_by"), **predicted)
    about |= {"scores": scores}
    cards.write(folder, about)
    files.write_json(folder / "run.json", about)
    _elsewhere(cfg, [run.file("tests") for run in runs], folder / "tests")
    print(f"report on all {n_folds} folds: {folder}")
    return folder


def _elsewhere(cfg, folders, out_dir):
    """The tests on other corpora: together where every fold of the model was tested on a fold of the corpus."""
    for path in sorted(folders[0].glob("*/run.json")):
        tested = [folder / path.parent.name for folder in folders]
        if not all((folder / "run.json").exists() for folder in tested):
            continue
        if all(_about(folder).get("test_fold") for folder in tested):
            about, predicted = _together(cfg, tested)
            elsewhere.write(cfg, out_dir / path.parent.name, about, predicted)
        else:
            print(f"no report on all folds for {path.parent.name} music, which has no such folds: each fold of the "
                  f"model has its own, {path.parent}")


def _about(folder):
    return files.read_json(folder / "run.json", remedy="run the same command again with --force")


def _together(cfg, folders):
    """run.json without scores, and the keywords of `report.write`, on the folders of all folds together."""
    known = [_about(folder) for folder in folders]
    tasks = [named(about.get("tasks"), folder) for about, folder in zip(known, folders, strict=True)]
    facts = {name: known[0].get(name) for name in _SHARED} | {
        name: known[0][name] for name in _WHERE_THERE if known[0].get(name)}
    facts |= {name: sum(about[name] for about in known) for name in ("heard_test_clips", "heard_test_groups")
              if name in known[0]}
    if left_out := _left_out(known):
        facts["left_out"] = left_out
    facts["tasks"] = [task.name for task in tasks[0] if all(task in others for others in tasks)]
    facts |= {"split": _all_folds([about["split"] for about in known]), "grouped_by": known[0]["grouped_by"]}
    return provenance.describe(cfg, folds=len(folders), **facts), _pooled(
        [predictions.read(folder / "predictions.csv", answered)
         for folder, answered in zip(folders, tasks, strict=True)], voted="vote" in facts)


def _left_out(known):
    """How many test clips of all folds were left out, by corpus and reason."""
    total: dict = {}
    for about in known:
        for code, reasons in (about.get("left_out") or {}).items():
            total[code] = dict(Counter(total.get(code, {})) + Counter(reasons))
    return total


def _all_folds(splits):
    """How the split of all folds together came about."""
    odd = [split for split in splits if split["kind"] != "fold" or split.get("leak")]
    facts = {key: value for key, value in splits[0].items() if key not in ("note", "leak", "uneven", "number")}
    facts |= {"kind": "given", "grouped_by": "given", "odd_folds": odd} if odd else {"kind": "folds"}
    facts |= {"n_folds": len(splits), "leak": {}}
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
