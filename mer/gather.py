"""Stage 5: every transfer that is present, as one csv in the layout of ICASSP 2021, Table 2, and one html page."""

import csv
import json
import os
from collections import namedtuple

from mer import MerError, page
from mer.report_text import describe
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

Found = namedtuple("Found", "reports unreadable")
Found.__doc__ = """What `find` came back with.

Attributes
----------
reports : list of dict
    Reports as `mer.report.write` returns them, with their ``folder`` (pathlib.Path), in a fixed order.
unreadable : list of (pathlib.Path, str)
    Files that are no report of a transfer, and why.
"""


def find(models_trans_dir, models_dir):
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
            report = json.loads(path.read_text(encoding="utf-8"))
            _check(report)
            if report["run"].get("fold"):
                continue  # counted in the report on all folds
        except (OSError, ValueError) as error:
            unreadable.append((path, str(error)))
        else:
            reports.append({**report, "folder": path.parent})
    return Found(sorted(reports, key=_order), unreadable)


def table(reports):
    """Rows of results.csv: one per run and task.

    Parameters
    ----------
    reports : sequence of dict
        From `find`.

    Returns
    -------
    list of dict
        ``experiment`` to ``F`` as in the published csv (weighted over patches); ``F_low`` and ``F_high``, the
        95 % interval over clips; the same for macro F and for clips; ``chance_F``, the better of the two
        guesses; ``it``, ``seed``, ``n_patches``, ``n_clips``, ``corpus``, ``split`` and ``name``.
    """
    return [_row(report, task.name) for report in reports for task in TASKS]


def write(reports, out_dir, *, unreadable=()):
    """Write results.csv and index.html.

    Parameters
    ----------
    reports : sequence of dict
        From `find`; at least one.
    out_dir : pathlib.Path
        Made where it is missing.
    unreadable : sequence of (pathlib.Path, str)
        From `find`; named on the page.

    Returns
    -------
    list of pathlib.Path
        The two files.

    Raises
    ------
    MerError
        Without any report.
    """
    if not reports:
        raise MerError("no transfer report was given; run trans_train_denoise_multi.py first, then report.py again")
    out_dir.mkdir(parents=True, exist_ok=True)
    paths = [out_dir / "results.csv", out_dir / "index.html"]
    _write_csv(paths[0], table(reports))
    partial = paths[1].with_name("index.html.part")
    partial.write_text(page.render(reports, out_dir, unreadable=unreadable), encoding="utf-8")
    os.replace(partial, paths[1])
    return paths


def _check(report):
    """ValueError unless this is a report of a transfer with all that table and page need."""
    if not isinstance(report, dict):
        raise ValueError("not a report of a transfer: no table of values")
    needed = [(key,) for key in ("run", "test", "bootstrap", "warnings", "patch", "clip")]
    needed += [("run", "model"), ("run", "music_abbr"), ("test", "digest")]
    needed += [(level, task.name) for level in ("patch", "clip") for task in TASKS]
    for keys in needed:
        value = report
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                raise ValueError(f"not a report of a transfer: {'.'.join(keys)} is missing")
            value = value[key]


def _order(report):
    """Sort key: corpus, music, model, config, pretrain, run."""
    run, words = report["run"], describe(report["run"])
    return (str(run.get("corpus")), run["music_abbr"], page.model_order((words["model"], words["config"])),
            words["pretrain"], str(report["folder"].parent), run.get("it", 0), str(report["folder"]))


def _row(report, task):
    """One row of results.csv."""
    run, words = report["run"], describe(report["run"])
    row = {"experiment": page.experiment(report), "model": words["model"], "config": words["config"],
           "pretrain": words["pretrain"], "music": run["music_abbr"], "setting": words["setting"], "task": task}
    for column, (level, score) in SCORE_COLUMNS.items():
        result = report[level][task]
        row[column] = result[score]
        if "F" in column:
            row[f"{column}_low"], row[f"{column}_high"] = result["intervals"][score] or ("", "")
    guesses = report["patch"][task]["chance"].values()
    row |= {"chance_F": max(guess["f1_weighted"] for guess in guesses), "it": run.get("it", 0),
            "seed": run.get("seed"), "n_patches": report["patch"][task]["n"], "n_clips": report["clip"][task]["n"],
            "corpus": run.get("corpus"), "split": words["split"], "name": page.folder_name(report)}
    return row


def _write_csv(path, rows):
    """Write to a temporary name, then rename."""
    partial = path.with_name(path.name + ".part")
    with open(partial, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    os.replace(partial, path)
