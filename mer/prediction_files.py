"""Predictions as files and text: which songs, under which names, what is in them; docs/predicting.md.

Of each song, below the folder of the results::

    <song>.npy                  probabilities of the quadrants, (n, 4) float32   } as the published program
    <song>.png                  tag-gram                                         } named them
    <song>/clip.json            everything but the timeline
    <song>/timeline.csv         a row per prediction
    <song>/plane.png            path through the arousal-valence plane

and of all of them `summary.csv`. `<song>` is the path below the folder that was named, without suffix.
"""

import csv
import itertools
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, corpora, predict
from mer.tasks import TASKS

CLASSES = tuple(name for task in TASKS for name in task.classes)
VALUES = (*CLASSES, "arousal", "valence")
AUDIO_SUFFIXES = (*corpora.AUDIO_SUFFIXES, ".oga", ".mp4", ".wma", ".mka", ".webm", ".aifc", ".au", ".caf", ".mov",
                  ".mkv")
_PARTS = {"npy": "{}.npy", "taggram": "{}.png", "json": "{}/clip.json", "timeline": "{}/timeline.csv",
          "plane": "{}/plane.png"}
PICTURES = ("taggram", "plane")
SUMMARY = "summary.csv"
_MOST_BYTES = 236  # of a name; with a number and ".npy.part" behind it that stays within the 255 of file systems


def songs(inputs):
    """The files to predict, each with the name of its results.

    Parameters
    ----------
    inputs : sequence of path
        Files, taken whatever their suffix, and folders, searched through for audio by suffix.

    Returns
    -------
    dict of pathlib.Path to str
        In the order given, folders sorted; a file that is named twice comes once. Names differ, by suffix or number
        where they would not otherwise. Files in folders that are no audio by their suffix are counted on stderr.

    Raises
    ------
    MerError
        There is nothing to predict.
    """
    found, n_others = {}, 0
    for given in map(Path, inputs):
        if not given.is_dir():
            found.setdefault(given, Path(given.name))
            continue
        below = sorted(path for path in given.rglob("*") if path.is_file() and not path.name.startswith("."))
        sounds = [path for path in below if path.suffix.lower() in AUDIO_SUFFIXES]
        n_others += len(below) - len(sounds)
        for path in sounds:
            found.setdefault(path, path.relative_to(given))
    if not found:
        raise MerError(f"no audio in {', '.join(map(str, inputs))}: expected files that end in"
                       f" {', '.join(AUDIO_SUFFIXES[:6])} or the like; name files or other folders.")
    if n_others:
        print(f"note: {n_others} file(s) in the folders have no suffix of audio and were not tried; name one to try it",
              file=sys.stderr)
    taken = {SUMMARY}
    return {path: _free_name(below, taken) for path, below in found.items()}


def _free_name(below, taken):
    """A name for the results none of whose files is taken; `taken` gets them."""
    # of "...wav" there would remain "..", the folder above that of the results
    without = below.with_suffix("") if below.stem.strip(".") else below
    stem, whole = (path.with_name(_cut(path.name)).as_posix() for path in (without, below))
    for name in itertools.chain((stem, whole), (f"{stem}-{n}" for n in itertools.count(2))):
        files = {part.format(name).casefold() for part in ("{}", *_PARTS.values())}
        if not files & taken:
            taken |= files
            return name


def _cut(name):
    raw = os.fsencode(name)
    return name if len(raw) <= _MOST_BYTES else raw[:_MOST_BYTES].decode("utf-8", "ignore")


def write(prediction, folder, *, name=None, draw=None):
    """Write the results of one song, each file to a temporary name first.

    Parameters
    ----------
    prediction : mer.predict.Prediction
    folder : path
    name : str or None
        Of the results, may hold "/"; None: that of the file.
    draw : callable or None
        See `pictures.drawing`; None: no pictures. There are none of a silent file.

    Returns
    -------
    dict of str to pathlib.Path
        "npy", "json", "timeline" and, with pictures, "taggram", "plane".
    """
    return begin(prediction, folder, name=name, draw=draw).finish()


def begin(prediction, folder, *, name=None, draw=None, source=None):
    """Write all but clip.json, whose presence says that the rest is whole, and begin to draw.

    Parameters
    ----------
    prediction, folder, name, draw
        As of `write`.
    source : dict or None
        Further content of clip.json: what tells that the file is the same, see `earlier.identity`.

    Returns
    -------
    Unfinished
    """
    paths = places(folder, name or prediction.path.stem)
    paths["json"].parent.mkdir(parents=True, exist_ok=True)
    paths["json"].unlink(missing_ok=True)
    quadrants = prediction.probabilities["quadrants"].astype(np.float32)
    _replace(paths["npy"], lambda file: np.save(file, quadrants, allow_pickle=False))
    rows = timeline(prediction)
    _replace_csv(paths["timeline"], list(rows), zip(*rows.values(), strict=True))
    if draw and prediction.status == "ok":
        waits = [draw(part, prediction, paths[part]) for part in PICTURES]
    else:
        waits = []
        for part in PICTURES:  # of an earlier run: it would show something else
            paths.pop(part).unlink(missing_ok=True)
    return Unfinished({**prediction.summary(), **(source or {})}, paths, waits)


