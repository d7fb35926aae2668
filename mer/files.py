"""Files on disk: written whole or not at all, read with suspicion, and never by two processes at once.

Everything that the project writes passes through `writing`: it goes to a temporary name of its own in the same folder
and is renamed, so no reader ever sees half a file and two processes cannot write into each other's.
"""

import contextlib
import csv
import errno
import hashlib
import json
import os
import re
import socket
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from mer import MerError, text

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no room: the disk, the quota, the largest file
_TEMPORARY = ".part"  # in every temporary name: left behind only by a process that was killed
_UNIQUE = re.compile(rf"[0-9a-f]{{12}}\{_TEMPORARY}")
_LONGEST_NAME = 180   # bytes of a file name that go into the temporary one; most file systems take 255
_SAY_AGAIN_SECONDS = 600


class Damaged(MerError):
    """A file is there and cannot be what it should be. It never means that the file is absent."""


@contextlib.contextmanager
def writing(path: str | os.PathLike[str], *, suffix: str = "") -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

    The content reaches the disk before the name does, so a power cut leaves the old file or the new one.

    Parameters
    ----------
    path : pathlib.Path
        Its folder is made where it is missing.
    suffix : str
        End of the temporary name, for writers that look at it (".weights.h5", ".png").

    Yields
    ------
    pathlib.Path
        Unique to this call.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{_temporary_stem(path)}{uuid.uuid4().hex[:12]}{_TEMPORARY}{suffix}")
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        os.replace(temporary, path)
        _sync(path.parent, os.O_RDONLY)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _temporary_stem(path):
    """Beginning of the temporary names of `path`: no other file of the folder has the same."""
    name = path.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return f".{name}."


def _sync(path, how):
    """Wait until a file or folder is on the disk; a full disk is an error, a system without this call is none."""
    try:
        handle = os.open(path, how)
    except OSError:
        return  # Windows opens no folder
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in FULL:
            raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(handle)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove the temporary files that killed processes left when they wrote `path`; call it where `path` is locked."""
    path = Path(path)
    beginning = _temporary_stem(path)
    with contextlib.suppress(OSError):
        for entry in list(path.parent.iterdir()):
            if entry.name.startswith(beginning) and _UNIQUE.match(entry.name, len(beginning)):
                entry.unlink(missing_ok=True)


def write_whole(handle: IO[bytes], content: bytes | bytearray | memoryview, name: str | os.PathLike[str]) -> None:
    """Write all of `content` to an unbuffered file, or raise an error that names the file.

    Parameters
    ----------
    handle : file object
        Opened with ``buffering=0``: nothing stays in a buffer that closing would write once more.
    content : bytes-like
    name : path
        Of the file, for the error.
    """
    left = memoryview(content).cast("B")
    try:
        while left:
            left = left[handle.write(left):]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(name)) from None


def write_bytes(path: str | os.PathLike[str], content: bytes | bytearray | memoryview) -> None:
    """Write bytes whole, or leave `path` as it was."""
    with writing(path) as temporary, open(temporary, "wb", buffering=0) as file:
        write_whole(file, content, path)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write UTF-8 text whole, or leave `path` as it was; line ends stay as they are.

    Half a character (of a file name that is no UTF-8) is written as an escape.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], content: object) -> None:
    """Write JSON whole: sorted keys, one space of indentation, no NaN."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def rounded(value: object, digits: int) -> Any:
    """The same nested value with floats at so many digits after the point, so that machines agree on the bytes.

    Parameters
    ----------
    value : object
        Of dict, list, tuple and what JSON holds; a tuple becomes a list, and -0.0 becomes 0.0.
    digits : int
    """
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item, digits) for item in value]
    return round(value, digits) + 0.0 if isinstance(value, float) else value


