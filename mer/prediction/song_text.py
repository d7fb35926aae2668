"""Predictions in words: the lines that quad_pred.py prints, and the name of an ensemble."""

from mer.tasks import TASKS
from mer.text import printable


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
    words = summary["labels"]["quadrants"]["meaning"][summary["quadrant"]]
    for task in TASKS:
        cells = [f"{name} {value:.3f}" + (f" ± {spread[task.name][name]:.3f}" if spread else "")
                 for name, value in summary["mean"][task.name].items()]
        if task.name in summary:  # the continuous value
            around = f" ± {summary[f'{task.name}_spread']:.3f}" if spread else ""
            cells.append(f"  {round(summary[task.name], 3) + 0.0:+.3f}{around}")
        else:
            cells.append(f"  {summary['quadrant']}: {words}")
        lines.append(f"  {task.name:9}  " + "  ".join(cells))
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
