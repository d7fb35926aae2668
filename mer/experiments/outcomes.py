"""What came of a plan: the reports and predictions of its finished cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer import MerError, files, tasks
from mer.config import Config
from mer.evaluation import predictions
from mer.evaluation.predictions import Predictions
from mer.experiments import places
from mer.experiments.plan import Cell, Plan
from mer.weights.model_file import PUBLISHED

_REMEDY = "run its command again with --force"


@dataclass(frozen=True)
class Outcome:
    """What a finished cell left behind.

    Attributes
    ----------
    cell : Cell
    folder : pathlib.Path
        Of the report.
    run : dict
        run.json: command, settings, versions, revision, scores.
    report : dict
        report.json.
    predictions : Predictions
        Of the test clips; of all folds together where the cell has folds.
    """

    cell: Cell
    folder: Path
    run: dict[str, Any]
    report: dict[str, Any]
    predictions: Predictions


class Outcomes(dict[str, Outcome]):
    """Name of a cell to its Outcome, of those that are finished; `lacking` has the others, with the reason."""

    def __init__(self) -> None:
        super().__init__()
        self.lacking: dict[str, str] = {}


def run_of(folder: Path, cell: Mapping[str, Any], cfg: Config, settings: Mapping[str, Any]) -> dict[str, Any]:
    """run.json of a finished report or encoder.

    Parameters
    ----------
    folder : pathlib.Path
    cell : mapping
        Facts.
    cfg : Config
    settings : mapping
        Of the plan; they win over `cfg`.

    Raises
    ------
    MerError
        It is not finished, damaged, or was made with other settings.
    """
    try:
        known = files.read_json(folder / "run.json", remedy=_REMEDY)
    except OSError:
        raise MerError(f"there is no run.json in {folder} yet") from None
    wanted: Mapping[str, Any] = {**cfg.values, **settings}
    differ = [f"{name} {value!r}, now {wanted[name]!r}" for name, value in (known.get("settings") or {}).items()
              if name in wanted and wanted[name] != value]
    heard = known.get("heard") or (known.get("encoder") or {}).get("heard") or cell["heard"]
    if cell["pretext"] != PUBLISHED and heard != cell["heard"]:
        differ.append(f"heard {heard}, now {cell['heard']}")
    if differ and cell["pretext"] != PUBLISHED:
        raise MerError(f"{folder} was made with other settings ({'; '.join(differ)}): {_REMEDY}")
    return known


def find(plan: Plan, cfg: Config) -> Outcomes:
    """The outcomes of all cells that are finished.

    Parameters
    ----------
    plan : Plan
    cfg : Config

    Returns
    -------
    Outcomes
    """
    found = Outcomes()
    for cell in plan.cells:
        folder = places.report(cell.facts, cfg, mixed=plan.mixed)
        try:
            known = run_of(folder, cell.facts, cfg, plan.settings)
            found[cell.name] = Outcome(
                cell, folder, known, files.read_json(folder / "report.json", remedy=_REMEDY),
                predictions.read(folder / "predictions.csv", tasks.named(known.get("tasks"), folder)))
        except (MerError, OSError) as error:
            found.lacking[cell.name] = str(error)
    return found
