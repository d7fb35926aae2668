"""Run one command of a plan as a process of its own, with a log; here or on a worker of a cluster."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
           "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT")
STOPPED = 130
_LOOK_SECONDS = 0.2
_MOST_LINE = 500


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit status, seconds, the last line that it printed, and on which machine."""

    status: int
    seconds: float
    last_line: str
    host: str


def threads(n: int, *, anyway: bool = False) -> dict[str, str]:
    """Environment that gives a process `n` threads; what the user has set stays as it is, unless `anyway`."""
    return {name: str(n) for name in THREADS if anyway or name not in os.environ}


def run(command: Sequence[str], log: str | os.PathLike[str], environment: Mapping[str, str],
        stop: threading.Event | None = None) -> Ended:
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str
        Words without python3.
    log : path
        What it prints is appended there.
    environment : mapping
        Added to that of this process.
    stop : threading.Event or None
        Once it is set, the command is killed and `Ended.status` is `STOPPED`.
    """
    begin, log = time.monotonic(), Path(log)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab", buffering=0) as file:
        file.write(f"== python3 {' '.join(command)}\n".encode())
        child = subprocess.Popen([sys.executable, "-m", "mer.experiments.leash", *command], cwd=ROOT, stdout=file,
                                 stderr=subprocess.STDOUT, stdin=subprocess.PIPE, start_new_session=True,
                                 env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"})
        with child:
            while (status := _wait(child)) is None and not (stop and stop.is_set()):
                pass
            child.stdin.close()  # type: ignore[union-attr]  # lets go of the leash
    if status is None:
        return Ended(STOPPED, time.monotonic() - begin, "stopped", socket.gethostname())
    return Ended(status, time.monotonic() - begin, last_line(log), socket.gethostname())


def _wait(child):
    try:
        return child.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def last_line(log: Path) -> str:
    """The last line with text of a log; of bars that rewrite a line, what they showed last."""
    with open(log, "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 2**16))
        lines = file.read().decode("utf-8", "replace").replace("\r", "\n").splitlines()
    return next((line.strip()[:_MOST_LINE] for line in reversed(lines) if line.strip()), "")
