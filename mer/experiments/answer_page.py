"""The page of a plan, answer.html: the answers first, then what they rest on. It needs no network and no script."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from mer import files
from mer.config import Config
from mer.evaluation import compare, page, page_setups, page_tables, results
from mer.evaluation.report_text import CONFIG_LABELS, DEMO
from mer.experiments import answer, flaws, forest, mistakes, outcomes
from mer.experiments.answer import Answer
from mer.experiments.outcomes import Outcome, Outcomes
from mer.experiments.plan import Plan

LINKS = {"confusion.png": "confusion", "learning_curves.png": "curves", "predictions.csv": "predictions",
         "report.txt": "report"}
N_BOOTSTRAP = 2000  # resamples, and as many permutations
MOST_FLAWS = 12  # answers whose ways of scoring are shown: the first of the plan


def folder(plan: Plan, cfg: Config) -> Path:
    """Folder of the page of a plan."""
    return cfg.results_dir / "plans" / plan.name


def make(plan: Plan, cfg: Config, *, for_paper: bool = False) -> None:
    """Answer a plan by what is finished, and print what it wrote; `for_paper`: LaTeX and BibTeX, too."""
    done = outcomes.find(plan, cfg)
    found, paths = write(plan, done, cfg)
    print(f"{plan.question}\n{answer.in_short(found)}")
    for hypothesis, group in groupby(found, key=lambda one: one.hypothesis):
        print(f"\n{hypothesis.name}: {hypothesis.sentence}")
        print(*(f"  {one.text}" for one in group), sep="\n")
    print(f"\nanswer {paths[0]}")
    if for_paper:
        from mer.experiments import paper
        print(*(f"paper  {path}" for path in paper.write(plan, done, found, cfg, n_bootstrap=N_BOOTSTRAP)), sep="\n")


def write(plan: Plan, done: Outcomes, cfg: Config, *,
          n_bootstrap: int = N_BOOTSTRAP) -> tuple[list[Answer], list[Path]]:
    """Test the hypotheses of a plan and write answer.html, answer.json and answer.csv.

    Parameters
    ----------
    plan : Plan
    done : Outcomes
        From `outcomes.find`; may be empty.
    cfg : Config
    n_bootstrap : int > 0
        Resamples, and as many permutations.

    Returns
    -------
    (list of Answer, list of pathlib.Path)
    """
    out_dir = folder(plan, cfg)
    found = answer.answers(plan, done, n_bootstrap=n_bootstrap, n_permutations=n_bootstrap)
    rows = [one.row() for one in found]
    paths = [out_dir / "answer.html", out_dir / "answer.json", out_dir / "answer.csv"]
    files.write_json(paths[1], {
        "plan": plan.name, "title": plan.title, "question": plan.question, "in_short": answer.in_short(found),
        "answers": rows, "cells": {name: page.relative(one.folder, out_dir) for name, one in done.items()},
        "lacking": done.lacking})
    files.write_csv(paths[2], answer.COLUMNS, [["" if row[name] is None else row[name] for name in answer.COLUMNS]
                                               for row in rows])
    files.write_text(paths[0], render(plan, done, found, cfg))
    return found, paths


def render(plan: Plan, done: Outcomes, found: Sequence[Answer], cfg: Config) -> str:
    """The page as html text; links are relative to `folder`."""
    out_dir = folder(plan, cfg)
    environment = page.templates(Path(__file__).parent, page.HERE)
    by_folder = {one.folder: one for one in done.values()}
    reports = [{**report, "outdated": []} for report in results.find(cfg.models_trans_dir, cfg.models_dir).reports
               if report["folder"] in by_folder]
    held = {path: one.predictions for path, one in by_folder.items()}
    sets = compare.test_sets(reports, held)
    is_real = any(report["run"].get("corpus") == "real" for report in reports)
    figures = page_tables.published() if is_real else {}
    links = {path: [(words, page.relative(path / name, out_dir)) for name, words in LINKS.items()
                    if (path / name).is_file()] for path in by_folder}
    return environment.get_template("answer.html").render(
        plan=plan, groups=[(hypothesis, list(group)) for hypothesis, group in groupby(
            found, key=lambda one: one.hypothesis)],
        in_short=answer.in_short(found), forest=forest.draw(found), lacking=done.lacking, n_done=len(done),
        demo=DEMO if any(report["run"].get("corpus") == "demo" for report in reports) else "",
        warnings=sorted({sentence for report in reports for sentence in page.warnings(report)}),
        tables=[table(one, by_folder) for one in sets], links=links, has_published=is_real,
        layouts=[page_tables.layout(sets, measure, figures if measure == compare.PUBLISHED else {})
                 for measure in compare.MEASURES if sets],
        setups=[("poster", page_setups.poster(sets, with_published=is_real)),
                ("eusipco", page_setups.eusipco(sets, with_published=is_real))],
        units=sorted({one.unit for one in sets}), config_labels=CONFIG_LABELS, tasks=page_tables.tasks_of(reports),
        flaws=[(one, ways) for one in found[:MOST_FLAWS] if (ways := flaws.measured(one, done))],
        mistakes=mistakes.found(list(done.values()), cfg),
        address=lambda path: page.relative(path, out_dir), shown_p=answer.shown_p,
        signed=answer.signed)


def table(one: compare.TestSet, by_folder: Mapping[Path, Outcome]) -> dict[str, Any]:
    """Cells on one test set, the best first: ``set`` and ``rows``.

    A row has the ``facts`` of its cells, ``words`` on them, their ``reports``, ``n_runs``, and ``cells``: for each task
    of the set what `compare.TestSet.score` says.
    """
    grouped: dict[str, list] = {}
    for _, reports in one.cells:
        for report in reports:
            name = by_folder[report["folder"]].cell.name.rpartition(".it_")[0]
            grouped.setdefault(name, []).append(report)
    rows = []
    for reports in grouped.values():
        facts = by_folder[reports[0]["folder"]].cell.facts
        rows.append({"facts": facts, "words": _words(facts), "reports": reports, "n_runs": len(reports),
                     "cells": [one.score(reports, task, compare.STRICT) for task in one.tasks]})
    return {"set": one, "rows": sorted(rows, key=lambda row: -_first(row["cells"]))}


def _first(cells):
    return next((cell["mean"] for cell in cells if cell), 0)


def _words(facts: Mapping[str, Any]) -> list[str]:
    """What a cell is, beneath the name of its encoder."""
    heard = facts["heard"] if facts["language"] is None else f"{facts['heard']} {facts['language']}"
    hours = f"{facts['hours']:g} h" if facts["hours"] else ""
    music = f"music {facts['music']}" if facts["music"] == facts["tested"] else (
        f"music {facts['music']}, tested on {facts['tested']}")
    folds = f"{facts['folds']} folds" if facts["folds"] else ""
    labels = "" if facts.get("labels", "all") == "all" else f"{facts['labels']} labels"
    normalized = "normalized per group" if facts.get("normalized") else ""
    return [each for each in (f"heard {heard}", hours, facts["mode"], music, folds, labels, normalized) if each]
