"""From a file to probabilities over time, by one transferred model or the mean of several; docs/predicting.md.

One patch per prediction, published without overlap (a hop of 31 frames, 0.992 s). Nothing here imports Keras.
"""

import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mer import MerError
from mer.features import waveform
from mer.features.samples import Samples
from mer.prediction import members, song_text, verdict
from mer.prediction.verdict import Verdict
from mer.tasks import PLACE, QUADRANTS
from mer.weights.engines import Engine

COLUMN_SECONDS = 0.032  # of the picture of the waveform
DEMO_WORTH = ("the demo model learned from synthetic sound only: it shows how the program works and says nothing about "
              "the emotion of real music")


@dataclass(frozen=True, repr=False)
class Prediction:
    """What the model or models say about one file.

    Attributes
    ----------
    path : pathlib.Path
        "the array" of samples in memory.
    seconds : float
        Length of the file.
    status : {"ok", "silent"}
        A silent file has no rows: n is 0 and there is no mean.
    times_seconds : np.ndarray, shape (n,)
        Start of each patch; each covers `patch_seconds`.
    patch_seconds, hop_seconds : float
        Length of a patch (of the longest, where members differ) and distance of two, as used: whole rows.
    tasks : tuple of Task
        Those that every member answers.
    probabilities : dict of str to np.ndarray, shape (n, k), float64
        Task ("quadrants", "arousal", "valence") to probabilities of its classes, the mean over the members. A task
        with a range has its value there, (n, 1), see `value`.
    spread : dict of str to np.ndarray, shape (n, k), or None
        Standard deviation over the members; None for one member.
    members : list of dict
        One per model: title, engine, about, mean (task -> list of k probabilities over the clip; None where silent).
    envelope : np.ndarray, shape (m, 2), float32
        Least and greatest sample of the mono waveform (peak 1) per column, for the picture.
    remark : str
        What is unusual about the sound, in words that follow the name of the file; "" for most.
    verdict : Verdict or None
        What a calibrated model says of the whole; None of others, and of a silent file.
    """

    path: Path
    seconds: float
    status: str
    times_seconds: np.ndarray
    patch_seconds: float
    hop_seconds: float
    tasks: tuple
    probabilities: dict
    spread: dict | None
    members: list
    envelope: np.ndarray
    remark: str = ""
    verdict: Verdict | None = None

    def __repr__(self) -> str:
        models = " + ".join(member["title"] for member in self.members)
        if self.mean is None:
            return f"Prediction({shown(self.path)!r}: silent; {models})"
        words = [*([self.quadrant] if self.quadrant else []),
                 *(f"{task.name} {task.value(self.mean[task.name]):+.2f}" for task in self.tasks if task.has_value)]
        return f"Prediction({shown(self.path)!r}: {', '.join(words)}, {len(self.times_seconds)} patches; {models})"

    def value(self, name: str) -> np.ndarray:
        """One number a patch, shape (n,): of a task with a range, or P(+) - P(-) of one with two classes.

        Raises
        ------
        MerError
            The models do not answer a task of that name, or it has more classes.
        """
        task = next((task for task in self.tasks if task.name == name and task.has_value), None)
        if task is None:
            known = ", ".join(task.name for task in self.tasks if task.has_value) or "none"
            raise MerError(f"{name!r} is no value that these models answer: expected one of {known}")
        return task.value(self.probabilities[name])

    @property
    def arousal(self) -> np.ndarray:
        """P(A+) - P(A-) of each patch: shape (n,), in [-1, 1]."""
        return self.value("arousal")

    @property
    def valence(self) -> np.ndarray:
        """P(V+) - P(V-) of each patch: shape (n,), in [-1, 1]."""
        return self.value("valence")

    @property
    def in_plane(self) -> bool:
        """Whether there is a path through the plane: the models answer quadrants, arousal and valence."""
        return {"quadrants", "arousal", "valence"} <= self.probabilities.keys()

    @property
    def mean(self) -> dict[str, np.ndarray] | None:
        """Task -> (k,) probabilities of the clip: their mean, or as a member pools them; None for a silent file."""
        if self.status == "silent":
            return None
        if any("pooling" in member["about"] for member in self.members):
            return {task.name: np.mean([member["mean"][task.name] for member in self.members], axis=0)
                    for task in self.tasks}
        return {task.name: self.probabilities[task.name].mean(axis=0) for task in self.tasks}

    @property
    def mean_spread(self) -> dict[str, np.ndarray] | None:
        """Task -> (k,) standard deviation over the members of their means over the clip; None as `spread` or `mean`."""
        if self.status == "silent" or len(self.members) < 2:
            return None
        return {task.name: np.std([member["mean"][task.name] for member in self.members], axis=0)
                for task in self.tasks}

    @property
    def quadrant(self) -> str | None:
        """Name of the quadrant of greatest mean probability; None for a silent file, or where no model says it."""
        if self.mean is None or "quadrants" not in self.mean:
            return None
        return QUADRANTS[int(np.argmax(self.mean["quadrants"]))]

    @property
    def is_demo(self) -> bool:
        """Whether a member was trained on the demo corpus, see `DEMO_WORTH`."""
        return any(member["about"].get("corpus") == "demo" for member in self.members)

    def summary(self) -> dict[str, Any]:
        """JSON-able content of clip.json: everything but the timeline. Its keys are in docs/predicting.md."""
        mean, spread = self.mean, self.mean_spread
        with_value = [task for task in self.tasks if task.has_value]
        return {
            "file": shown(self.path), "status": self.status, "message": self.message, "remark": self.remark or None,
            "seconds": round(self.seconds, 3),
            "n_predictions": len(self.times_seconds), "patch_seconds": self.patch_seconds,
            "hop_seconds": self.hop_seconds, "labels": song_text.labels(self.tasks), "mean": self._by_class(mean),
            "mean_spread": self._by_class(spread), "quadrant": self.quadrant,
            **{task.name: mean and _rounded(task.value(mean[task.name])) for task in with_value},
            **{f"{task.name}_spread": spread and _rounded(task.value_spread(spread[task.name]))
               for task in with_value},
            "worth": DEMO_WORTH if self.is_demo else None,
            **({"verdict": self.verdict.summary} if self.verdict else {}),
            "models": [{**member, "mean": self._by_class(member["mean"])} for member in self.members]}

    def _by_class(self, values):
        """{task: (k,)} -> {task: {class, or task with a range: float}}; None stays None."""
        if values is None:
            return None
        return {task.name: dict(zip(task.classes or [task.name], map(_rounded, values[task.name]), strict=True))
                for task in self.tasks}

    @property
    def message(self) -> str | None:
        """One sentence on a file that was not predicted; None where it was."""
        if self.status == "ok":
            return None
        return (f"{shown(self.path)} is silent (no sample above {waveform.SILENT_PEAK:g} of full scale), so there is"
                " nothing to predict, and no probability is given.")


