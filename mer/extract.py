"""Audio files -> log-mel store, on all cores, resumable.

Every worker process appends finished clips to a shard of its own and notes each in a journal, data
first. A run that is killed loses the clip that each worker had in hand; the next run reads the
journals and goes on. The store is assembled at the end in the order of the corpus, so it does not
depend on interruptions or on the number of processes.
"""

import json
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

from mer import MerError, audio, progress, store

_LOG_MELS = {}  # settings -> LogMel, and folder -> open shard, once per worker process
_SHARDS = {}


@dataclass(frozen=True)
class Done:
    """One clip that needs no more work: where its frames are, or why there are none."""

    frames: object  # callable () -> np.ndarray (frames, bands), or None
    n_frames: int
    seconds: float
    reason: str


def build(path, listing, *, cfg, attributes, force=False):
    """Bring the store at `path` up to date with the corpus.

    Parameters
    ----------
    path : pathlib.Path
        The store to make.
    listing : corpora.Listing
        Clips and files left out already.
    cfg : Config
    attributes : dict
        Attributes of the store (text).
    force : bool
        Extract everything again.

    Returns
    -------
    store.Store, int
        The store, and how many clips had to be extracted.

    Raises
    ------
    MerError
        Where not a single clip could be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = path.with_suffix(".parts")
    if force:
        shutil.rmtree(parts, ignore_errors=True)
        path.unlink(missing_ok=True)
    stamps = {clip.id: _stamp(clip.path) for clip in listing.clips}
    done = _from_store(path, stamps, cfg.feature_settings) | _from_shards(parts, stamps, cfg.feature_settings)
    todo = [clip for clip in listing.clips if clip.id not in done]
    if todo:
        _extract_all(todo, stamps, parts, cfg)
        done |= _from_shards(parts, stamps, cfg.feature_settings)
    if not _is_current(path, listing, stamps, done, attributes, cfg):
        _assemble(path, listing, stamps, done, cfg=cfg, attributes=attributes)
    shutil.rmtree(parts, ignore_errors=True)
    return store.read(path, settings=cfg.feature_settings), len(todo)


def _stamp(path):
    """Size in bytes and time of change in ns; (-1, -1) for a file that is not there."""
    try:
        stat = os.stat(path)
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def _extract_all(todo, stamps, parts, cfg):
    folder = parts / _settings_key(cfg.feature_settings)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = cfg.extract_jobs or joblib.cpu_count()
    work = joblib.Parallel(n_jobs=min(jobs, len(todo)), return_as="generator_unordered", batch_size="auto")(
        joblib.delayed(_extract)(clip.id, str(clip.path), stamps[clip.id], str(folder), cfg.feature_settings,
                                 cfg.patch_frames) for clip in todo)
    hours = 0.0
    with progress.bar(total=len(todo), unit="clip", desc="log-mel", smoothing=0.05) as bar:
        for seconds in work:
            hours += seconds / 3600
            bar.update()
            bar.set_postfix_str(f"{hours:.2f} h of audio, {hours * 3600 / max(bar.format_dict['elapsed'], 1e-3):.0f} x "
                                "real time", refresh=False)


def _extract(clip_id, path, stamp, folder, settings, patch_frames):
    """Worker: one clip -> one journal line. Returns the clip's duration in seconds."""
    note = {"clip": clip_id, "stamp": stamp}
    try:
        waveform = audio.load(path, sample_rate_hz=settings["sample_rate_hz"])
        note["seconds"] = len(waveform) / settings["sample_rate_hz"]
        frames = _log_mel(settings)(waveform)
        if len(frames) < patch_frames:
            raise audio.AudioError(f"{note['seconds']:.2f} s is shorter than one patch of {patch_frames} frames")
    except audio.AudioError as error:
        note["reason"], frames = str(error), None
    _append(folder, note, frames)
    return note.get("seconds", 0.0)


def _log_mel(settings):
    key = tuple(settings.values())
    if key not in _LOG_MELS:
        _LOG_MELS[key] = audio.LogMel(sample_rate_hz=settings["sample_rate_hz"], n_fft=settings["n_fft"],
                                      window_samples=settings["window_samples"],
                                      hop_samples=settings["hop_samples"], n_bands=settings["n_mel_bands"])
    return _LOG_MELS[key]


