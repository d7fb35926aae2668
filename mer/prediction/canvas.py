"""What the pictures of a prediction share: the sheet, its heading, its axis of time, and how it is written.

1080 pixels wide and upright, for a phone. Colors are of viridis or grey, so that any eyes and a printer in black
tell them apart. Positions are fixed: matplotlib's layout engines take longer than a prediction.
"""

import logging
import warnings
from contextlib import contextmanager

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mer import files
from mer.prediction import fonts, song_text
from mer.prediction.predict import shown
from mer.text import printable

DPI = 150
WIDTH = 7.2                # inches: 1080 pixels
MOST_COLUMNS = 900         # of what is drawn over time, about one a pixel
INK, GREY, PALE = "#1a1a1a", "#595959", "#e3e3e3"
TEXT, SMALL, TITLE = 15, 12.5, 18  # points; 15 are 31 pixels of 1080

_TICKS_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MOST_TICKS = 7


def figure(*, height):
    """An empty sheet of that height in inches."""
    made = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(made)
    return made



def heading(figure, prediction):
    """File name, and the models that spoke."""
    _text(figure, 0.28, _shortened(printable(shown(prediction.path.name)), 38), fontsize=TITLE, fontweight="bold")
    about = song_text.models([member["title"] for member in prediction.members])
    _text(figure, 0.62, _shortened(about, 88), fontsize=SMALL, color=GREY)



def footnote(figure, prediction, lines):
    """Lines at the foot: how certain the model is, and what a demo model is worth."""
    if prediction.verdict:
        words = prediction.verdict.words
        lines = [*lines, f"{words[:1].upper()}{words[1:]}. Guessing would be right in {_by_chance(prediction):.0%}."]
    if prediction.is_demo:
        lines = [*lines, "Demo model, taught by synthetic sound: it says nothing about real music."]
    for number, line in enumerate(reversed(lines)):
        _text(figure, figure.get_figheight() - 0.18 - 0.24 * number, line, fontsize=SMALL - 1, color=GREY)



def _by_chance(prediction):
    return 1 / len(prediction.tasks[0].classes)


def time_axis(ax, seconds, *, labels=True):
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



def save(figure, path):
    """Write whole or not at all."""
    with files.writing(path, suffix=".png") as partial, _boxes():
        figure.canvas.print_png(partial, pil_kwargs={"compress_level": 1})
