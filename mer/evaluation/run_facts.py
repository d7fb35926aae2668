"""What tells runs apart: only runs that differ in nothing but the seed are averaged.

A `fact` is a name and a value from the ``run`` and ``test`` of a report: model, hours of speech, folds, split, test
clips, data, settings, backend, and those of the encoder. Seed, run number and what follows from them are no facts.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from mer.evaluation.report_text import WITHIN, answered, describe, heard_kind, speech_heard
from mer.tasks import PUBLISHED

# Facts that tables show in columns or rows of their own; the others are named only where they differ.
COLUMNS = ("corpus", "music", "role", "model", "config", "pretrain", "hours", "heard", "folds", "split", "test")
SCRATCH = "scratch"


def facts(report: dict) -> dict:
    """Everything that a result depends on, but for the seed.

    Parameters
    ----------
    report : dict
        From `mer.evaluation.results.find`.

    Returns
    -------
    dict of str -> value
        `COLUMNS` first (a model from scratch has no ``pretrain`` and ``hours``; ``heard`` is there where the encoder
        heard music or noise), then ``tasks`` where they are not the
        published ones, ``data`` (hash of clips, labels
        and split; None in reports of before), ``clips`` (of training and validation), ``backend``, the settings by
        their names, and those of the encoder as ``encoder.<name>``.
    """
    run, words, encoder = report["run"], describe(report["run"]), report["run"].get("encoder") or {}
    found = {"corpus": str(run.get("corpus")), "music": run["music_abbr"], "model": words["model"],
             "role": words["role"], "config": words["config"]}
    if words["config"] != SCRATCH:
        found |= {"pretrain": words["pretrain"], "hours": run.get("hours")}
        found |= {"heard": heard_kind(run)} if heard_kind(run) != "speech" else {}
    if answered(report) != PUBLISHED:
        found["tasks"] = [task.name for task in answered(report)]
    split, clips = run.get("split"), run.get("clips") or {}
    found |= {"folds": run.get("folds"), "split": split.get("kind") if isinstance(split, dict) else split,
              "test": report["test"]["digest"], "data": run.get("data"),
              "clips": [clips.get("train"), clips.get("val")],
              "backend": (run.get("versions") or {}).get("backend"), **(run.get("settings") or {})}
    if found["config"] != SCRATCH:
        found |= {f"encoder.{name}": encoder.get(name) for name in ("origin", "hours_heard", "backend")}
        found |= {f"encoder.{name}": value for name, value in (encoder.get("settings") or {}).items()}
    return found


def key(known: dict) -> str:
    """Hash of facts, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def settings_key(known: dict) -> str:
    """Hash, 8 hexadecimal digits, of the facts that have no column of their own in results.csv."""
    return key({name: value for name, value in known.items() if name not in COLUMNS})[:8]


def cells(reports: Sequence[dict]) -> list:
    """Runs that differ in nothing but the seed, together.

    Parameters
    ----------
    reports : sequence of dict

    Returns
    -------
    list of (dict, list of dict)
        Facts and their reports, in the order in which the reports come.
    """
    groups: dict = {}
    for report in reports:
        known = facts(report)
        groups.setdefault(key(known), (known, []))[1].append(report)
    return list(groups.values())


def varying(all_facts: Sequence[dict]) -> list:
    """Names, in order, of the facts without a column that are not the same wherever they occur.

    Parameters
    ----------
    all_facts : sequence of dict
        From `facts`. How much speech an encoder heard is compared within one language and choice of hours only, what a
        model was trained on within one music.
    """
    values: dict = {}
    for known in all_facts:
        for name, value in known.items():
            if name not in COLUMNS:
                of = known["music"] if name in ("data", "clips") else None
                of = (known["pretrain"], known["hours"]) if name == "encoder.hours_heard" else of
                values.setdefault(name, {}).setdefault(of, set()).add(json.dumps(value, sort_keys=True))
    return [name for name, found in values.items() if any(len(one) > 1 for one in found.values())]


def differences(known: dict, names: Iterable[str]) -> list:
    """"heads_epochs=2" and the like: the facts among `names`, for people."""
    return [_words(name, known[name]) for name in names if name in known]


def _words(name, value):
    if value is None:
        return f"{name} not recorded"
    if name == "clips":
        train, val = ("?" if n is None else n for n in value)
        return f"{train} training and {val} validation clips"
    if name == "tasks":
        return f"tasks: {', '.join(value)}"
    if isinstance(value, dict):
        return f"{name}: {', '.join(value)}"
    return f"{name}={value[:6] if name == 'data' else value}"


def labels(known: dict, names: Iterable[str]) -> list:
    """What a row's heading says below the setting: role, hours, folds, split, then `differences`.

    Parameters
    ----------
    known : dict
        Facts of a row; a model from scratch has no hours.
    names : sequence of str
        From `varying`, and of `COLUMNS` those that are to be named: "split".
    """
    words = [] if known.get("role", WITHIN) == WITHIN else [known["role"]]
    words += [speech_heard(known["hours"], known.get("heard", "speech"))] if known.get("hours") is not None else []
    words += [f"{known['folds']} folds"] if known.get("folds") else []
    words += [f"split: {known['split'] or 'not recorded'}"] if "split" in names else []
    return words + differences(known, [name for name in names if name not in COLUMNS])


def compatible(one: dict, other: dict, names: Iterable[str]) -> bool:
    """Whether two sets of facts agree in all `names` that both know."""
    return all(one[name] == other[name] for name in names if name in one and name in other)

