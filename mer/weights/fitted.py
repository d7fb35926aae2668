"""Fitted classifiers as an engine of prediction, by scikit-learn."""

import numpy as np

from mer import MerError, files
from mer.classifiers import pipelines
from mer.features import chunks
from mer.tasks import labels_of
from mer.weights.engines import Engine, tasks_of, title
from mer.weights.model_file import ModelFile


def open_fitted(file: ModelFile, *, asked: str = "auto") -> Engine:
    """Open fitted classifiers with scikit-learn.

    Parameters
    ----------
    file : ModelFile
        Of classifiers (.skops).
    asked : {"auto", "onnx", "keras"}

    Returns
    -------
    Engine

    Raises
    ------
    MerError
        Another way is asked for, or see `mer.classifiers.stored.read`.
    """
    if asked != "auto":
        raise MerError(f"{file.path} holds classifiers of scikit-learn, which --engine {asked} cannot run: leave "
                       "--engine out")
    reads, tasks = chunks.recorded(file.metadata["settings"], quick_start=True), tasks_of(file)
    fitted = file.pipelines()
    if set(fitted) != {task.name for task in tasks}:
        raise MerError(f"{file.path} has classifiers for {', '.join(sorted(fitted))}, but its run.json says "
                       f"{', '.join(task.name for task in tasks)}: train this model again with --force")
    about = {**file.facts, "settings": reads.exact, "labels": labels_of(tasks)}
    about["sha256"] = about.get("sha256") or files.sha256(file.path)

    def predict(patches):
        rows = reads.of.pooled(np.asarray(patches, np.float32))
        return {task.name: pipelines.probabilities(fitted[task.name], rows, task.units) for task in tasks}

    return Engine("sklearn", title(about), about, predict)
