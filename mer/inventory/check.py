"""`corpora.py --check`: read every file of a corpus and name what is wrong with it.

Kinds of findings: missing, no label, damaged (truncated or corrupt), silent, too short, duplicate, mislabelled,
left out (anything else that an adapter refuses), and note, which is no fault.
"""

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from mer import MerError, corpora, files
from mer.corpora import _annotations
from mer.features.representations import LEAST_SECONDS
from mer.inventory import probe, survey
from mer.inventory.survey_text import number

MISSING, NO_LABEL, SHORT, DUPLICATE = "missing", "no label", "too short", "duplicate"
MISLABELLED, LEFT_OUT, NOTE = "mislabelled", "left out", "note"
KINDS = (MISSING, NO_LABEL, probe.DAMAGED, probe.SILENT, SHORT, DUPLICATE, MISLABELLED, LEFT_OUT, NOTE)

SHOWN = 10  # findings of one kind on the screen; --out has all
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
    """A corpus that was read: its located, findings (sorted by kind and file), how many files, hours, read now."""

    located: survey.Located
    findings: list
    n_files: int = 0
    hours: float = 0.0
    n_read: int = 0


def check(located, cfg, *, jobs=0, force=False, heard=None):
    """Read one corpus.

    Parameters
    ----------
    located : survey.Located
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
    corpus = located.corpus
    if located.listing is None:
        return Checked(located, [Finding(corpus.NAME, LEFT_OUT, str(located.root), located.problem)])
    paths = _audio_files(located)
    journal = cfg.features_dir / f"{corpus.KIND}_{corpus.LANGUAGE}.check.jsonl"
    probes, n_read = probe.probe_all(paths, journal=journal, jobs=jobs, force=force)
    seconds = {name: found.seconds for name, found in probes.items()}
    entries = [*_left_out(located.listing), *_short(corpus, probes), *_doubles(located, probes), *_labels(located),
               *_counts(located, paths, cfg)]
    entries += [(found.kind or NOTE, name, found.detail) for name, found in probes.items() if found.detail]
    if heard is not None and corpus.KIND == "music":
        entries += _elsewhere(corpus, paths, probes, heard)
    if hasattr(corpus, "audit"):
        entries += corpus.audit(located.root, located.listing.clips, seconds)
    findings = sorted({Finding(corpus.NAME, *entry) for entry in entries},
                      key=lambda found: (KINDS.index(found.kind), found.file, found.detail))
    return Checked(located, findings, len(paths), sum(seconds.values()) / 3600, n_read)


def _audio_files(located):
    """Every audio file of a corpus, used or left out: name to path."""
    files = {clip.id: clip.path for clip in located.listing.clips}
    for name, _ in located.listing.skipped:
        path = located.root / name
        if name.lower().endswith(corpora.AUDIO_SUFFIXES) and path.is_file():
            files[name] = path
    return dict(sorted(files.items()))


def _left_out(listing):
    if listing.others:
        yield NOTE, "(all)", corpora.others_text(listing.others)
    for name, reason in listing.skipped:
        yield DUPLICATE if reason.kind == "same name" else reason.kind, name, str(reason)


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


def _doubles(located, probes):
    """The same sound under two names; it matters most where label or group differ."""
    clips = {clip.id: clip for clip in located.listing.clips}
    same = defaultdict(list)
    for name, found in probes.items():
        if found.digest:
            same[found.digest].append(name)
    for first, *others in same.values():
        for name in others:
            yield DUPLICATE, name, f"the same audio as {first}{_difference(clips.get(first), clips.get(name), located)}"


def _difference(one, other, located):
    if not one or not other:
        return ""
    label = f", labelled {one.quadrant} there and {other.quadrant} here" if one.quadrant != other.quadrant else ""
    if one.group == other.group or located.listing.grouped_by == "clip":
        return label
    return f"{label}, {located.listing.grouped_by} {one.group} there and {other.group} here"


def _elsewhere(corpus, files, probes, heard):
    """Music that another corpus has as well, which spoils every test across corpora."""
    for name, found in probes.items():
        other, path = heard.setdefault(found.digest, (corpus.NAME, files[name])) if found.digest else (corpus.NAME, "")
        if other != corpus.NAME and path.resolve() != files[name].resolve():
            yield DUPLICATE, name, f"the same audio as {path.name} of {other}"


def _labels(located):
    """Clips whose folder or name tells another quadrant than the label that is used."""
    corpus = located.corpus
    for clip in located.listing.clips:
        folder = clip.quadrant and _annotations.folder_quadrant(
            clip.id, corpus.CLASSES or _annotations.QUADRANT_FOLDERS)
        name = corpus.quadrant_of(clip.id) if hasattr(corpus, "quadrant_of") else None
        for said, where in ((folder, "folder"), (name, "name")):
            if clip.quadrant and said and said != clip.quadrant:
                yield MISLABELLED, clip.id, f"labelled {clip.quadrant}, but its {where} says {said}"


def _counts(located, files, cfg):
    """Clips beside what the owners of the corpus count; a part of a speech corpus is no fault."""
    corpus, there = located.corpus, len(files) - sum(why.kind == "same name" for _, why in located.listing.skipped)
    for name, part in survey.parts(corpus, located.listing.clips).items():
        if part["clips"] < part["expected_clips"]:
            yield NOTE, name, (f"{number(part['clips'])} of {number(part['expected_clips'])} utterances, "
                               f"{number(part['groups'])} of {number(part['expected_groups'])} speakers")
    expected = corpus.EXPECTED_CLIPS
    if expected and there not in (expected, *corpus.EXPECTED_ALSO):
        own = (located.root / corpora.OWN_CSV).is_file() or cfg.is_demo  # other music in the folder of this corpus
        kind = NOTE if own or there > expected else MISSING
        yield kind, "(all)", f"{number(there)} audio files, {number(expected)} expected"
    most = corpus.EXPECTED_PER_CLASS
    counts = Counter(clip.quadrant for clip in located.listing.clips)
    for name, count in counts.items() if there == expected else ():
        if most and count > most:
            yield MISLABELLED, "(all)", f"{count} clips are labelled {name}, {most} expected"


# ---- what is printed and written -------------------------------------------------------------------------------------


def run(chosen, cfg, *, jobs=None, out=None, as_json=False, force=False):
    """Check corpora and report.

    Parameters
    ----------
    chosen : sequence of module
        From `survey.chosen`; a single one must be there, of several those that are not are only named.
    cfg : Config
    jobs : int or None
        Processes; None: as settings.py says.
    out : str or None
        Csv for all findings.
    as_json : bool
        Print JSON instead of text.
    force : bool
        Read again what an earlier check has read.

    Returns
    -------
    int
        1 where anything is wrong or nothing was there to check, otherwise 0.

    Raises
    ------
    MerError
        The only corpus that was asked for is not there.
    """
    start, checked, absent, heard = time.monotonic(), [], [], {}
    for corpus in dict.fromkeys(corpora.get(asked.KIND, code) for asked in chosen
                                for code in asked.PARTS or (asked.CODE,)):
        located = survey.look(corpus, cfg)
        if located.root is None:
            absent.append(located)
            continue
        checked.append(check(located, cfg, jobs=cfg.extract_jobs if jobs is None else jobs, force=force,
                                   heard=heard))
        if not as_json:
            print(section(checked[-1]), flush=True)
    if len(chosen) == 1 and absent:
        raise MerError(absent[0].problem)
    findings = [found for one in checked for found in one.findings]
    if out:
        write(out, findings)
    if as_json:
        print(json.dumps(_as_data(checked, absent), indent=1, ensure_ascii=False))
    elif not checked:
        print(survey.nothing_found(cfg))
    else:
        print(f"\n{summary(checked, absent, time.monotonic() - start)}")
    return int(not checked or any(found.kind != NOTE for found in findings))


def section(checked):
    """The findings of one corpus, by kind, as text."""
    located = checked.located
    wrong = Counter(found.kind for found in checked.findings if found.kind != NOTE)
    said = f"{number(wrong.total())} finding{'s' * (wrong.total() != 1)}" if wrong else "nothing wrong"
    known = checked.n_files - checked.n_read
    before = f" ({number(known)} known from an earlier check; --force reads them again)" if known else ""
    lines = [f"{located.corpus.NAME} ({survey.flags(located.corpus)}) in {located.root}",
             f"    {number(checked.n_files)} files, {checked.hours:.2f} h{before}: {said}"]
    for kind in KINDS:
        of_kind = [found for found in checked.findings if found.kind == kind]
        if of_kind:
            lines.append(f"    {kind} ({number(len(of_kind))})")
            lines += [f"        {found.file}: {found.detail}" for found in of_kind[:SHOWN]]
            if len(of_kind) > SHOWN:
                lines.append(f"        ... and {number(len(of_kind) - SHOWN)} more (--out FILE.csv lists all)")
    return "\n".join(lines)


def summary(checked, absent, seconds):
    """Counts over all corpora, as text."""
    counts = Counter(found.kind for one in checked for found in one.findings)
    wrong = ", ".join(f"{number(counts[kind])} {kind}" for kind in KINDS if kind != NOTE and counts[kind])
    notes = f"; {number(counts[NOTE])} note{'s' * (counts[NOTE] > 1)}" if counts[NOTE] else ""
    hours = sum(one.hours for one in checked)
    lines = [f"Checked {number(sum(one.n_files for one in checked))} files, {hours:.2f} h, of "
             f"{', '.join(one.located.corpus.NAME for one in checked)} in {seconds:.0f} s: "
             f"{wrong or 'nothing wrong'}{notes}."]
    if absent:
        lines.append(f"Not found, so not checked: {', '.join(located.corpus.NAME for located in absent)}.")
    return "\n".join(lines)


def write(path, findings):
    """Write all findings as csv (corpus, kind, file, detail), complete or not at all."""
    files.write_csv(path, ("corpus", "kind", "file", "detail"),
                    [(found.corpus, found.kind, found.file, found.detail) for found in findings])


def _as_data(checked, absent):
    return {"corpora": [{"name": one.located.corpus.NAME, "flags": survey.flags(one.located.corpus),
                         "folder": str(one.located.root), "files": one.n_files, "hours": one.hours,
                         "findings": [{"kind": found.kind, "file": found.file, "detail": found.detail}
                                      for found in one.findings]} for one in checked],
            "not_found": [located.corpus.NAME for located in absent]}
