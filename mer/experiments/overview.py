"""What --dry-run and --status print."""

from collections.abc import Iterable

import filelock

from mer.config import Config
from mer.experiments.estimate import Estimate, rates
from mer.experiments.plan import Plan
from mer.experiments.runner import plain
from mer.experiments.state import DONE, FAILED, RUNNING, WAITING, State
from mer.experiments.steps import Command


def dry_run(plan: Plan, cfg: Config) -> str:
    """Cells, and the commands that are left with the time and the disk that each takes."""
    state = State(plan, cfg)
    estimate, left = Estimate(state), state.todo()
    lines = [plan.title, plan.question, "", f"{len(plan.cells)} cells:"]
    lines += [f"  {'finished' if state.is_finished(cell) else 'to do   '}  {cell.name}" for cell in plan.cells]
    lines += ["", f"{len(left)} of {len(plan.needs)} commands to run:"]
    lines += [f"  {_shown(estimate.seconds(command)):>8}  {_megabytes(estimate.megabytes(command)):>8}  "
              f"python3 {' '.join(command)}" for command in left]
    megabytes = [estimate.megabytes(command) for command in left]
    lines += ["", f"together {_total(estimate, left)}, one command after the other; {_megabytes(_sum(megabytes))} on "
                  "disk", f"rates: {_source(estimate)}"]
    return "\n".join(lines)


def status(plan: Plan, cfg: Config) -> str:
    """A row for each set-up, with what is done of its runs, what runs or failed, and the time left."""
    state = State(plan, cfg)
    estimate, left = Estimate(state), set(state.todo())
    states = {command: _state(state, command) if command in left else DONE for command in plan.needs}
    rows, seen = [("cells", "done", "state", "left")], set()
    for name, cells in _grouped(plan).items():
        own = {command: None for cell in cells for command in cell.commands if command in left}
        done = sum(map(state.is_finished, cells))
        found = [states[command] for command in own]
        what = DONE if done == len(cells) else next((each for each in (FAILED, RUNNING) if each in found), WAITING)
        fresh = [command for command in own if command not in seen]
        seen.update(fresh)
        rows.append((name, f"{done}/{len(cells)}", what, _total(estimate, fresh) if fresh else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [plan.title, ""]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for command in left:
        if states[command] in (RUNNING, FAILED):
            note = state.noted(command)
            more = f"since {note.get('began')}" if states[command] == RUNNING else note.get("last_line")
            lines.append(f"{states[command]}: python3 {' '.join(command)}: {more}")
    done = sum(map(state.is_finished, plan.cells))
    lines += ["", f"{done} of {len(plan.cells)} cells are finished; {len(left)} of {len(plan.needs)} commands are "
                  f"left, {_total(estimate, left)}, one after the other", f"rates: {_source(estimate)}"]
    return "\n".join(lines)


def _grouped(plan):
    """Cells that differ in nothing but the seed, by name."""
    grouped: dict = {}
    for cell in plan.cells:
        grouped.setdefault(cell.name.rpartition(".it_")[0], []).append(cell)
    return grouped


def _state(state: State, command: Command) -> str:
    """Of a command that is not done: whether it runs now, failed, or waits; one that was killed waits."""
    noted = state.noted(command).get("state")
    if noted == RUNNING:
        mutex = filelock.FileLock(state.lock_path(command), fallback_to_soft=False)
        try:
            mutex.acquire(timeout=0)
            mutex.release()
        except filelock.Timeout:
            return RUNNING
    return FAILED if noted == FAILED else WAITING


def _total(estimate: Estimate, commands: Iterable[Command]) -> str:
    """Sum of the seconds that are known, and how many are not: nobody knows the hours of a corpus that is not there."""
    seconds = [estimate.seconds(command) for command in commands]
    known = [value for value in seconds if value is not None]
    more = f"{len(seconds) - len(known)} of unknown length" if len(known) < len(seconds) else ""
    return " + ".join([*([plain(sum(known))] if known or not more else []), *([more] if more else [])])


def _sum(values):
    """Sum; None where a part is unknown."""
    values = list(values)
    return None if None in values else sum(values)


def _shown(seconds):
    return "unknown" if seconds is None else plain(seconds)


def _megabytes(value):
    return "unknown" if value is None else f"{value / 1000:.1f} GB" if value >= 1000 else f"{value:.0f} MB"


def _source(estimate):
    scaled = ", ".join(f"{kind.strip()} x {value:.2f}" for kind, value in estimate.scales.items())
    return f"{rates()['source']}{f'; scaled by what took how long here: {scaled}' if scaled else ''}"
