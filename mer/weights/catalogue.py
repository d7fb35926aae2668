"""Which transferred models are on disk, best first: trained here, exported, or of the published release.

Nothing is opened but names, run.json and the outline of exported files, so Keras, h5py and onnxruntime stay away
until a model is used; only a file of the release makes h5py come in.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer import MerError, config, files, shipped
from mer.weights import onnx_file, run_files

ENSEMBLES = ("runs", "speech", "music", "models", "all")
DEMO_MODEL = Path("demo_corpus", "demo_model.onnx")

_OURS, _RELEASE, _EXPORTED = run_files.SUFFIX, ".hdf5", ".onnx"  # of one stem, the first that is there counts
_KEPT = ("title", "model", "pretext", "speech", "music", "release", "it", "hours", "corpus", "settings", "scores",
         "sha256")
_TITLES = {"model_over": "SCAE", "model_cpc": "CPC", "model_cnn": "CNN"}  # of the release
# Best first, as ICASSP 2021, Table 2, ranks them on English music
_MODELS = ("model_over", "model_scae", "model_cpc", "model_masked", "model_cnn")
_RELEASES, _LANGUAGES, _ORIGINS = ("y", "n", None), ("e", "m", "x", "t", "p", None), ("ours", "release")
# What the members of an ensemble may differ in
_FREE = {"runs": {"it"}, "speech": {"speech"}, "music": {"music"}, "models": {"model", "release"}}
_CHOICES = ("speech", "music", "model", "release", "it")
_FLAGS = dict(zip(_CHOICES, ("-s", "-m", "-mod", "-rel", "--run"), strict=True))


@dataclass(frozen=True)
class Found:
    """A transferred model on disk.

    Attributes
    ----------
    path : pathlib.Path
        Weight file: ours (.weights.h5), of the release (.hdf5), or an exported file (.onnx) alone.
    about : dict
        title, model, pretext, speech, music, release, it, hours, corpus ("real", "demo", "published"), settings,
        origin ("ours", "release", "given"), file (name).
    onnx : pathlib.Path or None
        Exported file beside it, of the same stem.
    """

    path: Path
    about: dict
    onnx: Path | None


def find(cfg: config.Config, *, speech: str | None = None, music: str | None = None, model: str | None = None,
         release: str | None = None, it: int | None = None, demo: bool = False, strict: bool = False) -> list[Found]:
    """The transferred models in the folders of the settings, best first.

    Real corpora before the demo corpus, ours before the release, Full before Feat. Ext., all of the speech before a
    part of it, then by architecture (SCAE, CPC, CNN), language and number of the run. Folds of a cross-validation
    are left out: they have seen a part of the music only.

    Parameters
    ----------
    cfg : Config
    speech, music : str or None
        Corpus codes; None: any.
    model : str or None
        Architecture.
    release : {"y", "n"} or None
    it : int or None
        Number of the run.
    demo : bool
        Only what was trained on the demo corpus, below demo/.
    strict : bool
        Raise files.Damaged for a damaged run.json; otherwise that model is left out, with a note on stderr.

    Returns
    -------
    list of Found
        A model without speech (model_cnn) fits any `speech` and `release`.
    """
    by_place = {}
    for suffix in (_OURS, _RELEASE, _EXPORTED):
        for folder in _folders(cfg, demo=demo):
            for path in sorted(folder.glob(f"*{suffix}")):
                place = folder.name, path.name.removesuffix(suffix)
                if place not in by_place and (found := _readable(path, strict=strict)):
                    by_place[place] = found
    wanted = {"speech": speech, "music": music, "model": model, "release": release, "it": it,
              "corpus": "demo" if demo else None}
    return sorted((found for found in by_place.values() if _fits(found.about, wanted)), key=_rank)


def choose(cfg: config.Config, *, ensemble: str | None = None, demo: bool = False, **wanted: Any) -> list[Found]:
    """The model to predict with, or the members of an ensemble.

    Parameters
    ----------
    cfg : Config
    ensemble : str or None
        None: the best that fits. One of `ENSEMBLES`: those that equal the best in all but the run, the language of
        the speech, that of the music, or the model and how it was trained; "all": every one that fits.
    demo : bool
        Use what the demo corpus taught: models trained below demo/, otherwise the small one that comes along.
    **wanted
        speech, music, model, release, it of `find`; what an ensemble goes over is not asked for.

    Returns
    -------
    list of Found
        At least one; at least two for an ensemble.

    Raises
    ------
    MerError
        Nothing fits, or an ensemble would have one member.
    """
    free = _FREE.get(ensemble or "", set())
    wanted = {name: None if name in free else wanted.get(name) for name in _CHOICES}
    found = find(cfg, **wanted, demo=demo, strict=True)  # never another model in place of a damaged one
    if demo and not found and not ensemble:
        return [_demo_model(cfg, wanted)]
    if not found:
        raise MerError(_nothing(cfg, wanted, demo))
    if ensemble is None:
        return found[:1]
    if ensemble != "all":
        fixed = [name for name in (*_CHOICES, "hours", "origin", "corpus") if name not in free]
        found = [each for each in found if all(each.about[name] == found[0].about[name] for name in fixed)]
    if len(found) < 2:
        raise MerError(f"an ensemble over {ensemble} needs two models or more, but only {found[0].path} fits; train "
                       "others, or leave --ensemble out")
    return found


def named(path: str | os.PathLike[str], **wanted: Any) -> Found:
    """The transferred model in a file.

    Parameters
    ----------
    path : path
        Ours or converted (.weights.h5 with its run.json), of the release (.hdf5), or exported (.onnx).
    **wanted
        speech, music, model, release, it of `find`.

    Returns
    -------
    Found

    Raises
    ------
    MerError
        It is missing, unreadable, no transferred model, or says of itself that it is not what is wanted.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise MerError(f"--weights {path} does not exist: name a transferred model (.weights.h5, .hdf5 or .onnx)")
    if not path.is_file() or path.suffix not in (".h5", _RELEASE, _EXPORTED):
        raise MerError(f"--weights {path} is no weight file: name a transferred model (.weights.h5, .hdf5 or .onnx)")
    about = {**_about(path), "origin": "given"}
    if about["kind"] == "pretext":
        raise MerError(f"{path} is a pretrained encoder, which knows nothing of emotion: name a transferred model "
                       "from models_trans/")
    found = _found(path, about)
    known = {name: value for name, value in wanted.items() if found.about.get(name) is not None}
    if not _fits(found.about, known):
        raise MerError(f"{path} is {_described(found)}, and {_asked(wanted)} is asked for: leave these flags out, or "
                       "name other weights")
    return found


