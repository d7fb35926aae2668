"""Unpack a .tar.gz that nobody vouches for: plain files and folders, all of them inside one folder.

`tarfile` has a filter for this from Python 3.11.4 on; the checks are our own, because older ones run this too.
"""

import gzip
import shutil
import tarfile
import zlib
from pathlib import PurePosixPath

from mer import MerError

MAX_MEMBERS = 2_000_000
_KINDS = ((tarfile.TarInfo.issym, "a symbolic link"), (tarfile.TarInfo.islnk, "a hard link"),
          (tarfile.TarInfo.isdev, "a device or a pipe"), (tarfile.TarInfo.issparse, "a sparse file"))


def tar_gz(path, folder, *, max_bytes, advance=None):
    """Unpack into a new folder; owners, modes and times in the archive are not taken over.

    Parameters
    ----------
    path : pathlib.Path
        The archive.
    folder : pathlib.Path
        Must not exist, so that nothing in it can lead elsewhere. Removed again where the archive is refused.
    max_bytes : int
        More than this is refused.
    advance : callable or None
        Called with the number of compressed bytes that were read since the last call.

    Raises
    ------
    MerError
        The archive is damaged or too large, or holds a link, a device, or a name that leads out of `folder`.
    """
    folder.mkdir(parents=True)
    try:
        with open(path, "rb") as packed, gzip.open(packed) as stream:
            _members(path, stream, folder, max_bytes, _advancing(packed, advance))
            while stream.read(1 << 20):
                pass  # the checksum of gzip stands at the end
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise MerError(f"{path} is truncated or damaged ({str(error).rstrip('.')}): remove it and download it "
                       "again") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _advancing(packed, advance):
    """Function that reports how much more of `packed` was read."""
    seen = 0

    def report():
        nonlocal seen
        if advance:
            advance(packed.tell() - seen)
            seen = packed.tell()

    return report


def _members(path, stream, folder, max_bytes, report):
    total = count = 0
    with tarfile.open(fileobj=stream, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # else every header stays in memory
            count, total = count + 1, total + member.size
            if total > max_bytes or count > MAX_MEMBERS:
                raise MerError(f"{path} holds more than the {max_bytes} bytes or {MAX_MEMBERS} members that were "
                               f"expected (at {member.name!r}), so it is not unpacked: check where it came from")
            _write(tar, member, folder.joinpath(*_parts(path, member)), path)
            report()


def _parts(path, member):
    """The name of a member as a list of folder names and a file name; refused where it is not plain."""
    kind = next((text for is_kind, text in _KINDS if is_kind(member)), None)
    if not kind and not (member.isreg() or member.isdir()):
        kind = "of an unknown kind"
    name = PurePosixPath(member.name)
    if name.is_absolute():
        kind = kind or "an absolute path"
    elif ".." in name.parts:
        kind = kind or "a path that leads upwards"
    elif any(char in '\\:' or not char.isprintable() for char in member.name):
        kind = kind or "a name with a backslash, a colon or a character that cannot be printed"
    if kind or (member.isreg() and not name.parts):
        raise MerError(f"{path} holds {member.name!r}, which is {kind or 'a file without a name'}: only plain files "
                       "and folders are unpacked, so nothing was put in place; check where the archive came from")
    return name.parts


def _write(tar, member, target, path):
    """Create a folder or a file; of two files with one name the later counts, as for tar itself."""
    try:
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tar.extractfile(member) as source, open(target, "wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise MerError(f"{path} holds {member.name!r} as a file and as a folder: nothing was put in place; check where "
                       "the archive came from") from None
