"""The emotion tasks: one row each; heads, batches, reports, predictions and pictures follow from this table.

A task reads one column of labels that clips carry (`mer.data.store.ClipSet.labels`): "quadrant", "arousal" and
"valence". It answers with one of its classes, or with a number in its range.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mer import MerError

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")

# Output of a calibrated model beside its tasks: coordinates of a chunk, which tell how far it is from familiar sound
PLACE = "place"

# Keras loss of a task with classes, on one-hot targets and softmax outputs. ICASSP 2021, section 3.2, has binary
# cross-entropy for the two-class heads, which on two softmax units is the same number. But given a softmax output,
# Keras' TensorFlow backend computes the binary one from the logits as if each unit had a sigmoid: another loss, and
# other probabilities.
LOSS = "categorical_crossentropy"
LEAST_PROBABILITY = 1e-12  # counts in logarithms in place of 0


@dataclass(frozen=True)
class Task:
    """One task: give `classes` and `class_of`, or `range`.

    A task with a range is trained with the mean squared error. What minimizes it is the mean of the ratings that are
    possible for a clip, which is what the ratings of a corpus estimate (Gneiting 2011). A loss made of the concordance
    (CCC) would depend on which clips share a batch, and no clip could be weighted by itself.

    Attributes
    ----------
    name : str
        Name of the model output, of the task in every report and of its column in predictions.
    column : str
        Column of labels that it reads.
    classes : tuple of str
        Class names in the order of the model's output units; () for a task with a range.
    class_of : mapping of str -> str
        Value in the column -> class.
    range : (float, float) or None
        Least and greatest value in the column. The model has one output, which cannot leave the range.

    References
    ----------
    Gneiting (2011), Making and evaluating point forecasts, J. Am. Stat. Assoc. 106, 746-762,
    doi:10.1198/jasa.2011.r10138.
    """

    name: str
    column: str
    classes: tuple = ()
    class_of: Mapping[str, str] = field(default_factory=dict, hash=False)
    range: tuple[float, float] | None = None

    @property
    def units(self) -> int:
        """Output units of the model: one a class, or one."""
        return len(self.classes) or 1

    @property
    def loss(self) -> str:
        """Keras loss, see `LOSS` and above."""
        return LOSS if self.classes else "mean_squared_error"

    @property
    def metric(self) -> str:
        """Keras metric that is shown while the model is trained."""
        return "accuracy" if self.classes else "mean_squared_error"

    def headline(self, level: str) -> str:
        """The score that stands for all where there is room for one.

        Over patches it is that of the published tables, weighted F1; over clips the one that models are compared with,
        macro F1. A task with a range has CCC at both.

        Parameters
        ----------
        level : {"patch", "clip"}
        """
        return {"patch": "f1_weighted", "clip": "f1_macro"}[level] if self.classes else "ccc"

    @property
    def has_value(self) -> bool:
        """Whether a prediction can be drawn as one number: it is one, or P(+) - P(-) of two classes."""
        return self.units < 3

    @property
    def labels(self) -> Any:
        """What exported files say of the output: the list of classes, or {"range": [least, greatest]}."""
        return list(self.classes) if self.range is None else {"range": list(self.range)}

    def targets(self, values: Sequence | np.ndarray) -> np.ndarray:
        """What is true of clips, by their values in the column.

        Parameters
        ----------
        values : sequence, length n
            Text where the task has classes, "" where a clip has no label; else float, NaN where it has none.

        Returns
        -------
        np.ndarray, shape (n,)
            Index of the class, int, -1 without a label; or the value, float, NaN without one.

        Raises
        ------
        MerError
            A value is none of those in `class_of`, or lies outside the range.
        """
        if self.range is not None:
            numbers = np.asarray(values, float)
            outside = (numbers < self.range[0] - 1e-9) | (numbers > self.range[1] + 1e-9)
            if outside.any():
                raise MerError(f"the label {numbers[outside][0]:g} came in the column {self.column}, but the task "
                               f"{self.name} expects {self.range[0]:g} to {self.range[1]:g}: correct the corpus, or "
                               "the range in mer/tasks.py")
            return numbers
        index = {"": -1, **{value: self.classes.index(name) for value, name in self.class_of.items()}}
        try:
            return np.array([index[value] for value in values], int)
        except KeyError as error:
            raise MerError(f"the label {error.args[0]!r} came in the column {self.column}, but the task {self.name} "
                           f"expects one of {', '.join(self.class_of)}: correct the corpus, or class_of in "
                           "mer/tasks.py") from None

    def is_labelled(self, targets: np.ndarray) -> np.ndarray:
        """Mask, shape (n,), of the `targets` that are known."""
        return np.asarray(targets) >= 0 if self.classes else np.isfinite(targets)

    def encoded(self, targets: np.ndarray) -> np.ndarray:
        """Targets as Keras takes them, shape (n, units), float32: one-hot, or the value; zeros without a label."""
        known = self.is_labelled(targets)
        rows = np.eye(len(self.classes))[np.where(known, targets, 0)] if self.classes else np.where(
            known, targets, 0)[:, None]
        return (rows * known[:, None]).astype(np.float32)

    def pooled(self, outputs: np.ndarray, pooling: str = "mean") -> np.ndarray:
        """One output of those for the chunks of a clip.

        Parameters
        ----------
        outputs : np.ndarray, shape (n, units)
            Probabilities of the classes, or values.
        pooling : {"mean", "log"}
            "log": the mean of the log-probabilities, as probabilities. So the class of the greatest sum of
            log-probabilities wins, as in the published program of SincNet. Values are averaged with both.

        Returns
        -------
        np.ndarray, shape (units,), float64
        """
        outputs = np.asarray(outputs, np.float64)
        if pooling == "mean" or not self.classes:
            return outputs.mean(axis=0)
        log = np.log(np.maximum(outputs, LEAST_PROBABILITY)).mean(axis=0)
        shares = np.exp(log - log.max())
        return shares / shares.sum()

    def value(self, outputs: np.ndarray) -> np.ndarray:
        """The one number of a task that `has_value`, from outputs of shape (..., units): shape (...)."""
        return outputs[..., 1] - outputs[..., 0] if self.classes else outputs[..., 0]

    def value_spread(self, spread: np.ndarray) -> np.ndarray:
        """Standard deviation of `value` from that of the outputs: of two classes each is 1 less the other."""
        return 2 * spread[..., 1] if self.classes else spread[..., 0]


TASKS = (
    Task("quadrants", "quadrant", QUADRANTS, {name: name for name in QUADRANTS}),
    Task("arousal", "quadrant", ("A-", "A+"), {"Q1": "A+", "Q2": "A+", "Q3": "A-", "Q4": "A-"}),
    Task("valence", "quadrant", ("V-", "V+"), {"Q1": "V+", "Q2": "V-", "Q3": "V-", "Q4": "V+"}),
)
PUBLISHED = TASKS[:3]  # those of ICASSP 2021, which files answer that name no tasks


def named(names: Iterable[str] | None, source: object = "it") -> tuple[Task, ...]:
    """The tasks that a file says it answers.

    Parameters
    ----------
    names : iterable of str or None
        None: the file names none, as all that were written before; these answer the published ones.
    source : object
        The file, for the error.

    Raises
    ------
    MerError
        A name is no row of `TASKS`.
    """
    if names is None:
        return PUBLISHED
    table = {task.name: task for task in TASKS}
    names = list(names)
    unknown = [name for name in names if name not in table]
    if unknown:
        raise MerError(f"{source} answers the task {unknown[0]!r}, which mer/tasks.py does not have: add its row again")
    return tuple(table[name] for name in names)


def labels_of(tasks: Sequence[Task]) -> dict[str, Any]:
    """Task -> what files say of its output, see `Task.labels`."""
    return {task.name: task.labels for task in tasks}


def columns_read(tasks: Sequence[Task]) -> list[str]:
    """Columns of labels, beside the quadrant, that tasks read."""
    return sorted({task.column for task in tasks} - {"quadrant"})


def quadrant(arousal: float, valence: float) -> str | None:
    """Quadrant name of a point of the plane, or None where it lies on an axis (Russell 1980).

    Parameters
    ----------
    arousal, valence : float
        Coordinates in any range that is centered on zero.
    """
    if arousal == 0 or valence == 0:
        return None
    if arousal > 0:
        return "Q1" if valence > 0 else "Q2"
    return "Q4" if valence > 0 else "Q3"
