"""Transferred models with made-up weights, as they lie on disk."""

import json

import numpy as np

import models
from mer import heads
from mer.features import chunks
from mer.tasks import PUBLISHED
from mer.weights import keras3
from mer.weights.model_file import ModelFile

SETTINGS = {"sample_rate_hz": 16000, "n_fft": 2048, "window_samples": 1024, "hop_samples": 512, "n_mel_bands": 128,
            "patch_seconds": 1.0}
SMALL = {**SETTINGS, "n_fft": 1024, "n_mel_bands": 64, "patch_seconds": 0.5}  # 15 frames: quick to export
IS13 = {"representation": "is13", "sample_rate_hz": 16000, "stretch_seconds": 30, "context_seconds": 2}
STEM = "multitask.spec.it_0.lr_5e-05"


def load_module(name):
    """As the scripts hand it to `engines.open_engine`."""
    return models.load(name, pretexts=["denoise", "cpc", None])


def write(folder, name, settings, seed=0):
    """Write a model of random weights, moving statistics too, with its run.json."""
    module = load_module(name)
    model = heads.attach(module.encoder(module.build(chunks.recorded(settings).shape)), PUBLISHED, module)
    generator = np.random.default_rng(seed)
    for variable in model.weights:
        if "kernel" not in variable.path:
            variable.assign(np.asarray(variable) + generator.uniform(0.01, 0.3, variable.shape))
    file = ModelFile(folder / f"{name}.{STEM}.weights.h5")
    keras3.save(model, file.path)
    about = {"model": name, "title": module.TITLE, "pretext": module.PRETEXT, "speech": "e", "music": "m",
             "release": "y", "it": 0, "corpus": "real", "settings": settings}
    file.file("run.json").parent.mkdir(exist_ok=True)
    file.file("run.json").write_text(json.dumps(about))
    return file


def patches(settings, n, seed=1):
    """Random patches (n, *shape): log-mel (n, bands, frames, 1)."""
    return np.random.default_rng(seed).normal(-6, 2, (n, *chunks.recorded(settings).shape)).astype(np.float32)
