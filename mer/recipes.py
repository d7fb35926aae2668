"""How an encoder wants to be trained: `RECIPE = Recipe(...)` in its file in models/.

An encoder without a recipe is trained on a grid of patches by the settings `scratch_...`.
"""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from mer import MerError

_WORDS = {"optimizer": ("rmsprop", "adamw"), "schedule": ("constant", "one_cycle"), "pooling": ("mean", "log")}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """Optimizer, batches of chunks at random places, and augmentations.

    Any of them may also be given as the name of a setting, which then says it. By default there are no augmentations.

    Attributes
    ----------
    optimizer : {"rmsprop", "adamw"}
        See `mer.training.recipes`.
    schedule : {"constant", "one_cycle"}
        Of the learning rate.
    learning_rate : float
        The constant one, or the greatest of the cycle.
    weight_decay : float
        Of adamw (Loshchilov & Hutter 2019), per step and unit of the learning rate.
    epochs : int
    batch : int
        Chunks in a batch.
    steps : int
        Batches an epoch, each of clips that are drawn with replacement. 0: each clip gives one chunk an epoch.
    class_weights : bool
        Weigh rare classes up.
    gain : float
        Amplitudes are multiplied by a random number from 1 - gain to 1 + gain.
    mixup : float
        Alpha of the beta distribution of the shares of two chunks (Zhang et al. 2018).
    masks : int
        Masks of bands, and of frames, a chunk (SpecAugment, Park et al. 2019).
    mask_bands, mask_frames : int
        The most that one mask hides.
    label_smoothing : float
        Share of a target that is spread evenly over all classes (Szegedy et al. 2016).
    pooling : {"mean", "log"}
        What a clip's probabilities are made of those of its chunks: their mean, or the mean of their logarithms, which
        chooses the class with the greatest sum of log-probabilities.
    vote_hop_ms : float
        From one chunk to the next where test clips are judged. 0: the patches themselves are taken.
    """

    optimizer: str
    schedule: str = "constant"
    learning_rate: float | str
    weight_decay: float | str = 0.0
    epochs: int | str
    batch: int | str
    steps: int | str = 0
    class_weights: bool | str = "scratch_class_weights"
    gain: float | str = 0.0
    mixup: float | str = 0.0
    masks: int | str = 0
    mask_bands: int | str = 0
    mask_frames: int | str = 0
    label_smoothing: float | str = 0.0
    pooling: str = "mean"
    vote_hop_ms: float | str = 0.0

    def resolved(self, values: Mapping[str, Any]) -> "Recipe":
        """The same without names of settings, by `Config.values`; MerError where a text is no setting and no word."""
        made = dataclasses.replace(self, **{name: values[setting] for name, setting in self._named(values).items()})
        for field in dataclasses.fields(made):
            value, words = getattr(made, field.name), _WORDS.get(field.name, ())
            if (isinstance(value, str) or words) and value not in words:
                expected = " or ".join([*map(repr, words), "the name of a setting"])
                raise MerError(f"{field.name} = {value!r} came in a RECIPE of models/, but {expected} was expected")
        return made

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a run records: the settings that are named, and the other attributes as "recipe_..."."""
        named = self._named(values)
        own = {f"recipe_{field.name}": getattr(self, field.name) for field in dataclasses.fields(self)
               if field.name not in named}
        return {**own, **{setting: values[setting] for setting in named.values()}}

    def _named(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Attributes that are given as the names of settings."""
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in given.items() if isinstance(value, str) and value in values}


def made_by(module: ModuleType, settings: Mapping[str, Any]) -> bool:
    """Whether a run with these settings was trained as its architecture says now.

    SincNet had no recipe once, and the published heads; its runs record no optimizer.
    """
    return not hasattr(module, "RECIPE") or "recipe_optimizer" in settings
