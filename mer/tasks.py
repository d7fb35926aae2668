"""The emotion tasks: one row each; heads, store columns and reports follow from this table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

QUADRANTS = ("Q1", "Q2", "Q3", "Q4")

# Keras loss of every task, on one-hot targets and softmax outputs. ICASSP 2021, section 3.2, has binary cross-entropy
# for the two-class heads, which on two softmax units is the same number. But given a softmax output, Keras' TensorFlow
# backend computes the binary one from the logits as if each unit had a sigmoid: another loss, and other probabilities.
LOSS = "categorical_crossentropy"


@dataclass(frozen=True)
class Task:
    """One classification task on the arousal-valence plane.

    Attributes
    ----------
    name : str
        Name of the model output and of the task in every report.
    classes : tuple of str
        Class names in the order of the model's output units.
    class_of_quadrant : tuple of int, length 4
        Index into `classes` for Q1 (A+V+), Q2 (A+V-), Q3 (A-V-) and Q4 (A-V+).
    """

    name: str
    classes: tuple
    class_of_quadrant: tuple

    def targets(self, quadrant_index: Sequence[int] | np.ndarray) -> np.ndarray:
        """Map quadrant indices 0..3, shape (n,), to class indices of this task, shape (n,)."""
        return np.asarray(self.class_of_quadrant)[np.asarray(quadrant_index)]


TASKS = (
    Task("quadrants", QUADRANTS, (0, 1, 2, 3)),
    Task("arousal", ("A-", "A+"), (1, 1, 0, 0)),
    Task("valence", ("V-", "V+"), (1, 0, 0, 1)),
)


def quadrant(arousal: float, valence: float) -> str | None:
    """Quadrant name of a point of the plane, or None where it lies on an axis (Russell 1980).

    Parameters
    ----------
    arousal, valence : float
        Coordinates in any range that is centred on zero.
    """
    if arousal == 0 or valence == 0:
        return None
    if arousal > 0:
        return "Q1" if valence > 0 else "Q2"
    return "Q4" if valence > 0 else "Q3"
