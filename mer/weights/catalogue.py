"""Which model files are on disk: encoders to start a transfer from, transferred models to predict with, best first.

The published release is unpacked into the folders that our own runs use, under the same names: ours come first.
Nothing is opened but run.json and the outline of exported files, so Keras, h5py and onnxruntime stay away until a model
is used; only a file of the release makes h5py come in.
"""

import os
import sys
from pathlib import Path
from typing import Any

from mer import MerError, config, corpora, files
from mer.features.representations import DEFAULT, NAME
from mer.weights.model_file import EXPORTED, FITTED, OURS, PUBLISHED, RELEASE, ModelFile, published_encoder, speech_run

ENSEMBLES = ("runs", "speech", "music", "models", "all")
# Comes along, and is taken where nothing else is asked for; NAME.json beside it says what it is worth
SONG_MODEL = Path(__file__).parents[1] / "prediction" / "song_model.onnx"

# Best first; musicnn as docs/results.md ranks it, the others as ICASSP 2021, Table 2, does on English music
_ORDERS = {"origin": ("ours", "release"), "release": ("y", "n", None),
           "model": ("model_musicnn", "model_over", "model_scae", "model_cpc", "model_masked", "model_cnn"),
           "speech": ("e", "m", "x", "t", "p", None), "music": ("e", "m", "x", "t", "p", None)}
# What the members of an ensemble may differ in
_FREE = {"runs": {"it"}, "speech": {"speech"}, "music": {"music"}, "models": {"model", "release"}}
_FLAGS = {"speech": "-s", "music": "-m", "model": "-mod", "release": "-rel", "it": "--run"}


def encoder(cfg: config.Config, *, speech: str | None, model: str, settings: dict[str, Any], it: int = 0,
            hours: float | None = None, path: str | os.PathLike[str] | None = None, kind: str = "speech") -> ModelFile:
    """The pretrained encoder that a transfer starts from.

    Parameters
    ----------
    cfg : Config
    speech : str or None
        Code of the speech corpus, or of that of another `kind`; None: the encoder is one that others published.
    model : str
        Architecture.
    settings : dict
        Of what the architecture reads: `Chunks.settings`.
    it : int
        Number of the run: that of the encoder, or else 0. Any of ours comes before any of the release.
    hours : float or None
        The encoder that heard so many hours; None: all; 0: the one with random weights.
    path : path or None
        This very file instead of one in the folders of the settings.
    kind : {"speech", "music", "noise"}
        What the encoder heard.

    Returns
    -------
    ModelFile

    Raises
    ------
    MerError
        It is not there, a transferred model, or of another architecture, language or features.
    """
    if path:
        file = ModelFile(Path(path).expanduser(), is_named=True)
        if not file.path.is_file():
            raise MerError(f"--weights {file.path} is no file: name the weights of a pretrained encoder (.weights.h5 "
                           "or .hdf5)")
        _refuse_other_encoder(file, speech=speech, model=model, kind=kind)
    elif speech is None:
        file = published_encoder(cfg, model)
        if not file.exists():
            raise MerError(f"{file.path.name} is not in {file.path.parent}: run 'python3 convert_weights.py "
                           f"{model.removeprefix('model_')}' first, which fetches it")
    else:
        language = corpora.get(kind, speech).LANGUAGE
        runs = [speech_run(cfg, language, model, number, hours=hours, kind=kind) for number in dict.fromkeys((it, 0))]
        # with the demo corpus in use our runs are below demo/; the release is unpacked into the repository
        folders = dict.fromkeys((cfg.models_dir, cfg.resolve(cfg.path_to_models)))
        release = [ModelFile(folder / run.path.parent.relative_to(cfg.models_dir) / f"{run.stem}{RELEASE}")
                   for run in runs for folder in folders]
        file = next((each for each in (*runs, *release) if each.exists()), runs[-1])
        if not file.exists():
            of = "" if kind == "speech" else f" -d {kind[0]}"
            more = "" if hours is None else f" --hours {hours:g}" if hours else " --random"
            raise MerError(f"{file.path.name} is not in {file.path.parent}: run 'python3 pretrain.py -s {speech}{of} "
                           f"-mod {model}{more}' first, or unpack the published models/ into the repository")
    held, wanted = ({NAME: DEFAULT, **each} for each in (file.metadata["settings"], settings))
    differ = [f"{name} {held[name]}, now {value}" for name, value in wanted.items() if held.get(name, value) != value]
    if differ:
        raise MerError(f"{file.path} was made with other features ({'; '.join(differ)}): set these as they were")
    return file


