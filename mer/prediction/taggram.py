"""Two pictures of one prediction: the tag-gram above the waveform, and the path through the arousal-valence plane.

1080 pixels wide and upright, for a phone. Colours are of viridis or grey, so that any eyes and a printer in black
tell them apart. Positions are fixed: matplotlib's layout engines take longer than a prediction.
"""

import logging
import warnings
from contextlib import contextmanager

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from mer import files
from mer.prediction import fonts, song_text
from mer.prediction.predict import shown
from mer.tasks import TASKS
from mer.text import printable

DPI = 150
WIDTH = 7.2                # inches: 1080 pixels
MOST_COLUMNS = 900         # of the tag-gram and the waveform, about one a pixel
INK, GREY, PALE = "#1a1a1a", "#595959", "#e3e3e3"
_LEFT, _SPAN = 0.225, 0.63  # of the tag-gram, as shares of the width
TEXT, SMALL, TITLE = 15, 12.5, 18  # points; 15 are 31 pixels of 1080

# The end of viridis is too pale for a line on white.
_PATH_COLOURS = ListedColormap(colormaps["viridis"](np.linspace(0, 0.84, 256)))
_ROWS = {"Q1": "Q1 excited", "Q2": "Q2 tense", "Q3": "Q3 sad", "Q4": "Q4 calm", "A-": "low", "A+": "high",
         "V-": "negative", "V+": "positive"}
_PLANE_WORDS = {"Q1": "excited, happy", "Q2": "tense, angry", "Q3": "sad", "Q4": "calm"}
_TICKS_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 7


def taggram(prediction, path):
    """Draw the probabilities over time above the waveform.

    Parameters
    ----------
    prediction : mer.prediction.predict.Prediction
        Of status "ok".
    path : pathlib.Path
        PNG to write.
    """
    figure = _figure(height=8.8)
    _heading(figure, prediction)
    bottom = 0.792
    for task, height in zip(TASKS, (0.208, 0.106, 0.106), strict=True):
        image = _heat_map(figure.add_axes((_LEFT, bottom - height, _SPAN, height)), prediction, task)
        bottom -= height + 0.045
    _waveform(figure.add_axes((_LEFT, 0.125, _SPAN, bottom - 0.115)), prediction)
    _probability_bar(figure, image, (_LEFT, 0.84, _SPAN, 0.016))
    _footnote(figure, prediction, [])
    _save(figure, path)


