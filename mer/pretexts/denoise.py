"""Denoising: rebuild a patch from a noisy copy (Vincent et al. 2008)."""

import keras
import numpy as np

from mer import batches
from mer.pretexts import _linear, _paired


class Denoising(batches.Batches):
    """(patch + Gaussian noise, patch) pairs (Vincent et al. 2008; sigma 0.3 in ICASSP 2021, section 3.2).

    Parameters
    ----------
    patches : store.Patches
    noise_sigma : float
        Standard deviation of the noise, in log-mel units.
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
    """Rebuild a patch from a noisy copy; scored by mean squared error (log-mel units squared)."""

    settings = ("noise_sigma", "pretrain_batch_patches")
    compile_with = {"loss": "mean_squared_error"}

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module

    def batches(self, patches, *, seed, shuffle):
        return Denoising(patches, noise_sigma=self.cfg.noise_sigma, seed=seed, shuffle=shuffle,
                         batch_size=self.cfg.pretrain_batch_patches)

    def scores(self, model, test, *, train):
        """Error of the model and of linear estimates, on the same noisy patches.

        Parameters
        ----------
        model : keras.Model
        test : Denoising
            Data that nothing was chosen on.
        train : Denoising
            Data that the linear estimates are fitted on.

        Returns
        -------
        dict
            mse of the model; mse_identity, the noisy patch itself; mse_training_mean, mse_wiener, mse_linear_3_bands,
            mse_linear_5x5, see `LocalFilters`. mse_code_alone, what the code leaves without the noisy patch (None where
            the model has no output of its own for it), beside mse_pca, that of `pca_numbers` principal components;
            code_numbers and patch_numbers, how many numbers the code and the patch have.
            best_linear: name of the best estimate without the model; gain: how much smaller the model's error is than
            that one's, see `_paired.difference`. learnt: the whole interval of the gain lies above 0. sentence.
        """
        rebuild = getattr(self.module, "reconstruction", None)
        nets = {"mse": model} | ({"mse_code_alone": rebuild(model)} if rebuild else {})
        filters, components = _linear.LocalFilters(train), _linear.Components(train)
        errors, cells = {}, []
        for number in range(len(test)):
            noisy, clean = test[number]
            guesses = {name: keras.ops.convert_to_numpy(net.predict_on_batch(noisy)) for name, net in nets.items()}
            guesses |= {"mse_identity": noisy, "mse_pca": components(noisy), **filters(noisy)}
            for name, value in guesses.items():
                errors.setdefault(name, []).append(np.square(value - clean, dtype=np.float64).sum(axis=(1, 2, 3)))
            cells.append(np.full(len(clean), clean[0].size))
        errors, cells = {name: np.concatenate(parts) for name, parts in errors.items()}, np.concatenate(cells)
        scores = {"mse_code_alone": None} | {name: float(error.sum() / cells.sum()) for name, error in errors.items()}
        best = min(("mse_identity", *_linear.NEIGHBORHOODS), key=scores.get)
        gain = _paired.difference(errors[best] - errors["mse"], cells, clip=test.patches.clip[test.order],
                                  group=test.patches.clips.group, n_bootstrap=self.cfg.n_bootstrap)
        scores |= {"best_linear": best, "gain": gain, "learnt": gain["low"] is not None and gain["low"] > 0,
                   "pca_numbers": components.n, "patch_numbers": int(cells[0]),
                   "code_numbers": int(np.prod(self.module.encoder(model).output_shape[1:]))}
        return {**scores, "sentence": _sentence(scores)}


def _sentence(scores):
    alone, gain = scores["mse_code_alone"], scores["gain"]
    code = "" if alone is None else (
        f"; from the code alone ({scores['code_numbers']} numbers for {scores['patch_numbers']} cells) {alone:.4f}, "
        f"from {scores['pca_numbers']} principal components {scores['mse_pca']:.4f}")
    interval = "no interval from one clip" if gain["low"] is None else f"[{gain['low']:.4f}, {gain['high']:.4f}]"
    return (f"mean squared error {scores['mse']:.4f}; without a model: the noisy input itself "
            f"{scores['mse_identity']:.4f}, the training mean {scores['mse_training_mean']:.4f}, both weighed "
            f"{scores['mse_wiener']:.4f}, a linear filter over 3 bands {scores['mse_linear_3_bands']:.4f}, over 5 x 5 "
            f"cells {scores['mse_linear_5x5']:.4f}; the model is better than the best of these by {gain['mean']:.4f} "
            f"{interval}{code}")
