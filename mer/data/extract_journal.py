"""What worker processes have extracted so far: frames in shards, and a journal that says where each clip's are.

A line of a journal is the hash of a note, a space and the note as JSON, which holds the hash of the clip's frames.
What does not match its hash does not count, whatever a kill, a power cut or a bad disk has made of it: that clip is
extracted again.
"""

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
_SHARDS: dict = {}         # folder -> open shard, once per worker process


@dataclass(frozen=True)
class Done:
    """One clip that needs no more work: where its frames are, or why there are none."""

    frames: object  # callable () -> np.ndarray (frames, bands), or None
    n_frames: int
    seconds: float
    reason: str


class _Shard:
    """The frames and the journal that one process writes, both unbuffered."""

    def __init__(self, folder):
        stem = Path(folder) / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.data = open(f"{stem}.f32", "ab", buffering=0)
        self.journal = open(f"{stem}.jsonl", "ab", buffering=0)
        self.synced = time.monotonic()

    def is_there(self):
        return os.path.exists(self.data.name) and os.path.exists(self.journal.name)

    def append(self, note, frames):
        if frames is not None:
            note = {**note, "byte": os.fstat(self.data.fileno()).st_size, "n_frames": len(frames),
                    "content": store_check.content_hash(frames)}
            files.write_whole(self.data, np.ascontiguousarray(frames, np.float32), self.data.name)
        text = json.dumps(note)
        files.write_whole(self.journal, f"{_hash(text)} {text}\n".encode(), self.journal.name)
        if time.monotonic() - self.synced > _SYNC_SECONDS:
            os.fsync(self.data.fileno())
            os.fsync(self.journal.fileno())
            self.synced = time.monotonic()


def append(folder, note, frames) -> None:
    """Note one clip as done, its frames first.

    Parameters
    ----------
    folder : str
        Where this process' shard is, or will be: workers outlive a store, whose parts are removed when it is assembled.
    note : dict
        clip, stamp, and seconds or reason.
    frames : np.ndarray, shape (frames, bands), float32, or None
        None where there is a reason.
    """
    if folder not in _SHARDS or not _SHARDS[folder].is_there():
        _SHARDS[folder] = _Shard(folder)
    _SHARDS[folder].append(note, frames)


def read(folder, stamps, *, bands, known) -> dict:
    """Clips that earlier runs or this one have finished.

    Parameters
    ----------
    folder : pathlib.Path
    stamps : dict
        Clip to the stamp of its file now: what was extracted of another file does not count.
    bands : int
    known : dict
        Clips that need not be looked up, because they are whole elsewhere.

    Returns
    -------
    dict of str to Done
        Their frames were compared with their hash.
    """
    done = {}
    for journal in sorted(folder.glob("*.jsonl")):
        for line in journal.read_bytes().split(b"\n"):
            note = _note(line)
            if note and note["clip"] not in known and stamps.get(note["clip"]) == tuple(note["stamp"]):
                found = _done(note, journal.with_suffix(".f32"), bands)
                if found:
                    done[note["clip"]] = found
    return done


def _hash(text):
    digest = store_check.hasher()
    digest.update(text.encode())
    return digest.hexdigest()


def _note(line):
    """The note of a line, or None where it is not as it was written."""
    try:
        hashed, _, text = line.decode("ascii").partition(" ")
        return json.loads(text) if hashed == _hash(text) else None
    except ValueError:
        return None


def _done(note, shard, bands):
    if "reason" in note:
        return Done(None, 0, 0.0, note["reason"])
    shape = note["n_frames"], bands

    def frames():
        with open(shard, "rb") as file:
            file.seek(note["byte"])
            content = file.read(4 * shape[0] * shape[1])
        return np.frombuffer(content, np.float32).reshape(shape)

    try:
        if store_check.content_hash(frames()) != note["content"]:
            return None
    except (OSError, ValueError):  # the shard is missing or shorter
        return None
    return Done(frames, note["n_frames"], note["seconds"], "")