def plane(prediction, path):
    """Draw the path of a song through the arousal-valence plane, time as colour.

    Parameters
    ----------
    prediction : mer.prediction.predict.Prediction
        Of status "ok".
    path : pathlib.Path
        PNG to write.
    """
    figure = _figure(height=10.5)
    _heading(figure, prediction)
    ax = figure.add_axes((0.1, 0.2485, 0.86, 0.86 * WIDTH / 10.5))
    _quadrants(ax, prediction)
    width = _smoothing(len(prediction.times_seconds))
    line = _path(ax, prediction, width)
    _marks(ax, prediction, width)
    bar = figure.colorbar(line, cax=figure.add_axes((0.1, 0.138, 0.86, 0.014)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_label("time (minutes:seconds)", fontsize=TEXT - 1)
    _time_axis(bar.ax, prediction.seconds)
    said = []
    if width > 1:
        said.append(f"dots: each prediction; line: mean over {width} of them ({width * prediction.hop_seconds:.1f} s)")
    if prediction.spread:
        said.append(f"grey, dashed: ± 1 standard deviation over the {len(prediction.members)} models")
    _footnote(figure, prediction, said)
    _save(figure, path)


def _figure(*, height):
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _heading(figure, prediction):
    """File name, and the models that spoke."""
    _text(figure, 0.28, _shortened(printable(shown(prediction.path.name)), 38), fontsize=TITLE, fontweight="bold")
    about = song_text.models([member["title"] for member in prediction.members])
    _text(figure, 0.62, _shortened(about, 88), fontsize=SMALL, color=GREY)


def _footnote(figure, prediction, lines):
    if prediction.is_demo:
        lines = [*lines, "Demo model, taught by synthetic sound: it says nothing about real music."]
    for number, line in enumerate(reversed(lines)):
        _text(figure, figure.get_figheight() - 0.18 - 0.24 * number, line, fontsize=SMALL - 1, color=GREY)


def _heat_map(ax, prediction, task):
    """One task: a row per class, the likeliest quadrant or + on top, mean over the clip at the right."""
    shown = _averaged(prediction.probabilities[task.name])
    order = range(len(task.classes)) if len(task.classes) > 2 else (1, 0)
    last = prediction.times_seconds[-1] + prediction.hop_seconds  # all cells of an image are equally wide
    image = ax.imshow(shown.T[list(order)], aspect="auto", interpolation="nearest", cmap="viridis", vmin=0, vmax=1,
                      extent=(0, last, len(order) - 0.5, -0.5))
    ax.set_yticks(range(len(order)), [_ROWS[task.classes[i]] for i in order], fontsize=TEXT - 1)
    ax.set_title(task.name.capitalize(), loc="left", fontsize=TEXT, fontweight="bold", pad=4)
    mean, spread = prediction.mean[task.name], prediction.mean_spread
    best = int(np.argmax(mean))
    for row, i in enumerate(order):
        words = f"{mean[i]:.0%}" + (f"\n± {spread[task.name][i]:.0%}" if spread else "")
        ax.text(1.02, row, words, transform=ax.get_yaxis_transform(), fontsize=TEXT - 1 if not spread else SMALL - 1.5,
                va="center", linespacing=1, fontweight="bold" if i == best else "normal")
    if task is TASKS[0]:
        ax.text(1.02, 1.03, "mean", transform=ax.transAxes, fontsize=SMALL, color=GREY, va="bottom")
    for edge in np.arange(0.5, len(order) - 1):
        ax.axhline(edge, color="white", linewidth=1.5)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    _time_axis(ax, prediction.seconds, labels=False)
    return image


def _waveform(ax, prediction):
    low, high = _reduced(prediction.envelope)
    edges = np.linspace(0, prediction.seconds, len(low) + 1)
    ax.fill_between(edges, np.append(low, low[-1]), np.append(high, high[-1]), step="post", color=GREY, linewidth=0)
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    ax.set_ylabel("Waveform", fontsize=TEXT - 1, rotation=0, ha="right", va="center", labelpad=8)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel("time (minutes:seconds)", fontsize=TEXT - 1)
    _time_axis(ax, prediction.seconds)


def _quadrants(ax, prediction):
    """Axes of the plane; each quadrant is named at its corner, with its mean probability."""
    ax.set(xlim=(-1, 1), ylim=(-1, 1), facecolor="#f7f7f7")
    ax.plot([-1, 1], [0, 0], [0, 0], [-1, 1], color=GREY, linewidth=1, zorder=1)
    for name, probability in zip(TASKS[0].classes, prediction.mean["quadrants"], strict=True):
        x, y = (1 if name in ("Q1", "Q4") else -1), (1 if name in ("Q1", "Q2") else -1)
        ax.annotate(f"{name} {_PLANE_WORDS[name]}\n{probability:.0%}", (x, y), xytext=(0, (6 if y > 0 else -20)),
                    textcoords="offset points", fontsize=TEXT, color=INK, va="bottom" if y > 0 else "top",
                    ha="right" if x > 0 else "left", fontweight="bold" if name == prediction.quadrant else "normal")
    ax.set_xlabel("valence\nP(V+) − P(V−)", fontsize=TEXT - 1, labelpad=2, linespacing=1.2)
    ax.set_ylabel("arousal: P(A+) − P(A−)", fontsize=TEXT - 1, labelpad=2)
    ax.set_xticks([-1, 0, 1], ["−1", "0", "+1"], fontsize=SMALL - 1)
    ax.set_yticks([-1, 0, 1], ["−1", "0", "+1"], fontsize=SMALL - 1)
    ax.yaxis.get_ticklabels()[0].set_verticalalignment("bottom")
    ax.tick_params(length=0, pad=3, labelcolor=GREY)
    ax.spines[:].set_color(GREY)


def _path(ax, prediction, width):
    """The smoothed path as a line, each prediction as a dot; returns the line, for the colour bar."""
    x, y = _smoothed(prediction.valence, width), _smoothed(prediction.arousal, width)
    seconds = prediction.times_seconds + prediction.patch_seconds / 2
    norm = Normalize(0, max(prediction.seconds, seconds[-1]))
    if prediction.spread:
        _spread(ax, prediction, x, y, width)
    if width > 1:
        ax.scatter(prediction.valence, prediction.arousal, c=seconds, cmap=_PATH_COLOURS, norm=norm, alpha=0.5,
                   s=np.clip(8000 / len(x), 5, 20), linewidths=0, zorder=3, clip_on=False)
    ax.plot(x, y, color="white", linewidth=6, solid_capstyle="round", solid_joinstyle="round", zorder=4, clip_on=False)
    points = np.column_stack([x, y])[:, None]
    line = LineCollection(np.concatenate([points[:-1], points[1:]], axis=1), cmap=_PATH_COLOURS, norm=norm,
                          linewidths=3.6, capstyle="round", zorder=5, clip_on=False)
    line.set_array(seconds[:-1])
    return ax.add_collection(line)


def _spread(ax, prediction, x, y, width):
    """A band: ellipses of one standard deviation over the members, around points of the line."""
    wide, high = (4 * _smoothed(prediction.spread[name][:, 1], width) for name in ("valence", "arousal"))
    chosen = np.unique(np.linspace(0, len(x) - 1, MOST_COLUMNS).astype(int))
    ax.add_collection(EllipseCollection(
        np.maximum(wide[chosen], 1e-3), np.maximum(high[chosen], 1e-3), np.zeros(len(chosen)), units="xy",
        offsets=np.column_stack([x, y])[chosen], offset_transform=ax.transData, facecolors=PALE, zorder=0))


def _marks(ax, prediction, width):
    """Start, end and mean of the song, with a legend that they cannot hide."""
    x, y = _smoothed(prediction.valence, width), _smoothed(prediction.arousal, width)
    mean = float(prediction.valence.mean()), float(prediction.arousal.mean())
    if prediction.mean_spread:
        spread = prediction.mean_spread
        ax.add_patch(Ellipse(mean, 4 * spread["valence"][1], 4 * spread["arousal"][1], facecolor="none",
                             edgecolor=INK, linewidth=1.8, linestyle="--", zorder=6))
    for name, at, marker, colour in (("start", (x[0], y[0]), "o", _PATH_COLOURS(0.0)),
                                     ("end", (x[-1], y[-1]), "s", _PATH_COLOURS(1.0)), ("mean", mean, "P", "white")):
        ax.plot(*at, marker, markersize=16 if marker == "P" else 13, markerfacecolor=colour, markeredgecolor=INK,
                markeredgewidth=1.8, zorder=7, clip_on=False, label=name, linestyle="none")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=SMALL, frameon=False, handletextpad=0.1,
              columnspacing=1, borderpad=0.1, markerscale=0.8)


def _smoothing(n):
    """Predictions to average for one point of the line: an odd number, about a thirtieth of the song."""
    return 1 if n < 8 else max(3, n // 30 // 2 * 2 + 1)


def _smoothed(values, width):
    """Running mean; at the ends over what there is."""
    window = np.ones(width)
    return np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")


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


def _time_axis(ax, seconds, *, labels=True):
    """Ticks at round times, written m:ss or h:mm:ss."""
    step = next((step for step in _TICKS_SECONDS if seconds / step < _MOST_TICKS), _TICKS_SECONDS[-1])
    ticks = np.arange(0, seconds + step * 1e-6, step)
    ax.set_xlim(0, seconds)
    ax.set_xticks(ticks, [_clock(tick, step) for tick in ticks] if labels else [])
    ax.tick_params(axis="x", labelsize=SMALL, length=4 if labels else 0)
    if labels and ticks[-1] > 0.97 * seconds and ax.get_position().x1 > 0.9:
        ax.get_xticklabels()[-1].set_horizontalalignment("right")  # it would leave the picture


def _clock(seconds, step):
    if step < 1:
        return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    return song_text.clock(seconds)


def _probability_bar(figure, image, place):
    bar = figure.colorbar(image, cax=figure.add_axes(place), orientation="horizontal", ticks=(0, 0.25, 0.5, 0.75, 1))
    bar.outline.set_visible(False)
    bar.ax.xaxis.set_ticks_position("top")
    bar.ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    bar.ax.tick_params(labelsize=SMALL, length=3)
    bar.ax.text(-0.025, 0.5, "probability", transform=bar.ax.transAxes, fontsize=SMALL, ha="right", va="center")


def _text(figure, inches, text, **options):
    """A line at a distance from the top, smaller where it would be too wide; a "$" in a file name is no formula."""
    line = figure.text(0.04, 1 - inches / figure.get_figheight(), text, parse_math=False,
                       fontfamily=fonts.families(text), va="center", **options)
    with _boxes():
        width = line.get_window_extent().width
    line.set_fontsize(line.get_fontsize() * min(1, 0.92 * figure.bbox.width / width))


@contextmanager
def _boxes():
    """Characters that no font here has become boxes, and some fonts have no bold face; no warning for each."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def _shortened(text, most):
    return text if len(text) <= most else f"{text[:most - 9]}…{text[-8:]}"


def _save(figure, path):
    """Write whole or not at all."""
    with files.writing(path, suffix=".png") as partial, _boxes():
        figure.canvas.print_png(partial, pil_kwargs={"compress_level": 1})
