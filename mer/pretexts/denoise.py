"""Denoising: rebuild a patch from a noisy copy (Vincent et al. 2008)."""

import keras
import numpy as np

from mer import batches


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

    def scores(self, model, batches, band_mean, band_deviation):
        """Error of the model and of what needs no model, on the same noisy input.

        Parameters
        ----------
        model : keras.Model
        batches : Denoising
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
