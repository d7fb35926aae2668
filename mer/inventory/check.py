"""`corpora.py --check`: read every file of a corpus and name what is wrong with it.

Kinds of findings: missing, no label, damaged (truncated or corrupt), silent, too short, duplicate, mislabelled,
left out (anything else that an adapter refuses), and note, which is no fault.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from mer import corpora
from mer.corpora import _annotations
from mer.features.chunks import LEAST_SECONDS
from mer.inventory import probe, survey
from mer.inventory.survey_text import number

MISSING, NO_LABEL, SHORT, DUPLICATE = "missing", "no label", "too short", "duplicate"
MISLABELLED, LEFT_OUT, NOTE = "mislabelled", "left out", "note"
KINDS = (MISSING, NO_LABEL, probe.DAMAGED, probe.SILENT, SHORT, DUPLICATE, MISLABELLED, LEFT_OUT, NOTE)

# What the adapters say of files and rows that they leave out (tests/inventory/test_survey.py holds them to it).
_REASONS = ((r"no such audio file|still packed", MISSING),
            (r"^no row in|stands in no class folder|name is not Q<1-4>", NO_LABEL),
            (r"the same name as|used once$", DUPLICATE),
            (r"different (labels|languages)|but its folder or name says|disagrees with|is not one of Q1|"
             r"is not a number|outside of its scale|may mean", MISLABELLED),
            (r"lies on an axis|in another language than", NOTE))
# A corpus whose clips are all cut to one length (30 s, say) has no clip of half of it by intention.
_SAME_LENGTH, _FAR_SHORTER = 0.05, 0.75


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong: in which corpus, which kind of KINDS, which file, what."""

    corpus: str
    kind: str
    file: str
    detail: str


@dataclass(frozen=True)
class Checked:
    """A corpus that was read: its place, findings (sorted by kind and file), how many files, hours, read now."""

    place: survey.Place
    findings: list
    n_files: int = 0
    hours: float = 0.0
    n_read: int = 0


def check(place, cfg, *, jobs=0, force=False, heard=None):
    """Read one corpus.

    Parameters
    ----------
    place : survey.Place
        One that was found (its root is not None).
    cfg : Config
    jobs : int
        Processes; 0 is as many as there are cores.
    force : bool
        Read again what an earlier check has read.
    heard : dict or None
        Digest to (name of the corpus, path) of music in other corpora; this corpus is added.

    Returns
    -------
    Checked
    """
    corpus = place.corpus
    if place.listing is None:
        return Checked(place, [Finding(corpus.NAME, LEFT_OUT, str(place.root), place.problem)])
    files = _audio_files(place)
    journal = cfg.features_dir / f"{corpus.KIND}_{corpus.LANGUAGE}.check.jsonl"
    probes, n_read = probe.probe_all(files, journal=journal, jobs=jobs, force=force)
    seconds = {name: found.seconds for name, found in probes.items()}
    told = [*_left_out(place.listing), *_sounds(probes), *_short(corpus, probes), *_doubles(place, probes),
            *_labels(place), *_counts(place, files, cfg)]
    if heard is not None and corpus.KIND == "music":
        told += _elsewhere(corpus, files, probes, heard)
    if hasattr(corpus, "audit"):
        told += corpus.audit(place.root, place.listing.clips, seconds)
    findings = sorted({Finding(corpus.NAME, *entry) for entry in told},
                      key=lambda found: (KINDS.index(found.kind), found.file, found.detail))
    return Checked(place, findings, len(files), sum(seconds.values()) / 3600, n_read)


def _audio_files(place):
    """Every audio file of a corpus, used or left out: name to path."""
    files = {clip.id: clip.path for clip in place.listing.clips}
    for name, _ in place.listing.skipped:
        path = place.root / name
        if name.lower().endswith(corpora.AUDIO_SUFFIXES) and path.is_file():
            files[name] = path
    return dict(sorted(files.items()))


def _left_out(listing):
    if listing.others:
        yield NOTE, "(all)", corpora.others_text(listing.others)
    for name, reason in listing.skipped:
        yield next((kind for pattern, kind in _REASONS if re.search(pattern, reason)), LEFT_OUT), name, reason


