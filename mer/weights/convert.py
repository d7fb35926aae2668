"""The published release (Keras 2, .hdf5) as finished runs of ours (Keras 3, .weights.h5 with run.json)."""

from pathlib import Path

from mer import MerError, corpora, files, heads
from mer.weights import keras2, provenance, run_files


def plan(paths, out=None):
    """What to convert and where to: files as they are named, folders searched through.

    Parameters
    ----------
    paths : sequence of path
    out : path or None
        Folder for the results, in which they lie as in the release; None: beside each file.

    Returns
    -------
    list of (pathlib.Path, weights.Run)

    Raises
    ------
    MerError
        A path is not there, a folder holds nothing of the kind, or two files would become one.
    """
    planned = {}
    for given in map(Path, paths):
        if not given.exists():
            raise MerError(f"{given} is not there: name weight files of the release (.hdf5), or folders that hold some")
        files = sorted(filter(keras2.looks_legacy, given.rglob("*"))) if given.is_dir() else [given]
        if not files:
            raise MerError(f"{given} holds no weight file of the release (.hdf5)")
        for path in files:
            below = keras2.layout(path) or (path.parent.relative_to(given) if given.is_dir() else Path())
            run = run_files.Run(Path(out) / below if out else path.parent, path.name.removesuffix(path.suffix))
            other = planned.setdefault(run, path)
            if other.resolve() != path.resolve():
                raise MerError(f"{other} and {path} would both become {run.weights}: convert them one at a time, "
                               "into folders of their own")
    return [(path, run) for run, path in planned.items()]


def convert(cfg, path, run, *, load_module, force=False):
    """Write one file of the release as a finished run of ours.

    Parameters
    ----------
    cfg : Config
    path : path
        Written by Keras 2.
    run : weights.Run
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
        The file cannot be used (see `legacy.load`), or something else stands where the result would go.
    """
    about = keras2.about(path)
    sha256 = files.sha256(path)
    if _is_converted(run, sha256, force=force):
        return False
    module = load_module(about["model"])
    model = module.build(keras2.PATCH_SHAPE)
    if about["kind"] == "transfer":
        model = heads.attach(module.encoder(model))
    keras2.load(model, path)
    run.begin_saving()
    saved = run_files.save(model, run.weights)
    run.file("").mkdir(exist_ok=True)
    source = {"file": Path(path).name, "folder": Path(path).absolute().parent.name, "sha256": sha256}
    told = provenance.describe(cfg, command=provenance.command_line(), key=run_files.key_of(keras2.ORIGIN, sha256),
                            source=source, origin=keras2.ORIGIN, weights_sha256=saved, seed=None, scores=None,
                            parameters=model.count_params(), **_facts(about, module))
    files.write_json(run.file("run.json"), {**told, "corpus": "published", "setting_sources": {}})
    return True


def _is_converted(run, sha256, *, force):
    about = run.about
    if about is None and (run.weights.exists() or run.file("state").exists()):
        raise MerError(f"{run.weights} or its training is there already and is not finished: move it away, or name "
                       "another folder with -o")
    if about is None:
        return False
    if about.get("origin") != keras2.ORIGIN:
        raise MerError(f"{run.weights} was trained here and is not replaced: name another folder with -o")
    same = about["source"]["sha256"] == sha256
    if not same and not force:
        raise MerError(f"{run.weights} was converted from another file: add --force to replace it, or name another "
                       "folder with -o")
    return same and not force


def _facts(about, module):
    """What run.json says of a converted model, in the words of `mer.training.pretrain` and `mer.training.transfer`."""
    facts = {"kind": about["kind"], "name": about["model"], "pretext": module.PRETEXT, "speech": about["speech"],
             "it": about["it"], "hours": about["hours"], "settings": about["settings"]}
    speech = corpora.get("speech", about["speech"]) if about["speech"] else None
    if about["kind"] == "pretext":
        return {**facts, "language": speech and speech.LANGUAGE}
    music = corpora.get("music", about["music"]) if about["music"] else None
    return {**facts, "model": about["model"], "title": module.TITLE, "speech_abbr": speech and speech.ABBR,
            "music": about["music"], "music_abbr": music and music.ABBR, "release": about["release"], "history": [],
            "encoder": None}
