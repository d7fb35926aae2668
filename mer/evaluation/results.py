"""Stage 5: every transfer that is present, as one csv in the layout of ICASSP 2021, Table 2, and one html page."""

import math
from collections import namedtuple
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from mer import MerError, files
from mer.evaluation import compare, metrics, page, page_setups, page_tables, regression, run_facts
from mer.evaluation.predictions import LEVELS
from mer.evaluation.report_text import WITHIN, answered, describe, tested_music
from mer.tasks import TASKS

# csv column -> (level, score); an interval's ends are added to every F. P, R and F are the published measure.
SCORE_COLUMNS = {
    "P": ("patch", "precision_weighted"),
    "R": ("patch", "recall_weighted"),
    "F": ("patch", "f1_weighted"),
    "F_macro": ("patch", "f1_macro"),
    "accuracy": ("patch", "accuracy"),
    "clip_F": ("clip", "f1_weighted"),
    "clip_F_macro": ("clip", "f1_macro"),
    "clip_accuracy": ("clip", "accuracy"),
}
# Of tasks with a range; the columns are there where a run answers one.
VALUE_COLUMNS = {f"{prefix}{name}": (level, name.lower()) for prefix, level in (("", "patch"), ("clip_", "clip"))
                 for name in ("CCC", "R2", "RMSE")}

COMPARISON_COLUMNS = ("corpus", "music", "test_set", "task", "one", "other", "runs_one", "runs_other", "difference",
                      "low", "high", "p", "p_holm")

Found = namedtuple("Found", "reports unreadable")
Found.__doc__ = """What `find` came back with.

Attributes
----------
reports : list of dict
    Reports as `mer.evaluation.report.write` returns them, with their ``folder`` (pathlib.Path), in a fixed order.
unreadable : list of (pathlib.Path, str)
    Files that are damaged or no report of a transfer, and why.
"""

