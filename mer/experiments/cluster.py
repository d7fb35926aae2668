"""The same commands on a Dask cluster: workers that share a disk with the runner, or have disks of their own.

Dask starts a command anew on another worker where one is lost. Workers import this program, so they start in a copy
of it (docs/experiments.md).
"""

import concurrent.futures
import contextlib
import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

from mer import MerError, corpora, files, limits
from mer.config import ENV_PREFIX, Config
from mer.experiments import execute, local, parcels
from mer.experiments.execute import Ended
from mer.experiments.plan import Plan
from mer.experiments.state import State
from mer.experiments.steps import Command

_PATHS = ("features", "models", "models_trans", "results")
_MOST_PLACES = 1000
_CONNECT_SECONDS = 30
# Of a job of SLURM where the user's jobqueue.yaml does not say; dask-jobqueue's half an hour would end every training
_OF_JOB = {"memory": "8GB", "walltime": "24:00:00"}
_DEFAULTS = (None, "00:30:00")


warnings.filterwarnings("ignore", message="Sending large graph")  # a parcel is one piece


def run(plan: Plan, cfg: Config, *, scheduler: str | None = None, slurm: int | None = None, shared: bool = True,
        threads: int = 1) -> int:
    """Run what is left of a plan on a cluster.

    Parameters
    ----------
    plan : Plan
    cfg : Config
    scheduler : str or None
        Address of a Dask scheduler.
    slurm : int or None
        Start so many workers as jobs of SLURM instead.
    shared : bool
        The workers see the folders of this machine under the same paths. Otherwise what a command reads is sent along,
        and what it wrote comes back.
    threads : int
        Of each command.

    Returns
    -------
    int
        Exit status: 1 where a command failed.
    """
    state = State(plan, cfg)
    with _client(scheduler, slurm, threads) as client, concurrent.futures.ThreadPoolExecutor(_MOST_PLACES) as pool:
        executor = client.get_executor(pure=False)
        environment = _environment(cfg, shared=shared) | execute.threads(threads, anyway=True)
        seen = state.folder / f"seen.{uuid.uuid4().hex}"
        files.write_text(seen, "workers that read this share the disk\n")

        def submit(command: Command) -> concurrent.futures.Future[Ended]:
            if shared:
                return executor.submit(on_shared_disk, command, str(state.log(command)), environment, str(seen))
            return pool.submit(_sent, executor, state, command, environment)

        try:
            return local.follow(state, submit, places=lambda: max(1, sum(client.nthreads().values())),
                                stop=lambda: executor.shutdown(wait=False))
        finally:
            seen.unlink(missing_ok=True)


@contextlib.contextmanager
def _client(scheduler, slurm, threads) -> Iterator:
    try:
        import dask
        import dask.distributed
        if slurm:
            import dask_jobqueue
    except ImportError as error:
        raise MerError(f"{error.name} is not installed, and a cluster needs it: run 'pip install -r "
                       "requirements-cluster.txt'") from None
    with contextlib.ExitStack() as stack:
        try:
            if slurm:
                said = dask.config.get("jobqueue.slurm")
                job: dict = {name: value for name, value in _OF_JOB.items() if said.get(name) in _DEFAULTS}
                cluster = stack.enter_context(dask_jobqueue.SLURMCluster(processes=1, cores=1, job_cpu=threads, **job))
                cluster.scale(jobs=slurm)
                client = dask.distributed.Client(cluster)
            else:
                client = dask.distributed.Client(scheduler, timeout=_CONNECT_SECONDS)
        except (OSError, ValueError, TypeError) as error:
            what = "SLURM cannot be used" if slurm else f"no Dask scheduler answers at {limits.shown(scheduler)}"
            raise MerError(f"{what} ({_first_line(error)}): docs/experiments.md says how to start one") from None
        stack.enter_context(client)
        try:
            client.run_on_scheduler(unseen, [])
            client.run(unseen, [])
        except Exception as error:
            raise MerError(f"the scheduler or a worker cannot import this program ({_first_line(error)}): start both "
                           "in its folder, with PYTHONPATH=.") from None
        yield client


