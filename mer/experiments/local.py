"""Run a plan on this machine, or hand its commands to a cluster."""

import concurrent.futures
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict

import joblib

from mer import files
from mer.config import Config
from mer.experiments import execute, runner
from mer.experiments.plan import Plan
from mer.experiments.runner import Runner
from mer.experiments.state import State
from mer.weights import provenance

GB_OF_COMMAND = 2  # of memory: TensorFlow with a network and its batches


def run(plan: Plan, cfg: Config, *, jobs: int | None = None) -> int:
    """Run what is left of a plan on the cores of this machine.

    Every command is a process of its own, so threads wait for them; the cores are shared out among the commands.

    Parameters
    ----------
    plan : Plan
    cfg : Config
    jobs : int or None
        Commands at a time; None: one for each core, as far as the memory goes.

    Returns
    -------
    int
        Exit status: 1 where a command failed.
    """
    cores = joblib.cpu_count()
    places = min(jobs or max(1, min(cores, _memory_gb() // GB_OF_COMMAND)), cores)
    state, stop = State(plan, cfg), threading.Event()
    environment = execute.threads(max(1, cores // places))
    with concurrent.futures.ThreadPoolExecutor(places) as pool:
        return follow(state, lambda command: pool.submit(
            execute.run, command, state.log(command), environment, stop), places=lambda: places, stop=stop.set)


def _memory_gb():
    """Memory of this machine in GB."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (AttributeError, ValueError, OSError):  # Windows
        return GB_OF_COMMAND


def follow(state: State, submit: runner.Submit, *, places: Callable[[], int],
           stop: Callable[[], None]) -> int:
    """Run a plan to its end, say what came of it, and return the exit status.

    Parameters
    ----------
    state : State
    submit : callable
        Command -> a future of how it ended.
    places : callable
        () -> how many commands may run at a time.
    stop : callable
        Kills what runs.
    """
    record(state)
    work = Runner(state, submit, places=places)
    total = len(state.plan.cells)
    finished = sum(map(state.is_finished, state.plan.cells))
    print(f"{state.plan.title}: {total} cells, {finished} finished; {len(work.left)} commands to run, {places()} at a "
          "time")
    try:
        failed = work.run()
    except BaseException:
        stop()
        work.give_up()
        raise
    finished = sum(map(state.is_finished, state.plan.cells))
    print(f"{finished} of {total} cells are finished; what was printed is in {state.folder / 'logs'}")
    for command, why in failed.items():
        print(f"failed: python3 {' '.join(command)}\n  {why}\n  {state.log(command)}", file=sys.stderr)
    names = runner.unfinished(state, failed)
    if names:
        print(f"not made, since they need what failed: {', '.join(names)}", file=sys.stderr)
    return 1 if failed else 0


def record(state: State) -> None:
    """Write down what the plan asks, before anything runs: once for each content, never over an earlier one."""
    plan = state.plan
    content = {"title": plan.title, "question": plan.question, "family": list(plan.family), "settings": dict(
        plan.settings), "cells": [{"name": cell.name, "facts": dict(cell.facts), "commands": [
            list(command) for command in cell.commands]} for cell in plan.cells],
        "hypotheses": [asdict(each) for each in plan.hypotheses]}
    path = state.folder / f"plan.{files.key_of(content)}.json"
    if not path.exists():
        about = provenance.describe(state.cfg, settings=content.pop("settings"))
        files.write_json(path, {**about, "plan": content})
