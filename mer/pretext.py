"""Patches -> batches for training: denoising, CPC, and patches or cached codes with emotion targets.

Every batch is a pure function of (seed, epoch, batch number): the same command gives the same batches,
also after a resumed run, and `epoch` stays 0 on validation data, whose noise is therefore fixed.
"""

import keras
import numpy as np

from mer import MerError
from mer.tasks import TASKS

# Two windows of 2 patches share no frame when they start at least this many patches apart: at the published hop of
# 15 of 31 frames a window spans 46 frames, and 4 hops are 60.
_APART = 4
_MIN_PUBLISHED = 12  # a clip of fewer patches always got label 0 in the published program


class Batches(keras.utils.PyDataset):
    """Batches of `n` examples in a new seeded order each epoch.

    Parameters
    ----------
    n : int
        Number of examples.
    batch_size : int
    seed : int
    shuffle : bool
        False keeps the order, for validation and prediction.
    """

    def __init__(self, *, n, batch_size, seed=0, shuffle=False):
        # On TensorFlow, threads of Keras' own: with fewer than two, batches pass through a tf.data pipeline whose
        # autotuner holds up the end of an epoch until its sleep is over, which doubles in length each time.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1, max_queue_size=4)
        self.n, self.batch_size, self.seed, self.shuffle = n, batch_size, seed, shuffle
        self.set_epoch(0)

    def set_epoch(self, epoch):
        """Draw the order of an epoch; training calls it before each."""
        self.epoch = epoch
        self.order = np.arange(self.n)
        if self.shuffle:
            np.random.default_rng([self.seed, epoch]).shuffle(self.order)

    def rng(self, batch):
        """Generator of one batch: its noise or its negatives."""
        return np.random.default_rng([self.seed, self.epoch, batch + 1])

    def indices(self, batch):
        return self.order[batch * self.batch_size:(batch + 1) * self.batch_size]

    def __len__(self):
        return -(-self.n // self.batch_size)  # the last, partial batch counts


class Denoising(Batches):
    """(patch + Gaussian noise, patch) pairs (Vincent et al. 2008; sigma 0.3 in ICASSP 2021, section 3.2).

    Parameters
    ----------
    patches : store.Patches
    noise_sigma : float
        Standard deviation of the noise, in log-mel units.
    **batching
        See `Batches`.
    """

    def __init__(self, patches, *, noise_sigma, **batching):
        super().__init__(n=len(patches), **batching)
        self.patches, self.noise_sigma = patches, np.float32(noise_sigma)

    def __getitem__(self, batch):
        clean = self.patches.gather(self.indices(batch))
        noise = self.rng(batch).standard_normal(clean.shape, np.float32)
        return clean + self.noise_sigma * noise, clean


class Contrast(Batches):
    """Sequences of consecutive patches and their continuation, true (1) or not (0).

    Parameters
    ----------
    patches : store.Patches
    past, future : int
        Patches read and patches predicted.
    negatives : {"distinct", "published"}
        What stands in for the true continuation of the sequences with label 0; which ones these are changes every
        epoch. "distinct": a continuation that shares no frame with the true one, from elsewhere in the clip or from
        another clip. "published": for half of the sequences, the true one in a random order, which leaves it
        unchanged half of the time, so that accuracy cannot pass about .75; a clip of fewer than 12 patches always
        has label 0.
    negatives_per_positive : int
        How many "distinct" negatives a batch has for each positive.
    same_clip_share : float
        Share of the distinct negatives that come from the same clip, where it is long enough.
    hop_patches : int
        Patches from the start of one sequence to that of the next. Each epoch shifts all starts by another offset, so
        that every place of a clip has its turn.
    **batching
        See `Batches`.

    Raises
    ------
    MerError
        Where no clip is long enough for one sequence, or the only one is too short for negatives.
    """

    def __init__(self, patches, *, past, future, negatives="distinct", negatives_per_positive=1, same_clip_share=0.5,
                 hop_patches=6, **batching):
        self.patches, self.past, self.future = patches, past, future
        self.negatives, self.same_clip_share = negatives, same_clip_share
        self.per_positive = negatives_per_positive
        self.hop_patches = hop_patches
        self._n_starts = np.maximum(patches.count - (past + future) + 1, 0)
        if not self._n_starts.any():
            raise MerError(f"no clip has the {past + future} patches of one CPC sequence: use longer clips")
        self._windows = np.flatnonzero(patches.number <= patches.count[patches.clip] - future)
        self._n_windows = np.maximum(patches.count - future + 1, 0)
        self._check_negatives()
        super().__init__(n=int((-(-self._n_starts // hop_patches)).sum()), **batching)

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        offset = np.random.default_rng([self.seed, epoch, 0]).integers(self.hop_patches) if self.shuffle else 0
        self.starts = self._starts(offset)

    def _starts(self, offset):
        """First patch of each sequence: every hop_patches, shifted by `offset` but within the clip, shape (n,)."""
        a_clip = -(-self._n_starts // self.hop_patches)
        clip = np.repeat(np.arange(len(a_clip)), a_clip)
        nth = np.arange(len(clip)) - (np.cumsum(a_clip) - a_clip)[clip]
        return self.patches.first[clip] + np.minimum(nth * self.hop_patches + offset, self._n_starts[clip] - 1)

    def _check_negatives(self):
        alone = np.count_nonzero(self._n_windows) < 2
        if self.negatives == "distinct" and alone and self._n_windows.max() < 2 * _APART + 1:
            raise MerError("a CPC negative needs another clip, or one of at least "
                           f"{2 * _APART + self.future} patches: give it more speech")

    def __getitem__(self, batch):
        rng = self.rng(batch)
        start = self.starts[self.indices(batch)]
        draw = self._published if self.negatives == "published" else self._distinct
        start, future, label = draw(rng, start)
        past = start[:, None] + np.arange(self.past)
        inputs = {"past": self.patches.gather(past), "future": self.patches.gather(future)}
        return inputs, label[:, None].astype(np.float32)

    def _published(self, rng, start):
        n = len(start)
        future = start[:, None] + self.past + np.arange(self.future)  # (n, future)
        label = rng.random(n) < 0.5
        label &= self.patches.count[self.patches.clip[start]] >= _MIN_PUBLISHED
        shuffled = rng.permuted(future, axis=1)
        return start, np.where(label[:, None], future, shuffled), label

    def _distinct(self, rng, start):
        true = start + self.past
        n_positive = round(len(start) / (1 + self.per_positive))
        label = rng.permutation(len(start)) < n_positive
        first = np.where(label, true, self._negative(rng, true))
        return start, first[:, None] + np.arange(self.future), label

    def _negative(self, rng, true):
        """First patch of a wrong continuation for each true one, shape (n,)."""
        clip = self.patches.clip[true]
        near = rng.random(len(true)) < self.same_clip_share
        near &= self._n_windows[clip] >= 2 * _APART + 1
        near |= np.count_nonzero(self._n_windows) < 2
        far = self._other_clip(rng, clip)
        return np.where(near, self._same_clip(rng, true), far)

    def _same_clip(self, rng, true):
        """A window of the same clip at least _APART patches away, uniform over those (clips too short give any)."""
        clip, place = self.patches.clip[true], self.patches.number[true]
        n = self._n_windows[clip]
        before = np.maximum(place - _APART + 1, 0)
        after = np.maximum(n - (place + _APART), 0)
        pick = (rng.random(len(true)) * np.maximum(before + after, 1)).astype(int)
        number = np.where(pick < before, pick, place + _APART + pick - before)
        return self.patches.first[clip] + np.minimum(number, np.maximum(n - 1, 0))

    def _other_clip(self, rng, clip):
        """A window of another clip, uniform over all windows outside this clip."""
        ends = np.cumsum(self._n_windows)
        begin = (ends - self._n_windows)[clip]
        own = self._n_windows[clip]
        pick = (rng.random(len(clip)) * np.maximum(ends[-1] - own, 1)).astype(int)
        pick = np.where(pick >= begin, pick + own, pick)
        return self._windows[np.minimum(pick, ends[-1] - 1)]


class Emotion(Batches):
    """Patches, or codes of a frozen encoder, with one-hot targets and weights for each task.

    Parameters
    ----------
    inputs : store.Patches or np.ndarray, shape (n, units)
        Patches are gathered, codes are indexed.
    quadrant : np.ndarray of int, shape (n,)
        True quadrant 0..3 of each input.
    rows : np.ndarray of int
        Which of the inputs to use: those of one side of the split.
    class_weights : dict or None
        Task name to an array of one weight per class, see `class_weights`.
    **batching
        See `Batches`.
    """

    def __init__(self, inputs, quadrant, *, rows, class_weights=None, **batching):
        super().__init__(n=len(rows), **batching)
        self.inputs, self.rows = inputs, rows
        self.classes = {task.name: task.targets(quadrant) for task in TASKS}
        self.class_weights = class_weights
        self._one_hot = {task.name: np.eye(len(task.classes), dtype=np.float32) for task in TASKS}

    def __getitem__(self, batch):
        chosen = self.rows[self.indices(batch)]
        inputs = self.inputs[chosen] if isinstance(self.inputs, np.ndarray) else self.inputs.gather(chosen)
        classes = {name: index[chosen] for name, index in self.classes.items()}
        targets = {name: self._one_hot[name][index] for name, index in classes.items()}
        if self.class_weights is None:
            return inputs, targets
        return inputs, targets, {name: self.class_weights[name][index] for name, index in classes.items()}


def class_weights(quadrant):
    """Weights that make every class of a task count the same: n / (classes * n of the class).

    The "balanced" heuristic of King & Zeng 2001 (Political Analysis 9), as in scikit-learn. A class without examples
    gets weight 0.

    Parameters
    ----------
    quadrant : np.ndarray of int, shape (n,)

    Returns
    -------
    dict of str to np.ndarray, shape (classes,), float32
    """
    weights = {}
    for task in TASKS:
        count = np.bincount(task.targets(quadrant), minlength=len(task.classes))
        present = np.count_nonzero(count)
        weights[task.name] = np.where(count > 0, count.sum() / (present * np.maximum(count, 1)), 0).astype(np.float32)
    return weights
