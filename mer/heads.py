"""Emotion heads on an encoder (ICASSP 2021, figure 2; names and activations of the released architecture files).

An architecture may bring heads of its own, `heads(code, tasks)`; without these it gets the published ones.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import keras
from keras import layers

from mer.tasks import PLACE, PUBLISHED, Task

UNITS = 512  # in all dense layers; the paper says 256 in the branches, the released weights have 512
DROPOUT = 0.25
ACTIVATION = "relu"  # of every hidden layer in the release; the paper does not say
TRUNK = "b9"  # then one branch a task: b10, b11, b12 of the published ones, others by their names
CODE = "code"  # the layer between encoder and heads


class Linear:
    """Brings linear heads, as an architecture brings heads of its own: no hidden layer, and no activation.

    Parameters
    ----------
    components : int
        Coordinates that the code is projected on; all tasks read them.
    """

    def __init__(self, components: int) -> None:
        self.components = components

    def heads(self, code: Any, tasks: Sequence[Task]) -> dict[str, Any]:
        """Task -> what its output layer reads, see `attach`."""
        place = layers.Dense(self.components, name=PLACE)(layers.Flatten(name="flat")(code))
        return {task.name: place for task in tasks}


def attach(encoder: Any, tasks: Sequence[Task], module: ModuleType | Linear | None = None) -> Any:
    """Encoder and heads as one flat model.

    Parameters
    ----------
    encoder : keras.Model
        Chunk -> code of any rank. The published heads flatten it, in (band, frame, channel) order.
    tasks : sequence of Task
    module : module, Linear or None
        Of `models/`. Its `heads(code, tasks)`, where it has one, takes the code as it is, (batch, ...), and gives what
        the output layer of each task reads: {task: (batch, units)}.

    Returns
    -------
    keras.Model
        Chunk -> {task: (batch, units)}: probabilities of its classes, or a value in its range, (batch, 1).
    """
    own = getattr(module, "heads", None)
    code = (layers.Identity if own else layers.Flatten)(name=CODE)(encoder.output)
    if own:
        hidden = own(code, tasks)
        outputs = {task.name: _answer(hidden[task.name], task) for task in tasks}
    else:
        outputs = {task.name: _answer(x, task) for task, x in _published(code, tasks)}
    return keras.Model(encoder.input, outputs, name="emotion")


def with_place(model: Any) -> Any:
    """A model with linear heads that gives their coordinates, too, as `PLACE`."""
    return keras.Model(model.input, {**model.output, PLACE: model.get_layer(PLACE).output}, name=model.name)


def encoder_of(model: Any) -> Any:
    """The part of `model` below the heads: chunk -> code (batch, ...), as the heads read it."""
    return keras.Model(model.input, model.get_layer(CODE).output, name="codes")


def only(model: Any, tasks: Sequence[Task]) -> Any:
    """The part of `model` that answers these tasks, sharing its layers."""
    return keras.Model(model.input, {task.name: model.get_layer(task.name).output for task in tasks}, name="emotion")


def on_codes(model: Any, tasks: Sequence[Task]) -> Any:
    """The heads of `model` alone, sharing its layers: what trains this trains `model`.

    Parameters
    ----------
    model : keras.Model
        Made by `attach` with the same tasks.

    Returns
    -------
    keras.Model
        Codes (batch, ...), as `encoder_of` gives them -> as `model`.
    """
    outputs = {task.name: model.get_layer(task.name).output for task in tasks}
    return keras.Model(model.get_layer(CODE).output, outputs, name="heads")


def _published(code, tasks):
    """Yield tasks and what their output layers read: a trunk of three dense layers, and two of each task.

    One task after the other: the seed gives layers their initial weights in the order in which they are made.
    """
    x = layers.Dense(UNITS, activation=ACTIVATION, name=f"{TRUNK}_fc1")(code)
    x = layers.Dropout(DROPOUT, name=f"{TRUNK}_d1")(x)
    x = layers.Dense(UNITS, activation=ACTIVATION, name=f"{TRUNK}_fc2")(x)
    x = layers.Dropout(DROPOUT, name=f"{TRUNK}_d2")(x)
    x = layers.Dense(UNITS, activation=ACTIVATION, name=f"{TRUNK}_fc3")(x)
    for task in tasks:
        y = layers.Dense(UNITS, activation=ACTIVATION, name=f"{_branch(task)}_fc1")(x)
        y = layers.Dropout(DROPOUT, name=f"{_branch(task)}_d1")(y)
        yield task, layers.Dense(UNITS, activation=ACTIVATION, name=f"{_branch(task)}_fc2")(y)


def _answer(hidden, task):
    """The output layer of a task, float32 under mixed precision too."""
    if task.classes:
        return layers.Dense(task.units, activation="softmax", name=task.name, dtype="float32")(hidden)
    low, high = task.range
    y = layers.Dense(1, activation="tanh", name=f"{_branch(task)}_fc3", dtype="float32")(hidden)
    return layers.Rescaling((high - low) / 2, (high + low) / 2, name=task.name, dtype="float32")(y)


def _branch(task):
    return f"b{10 + PUBLISHED.index(task)}" if task in PUBLISHED else task.name
