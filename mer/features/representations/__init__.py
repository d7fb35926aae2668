"""One representation a file: what an encoder reads, made of a waveform row by row.

The file NAME.py holds one class, a frozen dataclass below `Representation`. Its fields are what its rows depend on: a
field that settings.py has, too, follows that setting; another one keeps its default. A store, a run and an exported
file record these values, and the name; `log_mel`, which was the only one once, records no name.
"""

import dataclasses
import functools
import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mer import MerError, how_to_install, limits
from mer.features.waveform import regrouped

DEFAULT = "log_mel"
NAME = "representation"  # key of the name among recorded settings
_BLOCK_SAMPLES = 2**16   # about so many are turned into rows at once
LEAST_SECONDS = 0.96     # the shortest clip of a corpus: 31 frames of 32 ms, the published patch, need as much
_MOST = 2**20            # of a recorded setting: more is no file of ours


@dataclasses.dataclass(frozen=True, kw_only=True)
class Representation(ABC):
    """Rows of a waveform, one every `hop_samples`.

    Attributes
    ----------
    quick_start : bool
        For a few clips: start sooner, and work slower. The rows stay the same to 1e-6.
    sample_rate_hz : int
        Rate of the waveforms to come.
    hop_samples : int
        From one row to the next. Row i starts at, or is centered on, sample i * hop_samples.
    context_samples : int
        Row i depends on no sample farther from i * hop_samples than this, but for how the ends are treated.
    width : int
        Values in a row.
    TITLE : str
        In tables and sentences.
    PACKAGES : tuple of str
        What `rows` needs beside requirements.txt, see requirements-features.txt. Stores are read without it.
    """

    quick_start: bool = dataclasses.field(default=False, compare=False, repr=False)
    TITLE: ClassVar[str]
    PACKAGES: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # a file gives each as a field, a constant or a property
        def __getattr__(self, name: str) -> Any: ...

    @property
    def name(self) -> str:
        """File name in this folder."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def settings(self) -> dict[str, Any]:
        """What stores and runs depend on and record."""
        values = {field.name: getattr(self, field.name) for field in _fields(type(self))}
        return values if self.name == DEFAULT else {NAME: self.name, **values}

    @property
    def rows_per_second(self) -> float:
        """Rows of one second of sound, not rounded."""
        return self.sample_rate_hz / self.hop_samples

    def full_scale(self, peak: float, rms: float) -> float:
        """The level that becomes 1 before rows are made: here the peak.

        Parameters
        ----------
        peak, rms : float
            Greatest magnitude and root mean square of the whole recording; full scale is 1.
        """
        return peak

    @abstractmethod
    def rows(self, waveform: np.ndarray) -> np.ndarray:
        """Waveform (n,), divided by `full_scale` -> (n_rows(n), width), float32, C-contiguous.

        AudioError where it is too short.
        """

    def n_rows(self, n_samples: int) -> int:
        """How many rows a waveform has."""
        return n_samples // self.hop_samples

    def n_samples(self, n_rows: int) -> int:
        """The shortest waveform that has so many rows."""
        return n_rows * self.hop_samples

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the values of a row, of a representation whose values mean something each; () of any other.

        Classifiers on features (`mer.classifiers`) read those that have names.
        """
        return ()

    def pooled(self, rows: np.ndarray) -> np.ndarray:
        """Rows of stretches, shape (n, rows, width) -> one row each, (n, width), float32: here their mean."""
        return rows.mean(axis=1, dtype=np.float64).astype(np.float32)

    def prepare(self) -> None:
        """Import `PACKAGES`; MerError where one is not installed."""
        for package in self.PACKAGES:
            needed(package, self.name)

    def amplified(self, rows: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Rows (n, rows, width) of n waveforms as they would be at `factors` times the amplitude, shape (n,).

        Raises
        ------
        MerError
            The representation does not say.
        """
        raise MerError(f"a recipe with a gain came, but {self.name} does not say how its rows follow the amplitude: "
                       "give it a method `amplified`, or leave the gain out")

    def to_input(self, chunks: np.ndarray) -> np.ndarray:
        """Chunks (n, rows, width) -> what a network reads: here the same, a sequence with `width` channels."""
        return chunks

    def stream(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Rows of a waveform that comes in blocks (k,); together they are those of the whole.

        Each block is worked on with some of the waveform around it, and the rows that look past that are left out.

        Yields
        ------
        np.ndarray, shape (j, width), float32

        Raises
        ------
        AudioError
            See `rows`.
        """
        hop = self.hop_samples
        n_context = -(-self.context_samples // hop)  # rows on either side
        held, n_skipped = np.empty(0, np.float32), 0
        for block in regrouped(blocks, -(-_BLOCK_SAMPLES // hop) * hop):
            held = np.concatenate((held, block))
            n_whole = len(held) // hop - n_context + (n_context > 0)  # rows of `held` that do not look past its end
            if n_whole > 2 * n_context:
                yield self.rows(held)[n_skipped:n_whole]
                held, n_skipped = held[(n_whole - n_context) * hop:], n_context
        yield self.rows(held)[n_skipped:]

    def __reduce__(self):
        return _rebuilt, (type(self), tuple((field.name, getattr(self, field.name)) for field in _fields(type(self))),
                          self.quick_start)


@functools.lru_cache(8)
def _rebuilt(kind, values, quick_start):
    """An unpickled representation: made once a process, not once a clip."""
    return kind(**dict(values), quick_start=quick_start)


def _fields(kind):
    return [field for field in dataclasses.fields(kind) if field.name != "quick_start"]


def needed(package: str, who: str) -> ModuleType:
    """Import a package of requirements-features.txt; MerError where it is not installed."""
    try:
        return importlib.import_module(package)
    except (ImportError, OSError) as error:
        raise MerError(f"{who} needs the package {package.partition('.')[0]}, which cannot be used here ({error}): "
                       f"{how_to_install('requirements-features.txt')}; docs/features.md names the platforms that "
                       "have it") from None


def names() -> list[str]:
    """Representations on offer: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


@functools.cache
def _kind(name):
    module = importlib.import_module(f"{__name__}.{name}")
    return next(value for value in vars(module).values() if isinstance(value, type)
                and issubclass(value, Representation) and value.__module__ == module.__name__)


def get(name: str, values: Mapping[str, Any], *, quick_start: bool = False) -> Representation:
    """The representation `name`, with those of `values` that it depends on.

    Parameters
    ----------
    name : str
        A file name in this folder: INPUT of an encoder.
    values : mapping
        `Config.values`, or recorded settings.
    quick_start : bool
        See `Representation`.

    Raises
    ------
    MerError
        There is no such file, or the values contradict each other.
    """
    if name not in names():
        raise MerError(f"representation {name!r} came, but one of {', '.join(names())} was expected: put its file into "
                       "mer/features/representations/, or name another")
    kind = _kind(name)
    given = {field.name: values[field.name] for field in _fields(kind) if field.name in values}
    return kind(**given, quick_start=quick_start)


def recorded(settings: Mapping[str, Any], *, quick_start: bool = False) -> Representation:
    """The representation that a store, a run or an exported file records.

    Raises
    ------
    MerError
        There is no such representation, or a value is none that it can have: no file of ours.
    """
    name = settings.get(NAME, DEFAULT)
    if name in names():
        for field in _fields(_kind(name)):
            value: Any = settings.get(field.name)
            try:
                if type(value) is not type(field.default) or not (
                        limits.check(field.name, value) if field.name in limits.OF else 0 < value < _MOST):
                    raise MerError("it is of another type or size")
            except MerError:
                raise MerError(f"it says nothing sensible of {field.name}") from None
    return get(name, settings, quick_start=quick_start)