def _shard(folder):
    """This process' shard and journal; workers outlive a store, whose parts are removed when it is assembled."""
    if folder not in _SHARDS or not os.path.exists(_SHARDS[folder][1].name):
        stem = Path(folder) / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        _SHARDS[folder] = open(f"{stem}.f32", "ab"), open(f"{stem}.jsonl", "a", encoding="utf-8")
    return _SHARDS[folder]


def _append(folder, note, frames):
    data, journal = _shard(folder)
    if frames is not None:
        note.update(byte=data.tell(), n_frames=len(frames))
        data.write(memoryview(frames).cast("B"))
        data.flush()
    journal.write(json.dumps(note) + "\n")
    journal.flush()


def _settings_key(settings):
    return "-".join(str(value) for value in settings.values())


def _from_shards(parts, stamps, settings):
    """Clips that an earlier or this run has finished, by id; a half-written last line does not count."""
    done = {}
    for journal in sorted((parts / _settings_key(settings)).glob("*.jsonl")):
        shard = journal.with_suffix(".f32")
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                note = json.loads(line)
            except json.JSONDecodeError:
                continue
            if stamps.get(note["clip"]) == tuple(note["stamp"]):
                done[note["clip"]] = _from_note(note, shard, settings["n_mel_bands"])
    return done


def _from_note(note, shard, bands):
    if "reason" in note:
        return Done(None, 0, 0.0, note["reason"])
    shape = (note["n_frames"], bands)
    return Done(lambda: np.fromfile(shard, np.float32, shape[0] * shape[1], offset=note["byte"]).reshape(shape),
                note["n_frames"], note["seconds"], "")


def _from_store(path, stamps, settings):
    """Clips of the store that is there already, where file and feature settings are unchanged."""
    try:
        old = store.read(path, settings=settings)
    except MerError:
        return {}
    done = {}
    for i, clip in enumerate(old.ids):
        stamp = int(old.columns["file_bytes"][i]), int(old.columns["file_mtime_ns"][i])
        if stamps.get(clip) == stamp:
            frames = old.clip(i)
            done[clip] = Done(lambda frames=frames: frames, len(frames), float(old.columns["seconds"][i]), "")
    return done


def _rows(listing, stamps, done):
    for clip in listing.clips:
        got = done[clip.id]
        if not got.reason:
            yield {"clip": clip.id, "group": clip.group, "label": clip.quadrant or "",
                   "arousal": np.nan if clip.arousal is None else clip.arousal,
                   "valence": np.nan if clip.valence is None else clip.valence, "seconds": got.seconds,
                   "file_bytes": stamps[clip.id][0], "file_mtime_ns": stamps[clip.id][1], "n_frames": got.n_frames}


def _skipped(listing, done):
    failed = [(clip.id, done[clip.id].reason) for clip in listing.clips if done[clip.id].reason]
    return sorted([*listing.skipped, *failed])


def _is_current(path, listing, stamps, done, attributes, cfg):
    """Whether the store at `path` already holds just these clips, files, labels and attributes."""
    try:
        old = store.read(path, settings=cfg.feature_settings)
    except MerError:
        return False
    columns = ("clip", "group", "label", "arousal", "valence", "file_bytes", "file_mtime_ns")
    held = [tuple(map(_comparable, row)) for row in zip(*(list(old.columns[name]) for name in columns), strict=True)]
    wanted = [tuple(_comparable(row[name]) for name in columns) for row in _rows(listing, stamps, done)]
    return (held == wanted and old.skipped == _skipped(listing, done)
            and all(old.attributes.get(name) == value for name, value in attributes.items()))


def _comparable(value):
    """`value`, or None for NaN, which equals nothing."""
    return None if value != value else value


def _assemble(path, listing, stamps, done, *, cfg, attributes):
    rows = list(_rows(listing, stamps, done))
    skipped = _skipped(listing, done)
    if not rows:
        first = f"; the first: {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        raise MerError(f"none of the {len(skipped)} files of {attributes['name']} could be used{first}")
    frames = (done[row["clip"]].frames() for row in rows)
    store.write(path, rows=rows, log_mel=frames, skipped=skipped, settings=cfg.feature_settings,
                attributes=attributes)
