"""predictions.csv of a report: truth, prediction and outputs for every test patch and clip, written and read.

A row is a patch (`level` "patch") or a clip ("clip", the mean over its patches, or a vote of its own). `group` is what
the clip shares with others of the test set: its artist, song or speaker. Files written before have no such column. A
clip without a label has an empty cell there. A task with classes has its probabilities, one with a range the guess that
ignores the audio.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mer import files, text
from mer.evaluation import metrics, regression
from mer.tasks import PUBLISHED, Task

LEVELS = ("patch", "clip")


@dataclass(frozen=True)
class Predictions:
    """What a predictions.csv holds.

    Attributes
    ----------
    clips : list of str, length n_clips
    groups : list of str, length n_clips, or None
        None where the file does not tell.
    tasks : tuple of Task
    truth : dict of str -> np.ndarray, shape (n_clips,)
        By task: index of the class, -1 without a label; or the value, NaN without one.
    patch_clip : np.ndarray of int, shape (n_patches,), in [0, n_clips)
    starts : np.ndarray of float, shape (n_patches,), in seconds
    outputs : dict of str -> np.ndarray of float, shape (n_patches, units)
        By task: probabilities of the classes, or one value.
    votes : dict of str -> np.ndarray of float, shape (n_clips, units)
        As `outputs`, of the clips.
    predicted : dict of (str, str) -> np.ndarray
        (level, task) -> predicted class, int, or value of each patch or clip.
    guess : dict of str -> np.ndarray of float, shape (n_clips,)
        Of the tasks with a range: the mean label of the training clips.
    """

    clips: list
    groups: list | None
    tasks: tuple
    truth: dict
    patch_clip: np.ndarray
    starts: np.ndarray
    outputs: dict
    votes: dict
    predicted: dict
    guess: dict

    def labelled(self, task: Task) -> dict[str, Any]:
        """Clips that have a label of a task, and what is true of them."""
        known = task.is_labelled(self.truth[task.name])
        return {clip: value for clip, value, is_known in zip(self.clips, self.truth[task.name].tolist(), known,
                                                             strict=True) if is_known}

    def parts(self, level: str, task: Task, order: Iterable[str]) -> np.ndarray:
        """What `metrics.samples` takes: a confusion matrix or sums of each clip, those with a label in `order`."""
        clip = self.patch_clip if level == "patch" else np.arange(len(self.clips))
        known = task.is_labelled(self.truth[task.name])[clip]
        clip, predicted = clip[known], self.predicted[level, task.name][known]
        truth, n_clips = self.truth[task.name][clip], len(self.clips)
        if task.classes:
            made = metrics.clip_confusions(truth, predicted, clip, n_clips=n_clips, n_classes=len(task.classes))
        else:
            made = regression.sums(truth, predicted, self.guess[task.name][clip], clip, n_clips=n_clips)
        place = {name: index for index, name in enumerate(self.clips)}
        return made[[place[name] for name in order]]


def digest(clips: Iterable[str], truth: Iterable) -> str:
    """Hash of clip names and their labels in the first task: equal for two reports on the same clips and labels."""
    labelled = sorted(zip(clips, np.asarray(truth).tolist(), strict=True))
    return hashlib.sha256(json.dumps(labelled).encode()).hexdigest()[:16]


def columns(tasks: Sequence[Task]) -> list:
    """Column names of predictions.csv."""
    names = ["level", "clip", "group", "patch", "start_seconds"]
    for task in tasks:
        names += [f"true_{task.name}", f"predicted_{task.name}",
                  *([f"p_{label}" for label in task.classes] or [f"guess_{task.name}"])]
    return names


def write(path: Path, *, clips: Sequence[str], groups: Sequence[str], patch_clip: np.ndarray, starts: np.ndarray,
          tasks: Sequence[Task], levels: dict) -> None:
    """Write a row per patch, then a row per clip.

    Parameters
    ----------
    path : pathlib.Path
    clips, groups : sequence of str, length n_clips
    patch_clip, starts
        As in `Predictions`.
    tasks : sequence of Task
    levels : dict of str -> dict of str -> (truth, predicted, more)
        "patch" and "clip" -> task -> arrays with a row per patch or clip; `more` holds probabilities, (n, classes), or
        the guess, (n, 1).
    """
    files.write_csv(path, columns(tasks), _rows(clips, groups, patch_clip, starts, tasks, levels))


def _rows(clips, groups, patch_clip, starts, tasks, levels):
    seen = [0] * len(clips)
    for row, clip in enumerate(patch_clip.tolist()):
        yield ["patch", clips[clip], groups[clip], seen[clip], f"{starts[row]:.6f}",
               *_cells(tasks, levels["patch"], row)]
        seen[clip] += 1
    for row, clip in enumerate(clips):
        yield ["clip", clip, groups[row], "", "", *_cells(tasks, levels["clip"], row)]


def _cells(tasks, level, row):
    """Truth, prediction and what else there is of one row, task after task."""
    cells = []
    for task in tasks:
        truth, predicted, more = (values[row] for values in level[task.name])
        words = [task.classes[value] if task.classes else f"{value:.6f}" for value in (truth, predicted)]
        cells += [words[0] if task.is_labelled(truth) else "", words[1], *(f"{value:.6f}" for value in more)]
    return cells


def read(path: Path, tasks: Sequence[Task] = PUBLISHED) -> Predictions:
    """Read a predictions.csv.

    Parameters
    ----------
    path : pathlib.Path
    tasks : sequence of Task
        Those that the run answers.

    Raises
    ------
    FileNotFoundError
        It is not there.
    files.Damaged
        It is no such table, or a cell holds something else than it should.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            place = {name: index for index, name in enumerate(header)}
            missing = [name for name in columns(tasks) if name not in place and name != "group"]
            if missing:
                raise ValueError(f"there is no column {missing[0]}")
            table: dict[str, list] = {level: [] for level in LEVELS}
            for line, row in enumerate(reader, start=2):
                if len(row) != len(header) or row[place["level"]] not in table:
                    raise ValueError(f"line {line} is no row of it")
                table[row[place["level"]]].append(row)
        return _parsed(table, place, tasks)
    except (ValueError, KeyError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        reason = f"{error.args[0]!r} is no class or clip of it" if isinstance(error, KeyError) else str(error)
        raise files.Damaged(f"{path} is damaged ({reason}): train this model again with --force") from None


def _parsed(table, place, tasks):
    """`Predictions` of the rows of both levels; ValueError or KeyError where a cell is wrong."""
    cells = {level: {name: [text.spreadsheet_read(row[index]) for row in rows] for name, index in place.items()}
             for level, rows in table.items()}
    clips = cells["clip"]["clip"]
    index = {name: number for number, name in enumerate(clips)}
    if not clips or len(index) < len(clips):
        raise ValueError("it lists no clip, or one twice")
    truth, outputs, votes, predicted, guess = {}, {}, {}, {}, {}
    for task in tasks:
        read_cell = {label: place for place, label in enumerate(task.classes)}.__getitem__ if task.classes else float
        kind, absent = (int, -1) if task.classes else (float, np.nan)
        for level in LEVELS:
            predicted[level, task.name] = np.array([*map(read_cell, cells[level][f"predicted_{task.name}"])], kind)
        truth[task.name] = np.array([read_cell(cell) if cell else absent
                                     for cell in cells["clip"][f"true_{task.name}"]], kind)
        if task.classes:
            outputs[task.name], votes[task.name] = (
                np.array([cells[level][f"p_{label}"] for label in task.classes], float).T for level in LEVELS)
        else:
            outputs[task.name], votes[task.name] = (predicted[level, task.name][:, None] for level in LEVELS)
            guess[task.name] = np.array(cells["clip"][f"guess_{task.name}"], float)
        held = [outputs[task.name], votes[task.name], predicted["clip", task.name], guess.get(task.name, 0)]
        if not all(np.isfinite(values).all() for values in held):
            raise ValueError(f"an output for {task.name} is not finite")
    return Predictions(
        clips, cells["clip"].get("group"), tuple(tasks), truth,
        np.array([index[name] for name in cells["patch"]["clip"]], int),
        np.array(cells["patch"]["start_seconds"], float), outputs, votes, predicted, guess)