def shown(path: str | os.PathLike[str]) -> str:
    """A path as text that any encoding of Unicode can write, whatever bytes are in it."""
    return os.fsencode(path).decode("utf-8", "replace")


def predict_file(path: str | Path | Samples, engines: Sequence[Engine], *, hop_seconds: float | None = None,
                 sure_from: float = verdict.SURE, batch_patches: int = 64,
                 on_progress: Callable[[float], object] | None = None) -> Prediction:
    """Predict one file with one engine or the mean of several.

    Memory does not grow with the length of the file, but for the result.

    Parameters
    ----------
    path : str, pathlib.Path or mer.features.samples.Samples
        Whatever `mer.features.decode.decode` reads, or samples in memory.
    engines : sequence of mer.weights.engines.Engine
        Each says what it reads; what several read alike is made once.
    hop_seconds : float or None
        Distance of two predictions, rounded to whole rows of the representation that has fewest a second (at least
        one row); None: its patches without overlap.
    sure_from : float
        Least certainty of an answer that a calibrated model is sure of, in [0, 1].
    batch_patches : int
        Patches given to a model at once.
    on_progress : callable or None
        Called with the share of the file, in [0, 1], that was done since the last call.

    Returns
    -------
    Prediction

    Raises
    ------
    MerError
        The file cannot be read (AudioError), is shorter than one patch, or a model gives no numbers; the hop is not
        above 0; or the models have no task in common.
    """
    wanted, hop = members.reads(engines, hop_seconds)
    tasks = members.common_tasks(engines)
    waves = {rate: waveform.read(path, sample_rate_hz=rate, column_samples=round(COLUMN_SECONDS * rate),
                                 kept_seconds=waveform.KEPT_SECONDS)
             for rate in dict.fromkeys(reads.of.sample_rate_hz for reads in wanted)}
    wave = waves[wanted[0].of.sample_rate_hz]
    kinds = list(dict.fromkeys(wanted))
    for reads in kinds:
        reads.refuse_short(path, waves[reads.of.sample_rate_hz])
    n_patches = min(reads.count(waves[reads.of.sample_rate_hz].n_samples, hop) for reads in kinds)
    outputs = []
    if not wave.is_silent:
        for batch in zip(*_batches(kinds, waves, hop_seconds=hop, n=n_patches, size=batch_patches), strict=True):
            by_kind = dict(zip(kinds, batch, strict=True))
            outputs.append([_outputs(engine, by_kind[reads]) for engine, reads in zip(engines, wanted, strict=True)])
            if on_progress:
                on_progress(len(batch[0]) / n_patches)
    elif on_progress:
        on_progress(1)
    by_member = {task.name: _joined(outputs, task, len(engines)) for task in tasks}  # (members, n, k) each
    spoke = [{"title": engine.title, "engine": engine.name, "about": engine.about,
              "mean": {task.name: task.pooled(by_member[task.name][i], engine.about.get("pooling", "mean")).tolist()
                       for task in tasks} if outputs else None}
               for i, engine in enumerate(engines)]
    n = by_member[tasks[0].name].shape[1]
    made = Prediction(
        tasks=tasks,
        path=Path(str(path)), seconds=wave.seconds, status="ok" if outputs else "silent", members=spoke,
        times_seconds=np.arange(n) * hop, patch_seconds=max(reads.actual_seconds for reads in kinds),
        hop_seconds=hop, envelope=wave.envelope, remark=wave.remark,
        probabilities={name: each.mean(axis=0) for name, each in by_member.items()},
        spread={name: each.std(axis=0) for name, each in by_member.items()} if len(engines) > 1 else None)
    familiar = [engine.familiar for engine in engines if engine.familiar]
    if made.mean is None or len(familiar) < len(engines) or not tasks[0].classes:
        return made
    places = [np.concatenate([batch[i][PLACE] for batch in outputs]).mean(axis=0, dtype=np.float64)
              for i in range(len(engines))]
    return replace(made, verdict=verdict.judge(made.mean[tasks[0].name], places, familiar, seconds=wave.seconds,
                                               sure_from=sure_from))


def _batches(kinds, waves, **options):
    """Batches of each kind of chunks; a representation that several read is made once."""
    shared = {}
    for reads in kinds:
        shared.setdefault(reads.of, []).append(reads)
    blocks = {of: waves[of.sample_rate_hz].blocks(of.full_scale) for of in shared}
    rows = {of: iter(itertools.tee(of.stream(blocks[of]), len(readers))) for of, readers in shared.items()}
    return [reads.batches(next(rows[reads.of]), **options) for reads in kinds]


def _outputs(engine, patches):
    made = engine.predict(patches)
    if not all(np.isfinite(each).all() for each in made.values()):
        raise MerError(f"{engine.title} gives NaN or infinite probabilities, so its weights are damaged; train or"
                       " download it again.")
    return made


def _joined(outputs, task, n_members):
    """The outputs of all batches for one task: (members, n, k) float64."""
    if not outputs:
        return np.empty((n_members, 0, task.units))
    return np.stack([np.concatenate([batch[i][task.name] for batch in outputs]) for i in range(n_members)]
                    ).astype(np.float64)


def _rounded(value):
    return round(float(value), 6) + 0.0  # no -0.0
