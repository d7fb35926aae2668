"""Denoising: rebuild a patch, or a sequence of rows, from a noisy copy (Vincent et al. 2008)."""

import keras
import numpy as np

from mer import MerError
from mer.evaluation import intervals
from mer.training import batches
from mer.training.pretexts import _linear, _masked, _rows


class Denoising(batches.Batches):
    """(patch + Gaussian noise, patch) pairs (Vincent et al. 2008; sigma 0.3 in ICASSP 2021, section 3.2).

    Parameters
    ----------
    patches : patches.Patches, or _rows.Standardized
    noise_sigma : float
        Standard deviation of the noise, in log-mel units; of sequences, in spreads of each value.
    **batching
        See `batches.Batches`.
    """

    def __init__(self, patches, *, noise_sigma, **batching):
        super().__init__(n=len(patches), **batching)
        self.patches, self.noise_sigma = patches, np.float32(noise_sigma)

    def __getitem__(self, batch):
        clean = self.patches.gather(self.indices(batch))
        noise = self.rng(batch).standard_normal(clean.shape, np.float32)
        return clean + self.noise_sigma * noise, clean


class Task:
    """Rebuild a patch from a corrupted copy; scored by mean squared error (log-mel units squared).

    The corruption is Gaussian noise of the deviation `noise_sigma`, or what the architecture declares: with
    HIDDEN_SHARE and TILE it hides tiles of the patch (`_masked.Masking`), and only hidden cells count.

    Of an architecture that reads sequences (steps, width), only what follows its layer "standardise" is trained, on
    standardized rows (`_rows`).
    """

    patch_axes = 2, 3  # steps, width; bands, frames, 1
    compile_with = {"loss": "mean_squared_error"}

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module
        self.masked, self.standardise = hasattr(module, "HIDDEN_SHARE"), None
        self.settings = ("pretrain_batch_patches",) if self.masked else ("noise_sigma", "pretrain_batch_patches")

    def trainee(self, model):
        """What is trained: `model`, or of one that reads sequences what follows its standardization."""
        if len(model.inputs[0].shape) == 4:
            return model
        if "standardise" not in {layer.name for layer in model.layers}:
            raise MerError(f"{model.name} reads sequences and has no layer 'standardise', behind which noise is added: "
                           "give it one (see models/_dae.py), or set its PRETEXT to None")
        rows = model.get_layer("standardise").output
        self.standardise = keras.Model(model.input, rows)
        return keras.Model(rows, model.output, name=model.name)

    def batches(self, patches, *, seed, shuffle):
        batching = {"seed": seed, "shuffle": shuffle, "batch_size": self.cfg.pretrain_batch_patches}
        if self.standardise:
            patches = _rows.Standardized(patches, self.standardise)
        if self.masked:
            return _masked.Masking(patches, hidden_share=self.module.HIDDEN_SHARE, tile=self.module.TILE, **batching)
        return Denoising(patches, noise_sigma=self.cfg.noise_sigma, **batching)

    def scores(self, model, test, *, train):
        """Error of the model and of estimates without a network, on the same corrupted patches.

        Parameters
        ----------
        model : keras.Model
        test : Denoising or Masking
            Data that nothing was chosen on.
        train : Denoising or Masking
            Data that the estimates are fitted on.

        Returns
        -------
        dict
            mse of the model. With noise: mse_identity, the noisy patch itself; mse_training_mean, mse_wiener,
            mse_linear_3_bands, mse_linear_5x5, see `_linear.LocalFilters`; mse_code_alone, what the code leaves without
            the noisy patch (None where the model has no output of its own for it); and beside it mse_pca, what
            `pca_numbers` principal components leave. With a mask: mse_training_mean, mse_interpolated, mse_linear_5x5,
            mse_pca, see `_masked.References`; here the code is all that the model has, and mse_code_alone is mse. So it
            is with sequences, of which mse_identity and those of `_rows.References` are given.
            code_numbers and patch_numbers: how many numbers the code and the patch have.
            best_linear: name of the best of the estimates that the model has to beat: mse_pca is one of them where the
            code is all that the model has.
            gain: by how much the model's error is smaller, see `intervals.paired_mean`; gain_over has it for each.
            learnt: the whole interval of the gain lies above 0. sentence.
        """
        errors, cells = _masked.scored(model, test, train) if self.masked else self._scored(model, test, train)
        scores = {name: float(error.sum() / cells.sum()) for name, error in errors.items()}
        code_only = self.masked or self.standardise is not None
        scores.setdefault("mse_code_alone", scores["mse"] if code_only else None)
        rivals = set(errors) - {"mse", "mse_code_alone"} - (set() if code_only else {"mse_pca"})
        gains = {name: intervals.paired_mean(errors[name] - errors["mse"], cells, clip=test.patches.clip[test.order],
                                             group=test.patches.clips.group, n_bootstrap=self.cfg.n_bootstrap)
                 for name in sorted(rivals)}
        best = min(gains, key=scores.get)
        scores |= {"best_linear": best, "gain": gains[best], "gain_over": gains,
                   "learnt": gains[best]["low"] is not None and gains[best]["low"] > 0,
                   "pca_numbers": min(_linear.COMPONENTS, train.n), "patch_numbers": int(np.prod(test[0][1].shape[1:])),
                   "code_numbers": int(np.prod(self.module.encoder(model).output_shape[1:]))}
        what = "of the hidden cells " if self.masked else "of standardized rows " if self.standardise else ""
        return {**scores, "sentence": _sentence(scores, what=what, code_only=code_only)}

    def _scored(self, model, test, train):
        """Squared errors of each noisy patch by name, and its number of cells."""
        rebuild = getattr(self.module, "reconstruction", None)
        nets = {"mse": self.trainee(model) if self.standardise else model}
        nets |= {"mse_code_alone": rebuild(model)} if rebuild else {}
        references = _rows.References(train) if self.standardise else _linear.References(train, train.noise_sigma)
        errors, cells = {}, []
        for number in range(len(test)):
            noisy, clean = test[number]
            guesses = {name: keras.ops.convert_to_numpy(net.predict_on_batch(noisy)) for name, net in nets.items()}
            guesses |= {"mse_identity": noisy, **references(noisy)}
            for name, value in guesses.items():
                squares = np.square(value - clean, dtype=np.float64)
                errors.setdefault(name, []).append(squares.sum(axis=tuple(range(1, squares.ndim))))
            cells.append(np.full(len(clean), clean[0].size))
        return {name: np.concatenate(parts) for name, parts in errors.items()}, np.concatenate(cells)


