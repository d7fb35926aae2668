"""Tables of set-ups: in the layout of the SincNet-MER poster and of EUSIPCO 2020, Table II, beside their numbers.

Percent, P, R, F and A weighted by class as published, and macro F beside them, for patches and for clips.

References
----------
Pandrea, Gómez-Cañón, Herrera (2020), Cross-dataset music emotion recognition: an end-to-end approach, ISMIR
late-breaking demo, figure 3; the cross-dataset and transfer rows are from the first author's thesis.
Gómez-Cañón, Cano, Herrera, Gómez (2020), Transfer learning from speech to music: towards language-sensitive emotion
recognition models, EUSIPCO, Table II.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mer.evaluation import compare, page_tables, run_facts
from mer.evaluation.report_text import CONFIG_LABELS, WITHIN
from mer.tasks import TASKS, Task

ROLES = {WITHIN: "within dataset", "cross": "cross-dataset", "mixed": "mixed dataset",
         "sequential": "sequential transfer", "step": "an earlier step of a sequence"}
# Column -> score. The recall that is weighted by class is the accuracy: the poster prints both.
SCORES = {"P": "precision_weighted", "R": "recall_weighted", "F": "f1_weighted", "A": "accuracy",
          "macro F": "f1_macro"}
WITH_INTERVAL = ("F", "A", "macro F")
CSV_COLUMNS = ("source", "table", "test_music", "tested_on", "test_set", "task", "role", "model", "labels", "train",
               *(f"{level}_{name.replace(' ', '_')}{end}" for level in compare.MEASURES for name in SCORES
                 for end in ("", *(("_low", "_high") if name in WITH_INTERVAL else ()))), "n_runs")
_MUSIC = {"4Q-EMOTION": "eng", "CH-818": "man", "TR-MUSIC": "tur"}  # test set of the poster -> as in music_abbr
_SHORT = {"4Q": "4Q-EMOTION", "CH": "CH-818", "TR": "TR-MUSIC"}
# Orders of transfer learning 1, 2 and 3, which the poster gives in its text
_ORDERS = {"4Q-EMOTION": ("CH-TR-4Q", "TR-CH-4Q", "TR-4Q"), "CH-818": ("4Q-TR-CH", "TR-4Q-CH"),
           "TR-MUSIC": ("4Q-CH-TR", "CH-4Q-TR", "4Q-TR")}


def poster(sets: Sequence[compare.TestSet], *, with_published: bool) -> list[dict]:
    """The quadrants in every set-up: one table per test set.

    Parameters
    ----------
    sets : sequence of compare.TestSet
        Of one corpus (demo or real). Those on which a mixture was tested as a whole are left out.
    with_published : bool
        Add the published rows of the same corpus and role.

    Returns
    -------
    list of dict
        ``set`` and ``groups``: (heading, rows). A row has ``source`` ("" for ours), ``model``, ``labels``, ``train``,
        ``role``, ``task`` and ``cells``: level -> column -> None or (value, low, high), in percent.
    """
    quadrants = TASKS[0]
    tables = []
    for one in sets:
        if quadrants not in one.tasks or one.music == "mix":
            continue
        rows = [row for place in range(len(one.cells)) for row in _ours(one, place, quadrants)]
        published = _poster_rows(one.music) if with_published else []
        groups = [(ROLES.get(role, role), [row for row in (*rows, *published) if row["role"] == role])
                  for role in dict.fromkeys((*ROLES, *(row["role"] for row in rows)))
                  if any(row["role"] == role for row in rows)]
        tables += [{"set": one, "groups": groups}] if groups else []
    return tables


def eusipco(sets: Sequence[compare.TestSet], *, with_published: bool) -> list[dict]:
    """All tasks with classes, within a corpus, as EUSIPCO 2020, Table II; parameters and result as for `poster`."""
    tables, published = [], _eusipco_rows() if with_published else []
    for one in sets:
        places = [place for place, (known, _) in enumerate(one.cells) if known["role"] == WITHIN]
        groups = []
        for task in [task for task in one.tasks if task.classes]:
            rows = [row for place in places for row in _ours(one, place, task)]
            known = [row for row in published if row["task"] == task.name and row["train"] == one.music]
            groups += [(task.name, rows + known)] if rows else []
        tables += [{"set": one, "groups": groups}] if groups else []
    return tables


def csv_rows(tables: Sequence[dict], name: str) -> list[list]:
    """Rows of setups.csv of the tables of `poster` or `eusipco`, in the order of `CSV_COLUMNS`."""
    made = []
    for table in tables:
        one = table["set"]
        for row in [row for _, rows in table["groups"] for row in rows]:
            numbers: list[Any] = []
            for level in compare.MEASURES:
                for column in SCORES:
                    value, low, high = row["cells"][level].get(column) or ("", "", "")
                    ends = [low, high] if column in WITH_INTERVAL else []
                    numbers += [round(each, 2) if isinstance(each, float) else "" for each in (value, *ends)]
            made.append([row["source"] or "ours", name, one.music, row["tested_on"], one.test["digest"], row["task"],
                         row["role"], row["model"], "; ".join(row["labels"]), row["train"], *numbers, row["n_runs"]])
    return made


def _ours(one, place, task: Task):
    """The row of a cell; none where it does not answer the task."""
    known, reports = one.cells[place]
    named, cells = page_tables.cell_name(one, place), {}
    for level in compare.MEASURES:
        scores = {column: one.score(reports, task, level, score) for column, score in SCORES.items()}
        if not all(scores.values()):
            return
        cells[level] = {column: _percent(made["mean"], made["low"], made["high"]) for column, made in scores.items()}
    labels = [CONFIG_LABELS.get(named["config"], named["config"])]
    labels += [] if named["config"] == run_facts.SCRATCH else [f"speech {known['pretrain']}"]
    labels += [label for label in named["labels"] if label != known["role"]]
    yield {"source": "", "model": named["model"], "labels": labels, "train": known["music"], "role": known["role"],
           "task": task.name, "tested_on": reports[0]["run"].get("tested_on") or "", "cells": cells,
           "n_runs": len(reports)}


def _percent(value, low=None, high=None):
    return tuple(None if each is None else 100 * each for each in (value, low, high))


def _published(name):
    with open(Path(__file__).parent / "published" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _row(source, model, *, labels, train, role, task, tested_on, level, numbers):
    """A published row; one run whose interval nobody knows. `numbers`: column -> percent, or "-"."""
    cells: dict[str, dict] = {each: {} for each in compare.MEASURES}
    cells[level] = {column: (float(value), None, None) for column, value in numbers.items() if value not in ("-", "")}
    return {"source": source, "model": model, "labels": labels, "train": train, "role": role, "task": task,
            "tested_on": tested_on, "cells": cells, "n_runs": 1}


def _poster_rows(music):
    """Rows of the poster and the thesis on one test set: a file is classified by the votes of its chunks."""
    made, seen = [], set()
    for row in _published("sincnet_mer_tables.csv"):
        if _MUSIC.get(row["test"]) != music or row["F"] == "-":
            continue
        role, train = _set_up(row)
        numbers = {column: row[column] for column in ("P", "R", "F", "A")}
        if (role, row["model"], train, *numbers.values()) in seen:
            continue  # the thesis prints rows of the poster again
        seen.add((role, row["model"], train, *numbers.values()))
        made.append(_row(row["source"], row["model"], labels=[], train=train, role=role, task=TASKS[0].name,
                         tested_on=row["test"], level=compare.STRICT, numbers=numbers))
    return made


def _set_up(row):
    """Role and training sets of a row of the poster or the thesis."""
    setup, test = row["setup"].lower(), row["test"]
    train = row["train"].partition(" (")[0].replace(" then ", "-")
    if setup.startswith("transfer learning"):
        train = _ORDERS[test][int(setup[-1]) - 1]
    steps = [_SHORT.get(part, part) for part in train.split("-")]
    if "transfer" in setup:
        return "sequential" if steps[-1] == test else "step", ", then ".join(steps)
    role = WITHIN if setup.startswith("within") or steps == [test] else setup.partition("-")[0].partition(" ")[0]
    return role, test if role == WITHIN else "all" if role == "mixed" else steps[0]


def _eusipco_rows():
    """Rows of EUSIPCO 2020, Table II, at the task that they really measure; over patches, in percent."""
    made = []
    for row in _published("eusipco2020_table2.csv"):
        music = row["setting"].partition("2")[2] or row["setting"].partition(" ")[0]
        numbers = {column: round(100 * float(row[column]), 6) for column in ("P", "R", "F")}
        made.append(_row(row["source"], row["model"], labels=[row["setting"]], train=music, role=WITHIN,
                         task=row["likely_true_task"], tested_on="", level=compare.PUBLISHED, numbers=numbers))
    return made
