"""What `corpora.py --check` prints and writes: corpus by corpus, then a summary with counts."""

import json
import time
from collections import Counter

from mer import MerError, files
from mer.inventory import check, survey
from mer.inventory.survey_text import number

SHOWN = 10  # findings of one kind on the screen; --out has all


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
    for corpus in dict.fromkeys(one for asked in chosen for one in survey.singles(asked)):
        place = survey.look(corpus, cfg)
        if place.root is None:
            absent.append(place)
            continue
        checked.append(check.check(place, cfg, jobs=cfg.extract_jobs if jobs is None else jobs, force=force,
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
    return int(not checked or any(found.kind != check.NOTE for found in findings))


def section(checked):
    """The findings of one corpus, by kind, as text."""
    place = checked.place
    wrong = Counter(found.kind for found in checked.findings if found.kind != check.NOTE)
    said = f"{number(wrong.total())} finding{'s' * (wrong.total() != 1)}" if wrong else "nothing wrong"
    known = checked.n_files - checked.n_read
    before = f" ({number(known)} known from an earlier check; --force reads them again)" if known else ""
    lines = [f"{place.corpus.NAME} ({survey.flags(place.corpus)}) in {place.root}",
             f"    {number(checked.n_files)} files, {checked.hours:.2f} h{before}: {said}"]
    for kind in check.KINDS:
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
    wrong = ", ".join(f"{number(counts[kind])} {kind}" for kind in check.KINDS if kind != check.NOTE and counts[kind])
    notes = f"; {number(counts[check.NOTE])} note{'s' * (counts[check.NOTE] > 1)}" if counts[check.NOTE] else ""
    hours = sum(one.hours for one in checked)
    lines = [f"Checked {number(sum(one.n_files for one in checked))} files, {hours:.2f} h, of "
             f"{', '.join(one.place.corpus.NAME for one in checked)} in {seconds:.0f} s: "
             f"{wrong or 'nothing wrong'}{notes}."]
    if absent:
        lines.append(f"Not found, so not checked: {', '.join(place.corpus.NAME for place in absent)}.")
    return "\n".join(lines)


def write(path, findings):
    """Write all findings as csv (corpus, kind, file, detail), complete or not at all."""
    files.write_csv(path, ("corpus", "kind", "file", "detail"),
                    [(found.corpus, found.kind, found.file, found.detail) for found in findings])


def _as_data(checked, absent):
    return {"corpora": [{"name": one.place.corpus.NAME, "flags": survey.flags(one.place.corpus),
                         "folder": str(one.place.root), "files": one.n_files, "hours": one.hours,
                         "findings": [{"kind": found.kind, "file": found.file, "detail": found.detail}
                                      for found in one.findings]} for one in checked],
            "not_found": [place.corpus.NAME for place in absent]}