_NAMES = {"mse_identity": "the noisy input itself", "mse_training_mean": "the training mean",
          "mse_wiener": "both weighed", "mse_linear_3_bands": "a linear filter over 3 bands",
          "mse_linear_5x5": "over 5 x 5 cells", "mse_linear_5_steps": "a linear filter over 5 steps",
          "mse_linear_row": "a linear filter over all values of a row",
          "mse_interpolated": "a line between the visible cells"}


def _sentence(scores, *, what, code_only):
    gain, alone = scores["gain"], scores["mse_code_alone"]
    others = ", ".join(f"{words} {scores[name]:.4f}" for name, words in _NAMES.items() if name in scores)
    pca = f"{scores['pca_numbers']} principal components {scores['mse_pca']:.4f}"
    size = f"{scores['code_numbers']} numbers for {scores['patch_numbers']} cells"
    interval = "no interval from one clip" if gain["low"] is None else f"[{gain['low']:.4f}, {gain['high']:.4f}]"
    better = f"better than the best of these by {gain['value']:.4f} {interval}"
    if code_only:
        return f"mean squared error {what}{scores['mse']:.4f} ({size}); without a network: {others}, {pca}; {better}"
    code = "" if alone is None else f"; from the code alone ({size}) {alone:.4f}, from {pca}"
    return f"mean squared error {scores['mse']:.4f}; without a network: {others}; {better}{code}"
