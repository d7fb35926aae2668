"""Pictures of one report: confusion matrices, certainty and learning curves, as PNG.

Figures are drawn without pyplot, so no window system and no global state is touched. Colors are from the
palette of Okabe & Ito (2008, "Color Universal Design"), and no line is told from another by color alone.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from mer import files
from mer.evaluation import calibration
from mer.tasks import Task

DPI = 130
COLORS = 256
TRAIN, VALIDATION, GREY = "#0072B2", "#D55E00", "#595959"
_LINES, _STYLES = (TRAIN, VALIDATION, "#009E73", "#CC79A7"), ("-", "--", "-.", (0, (1, 1)))


def confusion(report: dict, tasks: Sequence[Task], path: Path) -> None:
    """Draw confusion matrices: clips in the upper row, patches in the lower.

    Parameters
    ----------
    report : dict
        As `mer.evaluation.report.write` returns it.
    tasks : sequence of Task
        With classes; at least one.
    path : pathlib.Path
        PNG file to write.
    """
    figure = blank(width=3 * max(len(tasks), 2), height=6.4)
    axes = figure.subplots(2, len(tasks), squeeze=False)
    for row, level, plural in zip(axes, ("clip", "patch"), ("clips", "patches"), strict=True):
        for ax, task in zip(row, tasks, strict=True):
            image = _matrix(ax, report[level][task.name], title=f"{task.name.capitalize()}, {plural}", unit=level)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, aspect=30)
    bar.set_label("share of the true class (recall on the diagonal)")
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    save(figure, path)


def certainty(clips: Mapping[str, tuple], tasks: Sequence[Task], path: Path) -> None:
    """Draw what leaving out uncertain clips brings, and whether the certainty can be believed.

    Parameters
    ----------
    clips : mapping of str -> (truth, predicted, probabilities)
        By task: arrays of shape (n,), (n,), (n, classes); a truth of -1 is no label.
    tasks, path
        As for `confusion`.
    """
    figure = blank(width=9, height=4.4)
    left, right = figure.subplots(1, 2)
    right.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.5, label="as certain as right")
    for number, task in enumerate(tasks):
        truth, predicted, probabilities = clips[task.name]
        known = task.is_labelled(truth)
        sure, correct = probabilities[known].max(axis=1), (predicted == truth)[known]
        coverage, accuracy = calibration.coverage_curve(sure, correct)
        style = {"color": _LINES[number % len(_LINES)], "linestyle": _STYLES[number % len(_STYLES)], "linewidth": 2}
        start = min(max(len(coverage) // 20, 1), len(coverage)) - 1  # the first few answers are luck
        left.plot(coverage[start:], accuracy[start:], label=task.name.replace("_", " "), **style)
        parts = calibration.bins(sure, correct)
        right.plot([part[0] for part in parts], [part[1] for part in parts], marker="o", markersize=5, **style)
    left.set(xlabel="share of clips answered, the most certain first", ylabel="share of right answers",
             title="If uncertain clips are left out", xlim=(0, 1.01))
    right.set(xlabel="certainty (largest probability)", ylabel="share of right answers", xlim=(0, 1.01),
              title="Can the certainty be believed?")
    for ax in (left, right):
        ax.set_ylim(0, 1.02)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        ax.grid(color="#e3e3e3")
        ax.spines[["top", "right"]].set_visible(False)
    left.legend(loc="lower left", frameon=False)
    right.legend(loc="upper left", frameon=False)
    save(figure, path)


def learning_curves(history: Sequence[dict], tasks: Sequence[Task], path: Path) -> None:
    """Draw loss and the metric of each task over the epochs, training against validation.

    Parameters
    ----------
    history : sequence of dict, one per epoch in order, at least one
        Keys ``loss``, ``val_loss``, ``<task>_<metric>``, ``val_<task>_<metric>`` and, optional, ``stage``;
        a key that is missing everywhere leaves its line out.
    tasks : sequence of Task
    path : pathlib.Path
        PNG file to write.
    """
    best = kept_epoch(history)
    panels: list[tuple[str, str, float | None]] = [("loss", "All tasks together", None)]
    panels += [(f"{task.name}_{task.metric}", task.name.capitalize().replace("_", " "),
                1 / task.units if task.classes else None) for task in tasks]
    n_rows = -(-len(panels) // 2)
    figure = blank(width=9, height=3 * n_rows)
    axes = figure.subplots(n_rows, 2, sharex=True).ravel()
    for ax, (key, title, guess) in zip(axes, panels, strict=False):
        _curves(ax, history, key=key, title=title, guess=guess)
        _mark_stages(ax, history)
        _mark_best(ax, history, key=key, best=best)
    for ax in axes[len(panels):]:
        ax.set_axis_off()
    for ax in axes[-2:]:
        ax.set_xlabel("epoch")
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    save(figure, path)


def filters(before: np.ndarray, after: np.ndarray, *, rate_hz: int, path: Path) -> None:
    """Draw what band-pass filters listen to, before and after training: their bands, and their summed response.

    Parameters
    ----------
    before, after : np.ndarray, shape (size, filters)
        Impulse responses.
    rate_hz : int
        Sample rate.
    path : pathlib.Path
        PNG file to write.

    References
    ----------
    Ravanelli & Bengio (2018), Speaker recognition from raw waveform with SincNet, figure 3: the summed response.
    """
    figure = blank(width=9, height=6)
    bands, total = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    n_fft = 8192
    khz = np.fft.rfftfreq(n_fft, 1 / rate_hz) / 1000
    for number, (kernels, color, style, words) in enumerate((
            (before, GREY, ":", "before training"), (after, TRAIN, "-", "after training"))):
        gain = np.abs(np.fft.rfft(kernels, n_fft, axis=0))  # (bins, filters)
        passed = gain > gain.max(axis=0) / 2
        order = np.argsort((passed * khz[:, None]).sum(axis=0) / passed.sum(axis=0))
        for place, one in enumerate(order):
            edges = khz[np.flatnonzero(passed[:, one])[[0, -1]]]
            bands.plot(edges, [place + 0.4 * number] * 2, color=color, linewidth=2 - number,
                       label="" if place else words)
        summed = gain.sum(axis=1)
        total.plot(khz, summed / summed.max(), color=color, linestyle=style, label=words)
    bands.set(ylabel="filter, by the middle of its band", title="Where the gain is above half of its maximum")
    total.set(xlabel="frequency [kHz]", ylabel="share of the maximum", title="Sum of the gains of all filters")
    bands.legend(loc="lower right", frameon=False)
    total.legend(loc="upper right", frameon=False)
    save(figure, path)


def kept_epoch(history: Sequence[dict]) -> int | None:
    """Position, from 1, of the first epoch of least validation loss in the last stage; None without one.

    Those are the weights that `mer.training.loop.fit` keeps; stages before the last only lead up to it.
    """
    last = history[-1].get("stage")
    losses = [(epoch["val_loss"], number) for number, epoch in enumerate(history, 1)
              if epoch.get("stage") == last and np.isfinite(_value(epoch, "val_loss"))]
    return min(losses)[1] if losses else None


def _matrix(ax, result, *, title, unit):
    """One confusion matrix: color and percentage per true class, counts in the cells."""
    counts = np.asarray(result["confusion"])
    support = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(support, 1)
    image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{share:.0%}\n{counts[row, column]:,}" if support[row, 0] else f"no\n{unit}"
        ax.text(column, row, text, ha="center", va="center", color="white" if share > 0.6 else "#1a1a1a",
                fontsize=9 if len(counts) > 2 else 12, linespacing=1.3)
    ticks = np.arange(len(counts))
    ax.set(title=title, xlabel="predicted", ylabel="true")
    ax.set_xticks(ticks, result["classes"])
    ax.set_yticks(ticks, result["classes"])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return image


def _curves(ax, history, *, key, title, guess):
    """One panel: training and validation values over the epochs, and the level of chance."""
    epochs = np.arange(1, len(history) + 1)
    for name, label, color, style in ((key, "training", TRAIN, "-"), (f"val_{key}", "validation", VALIDATION, "--")):
        values = np.array([_value(epoch, name) for epoch in history])
        if np.isfinite(values).any():
            # A single epoch has no line, so a marker keeps it visible.
            ax.plot(epochs, values, style, color=color, label=label, linewidth=2,
                    marker="o" if len(epochs) == 1 else None)
    if guess:
        ax.axhline(guess, color=GREY, linestyle=":", linewidth=1.5, label="uniform guess")
        ax.set_ylim(0, 1.02)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    else:
        ax.set_ylim(0, ax.get_ylim()[1] * 1.05)
    ax.set_xlim(0.5, len(epochs) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(title, loc="left")
    ax.set_ylabel("accuracy" if guess else key.rpartition("mean_")[2].replace("_", " "))
    ax.grid(color="#e3e3e3")
    ax.spines[["top", "right"]].set_visible(False)


def _mark_stages(ax, history):
    """A vertical line wherever the stage changes, named in the loss panel."""
    stages = [epoch.get("stage") for epoch in history]
    for number, (before, after) in enumerate(pairwise(stages), 1):
        if before != after:
            ax.axvline(number + 0.5, color=GREY, linewidth=1)
            _note(ax, number + 0.5, f"{before} | {after}", height=0.03)


def _mark_best(ax, history, *, key, best):
    """A ring around the validation value of the epoch whose weights were kept."""
    if not best:
        return
    value = _value(history[best - 1], f"val_{key}")
    if np.isfinite(value):
        ax.plot([best], [value], "o", markersize=11, markerfacecolor="none", markeredgecolor="black",
                markeredgewidth=1.8, label=f"weights kept (epoch {best})", linestyle="none")


def _note(ax, x, text, *, height):
    """Small text at an epoch, at a share of the panel's height."""
    ax.annotate(text, (x, height), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=8,
                color=GREY, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})


def _value(epoch, key):
    """A history value as a float; NaN where it is missing."""
    value = epoch.get(key)
    return float("nan") if value in (None, "") else float(value)


def blank(*, width: float, height: float) -> Figure:
    """An empty figure in inches that arranges its own margins."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write to a temporary name, then rename.

    A small palette keeps a picture near 40 kB, so that a page can embed dozens; there is no date in
    it, so equal input gives equal bytes.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    with files.writing(path, suffix=".png") as temporary:
        picture.quantize(COLORS, dither=Image.Dither.NONE).save(temporary, format="png", optimize=True)
