"""What turns patches into probabilities: a transferred model in Keras, its exported ONNX file, or fitted classifiers.

The ONNX way imports numpy and onnxruntime only; Keras and scikit-learn are imported where they are asked for.
"""

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from mer import MerError, cli, corpora, files, recipes, text
from mer.features import chunks
from mer.tasks import PLACE, Task, labels_of, named
from mer.weights import onnx_file
from mer.weights.model_file import ModelFile

LoadModule = Callable[[str], ModuleType]  # name of an architecture -> module of models/
ENGINES = ("auto", "onnx", "keras")
BATCH_PATCHES = 16  # in one run of onnxruntime: larger ones need more memory and are no faster
MOST_THREADS = 4
MOST_BYTES = 2**32  # that all exported models of a process may take; one of ours takes some 100 MB

_SET_UPS = {"n": "Feat. Ext.", "y": "Full"}


@dataclass(frozen=True)
class Engine:
    """One transferred model, ready to predict.

    Attributes
    ----------
    name : {"keras", "onnx", "sklearn"}
    title : str
        In words: "SCAE, Full, English speech -> English music, run 0".
    about : dict
        JSON-able: model, pretext, speech, music, release, it, origin, corpus, file, sha256, settings, labels; of a
        calibrated model also certainty (see `mer.training.discriminant.Heads`).
    predict : callable
        Chunks (n, *shape) float32, as the settings say -> {task: (n, units)} float32; of a calibrated model also
        `PLACE`: (n, components).
    """

    name: str
    title: str
    about: dict
    predict: Callable

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What the model answers."""
        return named(self.about.get("labels"), self.title)

    @property
    def familiar(self) -> dict | None:
        """Which sound is familiar to a calibrated model, see `mer.prediction.verdict.judge`; None of others."""
        return (self.about.get("certainty") or {}).get("familiar")


def open_engine(file: ModelFile, *, engine: str, load_module: LoadModule) -> Engine:
    """Open a transferred model as one asked for.

    Parameters
    ----------
    file : ModelFile
        Weights, or an exported file alone.
    engine : {"auto", "onnx", "keras"}
        "auto" takes the exported file where it is there and made from these very weights, otherwise Keras, and says
        so on stderr. Fitted classifiers have one way of their own.
    load_module : callable
        Architecture name -> module of `models/`.

    Returns
    -------
    Engine

    Raises
    ------
    MerError
        The way asked for is not there, or a file is not what it should be.
    """
    path, exported, problem = file.path, file.exported, None
    if file.is_fitted:
        from mer.weights import fitted  # which makes an Engine
        return fitted.open_fitted(file, asked=engine)
    if path.suffix == ".onnx":
        if engine == "keras":
            raise MerError(f"{path} is an exported file, and Keras reads weight files only: use --engine onnx, or name "
                           "the weights")
        return open_onnx(path)
    if engine == "keras":
        return open_keras(file, load_module=load_module)
    try:
        if exported is None:
            problem = f"no exported file stands beside {path}"
        elif not onnx_file.is_of(exported, path):
            problem = f"{exported} was exported from other weights"
    except MerError as error:
        problem = str(error)
    if problem and engine == "onnx":
        raise MerError(f"{problem}; run 'python3 export.py {path}'")
    if exported and not problem:
        try:
            return open_onnx(exported)
        except MerError as error:
            if engine == "onnx":
                raise
            problem = str(error)
    try:
        opened = open_keras(file, load_module=load_module)
    except cli.NoKeras as error:
        raise MerError(f"{problem}, and {error}") from None
    print(f"note: {problem}; Keras takes over, which starts slowly ('python3 export.py {path}' mends that)",
          file=sys.stderr)
    return opened


def open_onnx(path: str | os.PathLike[str]) -> Engine:
    """Open an exported model with onnxruntime, on the processor.

    Parameters
    ----------
    path : path
        Written by `export.py`.

    Returns
    -------
    Engine

    Raises
    ------
    MerError
        See `onnx_file.read`; or its network does not fit what it says of itself, or onnxruntime is not installed.
    """
    about = onnx_file.read(path)
    session = _session(path)
    shape, (patch, *others) = list(chunks.recorded(about["settings"], quick_start=True).shape), session.get_inputs()
    outputs = {output.name: output.shape[1:] for output in session.get_outputs()}
    wanted = {task.name: [task.units] for task in named(about["labels"], path)}
    if about.get("certainty"):
        wanted[PLACE] = [about["certainty"].get("components")]
    if others or patch.type != "tensor(float)" or patch.shape[1:] != shape or outputs != wanted:
        raise MerError(f"{path} takes {patch.shape} and gives {outputs}, but its metadata says {shape} and {wanted}: "
                       "export the model again")

    def predict(patches):
        parts = [_run(session, path, list(wanted), {patch.name: np.ascontiguousarray(patches[i:i + BATCH_PATCHES],
                                                                                     np.float32)})
                 for i in range(0, len(patches), BATCH_PATCHES)]
        return {name: np.concatenate([part[i] for part in parts]) if parts else np.empty((0, *units), np.float32)
                for i, (name, units) in enumerate(wanted.items())}

    return Engine("onnx", title(about), about, predict)


def _run(session, path, outputs, inputs):
    """The outputs, one row a patch; MerError where the network fails or gives no probabilities."""
    try:
        made = session.run(outputs, inputs)
    except Exception as error:  # onnxruntime's exceptions have no common class of their own
        raise MerError(f"{path} fails while it runs ({_reason(error)}): export the model again") from None
    n_patches = len(next(iter(inputs.values())))
    if any(len(each) != n_patches or not np.isfinite(each).all() for each in made):
        raise MerError(f"{path} gives values that are no probabilities (NaN, or not one row a patch): export the model "
                       "again")
    return made


def _reason(error):
    return text.printable(str(error).partition("\n")[0][:200])


@functools.cache
def _bounded_memory():
    """Let all sessions of this process share one arena of bounded size, so no network can take the whole memory."""
    import onnxruntime
    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0,
                                  onnxruntime.OrtMemType.DEFAULT),
        onnxruntime.OrtArenaCfg({"max_mem": MOST_BYTES, "arena_extend_strategy": 1, "initial_chunk_size_bytes": -1,
                                 "max_dead_bytes_per_chunk": -1}))


def _session(path):
    try:
        import onnxruntime
    except ImportError:
        raise MerError(f"{path} needs onnxruntime, which is not installed: "
                       "run 'pip install -r requirements-predict.txt'") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong comes as an exception
    options.intra_op_num_threads = min(MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
                                       else os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.use_env_allocators", "1")
    _bounded_memory()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common class of their own
        raise MerError(f"{path} is damaged or too new for this onnxruntime ({_reason(error)}): export the model again"
                       ) from None


def open_keras(file: ModelFile, *, load_module: LoadModule) -> Engine:
    """Open a weight file with Keras.

    Parameters
    ----------
    file : ModelFile
        Ours (.weights.h5) or of the release (.hdf5).
    load_module : callable
        Architecture name -> module of `models/`.

    Returns
    -------
    Engine

    Raises
    ------
    MerError
        Keras or its backend is not installed, or the weights do not fit.
    """
    model = build_keras(file, load_module=load_module)
    reads, tasks = chunks.recorded(file.metadata["settings"], quick_start=True), tasks_of(file)
    about = {**file.facts, "settings": reads.exact, "labels": labels_of(tasks)}
    about["sha256"] = about.get("sha256") or files.sha256(file.path)

    def predict(patches):
        if not len(patches):
            return {name: np.empty((0, *output.shape[1:]), np.float32) for name, output in model.output.items()}
        made = model.predict_on_batch(np.asarray(patches, np.float32))
        return {name: np.asarray(values) for name, values in made.items()}

    return Engine("keras", title(about), about, predict)


def build_keras(file: ModelFile, *, load_module: LoadModule) -> Any:
    """The transferred model itself, in float32 whatever it was trained in; parameters and errors of `open_keras`.

    Returns
    -------
    keras.Model
        Patch (batch, *shape) -> {task: (batch, units)}, of a calibrated model also {`PLACE`: (batch, components)}.
    """
    cli.start_keras()
    import keras

    from mer import heads
    reads = chunks.recorded(file.metadata["settings"], quick_start=True)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        module = load_module(file.metadata["model"])
        if reads.of.name != module.INPUT:
            raise MerError(f"{file.path} was trained on {reads.of.name}, and {module.__name__} reads {module.INPUT} "
                           "now: train it again, or set its INPUT back")
        certainty = file.metadata.get("certainty")
        own = heads.Linear(certainty["components"]) if certainty else (
            module if recipes.made_by(module, file.metadata["settings"]) else None)
        model = heads.attach(module.encoder(module.build(reads.shape)), tasks_of(file), own)
    finally:
        keras.config.set_dtype_policy(policy)
    file.load(model)
    return heads.with_place(model) if certainty else model


def tasks_of(file: ModelFile) -> tuple[Task, ...]:
    """What a weight file answers, by its run.json; MerError where the table of tasks lacks one of them."""
    return named(file.metadata.get("tasks"), file.path)


def title(about: dict[str, Any]) -> str:
    """One line on a model: "SCAE, Full, English speech -> English music, run 0"; what is unknown is left out.

    Parameters
    ----------
    about : dict
        See `Engine`.
    """
    speech, music = (about.get(kind) and f"{corpora.language(kind, about[kind])} {kind}"
                     for kind in ("speech", "music"))
    parts = [about.get("title") or about["model"], _SET_UPS.get(about.get("release") or ""),
             " -> ".join(filter(None, (about.get("heard") or speech, music))),
             f"run {about['it']}" if about.get("it") is not None else None,
             {"demo": "demo corpus", "published": "published weights"}.get(about.get("corpus") or "")]
    return text.printable(", ".join(filter(None, parts)))