def _refuse_other_encoder(file, *, speech, model, kind):
    known = file.metadata
    held = known.get("name", known.get("model"))
    if known["kind"] == "transfer":
        raise MerError(f"{file.path} is a transferred model: --weights wants a pretrained encoder, from which a "
                       "transfer starts")
    if held != model:
        raise MerError(f"{file.path} holds {held}, and -mod says {model}: name a file of {model}, or -mod {held}")
    source = file.heard_from
    if source["kind"] != kind:
        raise MerError(f"{file.path} was pretrained on {source['kind']}, and {kind} is asked for: use -d "
                       f"{source['kind'][0]} -s {source['code']}, so that the result is not filed under the wrong name")
    if source["kind"] != "speech" and source["code"] != speech:
        raise MerError(f"{file.path} was pretrained on {source['name']}, and -s says {speech!r}: use "
                       f"-s {source['code']}, so that the result is not filed under the wrong name")
    if known.get("speech") not in (None, speech):
        raise MerError(f"{file.path} was pretrained on speech {known['speech']!r}, and -s says {speech!r}: "
                       f"use -s {known['speech']}, so that the result is not filed under the wrong language")


def find(cfg: config.Config, *, speech: str | None = None, music: str | None = None, model: str | None = None,
         release: str | None = None, it: int | None = None, demo: bool = False, strict: bool = False,
         ) -> list[ModelFile]:
    """The transferred models in the folders of the settings, best first.

    Real corpora before the demo corpus, ours before the release, Full before Feat. Ext., all labels before a part of
    them, all of the speech before a part of it, then by architecture (SCAE, CPC, CNN), language and number of the run.
    Folds of a cross-validation are left out: they have seen a part of the music only. So are models that need all clips
    of an artist at once.

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
    list of ModelFile
        A model without speech (model_cnn) fits any `speech` and `release`.
    """
    models, transferred = cfg.path_to_models, cfg.path_to_models_trans
    if demo:
        roots = [(cfg.root / config.DEMO_FOLDER / models, cfg.root / config.DEMO_FOLDER / transferred)]
    else:  # with the demo corpus in use, our models are below demo/ and the release is in the repository
        roots = [(cfg.models_dir, cfg.models_trans_dir), (cfg.resolve(models), cfg.resolve(transferred))]
    folders = [folder for models, transferred in roots
               for folder in (*sorted(transferred.glob("*speech_*_2_music_*")),
                              *sorted(transferred.glob("*heard_*_2_music_*")),
                              *sorted(transferred.glob(f"{PUBLISHED}_2_music_*")),
                              *sorted((models / "music").glob("*")),
                              *sorted(models.glob("*speech_*_2_music_*")))]  # the last: the EUSIPCO release
    by_name: dict[tuple[str, str], ModelFile] = {}  # of one stem in one folder, the first that is there counts
    for file in (ModelFile(path) for suffix in (OURS, FITTED, RELEASE, EXPORTED) for folder in dict.fromkeys(folders)
                 for path in sorted(folder.glob(f"*{suffix}"))):
        name = file.path.parent.name, file.stem
        try:
            if (name not in by_name and file.exists() and file.metadata["kind"] == "transfer"
                    and not any(map(file.metadata.get, ("fold", "normalized_by")))):
                by_name[name] = file
        except (MerError, ImportError) as error:
            if strict and file.is_ours and isinstance(error, files.Damaged):
                raise  # it may be the best of all
            print(f"note: left out {file.path.name}: {error}", file=sys.stderr)
    wanted = {"speech": speech, "music": music, "model": model, "release": release, "it": it,
              "corpus": "demo" if demo else None}
    return sorted((file for file in by_name.values() if _fits(file.metadata, wanted)), key=_rank)