def write_csv(path: str | os.PathLike[str], header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a comma-separated table whole.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (`mer.text.spreadsheet_safe`);
    whoever reads the file back gives each cell to `mer.text.spreadsheet_read`.

    Parameters
    ----------
    path : pathlib.Path
    header : sequence of str
    rows : iterable of sequence
    """
    with (writing(path) as temporary,
          open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file):
        writer = csv.writer(file)
        writer.writerow(map(text.spreadsheet_safe, header))
        writer.writerows(map(text.spreadsheet_safe, row) for row in rows)


def read_json(path: str | os.PathLike[str], *, schema: dict[str, Any] | None = None, remedy: str) -> dict[str, Any]:
    """Read JSON that may have been damaged, edited or made by somebody else.

    Parameters
    ----------
    path : pathlib.Path
    schema : dict or None
        JSON Schema that the content must satisfy; None: any object.
    remedy : str
        What to do where it does not: the end of the error sentence.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        It is not there.
    Damaged
        It is there and is no UTF-8, no JSON, no object, or does not satisfy the schema.
    """
    import jsonschema
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number)
        json.dumps(content, ensure_ascii=False).encode("utf-8")  # half a character would stop whoever writes it again
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Damaged(f"{path} is damaged ({_first_line(error)}): {remedy}") from None
    try:
        jsonschema.validate(content, schema or {"type": "object"})
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path)) or "its content"
        raise Damaged(f"{path} is damaged ({text.printable(where)}: {_first_line(error.message)}): {remedy}") from None
    return content


def _no_number(name):
    raise ValueError(f"{name} is no number of JSON")


def _first_line(reason):
    return text.printable(str(reason).partition("\n")[0][:120])


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key_of(*parts: object) -> str:
    """Hash of everything that a result depends on, each part JSON-able: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def lock(path: str | os.PathLike[str], *, doing: str) -> Iterator[None]:
    """Hold `path` for this process; wait, and say who holds it, while another one does.

    The operating system lets go of the lock when its process ends, however it ends.

    Parameters
    ----------
    path : pathlib.Path
        What is locked, by an empty file `.<name>.lock` beside it, which stays there.
    doing : str
        What this process does with it, for the message that the waiting process prints.

    Raises
    ------
    MerError
        The file system has no locks.
    OSError
        The folder cannot be written.
    """
    import filelock
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = path.with_name(f".{path.name}.lock.json")
    mutex = filelock.FileLock(path.with_name(f".{path.name}.lock"), fallback_to_soft=False)
    begin, said = time.monotonic(), False
    while not mutex.is_locked:
        try:
            mutex.acquire(timeout=_SAY_AGAIN_SECONDS if said else 0)
        except filelock.Timeout:
            waited = f" (waited {(time.monotonic() - begin) / 60:.0f} min so far)" if said else ""
            print(f"waiting for {path}{waited}: {_held_by(holder)}", file=sys.stderr, flush=True)
            said = True
        except (NotImplementedError, OSError) as error:
            if getattr(error, "errno", errno.ENOSYS) not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
            raise MerError(f"{path.parent} is on a file system without locks, so another process could write there at "
                           "the same time: set its path in settings.py to a folder on another disk") from None
    try:
        with contextlib.suppress(OSError):  # a full disk: the lock holds without its note
            remove_leftovers(holder)
            write_json(holder, {"doing": doing, "pid": os.getpid(), "host": socket.gethostname(),
                                "since": datetime.now().astimezone().isoformat(timespec="seconds")})
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        mutex.release()


_HOLDER = {"type": "object", "required": ["doing", "pid", "host", "since"],
           "properties": {"doing": {"type": "string"}, "host": {"type": "string"}, "since": {"type": "string"}}}


def _held_by(holder):
    """Who holds a lock, in words; a holder that has not written its name yet is another process."""
    try:
        note = read_json(holder, schema=_HOLDER, remedy="wait")
        return f"process {note['pid']} on {note['host']} is {note['doing']} since {note['since']}"
    except (OSError, MerError):
        return "another process holds it"
