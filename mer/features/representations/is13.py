"""The 65 low-level descriptors of IS13 ComParE and their deltas, by openSMILE: mean and deviation of every second."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations import _opensmile
from mer.features.representations._stretches import Stretches


@dataclass(frozen=True, kw_only=True)
class Is13(Stretches):
    """A row a second: the means of 130 descriptors, then their standard deviations.

    Rows pool exactly: the mean of means is the mean of several seconds, and sqrt(mean(std^2 + mean^2) - mean^2) is
    their deviation. The last second of a waveform has up to five frames fewer than 100.

    Parameters
    ----------
    stretch_seconds : int
        openSMILE runs over so much at a time; a clip of less than two stretches and their context is one run.
    context_seconds : int
        And over so much on either side. Filters and the tracking of F0 look back over all of the sound, but with 1 s
        a value is off by less than 1e-3 of its deviation from second to second, and with 2 s by less than 1e-4.

    References
    ----------
    B. Schuller et al., "The INTERSPEECH 2013 computational paralinguistics challenge: social signals, conflict,
    emotion, autism", INTERSPEECH 2013; mean and deviation of its 65 descriptors and their deltas as in EUSIPCO 2020.
    """

    stretch_seconds: int = 30
    context_seconds: int = 2
    TITLE: ClassVar[str] = "IS13 descriptors"
    PACKAGES: ClassVar[tuple[str, ...]] = ("opensmile",)
    width: ClassVar[int] = 260
    hop_samples: ClassVar[int] = Stretches.sample_rate_hz

    @property
    def stretch_samples(self) -> int:
        """Samples of a stretch."""
        return self.stretch_seconds * self.sample_rate_hz

    @property
    def context_samples(self) -> int:
        """Samples of the context on either side."""
        return self.context_seconds * self.sample_rate_hz

    @property
    def feature_names(self) -> tuple[str, ...]:
        """openSMILE's names of the descriptors, with amean or stddev behind."""
        return _opensmile.STATISTICS

    def pooled(self, rows: np.ndarray) -> np.ndarray:
        """Mean of the means, and the deviation over all of the seconds: (n, rows, 260) -> (n, 260), float32."""
        mean, deviation = np.split(rows.astype(float), 2, axis=2)
        over_all = np.square(deviation).mean(axis=1) + mean.var(axis=1)  # variance within seconds, and between them
        return np.concatenate([mean.mean(axis=1), np.sqrt(over_all)], axis=1).astype(np.float32)

    def of_stretch(self, sound: np.ndarray, start: int, stop: int) -> np.ndarray:
        """One row for each whole second, at least one."""
        frames = _opensmile.descriptors(sound, self.sample_rate_hz)
        first, n = start // self.hop_samples, max(1, (stop - start) // self.hop_samples)
        size = _opensmile.FRAMES_PER_SECOND
        return np.array([_opensmile.statistics(frames[i * size:(i + 1) * size]) for i in range(first, first + n)])
