"""predictions.csv of a report: truth, prediction and probabilities of every test patch and clip, written and read.

A row is a patch (`level` "patch") or a clip ("clip", the mean over its patches). `group` is what the clip shares with
others of the test set: its artist, song or speaker. Files written before have no such column.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import files, text
from mer.evaluation import metrics
from mer.tasks import QUADRANTS, TASKS, Task

LEVELS = ("patch", "clip")


@dataclass(frozen=True)
class Predictions:
    """What a predictions.csv holds.

    Attributes
    ----------
    clips : list of str, length n_clips
    groups : list of str, length n_clips, or None
        None where the file does not tell.
    quadrant : np.ndarray of int, shape (n_clips,), in 0..3
    patch_clip : np.ndarray of int, shape (n_patches,), in [0, n_clips)
    starts : np.ndarray of float, shape (n_patches,), in seconds
    probabilities : dict of str -> np.ndarray of float, shape (n_patches, n_classes)
    predicted : dict of (str, str) -> np.ndarray of int
        (level, task) -> predicted class of each patch or clip.
    """

    clips: list
    groups: list | None
    quadrant: np.ndarray
    patch_clip: np.ndarray
    starts: np.ndarray
    probabilities: dict
    predicted: dict

    def confusions(self, level: str, task: Task, order: Iterable[str]) -> np.ndarray:
        """One confusion matrix per clip, shape (n_clips, n_classes, n_classes), the clips in `order` of their names."""
        clip = self.patch_clip if level == "patch" else np.arange(len(self.clips))
        truth = task.targets(self.quadrant)[clip]
        parts = metrics.clip_confusions(truth, self.predicted[level, task.name], clip, n_clips=len(self.clips),
                                        n_classes=len(task.classes))
        place = {name: index for index, name in enumerate(self.clips)}
        return parts[[place[name] for name in order]]


def digest(clips: Iterable[str], quadrant: Iterable[int] | np.ndarray) -> str:
    """Hash of clip names and their quadrants: equal for two reports on the same clips with the same labels."""
    labelled = sorted(zip(clips, (int(index) for index in quadrant), strict=True))
    return hashlib.sha256(json.dumps(labelled).encode()).hexdigest()[:16]


def columns() -> list:
    """Column names of predictions.csv."""
    names = ["level", "clip", "group", "patch", "start_seconds"]
    for task in TASKS:
        names += [f"true_{task.name}", f"predicted_{task.name}", *(f"p_{label}" for label in task.classes)]
    return names


def write(path: Path, *, clips: Sequence[str], groups: Sequence[str], patch_clip: np.ndarray, starts: np.ndarray,
          levels: dict) -> None:
    """Write a row per patch, then a row per clip.

    Parameters
    ----------
    path : pathlib.Path
    clips, groups : sequence of str, length n_clips
    patch_clip, starts
        As in `Predictions`.
    levels : dict of str -> dict of str -> (truth, predicted, probabilities)
        "patch" and "clip" -> task -> arrays with a row per patch or clip.
    """
    files.write_csv(path, columns(), _rows(clips, groups, patch_clip, starts, levels))


def _rows(clips, groups, patch_clip, starts, levels):
    seen = [0] * len(clips)
    for row, clip in enumerate(patch_clip.tolist()):
        yield ["patch", clips[clip], groups[clip], seen[clip], f"{starts[row]:.6f}", *_cells(levels["patch"], row)]
        seen[clip] += 1
    for row, clip in enumerate(clips):
        yield ["clip", clip, groups[row], "", "", *_cells(levels["clip"], row)]


def _cells(level, row):
    """Truth, prediction and probabilities of one row, task after task."""
    cells = []
    for task in TASKS:
        truth, predicted, p = level[task.name]
        cells += [task.classes[truth[row]], task.classes[predicted[row]], *(f"{value:.6f}" for value in p[row])]
    return cells


def read(path: Path) -> Predictions:
    """Read a predictions.csv.

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
            missing = [name for name in columns() if name not in place and name != "group"]
            if missing:
                raise ValueError(f"there is no column {missing[0]}")
            table: dict[str, list] = {level: [] for level in LEVELS}
            for line, row in enumerate(reader, start=2):
                if len(row) != len(header) or row[place["level"]] not in table:
                    raise ValueError(f"line {line} is no row of it")
                table[row[place["level"]]].append(row)
        return _parsed(table, place)
    except (ValueError, KeyError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        reason = f"{error.args[0]!r} is no class or clip of it" if isinstance(error, KeyError) else str(error)
        raise files.Damaged(f"{path} is damaged ({reason}): train this model again with --force") from None


def _parsed(table, place):
    """`Predictions` of the rows of both levels; ValueError or KeyError where a cell is wrong."""
    cells = {level: {name: [text.spreadsheet_read(row[index]) for row in rows] for name, index in place.items()}
             for level, rows in table.items()}
    clips = cells["clip"]["clip"]
    index = {name: number for number, name in enumerate(clips)}
    if not clips or len(index) < len(clips):
        raise ValueError("it lists no clip, or one twice")
    predicted, probabilities = {}, {}
    for task in TASKS:
        number = {label: place for place, label in enumerate(task.classes)}
        for level in LEVELS:
            said = cells[level][f"predicted_{task.name}"]
            predicted[level, task.name] = np.array([number[cell] for cell in said], int)
        probabilities[task.name] = np.array([cells["patch"][f"p_{label}"] for label in task.classes], float).T
        if not np.isfinite(probabilities[task.name]).all():
            raise ValueError(f"a probability of {task.name} is not finite")
    quadrant = np.array([QUADRANTS.index(cell) for cell in cells["clip"]["true_quadrants"]])
    return Predictions(
        clips, cells["clip"].get("group"), quadrant, np.array([index[name] for name in cells["patch"]["clip"]], int),
        np.array(cells["patch"]["start_seconds"], float), probabilities, predicted)
