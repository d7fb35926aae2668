"""Does a frozen encoder carry more emotion than random weights of the same architecture? A linear probe on its codes.

    python3 benchmarks/probe_encoder.py models/speech/english/model_masked.it_0.subset_0.075.spec.best.weights.h5 -m e

One or more weight files of one architecture, each with the folder that holds its run.json; several are seeds of one
pretraining. The clips of the music corpus `-m` (generate_dataset.py made it; MER_PATH_TO_FEATURES chooses the folder)
are coded patch by patch and averaged over the clip. Logistic regression on the standardized means is tested on folds
that share no group (artist, song, actor); its penalty is chosen within the training folds, for trained and random
weights alike. Random weights get the same standardization of the input, from the run's own file. The interval of the
paired difference draws groups and covers the luck of the random seeds (`mer.evaluation.intervals`).
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import models
import settings
from mer import MerError, cli, config, corpora, tasks
from mer.data import datasets
from mer.evaluation import intervals
from mer.features import chunks
from mer.weights.model_file import ModelFile

PENALTIES = (0.001, 0.01, 0.1)  # C of scikit-learn: smaller is stronger
FOLDS, REPEATS = 5, 3


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="+", type=Path, help="pretrained encoders of one architecture")
    parser.add_argument("-m", "--music", required=True, choices=corpora.codes("music"))
    parser.add_argument("--random", type=cli.whole_number, default=5, help="how many random encoders (default 5)")
    args = parser.parse_args(argv)
    cfg = config.load(settings, os.environ)
    runs = [ModelFile(path) for path in args.weights]
    names = {run.metadata.get("name") for run in runs}
    if len(names) != 1 or None in names:
        raise MerError("expected weight files of one architecture, each with its run.json beside it")
    module = models.load(names.pop(), pretexts=["denoise", "cpc"])
    reads = chunks.of_encoder(module, cfg.values)
    clips = datasets.load("music", args.music, cfg, of=reads.of)
    patches = clips.patches(reads, reads.hop_rows(cfg.patch_overlap))
    trained = [_built(reads, module, run) for run in runs]
    chance = _built(reads, module, runs[0])
    encoders = {f"trained {number}": model for number, model in enumerate(trained)}
    codes = {name: clip_codes(module.encoder(model), patches) for name, model in encoders.items()}
    for seed in range(args.random):
        randomize(chance, reads, module, seed)
        codes[f"random {seed}"] = clip_codes(module.encoder(chance), patches)
    report(codes, clips, n_bootstrap=cfg.n_bootstrap)


def _built(reads, module, run):
    model = module.build(reads.shape)
    run.load(model)
    return model


def randomize(model, reads, module, seed):
    """Give every trainable weight the value of a fresh model and every batch norm its untrained statistics.

    What training does not move, the standardization of the input, stays as it was.
    """
    keras.utils.set_random_seed(1000 + seed)
    fresh = module.build(reads.shape)
    for layer, new in zip(_layers(model), _layers(fresh), strict=True):
        moved = bool(layer.trainable_weights)
        for weight, other in zip(layer.weights, new.weights, strict=True):
            if moved:
                weight.assign(other)


def _layers(model):
    """Layers, those of models within the model too."""
    for layer in model.layers:
        yield from _layers(layer) if isinstance(layer, keras.Model) else (layer,)


def clip_codes(encoder, patches, *, at_once=256):
    """Mean code of the patches of each clip, shape (clips, units)."""
    total = None
    for first in range(0, len(patches), at_once):
        rows = np.arange(first, min(first + at_once, len(patches)))
        code = keras.ops.convert_to_numpy(encoder.predict_on_batch(patches.gather(rows)))
        code = code.reshape(len(rows), -1).astype(np.float64)
        total = np.zeros((len(patches.count), code.shape[1])) if total is None else total
        np.add.at(total, patches.clip[rows], code)
    return total / patches.count[:, None]


def hits(code, truth, group):
    """Share of the repeats in which each clip is predicted rightly from folds without its group, shape (clips,)."""
    right = np.zeros(len(truth))
    for repeat in range(REPEATS):
        for train, test in _folds(repeat).split(code, truth, group):
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
            inner = list(_folds(repeat + 100).split(code[train], truth[train], group[train]))
            search = GridSearchCV(model, {"logisticregression__C": PENALTIES}, cv=inner)
            right[test] += search.fit(code[train], truth[train]).predict(code[test]) == truth[test]
    return right / REPEATS


def _folds(seed):
    return StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)


def report(codes, clips, *, n_bootstrap):
    """Print, for each task, the accuracy of trained and random codes and their paired difference."""
    resamples = intervals.draw(clips.group, n_bootstrap=n_bootstrap, seed=0)
    print(f"{len(clips)} clips, {resamples.n_groups} groups; accuracy of clips, mean over {REPEATS} x {FOLDS} folds")
    for task in tasks.TASKS:
        truth, sides = task.targets(clips.quadrant), {"trained": [], "random": []}
        for name, code in codes.items():
            right = hits(code, truth, clips.group)
            drawn = resamples.weights @ right / resamples.weights.sum(axis=1)
            sides[name.split()[0]].append((float(right.mean()), drawn))
        gain = intervals.estimate(sides["trained"], resamples, minus=sides["random"])
        shown = {side: " ".join(f"{value:.3f}" for value, _ in values) for side, values in sides.items()}
        print(f"{task.name}: trained {shown['trained']}; random {shown['random']}; trained - random {gain.value:+.3f} "
              f"[{gain.low:+.3f}, {gain.high:+.3f}]", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    cli.run(main)
