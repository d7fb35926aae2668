"""Stage 2: speech patches -> pretrained encoder, for every pretext task."""

import keras
import numpy as np

from mer import corpora, datasets, pretext, subsets, training, weights

_SHARED = ("precision", "early_stopping_epochs", "halve_after_epochs", "patch_seconds", "patch_overlap")
Z95 = 1.96  # two-sided 95 % quantile of the normal distribution


class Denoise:
    """Rebuild a patch from a noisy copy; scored by mean squared error (log-mel units squared)."""

    settings = ("noise_sigma", "pretrain_batch_patches")
    compile_with = {"loss": "mean_squared_error"}

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module

    def batches(self, patches, *, seed, shuffle):
        return pretext.Denoising(patches, noise_sigma=self.cfg.noise_sigma, seed=seed, shuffle=shuffle,
                                 batch_size=self.cfg.pretrain_batch_patches)

    def scores(self, model, batches, band_mean, band_deviation):
        """Error of the model and of what needs no model, on the same noisy input.

        Parameters
        ----------
        model : keras.Model
        batches : pretext.Denoising
            Data that nothing was chosen on.
        band_mean, band_deviation : np.ndarray, shape (bands,)
            Of the log-mel values of the training patches.

        Returns
        -------
        dict
            mse; mse_identity (the noisy patch itself); mse_training_mean; mse_wiener (per band, the best weighing
            of these two); mse_code_alone (None where the model has no output of its own for it); learnt; sentence.
        """
        guess = _References(band_mean, band_deviation, self.cfg.noise_sigma)
        rebuild = getattr(self.module, "reconstruction", None)
        predictors = {"mse": model, "mse_code_alone": rebuild(model) if rebuild else None}
        total, n = {}, 0
        for number in range(len(batches)):
            noisy, clean = batches[number]
            guesses = {name: keras.ops.convert_to_numpy(net.predict_on_batch(noisy))
                       for name, net in predictors.items() if net} | guess(noisy)
            for name, value in guesses.items():
                total[name] = total.get(name, 0.0) + np.square(value - clean, dtype=np.float64).sum()
            n += clean.size
        scores = {"mse_code_alone": None} | {name: float(value / n) for name, value in total.items()}
        scores["learnt"] = scores["mse"] < min(scores[name] for name in guess.names)
        return {**scores, "sentence": self._sentence(scores)}

    def _sentence(self, scores):
        alone = scores["mse_code_alone"]
        return (f"mean squared error {scores['mse']:.4f}"
                + (f" ({alone:.4f} from the code alone)" if alone is not None else "")
                + f"; without a model: the noisy input itself {scores['mse_identity']:.4f}, "
                f"the training mean {scores['mse_training_mean']:.4f}, both weighed {scores['mse_wiener']:.4f}")


class _References:
    """Guesses at the clean patch that need no model."""

    names = ("mse_identity", "mse_training_mean", "mse_wiener")

    def __init__(self, band_mean, band_deviation, noise_sigma):
        self.mean = band_mean.astype(np.float32)[:, None, None]
        variance = band_deviation**2
        self.weight = (variance / (variance + noise_sigma**2)).astype(np.float32)[:, None, None]

    def __call__(self, noisy):
        return dict(zip(self.names, (noisy, self.mean, self.mean + self.weight * (noisy - self.mean)), strict=True))


