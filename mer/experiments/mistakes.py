"""Which clips and artists the systems of a plan are wrong about, and the sound of the most certain mistakes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mer import MerError, corpora
from mer.config import Config
from mer.experiments.outcomes import Outcome
from mer.tasks import TASKS, Task

SHOWN_CLIPS, SHOWN_GROUPS, LEAST_CLIPS = 12, 15, 3


@dataclass(frozen=True)
class Mistake:
    """A clip that the mean over all runs is wrong about.

    Attributes
    ----------
    clip, group, truth, said : str
    certainty : float in [0, 1]
        Mean probability of what was said.
    share_wrong : float in [0, 1]
        Runs that are wrong about it.
    sound : pathlib.Path or None
        The file, where it is on disk.
    """

    clip: str
    group: str
    truth: str
    said: str
    certainty: float
    share_wrong: float
    sound: Path | None


@dataclass(frozen=True)
class TestSet:
    """The mistakes on one test set.

    Attributes
    ----------
    music, unit : str
    task : Task
    n_clips, n_runs, n_always_wrong : int
        Clips; runs; clips that every run is wrong about.
    clips : list of Mistake
        The most certain first.
    groups : list of (str, int, float)
        Name, clips, mean share of them that is wrong; groups of at least `LEAST_CLIPS`, the worst first.
    n_groups : int
        So large groups.
    """

    music: str
    unit: str
    task: Task
    n_clips: int
    n_runs: int
    n_always_wrong: int
    clips: list[Mistake]
    groups: list[tuple[str, int, float]]
    n_groups: int


def found(outcomes: Sequence[Outcome], cfg: Config) -> list[TestSet]:
    """The mistakes in the first task with classes, one entry per test set.

    Parameters
    ----------
    outcomes : sequence of Outcome
    cfg : Config
        Says where the corpora lie; a sound that is not there is left out.
    """
    sets: dict[tuple, list[Outcome]] = {}
    for outcome in outcomes:
        sets.setdefault((outcome.cell.facts["tested"], tuple(sorted(outcome.predictions.clips))), []).append(outcome)
    task = next(task for task in TASKS if task.classes)
    return [_found(music, [one for one in group if task in one.predictions.tasks], task, cfg)
            for (music, _), group in sets.items() if any(task in one.predictions.tasks for one in group)]


def _found(music: Any, outcomes: list[Outcome], task: Task, cfg: Config) -> TestSet:
    first = outcomes[0].predictions
    place = {clip: number for number, clip in enumerate(first.clips)}
    groups = first.groups or first.clips
    known = task.is_labelled(first.truth[task.name])
    votes, wrong = np.zeros((len(place), task.units)), np.zeros(len(place))
    for outcome in outcomes:
        held = outcome.predictions
        rows = np.array([place[clip] for clip in held.clips])
        votes[rows] += held.votes[task.name] / len(outcomes)
        wrong[rows] += (held.predicted["clip", task.name] != held.truth[task.name]) / len(outcomes)
    truth, said = first.truth[task.name], votes.argmax(axis=1)
    mistaken = sorted(np.flatnonzero(known & (said != truth)), key=lambda row: (-votes[row].max(), first.clips[row]))
    root = _root(music, cfg)
    clips = [Mistake(first.clips[row], groups[row], task.classes[truth[row]], task.classes[said[row]],
                     float(votes[row].max()), float(wrong[row]), _sound(root, first.clips[row]))
             for row in mistaken[:SHOWN_CLIPS]]
    counts = Counter(group for group, is_known in zip(groups, known, strict=True) if is_known)
    errors = {group: [float(wrong[row]) for row in np.flatnonzero(known) if groups[row] == group]
              for group, n in counts.items() if n >= LEAST_CLIPS}
    ranked = sorted(((group, len(each), float(np.mean(each))) for group, each in errors.items()),
                    key=lambda row: (-row[2], row[0]))
    return TestSet(str(music), outcomes[0].report["test"].get("grouped_by", "clip"), task, int(known.sum()),
                   len(outcomes), int((wrong[known] > 1 - 1e-9).sum()), clips, ranked[:SHOWN_GROUPS], len(ranked))


def _root(music: Any, cfg: Config) -> Path | None:
    """Folder of a music corpus; None where it is not on this machine, or where several are mixed."""
    try:
        return corpora.locate(corpora.get("music", music), cfg)
    except MerError:
        return None


def _sound(root: Path | None, clip: str) -> Path | None:
    if root is None:
        return None
    path = root / clip
    return path if path.is_file() and path.resolve().is_relative_to(root.resolve()) else None
