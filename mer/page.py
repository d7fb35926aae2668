"""The html page over all transfers: what each table cell says, and the Jinja2 template that shows it."""

import base64
import csv
import os
from itertools import groupby
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mer.report_text import CONFIG_LABELS, CONFIG_WORDS, DEMO, describe
from mer.tasks import TASKS

HERE = Path(__file__).parent
EMBEDDED_RUNS = 24  # the pictures of one run weigh about 130 kB in a page; beyond this they are linked
PICTURES = {
    "confusion.png": "Confusion matrices of quadrants, arousal and valence, for clips and for patches; "
                     "the same counts are in the text report.",
    "learning_curves.png": "Loss and accuracy of training and validation over the epochs; "
                           "the same values are in the history of the run.",
}
FILES = ("report.txt", "report.json", "predictions.csv", "run.json", "history.csv")
PAPER = ("SCAE", "CPC")  # columns of ICASSP 2021, Table 2
PUBLISHED_EXPERIMENTS = {"exp1_3h": "3h", "exp2_30h": "all"}
# The two tables: level, score, is it the published measure?
MEASURES = (("patch", "f1_weighted", True), ("clip", "f1_macro", False))


def render(reports, out_dir, *, unreadable=()):
    """The page as html text.

    Parameters
    ----------
    reports : sequence of dict
        From `mer.gather.find`, sorted.
    out_dir : pathlib.Path
        Folder of the page; links to the folders of the runs are relative to it.
    unreadable : sequence of (pathlib.Path, str)
        Files to name as left out.

    Returns
    -------
    str
        Every value is escaped: names may hold any character.
    """
    environment = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined)
    embed = len(reports) <= EMBEDDED_RUNS
    corpora = [_corpus(name, list(group), out_dir=out_dir, embed=embed)
               for name, group in groupby(reports, key=lambda report: str(report["run"].get("corpus")))]
    skipped = [(_relative(path, out_dir), reason) for path, reason in unreadable]
    return environment.get_template("report.html").render(
        corpora=corpora, n_runs=len(reports), skipped=skipped, embed=embed, tasks=[task.name for task in TASKS],
        demo=DEMO, config_words=CONFIG_WORDS, config_labels=CONFIG_LABELS, bootstrap=reports[0]["bootstrap"])


def cell(reports, task, *, level, score):
    """What one table cell says about one or more runs that differ in their seed only.

    Parameters
    ----------
    reports : sequence of dict, at least one
    task, level, score : str
        Which value, e.g. "quadrants", "clip", "f1_macro".

    Returns
    -------
    dict
        ``mean`` over the runs; ``low`` and ``high``, the interval of the run, or of several runs the lowest
        and highest end of theirs (None without intervals); ``smallest``, ``largest`` and ``n_runs``;
        ``chance``, the better of the two guesses; ``above_chance``, whether ``low`` exceeds it.
    """
    results = [report[level][task] for report in reports]
    values = [result[score] for result in results]
    ends = [result["intervals"][score] for result in results]
    known = all(ends)
    chance = max(guess[score] for result in results for guess in result["chance"].values())
    low = min(end[0] for end in ends) if known else None
    return {"mean": fmean(values), "low": low, "high": max(end[1] for end in ends) if known else None,
            "smallest": min(values), "largest": max(values), "n_runs": len(values), "chance": chance,
            "above_chance": known and low > chance, "clear_best": False}


def mark_best(cells):
    """Set ``clear_best`` on the cell whose interval lies above those of all others, if there is one.

    Parameters
    ----------
    cells : sequence of dict
        From `cell`, all of one table row. Nothing is marked where an interval is missing or touches another.
    """
    if len(cells) < 2 or any(one["low"] is None for one in cells):
        return
    best = max(cells, key=lambda one: one["low"])
    best["clear_best"] = all(best["low"] > other["high"] for other in cells if other is not best)


def experiment(report):
    """How much speech the encoder was pretrained on: "3h" where the folder of the run begins so, else "all"."""
    first, _, rest = report["folder"].parent.name.partition("_")
    return first if rest.startswith("speech_") else "all"


def folder_name(report):
    """The last two folders, which together name a run."""
    return f"{report['folder'].parent.name}/{report['folder'].name}"


def model_order(column):
    """Sort key of (model, config): the models of the paper first, then others by name, from scratch last."""
    model, config = column
    return config == "scratch", PAPER.index(model) if model in PAPER else len(PAPER), model, config


