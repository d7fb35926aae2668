"""Audio files -> store of features, on all cores, resumable.

Every worker process appends finished clips to a shard of its own and notes each in a journal, data
first. A run that is killed loses the clip that each worker had in hand; the next run reads the
journals and goes on. The store is assembled at the end in the order of the corpus, so it does not
depend on interruptions or on the number of processes. What this run has written is not read again
but for the copy from the shards to the store.
"""

import os
import shutil
import sys
from stat import S_ISREG

import joblib
import numpy as np

from mer import MerError, files, progress, text
from mer.data import extract_journal, store, store_check
from mer.data.extract_journal import Done
from mer.features import waveform
from mer.features.representations import LEAST_SECONDS

_EDGE_BYTES = 1 << 16
_THREADS = 8  # reading the ends of a file waits for the disk, not for the processor


def build(path, listing, *, of, attributes, jobs=0, force=False):
    """Bring the store at `path` up to date with the corpus.

    Parameters
    ----------
    path : pathlib.Path
        The store to make.
    listing : corpora.Listing
        Clips and files left out already.
    of : mer.features.representations.Representation
        What its rows are.
    attributes : dict
        Attributes of the store (text). Clips of the "kind" "noise" become noise before rows are made of them.
    jobs : int
        Processes; 0: as many as there are cores.
    force : bool
        Extract everything again.

    Returns
    -------
    store.Store, int
        The store, and how many clips had to be extracted.

    Raises
    ------
    MerError
        Where not a single clip could be used, or a package that makes the rows is not installed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    files.remove_leftovers(path)
    parts = path.with_suffix(".parts")
    if force:
        shutil.rmtree(parts, ignore_errors=True)
        path.unlink(missing_ok=True)
    work = joblib.Parallel(n_jobs=_THREADS, prefer="threads", batch_size=64)(
        joblib.delayed(_stamp)(clip.path) for clip in listing.clips)
    stamps = {clip.id: stamp for clip, stamp in zip(listing.clips, work, strict=True)}
    folder = parts / "-".join(str(value) for value in of.settings.values())
    old, done = _from_store(path, stamps, of)
    done |= extract_journal.read(folder, stamps, width=of.width, known=done)
    todo = [clip for clip in listing.clips if clip.id not in done]
    if todo:
        done |= _extract_all(todo, stamps, folder, of, jobs, is_noise=attributes["kind"] == "noise")
    clips = list(_rows(listing, stamps, done))
    skipped = sorted([*listing.skipped, *((clip.id, done[clip.id].reason) for clip in listing.clips
                                          if done[clip.id].reason)])
    if not clips:
        first = f"; the first: {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        raise MerError(f"none of the {len(skipped)} files of {attributes['name']} could be used{first}")
    if not _is_current(old, clips, skipped, attributes):
        old = store.write(path, clips=clips, rows=(done[clip["clip"]].rows() for clip in clips), skipped=skipped,
                          of=of, attributes=attributes)
    shutil.rmtree(parts, ignore_errors=True)
    return old, len(todo)


def _stamp(path):
    """Size in bytes, time of change in ns and a hash of the content; (-1, -1, "") for a file that cannot be read.

    Of a file of more than 192 KiB the hash covers 64 KiB at the beginning, in the middle and at the end: a few
    milliseconds, where decoding takes as much for each second of sound.
    """
    try:
        stat = os.stat(path)
        if not S_ISREG(stat.st_mode):
            return -1, -1, ""  # opening a pipe would wait for ever
        with open(path, "rb") as file:
            digest = store_check.hasher()
            places = (0, stat.st_size // 2, stat.st_size - _EDGE_BYTES)
            if stat.st_size <= len(places) * _EDGE_BYTES:
                digest.update(file.read(len(places) * _EDGE_BYTES))
            else:
                for place in places:
                    file.seek(place)
                    digest.update(file.read(_EDGE_BYTES))
    except OSError:
        return -1, -1, ""
    return stat.st_size, stat.st_mtime_ns, digest.hexdigest()


def _extract_all(todo, stamps, folder, of, jobs, *, is_noise):
    """Extract clips on all cores: clip to `Done`."""
    of.prepare()
    folder.mkdir(parents=True, exist_ok=True)
    work = joblib.Parallel(n_jobs=min(jobs or joblib.effective_n_jobs(-1), len(todo)), return_as="generator_unordered",
                           batch_size="auto")(
        joblib.delayed(_extract)(clip.id, str(clip.path), stamps[clip.id], str(folder), of, is_noise) for clip in todo)
    hours, remarks, done = 0.0, {}, {}
    with progress.bar(total=len(todo), unit="clip", desc=of.TITLE, smoothing=0.05) as bar:
        for clip_id, got, remark in work:
            done[clip_id] = got
            hours += got.seconds / 3600
            if remark:
                remarks.setdefault(remark, []).append(clip_id)
            bar.update()
            bar.set_postfix_str(f"{hours:.2f} h of audio, {hours * 3600 / max(bar.format_dict['elapsed'], 1e-3):.0f} x "
                                "real time", refresh=False)
    for remark, clips in sorted(remarks.items()):
        more = f" and {len(clips) - 3} more" if len(clips) > 3 else ""
        names = text.printable(", ".join(sorted(clips)[:3]))
        print(f"note: each of these files {remark}: {names}{more}", file=sys.stderr)
    return done


def _extract(clip_id, path, stamp, folder, of, is_noise):
    """Worker: one clip -> one journal line. Returns the clip, its `Done`, and a remark on its sound or ""."""
    note, remarks, rows = {"clip": clip_id, "stamp": stamp}, [], None
    try:
        sound = waveform.load(path, sample_rate_hz=of.sample_rate_hz, full_scale=of.full_scale,
                              on_remark=remarks.append)
        note["seconds"] = len(sound) / of.sample_rate_hz
        if note["seconds"] < LEAST_SECONDS:
            raise waveform.AudioError(f"{note['seconds']:.2f} s is shorter than one patch of {LEAST_SECONDS:g} s")
        if is_noise:
            from mer.features import noise  # scipy.signal takes half a second to start
            sound = noise.like(sound, clip_id)
        rows = of.rows(sound)
    except waveform.AudioError as error:
        note["reason"] = str(error)
    return clip_id, extract_journal.append(folder, note, rows), "".join(remarks)


def _from_store(path, stamps, of):
    """The store that is there already, or None, and its clips whose file and settings are unchanged and rows whole."""
    if not path.exists():
        return None, {}
    try:
        old = store.read(path, remedy="all its clips are extracted anew")
    except MerError as error:
        print(f"note: {error}", file=sys.stderr)
        return None, {}
    if any(old.attributes.get(name) != value for name, value in of.settings.items()):
        return None, {}
    damaged = set(old.damaged())
    if damaged:
        print(f"note: {path} is damaged in {len(damaged)} of {len(old.ids)} clips, which are extracted anew: "
              f"{', '.join(old.ids[index] for index in sorted(damaged)[:5])}{', ...' * (len(damaged) > 5)}",
              file=sys.stderr)
    done = {}
    for i, clip in enumerate(old.ids):
        stamp = *(int(old.columns[name][i]) for name in ("file_bytes", "file_mtime_ns")), old.columns["file_edges"][i]
        if stamps.get(clip) == stamp and i not in damaged:
            rows = old.clip(i)
            done[clip] = Done(lambda rows=rows: rows, len(rows), float(old.columns["seconds"][i]),
                              old.columns["content"][i], "")
    return None if damaged else old, done


def _rows(listing, stamps, done):
    for clip in listing.clips:
        got = done[clip.id]
        if not got.reason:
            yield {"clip": clip.id, "group": clip.group, "label": clip.quadrant or "",
                   "arousal": np.nan if clip.arousal is None else clip.arousal,
                   "valence": np.nan if clip.valence is None else clip.valence, "seconds": got.seconds,
                   "file_bytes": stamps[clip.id][0], "file_mtime_ns": stamps[clip.id][1],
                   "file_edges": stamps[clip.id][2], "content": got.content, "n_rows": got.n_rows}


def _is_current(old, clips, skipped, attributes):
    """Whether the store that is there already holds just these clips, files, labels and attributes."""
    if old is None:
        return False
    same = (np.array_equal(np.asarray(old.columns[name]), np.asarray([clip[name] for clip in clips]),
                           equal_nan=name in ("arousal", "valence"))
            for name in ("clip", "group", "label", "arousal", "valence", "file_bytes", "file_mtime_ns", "file_edges"))
    return (all(same) and old.skipped == skipped
            and all(old.attributes.get(name) == value for name, value in attributes.items()))
