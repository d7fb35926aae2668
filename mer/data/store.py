"""Stores: one HDF5 file per corpus and representation, each clip once; `mer.data.patches` cuts them.

Layout of a store, `features/<kind>_<language>.h5` of log-mel, `features/<kind>_<language>.NAME.h5` of another one::

    log_mel   (frames, bands) float32, uncompressed and contiguous: it is memory-mapped, never copied; the data set has
                              the name of the representation
    offsets   (clips + 1,)    int64: clip i is log_mel[offsets[i]:offsets[i + 1]]
    clip, group, label        (clips,) text; label is the quadrant, empty for speech
    arousal, valence          (clips,) float64 in [-1, 1], NaN where the corpus gives none
    seconds                   (clips,) float64
    content                   (clips,) text: hash of the frames; equal for the same audio under two names
    file_bytes, file_mtime_ns (clips,) int64: a changed file is extracted again
    file_edges                (clips,) text: hash of parts of the audio file; a change that keeps both shows here
    skipped                   (files, 2) text: name, reason
    attributes                settings of the representation, corpus name, grouped_by, format, and the hash of all
                              but log_mel
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from mer import MerError, files, hdf5_read, hdf5_write
from mer.data import store_check
from mer.data.patches import Patches
from mer.tasks import QUADRANTS

FORMAT = store_check.FORMAT
_REMEDY = "run generate_dataset.py for this corpus again"


def write(path, *, clips, rows, skipped, of, attributes):
    """Write a store to a temporary name and rename it.

    Parameters
    ----------
    path : pathlib.Path
    clips : list of dict
        One per clip, with the keys of the layout above and `n_rows`; `content` is made of the rows where it is
        missing.
    rows : iterable of np.ndarray, shape (n_rows, width), float32
        The rows of the clips, in their order; read one clip at a time.
    skipped : list of (str, str)
        Name and reason of each file that is not in the store.
    of : mer.features.representations.Representation
    attributes : dict
        Further attributes of the file (text).

    Returns
    -------
    Store
        As `read` opens it. Nothing is read back: its rows count as whole.
    """
    offsets = np.concatenate([[0], np.cumsum([clip["n_rows"] for clip in clips])]).astype(np.int64)
    shape, table = (int(offsets[-1]), of.width), []
    with hdf5_write.making(path) as (file, check):
        file.attrs.update({"format": FORMAT, **of.settings, **attributes})
        file["offsets"] = offsets
        data = file.create_dataset(of.name, shape, np.float32)
        for clip, start, part in zip(clips, offsets, rows, strict=False):
            if not np.isfinite(part).all():
                raise MerError(f"the features of {clip['clip']} are not all finite numbers: leave the file out of the "
                               "corpus, or make it again")
            data[start:start + len(part)] = part
            check()
            table.append({"content": clip.get("content") or store_check.content_hash(part), **clip})
        text = h5py.string_dtype()
        for name in store_check.TEXT:
            file.create_dataset(name, data=[clip.get(name, "") for clip in table], dtype=text)
        for name, kind in store_check.NUMBERS:
            file[name] = np.array([clip[name] for clip in table], kind)
        file.create_dataset("skipped", data=np.array(skipped, object).reshape(-1, 2), dtype=text)
        check()
        file.attrs["table_hash"] = store_check.table_hash(file)
        place, columns = data.id.get_offset(), store_check.columns(file)
        held = hdf5_read.attributes(file)
    store_check.mark_whole(path)
    mapped = np.memmap(path, np.float32, "r", place, shape)
    return Store(path, mapped, offsets, columns, [tuple(row) for row in skipped], held)


@dataclass(frozen=True)
class Store:
    """One opened store. `rows` is a read-only memory map, shape (rows, width)."""

    path: Path
    rows: np.ndarray
    offsets: np.ndarray
    columns: dict
    skipped: list
    attributes: dict

    @property
    def ids(self):
        return self.columns["clip"]

    @property
    def stem(self):
        """Stem of the split files, which the stores of all representations share: music_english."""
        return self.path.name.partition(".")[0]

    def clip(self, index):
        """View of one clip's rows, shape (n_rows, width)."""
        return self.rows[self.offsets[index]:self.offsets[index + 1]]

    def damaged(self):
        """Indices of the clips whose rows are not those that were written, see `store_check.damaged_clips`."""
        return store_check.damaged_clips(self)


