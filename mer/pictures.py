"""The pictures of a run: of one song drawn here, of many in processes of their own while the next is predicted.

Two pictures take several times as long as the prediction of a song.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from mer import MerError

MOST_PROCESSES = 4  # about 100 MiB each


class Ended(MerError):
    """A process that draws is gone."""


@contextmanager
def drawing(inputs):
    """Start the processes, hand out what draws with them, and end them.

    Parameters
    ----------
    inputs : sequence of path
        Songs and folders of songs that are to be drawn. One song is drawn without a process, as starting one takes
        longer; for more there are as many as cores, but no more than MOST_PROCESSES.

    Yields
    ------
    callable or None
        (kind, prediction, path) -> callable. It begins to draw ("taggram" or "plane", a `mer.predict.Prediction` of
        status "ok") to a path; what it returns waits for the end, and raises what went wrong. None without inputs.
    """
    if not inputs or (len(inputs) == 1 and not os.path.isdir(inputs[0])):
        yield here if inputs else None
        return
    n_processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    # Not "fork": it would copy locks that other threads hold.
    pool = ProcessPoolExecutor(n_processes, mp_context=multiprocessing.get_context("spawn"),
                               initializer=_end_with_parent)
    with _interrupts_held():  # each task starts a process while there are too few
        for _ in range(n_processes):
            pool.submit(_start)

    def draw(kind, prediction, path):
        with _one_sentence():
            made = pool.submit(_draw, kind, prediction, path)

        def wait():
            with _one_sentence():
                made.result()

        return wait

    try:
        yield draw
    finally:
        pool.shutdown(cancel_futures=True)


def here(kind, prediction, path):
    """Draw at once, as `drawing` does it for one song."""
    _draw(kind, prediction, path)
    return lambda: None


@contextmanager
def _one_sentence():
    try:
        yield
    except BrokenProcessPool:
        raise Ended("a process that draws pictures was ended from outside, perhaps for want of memory: run the same "
                       "command again, it goes on from there, or add --no-pictures") from None


@contextmanager
def _interrupts_held():
    """Processes started within never see Ctrl-C; it ends the run, which waits for pictures that are begun."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent():
    """A parent that is killed cannot tell its processes; they watch for it."""
    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _start():
    from mer import taggram  # noqa: F401


def _draw(kind, prediction, path):
    from mer import taggram  # matplotlib starts here
    taggram.DRAW[kind](prediction, path)
