"""The models of one prediction: what they read, at which times, and what all of them answer."""

from collections.abc import Sequence

from mer import MerError
from mer.features import chunks
from mer.tasks import Task
from mer.weights.engines import Engine


def actual_hop_seconds(engines: Sequence[Engine], hop_seconds: float | None = None) -> float:
    """Distance of two predictions as `predict.predict_file` will use it; arguments and errors are its own."""
    return reads(engines, hop_seconds)[1]


def reads(engines: Sequence[Engine], hop_seconds: float | None) -> tuple[list[chunks.Chunks], float]:
    """What each engine reads, and the hop in whole rows of the representation that has fewest."""
    _refuse_repeats(engines)
    wanted = [chunks.recorded(engine.about["settings"], quick_start=True) for engine in engines]
    slowest = min(wanted, key=lambda one: one.of.rows_per_second)
    return wanted, slowest.actual_hop_seconds(hop_seconds)


def common_tasks(engines: Sequence[Engine]) -> tuple[Task, ...]:
    """The tasks that every engine answers: a mean over others would be one of fewer models."""
    tasks = tuple(task for task in engines[0].tasks if all(task in engine.tasks for engine in engines))
    if not tasks:
        raise MerError(f"no task is answered by all of {', '.join(engine.title for engine in engines)}: predict with "
                       "models that have one in common")
    return tasks


def _refuse_repeats(engines):
    """A model that counts twice would make the spread of an ensemble too small."""
    seen = {}
    for engine in engines:
        other = seen.setdefault(engine.about.get("sha256", id(engine)), engine)
        if other is not engine:
            raise MerError(f"{engine.title} came twice ({other.about['file']} and {engine.about['file']} have the same"
                           " weights), but an ensemble is made of different models; name each once.")
