"""Sound that is in memory already, read as `mer.features.decode` reads a file."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer.features.containers import refusals
from mer.features.containers.refusals import AudioError

MOST_CHANNELS = 64
_BLOCK_SAMPLES = 2**16


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples with their rate, as a source of sound beside files.

    Attributes
    ----------
    samples : np.ndarray, shape (n, channels), float32
        Full scale is 1.
    rate_hz : int
    """

    samples: np.ndarray
    rate_hz: int

    def __str__(self) -> str:
        return "the array"

    def blocks(self) -> Iterator[tuple[np.ndarray, int]]:
        """The samples in blocks, as `mer.features.decode.blocks` gives those of a file."""
        for start in range(0, len(self.samples), _BLOCK_SAMPLES):
            yield self.samples[start:start + _BLOCK_SAMPLES], self.rate_hz


Sound = str | os.PathLike[str] | np.ndarray  # what the functions of the Python interface take


def source(sound: Sound, rate_hz: int | None = None) -> Path | Samples:
    """A path, or checked samples.

    Parameters
    ----------
    sound : path, or np.ndarray, shape (n,) or (n, channels)
        Floats with full scale 1, or signed whole numbers, whose full scale is that of their type.
    rate_hz : int or None
        Samples a second of an array; None for a path.

    Raises
    ------
    AudioError
        An array has no rate or an impossible one, another shape, no samples, values that are not finite or that are
        no real numbers; a path came with a rate.
    """
    if isinstance(sound, (str, os.PathLike)):
        if rate_hz is not None:
            raise AudioError(f"{os.fspath(sound)} came with a rate of {rate_hz}, but a file knows its own: leave the "
                             "rate out.")
        return Path(sound)
    try:
        samples = np.asarray(sound)
    except ValueError:
        raise AudioError("what came is no array and cannot become one, but samples were expected; give one list of "
                         "numbers, or one array.") from None
    return Samples(_checked(samples), _checked_rate(rate_hz))


def _checked(samples: np.ndarray) -> np.ndarray:
    if samples.dtype.kind not in "fi":
        raise AudioError(f"an array of {samples.dtype} came, but floats or signed whole numbers were expected; convert "
                         "it first.")
    if samples.ndim not in (1, 2):
        raise AudioError(f"an array of shape {samples.shape} came, but (samples,) or (samples, channels) was expected; "
                         "give one clip at a time.")
    if not len(samples) or not samples.size:
        raise AudioError(f"an array of shape {samples.shape} came, but it holds no samples; check how it was cut.")
    if samples.ndim == 2 and samples.shape[1] > min(MOST_CHANNELS, len(samples)):
        raise AudioError(f"an array of shape {samples.shape} came, but (samples, channels) was expected; transpose it "
                         "where it is (channels, samples).")
    scale = 1.0 if samples.dtype.kind == "f" else -float(np.iinfo(samples.dtype).min)
    with np.errstate(over="ignore"):
        floats = (samples / scale).astype(np.float32) if scale != 1 else samples.astype(np.float32)
    if not np.isfinite(floats).all():
        raise AudioError("the array holds NaN or infinite samples, but finite ones were expected; mend it where it "
                         "was made.")
    return floats[:, None] if floats.ndim == 1 else floats


def _checked_rate(rate_hz: int | None) -> int:
    if rate_hz is None:
        raise AudioError("an array came without its rate, but samples a second were expected; give rate, for example "
                         "rate=44100.")
    lowest, highest = refusals.RATES_HZ
    is_whole = isinstance(rate_hz, (int, float, np.integer, np.floating)) and not isinstance(rate_hz, bool) \
        and rate_hz == rate_hz // 1
    if not is_whole or not lowest <= rate_hz <= highest:
        raise AudioError(f"a rate of {rate_hz!r} came with an array, but a whole number from {lowest} to {highest} "
                         "samples a second was expected; give the rate at which it was recorded.")
    return int(rate_hz)
