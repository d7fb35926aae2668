"""Log-mel stores: one HDF5 file per corpus, each clip once; patches are cut when they are read.

Layout of a store, `features/<kind>_<language>.h5`::

    log_mel   (frames, bands) float32, uncompressed and contiguous: it is memory-mapped, never copied
    offsets   (clips + 1,)    int64: clip i is log_mel[offsets[i]:offsets[i + 1]]
    clip, group, label        (clips,) text; label is the quadrant, empty for speech
    arousal, valence          (clips,) float64 in [-1, 1], NaN where the corpus gives none
    seconds                   (clips,) float64
    content                   (clips,) text: hash of the frames; equal for the same audio under two names
    file_bytes, file_mtime_ns (clips,) int64: a changed file is extracted again
    file_edges                (clips,) text: hash of parts of the audio file; a change that keeps both shows here
    skipped                   (files, 2) text: name, reason
    attributes                the feature settings, corpus name, grouped_by, format, and the hash of all but log_mel
"""

import hashlib
from dataclasses import dataclass

import h5py
import numpy as np

from mer import MerError, hdf5_write
from mer.data import store_check
from mer.features import audio
from mer.tasks import QUADRANTS

FORMAT = store_check.FORMAT
_REMEDY = "run generate_dataset.py for this corpus again"


def write(path, *, rows, log_mel, skipped, settings, attributes):
    """Write a store to a temporary name and rename it.

    Parameters
    ----------
    path : pathlib.Path
    rows : list of dict
        One per clip, with the keys of the layout above and `n_frames`; `content` is made of the frames.
    log_mel : iterable of np.ndarray, shape (frames, bands), float32
        The clips in the order of `rows`; read one at a time.
    skipped : list of (str, str)
        Name and reason of each file that is not in the store.
    settings : dict
        Feature settings, see `Config.feature_settings`.
    attributes : dict
        Further attributes of the file (text).
    """
    n_frames = [row["n_frames"] for row in rows]
    with hdf5_write.making(path) as made:
        file = made.file
        file.attrs.update({"format": FORMAT, **settings, **attributes})
        file["offsets"] = np.concatenate([[0], np.cumsum(n_frames)]).astype(np.int64)
        data = file.create_dataset("log_mel", (sum(n_frames), settings["n_mel_bands"]), np.float32)
        start, content = 0, []
        for row, clip in zip(rows, log_mel, strict=True):
            if not np.isfinite(clip).all():
                raise MerError(f"the features of {row['clip']} are not all finite numbers: leave the file out of the "
                               "corpus, or make it again")
            data[start:start + len(clip)] = clip
            made.check()
            start += len(clip)
            content.append(store_check.content_hash(clip))
        _write_table(file, [{**row, "content": hashed} for row, hashed in zip(rows, content, strict=True)], skipped)
        made.check()
        file.attrs["table_hash"] = store_check.table_hash(file)


def _write_table(file, rows, skipped):
    text = h5py.string_dtype()
    for name in store_check.TEXT:
        file.create_dataset(name, data=[row.get(name, "") for row in rows], dtype=text)
    for name, kind in store_check.NUMBERS:
        file[name] = np.array([row[name] for row in rows], kind)
    file.create_dataset("skipped", data=np.array(skipped, object).reshape(-1, 2), dtype=text)


@dataclass(frozen=True)
class Store:
    """One opened store. `log_mel` is a read-only memory map, shape (frames, bands)."""

    path: object
    log_mel: np.ndarray
    offsets: np.ndarray
    columns: dict
    skipped: list
    attributes: dict

    @property
    def ids(self):
        return self.columns["clip"]

    def clip(self, index):
        """View of one clip's log-mel frames, shape (frames, bands)."""
        return self.log_mel[self.offsets[index]:self.offsets[index + 1]]

    def damaged(self):
        """Indices of the clips whose frames are not those that were written, see `store_check.damaged_clips`."""
        return store_check.damaged_clips(self)


def read(path, *, settings=None, remedy=_REMEDY):
    """Open a store and check all of it but the frames, which `Store.damaged` checks.

    Parameters
    ----------
    path : pathlib.Path
    settings : dict or None
        The feature settings in force; another value in the store is an error.
    remedy : str
        What to do where it is damaged: the end of the error sentence.

    Raises
    ------
    MerError
        Missing file, or made with other feature settings.
    files.Damaged, hdf5_read.Refused
        No store, damaged, of an earlier version, or not plain.
    """
    try:
        table = store_check.read_table(path, remedy=remedy)
    except FileNotFoundError:
        raise MerError(f"{path} does not exist: run generate_dataset.py for this corpus first") from None
    _check_settings(path, table.attributes, settings or {})
    log_mel = np.memmap(path, np.float32, "r", table.place, table.shape)
    return Store(path, log_mel, table.offsets, table.columns, table.skipped, table.attributes)


def _check_settings(path, attributes, settings):
    differ = [f"{name} {attributes.get(name)!r}, now {value!r}" for name, value in settings.items()
              if attributes.get(name) != value]
    if differ:
        raise MerError(f"{path} was made with other feature settings ({'; '.join(differ)}): "
                       "set them back, or run generate_dataset.py again")