def _folders(cfg, *, demo):
    """Folders that hold weight files: ours first. With the demo corpus in use, the release lies in the repository."""
    models, transferred = cfg.path_to_models, cfg.path_to_models_trans
    if demo:
        places = [(cfg.root / config.DEMO_FOLDER / models, cfg.root / config.DEMO_FOLDER / transferred)]
    else:
        places = [(cfg.models_dir, cfg.models_trans_dir), (cfg.resolve(models), cfg.resolve(transferred))]
    folders = [folder for models, transferred in places
               for folder in (*sorted(transferred.glob("*speech_*_2_music_*")), *sorted((models / "music").glob("*")),
                              *sorted(models.glob("*speech_*_2_music_*")))]  # the last: the EUSIPCO release
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _readable(path, *, strict=False):
    """What a file is; None where it is no finished transferred model, said on stderr where that needs mending.

    `strict` raises where the run.json of a model of ours is damaged: it may be the best of all.
    """
    try:
        if path.name.endswith(_OURS) and run_files.run_of(path).about is None:
            return None  # still in training
        about = _about(path)
    except files.Damaged:
        if strict and path.name.endswith(_OURS):
            raise
        print(f"note: left out {path.name}: {sys.exception()}", file=sys.stderr)
        return None
    except (MerError, ImportError) as error:
        print(f"note: left out {path.name}: {error}", file=sys.stderr)
        return None
    return None if about.pop("fold", None) or about.pop("kind") == "pretext" else _found(path, about)


def _found(path, about):
    stem = next(path.name.removesuffix(suffix) for suffix in (_OURS, path.suffix) if path.name.endswith(suffix))
    exported = path.with_name(stem + _EXPORTED)
    kept = {name: about.get(name) for name in (*_KEPT, "origin")}
    kept["title"] = kept["title"] or _TITLES.get(kept["model"], kept["model"])
    return Found(path, {**kept, "file": path.name}, exported if exported.is_file() else None)


def _about(path):
    """What a file says of itself, run.json of it, or the name of a published file; "kind" and "origin" too."""
    if path.suffix == _EXPORTED:
        return {"kind": "transfer", "origin": "ours", **onnx_file.read(path)}
    if path.name.endswith(_OURS):
        about = run_files.told_of(path, "model", "settings")
        # a converted file under a name of its own is a transfer of which nobody knows the music
        return {"origin": "ours", "kind": "transfer" if about.get("music") else "pretext", **about}
    from mer.weights import keras2  # imports h5py
    return keras2.about(path)


def _fits(about, wanted):
    without_speech = about["pretext"] is None
    return all(value is None or about[name] == value or (without_speech and name in ("speech", "release"))
               for name, value in wanted.items())


def _rank(found):
    about = found.about
    return (about["corpus"] == "demo", _place(about["origin"], _ORIGINS), about["pretext"] is None,
            _place(about["release"], _RELEASES), about["hours"] is not None, -(about["hours"] or 0),
            _place(about["model"], _MODELS), _place(about["speech"], _LANGUAGES), _place(about["music"], _LANGUAGES),
            about["it"] or 0, str(found.path))


def _place(value, order):
    return order.index(value) if value in order else len(order)


def _demo_model(cfg, wanted):
    path = (shipped.ROOT if shipped.IS_INSTALLED else cfg.root) / DEMO_MODEL
    if not path.is_file():
        raise MerError(f"the demo model {DEMO_MODEL} is not here: run 'bash demo.sh', which trains one")
    found = named(path)
    if not _fits(found.about, wanted):
        raise MerError(f"the demo model is {_described(found)}, and {_asked(wanted)} is asked for: leave these "
                       "flags out, or run 'bash demo.sh', which trains others")
    return found


def _described(found):
    return _asked({name: found.about[name] for name in _CHOICES})


def _asked(wanted):
    return " ".join(f"{_FLAGS[name]} {value}" for name, value in wanted.items() if value is not None)


def _nothing(cfg, wanted, demo):
    """The sentence for no model at all, or none of the kind that was asked for."""
    asked = _asked(wanted)
    there = [f"{found.path.parent.name}/{found.path.name}" for found in find(cfg, demo=demo)]
    if there:
        more = f" and {len(there) - 5} more" if len(there) > 5 else ""
        return (f"no transferred model fits {asked}; there are {', '.join(there[:5])}{more}: ask for one of these, or "
                "train another")
    if demo:
        return "no model of the demo corpus is here: run 'bash demo.sh', which trains some"
    return ("no transferred model is here: train one with trans_train_denoise_multi.py, unpack the published release "
            f"(models/ and models_trans/) into {cfg.root}, run 'bash demo.sh', or add --demo to try the demo model")
