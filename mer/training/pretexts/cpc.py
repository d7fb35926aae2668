"""Contrastive predictive coding: tell a true continuation from false ones (van den Oord et al. 2018)."""

import numpy as np

from mer import MerError
from mer.training.pretexts import _cpc_scores
from mer.training.pretexts._sequences import Sequences, around, exchange, groups, partner

_MIN_PUBLISHED = 12  # a clip of fewer patches always got label 0 in the published program


class Contrast(Sequences):
    """Sequences of consecutive patches and their continuation, true (1) or not (0).

    Parameters
    ----------
    patches, past, future, gap, hop_patches
        See `Sequences`.
    negatives : {"distinct", "published"}
        What stands in for the true continuation of the sequences with label 0; which ones these are changes every
        epoch. "distinct": the continuation of another sequence, which shares no frame with this one. Each is given as
        often as it is taken, so its place and the length of its clip are those of the positives. "published": for half
        of the sequences, the true one in a random order, which leaves it unchanged half of the time, so that accuracy
        cannot pass about 0.75; a clip of fewer than 12 patches always has label 0.
    negatives_per_positive : int
        How many "distinct" negatives a batch has for each positive.
    same_clip_share : float
        Share of the distinct negatives that come from the same clip, where it is long enough. The others come from the
        same place, or near it, in another clip.
    **batching
        See `batches.Batches`.

    Raises
    ------
    MerError
        Where no clip is long enough for one sequence, or the only one is too short for negatives.
    """

    def __init__(self, patches, *, negatives="distinct", negatives_per_positive=1, same_clip_share=0.5, **sequences):
        self.negatives, self.same_clip_share = negatives, same_clip_share
        self.per_positive = negatives_per_positive
        super().__init__(patches, **sequences)

    def _draw(self, rng):
        self.label = np.ones(self.n, bool)
        self.continued = self.starts.copy()  # start of the sequence whose continuation is shown
        if self.negatives == "distinct":
            for batch in range(len(self)):
                chosen = self.indices(batch)
                self.label[chosen] = rng.permutation(len(chosen)) < round(len(chosen) / (1 + self.per_positive))
            wrong = np.flatnonzero(~self.label)
            self.continued[wrong] = self._others(rng, self.clip[wrong], self.place[wrong])

    def _others(self, rng, clip, place):
        """Start of the sequence that gives its continuation to each of these, shape (n,)."""
        n_starts, first = self.n_starts[clip], self.patches.first
        if np.count_nonzero(self.n_starts) < 2:
            if self.n_starts.max() < 2 * self.apart:
                length = 2 * self.apart - 1 + self.past + self.gap + self.future
                raise MerError(f"a CPC negative needs another clip, or one of at least {length} patches: "
                               "give it more speech")
            return first[clip] + around(rng, place, n_starts, self.apart)
        other = partner(rng, place, n_starts, self.apart)
        near = (rng.random(len(clip)) < self.same_clip_share) & (other >= 0)
        start = first[clip] + other
        far = np.flatnonzero(~near)
        to = far[exchange(rng, clip[far], place[far])]
        start[far] = (first[clip] + place)[to]
        for left in far[clip[to] == clip[far]]:  # one clip has more sequences than all others together
            choice = rng.choice(np.flatnonzero((self.n_starts > 0) & (np.arange(len(self.n_starts)) != clip[left])))
            start[left] = first[choice] + min(place[left], self.n_starts[choice] - 1)
        return start

    def __getitem__(self, batch):
        chosen = self.indices(batch)
        label, future = self.label[chosen], self.continuation(self.continued[chosen])
        if self.negatives == "published":
            rng = self.rng(batch)
            label = rng.random(len(chosen)) < 0.5
            label &= self.patches.count[self.clip[chosen]] >= _MIN_PUBLISHED
            future = np.where(label[:, None], future, rng.permuted(future, axis=1))
        inputs = {"past": self.patches.gather(self.past_of(chosen)), "future": self.patches.gather(future)}
        return inputs, label[:, None].astype(np.float32)


