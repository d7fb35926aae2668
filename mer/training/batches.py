"""Patches or cached codes -> seeded batches with emotion targets; the base of all batches.

Every batch is a pure function of (seed, epoch, batch number): the same command gives the same batches,
also after a resumed run, and `epoch` stays 0 on validation data, whose noise is therefore fixed.
"""

import keras
import numpy as np

from mer.tasks import TASKS


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
    """Patches, or codes of a frozen encoder, with one-hot targets and weights for each task.

    Parameters
    ----------
    inputs : store.Patches or np.ndarray, shape (n, units)
        Patches are gathered, codes are indexed.
    quadrant : np.ndarray of int, shape (n,)
        True quadrant 0..3 of each input.
    rows : np.ndarray of int
        Which of the inputs to use: those of one side of the split.
    class_weights : dict or None
        Task name to an array of one weight per class, see `class_weights`.
    **batching
        See `Batches`.
    """

    def __init__(self, inputs, quadrant, *, rows, class_weights=None, **batching):
        super().__init__(n=len(rows), **batching)
        self.inputs, self.rows = inputs, rows
        self.classes = {task.name: task.targets(quadrant) for task in TASKS}
        self.class_weights = class_weights
        self._one_hot = {task.name: np.eye(len(task.classes), dtype=np.float32) for task in TASKS}

    def __getitem__(self, batch):
        chosen = self.rows[self.indices(batch)]
        inputs = self.inputs[chosen] if isinstance(self.inputs, np.ndarray) else self.inputs.gather(chosen)
        classes = {name: index[chosen] for name, index in self.classes.items()}
        targets = {name: self._one_hot[name][index] for name, index in classes.items()}
        if self.class_weights is None:
            return inputs, targets
        return inputs, targets, {name: self.class_weights[name][index] for name, index in classes.items()}


def class_weights(quadrant):
    """Weights that make every class of a task count the same: n / (classes * n of the class).

    The "balanced" heuristic of King & Zeng 2001 (Political Analysis 9), as in scikit-learn. A class without examples
    gets weight 0.

    Parameters
    ----------
    quadrant : np.ndarray of int, shape (n,)

    Returns
    -------
    dict of str to np.ndarray, shape (classes,), float32
    """
    weights = {}
    for task in TASKS:
        count = np.bincount(task.targets(quadrant), minlength=len(task.classes))
        present = np.count_nonzero(count)
        weights[task.name] = np.where(count > 0, count.sum() / (present * np.maximum(count, 1)), 0).astype(np.float32)
    return weights
