"""Results of an earlier run of `quad_pred.py` that need not be made again: same file, same models, same hop."""

import json
from pathlib import Path

from mer.prediction import output, predict

FORMAT = 1  # results of another number are made again; to be raised with any change of what is written


def identity(path, engines, *, hop_seconds, sure_from):
    """What the results of a file depend on.

    Parameters
    ----------
    path : path
        The song.
    engines : sequence of mer.weights.engines.Engine
    hop_seconds : float
        As used, see `members.actual_hop_seconds`.
    sure_from : float
        See `predict.predict_file`; it makes no difference to models that are not calibrated.

    Returns
    -------
    dict or None
        JSON-able; its key "source" is to be kept in clip.json. None where the file cannot be looked at.
    """
    try:
        stat = Path(path).stat()
    except OSError:
        return None
    models = [{"title": engine.title, "engine": engine.name, "about": engine.about} for engine in engines]
    source = {"format": FORMAT, "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}
    source |= {"sure_from": sure_from} if all(engine.familiar for engine in engines) else {}
    return _as_read({"file": predict.shown(path), "source": source, "hop_seconds": hop_seconds, "models": models})


def find(folder, name, wanted, *, pictures, with_timeline):
    """Look for whole results.

    Parameters
    ----------
    folder : path
    name : str
        Of the results, see `song_files.find`.
    wanted : dict or None
        See `identity`.
    pictures, with_timeline : bool
        Whether these are needed.

    Returns
    -------
    dict or None
        As `Prediction.summary()`, with "timeline" where that is needed; None where something is missing or differs.
    """
    paths = output.places(folder, name)
    try:
        found = json.loads(paths["json"].read_text(encoding="utf-8"))
        if wanted is None or _identity_in(found) != wanted:
            return None
        needed = ["npy", "timeline", *(output.PICTURES if pictures and found["status"] == "ok" else ())]
        if not all(paths[part].is_file() for part in needed):
            return None
        del found["source"], found["written"]
        return {**found, "timeline": output.read_timeline(paths["timeline"])} if with_timeline else found
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # damaged, or somebody else's: made again
        return None


def _identity_in(found):
    models = [{key: value for key, value in model.items() if key != "mean"} for model in found["models"]]
    return {**{key: found[key] for key in ("file", "source", "hop_seconds")}, "models": models}


def _as_read(content):
    """As it comes back from a file: tuples are lists."""
    return json.loads(json.dumps(content))
