"""Tables of the html page: a test set at a glance, paired differences, and the layout of ICASSP 2021, Table 2."""

import csv
import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from mer.evaluation import compare, run_facts
from mer.evaluation.report_text import answered
from mer.tasks import TASKS, Task

PAPER = ("SCAE", "CPC")  # columns of ICASSP 2021, Table 2
PUBLISHED_HOURS = {"exp1_3h": 3, "exp2_30h": 30}  # hours of speech per language in the two published experiments
_FAR = 1e9  # after every number of hours


def published() -> dict[tuple, float]:
    """Published F1, weighted over patches: {(hours of speech, model, config, setting, task): F}.

    Tasks are the true ones: the paper prints arousal under valence and the other way round.

    References
    ----------
    Gomez-Canon et al. (2021), Language-sensitive music emotion recognition models, ICASSP, Table 2
    (experiment 2) and the figure of experiment 1 in their repository lang-sens-mer.
    """
    figures = {}
    for path in sorted((Path(__file__).parent / "published").glob("icassp2021_*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                cell_of = tuple(row[name] for name in ("model", "config", "setting", "likely_true_task"))
                figures[PUBLISHED_HOURS[row["experiment"]], *cell_of] = float(row["F"])
    return figures


def model_order(column: tuple[str, str]) -> tuple:
    """Sort key of (model, config): the models of the paper first, then others by name, from scratch last."""
    model, config = column
    return config == run_facts.SCRATCH, PAPER.index(model) if model in PAPER else len(PAPER), model, config


def setting(known: dict) -> str:
    """man2eng, scratch2eng."""
    pretrain = known.get("pretrain", "-")
    return f"{'scratch' if pretrain == '-' else pretrain}2{known['music']}"


def cell_name(test_set: compare.TestSet, place: int) -> dict:
    """How a cell of a test set is named in a table: ``model``, ``config``, ``setting``, ``labels``, ``n_runs``."""
    known, reports = test_set.cells[place]
    return {"model": known["model"], "config": known["config"], "setting": setting(known), "n_runs": len(reports),
            "n_encoders": len({(report["run"].get("encoder") or {}).get("sha256") for report in reports}),
            "labels": run_facts.labels(known, test_set.varying)}


def tasks_of(reports: Sequence[dict]) -> list[Task]:
    """The tasks that any of these reports answers, in the order of the table of tasks."""
    names = {task.name for report in reports for task in answered(report)}
    return [task for task in TASKS if task.name in names]


def glance(test_set: compare.TestSet) -> list:
    """One row per cell, with macro F1 or CCC over clips for every task; None where the models do not answer it."""
    return [{**cell_name(test_set, place),
             "cells": [test_set.score(reports, task, compare.STRICT) for task in test_set.tasks]}
            for place, (_, reports) in enumerate(test_set.cells)]


def differences(test_set: compare.TestSet) -> list:
    """Paired differences on the clips of one test set: from the model from scratch, and from the best.

    Parameters
    ----------
    test_set : compare.TestSet

    Returns
    -------
    list of dict
        ``to`` ("scratch" or "best"), ``n`` (comparisons that were corrected together), ``n_clear`` (those that are not
        0 after it), ``single`` (whether a cell is one run) and ``rows``: the cell's name, its ``cells`` (per task the
        dict of `_difference`, or None), and ``reference``, the name of the cell it was compared with, where that is one
        for all tasks.
    """
    references = [(place, test_set.scratch_of(place)) for place in range(len(test_set.cells))]
    planned = test_set.against([(one, other) for one, other in references if other is not None])
    pairs = test_set.pairs()
    return [_block("scratch", test_set, planned, dict(references))] * bool(planned) + (
        [_block("best", test_set, _from_best(test_set, pairs), {}, family=pairs)] if len(test_set.cells) > 2 else [])


def _from_best(test_set, pairs):
    """Of all pairs those with the cell of the highest mean in each task, as other minus best."""
    found = []
    for task in test_set.tasks:
        scores = [test_set.score(reports, task, compare.STRICT) for _, reports in test_set.cells]
        means = [one["mean"] if one else -np.inf for one in scores]
        best = means.index(max(means))
        found += [pair if pair.other == best else pair.turned() for pair in pairs
                  if pair.task == task.name and best in (pair.one, pair.other)]
    return found


def _block(to, test_set, comparisons, references, family=None):
    family = comparisons if family is None else family
    of = {(one.one, one.task): one for one in comparisons}
    best = {one.other: one.task for one in comparisons} if to == "best" else {}
    rows = []
    for place in range(len(test_set.cells)):
        found = [of.get((place, task.name)) for task in test_set.tasks]
        if any(found) or place in best:
            reference = references.get(place)
            rows.append({**cell_name(test_set, place), "cells": [one and _difference(one) for one in found],
                         "reference": None if reference is None else cell_name(test_set, reference)})
    return {"to": to, "rows": rows, "n": len(family), "n_clear": sum(one.is_clear for one in family),
            "single": any(len(reports) == 1 for _, reports in test_set.cells)}


def _difference(one):
    """A comparison for the page; ``apart``: its own interval leaves 0 out, ``is_clear``: so it does after Holm."""
    estimate = one.difference
    apart = estimate.low is not None and (estimate.low > 0 or estimate.high < 0)
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high, "p": estimate.p, "p_holm": one.p_holm,
            "apart": apart, "is_clear": one.is_clear}


def layout(sets: Sequence[compare.TestSet], measure: str, figures: dict[tuple, float]) -> dict:
    """One table in the layout of Table 2: rows are setting, hours, split and whatever else differs, columns the models.

    A cell stands in every row whose facts it does not contradict: a model from scratch knows no pretraining, so it
    stands beside every transfer that was tested on the same clips.

    Parameters
    ----------
    sets : sequence of compare.TestSet
        Of one corpus.
    measure : str
        One of `compare.MEASURES`.
    figures : dict
        From `published`, or empty.
    """
    columns = sorted({(known["model"], known["config"]) for one in sets for known, _ in one.cells}, key=model_order)
    heads = [(model, [config for _, config in group]) for model, group in groupby(columns, key=lambda pair: pair[0])]
    firsts = [place for place, pair in enumerate(columns) if not place or columns[place - 1][0] != pair[0]]
    rows = [(one, row) for one in sets for row in _rows(one)]
    several = {one.music for number, one in enumerate(sets) if one.music in {other.music for other in sets[:number]}}
    tasks = {task.name: [_row(one, row, columns, task=task, measure=measure, figures=figures,
                              named=one.music in several) for one, row in rows if task in one.tasks]
             for task in tasks_of([report for one in sets for _, reports in one.cells for report in reports])}
    return {"level": measure, "heads": heads, "firsts": firsts, "n_columns": len(columns), "tasks": tasks}


def _row_facts(known, names):
    """The facts of a cell that choose its row."""
    return {name: known[name] for name in ("pretrain", "hours", "heard", "folds", "split", *names) if name in known}


def _items(facts):
    return {(name, json.dumps(value, sort_keys=True)) for name, value in facts.items()}


def _rows(test_set):
    """The facts of every row: those of a cell that are no part of another cell's."""
    facts = {run_facts.key(own): own for own in (_row_facts(known, test_set.varying) for known, _ in test_set.cells)}
    rows = [own for own in facts.values() if not any(_items(own) < _items(other) for other in facts.values())]
    return sorted(rows, key=lambda own: (str(own.get("folds")), str(own.get("split")), own.get("pretrain", "~"),
                                         _FAR if own.get("hours") is None else own["hours"],
                                         run_facts.differences(own, test_set.varying)))


def _row(test_set, row, columns, *, task, measure, figures, named):
    """One row: a cell per column (None where nothing was run), and the best guess."""
    known = {"music": test_set.music, **row}
    cells = []
    for column in columns:
        fitting = [(own, reports) for own, reports in test_set.cells if (own["model"], own["config"]) == column
                   and _items(_row_facts(own, test_set.varying)) <= _items(row)]
        if not fitting:
            cells.append(None)
            continue
        own, reports = max(fitting, key=lambda pair: len(pair[0]))
        score = test_set.score(reports, task, measure)
        if score is None:
            cells.append(None)
            continue
        hours = PUBLISHED_HOURS["exp2_30h"] if own.get("hours") is None and _is_released(own) else own.get("hours")
        cells.append({**score, "published": figures.get((hours, *column, setting(known), task.name)),
                      "reports": reports})
    labels = run_facts.labels(row, ["split", *test_set.varying] if named else test_set.varying)
    if named:
        labels.append(f"test set {test_set.test['digest'][:4]} of {test_set.test['clips']:,} clips")
    return {"setting": setting(known), "cells": cells, "labels": labels,
            "chance": max((one["chance"] for one in cells if one), default=None)}


def _is_released(known):
    """Whether the encoder came with the published program: those of its second experiment are not named by hours."""
    return str(known.get("encoder.origin")).startswith("release")
