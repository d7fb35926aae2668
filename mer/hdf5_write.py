"""HDF5 files written so that a full disk is an error like any other.

The HDF5 library cannot close a file that it failed to write: it prints dozens of errors and ends the process with a
segmentation fault. So it never learns of a failure here: it writes to a Python file object that keeps the first error
for itself, and the error is raised once the library has let go of the file.
"""

import contextlib
import io
from collections.abc import Iterator

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


class Made:
    """An HDF5 file in the making: `file` is h5py's, `check` raises what went wrong until now."""

    def __init__(self, file, patient):
        self.file, self._patient = file, patient

    def check(self) -> None:
        """Raise the first error of writing, so that no more work is done in vain."""
        if self._patient.error:
            raise self._patient.error


@contextlib.contextmanager
def making(path) -> Iterator[Made]:
    """Write an HDF5 file whole, or leave `path` as it was.

    Parameters
    ----------
    path : pathlib.Path

    Yields
    ------
    Made
        Call `check` after each large piece.

    Raises
    ------
    OSError
        It could not be written: a full disk, a quota. It names `path`.
    """
    with files.writing(path) as temporary, contextlib.closing(_Patient(temporary, path)) as patient:
        with h5py.File(patient, "w") as file:
            made = Made(file, patient)
            yield made
        made.check()
