"""What worker processes have extracted so far: frames in shards, and a journal that says where each clip's are.

A line of a journal is the hash of a note, a space and the note as JSON, which holds the hash of the clip's frames.
What does not match its hash does not count, whatever a kill, a power cut or a bad disk has made of it: that clip is
extracted again.
"""

import contextlib
import functools
import json
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import files
from mer.data import store_check

_SYNC_SECONDS = 2.0  # so much work a power cut may undo
_SHARDS: dict = {}   # folder -> the open files of this process: rows and journal, unbuffered
_SYNCED: dict = {}   # folder -> when they were last on the disk for sure


@dataclass(frozen=True)
class Done:
    """One clip that needs no more work: where its rows are, or why there are none."""

    rows: object  # callable () -> np.ndarray (n_rows, width), or None
    n_rows: int
    seconds: float
    content: str  # hash of the rows
    reason: str


def append(folder, note, rows) -> Done:
    """Note one clip as done, its rows first.

    Parameters
    ----------
    folder : str
        Where this process' shard is, or will be: workers outlive a store, whose parts are removed when it is assembled.
    note : dict
        clip, stamp, and seconds or reason.
    rows : np.ndarray, shape (n_rows, width), float32, or None
        None where there is a reason.
    """
    if folder not in _SHARDS or not all(os.path.exists(file.name) for file in _SHARDS[folder]):
        stem = Path(folder) / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        _SHARDS[folder] = [open(f"{stem}.{suffix}", "ab", buffering=0) for suffix in ("f32", "jsonl")]
        _SYNCED[folder] = time.monotonic()
    data, journal = _SHARDS[folder]
    if rows is not None:
        note = {**note, "byte": os.fstat(data.fileno()).st_size, "n_frames": len(rows),
                "content": store_check.content_hash(rows)}
        files.write_whole(data, np.ascontiguousarray(rows, np.float32).data, data.name)
    text = json.dumps(note)
    files.write_whole(journal, f"{_hash(text)} {text}\n".encode(), journal.name)
    if time.monotonic() - _SYNCED[folder] > _SYNC_SECONDS:
        os.fsync(data.fileno())
        os.fsync(journal.fileno())
        _SYNCED[folder] = time.monotonic()
    return _done(note, data.name, 0 if rows is None else rows.shape[1])


def read(folder, stamps, *, width, known) -> dict:
    """Clips that earlier runs have finished.

    Parameters
    ----------
    folder : pathlib.Path
    stamps : dict
        Clip to the stamp of its file now: what was extracted of another file does not count.
    width : int
    known : dict
        Clips that need not be looked up, because they are whole elsewhere.

    Returns
    -------
    dict of str to Done
        Their rows were compared with their hash.
    """
    done = {}
    for journal in sorted(folder.glob("*.jsonl")):
        for line in journal.read_bytes().split(b"\n"):
            note = _note(line)
            if note and note["clip"] not in known and stamps.get(note["clip"]) == tuple(note["stamp"]):
                found = _done(note, str(journal.with_suffix(".f32")), width)
                with contextlib.suppress(OSError, files.Damaged):  # the shard is missing or shorter
                    if found.reason or store_check.content_hash(found.rows()) == found.content:
                        done[note["clip"]] = found
    return done


def _hash(text):
    return store_check.hasher(text.encode()).hexdigest()


def _note(line):
    """The note of a line, or None where it is not as it was written."""
    try:
        hashed, _, text = line.decode("ascii").partition(" ")
        return json.loads(text) if hashed == _hash(text) else None
    except ValueError:
        return None


def _done(note, shard, width):
    if "reason" in note:
        return Done(None, 0, note.get("seconds", 0.0), "", note["reason"])
    return Done(functools.partial(_rows, shard, note["byte"], note["n_frames"], width), note["n_frames"],
                note["seconds"], note["content"], "")


def _rows(shard, byte, n_rows, width):
    """Rows out of a shard, or Damaged."""
    with open(shard, "rb") as file:
        file.seek(byte)
        content = file.read(4 * n_rows * width)
    if len(content) != 4 * n_rows * width:
        raise files.Damaged(f"{shard} is shorter than it was written: check the disk, then run the same command again")
    return np.frombuffer(content, np.float32).reshape(n_rows, width)
