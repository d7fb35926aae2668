"""Folders that hold each clip twice: which place counts."""

import hashlib
from collections import defaultdict
from pathlib import Path, PurePosixPath

_BLOCK = 65536  # bytes that are compared at the beginning, in the middle and at the end


def one_place(root, files, official, *, unique_names=False):
    """Files of a corpus without those that are copies of others: the same name and the same content.

    Parameters
    ----------
    root : pathlib.Path
    files : list of str
        From `scan`.
    official : callable
        What the folder of a file tells (its quadrant), None where it tells nothing: a file that has such a folder is
        kept, else the one in the highest folder. Files whose folders contradict each other are no copies.
    unique_names : bool
        No two clips of the corpus have one name, so a file outside of the official folders is a copy whatever it holds.

    Returns
    -------
    kept : list of str
    copies : dict
        Copy to the file that is kept.
    skipped : list of (str, str)
        One line for each folder of copies, with the reason.
    """
    named, copies = defaultdict(list), {}
    for file in files:
        named[PurePosixPath(file).name.casefold()].append(file)
    for alike in filter(lambda alike: len(alike) > 1, named.values()):
        best = min(alike, key=lambda file: (official(file) is None, file.count("/"), file))
        if len({official(file) for file in alike} - {None}) < 2:
            trusted = unique_names and official(best)
            copies.update((file, best) for file in alike if file != best and (
                (trusted and not official(file)) or _is_same(Path(root, file), Path(root, best))))
    folders = defaultdict(list)
    for file in copies:
        folders[file.rpartition("/")[0]].append(file)
    skipped = [(f"{folder}/" if folder else ".", f"{len(found)} of its files are copies of others, for example "
                f"{found[0]} of {copies[found[0]]}, which is used") for folder, found in sorted(folders.items())]
    return [file for file in files if file not in copies], copies, skipped


def _is_same(one, other):
    try:
        size = one.stat().st_size
        return 0 < size == other.stat().st_size and _digest(one, size) == _digest(other, size)
    except OSError:
        return False  # who reads it later says why it cannot be read


def _digest(path, size):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for start in sorted({0, max(0, size // 2 - _BLOCK // 2), max(0, size - _BLOCK)}):
            file.seek(start)
            digest.update(file.read(_BLOCK))
    return digest.digest()
