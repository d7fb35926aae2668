"""The corpora: one file each, found by their place in this folder; docs/corpora.md says how to add one."""

import functools
import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from mer import MerError
from mer.cli import MIXED
from mer.corpora._base import AUDIO_SUFFIXES, Clip, Listing, fold, others, others_text

__all__ = ["AUDIO_SUFFIXES", "Clip", "Listing", "codes", "find_root", "fold", "get", "language", "list_clips", "locate",
           "others", "others_text"]

KINDS = {"s": "speech", "m": "music", "n": "noise"}  # as -d

# What a corpus file may leave out.
_OPTIONAL: dict = {"SETTING": "", "MARKS": (), "PARTS": (), "ARCHIVES": {}, "EXPECTED_CLIPS": None, "EXPECTED_ALSO": (),
                   "EXPECTED_PER_CLASS": None, "EXPECTED_PARTS": {}, "CLASSES": {}, "IS_MUSIC": True, "PEOPLE": ""}
OWN_CSV = "annotations.csv"  # in the folder of any music corpus: labels that win over the corpus's own


@functools.cache
def _modules():
    """Every corpus module of this folder by (kind, code), in the order of the codes; and noise like each of speech."""
    names = (found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    for module in modules:
        vars(module).update(_OPTIONAL | vars(module))
    found = {(module.KIND, module.CODE): module for module in sorted(modules, key=lambda module: module.CODE)}
    return found | {("noise", code): _noise_like(module) for (kind, code), module in found.items() if kind == "speech"}


def _noise_like(speech):
    """The corpus that has for each clip of speech one of noise, see `mer.features.noise`."""
    known = {name: value for name, value in vars(speech).items() if not name.startswith("_")}
    return SimpleNamespace(**known | {"KIND": "noise", "NAME": f"noise like {speech.NAME}"})


def codes(kind):
    """Codes of the corpora of one kind with a title each, as -s, -m and -l offer them.

    Parameters
    ----------
    kind : str
        "speech", "music", or "noise": each clip of the speech replaced by noise, see `mer.features.noise`.

    Returns
    -------
    dict
        For example {"e": "English, LibriSpeech", ...}, sorted by code.
    """
    return {code: f"{module.LANGUAGE.capitalize()}, {module.NAME}"
            for (found, code), module in _modules().items() if found == kind}


def get(kind, code):
    """The module of one corpus.

    Raises
    ------
    MerError
        No corpus of that kind has the code.
    """
    try:
        return _modules()[kind, code]
    except KeyError:
        known = ", ".join(f"{key} ({title})" for key, title in codes(kind).items())
        raise MerError(f"no {kind} corpus has the code {code!r}: choose one of {known}") from None


def language(kind, code):
    """Language of a corpus for people: "English"; of music in several steps, "Mixed" or "Mandarin, then English".

    Raises
    ------
    MerError
        As `get`.
    """
    steps = [step.split("+") for step in code.split(",")] if kind == "music" else [[code]]
    named = ", then ".join(" + ".join("mixed" if kind == "music" and part == MIXED else
                                      get(kind, part).LANGUAGE.capitalize() for part in step) for step in steps)
    return named[:1].upper() + named[1:]


def hours_prefix(hours):
    """What names of files and folders begin with, as in the release: "3h_"; "" for all hours, "random_" for none."""
    return "" if hours is None else f"{hours:g}h_" if hours else "random_"


def locate(corpus, cfg, folder=None):
    """Folder of a corpus: `folder`, a path from the working directory, or where the settings say; as `find_root`."""
    setting = cfg.values.get(corpus.SETTING, "")
    override = Path(folder).expanduser() if folder else cfg.resolve(setting) if setting else None
    return find_root(corpus, None if override else cfg.data_dir, override)


def find_root(corpus, path_to_data, override=""):
    """Folder of a corpus.

    Parameters
    ----------
    corpus : module
        From `get`.
    path_to_data : path or None
        Folder that holds the corpora, or the corpus folder itself. Names are compared without case, blanks
        and punctuation: CH818, CH-818 and ch_818 are one.
    override : path or ""
        Path of this corpus, or of the folder that holds it; used instead of `path_to_data`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    MerError
        Nothing is there, or neither path is given.
    """
    folder = Path(override or path_to_data or "").expanduser()
    names, wanted = [fold(name) for name in corpus.FOLDER], f"{corpus.NAME} was looked for"
    own = f", or {corpus.SETTING}" if corpus.SETTING else ", or give its folder with -ps"
    if override and not folder.is_dir():
        raise MerError(f"{wanted} in {folder}, which is no folder: correct {corpus.SETTING or 'path_to_data'} in "
                       "settings.py (or -ps), or leave it empty")
    wanted += f" as {' or '.join(corpus.FOLDER)}"
    if not (override or path_to_data):
        raise MerError(f"{wanted}, but path_to_data in settings.py is empty: set it{own}")
    entries = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else ()
    below = {fold(entry.name): entry for entry in entries if entry.is_dir()}
    child = next((below[name] for name in names if name in below), None)
    if child or override:
        return child or folder
    if folder.is_dir() and (fold(folder.resolve().name) in names or any((folder / mark).exists()
                                                                        for mark in corpus.MARKS)):
        return folder
    raise MerError(f"{wanted} in {folder} and is not there: set path_to_data in settings.py to the folder "
                   f"that holds it{own}{' to the corpus itself' * bool(corpus.SETTING)}")


def list_clips(corpus, root, *, labels=None, encoding=None):
    """List a corpus.

    Parameters
    ----------
    corpus : module
        From `get`.
    root : path
        Its folder, from `find_root`.
    labels : path or None
        The user's own csv (music only). Without it, `annotations.csv` in the folder is used where present.
    encoding : str or None
        Of the csv (music only), where it is found wrongly.

    Returns
    -------
    Listing
        At least one clip, sorted by id.

    Raises
    ------
    MerError
        The folder or the csv cannot be used, or holds no clip.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise MerError(f"{corpus.NAME} was looked for in {root}, which is no folder: correct "
                       "its path or path_to_data in settings.py")
    if corpus.KIND != "music" and encoding:
        raise MerError(f"--encoding is of the csv of labels, and {corpus.NAME} is {corpus.KIND}, which "
                       "has none: leave it out")
    if corpus.KIND != "music" and labels:
        raise MerError(f"{labels} was given as labels, but {corpus.NAME} is {corpus.KIND}, which "
                       "has none: leave it out")
    if corpus.KIND == "music" and not labels and (root / OWN_CSV).is_file():
        labels = root / OWN_CSV
    stated = {"encoding": encoding} if encoding else {}
    listing = corpus.items(root, Path(labels).expanduser() if labels else None, **stated)
    if not listing.clips:
        counted = others_text(others(root))
        why = (f": {len(listing.skipped)} left out, for example "
               + "; ".join(f"{name}: {reason}" for name, reason in listing.skipped[:3])) if listing.skipped else (
            f" (no file ends in {', '.join(AUDIO_SUFFIXES[:10])} or the like{'; ' * bool(counted)}{counted}): correct "
            "the path in settings.py")
        raise MerError(f"{corpus.NAME}: no clip can be used in {root}{why}")
    clips = tuple(sorted(listing.clips, key=lambda clip: clip.id))
    return replace(listing, clips=clips, others=others(root))
