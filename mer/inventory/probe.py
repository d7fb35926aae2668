"""Decode every file of a corpus once and remember what came: length, hash of the sound, or why there is none.

A journal beside the features keeps one line per file, known by its size and time of change, so that an
interrupted check goes on where it was and a second one reads only what is new.
"""

import contextlib
import hashlib
import json
import os
import warnings
from dataclasses import asdict, dataclass

import joblib
import numpy as np

from mer import progress
from mer.features import decode, waveform

DAMAGED, SILENT = "damaged", "silent"
_VERSION = 3        # of the journal: another one is read again


@dataclass(frozen=True, slots=True)
class Probe:
    """What one file holds.

    Attributes
    ----------
    seconds : float
        0 where it cannot be decoded.
    digest : str
        BLAKE2 hash of rate, channels and samples, hexadecimal: equal for the same sound under another name, with
        other tags, or in another lossless format. "" where there is no sound.
    kind : str
        "", DAMAGED or SILENT.
    detail : str
        Why, in words that follow the name of the file; with the kind "", what is unusual about the sound, or "".
    """

    seconds: float = 0.0
    digest: str = ""
    kind: str = ""
    detail: str = ""


def probe(path):
    """Decode one file; returns a Probe.

    Parameters
    ----------
    path : str or Path
    """
    n_samples, levels, mono_peak, digest = 0, waveform.Levels(), 0.0, hashlib.blake2b(digest_size=16)
    try:
        for samples, rate_hz in decode.blocks(path):
            if not n_samples:
                digest.update(f"{rate_hz} {samples.shape[1]} ".encode())
            n_samples += len(samples)
            mono = waveform.mono(samples)
            levels.add(samples, mono)
            mono_peak = max(mono_peak, float(np.abs(mono).max()))
            if not np.isfinite(samples).all():
                return Probe(n_samples / rate_hz, kind=DAMAGED, detail="holds NaN or infinite samples")
            digest.update(memoryview(np.ascontiguousarray(samples)).cast("B"))
    except decode.AudioError as error:
        return Probe(kind=DAMAGED, detail=str(error).removeprefix(f"{path} "))
    seconds, channel = n_samples / rate_hz, levels.loudest_of_opposite
    if channel is None and mono_peak <= waveform.SILENT_PEAK:
        return Probe(seconds, kind=SILENT, detail=f"{seconds:.1f} s without a sound (its peak is {mono_peak:.2g})")
    return Probe(seconds, digest.hexdigest(), detail=waveform.remark_on(channel))


def probe_all(files, *, journal, jobs, force=False):
    """Decode many files, in parallel.

    Parameters
    ----------
    files : dict
        Name to path.
    journal : pathlib.Path
        Made where it is not there.
    jobs : int
        Processes; 0 is as many as there are cores.
    force : bool
        Forget the journal.

    Returns
    -------
    probes : dict
        Name to Probe, in the order of `files`.
    n_read : int
        How many were decoded now.
    """
    journal.parent.mkdir(parents=True, exist_ok=True)
    if force:
        journal.unlink(missing_ok=True)
    stamps = {name: _stamp(path) for name, path in files.items()}
    known = _remembered(journal, stamps)
    todo = [name for name in files if name not in known]
    jobs = min(jobs or joblib.cpu_count(), len(todo) // 8 + 1)  # a process takes a second to start
    work = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size="auto")(
        joblib.delayed(_named)(name, str(files[name])) for name in todo)
    seconds = 0.0
    with open(journal, "a", encoding="utf-8") as notes, progress.bar(total=len(todo), unit="file", desc="decoding",
                                                                     smoothing=0.05) as bar, _quiet_end(work):
        for name, found in work:
            known[name] = found
            notes.write(json.dumps({"v": _VERSION, "file": name, "stamp": stamps[name], **asdict(found)}) + "\n")
            notes.flush()
            seconds += found.seconds
            bar.update()
            bar.set_postfix_str(f"{seconds / 3600:.2f} h of audio, "
                                f"{seconds / max(bar.format_dict['elapsed'], 1e-3):.0f} x real time", refresh=False)
    return {name: known[name] for name in files}, len(todo)


@contextlib.contextmanager
def _quiet_end(work):
    """Close a joblib generator without its warning that an interrupted run leaves tasks undone."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work.close()


def _named(name, path):
    return name, probe(path)


def _stamp(path):
    """[size in bytes, time of change in ns]; [-1, -1] for a file that is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]


def _remembered(journal, stamps):
    """Probes of files that have not changed since; a half-written last line does not count."""
    known = {}
    try:
        text = journal.read_text(encoding="utf-8")
    except FileNotFoundError:
        return known
    if text and not text.endswith("\n"):
        with open(journal, "a", encoding="utf-8") as notes:
            notes.write("\n")
    for line in text.splitlines():
        try:
            note = json.loads(line)
        except json.JSONDecodeError:
            continue
        if note.pop("v", None) == _VERSION:
            name, stamp = note.pop("file"), note.pop("stamp")
            if stamps.get(name) == stamp:
                known[name] = Probe(**note)
    return known
