"""HDF5 files of unknown origin: opened only where they are plain, and every fault is one sentence.

An HDF5 file can name other files (external links, external storage, virtual data sets, link and filter plugins),
declare petabytes in a few kilobytes, and hold itself. Files of this program, of Keras and of the published release do
none of that. So `opened` looks through the outline of a file first: links are inspected and never followed, and no
value is read before all of it is found plain.
"""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from mer import MerError, text
from mer.files import Damaged

MOST_ITEMS = 20_000  # groups and data sets; a weight file has some 250, the features of a corpus one a clip
_MOST_ATTRIBUTES, _MOST_DEPTH = 200, 32  # of one group or data set; groups within groups
_SPARE_BYTES, _UNPACKED = 2**26, 20      # data may be so much larger than the file: 64 MiB and 20 times
_LEAST_ROWS = 20                         # rows of text that are read at once
_LFS = b"version https://git-lfs"
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
_TYPES = {h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM}
_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "a link to another file"}
# What h5py raises for what it cannot read
_FAULTS = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError, SystemError)


class Refused(MerError):
    """A file is HDF5, and holds what no file that this program reads needs."""


@contextlib.contextmanager
def opened(path, *, remedy: str, most_items: int = MOST_ITEMS) -> Iterator[h5py.File]:
    """An HDF5 file, read-only, once its whole outline is found plain.

    Parameters
    ----------
    path : path
    remedy : str
        What to do where the file cannot be used: the end of each error sentence.
    most_items : int
        Groups and data sets that it may hold.

    Yields
    ------
    h5py.File
        It holds groups and data sets of numbers and text, in itself, under plain names; together they are at most
        64 MiB + 20 times as large as the file. Read text with `texts`, attributes with `attributes`.

    Raises
    ------
    FileNotFoundError, PermissionError
        It is not there, or may not be read.
    Damaged
        It is no HDF5 file, truncated or damaged; also where only reading inside the block finds that out.
    Refused
        It leads to other files, declares more than it can hold, or holds other things than numbers and text.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise Damaged(f"{path} is a folder or a device, not a file: {remedy}")
    with open(path, "rb") as file:
        start = file.read(len(_LFS))
    if start == _LFS:
        raise Damaged(f"{path} is a git-lfs pointer, not the file it stands for: run 'git lfs pull' where you cloned "
                      "it, or download the file itself")
    if not start or not h5py.is_hdf5(path):
        raise Damaged(f"{path} is {'no HDF5 file' if start else 'empty'}: {remedy}")
    try:
        with h5py.File(path, "r") as file:
            _Outline(path, remedy, most_items).check(file.id)
            yield file
    except MerError:
        raise
    except MemoryError:
        raise Damaged(f"{path} needs more memory than there is: {remedy}") from None
    except _FAULTS as error:
        raise Damaged(f"{path} is truncated or damaged ({reason(error)}): {remedy}") from None


def reason(error: BaseException) -> str:
    """First line of what a library said, short and harmless."""
    return text.printable(str(error).partition("\n")[0][:200]) or type(error).__name__


def texts(dataset: h5py.Dataset) -> np.ndarray:
    """All text of a data set, shape as stored, of str.

    It is read a few rows at a time: each cell only names its text, so a small file can name one long text often.

    Raises
    ------
    Refused
        It is more than the file can hold.
    """
    size = Path(dataset.file.filename).stat().st_size
    most, shape = _most_bytes(size), dataset.shape
    if not math.prod(shape):
        return np.empty(shape, object)
    if not shape:
        return np.array(dataset.asstr()[()], object)
    rows = max(_LEAST_ROWS // math.prod(shape[1:]), _SPARE_BYTES // size // math.prod(shape[1:]), 1)
    found, total = [], 0
    for first in range(0, shape[0], rows):
        found.append(dataset.asstr()[first:first + rows])
        total += sum(map(len, found[-1].flat))
        if total > most:
            raise Refused(f"{dataset.file.filename} names more text in {_name(dataset.name)} than it can hold "
                          f"({total} characters in a file of {size} bytes)")
    return np.concatenate(found)


def attributes(item: h5py.Group | h5py.Dataset) -> dict:
    """The attributes of a group or data set that are one number or one text each, as plain Python values."""
    found = {}
    for name in item.attrs:
        if item.attrs.get_id(name).get_space().get_simple_extent_type() == h5py.h5s.SCALAR:
            value = item.attrs[name]
            found[name] = value.item() if hasattr(value, "item") else value
    return found


def _most_bytes(file_bytes):
    return _SPARE_BYTES + _UNPACKED * file_bytes


def _name(name):
    name = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    return repr(name.rstrip("/")[:100] or "/")


class _Outline:
    """Walks through the groups of one file, by h5py's low-level calls, which follow nothing unless told to."""

    def __init__(self, path, remedy, most_items):
        self.path, self.remedy, self.most_items = path, remedy, most_items
        self.file_bytes = path.stat().st_size
        self.n_items, self.n_bytes, self.groups = 0, 0, set()

    def check(self, root):
        waiting = [(b"", root if isinstance(root, h5py.h5g.GroupID) else h5py.h5g.open(root, b"/"))]
        while waiting:
            prefix, group = waiting.pop()
            address = h5py.h5o.get_info(group).addr
            if address in self.groups:
                raise self._refused("groups that hold each other", prefix)
            self.groups.add(address)
            if prefix.count(b"/") > _MOST_DEPTH:
                raise self._refused(f"more than {_MOST_DEPTH} groups within each other", prefix[:50])
            self._check_attributes(prefix or b"/", group)
            for name in self._members(prefix, group):
                member = h5py.h5o.open(group, name)
                if isinstance(member, h5py.h5g.GroupID):
                    waiting.append((prefix + name + b"/", member))
                else:
                    self._check_data(prefix + name, member)

    def _members(self, prefix, group):
        self.n_items += group.get_num_objs()
        if self.n_items > self.most_items:
            raise self._refused(f"more than {self.most_items} groups and data sets", prefix or b"/")
        names = []
        group.links.iterate(lambda name, info: names.append((name, info.type)), info=True)
        for name, kind in names:
            try:
                name.decode("utf-8")
            except UnicodeDecodeError:
                raise self._refused("a name that is no UTF-8", prefix + name) from None
            if kind != h5py.h5l.TYPE_HARD:
                raise self._refused(_LINKS.get(kind, "a link that needs a plugin"), prefix + name)
        return [name for name, _ in names]

    def _check_data(self, name, data):
        if not isinstance(data, h5py.h5d.DatasetID):
            raise self._refused("a named type", name)
        made = data.get_create_plist()
        layout = made.get_layout()
        # before the shape is asked for: HDF5 opens the sources of a virtual data set to find it
        if layout == h5py.h5d.VIRTUAL or made.get_external_count():
            raise self._refused("data that lies in other files", name)
        if any(made.get_filter(i)[0] not in _FILTERS for i in range(made.get_nfilters())):
            raise self._refused("data packed by a plugin", name)
        shape = self._check_type(name, data)
        size = data.get_type().get_size()
        chunk = math.prod(made.get_chunk()) if layout == h5py.h5d.CHUNKED else 0
        self._count(name, max(math.prod(shape), chunk) * size)
        self._check_attributes(name, data)

    def _check_attributes(self, name, item):
        count = h5py.h5a.get_num_attrs(item)
        if count > _MOST_ATTRIBUTES:
            raise self._refused(f"more than {_MOST_ATTRIBUTES} attributes", name)
        for index in range(count):
            attribute = h5py.h5a.open(item, index=index)
            shape = self._check_type(name, attribute)
            self._count(name, math.prod(shape) * attribute.get_type().get_size())

    def _check_type(self, name, item):
        """Shape of a data set or an attribute, (0,) where it has none; refuses what is no numbers and no text."""
        if item.get_type().get_class() not in _TYPES:
            raise self._refused("something else than numbers and text", name)
        space = item.get_space()
        return (0,) if space.get_simple_extent_type() == h5py.h5s.NULL else space.get_simple_extent_dims()

    def _count(self, name, n_bytes):
        self.n_bytes += n_bytes
        if self.n_bytes > _most_bytes(self.file_bytes):
            raise self._refused(f"{self.n_bytes:.3g} bytes of data, in a file of {self.file_bytes},", name)

    def _refused(self, what, name):
        return Refused(f"{self.path} holds {what} at {_name(name)}, so it is not read: {self.remedy}")
