"""The published release (Keras 2, .hdf5) as finished runs of ours (Keras 3, .weights.h5 with run.json)."""

from pathlib import Path

from mer import MerError, corpora, files, heads
from mer.tasks import PUBLISHED
from mer.weights import keras2, keras3, provenance
from mer.weights.model_file import OURS, ModelFile


def plan(paths, out=None):
    """What to convert and where to: files as they are named, folders searched through.

    Parameters
    ----------
    paths : sequence of path
    out : path or None
        Folder for the results, in which they lie as in the release; None: beside each file.

    Returns
    -------
    list of (pathlib.Path, ModelFile)

    Raises
    ------
    MerError
        A path is not there, a folder holds nothing of the kind, or two files would become one.
    """
    planned = {}
    for given in map(Path, paths):
        if not given.exists():
            raise MerError(f"{given} is not there: name weight files of the release (.hdf5), or folders that hold some")
        paths = sorted(filter(keras2.looks_legacy, given.rglob("*"))) if given.is_dir() else [given]
        if not paths:
            raise MerError(f"{given} holds no weight file of the release (.hdf5)")
        for path in paths:
            below = keras2.layout(path) or (path.parent.relative_to(given) if given.is_dir() else Path())
            run = ModelFile((Path(out) / below if out else path.parent) / f"{path.stem}{OURS}")
            other = planned.setdefault(run, path)
            if other.resolve() != path.resolve():
                raise MerError(f"{other} and {path} would both become {run.path}: convert them one at a time, "
                               "into folders of their own")
    return [(path, run) for run, path in planned.items()]


def convert(cfg, path, run, *, load_module, force=False):
    """Write one file of the release as a finished run of ours.

    Parameters
    ----------
    cfg : Config
    path : path
        Written by Keras 2.
    run : ModelFile
        Where the result goes.
    load_module : callable
        Name -> module of `models/`.
    force : bool
        Convert again.

    Returns
    -------
    bool
        False where the same file was converted before.

    Raises
    ------
    MerError
        The file cannot be used (see `keras2.load`), or something else stands where the result would go.
    """
    known = keras2.describe(path)
    sha256 = files.sha256(path)
    earlier = run.read()
    if earlier is None and (run.path.exists() or run.file("state").exists()):
        raise MerError(f"{run.path} or its training is there already and is not finished: move it away, or name "
                       "another folder with -o")
    if earlier and earlier["origin"] != "release":
        raise MerError(f"{run.path} was trained here and is not replaced: name another folder with -o")
    if earlier and not force:
        if earlier["source"]["sha256"] == sha256:
            return False
        raise MerError(f"{run.path} was converted from another file: add --force to replace it, or name another "
                       "folder with -o")
    module = load_module(known["model"])
    model = module.build(keras2.READS.shape)
    if known["kind"] == "transfer":
        model = heads.attach(module.encoder(model), PUBLISHED, module)
    keras2.load(model, path)
    run.begin_saving()
    saved = keras3.save(model, run.path)
    source = {"file": Path(path).name, "folder": Path(path).absolute().parent.name, "sha256": sha256}
    metadata = provenance.describe(cfg, key=files.key_of("release", sha256), source=source, origin="release",
                                   weights_sha256=saved, seed=None, scores=None, parameters=model.count_params(),
                                   **_facts(known, module))
    files.write_json(run.file("run.json"), {**metadata, "corpus": "published", "setting_sources": {}})
    return True


def _facts(known, module):
    """What run.json says of a converted model, in the words of `mer.training.pretrain` and `mer.training.transfer`."""
    facts = {"kind": known["kind"], "name": known["model"], "pretext": module.PRETEXT, "speech": known["speech"],
             "it": known["it"], "hours": known["hours"], "settings": known["settings"]}
    speech = corpora.get("speech", known["speech"]) if known["speech"] else None
    if known["kind"] == "pretext":
        return {**facts, "language": speech and speech.LANGUAGE}
    music = corpora.get("music", known["music"]) if known["music"] else None
    return {**facts, "model": known["model"], "title": module.TITLE, "speech_abbr": speech and speech.ABBR,
            "music": known["music"], "music_abbr": music and music.ABBR, "release": known["release"], "history": [],
            "encoder": None}