_NUMBER, _COUNT, _OBJECT = {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": ["object", "null"]}
_WORDS = {"type": ["string", "null"]}
_COUNTS = {"type": "object", "additionalProperties": _COUNT}
_ENDS = {"anyOf": [{"type": "null"}, {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}]}


def _objects(required, **properties):
    return {"type": "object", "required": required, "properties": properties}


_SHARES = {name: {"type": "number", "minimum": 0, "maximum": 1} for name in metrics.SCORES}
_GUESS = _objects(list(_SHARES), **_SHARES)
_RESULT = _objects(["n", "intervals", "chance", *_SHARES], n=_COUNT, **_SHARES,
                   intervals=_objects(list(_SHARES), **dict.fromkeys(_SHARES, _ENDS)),
                   above_guessing=_objects([], **dict.fromkeys(_SHARES, _ENDS)),
                   chance=_objects(["majority", "uniform"], majority=_GUESS, uniform=_GUESS, shuffled=_GUESS))
_VALUE = _objects(["n", "intervals", "above_guessing", "chance", *regression.SCORES], n=_COUNT,
                  **dict.fromkeys(regression.SCORES, _NUMBER),
                  intervals=_objects(list(regression.SCORES), **dict.fromkeys(regression.SCORES, _ENDS)),
                  above_guessing=_objects(list(regression.SCORES), **dict.fromkeys(regression.SCORES, _ENDS)),
                  chance={"type": "object", "additionalProperties": _objects(
                      ["value", *regression.SCORES], **dict.fromkeys(["value", *regression.SCORES], _NUMBER))})
_LEVEL = _objects([], **{task.name: _RESULT if task.classes else _VALUE for task in TASKS})
_SCORES = {**_OBJECT, "properties": {"learnt": {"type": "boolean"}, "sentence": _WORDS}}
_RUN = _objects(
    ["model", "music_abbr"], model={"type": "string"},
    tasks={"type": "array", "items": {"type": "string"}}, music_abbr={"type": "string"}, title=_WORDS, release=_WORDS,
    speech_abbr=_WORDS, hours={"type": ["number", "null"]}, folds={"type": ["integer", "null"]},
    fold={"type": ["array", "null"], "minItems": 2}, it={"type": "integer"}, data=_WORDS, settings=_OBJECT,
    versions=_OBJECT, clips=_OBJECT, split={"type": ["object", "string", "null"], "properties": {
        "kind": _WORDS, "note": _WORDS}},
    **dict.fromkeys(("role", "tested", "tested_abbr", "tested_on", "trained_on"), _WORDS),
    left_out={**_OBJECT, "additionalProperties": _COUNTS},
    encoder={**_OBJECT, "properties": {"scores": _SCORES, "settings": _OBJECT}})
SCHEMA = _objects(
    ["run", "test", "bootstrap", "warnings", "patch", "clip"], run=_RUN, patch=_LEVEL, clip=_LEVEL,
    test=_objects(["digest", "clips", "patches"], digest={"type": "string"}, clips=_COUNT,
                  patches=_COUNT, groups=_COUNT, grouped_by={"type": "string"},
                  clips_per_quadrant={"type": "object", "additionalProperties": _COUNT},
                  clips_without_label={"type": "object", "additionalProperties": _COUNT}),
    bootstrap=_objects(["unit", "resamples", "confidence"], unit={"type": "string"}, confidence=_NUMBER,
                       resamples={**_COUNT, "maximum": 10**6}),
    warnings={"type": "array", "items": {"type": "string"}})


def find(models_trans_dir: Path, models_dir: Path) -> Found:
    """Read every report.json below the two folders.

    Parameters
    ----------
    models_trans_dir, models_dir : pathlib.Path
        Transfers from speech, and models trained on music from scratch; either may be missing.

    Returns
    -------
    Found
    """
    reports, unreadable = [], []
    for path in sorted({*models_trans_dir.glob("**/report.json"), *models_dir.glob("**/report.json")}):
        try:
            report = files.read_json(path, schema=SCHEMA, remedy="train this model again with --force")
            missing = [task.name for task in answered(report) if any(task.name not in report[one] for one in LEVELS)]
            if missing:
                raise files.Damaged(f"{path} is damaged (it has no scores for {missing[0]}): train this model again "
                                    "with --force")
            if not _is_finite(report):
                raise files.Damaged(f"{path} is damaged (it holds a value that is not a number): train this model "
                                    "again with --force")
        except (OSError, MerError) as error:
            unreadable.append((path, str(error)))
            continue
        if not report["run"].get("fold"):  # one fold is counted in the report on all folds
            reports.append({**report, "folder": path.parent})
    return Found(sorted(reports, key=_order), unreadable)


def table(reports: Sequence[dict]) -> list[dict]:
    """Rows of results.csv: one per run and task.

    Parameters
    ----------
    reports : sequence of dict
        From `find`.

    Returns
    -------
    list of dict
        ``experiment`` ("3h", "all", ...) to ``F`` as in the published csv (weighted over patches); ``F_low`` and
        ``F_high``, the 95 % interval; the same for macro F and for clips; ``chance_F``, the best of the guesses;
        ``it``, ``seed``, ``n_patches``, ``n_clips``, ``n_groups`` and ``grouped_by`` (what was drawn for the
        intervals), ``hours`` of speech, ``folds``, ``split`` (its kind), ``test_set`` (equal for the same clips and
        labels), ``settings`` (hash of everything else but the seed), ``differences`` (those that are not the same in
        all runs on the test set), ``learnt`` (whether the encoder was shown to have learnt its pretext task),
        ``corpus``, ``split_note`` and ``name``; ``role``, ``test_music`` and ``tested_on``: what the corpus of the test
        is to the model, its language and its name. Only rows that are equal in all of ``corpus`` to ``task``,
        ``hours``, ``folds``, ``split``, ``test_set`` and ``settings`` may be averaged.
    """
    facts = [run_facts.facts(report) for report in reports]
    by_test: dict[str, list] = {}
    for known in facts:
        by_test.setdefault(known["test"], []).append(known)
    varying = {digest: run_facts.varying(group) for digest, group in by_test.items()}
    return [_row(report, known, varying[known["test"]], task)
            for report, known in zip(reports, facts, strict=True) for task in answered(report)]


def comparisons(reports: Sequence[dict], held: dict) -> list[dict]:
    """Rows of comparisons.csv: all pairs of cells on each test set, in macro F1 over clips.

    Parameters
    ----------
    reports : sequence of dict
        From `find`.
    held : dict
        From `mer.evaluation.compare.read_predictions`.

    Returns
    -------
    list of dict
        ``corpus``, ``music``, ``test_set``, ``task``; ``one`` and ``other``, the two models, with ``runs_one`` and
        ``runs_other``; ``difference`` (one minus other), ``low``, ``high``, ``p``, and ``p_holm``, corrected for all
        pairs and tasks of the test set.
    """
    rows = []
    for corpus, group in groupby(reports, key=lambda report: str(report["run"].get("corpus"))):
        for one in compare.test_sets(list(group), held):
            names = [page_tables.cell_name(one, place) for place in range(len(one.cells))]
            words = [", ".join([name["model"], name["config"], name["setting"], *name["labels"]]) for name in names]
            rows += [{"corpus": corpus, "music": one.music, "test_set": one.test["digest"], "task": pair.task,
                      "one": words[pair.one], "other": words[pair.other], "runs_one": names[pair.one]["n_runs"],
                      "runs_other": names[pair.other]["n_runs"], "difference": round(pair.difference.value, 6),
                      **{end: _digits(getattr(pair.difference, end)) for end in ("low", "high", "p")},
                      "p_holm": _digits(pair.p_holm)} for pair in one.pairs()]
    return rows


def _digits(value):
    return "" if value is None else round(value, 6)


def write(reports: Sequence[dict], out_dir: Path, *, unreadable: Sequence[tuple[Path, str]] = (),
          outdated: dict | None = None) -> list[Path]:
    """Write results.csv, comparisons.csv, setups.csv and index.html.

    Parameters
    ----------
    reports : sequence of dict
        From `find`; at least one.
    out_dir : pathlib.Path
        Made where it is missing.
    unreadable : sequence of (pathlib.Path, str)
        From `find`; named on the page.
    outdated : dict or None
        From `mer.data.label_check.outdated`; shown as warnings.

    Returns
    -------
    list of pathlib.Path
        The table, the page, the comparisons, the set-ups.

    Raises
    ------
    MerError
        Without any report.
    """
    if not reports:
        raise MerError("no transfer report was given; run trans_train_denoise_multi.py first, then report.py again")
    held, damaged = compare.read_predictions(reports)
    paths = [out_dir / "results.csv", out_dir / "index.html", out_dir / "comparisons.csv", out_dir / "setups.csv"]
    rows, pairs = table(reports), comparisons(reports, held)
    names = max((list(row) for row in rows), key=len)  # tasks with a range have columns more
    files.write_csv(paths[0], names, [[row.get(name, "") for name in names] for row in rows])
    files.write_csv(paths[2], COMPARISON_COLUMNS, [row.values() for row in pairs])
    files.write_csv(paths[3], page_setups.CSV_COLUMNS, _setups(reports, held))
    files.write_text(paths[1], page.render(reports, out_dir, held=held, outdated=outdated or {},
                                           unreadable=[*unreadable, *damaged]))
    return paths


def _setups(reports, held):
    """Rows of setups.csv: every set-up in the layout of the poster, and each corpus by itself in that of EUSIPCO."""
    rows = []
    for corpus, group in groupby(reports, key=lambda report: str(report["run"].get("corpus"))):
        sets = compare.test_sets(list(group), held)
        for name, tables in (("poster", page_setups.poster), ("EUSIPCO", page_setups.eusipco)):
            rows += page_setups.csv_rows(tables(sets, with_published=corpus == "real"), name)
    return rows


def _is_finite(value):
    """Whether every number in a nested value is one; JSON of Python's may hold NaN."""
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _order(report):
    """Sort key: corpus, music of the test, role (within first), music, model, config, pretrain, run."""
    run, words = report["run"], describe(report["run"])
    return (str(run.get("corpus")), tested_music(run), words["role"] != WITHIN, run["music_abbr"],
            page_tables.model_order((words["model"], words["config"])), words["pretrain"],
            math.inf if run.get("hours") is None else run["hours"], str(report["folder"].parent), run.get("it", 0),
            str(report["folder"]))


def _row(report, known, varying, task):
    """One row of results.csv."""
    run, test, words = report["run"], report["test"], describe(report["run"])
    hours = run.get("hours")
    row = {"experiment": "all" if hours is None else f"{hours:g}h", "model": words["model"],
           "config": words["config"], "pretrain": words["pretrain"], "music": run["music_abbr"],
           "setting": words["setting"], "task": task.name}
    columns = [*SCORE_COLUMNS.items(), *([] if task.classes else VALUE_COLUMNS.items())]
    for column, (level, score) in columns:
        result = report[level][task.name]
        row[column] = result.get(score, "")
        if "F" in column or column in VALUE_COLUMNS:
            row[f"{column}_low"], row[f"{column}_high"] = result["intervals"].get(score) or ("", "")
    guesses, scores = report["patch"][task.name]["chance"].values(), (run.get("encoder") or {}).get("scores") or {}
    chance = max(guess["f1_weighted"] for guess in guesses) if task.classes else ""
    return row | {
        "chance_F": chance, "it": run.get("it", 0), "seed": run.get("seed"),
        "n_patches": report["patch"][task.name]["n"], "n_clips": report["clip"][task.name]["n"],
        "n_groups": test.get("groups", test["clips"]), "grouped_by": test.get("grouped_by", "clip"),
        "hours": hours, "folds": known["folds"], "split": known["split"], "test_set": known["test"],
        "settings": run_facts.settings_key(known), "differences": "; ".join(run_facts.differences(known, varying)),
        "learnt": scores.get("learnt"), "corpus": run.get("corpus"), "split_note": words["split"],
        "name": page.folder_name(report), "role": words["role"], "test_music": tested_music(run),
        "tested_on": run.get("tested_on", "")}
