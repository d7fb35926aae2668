"""HDF5 files written so that a full disk is an error like any other.

The HDF5 library cannot close a file that it failed to write: it prints dozens of errors and ends the process with a
segmentation fault. So it never learns of a failure here: it writes to a Python file object that keeps the first error
for itself, and the error is raised once the library has let go of the file.
"""

import contextlib
import io
from collections.abc import Callable, Iterator

import h5py

from mer import files


class _Patient(io.RawIOBase):
    """A file that takes everything; what could not be written shows in `error`."""

    def __init__(self, path, shown):
        self.shown, self.error = shown, None
        self._file = open(path, "w+b", buffering=0)

    def write(self, content):
        if self.error is None:
            try:
                files.write_whole(self._file, content, self.shown)
            except OSError as error:
                self.error = error
        return memoryview(content).nbytes

    def truncate(self, size=None):
        if self.error is None:
            try:
                return self._file.truncate(size)
            except OSError as error:
                self.error = error
        return size

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def seek(self, *place):
        return self._file.seek(*place)

    def tell(self):
        return self._file.tell()

    def close(self):
        self._file.close()
        super().close()

    def check(self):
        if self.error:
            raise self.error


@contextlib.contextmanager
def making(path) -> Iterator[tuple[h5py.File, Callable[[], None]]]:
    """Write an HDF5 file whole, or leave `path` as it was.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    file : h5py.File
    check : callable
        Raises the first error of writing; called after each large piece, so that no more work is done in vain.

    Raises
    ------
    OSError
        It could not be written: a full disk, a quota. It names `path`.
    """
    with files.writing(path) as temporary, contextlib.closing(_Patient(temporary, path)) as patient:
        with h5py.File(patient, "w") as file:
            yield file, patient.check
        patient.check()
