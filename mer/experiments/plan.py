"""Plans: plans/NAME.toml, read and checked. docs/experiments.md says how to write one."""

import difflib
import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mer import MerError, corpora, limits, tasks
from mer.experiments import rows
from mer.experiments.steps import Command, Steps

PLANS = Path(__file__).parents[2] / "plans"
ALTERNATIVES = ("two-sided", "greater", "less")
_KEYS = ("title", "question", "corpora", "family", "demo", "settings", "all", "cells", "hypotheses")
_OF_HYPOTHESIS = ("name", "sentence", "one", "other", "paired_by", "tasks", "alternative")


@dataclass(frozen=True)
class Cell:
    """One result, which a user could make by typing the commands.

    Attributes
    ----------
    name : str
        Unique in the plan, and fit for a file name.
    commands : tuple of tuple of str
        Words without python3, in the order in which they can be typed; the last one makes the report. Cells share
        commands, and each runs once.
    facts : mapping
        encoder, heard (speech, music, noise, random, nothing), language, relation (same, other, mix: that language to
        the one of the music), pretext, hours, mode, music, tested, setup (within, cross, mixed, sequential, step),
        folds, seed; None where one does not apply. See `rows`.
    """

    name: str
    commands: tuple[Command, ...]
    facts: Mapping[str, str | int | float | None]

    def has(self, wanted: Mapping[str, Any]) -> bool:
        """Whether it has all of these facts; a list of values means any of them."""
        return all(self.facts.get(name) in (value if isinstance(value, (list, tuple)) else (value,))
                   for name, value in wanted.items())


@dataclass(frozen=True)
class Hypothesis:
    """A question to two groups of cells, named before anything runs.

    Attributes
    ----------
    name : str
        "pretrained > random".
    sentence : str
        What it means if it is true.
    one, other : mapping
        Facts that the cells of each side have, see `Cell.has`.
    paired_by : tuple of str
        Facts that the two sides of a pair share.
    tasks : tuple of str
        Names in `mer.tasks.TASKS`; () for all that both sides answer.
    alternative : {"two-sided", "greater", "less"}
    """

    name: str
    sentence: str
    one: Mapping[str, Any]
    other: Mapping[str, Any]
    paired_by: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    alternative: str = "two-sided"

    def pairs(self, cells: tuple[Cell, ...]) -> Iterator[tuple[dict[str, Any], list[Cell], list[Cell]]]:
        """Facts that a pair shares, the cells of its one side, and those of the other."""
        sides: list[dict[tuple, list[Cell]]] = []
        for wanted in (self.one, self.other):
            side: dict[tuple, list[Cell]] = {}
            for cell in cells:
                if cell.has(wanted):
                    side.setdefault(tuple(cell.facts.get(name) for name in self.paired_by), []).append(cell)
            sides.append(side)
        for shared, one in sides[0].items():
            if shared in sides[1]:
                yield dict(zip(self.paired_by, shared, strict=True)), one, sides[1][shared]


