"""How far a plan is: what is made already, what still has to run, and what a runner has noted of each command."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mer import MerError, files
from mer.config import DEMO_FOLDER, Config
from mer.experiments import outcomes, places
from mer.experiments.plan import Cell, Plan
from mer.experiments.steps import DEMO_CORPUS, Command

DONE, RUNNING, FAILED, STOPPED, WAITING = "done", "running", "failed", "stopped", "waiting"


class State:
    """What is on disk of a plan.

    Parameters
    ----------
    plan : Plan
    cfg : Config
    """

    def __init__(self, plan: Plan, cfg: Config) -> None:
        self.plan, self.cfg = plan, cfg
        self.folder = cfg.results_dir / "plans" / plan.name

    def is_made(self, command: Command) -> bool:
        """Whether all that a command makes is there, finished and made with the settings of now."""
        if command == DEMO_CORPUS:
            with contextlib.suppress(OSError, MerError):  # the sizes of its files are written when all are there
                return "bytes" in files.read_json(self.cfg.root / DEMO_FOLDER / "data" / "manifest.json", remedy="")
            return False
        return all(self._is_there(what, facts) for what, facts in self.plan.makes[command])

    def _is_there(self, what, facts):
        paths = places.of(what, facts, self.cfg, mixed=self.plan.mixed)
        if not all(path.exists() for path in paths):
            return False
        if what == "store":
            return True
        try:
            outcomes.run_of(paths[-1].parent, facts, self.cfg, self.plan.settings)
        except MerError:
            return False
        return True

    def todo(self) -> list[Command]:
        """Commands that have to run, each after all that it needs: of finished cells none."""
        seen: dict[Command, bool] = {}

        def visit(command):
            if command not in seen:
                seen[command] = self.is_made(command)
                if not seen[command]:
                    for need in self.plan.needs[command]:
                        visit(need)

        for cell in self.plan.cells:
            visit(cell.commands[-1])
        return [command for command in self.plan.needs if seen.get(command) is False]

    def is_finished(self, cell: Cell) -> bool:
        """Whether the report of a cell is there."""
        return self._is_there("report", cell.facts)

    def lock_path(self, command: Command) -> Path:
        """What a runner locks while it runs a command; two plans that share the command share the lock."""
        return self.cfg.results_dir / "plans" / ".locks" / f"{files.key_of(command)}.lock"

    def log(self, command: Command) -> Path:
        """Where the output of a command goes."""
        return self.folder / "logs" / f"{_slug(command)}.log"

    def note(self, command: Command, **facts: Any) -> None:
        """Write what is known of a command."""
        files.write_json(self.folder / "commands" / f"{_slug(command)}.json", {"step": list(command), **facts})

    def noted(self, command: Command) -> Mapping[str, Any]:
        """What is known of a command; {} where nothing is, or it is damaged."""
        with contextlib.suppress(OSError, MerError):
            return files.read_json(self.folder / "commands" / f"{_slug(command)}.json", remedy="")
        return {}

    def all_noted(self) -> Iterator[Mapping[str, Any]]:
        """What is known of the commands of all plans, to learn from how long they took."""
        for path in sorted((self.cfg.results_dir / "plans").glob("*/commands/*.json")):
            with contextlib.suppress(OSError, MerError):
                yield files.read_json(path, remedy="")


def _slug(command):
    """A file name for a command, which tells a reader which one it is."""
    words = re.sub(r"[^A-Za-z0-9_.,]+", "-", " ".join(command).replace(".py", ""))[:100].strip("-")
    return f"{words}.{files.key_of(command)[:8]}"