def read(path, *, of=None, remedy=_REMEDY):
    """Open a store and check all of it but the rows, which `Store.damaged` checks.

    Parameters
    ----------
    path : pathlib.Path
    of : mer.features.representations.Representation or None
        What the rows have to be; others in the store are an error.
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
    held, wanted = table.attributes, of.settings if of else {}
    differ = [f"{name} {held.get(name)!r}, now {value!r}" for name, value in wanted.items() if held.get(name) != value]
    if differ:
        raise MerError(f"{path} was made with other feature settings ({'; '.join(differ)}): "
                       "set them back, or run generate_dataset.py again")
    if of and table.shape[1] != of.width:
        raise files.Damaged(f"{path} is damaged (its rows have {table.shape[1]} values, not {of.width}): {remedy}")
    rows = np.memmap(path, np.float32, "r", table.place, table.shape)
    return Store(path, rows, table.offsets, table.columns, table.skipped, table.attributes)


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
    labels : dict of str -> np.ndarray, shape (n,)
        By column: "quadrant", text, "" where a clip has none; "arousal" and "valence", float, NaN where it has none.
    """

    stores: tuple
    ids: np.ndarray
    source: np.ndarray
    index: np.ndarray
    group: np.ndarray
    split: np.ndarray
    labels: dict

    @classmethod
    def of_store(cls, store, split):
        """All clips of one store with their sides of the split."""
        n = len(store.ids)
        labels = {"quadrant": np.array(store.columns["label"], object),
                  **{name: np.array(store.columns[name], float) for name in ("arousal", "valence")}}
        return cls((store,), np.array(store.ids, object), np.zeros(n, int), np.arange(n),
                   np.array(store.columns["group"], object), np.array(split, object), labels)

    def __len__(self):
        return len(self.ids)

    def take(self, where):
        """The clips that a mask or an index array names."""
        names = ("ids", "source", "index", "group", "split")
        return ClipSet(self.stores, *(getattr(self, name)[where] for name in names),
                       labels={name: values[where] for name, values in self.labels.items()})

    def side(self, split):
        """The clips of "train", "val" or "test"."""
        return self.take(self.split == split)

    def __add__(self, other):
        """Clips of both, for training on several corpora; no frame is copied."""
        moved = other.source + len(self.stores)
        pairs = [(self.ids, other.ids), (self.source, moved), (self.index, other.index), (self.group, other.group),
                 (self.split, other.split)]
        labels = {name: np.concatenate([values, other.labels[name]]) for name, values in self.labels.items()}
        return ClipSet(self.stores + other.stores, *(np.concatenate(pair) for pair in pairs), labels=labels)

    @property
    def bounds(self):
        """First row of each clip in its store, and the row after its last one: shape (n,) each."""
        pairs = [self.stores[s].offsets[i:i + 2] for s, i in zip(self.source, self.index, strict=True)]
        return np.array(pairs, np.int64).reshape(-1, 2).T

    @property
    def seconds(self):
        """Duration of each clip in seconds, shape (n,)."""
        return np.array([self.stores[s].columns["seconds"][i] for s, i in zip(self.source, self.index, strict=True)])

    @property
    def contents(self):
        """Hash of each clip's frames; equal for the same audio under two names."""
        return [self.stores[s].columns["content"][i] for s, i in zip(self.source, self.index, strict=True)]

    def fingerprint(self, *, sides=True, columns=()):
        """Hash of what training depends on: clips, files, quadrants, feature settings.

        Parameters
        ----------
        sides : bool
            The splits of the clips too.
        columns : sequence of str
            Labels that count beside the quadrants.
        """
        digest = hashlib.sha256()
        for store in self.stores:
            facts = sorted((k, v) for k, v in store.attributes.items() if k not in ("format", "table_hash"))
            digest.update(repr(facts).encode())
        for row, (s, i) in enumerate(zip(self.source, self.index, strict=True)):
            held, quadrant = self.stores[s].columns, self.labels["quadrant"][row]
            audio_file = held["file_edges"][i] or held["content"][i]  # imported features have no audio
            facts = (held["clip"][i], audio_file, *([self.split[row]] if sides else []),
                     QUADRANTS.index(quadrant) if quadrant else -1)
            more = [str(self.labels[name][row]) for name in columns]
            digest.update(repr((*facts, *more)).encode())
        return digest.hexdigest()[:16]

    def patches(self, reads, hop_rows):
        """The patches of all clips, see `Patches`."""
        return Patches(self, reads, hop_rows)