@dataclass
class Unfinished:
    """Results of one song whose pictures are being drawn.

    Attributes
    ----------
    content : dict
        Of clip.json.
    paths : dict of str to pathlib.Path
        See `write`.
    waits : list of callable
        Each waits for one picture.
    """

    content: dict
    paths: dict
    waits: list

    def finish(self):
        """Wait for the pictures, write clip.json, and return `paths`."""
        for wait in self.waits:
            wait()
        _replace_text(self.paths["json"], json.dumps(self.content, indent=1, ensure_ascii=False) + "\n")
        return self.paths


def places(folder, name):
    """Where the results of that name lie: the keys of `write` to paths."""
    return {part: Path(folder) / pattern.format(name) for part, pattern in _PARTS.items()}


def timeline(prediction):
    """Columns of timeline.csv: second, the probabilities, arousal and valence, and the spread of each (ensembles).

    Returns
    -------
    dict of str to list of float
        Seconds to 3 decimals, the rest to 6.
    """
    columns = {"second": np.round(prediction.times_seconds, 3).tolist()}
    values = np.concatenate([prediction.probabilities[task.name] for task in TASKS], axis=1)
    values = np.column_stack([values, prediction.arousal, prediction.valence])
    columns |= dict(zip(VALUES, np.round(values.T, 6).tolist(), strict=True))
    if prediction.spread:
        spread = np.concatenate([prediction.spread[task.name] for task in TASKS], axis=1)
        spread = np.column_stack([spread, 2 * spread[:, 5], 2 * spread[:, 7]])  # A+ and A- add up to 1, V+ and V- too
        columns |= dict(zip((f"{name}_spread" for name in VALUES), np.round(spread.T, 6).tolist(), strict=True))
    return columns


def read_timeline(path):
    """Columns of a timeline.csv, as `timeline` gave them; OSError or ValueError where it is damaged."""
    with open(path, encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    columns = zip(*rows, strict=True) if rows else [[]] * len(names)
    return {name: [float(value) for value in column] for name, column in zip(names, columns, strict=True)}


def summary_csv(summaries, path, *, left_out=()):
    """One row per song.

    Parameters
    ----------
    summaries : sequence of dict
        `Prediction.summary()` of each, so that no timeline is kept.
    path : path
    left_out : sequence of (path, str)
        Files that could not be predicted, with the reason.
    """
    has_spread = any(summary["mean_spread"] for summary in summaries)
    names = ["file", "status", "seconds", "n_predictions", "quadrant", *VALUES]
    names += [f"{name}_spread" for name in VALUES] if has_spread else []
    rows = [_summary_row(summary, has_spread) for summary in summaries]
    rows += [[predict.shown(file), "left out", *[""] * (len(names) - 2), reason] for file, reason in left_out]
    _replace_csv(Path(path), [*names, "message"], rows)


def _summary_row(summary, has_spread):
    row = [summary["file"], summary["status"], summary["seconds"], summary["n_predictions"], summary["quadrant"] or ""]
    for mean, kind in (("mean", ""), *([("mean_spread", "_spread")] if has_spread else [])):
        classes = {name: value for task in (summary[mean] or {}).values() for name, value in task.items()}
        values = [*map(classes.get, CLASSES), summary[f"arousal{kind}"], summary[f"valence{kind}"]]
        row += ["" if value is None else round(value, 6) for value in values]
    return [*row, summary["message"] or ""]


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
        return summary["message"]
    n, spread = summary["n_predictions"], summary["mean_spread"]
    lines = [f"{summary['file']}: {_clock(summary['seconds'])}, {n} prediction{'s' * (n != 1)},"
             f" one every {summary['hop_seconds']:.3f} s"
             + (f", mean ± spread over {len(summary['models'])} models" if spread else "")]
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


def _clock(seconds):
    minutes, rest = divmod(int(seconds + 0.5), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def _replace_csv(path, names, rows):
    def write_rows(file):
        csv.writer(file, lineterminator="\n").writerows([names, *rows])
    _replace(path, write_rows, text=True)


def _replace_text(path, text):
    _replace(path, lambda file: file.write(text), text=True)


def _replace(path, write_to, *, text=False):
    """Write to a temporary name, then rename; nothing stays behind where that is interrupted."""
    partial = path.with_name(f"{path.name}.part")
    try:
        with open(partial, "w" if text else "wb", **({"encoding": "utf-8", "newline": ""} if text else {})) as file:
            write_to(file)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
