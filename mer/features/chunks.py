"""Chunks of rows: what an encoder reads at a time, whole or cut out of rows that come in blocks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mer import MerError
from mer.features import representations
from mer.features.containers.refusals import AudioError
from mer.features.representations import Representation
from mer.features.samples import Samples
from mer.features.waveform import Waveform

_MOST_ROWS = 2**22
_SECONDS, _ROWS = "patch_seconds", "patch_frames"  # keys among recorded settings, as of the first log-mel patches


@dataclass(frozen=True)
class Chunks:
    """Chunks of one representation, as an encoder reads them.

    Attributes
    ----------
    of : Representation
    seconds : float
        As the encoder says it: CHUNK_SECONDS.
    n_rows : int
        As it comes out in whole rows: 31 for 1 s of log-mel at 16 kHz, 43 at 22.05 kHz (ICASSP 2021, section 3.1).
    hop_seconds : float or None
        From one patch to the next in validation and test, HOP_SECONDS of an encoder that says it.
    """

    of: Representation
    seconds: float
    n_rows: int
    hop_seconds: float | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one chunk as a network reads it: (bands, frames, 1) of log-mel."""
        return self.of.to_input(np.empty((0, self.n_rows, self.of.width), np.float32)).shape[1:]

    @property
    def settings(self) -> dict[str, Any]:
        """What a run records: `Representation.settings`, "patch_seconds", and "patch_hop_seconds" where it is said."""
        hop = {} if self.hop_seconds is None else {"patch_hop_seconds": self.hop_seconds}
        return {**self.of.settings, _SECONDS: self.seconds, **hop}

    @property
    def exact(self) -> dict[str, Any]:
        """What an exported file records: `settings` and "patch_frames"."""
        return {**self.settings, _ROWS: self.n_rows}

    @property
    def actual_seconds(self) -> float:
        """Length in whole rows: 0.992 s for 31 frames of 32 ms."""
        return self.n_rows / self.of.rows_per_second

    def hop_rows(self, overlap: float) -> int:
        """Rows from one chunk to the next, 15 for 31 rows and an overlap of one half; or `hop_seconds`."""
        if self.hop_seconds is not None:
            return max(1, round(self.hop_seconds * self.of.rows_per_second))
        return max(1, int(self.n_rows * (1 - overlap)))

    def cut(self, rows: np.ndarray, hop_rows: int) -> np.ndarray:
        """View rows (n, width) as whole chunks for a network, the rest left out: read-only, nothing copied.

        Returns
        -------
        np.ndarray, shape (count(n), *shape)
        """
        if len(rows) < self.n_rows:
            return self.of.to_input(np.broadcast_to(np.float32(0), (0, self.n_rows, rows.shape[1])))
        windows = np.lib.stride_tricks.sliding_window_view(rows, self.n_rows, axis=0)[::hop_rows]  # (n, width, rows)
        return self.of.to_input(np.swapaxes(windows, 1, 2))

    def of_clips(self, clips: Any, overlap: float) -> Any:
        """The chunks of all clips of a `ClipSet`, with `clip` and `start_seconds` of each: its patches."""
        return clips.patches(self, self.hop_rows(overlap))

    def start(self, number: int, hop_seconds: float) -> int:
        """First row of the chunk of that number, of chunks every `hop_seconds`."""
        return round(number * hop_seconds * self.of.rows_per_second)

    def count(self, n_samples: int, hop_seconds: float) -> int:
        """How many whole chunks, one every `hop_seconds`, a waveform has."""
        last = self.of.n_rows(n_samples) - self.n_rows
        n = int((last + 0.5) / (hop_seconds * self.of.rows_per_second)) + 1 if last >= 0 else 0
        return n - 1 if n and self.start(n - 1, hop_seconds) > last else n

    def batches(self, rows: Iterable[np.ndarray], *, hop_seconds: float, n: int, size: int) -> Iterator[np.ndarray]:
        """The first `n` chunks of rows that come in blocks.

        Parameters
        ----------
        rows : iterable of np.ndarray, shape (j, width)
        hop_seconds : float
            From one chunk to the next.
        n, size : int
            Chunks in all, and in a batch.

        Yields
        ------
        np.ndarray, shape (at most size, *shape), float32, C-contiguous
        """
        blocks, first, held = iter(rows), 0, np.empty((0, self.of.width), np.float32)  # `first`: row of held[0]
        for number in range(0, n, size):
            starts = [self.start(i, hop_seconds) for i in range(number, min(number + size, n))]
            while first + len(held) < starts[-1] + self.n_rows:
                held = np.concatenate((held, next(blocks)))
            chunks = np.stack([held[start - first:start - first + self.n_rows] for start in starts])
            yield np.ascontiguousarray(self.of.to_input(chunks))
            held, first = held[starts[-1] - first:], starts[-1]

    def actual_hop_seconds(self, hop_seconds: float | None) -> float:
        """A hop in whole rows, at least one; None: chunks without overlap.

        Raises
        ------
        MerError
            The hop is not above 0.
        """
        if hop_seconds is None:
            return self.actual_seconds
        if not 0 < hop_seconds < float("inf"):
            raise MerError(f"a hop of {hop_seconds} s came, but one above 0 was expected; leave it out for"
                           f" {self.actual_seconds:.3f} s, patches without overlap.")
        return max(1, round(hop_seconds * self.of.rows_per_second)) / self.of.rows_per_second

    def refuse_short(self, path: str | Path | Samples, wave: Waveform) -> None:
        """Raise AudioError where a waveform is shorter than one chunk."""
        shortest = self.of.n_samples(self.n_rows)
        if wave.n_samples < shortest:
            raise AudioError(f"{path} is {wave.seconds:.2f} s long, but one patch needs"
                             f" {shortest / wave.sample_rate_hz:.2f} s; use a longer clip.")


