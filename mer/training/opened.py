"""One music corpus, opened for training or a test, and which of its clips were heard by whoever trained on others."""

from dataclasses import replace

import numpy as np

from mer import MerError, corpora
from mer.data import datasets, split_files
from mer.training.per_group import Normalized, keys


class Opened:
    """One music corpus with its split and its patches.

    Parameters
    ----------
    cfg : Config
    code : str
        Of the corpus.
    reads : mer.features.chunks.Chunks
        What the encoder reads.
    fold : (int, int) or None
        Of a cross-validation: its number, counted from 1, and how many there are.
    per_group : bool
        Normalize features of parts per group; codes of an encoder are normalized where they are made.
    """

    def __init__(self, cfg, code, reads, *, fold=None, per_group=False):
        self.corpus, self.reads, self.fold = corpora.get("music", code), reads, fold
        self.clips = datasets.load("music", code, cfg, of=reads.of, fold=fold)
        stem = datasets.stem(self.corpus)
        self.split_about = datasets.split_about(cfg, split_files.fold_stem(stem, *fold) if fold else stem)
        self.patches = patches_of(cfg, reads, self.clips, per_group)
        self.grouped_by = self.clips.stores[0].attributes["grouped_by"]

    def marked(self):
        """The clips, with names of clips and groups that begin with "CODE:": none collides with those of others.

        People who are in several corpora keep their names, so that they are one group.
        """
        ids, group = (np.array([f"{self.corpus.CODE}:{name}" for name in names], object)
                      for names in (self.clips.ids, self.clips.group))
        return replace(self.clips, ids=ids, group=self.clips.group if self.corpus.PEOPLE else group)

    def heard_in(self, others):
        """Which clips others have for training or validation: the same sound, the same artist, the same people.

        Parameters
        ----------
        others : sequence of Opened
            Other corpora. A number names no artist.

        Returns
        -------
        dict of str -> np.ndarray of bool, shape (clips,)
            "same_sound", and among the rest "same_artist" and, in corpora of the same people, "same_people".

        Raises
        ------
        MerError
            Two corpora have the same people, and one of them is grouped by something else.
        """
        sounds, artists, people = set(), set(), set()
        for other in others:
            if self.corpus.PEOPLE and other.corpus.PEOPLE == self.corpus.PEOPLE:
                people.update(self._people_in(other))
            known = other.clips.take(other.clips.split != "test")
            sounds.update(known.contents)
            artists.update(filter(None, other.artists(known)))
        same_sound = np.array([content in sounds for content in self.clips.contents], bool)
        own = self.artists(self.clips) or [""] * len(self.clips)
        same_artist = np.array([artist in artists for artist in own], bool)
        same_people = np.array([group in people for group in self.clips.group], bool)
        return {"same_sound": same_sound, "same_artist": same_artist & ~same_sound,
                "same_people": same_people & ~same_sound}

    def _people_in(self, other):
        """Groups that another corpus of the same people has for training or validation."""
        for one in (self, other):
            if one.grouped_by != one.corpus.GROUPED_BY:
                raise MerError(f"{self.corpus.NAME} and {other.corpus.NAME} have the same people, and {one.corpus.NAME}"
                               f" is grouped by {one.grouped_by}, so nobody can tell who was heard in training: group "
                               f"both by {one.corpus.GROUPED_BY}")
        return other.clips.group[other.clips.split != "test"]

    def artists(self, clips):
        """Artist of each clip, as names are compared; "" for a number; none where groups are no artists."""
        if self.grouped_by != "artist":
            return []
        return [name if not name.isdigit() else "" for name in map(corpora.fold, clips.group)]

    def test_rows(self, others):
        """Patches of the test clips that no other corpus has for training, and how many clips are left out, by reason.

        Returns
        -------
        rows : np.ndarray of int
        left_out : dict of str -> int
            "same_sound", "same_artist", "same_people"; empty where nothing is.
        """
        heard, is_test = self.heard_in(others), self.clips.split == "test"
        left_out = {reason: int((mask & is_test).sum()) for reason, mask in heard.items() if (mask & is_test).any()}
        tested = is_test & ~np.any(list(heard.values()), axis=0)
        return np.flatnonzero(tested[self.patches.clip]), left_out


def say_left_out(opened, left_out):
    """Print how many test clips of a corpus are left out, from `Opened.test_rows`, and why; nothing where none is."""
    for reason, n in left_out.items():
        what = reason.removeprefix("same_")
        print(f"{n} of the test clips of {opened.corpus.NAME} {'is' if n == 1 else 'are'} left out: the music for "
              f"training has the same {what}")


def patches_of(cfg, reads, clips, per_group):
    """Patches of clips, or parts with features, which may be normalized per group."""
    patches = reads.of_clips(clips, cfg.patch_overlap)
    if per_group and hasattr(patches, "values"):
        patches.values = Normalized(patches.values, patches.clip, keys(clips))[np.arange(len(patches))]
    return patches