def published():
    """Published F1, weighted over patches: {(experiment, model, config, setting, task): F}.

    Tasks are the true ones: the paper prints arousal under valence and the other way round.

    References
    ----------
    Gomez-Canon et al. (2021), Language-sensitive music emotion recognition models, ICASSP, Table 2
    (experiment 2) and the figure of experiment 1 in their repository lang-sens-mer.
    """
    figures = {}
    for path in sorted((HERE / "published").glob("icassp2021_*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                cell_of = tuple(row[name] for name in ("model", "config", "setting", "likely_true_task"))
                figures[PUBLISHED_EXPERIMENTS[row["experiment"]], *cell_of] = float(row["F"])
    return figures


def _corpus(name, reports, *, out_dir, embed):
    """Everything the page shows about one corpus (demo or real), which never mix."""
    figures = published() if name == "real" else {}
    musics = []
    for music, group in groupby(reports, key=lambda report: report["run"]["music_abbr"]):
        group = list(group)
        musics.append({"name": music, "glance": _glance(group), "test": group[0]["test"],
                       "same_clips": len({report["test"]["digest"] for report in group}) == 1})
    return {
        "name": name,
        "is_demo": name == "demo",
        "musics": musics,
        "tables": [_table(reports, level, score, figures if is_published else {})
                   for level, score, is_published in MEASURES],
        "has_published": bool(figures),
        "warnings": sorted({sentence for report in reports for sentence in report["warnings"]}),
        "runs": [_run(report, out_dir, embed) for report in reports],
    }


def _cells(reports):
    """Runs that differ in their seed only, together: {(experiment, model, config, pretrain, music): reports}."""
    cells = {}
    for report in reports:
        words = describe(report["run"])
        key = experiment(report), words["model"], words["config"], words["pretrain"], report["run"]["music_abbr"]
        cells.setdefault(key, []).append(report)
    return cells


def _glance(reports):
    """One row per cell with macro F over clips for every task, for the overview."""
    return [{"model": model, "config": config, "setting": describe(group[0]["run"])["setting"],
             "three_hours": which == "3h",
             "cells": [cell(group, task.name, level="clip", score="f1_macro") for task in TASKS]}
            for (which, model, config, _, _), group in _cells(reports).items()]


def _table(reports, level, score, figures):
    """One table in the layout of Table 2: rows are task, music and pretraining, columns architecture and config."""
    groups = _cells(reports)
    columns = sorted({(model, config) for _, model, config, _, _ in groups}, key=model_order)
    heads = [(model, [config for _, config in group]) for model, group in groupby(columns, key=lambda pair: pair[0])]
    rows = {task.name: [_table_row(groups, place, columns, task=task.name, level=level, score=score, figures=figures)
                        for place in _places(groups)] for task in TASKS}
    firsts = [place for place, pair in enumerate(columns) if not place or columns[place - 1][0] != pair[0]]
    return {"level": level, "score": score, "heads": heads, "firsts": firsts, "n_columns": len(columns), "tasks": rows}


def _places(groups):
    """Rows of the table, (experiment, pretrain, music); models from scratch get one only where they are alone."""
    places = sorted({(music, which, pretrain) for which, _, _, pretrain, music in groups if pretrain != "-"})
    covered = {music for music, _, _ in places}
    alone = {(music, "all", "-") for *_, music in groups if music not in covered}
    return [(which, pretrain, music) for music, which, pretrain in sorted({*places, *alone})]


def _table_row(groups, place, columns, *, task, level, score, figures):
    """One row: a cell per column (None where nothing was run), and what guessing gets."""
    which, pretrain, music = place
    setting = f"{'scratch' if pretrain == '-' else pretrain}2{music}"
    cells = []
    for model, config in columns:
        # A model from scratch knows no pretraining: it stands beside every transfer to its music.
        key = ("all", model, config, "-", music) if config == "scratch" else (which, model, config, pretrain, music)
        found = cell(groups[key], task, level=level, score=score) if key in groups else None
        cells.append(found and {**found, "published": figures.get((which, model, config, setting, task))})
    present = [one for one in cells if one]
    mark_best(present)
    return {"setting": setting, "three_hours": which == "3h", "cells": cells,
            "chance": max(one["chance"] for one in present)}


def _run(report, out_dir, embed):
    """What the page shows about one run."""
    folder, run = report["folder"], report["run"]
    return {"name": folder_name(report), "run": run, "words": describe(run), "report": report,
            "pictures": [(_source(folder / name, out_dir, embed), _relative(folder / name, out_dir), text)
                         for name, text in PICTURES.items() if (folder / name).is_file()],
            "files": [(name, _relative(folder / name, out_dir)) for name in FILES if (folder / name).is_file()]}


def _source(path, out_dir, embed):
    """A picture as a data address, or as a relative link."""
    if not embed:
        return _relative(path, out_dir)
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _relative(path, out_dir):
    """Address of a file relative to the page."""
    return quote(Path(os.path.relpath(path, out_dir)).as_posix())
