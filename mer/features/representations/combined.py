"""Statistics of the IS13 descriptors and Essentia's descriptors of the same parts: one row for every 7.5 s."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import soxr

from mer.features.representations import _essentia, _opensmile
from mer.features.representations._stretches import Parts


@dataclass(frozen=True, kw_only=True)
class Combined(Parts):
    """260 and 84 values: what `is13` says of a second, of a part, and what `essentia` says of it.

    openSMILE hears the part at 16 kHz, resampled as files are (soxr, quality HQ).
    """

    TITLE: ClassVar[str] = "IS13 and Essentia descriptors"
    PACKAGES: ClassVar[tuple[str, ...]] = ("opensmile", "essentia")
    sample_rate_hz: ClassVar[int] = _essentia.SAMPLE_RATE_HZ
    width: ClassVar[int] = 344

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Those of `is13` and of `essentia`."""
        return _opensmile.STATISTICS + _essentia.NAMES

    def of_stretch(self, sound: np.ndarray, start: int, stop: int) -> np.ndarray:
        """(1, 344)."""
        part, rate_hz = sound[start:stop], Parts.sample_rate_hz
        heard = soxr.resample(part, self.sample_rate_hz, rate_hz, quality="HQ")
        of_openSMILE = _opensmile.statistics(_opensmile.descriptors(heard, rate_hz))
        return np.concatenate([of_openSMILE, _essentia.descriptors(part)])[None]
