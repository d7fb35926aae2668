"""Stage 2: patches of speech (or music, or noise) -> pretrained encoder, for every pretext task."""

import numpy as np

from mer import MerError, corpora, files
from mer.data import datasets
from mer.data.joined import Joined
from mer.data.patches import Patches
from mer.features import chunks
from mer.training import heard, loop, pretexts, recipes
from mer.training.pretexts import _rows
from mer.weights import model_file


def relevant_settings(cfg, task, reads, module=None):
    """The settings that a pretrained encoder depends on; a recipe in `module` brings its own."""
    if hasattr(module, "RECIPE"):
        return {**reads.settings, **recipes.settings(module, cfg), **{name: cfg.values[name] for name in task.settings}}
    names = [*loop.SHARED_SETTINGS, *task.settings, "pretrain_epochs", "pretrain_learning_rate", "pretrain_decay"]
    return {**reads.settings, **{name: cfg.values[name] for name in names}}


def run(cfg, *, speech, name, module, kind="speech", hours=None, it=0, random=False, force=False):
    """Pretrain one encoder, or find it finished.

    Parameters
    ----------
    cfg : Config
    speech : str
        Code of the speech corpus, or of that of another `kind`.
    name : str
        Architecture.
    module : module
        Of `models/`.
    kind : {"speech", "music", "noise"}
        What is heard.
    hours : float or None
        Take the part of so many hours that generate_dataset.py --hours has chosen.
    it : int
        Number of the run; its seed is `cfg.seed + it`.
    random : bool
        Train nothing: the encoder keeps its random weights, but for its standardization, as a control of those that
        heard this speech. It is filed as one of 0 hours.
    force : bool
        Train again.

    Returns
    -------
    ModelFile
    """
    corpus = corpora.get(kind, speech)
    task = pretexts.task(module.PRETEXT, cfg, module)
    reads = chunks.of_encoder(module, cfg.values)
    if len(reads.shape) not in getattr(task, "patch_axes", (len(reads.shape),)):
        raise MerError(f"{name} reads {reads.of.TITLE} of shape {reads.shape}, and the task {module.PRETEXT} works on "
                       "patches (bands, frames, 1): set its PRETEXT to None, or to a pretext task of your own")
    clips = datasets.load(kind, speech, cfg, of=reads.of, hours=hours)
    seed, settings = cfg.seed + it, relevant_settings(cfg, task, reads, module)
    key = files.key_of(name, seed, settings, clips.fingerprint(), *(["random"] if random else []))
    run = model_file.speech_run(cfg, corpus.LANGUAGE, name, it, hours=0.0 if random else hours, kind=kind)
    facts = {"name": name, "pretext": module.PRETEXT, "language": corpus.LANGUAGE, "it": it, "seed": seed,
             "settings": settings, **heard.facts(corpus, clips, random=random), "hours": 0.0 if random else hours,
             "hours_heard": 0.0 if random else round(float(clips.side("train").seconds.sum()) / 3600, 3),
             "split": datasets.split_about(cfg, datasets.stem(corpus, hours=hours))}
    trained = loop.run_stage(cfg, run, key=key, facts=facts, force=force, train=lambda: _train(
        cfg, run, task=task, module=module, reads=reads, clips=clips, seed=seed, key=key, random=random))
    scores = run.metadata["scores"]
    print(f"{run.stem}: {'' if trained else 'finished already, '}{scores['sentence']}")
    if trained and not scores["learnt"] and not random:
        print("  NOT SHOWN TO HAVE LEARNT: not clearly better than the best reference; train longer, or on more speech")
    if trained:
        print(f"  weights: {run.path}")
    return run


def _train(cfg, run, *, task, module, reads, clips, seed, key, random):
    cut = Joined if len(reads.shape) == 2 else Patches
    patches = {name: cut(clips.side(name), reads, reads.hop_rows(cfg.patch_overlap))
               for name in ("train", "val", "test")}
    datasets.refuse_empty(patches)
    print(f"{run.stem}: {', '.join(f'{name} {len(part)} patches' for name, part in patches.items())}")
    model = module.build(reads.shape)
    if hasattr(module, "prepare"):
        module.prepare(model, *(_rows.statistics if cut is Joined else band_statistics)(patches["train"]))
    trainee = task.trainee(model) if hasattr(task, "trainee") else model
    known = task.batches(patches["train"], seed=seed, shuffle=True)
    unseen = task.batches(patches["val"], seed=seed, shuffle=False)
    recipe = recipes.of(module, cfg)
    optimizer = recipes.optimizer(recipe, steps=len(known)) if recipe else loop.DecayingAdam(
        cfg.pretrain_learning_rate, decay=cfg.pretrain_decay)
    trainee.compile(optimizer, **task.compile_with, **loop.compile_options())
    if random:
        history = [{"epoch": -1, "val_loss": float(trainee.evaluate(unseen, verbose=0, return_dict=True)["loss"])}]
    else:
        history = loop.fit(trainee, known, unseen, cfg=cfg, folder=run.file("state"), key=key,
                           epochs=recipe.epochs if recipe else cfg.pretrain_epochs, halve=recipe is None)
    scores = task.scores(model, task.batches(patches["test"], seed=seed + 1, shuffle=False),
                         train=task.batches(patches["train"], seed=seed, shuffle=False))
    if random:
        scores |= {"learnt": False, "sentence": f"random weights, nothing was trained; {scores['sentence']}"}
    return model, history, lambda _: {"scores": scores, "best_val_loss": min(row["val_loss"] for row in history),
                                      "parameters": model.count_params(), **({"epochs": 0} if random else {})}


def band_statistics(patches, *, at_once=1024):
    """Mean and deviation of the log-mel values of each band.

    Parameters
    ----------
    patches : patches.Patches
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
    n = len(patches) * patches.reads.n_rows
    mean = total / n
    return mean, np.maximum(np.sqrt(np.maximum(squares / n - mean**2, 0)), 1e-3)
