"""Patches or cached codes -> seeded batches with emotion targets; the base of all batches.

Every batch is a pure function of (seed, epoch, batch number): the same command gives the same batches,
also after a resumed run, and `epoch` stays 0 on validation data, whose noise is therefore fixed.
"""

import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    """Batches of `n` examples in a new seeded order each epoch.

    Parameters
    ----------
    n : int
        Number of examples.
    batch_size : int
    seed : int
    shuffle : bool
        False keeps the order, for validation and prediction.
    """

    def __init__(self, *, n, batch_size, seed=0, shuffle=False):
        # On TensorFlow, threads of Keras' own: with fewer than two, batches pass through a tf.data pipeline whose
        # autotuner holds up the end of an epoch until its sleep is over, which doubles in length each time.
        super().__init__(workers=2 if keras.backend.backend() == "tensorflow" else 1, max_queue_size=4)
        self.n, self.batch_size, self.seed, self.shuffle = n, batch_size, seed, shuffle
        self.set_epoch(0)

    def set_epoch(self, epoch):
        """Draw the order of an epoch; training calls it before each."""
        self.epoch = epoch
        self.order = np.arange(self.n)
        if self.shuffle:
            np.random.default_rng([self.seed, epoch]).shuffle(self.order)

    def rng(self, batch):
        """Generator of one batch: its noise or its negatives."""
        return np.random.default_rng([self.seed, self.epoch, batch + 1])

    def indices(self, batch):
        return self.order[batch * self.batch_size:(batch + 1) * self.batch_size]

    def __len__(self):
        return -(-self.n // self.batch_size)  # the last, partial batch counts


class Emotion(Batches):
    """Chunks, or codes of a frozen encoder, with targets and weights for each task.

    A clip without a label of a task has weight 0 there. The others weigh more by as much as examples are lacking, so
    that the mean over all examples, which is what Keras takes, is the mean over those with a label. It is so over an
    epoch, however the labels fall into batches, and on every backend.

    Parameters
    ----------
    inputs : patches.Patches or np.ndarray, shape (n, *code)
        Chunks are gathered, codes are indexed.
    targets : dict of str -> np.ndarray, shape (n,)
        What is true of each input, by task; from `Task.targets`.
    rows : np.ndarray of int
        Which of the inputs to use: those of one side of the split.
    tasks : sequence of Task
    class_weights : dict or None
        Task name to an array of one weight per class, see `class_weights`.
    **batching
        See `Batches`.
    """

    def __init__(self, inputs, targets, *, rows, tasks, class_weights=None, **batching):
        super().__init__(n=len(rows), **batching)
        self.inputs, self.rows, self.tasks, self.targets = inputs, rows, tasks, targets
        weights = {task.name: example_weights(task, targets[task.name], rows, class_weights or {}) for task in tasks}
        plain = class_weights is None and all((each[rows] == 1).all() for each in weights.values())
        self.weights = None if plain else weights

    def __getitem__(self, batch):
        chosen = self.rows[self.indices(batch)]
        inputs = self.inputs[chosen] if isinstance(self.inputs, np.ndarray) else self.inputs.gather(chosen)
        targets = {task.name: task.encoded(self.targets[task.name][chosen]) for task in self.tasks}
        if self.weights is None:
            return inputs, targets
        return inputs, targets, {name: weights[chosen] for name, weights in self.weights.items()}


def example_weights(task, targets, rows, class_weights):
    """Weight of every example in the loss of a task, shape (n,), float32; errors count in halves of the range.

    Parameters
    ----------
    task : Task
    targets : np.ndarray, shape (n,)
        From `Task.targets`.
    rows : np.ndarray of int
        The examples that are used.
    class_weights : dict
        See `class_weights`; {}: all classes weigh the same.
    """
    known = task.is_labelled(targets)
    n_known = known[rows].sum()
    made = known * (len(rows) / max(n_known, 1))
    if task.range is not None:
        made = made * (2 / (task.range[1] - task.range[0])) ** 2
    elif task.name in class_weights:
        made = made * class_weights[task.name][np.where(known, targets, 0)]
    return made.astype(np.float32)


def class_weights(targets, tasks):
    """Weights that make every class of a task count the same: n / (classes * n of the class).

    The "balanced" heuristic of King & Zeng 2001 (Political Analysis 9), as in scikit-learn. A class without examples
    gets weight 0; examples without a label do not count.

    Parameters
    ----------
    targets : dict of str -> np.ndarray of int, shape (n,)
        By task; from `Task.targets`.
    tasks : sequence of Task

    Returns
    -------
    dict of str to np.ndarray, shape (classes,), float32
        Of the tasks with classes.
    """
    weights = {}
    for task in tasks:
        if task.classes:
            known = targets[task.name][task.is_labelled(targets[task.name])]
            count = np.bincount(known, minlength=len(task.classes))
            present = max(np.count_nonzero(count), 1)
            balanced = np.where(count > 0, count.sum() / (present * np.maximum(count, 1)), 0)
            weights[task.name] = balanced.astype(np.float32)
    return weights
