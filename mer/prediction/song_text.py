"""Predictions in words: the lines that quad_pred.py prints, what its numbers mean, and the name of an ensemble."""

from collections.abc import Sequence
from typing import Any

from mer.tasks import QUADRANTS, Task
from mer.text import printable

QUADRANT_WORDS = {"Q1": "excited, happy (A+ V+)", "Q2": "tense, angry (A+ V-)", "Q3": "sad, depressed (A- V-)",
                  "Q4": "calm, relaxed (A- V+)"}


def labels(tasks: Sequence[Task]) -> dict[str, Any]:
    """Task -> classes in the order of the columns, range and what the numbers mean; JSON-able."""
    made: dict[str, Any] = {}
    for task in tasks:
        made[task.name] = {"classes": list(task.classes), "range": [0, 1], "sum": 1} if task.classes else {}
        if task.classes == QUADRANTS:
            made[task.name]["meaning"] = dict(QUADRANT_WORDS)
        if task.range is not None:
            made[task.name]["value"] = {"name": task.name, "range": list(task.range)}
        elif task.has_value:
            low, high = task.classes
            made[task.name]["value"] = {"name": task.name, "formula": f"P({high}) - P({low})", "range": [-1, 1]}
    return made


def as_text(summary):
    """The mean probabilities of one song in lines, as people read them.

    Parameters
    ----------
    summary : dict
        `Prediction.summary()`.

    Returns
    -------
    str
    """
    if summary["status"] != "ok":
        return printable(summary["message"])
    n, spread = summary["n_predictions"], summary["mean_spread"]
    lines = [f"{printable(summary['file'])}: {clock(summary['seconds'])}, {n} prediction{'s' * (n != 1)},"
             f" one every {summary['hop_seconds']:.3f} s"
             + (f", mean ± spread over {len(summary['models'])} models" if spread else "")]
    if summary.get("remark"):
        lines.append(f"  {summary['file']} {summary['remark']}.")
    if summary.get("verdict"):
        words = summary["verdict"]["words"]
        lines.append(f"  {words[:1].upper()}{words[1:]}.")
    width = max(9, *map(len, summary["labels"]))
    for task, labels in summary["labels"].items():
        cells = [f"{name} {summary['mean'][task][name]:.3f}" + (f" ± {spread[task][name]:.3f}" if spread else "")
                 for name in labels.get("classes", [])]
        if "value" in labels:
            around = f" ± {summary[f'{task}_spread']:.3f}" if spread else ""
            cells.append(f"  {round(summary[task], 3) + 0.0:+.3f}{around}")
            cells += [] if cells[1:] else ["({:g} to {:g})".format(*labels["value"]["range"])]
        elif "meaning" in labels:
            cells.append(f"  {summary['quadrant']}: {labels['meaning'][summary['quadrant']]}")
        lines.append(f"  {task:{width}}  " + "  ".join(cells))
    return "\n".join(lines)


def models(titles):
    """One model, or an ensemble by what its members share; the same number of run alone is nothing shared.

    Parameters
    ----------
    titles : sequence of str
        `engines.title` of each.

    Returns
    -------
    str
        Without "demo corpus", of which pictures speak in a sentence of their own.
    """
    parts = [title.replace("->", "→").removesuffix(", demo corpus").split(", ") for title in titles]
    shared = ", ".join(part for part in parts[0] if all(part in other for other in parts))
    named = f": {shared}" if shared and not shared.startswith("run ") else ""
    return shared if len(parts) == 1 else f"mean of {len(parts)} models{named}"


def clock(seconds):
    """Minutes and seconds, 3:07, with hours where there are some, 1:03:07."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
