"""What a store of features must be, checked when it is opened: a damaged one is never trained on.

The table (all but the frames) carries one hash, which `read_table` checks at once. Each clip's frames carry one of
their own, which `damaged_clips` checks once a process: 16 bytes of BLAKE2b (RFC 7693).
"""

import functools
import hashlib
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from mer import hdf5_read
from mer.features.representations import DEFAULT, NAME
from mer.files import Damaged
from mer.tasks import QUADRANTS

FORMAT = 3
TEXT = ("clip", "group", "label", "content", "file_edges")
NUMBERS = (("arousal", np.float64), ("valence", np.float64), ("seconds", np.float64),
           ("file_bytes", np.int64), ("file_mtime_ns", np.int64))
hasher = functools.partial(hashlib.blake2b, digest_size=16)  # `hexdigest` gives 32 digits
_WHOLE: set = set()  # stamps of the stores whose frames this process has found whole


@dataclass(frozen=True)
class Table:
    """A store without its frames: those are float32 of `shape` (frames, bands) from byte `place` on."""

    attributes: dict
    columns: dict
    skipped: list
    offsets: np.ndarray
    place: int
    shape: tuple


def content_hash(rows) -> str:
    """Hash of one clip's rows, 32 hexadecimal digits."""
    return hasher(np.ascontiguousarray(rows, np.float32).data).hexdigest()


def table_hash(file) -> str:
    """Hash of all that a store holds but the frames.

    Parameters
    ----------
    file : h5py.File
        Open for reading or writing; the attribute "table_hash" itself does not count.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    attributes = {name: value for name, value in hdf5_read.attributes(file).items() if name != "table_hash"}
    digest = hasher()
    digest.update(json.dumps(attributes, sort_keys=True).encode())
    for name in (*TEXT, "skipped"):
        # by asstr, for hdf5_read.texts asks the file on disk for its size, and this one may still be in the making
        digest.update(json.dumps([name, file[name].asstr()[:].tolist() if file[name].size else []]).encode())
    for name in ("offsets", *(name for name, _ in NUMBERS)):
        digest.update(name.encode() + np.ascontiguousarray(file[name][:]).tobytes())
    return digest.hexdigest()


def columns(file, texts=lambda data: data.asstr()[:]) -> dict:
    """The columns of a store's table: lists of text, arrays of numbers; `texts` reads text."""
    held = {name: texts(file[name]).tolist() for name in TEXT}
    return held | {name: file[name][:] for name, _ in NUMBERS}


def read_table(path, *, remedy: str) -> Table:
    """Open a store, check its layout and the hash of its table, and find its frames.

    Parameters
    ----------
    path : pathlib.Path
    remedy : str
        What to do where it is not whole: the end of the error sentence.

    Raises
    ------
    FileNotFoundError
        It is not there.
    files.Damaged, hdf5_read.Refused
        No HDF5 file, no store, of an earlier version, damaged, or not plain.
    """
    with hdf5_read.opened(path, remedy=remedy) as file:
        attributes = hdf5_read.attributes(file)
        held = attributes.get(NAME, DEFAULT)
        missing = {held, "offsets", "skipped", "clip"} - set(file)
        if missing or "format" not in attributes:
            raise Damaged(f"{path} is no store of features: {remedy}")
        if attributes["format"] != FORMAT:
            raise Damaged(f"{path} was made by another version of this program (format {attributes['format']}, this "
                          f"one reads {FORMAT}): {remedy}")
        skipped = [tuple(row) for row in hdf5_read.texts(file["skipped"]).tolist()]
        data = file[held]
        table = Table(attributes, columns(file, hdf5_read.texts), skipped, file["offsets"][:], data.id.get_offset(),
                      data.shape)
        wrong = _wrong_layout(table, data.dtype, path.stat().st_size)
        if not wrong and attributes.get("table_hash") != table_hash(file):
            wrong = "its table is not the one that was written"
    if wrong:
        raise Damaged(f"{path} is damaged ({wrong}): {remedy}")
    return table


def _wrong_layout(table, kind, n_bytes):
    """What is wrong with the shapes and types of a store, in words; "" where nothing is."""
    n, offsets, columns = len(table.columns["clip"]), table.offsets, table.columns
    if kind != np.float32 or len(table.shape) != 2:
        return f"its rows are {kind} of shape {table.shape}, not float32 (rows, width)"
    if table.place is None or table.place + 4 * math.prod(table.shape) > n_bytes:
        return "its rows are not in one piece within the file"
    if offsets.dtype != np.int64 or offsets.shape != (n + 1,):
        return f"offsets are {offsets.dtype} of shape {offsets.shape}, not int64 ({n + 1},)"
    if offsets[0] != 0 or offsets[-1] != table.shape[0] or (np.diff(offsets) <= 0).any():
        return f"offsets do not cut {table.shape[0]} rows into {n} clips"
    if any(len(values) != n or (name in dict(NUMBERS) and (values.ndim != 1 or values.dtype != dict(NUMBERS)[name]))
           for name, values in columns.items()):
        return "a column has another length or type than the clips want"
    if not n or len(set(columns["clip"])) < n or not set(columns["label"]) <= {"", *QUADRANTS}:
        return "clips without a name of their own, or unknown labels"
    return "" if all(len(row) == 2 for row in table.skipped) else "the list of files left out is no list of pairs"


def damaged_clips(store) -> list[int]:
    """Indices of the clips whose frames are not those that were written, or are no finite numbers.

    Every frame is read once, on all cores; a store that is whole is not read again by this process.

    Parameters
    ----------
    store : store.Store
    """
    stamp = _stamp(store.path)
    if stamp in _WHOLE:
        return []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        whole = list(pool.map(lambda index: _is_whole(store, index), range(len(store.ids))))
    bad = [index for index, good in enumerate(whole) if not good]
    if not bad:
        _WHOLE.add(stamp)
    return bad


def mark_whole(path) -> None:
    """Note that this process has written a store itself."""
    _WHOLE.add(_stamp(path))


def _stamp(path):
    status = os.stat(path)
    return os.path.abspath(path), status.st_ino, status.st_size, status.st_mtime_ns


def _is_whole(store, index):
    frames = store.clip(index)
    return content_hash(frames) == store.columns["content"][index] and bool(np.isfinite(frames).all())
