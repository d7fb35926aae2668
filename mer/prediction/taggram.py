"""The tag-gram of one prediction: every task over time, above the waveform."""

import numpy as np

from mer.prediction import canvas
from mer.prediction.canvas import GREY, INK, MOST_COLUMNS, PALE, SMALL, TEXT

_GAP = 0.396               # inches below a task
_LEFT, _SPAN = 0.225, 0.63  # shares of the width
_ROWS = {"Q1": "Q1 excited", "Q2": "Q2 tense", "Q3": "Q3 sad", "Q4": "Q4 calm", "A-": "low", "A+": "high",
         "V-": "negative", "V+": "positive"}


def taggram(prediction, path):
    """Draw the probabilities over time above the waveform.

    Parameters
    ----------
    prediction : mer.prediction.predict.Prediction
        Of status "ok".
    path : pathlib.Path
        PNG to write.
    """
    heights = [0.0352 + 0.4488 * max(task.units, 2) for task in prediction.tasks]  # inches
    tall = 3.916 + sum(heights) + _GAP * len(heights)
    figure, image, top = canvas.figure(height=tall), None, 1.8304
    canvas.heading(figure, prediction)
    for task, height in zip(prediction.tasks, heights, strict=True):
        ax = figure.add_axes((_LEFT, 1 - (top + height) / tall, _SPAN, height / tall))
        if task.classes:
            image = _heat_map(ax, prediction, task)
        else:
            _line(ax, prediction, task)
        if task is prediction.tasks[0]:
            ax.text(1.02, 1.03, "mean", transform=ax.transAxes, fontsize=SMALL, color=GREY, va="bottom")
        top += height + _GAP
    _waveform(figure.add_axes((_LEFT, 1.1 / tall, _SPAN, 1 - (top + 1.012) / tall)), prediction)
    if image:
        _probability_bar(figure, image, (_LEFT, 1 - 1.408 / tall, _SPAN, 0.1408 / tall))
    canvas.footnote(figure, prediction, [])
    canvas.save(figure, path)



def _heat_map(ax, prediction, task):
    """One task with classes: a row per class, the likeliest quadrant or + on top, mean over the clip at the right."""
    shown = _averaged(prediction.probabilities[task.name])
    order = range(len(task.classes)) if len(task.classes) > 2 else (1, 0)
    last = prediction.times_seconds[-1] + prediction.hop_seconds  # all cells of an image are equally wide
    image = ax.imshow(shown.T[list(order)], aspect="auto", interpolation="nearest", cmap="viridis", vmin=0, vmax=1,
                      extent=(0, last, len(order) - 0.5, -0.5))
    ax.set_yticks(range(len(order)), [_ROWS.get(task.classes[i], task.classes[i]) for i in order], fontsize=TEXT - 1)
    _title(ax, task)
    mean, spread = prediction.mean[task.name], prediction.mean_spread
    best = int(np.argmax(mean))
    for row, i in enumerate(order):
        words = f"{mean[i]:.0%}" + (f"\n± {spread[task.name][i]:.0%}" if spread else "")
        ax.text(1.02, row, words, transform=ax.get_yaxis_transform(), fontsize=TEXT - 1 if not spread else SMALL - 1.5,
                va="center", linespacing=1, fontweight="bold" if i == best else "normal")
    for edge in np.arange(0.5, len(order) - 1):
        ax.axhline(edge, color="white", linewidth=1.5)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    canvas.time_axis(ax, prediction.seconds, labels=False)
    return image



def _line(ax, prediction, task):
    """One task with a range: its value over time, a band of one standard deviation, mean over the clip at the right."""
    low, high = task.range
    seconds = prediction.times_seconds + prediction.patch_seconds / 2
    values = prediction.value(task.name)
    if prediction.spread:
        spread = task.value_spread(prediction.spread[task.name])
        ax.fill_between(seconds, values - spread, values + spread, color=PALE, linewidth=0)
    ax.axhline((low + high) / 2, color=GREY, linewidth=0.8, linestyle=":")
    ax.plot(seconds, values, color=INK, linewidth=2, marker="o" if len(seconds) < 2 else None)
    ax.set_ylim(low, high)
    ends = (low, (low + high) / 2, high)
    ax.set_yticks(ends, [f"{end:g}".replace("-", "−") for end in ends], fontsize=SMALL)
    _title(ax, task)
    spread = prediction.mean_spread
    words = f"{values.mean():+.2f}".replace("-", "−")
    words += f"\n± {task.value_spread(spread[task.name]):.2f}" if spread else ""
    ax.text(1.02, 0.5, words, transform=ax.transAxes, fontsize=TEXT - 1 if not spread else SMALL - 1.5, va="center",
            linespacing=1, fontweight="bold")
    ax.spines[["top", "right"]].set_visible(False)
    canvas.time_axis(ax, prediction.seconds, labels=False)



def _title(ax, task):
    ax.set_title(task.name.capitalize().replace("_", " "), loc="left", fontsize=TEXT, fontweight="bold", pad=4)



def _waveform(ax, prediction):
    low, high = _reduced(prediction.envelope)
    edges = np.linspace(0, prediction.seconds, len(low) + 1)
    ax.fill_between(edges, np.append(low, low[-1]), np.append(high, high[-1]), step="post", color=GREY, linewidth=0)
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    ax.set_ylabel("Waveform", fontsize=TEXT - 1, rotation=0, ha="right", va="center", labelpad=8)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel("time (minutes:seconds)", fontsize=TEXT - 1)
    canvas.time_axis(ax, prediction.seconds)



def _averaged(values):
    """Rows (n, k) averaged to at most MOST_COLUMNS."""
    if len(values) <= MOST_COLUMNS:
        return values
    starts = np.linspace(0, len(values), MOST_COLUMNS, endpoint=False).astype(int)
    return np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))[:, None]



def _reduced(envelope):
    """Least and greatest of at most MOST_COLUMNS columns."""
    starts = np.linspace(0, len(envelope), min(MOST_COLUMNS, len(envelope)), endpoint=False).astype(int)
    return np.minimum.reduceat(envelope[:, 0], starts), np.maximum.reduceat(envelope[:, 1], starts)



def _probability_bar(figure, image, place):
    bar = figure.colorbar(image, cax=figure.add_axes(place), orientation="horizontal", ticks=(0, 0.25, 0.5, 0.75, 1))
    bar.outline.set_visible(False)
    bar.ax.xaxis.set_ticks_position("top")
    bar.ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bar.ax.tick_params(labelsize=SMALL, length=3)
    bar.ax.text(-0.025, 0.5, "probability", transform=bar.ax.transAxes, fontsize=SMALL, ha="right", va="center")
