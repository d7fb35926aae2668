"""Forest plot of alphas: classes from top to bottom, one marker and interval per group, one panel per level."""

import numpy as np

from mer.evaluation import plots

# Okabe & Ito (2008), the darker ones; all raters together are black. Markers differ too, so color is never alone.
_COLORS = "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
_MARKERS = "s", "o", "^", "D", "v", "P", "X", "<", ">", "*"
_SPREAD = 0.76     # share of a row that its markers take


def forest(report, path):
    """Draw the alphas of a report.

    Parameters
    ----------
    report : dict
        As `mer.agreement.report.write` returns it.
    path : pathlib.Path
        PNG file to write.
    """
    rows = report["alphas"]
    levels, classes, groups = (list(dict.fromkeys(row[key] for row in rows)) for key in ("level", "class", "group"))
    height = 1.9 + len(classes) * (0.2 + 0.12 * len(groups))
    figure = plots.blank(width=2.2 + 3.3 * len(levels), height=max(3.2, height))
    axes = figure.subplots(1, len(levels), sharex=True, sharey=True, squeeze=False)[0]
    for ax, level in zip(axes, levels, strict=True):
        of_level = {(row["class"], row["group"]): row for row in rows if row["level"] == level}
        for index, group in enumerate(groups):
            _group(ax, [of_level[name, group] for name in classes], index, len(groups))
        _frame(ax, classes, title=f"{level} level")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 1 + 2 * len(levels)),
                  frameon=False)
    figure.supxlabel("Krippendorff's alpha with 95 % interval over clips (0: chance, 1: full agreement)", fontsize=10)
    plots.save(figure, path)


def _group(ax, rows, index, n_groups):
    """Markers and intervals of one group, class by class."""
    color, marker = _COLORS[index % len(_COLORS)], _MARKERS[index % len(_MARKERS)]
    offset = _SPREAD * ((index + 0.5) / n_groups - 0.5)
    alphas = np.array([np.nan if row["alpha"] is None else row["alpha"] for row in rows])
    ax.plot(alphas, np.arange(len(rows)) + offset, marker, color=color, markersize=5,
            label=f"{rows[0]['group']} ({rows[0]['n_raters']} raters)")
    for y, row in enumerate(rows):
        if row["alpha"] is None:
            ax.annotate("undefined", (0, y + offset), fontsize=7, color=color, va="center")
        elif row["low"] is not None:
            ax.plot([row["low"], row["high"]], [y + offset] * 2, color=color, linewidth=1.4)


def _frame(ax, classes, *, title):
    """Class names, a line at chance, and a band behind every second class."""
    for y in range(0, len(classes), 2):
        ax.axhspan(y - 0.5, y + 0.5, color="#f2f2f2", zorder=0)
    ax.axvline(0, color=plots.GREY, linewidth=1)
    ax.set_yticks(np.arange(len(classes)), classes)
    ax.set_ylim(len(classes) - 0.5, -0.5)
    ax.set_title(title, loc="left")
    ax.grid(axis="x", color="#d9d9d9")
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
