"""Cross-validation: one transfer per fold, then one report in which every clip was predicted once, unseen."""

import numpy as np

from mer import files
from mer.data import split_files
from mer.evaluation import predictions
from mer.tasks import TASKS
from mer.training import transfer
from mer.weights import provenance

# Facts of a fold's run that hold for all folds; scores, history and best epoch do not.
_SHARED = ("name", "model", "title", "pretext", "speech", "speech_abbr", "hours", "music", "music_abbr", "release",
           "it", "seed", "settings", "encoder", "data")


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
    facts = {name: runs[0].metadata.get(name) for name in _SHARED}
    facts["split"] = _all_folds(runs)
    folder = runs[0].path.parent / runs[0].stem.replace(f"fold_1of{n_folds}.", f"folds_{n_folds}.")
    about = provenance.describe(cfg, folds=n_folds, **facts)
    scores = transfer.write_report(cfg, folder, about, grouped_by=runs[0].metadata["grouped_by"],
                                   **_pooled([predictions.read(run.file("predictions.csv")) for run in runs]))
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


def _pooled(folds):
    """The predictions of all folds as keywords of `report.write`; a clip that two folds tested counts once."""
    clips, groups, quadrant, patch_clip = {}, [], [], []
    for fold in folds:
        for name, group, number in zip(fold.clips, fold.groups, fold.quadrant, strict=True):
            if name not in clips:
                clips[name] = len(clips)
                groups.append(group)
                quadrant.append(number)
        patch_clip.append([clips[fold.clips[clip]] for clip in fold.patch_clip])
    return {"clips": list(clips), "groups": groups, "quadrant": np.array(quadrant),
            "patch_clip": np.concatenate(patch_clip),
            "patch_start_seconds": np.concatenate([fold.starts for fold in folds]),
            "probabilities": {task.name: np.concatenate([fold.probabilities[task.name] for fold in folds])
                              for task in TASKS}}
