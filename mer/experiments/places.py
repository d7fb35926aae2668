"""Where the files of a cell lie, by the functions that the scripts use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mer import corpora
from mer.cli import MIXED
from mer.config import Config
from mer.data import datasets, split_files
from mer.experiments import architectures
from mer.experiments.architectures import CLASSIFIER
from mer.experiments.steps import ALL, FULL, LINEAR
from mer.training import setups
from mer.weights.model_file import (
    PUBLISHED,
    ModelFile,
    fitted_run,
    music_run,
    published_encoder,
    speech_run,
    transfer_run,
)


def encoder(facts: Mapping[str, Any], cfg: Config) -> ModelFile | None:
    """The pretrained encoder of a cell; None where it has none."""
    pretext = architectures.find(facts["encoder"]).pretext
    if pretext in (None, CLASSIFIER):
        return None
    if pretext == PUBLISHED:
        return published_encoder(cfg, facts["encoder"])
    source = _source(facts)
    return speech_run(cfg, source.LANGUAGE, facts["encoder"], facts["seed"], hours=_hours(facts), kind=source.KIND)


def trained(facts: Mapping[str, Any], cfg: Config, *, mixed: tuple[str, ...] = (),
            number: int | None = None) -> ModelFile:
    """The run that makes the report of a cell: that of all folds together where it has folds, which has no weights.

    With `number`, counted from 1, the run of one of its folds.
    """
    labels = None if facts["labels"] == ALL else facts["labels"]
    setup = setups.SetUp(setups.parse(facts["music"], mixed), labels, facts["normalized"])
    fold = f"folds_{facts['folds']}." if facts["folds"] else ""
    fold = f"fold_{number}of{facts['folds']}." if number else fold
    pretext = architectures.find(facts["encoder"]).pretext
    if pretext == CLASSIFIER:
        return fitted_run(cfg, setup.LANGUAGE, facts["encoder"], facts["seed"], fold=fold)
    if pretext is None:
        return music_run(cfg, setup.LANGUAGE, facts["encoder"], facts["seed"], fold=fold)
    speech = None if pretext == PUBLISHED else _source(facts)
    release = {LINEAR: LINEAR, FULL: "y"}.get(facts["mode"], "n")
    return transfer_run(cfg, speech, setup, facts["encoder"], release, facts["seed"], hours=_hours(facts), fold=fold)


def report(facts: Mapping[str, Any], cfg: Config, *, mixed: tuple[str, ...] = ()) -> Path:
    """Folder of the report of a cell: beside the weights, or below it in tests/ where other music is tested."""
    run, own = trained(facts, cfg, mixed=mixed), facts["music"].rpartition(",")[2]
    if facts["tested"] == own or facts["tested"] == MIXED:
        return run.file(".")
    return run.file("tests") / corpora.get("music", facts["tested"]).LANGUAGE


def store(facts: Mapping[str, Any], cfg: Config) -> list[Path]:
    """The files of a store, its splits and its folds; those of a mixture are lists over the stores of its parts."""
    corpus = corpora.get(facts["kind"], facts["code"])
    made = datasets.store_path(corpus, cfg, facts["features"], hours=facts["hours"]).with_suffix(".run.json")
    stem = datasets.stem(corpus, hours=facts["hours"])
    stems = [stem, *(split_files.fold_stem(stem, number, facts["folds"])
                     for number in range(1, (facts["folds"] or 0) + 1))]
    held = [] if corpus.PARTS else [datasets.store_path(corpus, cfg, facts["features"])]
    return [*held, made, *(path for stem in stems for path in split_files.paths(cfg, stem))]


def of(what: str, facts: Mapping[str, Any], cfg: Config, *, mixed: tuple[str, ...] = ()) -> list[Path]:
    """Files that are there where a command has made what it makes.

    Parameters
    ----------
    what : {"store", "encoder", "report"}
    facts : mapping
        As `Plan.makes` has them.
    cfg : Config
    mixed : tuple of str
        `Plan.mixed`.

    Returns
    -------
    list of pathlib.Path
        The last one of an encoder or a report is its run.json.
    """
    if what == "store":
        return store(facts, cfg)
    if what == "encoder":
        file = encoder(facts, cfg)
        return [file.path, file.file("run.json")] if file else []
    folder = report(facts, cfg, mixed=mixed)
    return [folder / name for name in ("predictions.csv", "report.json", "run.json")]


def _source(facts):
    """The corpus that the encoder heard, or whose speech standardizes the one with random weights."""
    return corpora.get(facts["heard"] if facts["heard"] in ("music", "noise") else "speech", facts["language"])


def _hours(facts):
    return 0.0 if facts["heard"] == "random" else facts["hours"]
