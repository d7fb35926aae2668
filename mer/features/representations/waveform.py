"""The waveform itself: one sample a row, for encoders that bring a front end of their own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations import Representation


@dataclass(frozen=True, kw_only=True)
class Waveform(Representation):
    """Samples of the mono waveform, peak 1; a network reads (samples, 1)."""

    sample_rate_hz: int = 16000
    TITLE: ClassVar[str] = "waveform"
    hop_samples: ClassVar[int] = 1
    context_samples: ClassVar[int] = 0
    width: ClassVar[int] = 1

    def rows(self, waveform: np.ndarray) -> np.ndarray:
        """Waveform (n,) -> (n, 1)."""
        return np.ascontiguousarray(waveform, np.float32)[:, None]

    def amplified(self, rows: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """The product."""
        return rows * factors[:, None, None]