def choose(cfg: config.Config, *, ensemble: str | None = None, demo: bool = False, **wanted: Any) -> list[ModelFile]:
    """The model to predict with, or the members of an ensemble.

    Parameters
    ----------
    cfg : Config
    ensemble : str or None
        None: the best that fits. One of `ENSEMBLES`: those that equal the best in all but the run, the language of
        the speech, that of the music, or the model and how it was trained; "all": every one that fits.
    demo : bool
        Use what the demo corpus taught: models trained below demo/.
    **wanted
        speech, music, model, release, it of `find`; what an ensemble goes over is not asked for. Where nothing is
        asked for, the model that comes along is taken.

    Returns
    -------
    list of ModelFile
        At least one; at least two for an ensemble.

    Raises
    ------
    MerError
        Nothing fits, or an ensemble would have one member.
    """
    free = _FREE.get(ensemble or "", set())
    if not (demo or ensemble) and not any(value is not None for value in wanted.values()):
        return [named(SONG_MODEL)]
    wanted = {name: None if name in free else wanted.get(name) for name in _FLAGS}
    fitting = find(cfg, **wanted, demo=demo, strict=True)  # never another model in place of a damaged one
    if not fitting:
        raise MerError(_nothing(cfg, wanted, demo))
    if ensemble is None:
        return fitting[:1]
    if ensemble != "all":
        fixed = [name for name in (*_FLAGS, "hours", "origin", "corpus") if name not in free]
        fitting = [file for file in fitting if file.facts.get("heard") == fitting[0].facts.get("heard")
                   and all(file.metadata.get(name) == fitting[0].metadata.get(name) for name in fixed)]
    if len(fitting) < 2:
        raise MerError(f"an ensemble over {ensemble} needs two models or more, but only {fitting[0].path} fits; train "
                       "others, or leave --ensemble out")
    return fitting


def named(path: str | os.PathLike[str], **wanted: Any) -> ModelFile:
    """The transferred model in a file.

    Parameters
    ----------
    path : path
        Ours or converted (.weights.h5, or .skops, with its run.json), of the release (.hdf5), or exported (.onnx).
    **wanted
        speech, music, model, release, it of `find`.

    Returns
    -------
    ModelFile

    Raises
    ------
    MerError
        It is missing, unreadable, no transferred model, or says of itself that it is not what is wanted.
    """
    file = ModelFile(Path(path).expanduser(), is_named=True)
    if not file.path.is_file() or file.path.suffix not in (".h5", FITTED, RELEASE, EXPORTED):
        problem = "is no weight file" if file.path.exists() else "does not exist"
        raise MerError(f"--weights {file.path} {problem}: name a transferred model (.weights.h5, .skops, .hdf5 or "
                       ".onnx)")
    if file.metadata["kind"] == "pretext":
        raise MerError(f"{file.path} is a pretrained encoder, which knows nothing of emotion: name a transferred model "
                       "from models_trans/")
    if by := file.metadata.get("normalized_by"):
        raise MerError(f"{file.path} answers for embeddings that are normalized per {by} (--normalize-groups), and "
                       f"nobody knows the other clips of the {by} of a song: name another model")
    known = {name: value for name, value in wanted.items() if file.metadata.get(name) is not None}
    if not _fits(file.metadata, known):
        raise MerError(f"{file.path} is {_flags(file.metadata)}, and {_flags(wanted)} is asked for: leave these flags "
                       "out, or name other weights")
    return file


def _fits(metadata: dict[str, Any], wanted: dict[str, Any]) -> bool:
    without_speech = metadata.get("pretext") is None
    return all(value is None or metadata.get(name) == value or (without_speech and name in ("speech", "release"))
               for name, value in wanted.items())


def _rank(file: ModelFile) -> tuple[Any, ...]:
    known = file.metadata
    # the position in each order, or behind its end
    orders = [[*order, known.get(name)].index(known.get(name)) for name, order in _ORDERS.items()]
    hours = known.get("hours")
    return (known.get("corpus") == "demo", orders[0], known.get("pretext") is None, orders[1],
            bool(known.get("labels")), hours is not None,
            -(hours or 0), *orders[2:], known.get("it") or 0, str(file.path))


def _flags(known: dict[str, Any]) -> str:
    """The flags that ask for a model of which so much is known: "-s e -m e -mod model_cpc"."""
    return " ".join(f"{flag} {known[name]}" for name, flag in _FLAGS.items() if known.get(name) is not None)


def _nothing(cfg: config.Config, wanted: dict[str, Any], demo: bool) -> str:
    """The sentence for no model at all, or none of the kind that was asked for."""
    there = [f"{file.path.parent.name}/{file.path.name}" for file in find(cfg, demo=demo)]
    if there:
        more = f" and {len(there) - 5} more" if len(there) > 5 else ""
        return (f"no transferred model fits {_flags(wanted)}; there are {', '.join(there[:5])}{more}: ask for one of "
                "these, or train another")
    if demo:
        return "no model of the demo corpus is here: run 'bash demo.sh', which trains some"
    return ("no transferred model is here: train one with trans_train_denoise_multi.py, unpack the published release "
            f"(models/ and models_trans/) into {cfg.root}, or leave -s, -m, -mod, -rel and --run out "
            "for the model that comes along")
