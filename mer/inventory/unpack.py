"""Unpack a .tar.gz that nobody vouches for: plain files and folders, all of them inside one folder."""

import gzip
import shutil
import tarfile
import zlib
from pathlib import PurePosixPath

from mer import MerError

MAX_MEMBERS = 2_000_000


def tar_gz(path, folder, *, max_bytes, advance=lambda n_bytes: None):
    """Unpack into a new folder; owners, modes and times in the archive are not taken over.

    Parameters
    ----------
    path : pathlib.Path
        The archive.
    folder : pathlib.Path
        Must not exist, so that nothing in it can lead elsewhere. Removed again where the archive is refused.
    max_bytes : int
        More than this is refused.
    advance : callable
        Called with the number of compressed bytes that were read since the last call.

    Raises
    ------
    MerError
        The archive is damaged or too large, or holds a link, a device, or a name that leads out of `folder`.
    """
    if not hasattr(tarfile, "data_filter"):
        raise MerError(f"{path} cannot be unpacked safely by this Python: use 3.11.4 or later, or unpack it yourself")
    folder.mkdir(parents=True)
    member, seen = None, 0
    try:
        with open(path, "rb") as packed, gzip.open(packed) as stream:
            for member, tar in _members(path, stream, max_bytes):
                tar.extract(member, folder, set_attrs=False, filter="data")
                advance(packed.tell() - seen)
                seen = packed.tell()
            while stream.read(1 << 20):
                pass  # the checksum of gzip is at the end
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, (tarfile.FilterError, FileExistsError, NotADirectoryError, IsADirectoryError)):
            raise _refusal(path, member) from None
        if isinstance(error, (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)):
            raise MerError(f"{path} is truncated or damaged ({str(error).rstrip('.')}): remove it and download it "
                           "again") from None
        raise


def _members(path, stream, max_bytes):
    """The members with their archive; refused where the filter of `tarfile` would let them pass."""
    total = count = 0
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
            count, total = count + 1, total + member.size
            if total > max_bytes or count > MAX_MEMBERS:
                raise MerError(f"{path} holds more than the {max_bytes} bytes or {MAX_MEMBERS} members that were "
                               f"expected (at {member.name!r}), so it is not unpacked: check where it came from")
            if not (member.isfile() or member.isdir()) or PurePosixPath(member.name).is_absolute() or any(
                    char in "\\:" or not char.isprintable() for char in member.name):
                raise _refusal(path, member)
            yield member, tar


def _refusal(path, member):
    kind = "a link" if member.issym() or member.islnk() else "a device or the like" if not (
        member.isfile() or member.isdir()) else "outside of its folder, has an odd name, or is a file and a folder"
    return MerError(f"{path} holds {member.name!r}, which is {kind}: only plain files and folders are unpacked, so "
                    "nothing was put in place; check where the archive came from")
