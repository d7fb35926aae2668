"""What the GE2E speaker encoder reads: 40 mel bands of power (Wan et al. 2018; package Resemblyzer 0.1.4)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations._mel import PowerMel


@dataclass(frozen=True, kw_only=True)
class Ge2eMel(PowerMel):
    """Power in windows of 25 ms every 10 ms, no logarithm; a quiet recording is raised to -30 dBFS.

    The authors cut out what is no voice before; music has none to look for, so all of it stays.
    """

    TITLE: ClassVar[str] = "mel power of GE2E"
    sample_rate_hz: ClassVar[int] = 16000
    n_fft: ClassVar[int] = 400
    hop_samples: ClassVar[int] = 160
    width: ClassVar[int] = 40
    LEAST_RMS: ClassVar[float] = 10 ** (-30 / 20)

    def full_scale(self, peak: float, rms: float) -> float:
        """Raise the root mean square of the whole recording to -30 dBFS where it is below."""
        return min(1.0, rms / self.LEAST_RMS)

    def scaled(self, power: np.ndarray) -> np.ndarray:
        """The same."""
        return power
