"""A transferred model -> one ONNX file that needs no Keras, checked against Keras before it is kept."""

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np

from mer import MerError, cli, files
from mer.features import chunks
from mer.tasks import PLACE, labels_of
from mer.weights import engines, onnx_file

TOLERANCE = 1e-4  # largest difference of a probability from Keras
COMPRESSED_TOLERANCE = 0.03  # the same with compressed weights; see docs/export.md for what was measured
COMPRESSION = "dense layers in 8 bits, convolutions in 16"

_OPTIONAL = {"heard", "pooling", "certainty"}
_ABOUT = ("model", "title", "pretext", "speech", "music", "hours", "release", "it", "corpus", "scores")


def export(file, path, *, load_module, compress=False):
    """Write an ONNX file, check it against Keras and rename it into place.

    Parameters
    ----------
    file : ModelFile
        A weight file, ours or of the release.
    path : path
        Of the file to write.
    load_module : callable
        Architecture name -> module of `models/`.
    compress : bool
        Store the weights smaller, see `onnx_graph.shrink`.

    Returns
    -------
    dict
        compress (None or how), tolerance, max_difference: as in the file's metadata.

    Raises
    ------
    MerError
        The weights are not what they should be, the backend of Keras cannot export, or the file does not give what
        Keras gives: then none is kept.
    """
    path, source = Path(path), file.path
    if source.suffix == ".onnx":
        raise MerError(f"{source} is exported already: name the weights it was made from")
    sha256 = files.sha256(source)
    model = engines.build_keras(file, load_module=load_module)
    converted = _convert(model, source)
    reads, labels = chunks.recorded(file.metadata["settings"]), labels_of(engines.tasks_of(file))
    _refine(converted, outputs=list(model.output), compress=compress)
    facts = {"compress": COMPRESSION if compress else None,
             "tolerance": COMPRESSED_TOLERANCE if compress else TOLERANCE, "max_difference": None}
    about = {name: file.facts[name] for name in (*_ABOUT, *sorted(_OPTIONAL & file.facts.keys()))}
    about |= {"origin": "release" if about["corpus"] == "published" else "ours", "file": source.name}
    patches = check_patches(reads)
    with files.writing(path) as temporary:
        _write(converted, temporary, about=about, labels=labels, settings=reads.exact, facts=facts, sha256=sha256)
        facts["max_difference"] = float(f"{_difference(model, temporary, patches):.1e}")
        if not facts["max_difference"] <= facts["tolerance"]:  # also where it is not a number
            raise MerError(f"the exported {source.name} differs from Keras by {facts['max_difference']:.1e}, more than "
                           f"the {facts['tolerance']:g} allowed, so it was not kept: predict with --engine keras")
        _write(converted, temporary, about=about, labels=labels, settings=reads.exact, facts=facts, sha256=sha256)
    return facts


def check_patches(reads, seed=0):
    """Patches on which an exported file is compared with Keras: random, extreme, and of sound.

    Parameters
    ----------
    reads : mer.features.chunks.Chunks
    seed : int

    Returns
    -------
    np.ndarray, shape (n, *reads.shape), float32
        Random and constant values lie in the range of those of silence and of a rising chord over noise that swells.
    """
    generator, of = np.random.default_rng(seed), reads.of
    n = of.n_samples(reads.n_rows * 8)
    time_s = np.arange(n) / of.sample_rate_hz
    chord = sum(np.sin(2 * np.pi * pitch * time_s * (1 + time_s / 20)) for pitch in (110, 277, 440, 1319))
    waveform = chord * (1 + np.sin(5 * time_s)) + np.linspace(0, 1, n) ** 4 * generator.standard_normal(n)
    rows = of.rows((waveform / np.abs(waveform).max()).astype(np.float32))
    silence = of.rows(np.zeros(n, np.float32))
    low, high = (float(pick([pick(rows), pick(silence)])) for pick in (np.min, np.max))
    high += 0.25 * (high - low)  # far louder than the chord
    middle, deviation = (low + high) / 2, (high - low) / 6
    shape = (reads.n_rows, of.width)
    one_value = np.full((4, *shape), low)
    one_value[range(4), :, np.linspace(0, shape[1] - 1, 4).astype(int)] = high
    checked = np.where(np.indices(shape).sum(axis=0) % 2, low, high)[None]
    constants = np.stack([np.full(shape, value) for value in (low, middle, high)])
    chunks = np.concatenate([generator.normal(middle, deviation, (12, *shape)).clip(low, high),
                             generator.uniform(low, high, (8, *shape)), constants, checked, one_value])
    return np.concatenate([of.to_input(chunks.astype(np.float32)), reads.cut(rows, reads.n_rows)])


def _convert(model, source):
    """The ONNX model that Keras makes, as it is."""
    import keras
    backend = keras.backend.backend()
    signature = [keras.InputSpec(shape=(None, *model.input.shape[1:]), dtype="float32", name="patch")]
    try:
        with tempfile.TemporaryDirectory() as folder, cli.held_back(1, 2):
            import onnx
            model.export(f"{folder}/model.onnx", format="onnx", verbose=False, input_signature=signature)
            return onnx.load(f"{folder}/model.onnx")
    except Exception as error:  # converters raise whatever their own code happens to
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        advice = "run 'pip install -r requirements-export.txt'" if isinstance(error, ImportError) else ""
        if backend != "tensorflow":
            advice = "run the same command with KERAS_BACKEND=tensorflow"
        raise MerError(f"Keras on {backend} cannot export {source.name} ({reason}){advice and f': {advice}'}") from None


def _refine(converted, *, outputs, compress):
    from mer.weights import onnx_graph
    try:
        converted.CopyFrom(onnx_graph.tidy(converted, outputs=outputs, unnamed=sorted(outputs)))
    except ValueError as error:
        raise MerError(f"the converter gave another model than expected ({error}): run the same command with "
                       "KERAS_BACKEND=tensorflow") from None
    if compress:
        onnx_graph.shrink(converted.graph)


def _write(converted, path, *, about, labels, settings, facts, sha256):
    import onnx
    parts = {"about": about, "labels": labels, "settings": settings, "export": facts}
    onnx.helper.set_model_props(converted, {
        "format": onnx_file.FORMAT, "title": engines.title(about), "sha256": sha256,
        onnx_file.GRAPH_SHA256: hashlib.sha256(converted.graph.SerializeToString(deterministic=True)).hexdigest(),
        **{name: json.dumps(part, sort_keys=name != "labels") for name, part in parts.items()}})
    path.write_bytes(converted.SerializeToString(deterministic=True))


def _difference(model, path, patches):
    """Largest difference of an output between Keras and the exported file; of coordinates, relative to their size."""
    ours, theirs = engines.open_onnx(path).predict(patches), model.predict_on_batch(patches)
    sizes = {PLACE: np.linalg.norm(theirs[PLACE], axis=1, keepdims=True)} if PLACE in theirs else {}
    return max(float((np.abs(ours[name] - theirs[name]) / np.maximum(sizes.get(name, 1), 1)).max()) for name in ours)
