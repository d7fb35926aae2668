"""What musicnn reads: 96 mel bands of power on a logarithmic scale (Pons & Serra 2019; package musicnn 0.1.0)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations._mel import PowerMel


@dataclass(frozen=True, kw_only=True)
class MusicnnMel(PowerMel):
    """log10(1 + 10 000 power), at the level of the recording; a network reads (bands, frames, 1).

    The authors round power, product and logarithm to half precision, which moves a tag by up to 5e-4 and overflows
    where a band has a power above 6.55, as most loud music does. Here all is in single precision.
    """

    TITLE: ClassVar[str] = "log-mel of musicnn"
    sample_rate_hz: ClassVar[int] = 16000
    n_fft: ClassVar[int] = 512
    hop_samples: ClassVar[int] = 256
    width: ClassVar[int] = 96

    def full_scale(self, peak: float, rms: float) -> float:
        """The level of the recording stays: musicnn was trained without normalization."""
        return 1.0

    def scaled(self, power: np.ndarray) -> np.ndarray:
        """The logarithm."""
        power *= np.float32(10_000)
        power += np.float32(1)
        return np.log10(power, out=power)

    def to_input(self, chunks: np.ndarray) -> np.ndarray:
        """(n, frames, bands) -> a view (n, bands, frames, 1)."""
        return np.swapaxes(chunks, 1, 2)[..., None]
