"""Contrast: which of the chunks of a batch comes from the same clip? (Saeed, Grangier & Zeghidour 2021)."""

import keras
import numpy as np

from mer import MerError
from mer.training import augment, batches
from mer.training.pretexts import _contrast_scores

_LEAST_PAIRS = 2048  # of validation and test: with few clips each is heard at several places
_KNOTS = 6  # of a random filter, from the lowest band to the highest


class Pairs(batches.Batches):
    """Two chunks of each clip, which share no frame; the clips of a batch are all different.

    Parameters
    ----------
    patches : patches.Patches
        Their clips are read, at any place.
    steps : int
        Batches an epoch. 0: so many that every clip comes, and that there are 2048 pairs.
    batch_size : int
        Clips in a batch; all of them where there are fewer.
    gain_db, filter_db : float
        See `augment.filters`; each chunk has a filter of its own.
    mask_bands : int
        Up to so many bands in a row are hidden from each chunk.
    **batching
        See `batches.Batches`.

    Attributes
    ----------
    clip : np.ndarray of int, shape (usable clips,)
        Which clips of `patches.clips` are long enough for two chunks; the others are left out.
    is_augmented : bool

    Raises
    ------
    MerError
        Where fewer than two clips are long enough.
    """

    def __init__(self, patches, *, steps, batch_size, gain_db, filter_db, mask_bands, **batching):
        self.patches, self.reads = patches, patches.reads
        self.gain_db, self.filter_db, self.mask_bands, self.is_augmented = gain_db, filter_db, mask_bands, True
        self.first, end = patches.clips.bounds
        self.slack = end - self.first - 2 * self.reads.n_rows  # rows that two chunks leave over
        self.clip = np.flatnonzero(self.slack >= 0)
        if len(self.clip) < 2:
            raise MerError(f"contrast needs two clips of {2 * self.reads.actual_seconds:.2f} s or more in each of "
                           f"train, val and test, and one has {len(self.clip)}: give it longer clips, or more of them")
        size = min(batch_size, len(self.clip))
        rounds = -(-_LEAST_PAIRS // len(self.clip))
        super().__init__(n=size * (steps or rounds * -(-len(self.clip) // size)), batch_size=size, **batching)

    def set_epoch(self, epoch):
        """Draw which clips come together: all clips in a new order, again and again."""
        self.epoch, rng = epoch, np.random.default_rng([self.seed, epoch])
        each = -(-len(self.clip) // self.batch_size) * self.batch_size  # the last batch is filled with the first clips
        rounds = [np.resize(rng.permutation(self.clip), each) for _ in range(-(-self.n // each))]
        self.order = np.concatenate(rounds)[:self.n]

    def __getitem__(self, batch):
        """Pairs (n, 2, bands, frames, 1), and the place of each partner: 0, 1, ..., n - 1."""
        rng, chosen, n_rows = self.rng(batch), self.indices(batch), self.reads.n_rows
        places = np.sort(rng.integers(0, self.slack[chosen], size=(2, len(chosen)), endpoint=True), axis=0).T
        places = rng.permuted(places + [0, n_rows] + self.first[chosen, None], axis=1)
        sources = self.patches.clips.source[chosen].repeat(2)
        stores = self.patches.clips.stores
        rows = np.stack([stores[source].rows[start:start + n_rows]
                         for source, start in zip(sources, places.reshape(-1), strict=True)])
        chunks = np.ascontiguousarray(self.reads.of.to_input(rows))
        if self.is_augmented:
            drawn = augment.filters(rng, len(chunks), chunks.shape[1], gain_db=self.gain_db, filter_db=self.filter_db,
                                    knots=_KNOTS)
            chunks = augment.hide_bands_and_frames(chunks + drawn[:, :, None, None], rng, masks=1,
                                                   bands=self.mask_bands, frames=0)
        return chunks.reshape(-1, 2, *chunks.shape[1:]), np.arange(len(chosen))


class Task:
    """Find the partner of each chunk among those of a batch; scored by accuracy."""

    settings = ("contrast_batch_clips", "contrast_gain_db", "contrast_filter_db", "contrast_mask_bands")
    patch_axes = (3,)  # bands, frames, 1

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module
        self.compile_with = {"loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                             "metrics": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]}

    def trainee(self, model):
        """The model; its weights before the first step are kept, as a reference."""
        self.untrained = model.get_weights()
        return model

    def batches(self, patches, *, seed, shuffle):
        cfg = self.cfg
        return Pairs(patches, steps=cfg.contrast_steps if shuffle else 0, batch_size=cfg.contrast_batch_clips,
                     gain_db=cfg.contrast_gain_db, filter_db=cfg.contrast_filter_db,
                     mask_bands=cfg.contrast_mask_bands, seed=seed, shuffle=shuffle)

    def scores(self, model, test, *, train):
        """Accuracy beside that of references without training, see `_contrast_scores.of`."""
        return _contrast_scores.of(model, self.module.encoder(model), self.untrained, test, train=train,
                                   n_bootstrap=self.cfg.n_bootstrap)
