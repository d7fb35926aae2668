"""Stage 2: speech patches -> pretrained encoder, for every pretext task."""

import numpy as np

from mer import corpora, files
from mer.data import datasets, subsets
from mer.training import loop, pretexts
from mer.weights import provenance, run_files

_SHARED = ("precision", "early_stopping_epochs", "halve_after_epochs", "patch_seconds", "patch_overlap")


def relevant_settings(cfg, task):
    """The settings that a pretrained encoder depends on."""
    names = [*_SHARED, *task.settings, "pretrain_epochs", "pretrain_learning_rate", "pretrain_decay"]
    return {**cfg.feature_settings, **{name: cfg.values[name] for name in names}}


def run(cfg, *, speech, name, module, hours=None, it=0, force=False):
    """Pretrain one encoder, or find it finished.

    Parameters
    ----------
    cfg : Config
    speech : str
        Code of the speech corpus.
    name : str
        Architecture.
    module : module
        Of `models/`.
    hours : float or None
        Take the part of so many hours that generate_dataset.py --hours has chosen.
    it : int
        Number of the run; its seed is `cfg.seed + it`.
    force : bool
        Train again.

    Returns
    -------
    weights.Run
    """
    corpus = corpora.get("speech", speech)
    task = pretexts.task(module.PRETEXT, cfg, module)
    clips = datasets.load("speech", speech, cfg, hours=hours)
    seed, settings = cfg.seed + it, relevant_settings(cfg, task)
    key = run_files.key_of(name, seed, settings, clips.fingerprint())
    place = run_files.speech_run(cfg, corpus.LANGUAGE, name, it, prefix=subsets.prefix(hours))
    facts = {"name": name, "pretext": module.PRETEXT, "speech": speech, "language": corpus.LANGUAGE, "it": it,
             "seed": seed, "settings": settings, "hours": hours,
             "hours_heard": round(float(clips.side("train").seconds.sum()) / 3600, 3),
             "split": datasets.split_about(cfg, datasets.stem(corpus, hours=hours))}
    with place.locked("pretraining"):
        if place.is_finished(key, settings, force=force):
            print(f"{place.stem}: finished already, {place.about['scores']['sentence']}")
        else:
            _train(cfg, place, task=task, module=module, clips=clips, seed=seed, key=key, facts=facts)
    return place


def _train(cfg, place, *, task, module, clips, seed, key, facts):
    sides = _sides(clips, cfg)
    print(f"{place.stem}: {', '.join(f'{side} {len(p)} patches' for side, p in sides.items())}")
    loop.start(cfg, seed)
    model = module.build(cfg.patch_shape)
    if hasattr(module, "prepare"):
        module.prepare(model, *band_statistics(sides["train"]))
    trainee = task.trainee(model) if hasattr(task, "trainee") else model
    trainee.compile(loop.DecayingAdam(cfg.pretrain_learning_rate, decay=cfg.pretrain_decay),
                    **task.compile_with, **loop.compile_options())
    history = loop.fit(trainee, task.batches(sides["train"], seed=seed, shuffle=True),
                           task.batches(sides["val"], seed=seed, shuffle=False), folder=place.file("state"), key=key,
                           epochs=cfg.pretrain_epochs, patience=cfg.early_stopping_epochs,
                           halve_after=cfg.halve_after_epochs, tensorboard=cfg.tensorboard and place.file("logs"))
    scores = task.scores(model, task.batches(sides["test"], seed=seed + 1, shuffle=False),
                         train=task.batches(sides["train"], seed=seed, shuffle=False))
    place.begin_saving()
    facts["weights_sha256"] = run_files.save(model, place.weights)
    loop.write_history(place.file("history.csv"), history)
    best = min(history, key=lambda row: row["val_loss"])
    files.write_json(place.file("run.json"), provenance.describe(
        cfg, command=provenance.command_line(), key=key, scores=scores, best_epoch=best["epoch"] + 1,
        best_val_loss=best["val_loss"], epochs=len(history), parameters=model.count_params(), **facts))
    loop.forget(place.file("state"))
    _announce(place, scores)


def _announce(place, scores):
    print(f"{place.stem}: {scores['sentence']}")
    if not scores["learnt"]:
        print("  NOT SHOWN TO HAVE LEARNT: not clearly better than the best reference; train longer, or on more speech")
    print(f"  weights: {place.weights}")


def _sides(clips, cfg):
    shape = {"patch_frames": cfg.patch_frames, "hop_frames": cfg.patch_hop_frames}
    sides = {side: clips.side(side).patches(**shape) for side in ("train", "val", "test")}
    datasets.refuse_empty(sides)
    return sides


def band_statistics(patches, *, at_once=1024):
    """Mean and deviation of the log-mel values of each band.

    Parameters
    ----------
    patches : store.Patches
    at_once : int
        Patches in memory at a time.

    Returns
    -------
    np.ndarray, np.ndarray, shape (bands,)
        The deviation is at least 1e-3, so that a constant band can be divided by it.
    """
    total = squares = 0.0
    for first in range(0, len(patches), at_once):
        block = patches.gather(np.arange(first, min(first + at_once, len(patches)))).astype(np.float64)
        total = total + block.sum(axis=(0, 2, 3))
        squares = squares + np.square(block).sum(axis=(0, 2, 3))
    n = len(patches) * patches.patch_frames
    mean = total / n
    return mean, np.maximum(np.sqrt(np.maximum(squares / n - mean**2, 0)), 1e-3)
