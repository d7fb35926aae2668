"""Files on disk: written whole or not at all, read with suspicion, and never by two processes at once.

Everything that the project writes passes through `writing`: it goes to a temporary name of its own in the same folder
and is renamed, so no reader ever sees half a file and two processes cannot write into each other's.
"""

import contextlib
import csv
import hashlib
import json
import os
import socket
import sys
import uuid
from datetime import datetime
from pathlib import Path

from mer import MerError, text

_TEMPORARY = ".part"  # the end of every temporary name: left behind only by a process that was killed


class Damaged(MerError):
    """A file is there and cannot be what it should be. It never means that the file is absent."""


@contextlib.contextmanager
def writing(path, *, suffix=""):
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not.

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
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}{_TEMPORARY}{suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_bytes(path, content):
    """Write bytes whole, or leave `path` as it was."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path, content):
    """Write UTF-8 text whole, or leave `path` as it was; line ends stay as they are."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path, content):
    """Write JSON whole: sorted keys, one space of indentation, no NaN."""
    write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_csv(path, header, rows):
    """Write a comma-separated table whole.

    Text that a spreadsheet would take for a formula gets an apostrophe in front (`mer.text.spreadsheet_safe`);
    whoever reads the file back gives each cell to `mer.text.spreadsheet_read`.

    Parameters
    ----------
    path : pathlib.Path
    header : sequence of str
    rows : iterable of sequence
    """
    with writing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(map(text.spreadsheet_safe, header))
        writer.writerows(map(text.spreadsheet_safe, row) for row in rows)


def read_json(path, *, schema=None, remedy):
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
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Damaged(f"{path} is damaged ({str(error).splitlines()[0]}): {remedy}") from None
    try:
        jsonschema.validate(content, schema or {"type": "object"})
    except jsonschema.ValidationError as error:
        where = "/".join(map(str, error.absolute_path)) or "its content"
        raise Damaged(f"{path} is damaged ({where}: {error.message[:120]}): {remedy}") from None
    return content


def sha256(path):
    """SHA-256 of a file's content, 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def lock(path, *, doing):
    """Hold `path` for this process; wait, and say who holds it, while another one does.

    Parameters
    ----------
    path : pathlib.Path
        What is locked; the lock itself is `.<name>.lock` beside it and stays there.
    doing : str
        What this process does with it, for the message that the waiting process prints.
    """
    import filelock
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = path.with_name(f".{path.name}.lock.json")
    mutex = filelock.FileLock(path.with_name(f".{path.name}.lock"))
    try:
        mutex.acquire(timeout=0)
    except filelock.Timeout:
        print(f"waiting for {path.name}: {_held_by(holder)}", file=sys.stderr, flush=True)
        mutex.acquire()
    try:
        write_json(holder, {"doing": doing, "pid": os.getpid(), "host": socket.gethostname(),
                            "since": datetime.now().astimezone().isoformat(timespec="seconds")})
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        mutex.release()


def _held_by(holder):
    """Who holds a lock, in words; a holder that has not written its name yet is another process."""
    try:
        note = read_json(holder, remedy="wait")
        return f"process {note['pid']} on {note['host']} is {note['doing']} since {note['since']}"
    except (OSError, KeyError, MerError):
        return "another process holds it"
