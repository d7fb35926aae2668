"""Pictures of compare_encoders.py: which layers are alike, and what can be read off them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from mer.evaluation.plots import GREY, blank, save

# Okabe & Ito (2008), without yellow, which is too light for lines
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
_COLUMNS = 4


def heat_map(pairs: Sequence[Mapping[str, Any]], encoders: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the similarity of every two layers.

    Parameters
    ----------
    pairs : sequence of mapping
        encoder, layer, other, other_layer, cka.
    encoders : sequence of mapping
        title and layers, in the order of drawing.
    path : pathlib.Path
        PNG file to write.
    """
    names = [(one["title"], layer) for one in encoders for layer in one["layers"]]
    place = {name: number for number, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    for row in pairs:
        one, other = place[row["encoder"], row["layer"]], place[row["other"], row["other_layer"]]
        values[one, other] = values[other, one] = np.nan if row["cka"] is None else row["cka"]
    size = max(3.0, 0.13 * len(names))
    figure = blank(width=size + 6.0, height=size + 1.2)
    ax = figure.subplots()
    image = ax.imshow(values, vmin=0, vmax=1, cmap="cividis", interpolation="none")
    ends = np.cumsum([len(one["layers"]) for one in encoders])
    for end in ends[:-1]:
        ax.axhline(end - 0.5, color="white", linewidth=1.2)
        ax.axvline(end - 0.5, color="white", linewidth=1.2)
    ax.set_yticks(range(len(names)), [layer for _, layer in names], fontsize=6)
    ax.set_xticks(range(len(names)), [layer for _, layer in names], fontsize=6, rotation=90)
    middles = ends - np.array([len(one["layers"]) for one in encoders]) / 2 - 0.5
    upper = ax.secondary_yaxis("right")
    upper.set_yticks(middles, [one["title"] for one in encoders], fontsize=7.5)
    upper.tick_params(length=0)
    figure.suptitle("Which layers say the same of the clips? (linear CKA; \"input\": mean spectrum)", fontsize=9)
    bar = figure.colorbar(image, ax=ax, shrink=0.5, pad=0.02)
    bar.set_label("0: nothing in common, 1: the same up to rotation", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    save(figure, path)


def probes(rows: Sequence[Mapping[str, Any]], encoders: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the score of every layer, a panel for each probe.

    Parameters
    ----------
    rows : sequence of mapping
        probe, encoder, layer, score, value, low, high, chance.
    encoders : sequence of mapping
        title, kind and layers.
    path : pathlib.Path
        PNG file to write.
    """
    asked = list(dict.fromkeys(row["probe"] for row in rows))
    n_rows = -(-len(asked) // _COLUMNS)
    figure = blank(width=3.3 * min(len(asked), _COLUMNS), height=2.9 * n_rows + 0.28 * len(encoders) / 2 + 0.5)
    axes = figure.subplots(n_rows, min(len(asked), _COLUMNS), squeeze=False).ravel()
    shown = [one for one in encoders if one["kind"] != "random"]
    style: dict[str, dict[str, Any]] = {
        one["title"]: {"color": _COLORS[number % len(_COLORS)], "marker": _MARKERS[number % len(_MARKERS)],
                       "markersize": 4.5, "linewidth": 1.4} for number, one in enumerate(shown)}
    random: dict[str, Any] = {"color": GREY, "linewidth": 0.7, "linestyle": ":", "marker": ".", "markersize": 3}
    for ax, name in zip(axes, asked, strict=False):
        of_probe = {(row["encoder"], row["layer"]): row for row in rows if row["probe"] == name}
        for one in encoders:
            held = [of_probe[one["title"], layer] for layer in one["layers"] if (one["title"], layer) in of_probe]
            if not held:
                continue
            depth = np.linspace(0, 1, len(held))
            ax.plot(depth, [max(row["value"], -0.5) for row in held], **style.get(one["title"], random))
            if one["title"] in style:  # the interval of the code
                at = 1.02 + 0.025 * list(style).index(one["title"])
                ax.plot([at, at], [max(held[-1]["low"], -0.5), held[-1]["high"]], color=style[one["title"]]["color"],
                        linewidth=1, alpha=0.7)
        first = next(iter(of_probe.values()))
        chance = max(row["chance"] for row in of_probe.values())
        ax.axhline(chance, color=GREY, linewidth=1, linestyle="--")
        ax.set_title(name, fontsize=10)
        ax.set_xticks([0, 1], ["input", "code"])
        ax.set_ylabel("macro F" if first["score"] == "f1_macro" else "R2", fontsize=8)
        ax.tick_params(labelsize=8)
    for ax in axes[len(asked):]:
        ax.set_visible(False)
    handles = [Line2D([], [], label=title, **each) for title, each in style.items()]
    handles.append(Line2D([], [], label="random weights", **random))
    handles.append(Line2D([], [], label="chance", color=GREY, linewidth=1, linestyle="--"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    save(figure, path)