class Cpc:
    """Tell a true continuation from a false one; scored by accuracy."""

    settings = ("cpc_batch_sequences", "cpc_negatives", "cpc_negatives_per_positive", "cpc_same_clip_share",
                "cpc_hop_patches")
    compile_with = {"loss": "binary_crossentropy", "metrics": ["accuracy"]}

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module

    def batches(self, patches, *, seed, shuffle):
        cfg = self.cfg
        hop = cfg.cpc_hop_patches if shuffle else 1  # what is scored is small: every place counts
        return pretext.Contrast(patches, past=self.module.PAST, future=self.module.FUTURE, negatives=cfg.cpc_negatives,
                                negatives_per_positive=cfg.cpc_negatives_per_positive,
                                same_clip_share=cfg.cpc_same_clip_share, hop_patches=hop,
                                batch_size=cfg.cpc_batch_sequences, seed=seed, shuffle=shuffle)

    def scores(self, model, batches, band_mean, band_deviation):
        """Accuracy beside chance, the share of the more frequent label.

        Returns
        -------
        dict
            accuracy, chance, n, learnt (the 95 % normal interval lies above chance), sentence.
        """
        right, labels = [], []
        for number in range(len(batches)):
            inputs, label = batches[number]
            score = keras.ops.convert_to_numpy(model.predict_on_batch(inputs))
            right.append((score > 0.5) == (label > 0.5))
            labels.append(label)
        right, labels = np.concatenate(right), np.concatenate(labels)
        accuracy, positive, n = float(right.mean()), float(labels.mean()), len(right)
        chance = max(positive, 1 - positive)
        margin = Z95 * (accuracy * (1 - accuracy) / n) ** 0.5
        limit = "; the published negatives allow about .75" if self.cfg.cpc_negatives == "published" else ""
        return {"accuracy": accuracy, "chance": chance, "n": n, "learnt": accuracy - margin > chance,
                "sentence": f"accuracy {accuracy:.3f} +- {margin:.3f} on {n} sequences; chance {chance:.3f}{limit}"}


PRETEXTS = {"denoise": Denoise, "cpc": Cpc}


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
    task = PRETEXTS[module.PRETEXT](cfg, module)
    clips = datasets.load("speech", speech, cfg, hours=hours)
    seed, settings = cfg.seed + it, relevant_settings(cfg, task)
    key = weights.key_of(name, seed, settings, clips.fingerprint())
    place = weights.speech_run(cfg, corpus.LANGUAGE, name, it, prefix=subsets.prefix(hours))
    if place.is_finished(key, settings, force=force):
        print(f"{place.stem}: finished already, {place.about['scores']['sentence']}")
        return place
    _train(cfg, place, task=task, module=module, clips=clips, seed=seed, key=key,
           facts={"name": name, "pretext": module.PRETEXT, "speech": speech, "language": corpus.LANGUAGE, "it": it,
                  "seed": seed, "settings": settings, "hours": hours,
                  "hours_heard": round(float(clips.side("train").seconds.sum()) / 3600, 3)})
    return place


def _train(cfg, place, *, task, module, clips, seed, key, facts):
    sides = _sides(clips, cfg)
    print(f"{place.stem}: {', '.join(f'{side} {len(p)} patches' for side, p in sides.items())}")
    training.start(cfg, seed)
    model = module.build(cfg.patch_shape)
    mean, deviation = band_statistics(sides["train"])
    if hasattr(module, "prepare"):
        module.prepare(model, mean, deviation)
    model.compile(training.DecayingAdam(cfg.pretrain_learning_rate, decay=cfg.pretrain_decay),
                  **task.compile_with, **training.compile_options())
    history = training.fit(model, task.batches(sides["train"], seed=seed, shuffle=True),
                           task.batches(sides["val"], seed=seed, shuffle=False), folder=place.file("state"), key=key,
                           epochs=cfg.pretrain_epochs, patience=cfg.early_stopping_epochs,
                           halve_after=cfg.halve_after_epochs, tensorboard=cfg.tensorboard and place.file("logs"))
    scores = task.scores(model, task.batches(sides["test"], seed=seed + 1, shuffle=False), mean, deviation)
    weights.save(model, place.weights)
    training.write_history(place.file("history.csv"), history)
    best = min(history, key=lambda row: row["val_loss"])
    split = datasets.split_about(cfg, datasets.stem(corpora.get("speech", facts["speech"]), hours=facts["hours"]))
    weights.write_json(place.file("run.json"), weights.describe(
        cfg, command=weights.command_line(), key=key, scores=scores, best_epoch=best["epoch"] + 1,
        best_val_loss=best["val_loss"], epochs=len(history), split=split, parameters=model.count_params(), **facts))
    training.forget(place.file("state"))
    _announce(place, scores)


def _announce(place, scores):
    print(f"{place.stem}: {scores['sentence']}")
    if not scores["learnt"]:
        print("  NOT SHOWN TO HAVE LEARNT: no better than doing without a model; train longer, or on more speech")
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
