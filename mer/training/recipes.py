"""Training by the recipe of an encoder: its optimizer and schedule, and its batches."""

import math

import keras
from keras import ops

from mer import MerError
from mer.training import loop
from mer.training.drawn import Drawn

# AdamW: Loshchilov & Hutter 2019. RMSprop: as SincNet is published, PyTorch's with alpha 0.95 and eps 1e-8, which it
# adds to the root of the mean square; Keras adds epsilon under the root.
OPTIMIZERS = {
    "rmsprop": lambda rate, recipe: keras.optimizers.RMSprop(rate, rho=0.95, epsilon=1e-16),
    "adamw": lambda rate, recipe: keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay),
}


@keras.saving.register_keras_serializable("mer")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up from a 25th of the greatest rate in 30 % of the steps, and down to nearly 0, both along half a cosine.

    Smith & Topin 2018 (arXiv:1708.07120), with the shape and the defaults of PyTorch's OneCycleLR.

    Parameters
    ----------
    greatest : float
    steps : int
        Of the whole training.
    """

    RISE, START, END = 0.3, 1 / 25, 1 / 25e4

    def __init__(self, greatest, steps):
        self.greatest, self.steps = greatest, steps

    def __call__(self, step):
        step, top = ops.cast(step, "float32"), max(self.RISE * self.steps - 1, 1.0)
        rising, falling = step / top, (step - top) / max(self.steps - 1 - top, 1.0)
        share = ops.where(step <= top, _between(self.START, 1.0, rising), _between(1.0, self.END, falling))
        return self.greatest * share

    def get_config(self):
        return {"greatest": self.greatest, "steps": self.steps}


def _between(start, end, place):
    return end + (start - end) / 2 * (1 + ops.cos(math.pi * ops.clip(place, 0.0, 1.0)))


def of(module, cfg):
    """The recipe of an architecture with numbers alone, or None where it has none."""
    return module.RECIPE.resolved(cfg.values) if hasattr(module, "RECIPE") else None


def settings(module, cfg):
    """What a run by a recipe depends on and records."""
    names = ("precision", "early_stopping_epochs")
    return {**{name: cfg.values[name] for name in names}, **module.RECIPE.settings(cfg.values)}


def batches_of(clips, tasks, *, reads, recipe, seed):
    """Batches for training, see `Drawn`; MerError where no clip is as long as a chunk."""
    made = Drawn(clips, tasks, reads=reads, recipe=recipe, seed=seed)
    if not len(made.clips):
        raise MerError(f"no clip for training is as long as {reads.actual_seconds:g} s, which the encoder reads at a "
                       "time: give it longer clips, or take an encoder that reads less")
    return made


def optimizer(recipe, *, steps):
    """The optimizer of a recipe, for epochs of so many `steps`."""
    rate = recipe.learning_rate if recipe.schedule == "constant" else OneCycle(recipe.learning_rate,
                                                                              recipe.epochs * steps)
    return OPTIMIZERS[recipe.optimizer](rate, recipe)


def compile_for(model, recipe, tasks, *, steps):
    """Compile a model with the optimizer of a recipe, for epochs of so many `steps`, and with weighted metrics."""
    model.compile(optimizer(recipe, steps=steps), loss={task.name: task.loss for task in tasks},
                  weighted_metrics={task.name: [task.metric] for task in tasks}, **loop.compile_options())