class Choice(Sequences):
    """Sequences in groups: which of the continuations of a group is its own (InfoNCE)?

    The sequences of a group are of different clips and start at the same place, or near it. Each continuation is right
    once and wrong for all others, so the continuation alone, or its place, says nothing.

    Parameters
    ----------
    patches, past, future, gap, hop_patches
        See `Sequences`.
    candidates : int
        Size of a group.
    batch_size : int
        Rounded down to whole groups, at least one.
    **batching
        See `batches.Batches`.

    Raises
    ------
    MerError
        Where fewer than `candidates` clips are long enough.
    """

    def __init__(self, patches, *, candidates=16, batch_size, **sequences):
        self.candidates, self.n_groups = candidates, None
        super().__init__(patches, batch_size=max(1, batch_size // candidates) * candidates, **sequences)

    def _draw(self, rng):
        drawn = groups(rng, self.clip, self.place, self.candidates)
        if not len(drawn):
            raise MerError(f"cpc_candidates = {self.candidates} needs as many clips in each of train, val and test, "
                           f"and {np.count_nonzero(self.n_starts)} are long enough: set fewer, or give it more speech")
        if self.n_groups is None:
            self.n_groups = len(drawn)
            self.n = self.n_groups * self.candidates
        if self.shuffle:
            drawn = rng.permutation(drawn)
        self.order = np.resize(drawn, (self.n_groups, self.candidates)).reshape(-1)  # every epoch has as many

    def __getitem__(self, batch):
        chosen = self.indices(batch)
        inputs = {"past": self.patches.gather(self.past_of(chosen)),
                  "future": self.patches.gather(self.continuation(self.starts[chosen]))}
        return inputs, np.tile(np.eye(self.candidates, dtype=np.float32), (len(chosen) // self.candidates, 1))


class Task:
    """Tell a true continuation from a false one, or find it among many; scored by accuracy."""

    settings = ("cpc_batch_sequences", "cpc_loss", "cpc_candidates", "cpc_gap_patches", "cpc_negatives",
                "cpc_negatives_per_positive", "cpc_same_clip_share", "cpc_hop_patches")
    patch_axes = (3,)  # bands, frames, 1
    compile_with = {"loss": "binary_crossentropy", "metrics": ["accuracy"]}

    def __init__(self, cfg, module):
        self.cfg, self.module = cfg, module
        self.candidates = cfg.cpc_candidates if cfg.cpc_loss == "infonce" else None
        if self.candidates:
            self.compile_with = {"loss": module.candidates_loss(), "metrics": ["accuracy"]}

    def trainee(self, model):
        """What is trained: `model`, or with InfoNCE a model that shares its layers and scores all candidates."""
        return self.module.scores_of_candidates(model, self.candidates) if self.candidates else model

    def batches(self, patches, *, seed, shuffle):
        cfg = self.cfg
        shared = {"past": self.module.PAST, "future": self.module.FUTURE, "gap": cfg.cpc_gap_patches,
                  "hop_patches": cfg.cpc_hop_patches if shuffle else 1,  # what is scored is small: every place counts
                  "batch_size": cfg.cpc_batch_sequences, "seed": seed, "shuffle": shuffle}
        if self.candidates:
            return Choice(patches, candidates=self.candidates, **shared)
        return Contrast(patches, negatives=cfg.cpc_negatives, negatives_per_positive=cfg.cpc_negatives_per_positive,
                        same_clip_share=cfg.cpc_same_clip_share, **shared)

    def scores(self, model, test, *, train):
        """Accuracy beside what the continuation, its place or a wrong context reach; see `_cpc_scores.of`."""
        return _cpc_scores.of(self.trainee(model), test, train=train, n_bootstrap=self.cfg.n_bootstrap)
