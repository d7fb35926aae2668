"""Run what a plan still needs: a graph of commands, each once, as many at a time as there are places."""

import concurrent.futures
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import filelock
from tqdm import tqdm

from mer import progress
from mer.experiments.execute import Ended
from mer.experiments.state import DONE, FAILED, RUNNING, STOPPED, State
from mer.experiments.steps import Command
from mer.weights import provenance

_LOOK_AGAIN_SECONDS = 1.0
Submit = Callable[[Command], "concurrent.futures.Future[Ended]"]


class Runner:
    """Runs the commands of a plan that are left, those that others need first.

    Parameters
    ----------
    state : State
    submit : callable
        Command -> a future of how it ended.
    places : callable
        () -> how many commands may run at a time.
    """

    def __init__(self, state: State, submit: Submit, *, places: Callable[[], int]) -> None:
        self.state, self.submit, self.places = state, submit, places
        self.left = state.todo()
        self.failed: dict[Command, str] = {}
        self._running: dict[concurrent.futures.Future[Ended], tuple[Command, filelock.FileLock, float]] = {}
        self._about = provenance.describe(state.cfg, settings=dict(state.plan.settings))

    def run(self) -> dict[Command, str]:
        """Run all that is left, and return those that failed, with the reason.

        A failed command stops those that need it, and no others. A command that another runner has is left to it.
        """
        with progress.bar(total=len(self.left), unit="command", desc=self.state.plan.name) as bar:
            while self.left or self._running:
                self._start_what_can_start(bar)
                done, _ = concurrent.futures.wait(self._running, timeout=_LOOK_AGAIN_SECONDS,
                                                  return_when=concurrent.futures.FIRST_COMPLETED)
                if not self._running:
                    time.sleep(_LOOK_AGAIN_SECONDS)  # another runner has what could start
                for future in done:
                    self._finish(future, bar)
        return self.failed

    def _start_what_can_start(self, bar):
        for command in list(self.left):
            needs = self.state.plan.needs[command]
            lost = [need for need in needs if need in self.failed]
            if lost:
                self._fail(command, f"needs 'python3 {' '.join(lost[0])}', which failed", bar)
            elif len(self._running) < self.places() and not any(
                    need in self.left or need in (each for each, *_ in self._running.values()) for need in needs):
                self._start(command, bar)

    def _start(self, command, bar):
        path = self.state.lock_path(command)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, fallback_to_soft=False)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return  # another runner has it
        self.left.remove(command)
        if self.state.is_made(command):
            lock.release()
            bar.update()
            return
        self.state.note(command, state=RUNNING, began=_now(), runner=self._about)
        self._running[self.submit(command)] = command, lock, time.time()

    def _finish(self, future, bar):
        command, lock, began = self._running.pop(future)
        try:
            ended = future.result()
        except Exception as error:  # a worker that died more often than it may, or a parcel that was refused
            ended = Ended(1, time.time() - began, str(error).partition("\n")[0] or type(error).__name__, "")
        if ended.status == 0 and not self.state.is_made(command):
            ended = Ended(1, ended.seconds, f"it ended without what it makes; it said: {ended.last_line}", ended.host)
        self.state.note(command, state=DONE if ended.status == 0 else FAILED, runner=self._about, ended=_now(),
                        **asdict(ended))
        lock.release()
        if ended.status:
            self._fail(command, ended.last_line, bar)
        else:
            bar.update()
            _say(f"  {ended.seconds:5.0f} s  python3 {' '.join(command)}")

    def _fail(self, command, why, bar):
        self.failed[command] = why
        if command in self.left:
            self.left.remove(command)
        bar.update()
        _say(f"  FAILED   python3 {' '.join(command)}: {why}")

    def give_up(self) -> None:
        """Note that nothing runs any more, and let go of all locks."""
        for command, lock, _ in self._running.values():
            self.state.note(command, state=STOPPED, runner=self._about)
            lock.release()


def unfinished(state: State, failed: dict[Command, str]) -> list[str]:
    """Names of the cells that cannot be made since a command failed that they need."""
    return [cell.name for cell in state.plan.cells if any(command in failed for command in cell.commands)
            and not state.is_finished(cell)]


def plain(value: Any) -> str:
    """Seconds in words: "40 s", "12 min", "3.5 h"."""
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def _say(line):
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")