@dataclass(frozen=True)
class ClipSet:
    """Clips of one or more stores, as the training and the report see them.

    Attributes
    ----------
    stores : tuple of Store
    ids : np.ndarray of str, shape (n,)
    source : np.ndarray of int, shape (n,)
        Index into `stores`.
    index : np.ndarray of int, shape (n,)
        Index of the clip in its store.
    group, split : np.ndarray of str, shape (n,)
    quadrant : np.ndarray of int, shape (n,)
        0..3, or -1 for speech.
    """

    stores: tuple
    ids: np.ndarray
    source: np.ndarray
    index: np.ndarray
    group: np.ndarray
    split: np.ndarray
    quadrant: np.ndarray

    @classmethod
    def of_store(cls, store, split):
        """All clips of one store with their sides of the split."""
        n = len(store.ids)
        quadrant = [QUADRANTS.index(label) if label else -1 for label in store.columns["label"]]
        return cls((store,), np.array(store.ids, object), np.zeros(n, int), np.arange(n),
                   np.array(store.columns["group"], object), np.array(split, object), np.array(quadrant, int))

    def __len__(self):
        return len(self.ids)

    def take(self, where):
        """The clips that a mask or an index array names."""
        names = ("ids", "source", "index", "group", "split", "quadrant")
        return ClipSet(self.stores, *(getattr(self, name)[where] for name in names))

    def side(self, split):
        """The clips of "train", "val" or "test"."""
        return self.take(self.split == split)

    def __add__(self, other):
        """Clips of both, for training on several corpora; no frame is copied."""
        moved = other.source + len(self.stores)
        pairs = [(self.ids, other.ids), (self.source, moved), (self.index, other.index), (self.group, other.group),
                 (self.split, other.split), (self.quadrant, other.quadrant)]
        return ClipSet(self.stores + other.stores, *(np.concatenate(pair) for pair in pairs))

    @property
    def seconds(self):
        """Duration of each clip in seconds, shape (n,)."""
        return np.array([self.stores[s].columns["seconds"][i] for s, i in zip(self.source, self.index, strict=True)])

    @property
    def contents(self):
        """Hash of each clip's frames; equal for the same audio under two names."""
        return [self.stores[s].columns["content"][i] for s, i in zip(self.source, self.index, strict=True)]

    def fingerprint(self, *, sides=True):
        """Hash of what training depends on: clips, files, labels, feature settings and, unless told not to, sides."""
        digest = hashlib.sha256()
        for store in self.stores:
            facts = sorted((k, v) for k, v in store.attributes.items() if k not in ("format", "table_hash"))
            digest.update(repr(facts).encode())
        for s, i, split, quadrant in zip(self.source, self.index, self.split, self.quadrant, strict=True):
            columns = self.stores[s].columns
            side = (split,) if sides else ()
            audio_file = columns["file_edges"][i] or columns["content"][i]  # imported features have no audio
            digest.update(repr((columns["clip"][i], audio_file, *side, int(quadrant))).encode())
        return digest.hexdigest()[:16]

    def patches(self, *, patch_frames, hop_frames):
        """The patches of all clips, see `Patches`."""
        return Patches(self, patch_frames=patch_frames, hop_frames=hop_frames)


class Patches:
    """Patches of a `ClipSet`, cut from the memory-mapped stores when they are asked for.

    Parameters
    ----------
    clips : ClipSet
    patch_frames, hop_frames : int
        Width of a patch and distance between two, in frames.

    Attributes
    ----------
    clip : np.ndarray of int, shape (n,)
        Index of each patch's clip in `clips`.
    number : np.ndarray of int, shape (n,)
        Place of each patch in its clip: 0, 1, 2, ...
    first : np.ndarray of int, shape (clips,)
        Index of each clip's first patch; `count` is how many it has.
    """

    def __init__(self, clips, *, patch_frames, hop_frames):
        self.clips, self.patch_frames, self.hop_frames = clips, patch_frames, hop_frames
        starts = [clips.stores[s].offsets[i] for s, i in zip(clips.source, clips.index, strict=True)]
        ends = [clips.stores[s].offsets[i + 1] for s, i in zip(clips.source, clips.index, strict=True)]
        frames = np.array(ends, np.int64) - np.array(starts, np.int64)
        self.count = np.array([audio.n_patches(n, patch_frames=patch_frames, hop_frames=hop_frames) for n in frames],
                              np.int64)
        self.first = np.cumsum(self.count) - self.count
        self.clip = np.repeat(np.arange(len(clips)), self.count)
        self.number = np.arange(len(self.clip)) - self.first[self.clip]
        self._row = np.array(starts, np.int64)[self.clip] + self.number * hop_frames
        self._source = clips.source[self.clip]

    def __len__(self):
        return len(self.clip)

    @property
    def quadrant(self):
        """True quadrant of each patch, shape (n,), 0..3 or -1."""
        return self.clips.quadrant[self.clip]

    def gather(self, indices):
        """Copy patches out of the stores.

        Parameters
        ----------
        indices : np.ndarray of int, any shape

        Returns
        -------
        np.ndarray, shape (*indices.shape, bands, frames, 1), float32
            Natural log of the mel magnitudes.
        """
        indices = np.asarray(indices)
        flat = indices.reshape(-1)
        rows = self._row[flat][:, None] + np.arange(self.patch_frames)
        if len(self.clips.stores) == 1:
            frames = self.clips.stores[0].log_mel[rows]  # (n, frames, bands)
        else:
            frames = self._gather_many(flat, rows)
        patches = np.ascontiguousarray(np.swapaxes(frames, 1, 2))  # (n, bands, frames)
        return patches.reshape(*indices.shape, *patches.shape[1:], 1)

    def _gather_many(self, flat, rows):
        bands = self.clips.stores[0].log_mel.shape[1]
        frames = np.empty((*rows.shape, bands), np.float32)
        for number, store in enumerate(self.clips.stores):
            mine = self._source[flat] == number
            if mine.any():
                frames[mine] = store.log_mel[rows[mine]]
        return frames
