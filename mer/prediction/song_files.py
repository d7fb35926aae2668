"""Which files to predict, and under which names their results lie."""

import itertools
import os
import sys
from collections import Counter
from pathlib import Path

from mer import MerError, corpora
from mer.corpora import AUDIO_SUFFIXES
from mer.prediction import output

_MOST_BYTES = 236  # of a name; with a number and ".npy.part" behind it that stays within the 255 of file systems


def find(inputs, *, unreadable=None):
    """The files to predict, each with the name of its results.

    Parameters
    ----------
    inputs : sequence of path
        Files, taken whatever their suffix, and folders, searched through for audio by suffix. Links are followed;
        names that begin with a dot are passed over.
    unreadable : list or None
        Folders that cannot be searched are put there, with the reason: (pathlib.Path, str); None: they are an error.

    Returns
    -------
    dict of pathlib.Path to str
        In the order given, folders sorted; a file that is named twice comes once. Names differ, by suffix or number
        where they would not otherwise. Files in folders that are no audio by their suffix are counted on stderr
        by suffix, but for results of this program.

    Raises
    ------
    MerError
        There is nothing to predict.
    """
    found, others, closed = {}, Counter(), []
    for given in map(Path, inputs):
        if not given.is_dir():
            found.setdefault(os.path.abspath(given), (given, Path(given.name)))
            continue
        for path in sorted(_below(given, closed)):
            if path.suffix.lower() in AUDIO_SUFFIXES:
                found.setdefault(os.path.abspath(path), (path, path.relative_to(given)))
            elif not _is_result(path):
                others[path.suffix.lower()] += 1
    if closed and (not found or unreadable is None):
        raise MerError(f"{closed[0][1]}: change its permissions, or name other folders")
    beside = corpora.others_text(tuple(others.most_common()))
    if not found:
        raise MerError(f"no audio in {', '.join(map(str, inputs))}: expected files that end in"
                       f" {', '.join(AUDIO_SUFFIXES[:6])} or the like{'; ' * bool(beside)}{beside};"
                       " name files or other folders.")
    if beside:
        print(f"note: {beside}; name a file to try it", file=sys.stderr)
    if closed:
        unreadable += closed
    files, folders = {output.SUMMARY}, set()
    return {path: _free_name(below, files, folders) for path, below in found.values()}


def _below(folder, closed):
    """Files in a folder and all below it, each folder once, as links may lead in circles; `closed` as in `find`."""
    def note(error):
        closed.append((Path(error.filename), f"{error.filename} cannot be searched ({error.strerror})"))

    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=note):
        try:
            about = os.stat(place)
            files = [path for name in names if not name.startswith(".") and not (path := Path(place, name)).is_dir()]
        except OSError as error:  # a folder that may be listed, but not entered
            note(error)
            folders.clear()
            continue
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from files


def _is_result(path):
    """Whether a file stands where results of this program do."""
    clips = (path.with_name("clip.json"), path.with_suffix("") / "clip.json")
    return path.name == output.SUMMARY or any(clip.is_file() for clip in clips)


def _free_name(below, files, folders):
    """A name for the results none of whose files is taken, or is a folder of others; the sets get what it takes."""
    # of "...wav" there would remain "..", the folder above that of the results
    without = below.with_suffix("") if below.stem.strip(".") else below
    stem, whole = (path.with_name(_cut(path.name)).as_posix() for path in (without, below))
    flat = stem.replace("/", "-")
    numbered = itertools.chain.from_iterable((f"{stem}-{n}", f"{flat}-{n}") for n in itertools.count(2))
    for name in itertools.chain((stem, whole), numbered):
        mine = [path.relative_to(".") for path in output.places(".", name.casefold()).values()]
        its_files = {path.as_posix() for path in mine}
        its_folders = {folder.as_posix() for path in mine for folder in path.parents}
        if not (its_files & (files | folders) or its_folders & files):
            files |= its_files
            folders |= its_folders
            return name


def _cut(name):
    raw = os.fsencode(name)
    return name if len(raw) <= _MOST_BYTES else raw[:_MOST_BYTES].decode("utf-8", "ignore")