@dataclass(frozen=True)
class Plan:
    """What is run, and what is asked of it.

    Attributes
    ----------
    name, title, question : str
    cells : tuple of Cell
    hypotheses : tuple of Hypothesis
    family : tuple of str
        Names of the hypotheses that are corrected together.
    needs : mapping
        Command -> the commands that it needs.
    makes : mapping
        Command -> what it makes, as ("store" or "encoder" or "report", facts) each; see `places.of`.
    settings : mapping
        Values of settings.py that every command is given.
    mixed : tuple of str
        Codes of the music corpora that -m x stands for.
    """

    name: str
    title: str
    question: str
    cells: tuple[Cell, ...]
    hypotheses: tuple[Hypothesis, ...] = ()
    family: tuple[str, ...] = ()
    needs: Mapping[Command, tuple[Command, ...]] = field(default_factory=dict)
    makes: Mapping[Command, list[tuple[str, Mapping[str, Any]]]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    mixed: tuple[str, ...] = ()


def names() -> list[str]:
    """Plans that come along."""
    return sorted(path.stem for path in PLANS.glob("*.toml"))


def read(name: str | Path, *, runs: int | None = None, hours: float | None = None, folds: int | None = None,
         settings: Mapping[str, Any] | None = None) -> Plan:
    """Read a plan.

    Parameters
    ----------
    name : str or path
        A file name in plans/ without .toml, or the path of a plan.
    runs, hours, folds
        In place of what the plan says: seeds, hours of speech (of cells that heard some), folds.
    settings : mapping or None
        Values of settings.py that win over those of the plan.

    Raises
    ------
    MerError
        It is not there, or it is wrong: one sentence says where.
    """
    path = Path(name) if str(name).endswith(".toml") else PLANS / f"{name}.toml"
    if not path.is_file() or (path.suffix != Path(name).suffix and name not in names()):
        raise MerError(f"there is no plan {limits.shown(str(name))}: choose one of {', '.join(names())}, or name a "
                       "file that ends in .toml")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MerError(f"{path} is no TOML that can be read ({error}): correct it") from None
    try:
        return _plan(path.stem, content, {"runs": runs, "hours": hours, "folds": folds, "settings": settings or {}})
    except MerError as error:
        raise MerError(f"{path}: {error}") from None


def _plan(name, content, given):
    _known(content, _KEYS, "the plan")
    for key in ("title", "question"):
        if not isinstance(content.get(key), str):
            raise MerError(f"{key} = \"...\" is missing: say in plain words what the plan is about")
    settings = _settings({**content.get("settings", {}), **given["settings"]})
    mixed = _corpora(content.get("corpora", []))
    steps = Steps(mixed=mixed, settings=settings, is_demo=bool(content.get("demo")))
    cells: dict[str, Cell] = {}
    for number, row in enumerate(_tables(content, "cells"), start=1):
        for facts, n_runs in rows.expanded(content.get("all", {}), row, given, where=f"cells {number}", mixed=mixed):
            made = Cell(rows.name_of(facts), steps.cell(facts, n_runs), facts)
            if made.name in cells and not given["hours"]:
                raise MerError(f"cells {number} makes the cell {made.name} twice: leave one of the two out")
            cells[made.name] = made
    if not cells:
        raise MerError("it has no cells: add a table [[cells]] with encoder, heard, language, mode and music")
    crossing = next((cell.name for cell in cells.values() if cell.facts["setup"] == "cross"), None)
    if crossing and settings.get("cross_tests") is False:
        raise MerError(f"the cell {crossing} is tested on music that it was not trained on, which the setting "
                       "cross_tests = false leaves out: take that setting away")
    rows_of = _tables(content, "hypotheses")
    if given["hours"]:  # all cells have the same hours now, so nothing can be asked of other ones
        rows_of = [row for row in rows_of if not any("hours" in row.get(side, {}) for side in ("one", "other"))]
    hypotheses = tuple(_hypothesis(row, tuple(cells.values())) for row in rows_of)
    named = [hypothesis.name for hypothesis in hypotheses]
    _once(named, "hypotheses")
    family = content.get("family", named)
    for each in family:
        if each not in (row.get("name") for row in _tables(content, "hypotheses")):
            raise MerError(f"family names {each!r}, which is none of its hypotheses: {', '.join(named)}")
    needs = {command: steps[command] for cell in cells.values() for command in cell.commands}
    return Plan(name, content["title"], content["question"], tuple(cells.values()), hypotheses,
                tuple(each for each in family if each in named), needs,
                {command: steps.makes[command] for command in needs}, settings, mixed)


def _hypothesis(row, cells):
    name = row.get("name")
    _known(row, _OF_HYPOTHESIS, f"the hypothesis {name!r}")
    missing = [key for key in ("name", "sentence", "one", "other", "paired_by") if key not in row]
    if missing:
        raise MerError(f"the hypothesis {name!r} lacks {', '.join(missing)}")
    for key in itertools.chain(row["one"], row["other"], row["paired_by"]):
        if key not in rows.FACTS:
            raise MerError(f"the hypothesis {name!r} names the fact {key!r}: choose from {', '.join(rows.FACTS)}")
    for task in row.get("tasks", []):
        if task not in (each.name for each in tasks.TASKS):
            raise MerError(f"the hypothesis {name!r} names the task {task!r}: choose from "
                           f"{', '.join(each.name for each in tasks.TASKS)}")
    if row.get("alternative", ALTERNATIVES[0]) not in ALTERNATIVES:
        raise MerError(f"the hypothesis {name!r} has the alternative {row['alternative']!r}: choose from "
                       f"{', '.join(ALTERNATIVES)}")
    made = Hypothesis(**{**row, "paired_by": tuple(row["paired_by"]), "tasks": tuple(row.get("tasks", ()))})
    for side in ("one", "other"):
        if not any(cell.has(row[side]) for cell in cells):
            raise MerError(f"no cell has the facts of '{side}' of the hypothesis {name!r}: {row[side]}")
    if not any(made.pairs(cells)):
        raise MerError(f"the two sides of the hypothesis {name!r} share no {', '.join(made.paired_by)}: no pair is "
                       "left")
    return made


def _tables(content, key):
    found = content.get(key, [])
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise MerError(f"{key} is no list of tables: write [[{key}]] before each")
    return found


def _known(table, keys, where):
    for key in table:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            raise MerError(f"{where} has an unknown key {key!r}: "
                           f"{f'did you mean {near[0]}?' if near else 'choose from ' + ', '.join(keys)}")


def _once(given, what):
    twice = next((each for place, each in enumerate(given) if each in given[:place]), None)
    if twice is not None:
        raise MerError(f"two {what} have the name {twice!r}: give each a name of its own")


def _settings(table):
    for name in table:
        if name not in limits.OF:
            raise MerError(limits.unknown(name, "settings"))
    return {name: limits.check(name, limits.parse(name, str(value))) for name, value in table.items()}


def _corpora(codes):
    for code in codes:
        corpora.get("music", code)
    return tuple(codes)
