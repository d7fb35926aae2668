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

from mer import MerError, cli
from mer.prediction import fonts

MOST_PROCESSES = 4  # about 150 MiB each


class Ended(MerError):
    """A process that draws is gone."""


@contextmanager
def drawing(n_songs):
    """Hand out what draws, and end its processes.

    Parameters
    ----------
    n_songs : int
        How many are to be drawn at most. One is drawn without a process, as starting one takes longer; for more there
        are as many as cores, but no more than MOST_PROCESSES, started with the first picture.

    Yields
    ------
    callable or None
        (kind, prediction, path) -> callable. It begins to draw ("taggram" or "plane", a `predict.Prediction` of
        status "ok") to a path; what it returns waits for the end, and raises what went wrong. None without songs.
    """
    if n_songs < 2:
        yield here if n_songs else None
        return
    # Not "fork": it would copy locks that other threads hold.
    pool = ProcessPoolExecutor(min(os.cpu_count() or 1, MOST_PROCESSES), initializer=_end_with_parent,
                               mp_context=multiprocessing.get_context("spawn"))

    def draw(kind, prediction, path):
        fonts.warn_of_boxes(prediction.path.name)  # here, so that it is said once
        with _one_sentence(), _interrupts_held():  # as long as there are too few, each task starts a process
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
    fonts.warn_of_boxes(prediction.path.name)
    _draw(kind, prediction, path)
    return lambda: None


@contextmanager
def _one_sentence():
    try:
        yield
    except BrokenProcessPool:
        raise Ended("a process that draws pictures was ended from outside, perhaps for want of memory: "
                    f"{cli.again()} goes on from there; or add --no-pictures") from None


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


def _draw(kind, prediction, path):
    from mer.prediction import plane, taggram  # matplotlib starts here
    {"taggram": taggram.taggram, "plane": plane.plane}[kind](prediction, path)
