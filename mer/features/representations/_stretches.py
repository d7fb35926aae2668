"""Rows of long stretches, by the field's own extractors: what `is13`, `compare`, `essentia` and `combined` share."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.containers.refusals import AudioError
from mer.features.representations import LEAST_SECONDS, Representation
from mer.features.waveform import regrouped


class Stretches(Representation):
    """Rows of stretches that follow each other from the first sample, each worked on alone.

    The last stretch takes the rest, so no stretch but the only one is shorter than `stretch_samples`. Where a stretch
    ends depends on the length of the waveform alone, so rows of blocks are those of the whole, bit for bit.

    Attributes
    ----------
    stretch_samples : int
        From one stretch to the next; a whole number of rows.
    context_samples : int
        So much sound before and behind a stretch is worked on, too, where there is any. At most a stretch.
    """

    sample_rate_hz: ClassVar[int] = 16000  # the extractors' bands reach to 8 kHz

    @property
    @abstractmethod
    def stretch_samples(self) -> int:
        """From one stretch to the next."""

    @property
    def context_samples(self) -> int:
        """On either side of a stretch."""
        return 0

    @abstractmethod
    def of_stretch(self, sound: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Rows of samples [start, stop) of `sound`, which holds the context around them: (rows, width), float32."""

    def n_rows(self, n_samples: int) -> int:
        """Whole rows, but at least one of a waveform of `LEAST_SECONDS`."""
        return max(n_samples // self.hop_samples, int(n_samples >= self._least))

    def n_samples(self, n_rows: int) -> int:
        """One row may be shorter than the others."""
        return n_rows * self.hop_samples if n_rows > 1 else self._least

    @property
    def _least(self):
        return round(LEAST_SECONDS * self.sample_rate_hz)

    def rows(self, waveform: np.ndarray) -> np.ndarray:
        """Waveform (n,), peak 1 -> (n_rows(n), width); a value that is no finite number is 0."""
        return np.concatenate(list(self.stream([np.asarray(waveform, np.float32)])))

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Rows of a waveform that comes in blocks (k,), a stretch at a time; see `Representation.stream`."""
        step, around = self.stretch_samples, self.context_samples
        held, start = np.empty(0, np.float32), 0  # `start`: of the next stretch in `held`
        for block in regrouped(blocks, step):
            held = np.concatenate((held, block))
            while len(held) >= start + 2 * step + around:  # a whole stretch follows: this one is not the last
                yield self._finite(held[:start + step + around], start, start + step)
                first = max(0, start + step - around)
                held, start = held[first:], start + step - first
        if len(held) < self._least:
            raise AudioError(f"the sound is too short: {len(held)} samples came, but at least {self._least} are needed;"
                             " use a longer clip.")
        yield self._finite(held, start, len(held))

    def _finite(self, sound, start, stop):
        return np.nan_to_num(self.of_stretch(sound, start, stop), posinf=0, neginf=0).astype(np.float32, copy=False)


@dataclass(frozen=True, kw_only=True)
class Parts(Stretches):
    """One row a stretch: the parts of about 7.5 s into which SincNet-MER cut clips of 30 s.

    A clip of 30.06 s is 4 parts, the last of 7.56 s; one of 12 s is one part.
    """

    stretch_ms: int = 7500

    @property
    def stretch_samples(self) -> int:
        """Samples of a part."""
        return self.stretch_ms * self.sample_rate_hz // 1000

    @property
    def hop_samples(self) -> int:
        """From one row to the next: a part."""
        return self.stretch_samples
