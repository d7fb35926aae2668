"""Predictions as files and text; docs/predicting.md.

Of each song, below the folder of the results::

    <song>.npy                  probabilities of the first task, the quadrants: (n, 4) float32   } as the published
    <song>.png                  tag-gram                                                         } program named them
    <song>/clip.json            everything but the timeline
    <song>/timeline.csv         a row per prediction
    <song>/plane.png            path through the arousal-valence plane, where the models answer its three tasks

and of all of them `summary.csv` (`mer.prediction.summary`). `<song>` is the path below the folder that was named,
without suffix.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, files
from mer.prediction import predict, song_text

_PARTS = {"npy": "{}.npy", "taggram": "{}.png", "json": "{}/clip.json", "timeline": "{}/timeline.csv",
          "plane": "{}/plane.png"}
PICTURES = ("taggram", "plane")
SUMMARY = "summary.csv"


def write(prediction, folder, *, name=None, draw=None):
    """Write the results of one song, each file to a temporary name first.

    Parameters
    ----------
    prediction : mer.prediction.predict.Prediction
    folder : path
    name : str or None
        Of the results, may hold "/"; None: that of the file.
    draw : callable or None
        See `pictures.drawing`; None: no pictures. There are none of a silent file.

    Returns
    -------
    dict of str to pathlib.Path
        "npy", "json", "timeline" and, with pictures, "taggram", "plane".

    Raises
    ------
    NoPlace
        See `begin`.
    """
    return begin(prediction, folder, name=name, draw=draw).finish()


def begin(prediction, folder, *, name=None, draw=None, source=None):
    """Write all but clip.json, which comes last and says that the rest is whole, and begin to draw.

    Parameters
    ----------
    prediction, folder, name, draw
        As of `write`.
    source : dict or None
        What tells that the file is the same, for clip.json; see `resume.identity`.

    Returns
    -------
    Unfinished

    Raises
    ------
    NoPlace
        Something that this program has not written stands where a result would.
    """
    paths = places(folder, name or prediction.path.stem)
    drawn = PICTURES if draw and prediction.status == "ok" else ()
    drawn = [part for part in drawn if part != "plane" or prediction.in_plane]
    before = _owned(paths)
    _refuse_foreign([paths[part] for part in ("npy", "timeline", *drawn) if part not in before], prediction.path)
    _make_folder(paths["json"].parent, prediction.path)
    # For the next run after a kill: whose the files are, and that they are not whole.
    _write_clip(paths, {"status": "begun", "written": _written([*before, *drawn])})
    first = prediction.probabilities[prediction.tasks[0].name].astype(np.float32)
    _replace(paths["npy"], lambda file: np.save(file, first, allow_pickle=False))
    rows = timeline(prediction)
    files.write_csv(paths["timeline"], list(rows), zip(*rows.values(), strict=True))
    for part in set(PICTURES) - set(drawn):
        if part in before:  # it would show something else
            paths[part].unlink(missing_ok=True)
        del paths[part]
    waits = [draw(part, prediction, paths[part]) for part in drawn]
    content = {**prediction.summary(), "written": _written(drawn), **({"source": source} if source else {})}
    return Unfinished(content, paths, waits)


class NoPlace(MerError):
    """The results of a song cannot be written where they belong; others can."""


def _written(pictures):
    """The parts that are there, as clip.json lists them."""
    return ["npy", "timeline", *(part for part in PICTURES if part in pictures)]


def _owned(paths):
    """The parts that this program has written there before."""
    if not paths["json"].is_file():
        return []
    try:
        written = json.loads(paths["json"].read_text(encoding="utf-8"))["written"]
        return [part for part in _PARTS if part in written]
    except (ValueError, KeyError, TypeError):  # damaged: the folder is ours all the same
        return _written(PICTURES)


def _write_clip(paths, content):
    _replace(paths["json"], lambda file: file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n"),
             text=True)


def withdraw(folder, name, path, reason):
    """Take back results of a song that can no longer be predicted: they would pass for valid.

    Parameters
    ----------
    folder, name
        As of `write`.
    path : path
        The song.
    reason : str
        Why, for clip.json.
    """
    paths = places(folder, name)
    for part in _owned(paths):
        paths[part].unlink(missing_ok=True)
    if paths["json"].is_file():
        _write_clip(paths, {"file": predict.shown(path), "status": "left out", "message": reason, "written": []})


def _refuse_foreign(paths, song):
    for path in paths:
        if path.exists():
            raise NoPlace(f"the results of {song} need the place of {path}, which this program has not written: choose "
                          "another folder with -o, or move it away")


def _make_folder(folder, song):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NoPlace(f"the results of {song} need a folder {folder}, but there is a file of that name: choose another "
                      "folder with -o") from None


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
        _write_clip(self.paths, self.content)
        return self.paths


def places(folder, name):
    """Where the results of that name lie: the keys of `write` to paths."""
    return {part: Path(folder) / pattern.format(name) for part, pattern in _PARTS.items()}


def columns(labels):
    """Names of the numbers of a prediction: classes of all tasks, then values.

    Parameters
    ----------
    labels : dict
        From `song_text.labels`.
    """
    return [*(name for each in labels.values() for name in each.get("classes", [])),
            *(each["value"]["name"] for each in labels.values() if "value" in each)]


def timeline(prediction):
    """Columns of timeline.csv: second, the probabilities, the values of tasks, and the spread of each (ensembles).

    Returns
    -------
    dict of str to list of float
        Seconds to 3 decimals, the rest to 6.
    """
    made = {"second": np.round(prediction.times_seconds, 3).tolist()}
    names = columns(song_text.labels(prediction.tasks))
    with_value = [task for task in prediction.tasks if task.has_value]
    for held, kind in ((prediction.probabilities, ""), (prediction.spread or {}, "_spread")):
        if held:
            columns_of = [held[task.name] for task in prediction.tasks if task.classes]
            columns_of += [(task.value_spread if kind else task.value)(held[task.name]) for task in with_value]
            values = np.round(np.column_stack(columns_of).T, 6).tolist()
            made |= dict(zip((f"{name}{kind}" for name in names), values, strict=True))
    return made


def read_timeline(path):
    """What `timeline` gave, from a timeline.csv.

    Returns
    -------
    dict of str to list of float
        Column to n values.

    Raises
    ------
    OSError, ValueError
        It is missing or damaged.
    """
    with open(path, encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    columns = zip(*rows, strict=True) if rows else [[]] * len(names)
    return {name: [float(value) for value in column] for name, column in zip(names, columns, strict=True)}


def _replace(path, write_to, *, text=False):
    """Write whole or not at all; nothing stays behind where that is interrupted."""
    with (files.writing(path) as partial,
          open(partial, "w" if text else "wb", **({"encoding": "utf-8", "newline": ""} if text else {})) as file):
        write_to(file)
