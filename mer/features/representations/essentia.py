"""84 scalar low-level descriptors of Essentia's MusicExtractor: one row for every 7.5 s."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations import _essentia
from mer.features.representations._stretches import Parts


@dataclass(frozen=True, kw_only=True)
class Essentia(Parts):
    """A part as MusicExtractor hears a file: at 44.1 kHz, brought to one loudness; means, then standard deviations.

    References
    ----------
    D. Bogdanov et al., "ESSENTIA: an audio analysis library for music information retrieval", ISMIR 2013.
    """

    TITLE: ClassVar[str] = "Essentia descriptors"
    PACKAGES: ClassVar[tuple[str, ...]] = ("essentia",)
    sample_rate_hz: ClassVar[int] = _essentia.SAMPLE_RATE_HZ
    width: ClassVar[int] = 84

    @property
    def feature_names(self) -> tuple[str, ...]:
        """As MusicExtractor says them, without "lowlevel."."""
        return _essentia.NAMES

    def of_stretch(self, sound: np.ndarray, start: int, stop: int) -> np.ndarray:
        """(1, 84)."""
        return _essentia.descriptors(sound[start:stop])[None]