def _made(of, seconds, n_rows, whose, hop_seconds=None):
    if not 1 <= n_rows <= _MOST_ROWS:
        raise MerError(f"{seconds:g} s of {of.TITLE} at {of.rows_per_second:g} rows a second make {n_rows} rows, and a"
                       f" chunk of {whose} has 1 to {_MOST_ROWS}; change its CHUNK_SECONDS, or the settings.")
    return Chunks(of, seconds, n_rows, hop_seconds)


def of_encoder(module: ModuleType, values: Mapping[str, Any]) -> Chunks:
    """What an architecture reads.

    Parameters
    ----------
    module : module
        Of models/: it says INPUT and CHUNK_SECONDS.
    values : mapping
        `Config.values`.
    """
    name, seconds = module.__name__.rpartition(".")[2], module.CHUNK_SECONDS
    if not isinstance(seconds, (int, float)):
        raise MerError(f"CHUNK_SECONDS = {seconds!r} came in models/{name}.py, but a number was expected: write one")
    of = representations.get(module.INPUT, values)
    return _made(of, float(seconds), int(seconds * of.rows_per_second), name, getattr(module, "HOP_SECONDS", None))


def recorded(settings: Mapping[str, Any], *, quick_start: bool = False) -> Chunks:
    """What a run or an exported file records: `Chunks.settings` or `Chunks.exact`; further settings do not matter.

    Raises
    ------
    MerError
        They are none that this program writes.
    """
    of = representations.recorded(settings, quick_start=quick_start)
    n_rows: Any = settings.get(_ROWS)
    seconds: Any = settings.get(_SECONDS)
    for name, value, kinds in ((_ROWS, n_rows, (int,)), (_SECONDS, seconds, (int, float))):
        if (value is None and n_rows is seconds) or (value is not None and (
                type(value) not in kinds or not 0 < value < _MOST_ROWS)):
            raise MerError(f"it says nothing sensible of {name}")
    n_rows = int(seconds * of.rows_per_second) if n_rows is None else n_rows
    return _made(of, n_rows / of.rows_per_second if seconds is None else seconds, n_rows, "the file")
