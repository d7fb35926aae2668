"""The path of one prediction through the arousal-valence plane, time as color."""

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Ellipse

from mer.prediction import canvas
from mer.prediction.canvas import GREY, INK, MOST_COLUMNS, PALE, SMALL, TEXT, WIDTH
from mer.tasks import QUADRANTS

# The end of viridis is too pale for a line on white.
_PATH_COLORS = ListedColormap(colormaps["viridis"](np.linspace(0, 0.84, 256)))
_PLANE_WORDS = {"Q1": "excited, happy", "Q2": "tense, angry", "Q3": "sad", "Q4": "calm"}


def plane(prediction, path):
    """Draw the path of a song through the arousal-valence plane, time as color.

    Parameters
    ----------
    prediction : mer.prediction.predict.Prediction
        Of status "ok".
    path : pathlib.Path
        PNG to write.
    """
    figure = canvas.figure(height=10.5)
    canvas.heading(figure, prediction)
    ax = figure.add_axes((0.1, 0.2485, 0.86, 0.86 * WIDTH / 10.5))
    _quadrants(ax, prediction)
    width = _smoothing(len(prediction.times_seconds))
    line = _path(ax, prediction, width)
    _marks(ax, prediction, width)
    bar = figure.colorbar(line, cax=figure.add_axes((0.1, 0.138, 0.86, 0.014)), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.set_label("time (minutes:seconds)", fontsize=TEXT - 1)
    canvas.time_axis(bar.ax, prediction.seconds)
    said = []
    if width > 1:
        said.append(f"dots: each prediction; line: mean over {width} of them ({width * prediction.hop_seconds:.1f} s)")
    if prediction.spread:
        said.append(f"grey, dashed: ± 1 standard deviation over the {len(prediction.members)} models")
    canvas.footnote(figure, prediction, said)
    canvas.save(figure, path)



def _quadrants(ax, prediction):
    """Axes of the plane; each quadrant is named at its corner, with its mean probability."""
    ax.set(xlim=(-1, 1), ylim=(-1, 1), facecolor="#f7f7f7")
    ax.plot([-1, 1], [0, 0], [0, 0], [-1, 1], color=GREY, linewidth=1, zorder=1)
    for name, probability in zip(QUADRANTS, prediction.mean["quadrants"], strict=True):
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
    """The smoothed path as a line, each prediction as a dot; returns the line, for the color bar."""
    x, y = _smoothed(prediction.valence, width), _smoothed(prediction.arousal, width)
    seconds = prediction.times_seconds + prediction.patch_seconds / 2
    norm = Normalize(0, max(prediction.seconds, seconds[-1]))
    if prediction.spread:
        _spread(ax, prediction, x, y, width)
    if width > 1:
        ax.scatter(prediction.valence, prediction.arousal, c=seconds, cmap=_PATH_COLORS, norm=norm, alpha=0.5,
                   s=np.clip(8000 / len(x), 5, 20), linewidths=0, zorder=3, clip_on=False)
    ax.plot(x, y, color="white", linewidth=6, solid_capstyle="round", solid_joinstyle="round", zorder=4, clip_on=False)
    points = np.column_stack([x, y])[:, None]
    line = LineCollection(np.concatenate([points[:-1], points[1:]], axis=1), cmap=_PATH_COLORS, norm=norm,
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
    by_name = {task.name: task.value(prediction.mean[task.name]) for task in prediction.tasks if task.has_value}
    mean = float(by_name["valence"]), float(by_name["arousal"])
    if prediction.mean_spread:
        spread = prediction.mean_spread
        ax.add_patch(Ellipse(mean, 4 * spread["valence"][1], 4 * spread["arousal"][1], facecolor="none",
                             edgecolor=INK, linewidth=1.8, linestyle="--", zorder=6))
    for name, at, marker, color in (("start", (x[0], y[0]), "o", _PATH_COLORS(0.0)),
                                     ("end", (x[-1], y[-1]), "s", _PATH_COLORS(1.0)), ("mean", mean, "P", "white")):
        ax.plot(*at, marker, markersize=16 if marker == "P" else 13, markerfacecolor=color, markeredgecolor=INK,
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
