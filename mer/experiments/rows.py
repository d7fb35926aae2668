"""Rows of a plan: facts, of which each may have several values; all of their combinations are cells."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mer import MerError, corpora
from mer.cli import MIXED
from mer.experiments import architectures
from mer.experiments.architectures import CLASSIFIER
from mer.experiments.steps import ALL, FEATURES_ONLY, FULL, LINEAR, SCRATCH
from mer.training import setups
from mer.weights.model_file import PUBLISHED

FACTS = ("encoder", "heard", "language", "relation", "pretext", "hours", "mode", "music", "tested", "setup", "labels",
         "normalized", "folds", "seed")
NOTHING = "nothing"
HEARD = ("speech", "music", "noise", "random", NOTHING)
_KEYS = ("encoder", "heard", "language", "hours", "mode", "music", "tested", "labels", "normalized", "folds",
         "runs")
_MODES = (LINEAR, FEATURES_ONLY, FULL, SCRATCH, CLASSIFIER)


def expanded(common: Mapping[str, Any], row: Mapping[str, Any], given: Mapping[str, Any], *, where: str,
             mixed: tuple[str, ...] = ()) -> Iterator[tuple[dict[str, Any], int]]:
    """The facts of each cell of a row, with the number of its runs.

    Parameters
    ----------
    common : mapping
        What all rows say, unless they say otherwise.
    row : mapping
        encoder, heard, language, hours, mode, music, tested, labels, normalized, folds, runs: a value each, or a list
        of them. "all" hours, or labels, are those of the whole corpus, which is the default.
    given : mapping
        runs, hours and folds of the command line, or None.
    where : str
        For sentences on mistakes.
    mixed : tuple of str
        Codes of the music corpora that "x" stands for.

    Raises
    ------
    MerError
        A fact is unknown, or does not go with the others.
    """
    values = {**common, **row}
    for key in values:
        if key not in _KEYS:
            raise MerError(f"{where} has the unknown fact {key!r}: choose from {', '.join(_KEYS)}")
    for key in ("encoder", "music"):
        if key not in values:
            raise MerError(f"{where} lacks {key}")
    runs = _count(given["runs"] or values.pop("runs", 1), f"runs of {where}")
    values.pop("runs", None)
    axes = {key: value if isinstance(value, list) else [value] for key, value in values.items()}
    twice = next((key for key, each in axes.items() if any(value in each[:place] for place, value in enumerate(each))),
                 None)
    if twice:
        raise MerError(f"{where} names a value of {twice} twice: {axes[twice]}")
    made: list[dict[str, Any]] = []
    for combined in itertools.product(*axes.values()):
        facts = _facts(dict(zip(axes, combined, strict=True)), given, where, mixed)
        if facts not in made:  # an encoder that is trained from scratch has neither languages nor modes
            made.append(facts)
            for seed in range(runs):
                yield {**facts, "seed": seed}, runs


def _facts(values, given, where, mixed):
    pretext = architectures.find(values["encoder"]).pretext
    heard, mode = values.get("heard"), values.get("mode")
    if pretext in (None, CLASSIFIER):
        heard, mode = heard or NOTHING, CLASSIFIER if pretext else SCRATCH
        if heard != NOTHING:
            raise MerError(f"{where}: {values['encoder']} is trained on music alone, and heard says {heard!r}: leave "
                           "heard out")
    for key, value, legal in (("heard", heard, HEARD), ("mode", mode, _MODES)):
        if value not in legal:
            raise MerError(f"{where}: {key} of {values['encoder']} is {value!r}: choose from {', '.join(legal)}")
    if (heard == NOTHING or mode in (SCRATCH, CLASSIFIER)) and pretext not in (None, CLASSIFIER):
        raise MerError(f"{where}: {values['encoder']} is a pretrained encoder, which is never {mode!r} and hears "
                       f"something: choose heard from {', '.join(HEARD[:-1])}, and mode from {', '.join(_MODES[:3])}")
    if pretext == PUBLISHED and heard not in ("speech", "music"):
        raise MerError(f"{where}: {values['encoder']} was trained by others on speech or music, not on {heard!r}")
    language, hours = None, None
    if pretext not in (None, CLASSIFIER):
        language, hours = values.get("language"), _hours(values, heard, pretext, given, where)
        if pretext != PUBLISHED:
            corpora.get("music" if heard == "music" else "speech", language)
    music, folds = values["music"], values.get("folds") if given["folds"] is None else given["folds"]
    last = setups.parse(music, mixed)[-1]
    if len(last) == 1 or music != MIXED:
        corpora.get("music", last[0])
    tested = values.get("tested", MIXED if music.rpartition(",")[2] == MIXED else last[-1])
    labels, normalized = values.get("labels", ALL), values.get("normalized", False)
    if normalized not in (True, False) or (normalized and mode in (FULL, SCRATCH)):
        raise MerError(f"{where}: normalized is {normalized!r}: give true or false, and true only of a frozen encoder "
                       "or a classifier")
    if tested != MIXED:
        corpora.get("music", tested)
    return {"encoder": values["encoder"], "heard": heard, "language": language,
            "relation": _relation(heard, pretext, language, tested), "pretext": pretext, "hours": hours, "mode": mode,
            "music": music, "tested": tested, "setup": _setup(music, tested, mixed),
            "labels": ALL if labels == ALL else _count(labels, f"labels of {where}", most=1_000_000),
            "normalized": normalized,
            "folds": _count(folds, f"folds of {where}") if folds else None}


def _relation(heard, pretext, language, tested):
    """What the language of the speech is to that of the music: "same", "other" or "mix"; None where it is neither."""
    if heard != "speech" or pretext == PUBLISHED or tested == MIXED:
        return None
    speech = corpora.get("speech", language)
    if speech.PARTS:
        return "mix"
    return "same" if speech.LANGUAGE == corpora.get("music", tested).LANGUAGE else "other"


def _setup(music, tested, mixed):
    """The role of the music that is tested, see `setups.roles`."""
    steps = setups.parse(music, mixed)
    return setups.role_of_last(steps) if tested == MIXED else dict(setups.roles(steps, [tested]))[tested]


def _hours(values, heard, pretext, given, where):
    """Hours that the encoder heard; None: all, or as its file says."""
    if heard not in ("speech", "noise") or pretext == PUBLISHED:
        return None
    hours = given["hours"] or values.get("hours", ALL)
    if hours == ALL:
        return None
    if isinstance(hours, bool) or not isinstance(hours, (int, float)) or not 0 < hours <= 100_000:
        raise MerError(f"{where}: hours is {hours!r}: give a number above 0, or \"all\"")
    return float(hours)


def _count(value, what, most=1000):
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise MerError(f"{what} is {value!r}: give a whole number from 1 to {most}")
    return value


def name_of(facts: Mapping[str, Any]) -> str:
    """Name of a cell: its facts, short and fit for a file name."""
    heard = facts["heard"] if facts["language"] is None else f"{facts['heard']}-{facts['language']}"
    hours = f"-{facts['hours']:g}h" if facts["hours"] else ""
    own = facts["music"].rpartition(",")[2]
    tested = "" if facts["tested"] == own else f"-tested-{facts['tested']}"
    more = f".{facts['labels']}-labels" if facts["labels"] != ALL else ""
    more += ".per-group" if facts["normalized"] else ""
    more += f".folds-{facts['folds']}" if facts["folds"] else ""
    text = f"{facts['encoder']}.{heard}{hours}.{facts['mode']}.{facts['music']}{tested}{more}.it_{facts['seed']}"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).replace("-.", ".").replace("..", ".")