def _sounds(probes):
    return ((found.kind or NOTE, name, found.detail) for name, found in probes.items() if found.detail)


def _short(corpus, probes):
    """Clips below one patch, and those far shorter than the rest of a corpus whose clips are of one length."""
    lengths = {name: found.seconds for name, found in probes.items() if found.kind != probe.DAMAGED}
    median = float(np.median(list(lengths.values()))) if lengths else 0.0
    near = sum(abs(seconds - median) <= _SAME_LENGTH * median for seconds in lengths.values())
    is_cut = corpus.KIND == "music" and 2 * near >= len(lengths)
    for name, seconds in lengths.items():
        if seconds < LEAST_SECONDS:
            yield SHORT, name, f"{seconds:.2f} s, and one patch takes {LEAST_SECONDS:g} s"
        elif is_cut and seconds < _FAR_SHORTER * median:
            yield SHORT, name, f"{seconds:.1f} s, where the clips of this corpus have {median:.1f} s"


def _doubles(place, probes):
    """The same sound under two names; it matters most where label or group differ."""
    clips = {clip.id: clip for clip in place.listing.clips}
    same = defaultdict(list)
    for name, found in probes.items():
        if found.digest:
            same[found.digest].append(name)
    for first, *others in same.values():
        for name in others:
            yield DUPLICATE, name, f"the same audio as {first}{_difference(clips.get(first), clips.get(name), place)}"


def _difference(one, other, place):
    if not one or not other:
        return ""
    told = []
    if one.quadrant != other.quadrant:
        told.append(f"labelled {one.quadrant} there and {other.quadrant} here")
    if one.group != other.group and place.listing.grouped_by != "clip":
        told.append(f"{place.listing.grouped_by} {one.group} there and {other.group} here")
    return "".join(f", {text}" for text in told)


def _elsewhere(corpus, files, probes, heard):
    """Music that another corpus has as well, which spoils every test across corpora."""
    for name, found in probes.items():
        other, path = heard.setdefault(found.digest, (corpus.NAME, files[name])) if found.digest else (corpus.NAME, "")
        if other != corpus.NAME and path.resolve() != files[name].resolve():
            yield DUPLICATE, name, f"the same audio as {path.name} of {other}"


def _labels(place):
    """Clips whose folder or name tells another quadrant than the label that is used."""
    corpus = place.corpus
    for clip in place.listing.clips:
        folder = clip.quadrant and _annotations.folder_quadrant(
            clip.id, getattr(corpus, "CLASSES", _annotations.QUADRANT_FOLDERS))
        name = corpus.quadrant_of(clip.id) if hasattr(corpus, "quadrant_of") else None
        for told, where in ((folder, "folder"), (name, "name")):
            if clip.quadrant and told and told != clip.quadrant:
                yield MISLABELLED, clip.id, f"labelled {clip.quadrant}, but its {where} says {told}"


def _counts(place, files, cfg):
    """Clips beside what the owners of the corpus count; a part of a speech corpus is no fault."""
    corpus, there = place.corpus, len(files) - sum("the same name as" in why for _, why in place.listing.skipped)
    for name, part in survey.parts(corpus, place.listing.clips).items():
        if part["clips"] < part["expected_clips"]:
            yield NOTE, name, (f"{number(part['clips'])} of {number(part['expected_clips'])} utterances, "
                               f"{number(part['groups'])} of {number(part['expected_groups'])} speakers")
    expected = corpus.EXPECTED_CLIPS
    if expected and there not in (expected, *getattr(corpus, "EXPECTED_ALSO", ())):
        own = (place.root / corpora.OWN_CSV).is_file() or cfg.is_demo  # other music in the folder of this corpus
        kind = NOTE if own or there > expected else MISSING
        yield kind, "(all)", f"{number(there)} audio files, {number(expected)} expected"
    most = getattr(corpus, "EXPECTED_PER_CLASS", None)
    counts = Counter(clip.quadrant for clip in place.listing.clips)
    for name, count in counts.items() if there == expected else ():
        if most and count > most:
            yield MISLABELLED, "(all)", f"{count} clips are labelled {name}, {most} expected"