def _first_line(error):
    return str(error).partition("\n")[0]


@contextlib.contextmanager
def extraction(scheduler: str, cfg: Config, kind: str, code: str, sounds: str | None = None) -> Iterator[None]:
    """Within it, joblib works on the workers of a Dask scheduler: clips of a corpus are extracted there.

    Parameters
    ----------
    scheduler : str
        Address.
    cfg : Config
    kind, code, sounds
        The corpus, as `mer.data.generate.run` is given it.

    Raises
    ------
    MerError
        A worker does not see the folder of the corpus or that of the stores, or works on several clips at a time.
    """
    import joblib
    corpus = corpora.get(kind, code)
    parts = [corpora.get(kind, part) for part in corpus.PARTS] or [corpus]
    seen = cfg.features_dir / f"seen.{uuid.uuid4().hex}"
    files.write_text(seen, "workers that read this share the disk\n")
    wanted = [str(seen), *(str(corpora.locate(part, cfg, sounds).resolve()) for part in parts)]
    try:
        with _client(scheduler, None, 1) as client:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            for worker, missing in client.run(unseen, wanted).items():
                if missing:
                    raise MerError(f"the worker {worker} does not see {missing[0]}: extraction needs workers that "
                                   "share the disk with this machine")
            if any(n > 1 for n in client.nthreads().values()):
                raise MerError("a worker works on several clips at a time: start the workers with --nthreads 1")
            with joblib.parallel_config(backend="dask"):
                yield
    finally:
        seen.unlink(missing_ok=True)


def unseen(paths: list[str]) -> list[str]:
    """On a worker: which of the paths it does not see."""
    return [path for path in paths if not Path(path).exists()]


def _environment(cfg, *, shared):
    """Settings and Keras' backend for the workers; on disks of their own they know themselves where corpora are."""
    paths = {f"{ENV_PREFIX}{name}".upper() for name in cfg.values if name.startswith("path_")}
    known = {name: value for name, value in os.environ.items() if (name.startswith(ENV_PREFIX) and (
        shared or name not in paths)) or name == "KERAS_BACKEND"}
    if shared:
        known |= {f"{ENV_PREFIX}PATH_TO_{name.upper()}": str(getattr(cfg, f"{name}_dir")) for name in _PATHS}
    return known


def on_shared_disk(command: Command, log: str, environment: dict[str, str], seen: str) -> Ended:
    """On a worker: run a command that reads and writes the disk of the runner; MerError where it cannot see it."""
    if not Path(seen).exists():
        raise MerError(f"this worker does not see {seen}, so it shares no disk with the runner: give --own-disks")
    return execute.run(command, log, environment)


def on_own_disk(command: Command, parcel: bytes, environment: dict[str, str]) -> tuple[Ended, str, bytes]:
    """On a worker: run a command on files that came along; how it ended, its log, and a parcel of what it wrote."""
    with tempfile.TemporaryDirectory(prefix="mer.") as temporary:
        folder, log = Path(temporary) / "work", Path(temporary) / "log"
        parcels.opened(parcel, folder)
        before = parcels.held(folder)
        ended = execute.run(command, log, {**environment, **{
            f"{ENV_PREFIX}PATH_TO_{name.upper()}": str(folder / name) for name in _PATHS}})
        now = parcels.held(folder)
        made = [(name, folder / name) for name in now if now[name] != before.get(name)] if ended.status == 0 else []
        return ended, log.read_text(encoding="utf-8", errors="replace"), parcels.pack(made)


def _sent(executor, state, command, environment):
    """Send a command with its files, wait for it, and put in place what comes back."""
    parcel = parcels.pack(parcels.needed(state.plan, command, state.cfg))
    ended, log, made = executor.submit(on_own_disk, command, parcel, environment).result()
    files.write_text(state.log(command), log)
    parcels.put_in_place(made, state.cfg)
    return ended
