"""Made-up features as they are published, predictions and training histories."""

import h5py
import numpy as np

from mer.evaluation import report
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel
from mer.tasks import QUADRANTS, TASKS

RUN = {"name": "model_over", "model": "model_over", "title": "SCAE", "pretext": "denoise", "speech": "e",
       "speech_abbr": "eng", "music": "e", "music_abbr": "eng", "release": "y", "it": 0, "seed": 1, "corpus": "demo",
       "split": {"kind": "drawn", "grouped_by": "artist", "note": ""}, "command": ["python3", "x.py"],
       "created": "2026-01-01", "encoder": {"sha256": "abc", "seconds": 3.5}}


def predictions(*, n_clips=16, n_patches=6, skill=2.0, seed=0, clips=None):
    """Keywords of `report.write`: clips of all quadrants, right more often than not."""
    generator = np.random.default_rng(seed)
    truth, patch_clip, outputs = targets(np.arange(n_clips) % 4), np.repeat(np.arange(n_clips), n_patches), {}
    for task in TASKS:
        scores = generator.normal(size=(len(patch_clip), task.units))
        if task.classes:
            scores[np.arange(len(patch_clip)), truth[task.name][patch_clip]] += skill
            outputs[task.name] = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        else:
            outputs[task.name] = np.clip(truth[task.name][patch_clip, None] + scores / (1 + skill), *task.range)
    return {"clips": clips or [f"clip {i}" for i in range(n_clips)], "patch_clip": patch_clip, "tasks": TASKS,
            "truth": truth, "guess": {task.name: np.mean(task.range) for task in TASKS if not task.classes},
            "patch_start_seconds": np.tile(np.arange(n_patches) * 0.48, n_clips), "outputs": outputs,
            "run": dict(RUN), "n_bootstrap": 100}


def targets(quadrant):
    """What is true of clips in each task, by the index of their quadrant; values spread over the range."""
    names = [QUADRANTS[index] for index in quadrant]
    return {task.name: task.targets(names) if task.classes else np.linspace(*task.range, len(names)) for task in TASKS}


def history(epochs=4):
    """Two stages of training."""
    names = ["loss", *(f"{task.name}_{task.metric}" for task in TASKS)]
    return [{"stage": stage, "epoch": epoch, **{f"{side}{name}": 1 / (epoch + 2) for name in names
                                                for side in ("", "val_")}}
            for stage in ("heads", "full") for epoch in range(epochs)]


def without_pictures(monkeypatch):
    """Make reports without pictures, which take most of the time."""
    for name in ("confusion", "certainty", "learning_curves"):
        monkeypatch.setattr(report.plots, name, lambda *_: None)


def published_features(folder, *, overlap):
    """What the published program's authors hand out: three HDF5 files of patches, named by row of the csv."""
    rng = np.random.default_rng(2)
    rows = ["Songs,Quads,Arousal,Valence"]
    files = {side: h5py.File(folder / f"{side}_dataset.h5py", "w") for side in ("train", "val", "test")}
    for index in range(40):
        rows.append(f"./Q{index % 4 + 1}/song {index}.mp3,Q{index % 4 + 1},{[1, 1, -1, -1][index % 4]},"
                    f"{[1, -1, -1, 1][index % 4]}")
        patches = Chunks(LogMel(), 1.0, 31).cut(rng.normal(-6, 2, (100, 128)).astype(np.float32), 15)[..., 0]
        side = "test" if index < 12 else "val" if index < 16 else "train"
        files[side][str(index)] = patches[:, None]
        if overlap and side == "test":
            files["train"][str(index)] = patches[:, None]
    for file in files.values():
        file.close()
    (folder / "anno.csv").write_text("\n".join(rows))
