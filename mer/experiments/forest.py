"""The forest plot of the answers, narrow enough to be read on a phone."""

import base64
import io
from collections.abc import Sequence

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from mer.experiments.answer import NOT_SHOWN, OPPOSITE, SHOWN, Answer

WIDTH_INCHES, ROW_INCHES = 4.2, 0.46
_COLORS = {SHOWN: "#0072B2", OPPOSITE: "#D55E00", NOT_SHOWN: "#595959"}  # Okabe & Ito (2008)
_MARKERS = {SHOWN: "o", OPPOSITE: "s", NOT_SHOWN: "o"}


def draw(found: Sequence[Answer]) -> str | None:
    """Differences with their intervals, one row an answer, as the address of an svg picture.

    The grey bar of a row reaches to the smallest difference that would have been found 4 times in 5: a true difference
    inside of it may well stay unseen.

    Parameters
    ----------
    found : sequence of Answer

    Returns
    -------
    str or None
        "data:image/svg+xml;base64,..."; None where no answer has an interval. Equal answers give equal bytes.
    """
    rows = [(one, one.finding, one.detectable) for one in found if one.finding and one.detectable is not None]
    if not rows:
        return None
    figure = Figure(figsize=(WIDTH_INCHES, 0.75 + ROW_INCHES * len(rows)), layout="constrained")
    ax = figure.subplots()
    for place, (one, finding, detectable) in enumerate(rows):
        color = _COLORS[one.verdict]
        ax.barh(place, 2 * detectable, left=-detectable, height=0.34, color="#e4e4e0", zorder=0)
        ax.plot([finding.low or 0, finding.high or 0], [place, place], color=color, linewidth=2.2,
                solid_capstyle="butt")
        ax.plot(finding.difference, place, marker=_MARKERS[one.verdict], markersize=7, color=color,
                markerfacecolor="white" if one.verdict == NOT_SHOWN else color, markeredgewidth=1.8)
        name, task = one.hypothesis.name.replace("$", r"\$"), one.task.name.replace("_", " ")
        ax.annotate(f"{name}: {task}", (0, place), xycoords=("axes fraction", "data"), xytext=(2, 7.5),
                    textcoords="offset points", fontsize=8.5, va="bottom", annotation_clip=False,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    ax.axvline(0, color="#1d1d1b", linewidth=1)
    ax.set(yticks=[], ylim=(len(rows) - 0.5, -0.95))
    ax.set_xlabel("difference of the score over clips, 95 % interval", fontsize=8.5)
    ax.tick_params(labelsize=8.5)
    ax.spines[["top", "right", "left"]].set_visible(False)
    held = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "answer"}):
        FigureCanvasSVG(figure).print_svg(held, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(held.getvalue()).decode()
