"""Cross-validation: one transfer per fold, then one report in which every clip was predicted once, unseen."""

import csv

import numpy as np

from mer import report, transfer, weights
from mer.tasks import QUADRANTS, TASKS

# Facts of a fold's run that hold for all folds; scores, history and best epoch do not.
_SHARED = ("name", "model", "title", "pretext", "speech", "speech_abbr", "hours", "music", "music_abbr", "release",
           "it", "seed", "settings", "encoder")


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
    places = [transfer.run(cfg, release=release, it=it, fold=(number, n_folds), **options)
              for number in range(1, n_folds + 1)]
    facts = {name: places[0].about.get(name) for name in _SHARED}
    facts["split"] = _all_folds(places)
    folder = places[0].folder / places[0].stem.replace(f"fold_1of{n_folds}.", f"folds_{n_folds}.")
    folder.mkdir(parents=True, exist_ok=True)
    about = weights.describe(cfg, command=weights.command_line(), folds=n_folds, **facts)
    made = report.write(folder, run=about, n_bootstrap=cfg.n_bootstrap, seed=facts["seed"],
                        **_pooled([place.file("predictions.csv") for place in places]))
    scores = {level: {task.name: made[level][task.name]["f1_weighted"] for task in TASKS} for level in report.LEVELS}
    weights.write_json(folder / "run.json", {**about, "scores": scores})
    print((folder / "report.txt").read_text(encoding="utf-8"))
    print(f"report on all {n_folds} folds: {folder}")
    return folder


def _all_folds(places):
    """How the split of all folds together came about."""
    splits = [place.about["split"] for place in places]
    odd = [split["note"] for split in splits if split["kind"] != "fold" or "leak: " in split["note"]]
    if odd:
        note = (f"{len(places)} folds, {len(odd)} of them not as cut: a clip may be missing, predicted twice, or by a "
                "model that had heard it")
        return {**splits[0], "kind": "given", "grouped_by": "given", "note": "; ".join([note, *odd])}
    drawn = splits[0]["note"].partition(", ")[2]
    note = f"{len(places)} folds, {drawn}: every clip was predicted once, by a model that had not heard it"
    return {**splits[0], "kind": "folds", "note": note}


def _pooled(files):
    """The predictions of all folds as keywords of `report.write`."""
    clips, patch_clip, starts, quadrant = {}, [], [], {}
    probabilities = {task.name: [] for task in TASKS}
    for path in files:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["level"] != "patch":
                    continue
                index = clips.setdefault(row["clip"], len(clips))
                quadrant[index] = QUADRANTS.index(row[f"true_{TASKS[0].name}"])
                patch_clip.append(index)
                starts.append(float(row["start_seconds"]))
                for task in TASKS:
                    probabilities[task.name].append([float(row[f"p_{label}"]) for label in task.classes])
    return {"clips": list(clips), "patch_clip": np.array(patch_clip), "patch_start_seconds": np.array(starts),
            "quadrant": np.array([quadrant[index] for index in range(len(clips))]),
            "probabilities": {name: np.array(rows) for name, rows in probabilities.items()}}
