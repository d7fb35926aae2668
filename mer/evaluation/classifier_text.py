"""What report.txt says of classifiers on features: how they compared inside the training clips, which features told."""

import textwrap
from typing import Any

_SCORES = {"clip_f1_macro": "F1 macro, clips", "part_f1_weighted": "F1 weighted, parts"}


def sections(run: dict[str, Any]) -> list[list[str]]:
    """Lines of each section; none where a run has no classifiers, or is a test of a model on another corpus.

    Parameters
    ----------
    run : dict
        The ``run`` of a report: ``comparison`` and ``best_features`` by task, ``chosen``.
    """
    if run.get("tested"):
        return []
    return [*([_comparison(run)] if run.get("comparison") else []),
            *([_chosen(run)] if any("clip_f1_macro" in one for one in (run.get("chosen") or {}).values()) else []),
            *([_features(run["best_features"])] if run.get("best_features") else [])]


def _comparison(run):
    """A row a classifier, columns the tasks; the chosen ones are marked."""
    tables = run["comparison"]
    folds = max(row["folds"] for rows in tables.values() for row in rows)
    lines = [f"COMPARISON OF CLASSIFIERS inside the training clips ({folds} folds, groups whole; * was chosen)"]
    for score, words in _SCORES.items():
        lines += ["", f"{words:<26}" + "".join(f"{task:<21}" for task in tables).rstrip()]
        for title in sorted(row["title"] for row in next(iter(tables.values()))):
            cells = [next(row for row in rows if row["title"] == title) for rows in tables.values()]
            marks = ["*" if run["chosen"][task]["title"] == title else "" for task in tables]
            lines.append(f"  {title:<24}" + "".join(
                f"{f'{cell[score]:.2f}{mark}':<21}" for cell, mark in zip(cells, marks, strict=True)).rstrip())
    return lines


def _chosen(run):
    """Classifier of each task, and what cross-validation inside the training clips chose for it."""
    lines = ["CHOSEN by cross-validation inside the training clips, groups whole"]
    for task, choice in run["chosen"].items():
        more = ", ".join(f"{name} {choice[name]:.4g}" for name in ("C", "gamma") if name in choice)
        inner = (f" (F1 macro over clips {choice['clip_f1_macro']:.2f})"
                 if "clip_f1_macro" in choice else "")
        lines.append(f"  {task:<11}{choice['title']}{more and f', {more}'}{inner}")
    return lines


def _features(best):
    """The best features of each task."""
    lines = ["BEST FEATURES by chi2 on the training clips (features.csv has all)"]
    for task, features in best.items():
        named = ", ".join(f"{name} ({value:.3g})" for name, value in features)
        lines += textwrap.wrap(f"{task:<11}{named}", 108, initial_indent="  ", subsequent_indent=" " * 13)
    return lines
