"""Made-up predictions and training histories for the tests of stage 4."""

import numpy as np

from mer import report
from mer.tasks import TASKS

RUN = {"name": "model_over", "model": "model_over", "title": "SCAE", "pretext": "denoise", "speech": "e",
       "speech_abbr": "eng", "music": "e", "music_abbr": "eng", "release": "y", "it": 0, "seed": 1, "corpus": "demo",
       "split": {"kind": "drawn", "grouped_by": "artist", "note": ""}, "command": ["python3", "x.py"],
       "created": "2026-01-01", "encoder": {"sha256": "abc", "seconds": 3.5}}


def predictions(*, n_clips=16, n_patches=6, skill=2.0, seed=0, clips=None):
    """Keywords of `report.write`: clips of all quadrants, right more often than not."""
    generator = np.random.default_rng(seed)
    quadrant, patch_clip = np.arange(n_clips) % 4, np.repeat(np.arange(n_clips), n_patches)
    probabilities = {}
    for task in TASKS:
        scores = generator.normal(size=(len(patch_clip), len(task.classes)))
        scores[np.arange(len(patch_clip)), task.targets(quadrant)[patch_clip]] += skill
        probabilities[task.name] = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return {"clips": clips or [f"clip {i}" for i in range(n_clips)], "patch_clip": patch_clip, "quadrant": quadrant,
            "patch_start_seconds": np.tile(np.arange(n_patches) * 0.48, n_clips), "probabilities": probabilities,
            "run": dict(RUN), "n_bootstrap": 100}


def history(epochs=4):
    """Two stages of training."""
    names = ["loss", *(f"{task.name}_accuracy" for task in TASKS)]
    return [{"stage": stage, "epoch": epoch, **{f"{side}{name}": 1 / (epoch + 2) for name in names
                                                for side in ("", "val_")}}
            for stage in ("heads", "full") for epoch in range(epochs)]


def without_pictures(monkeypatch):
    """Make reports without pictures, which take most of the time."""
    monkeypatch.setattr(report.figures, "confusion", lambda *_: None)
    monkeypatch.setattr(report.figures, "learning_curves", lambda *_: None)
