"""Contrastive predictive coding: tell a true continuation from a false one (van den Oord et al. 2018)."""

import keras
import numpy as np

from mer import MerError, batches

Z95 = 1.96  # two-sided 95 % quantile of the normal distribution
# Two windows of 2 patches share no frame when they start at least this many patches apart: at the published hop of
# 15 of 31 frames a window spans 46 frames, and 4 hops are 60.
_APART = 4
_MIN_PUBLISHED = 12  # a clip of fewer patches always got label 0 in the published program


class Contrast(batches.Batches):
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
        See `batches.Batches`.

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


class Task:
    """Tell a true continuation from a false one; scored by accuracy."""

    settings = ("cpc_batch_sequences", "cpc_negatives", "cpc_negatives_per_positive", "cpc_same_clip_share",
                "cpc_hop_patches")
    compile_with = {"loss": "binary_crossentropy", "metrics": ["accuracy"]}

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module

    def batches(self, patches, *, seed, shuffle):
        cfg = self.cfg
        hop = cfg.cpc_hop_patches if shuffle else 1  # what is scored is small: every place counts
        return Contrast(patches, past=self.module.PAST, future=self.module.FUTURE, negatives=cfg.cpc_negatives,
                                negatives_per_positive=cfg.cpc_negatives_per_positive,
                                same_clip_share=cfg.cpc_same_clip_share, hop_patches=hop,
                                batch_size=cfg.cpc_batch_sequences, seed=seed, shuffle=shuffle)

    def scores(self, model, batches, *, train):
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
