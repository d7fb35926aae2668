"""Fetch the corpora whose licences allow it: archive -> checksum -> unpacked in place, going on where it stopped."""

import contextlib
import os
import shutil
from pathlib import Path

import pooch
from tqdm import tqdm

from mer import MerError, corpora, progress
from mer.corpora._base import fold
from mer.inventory import resume, survey, unpack

WORK = ".downloads"  # in the folder of the corpus, so that what is unpacked needs only a new name; unseen by `scan`
STAGED = "unpacked"  # in WORK
MOST_BYTES = 3  # an archive may hold this many times what is expected of it


def order(names, cfg):
    """Fetch archives into path_to_data (or the corpus' own path), or print whom to ask.

    Parameters
    ----------
    names : sequence of str
        Archives such as "dev-clean" or "data_aishell", or names of corpora.
    cfg : Config

    Returns
    -------
    int
        Exit status: 0 fetched, 1 where only an address can be given.

    Raises
    ------
    MerError
        A name is unknown, or path_to_data is not set.
    """
    known, closed, orders, ask, offer = {}, {}, {}, [], []
    for corpus in survey.chosen():
        known |= {fold(name): (corpus, name) for name in corpus.ARCHIVES}
        offer += [f"{', '.join(corpus.ARCHIVES)} ({corpus.NAME})"] * bool(corpus.ARCHIVES)
        if not corpus.ARCHIVES and not corpus.PARTS:
            closed |= {fold(name): corpus for name in (corpus.NAME, *corpus.FOLDER)}
    for name in filter(None, (name.strip() for name in names)):
        if fold(name) in known:
            corpus, archive = known[fold(name)]
            orders.setdefault(corpus.NAME, (corpus, []))[1].append(archive)
        elif fold(name) in closed:
            ask.append(closed[fold(name)])
        else:
            raise MerError(f"--download {name!r} is no archive: choose from "
                           f"{'; '.join(offer) or 'nothing: no corpus has any'}")
    for corpus in ask:
        print(f"{corpus.NAME} cannot be downloaded from here: {corpus.HOW_TO_GET}")
    folders = [cfg.values.get(corpus.SETTING) or cfg.path_to_data for corpus, _ in orders.values()]
    if not all(folders):
        raise MerError("path_to_data in settings.py is empty: set it to the folder that is to hold the corpora")
    for (corpus, archives), folder in zip(orders.values(), folders, strict=True):
        fetch(corpus, archives, cfg.resolve(folder))
    return int(bool(ask) or not orders)


def fetch(corpus, names, folder, *, urls=None):
    """Download and unpack archives of a corpus; what is there already is left alone.

    Stopped anywhere, the same call goes on: a download at the byte, a corpus of many small archives at the one that
    was being unpacked. An archive is removed once its content is in place.

    Parameters
    ----------
    corpus : module
        From `mer.corpora.get`.
    names : sequence of str
        Keys of its ARCHIVES.
    folder : path
        Folder that holds the corpora, or that of the corpus itself; made where it is missing.
    urls : dict or None
        Name of an archive to the addresses to use instead of its own.

    Returns
    -------
    pathlib.Path
        Folder of the corpus.

    Raises
    ------
    MerError
        The corpus or the name is not on offer, the disk is too small, no server gives the file, its checksum is
        wrong, or it holds what must not be unpacked.
    """
    chosen, missing = _chosen(corpus, names), {}
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        root = corpora.find_root(corpus, folder)
    except MerError:
        root = folder / corpus.FOLDER[0]
    for name, archive in chosen.items():
        if (root / archive.holds).is_dir() and not _inner(root, archive):
            print(f"{name}: {root / archive.holds} is there{_in_part(corpus, root, archive)}; remove that folder to "
                  "fetch it again")
            _tidy(root, archive)
        else:
            missing[name] = archive
    if missing:
        print(f"{corpus.NAME}: {corpus.LICENCE}, {corpus.HOMEPAGE}\nPlease cite: {corpus.CITATION}")
        for name, archive in missing.items():
            print(f"  {name}: {_bytes(archive.size)}, {archive.hours:g} hours, to {root / archive.holds}", flush=True)
        _check_space(root, missing)
    made = [root / WORK, root] if not root.exists() else [root / WORK]
    try:
        for name, archive in missing.items():
            _install(corpus, archive, root, (urls or {}).get(name, archive.urls))
            print(f"{name}: done, {root / archive.holds}{_in_part(corpus, root, archive)}", flush=True)
    finally:
        for path in made:
            with contextlib.suppress(OSError):  # not empty
                path.rmdir()
    return root


def _chosen(corpus, names):
    """Name to Archive, each once, in the order asked for."""
    offered = corpus.ARCHIVES
    if not offered:
        raise MerError(f"{corpus.NAME} cannot be downloaded from here: {corpus.HOW_TO_GET}")
    unknown = [name for name in names if name not in offered]
    if unknown or not names:
        raise MerError(f"{corpus.NAME} has no archive {', '.join(map(repr, unknown or ['']))}: choose from "
                       f"{', '.join(offered)}")
    return {name: offered[name] for name in names}


def _in_part(corpus, root, archive):
    """What there is of a corpus that the user began to unpack by hand; "" where that is all."""
    if not archive.nested:
        return ""
    there = len({clip.group for clip in corpus.items(root).clips})
    expected = sum(n_groups for _, n_groups in corpus.EXPECTED_PARTS.values())
    return f", {there} of {expected} {corpus.GROUPED_BY}s" if there < expected else ""


def _inner(root, archive):
    """Archives that came out of the archive and are to be unpacked where they are."""
    return sorted((root / archive.holds).glob("*.tar.gz")) if archive.nested else []


def _bytes(count):
    return f"{tqdm.format_sizeof(count)}B"


def _check_space(root, archives):
    """Each archive is removed before the next is fetched, but its content stays."""
    needed = kept = 0
    for archive in archives.values():
        if (root / archive.holds).is_dir():  # only its inner archives are left to do
            kept += archive.unpacked - archive.size
            needed = max(needed, kept)
            continue
        there = [path.stat().st_size for path in _files(root, archive) if path.exists()]
        needed = max(needed, kept + archive.size - max(there, default=0) + archive.unpacked)
        kept += archive.unpacked
    free = shutil.disk_usage(root if root.exists() else root.parent).free
    if needed > free:
        raise MerError(f"{', '.join(archives)}: {_bytes(needed)} are needed in {root} while unpacking, and "
                       f"{_bytes(free)} are free: make room, or set path_to_data in settings.py to a larger disk")


def _files(root, archive):
    """The archive, and the part of it that is there."""
    return root / WORK / archive.file, root / WORK / f"{archive.file}.part"


def _install(corpus, archive, root, urls):
    """Bring one archive into place; the large one goes before those inside it grow, to spare the disk."""
    if not (root / archive.holds).is_dir():
        path = _download(archive, root, urls)
        staged = root / WORK / STAGED
        with _bar(path.stat().st_size, archive.file) as bar:
            _unpack(path, staged, archive, bar)
        top = staged / corpus.FOLDER[0]
        if not (top / archive.holds).is_dir():
            shutil.rmtree(staged)
            raise MerError(f"{path} holds no {corpus.FOLDER[0]}/{archive.holds}, so it is not what {corpus.NAME} "
                           "distributes: remove it and run the same command again")
        _move(top, root)
    _tidy(root, archive)
    inner = _inner(root, archive)
    if inner:
        with _bar(sum(path.stat().st_size for path in inner), f"{archive.holds}/*.tar.gz") as bar:
            for path in inner:
                staged = root / WORK / STAGED
                _unpack(path, staged, archive, bar)
                _move(staged, path.parent)
                path.unlink()
        _tidy(root, archive)


def _tidy(root, archive):
    """Remove what an archive in place no longer needs."""
    path, part = _files(root, archive)
    path.unlink(missing_ok=True)
    resume.Downloader((), part, archive.size).forget()
    shutil.rmtree(root / WORK / STAGED, ignore_errors=True)


def _bar(total, text):
    return progress.bar(total=total, unit="B", unit_scale=True, desc=f"unpacking {text}")


def _unpack(path, staged, archive, bar):
    if staged.exists():
        shutil.rmtree(staged)  # of a run that was stopped
    unpack.tar_gz(path, staged, max_bytes=MOST_BYTES * archive.unpacked, advance=bar.update)


def _download(archive, root, urls):
    """Path of the complete archive, whose checksum is right."""
    path, part = _files(root, archive)
    downloader = resume.Downloader(urls, part, archive.size)
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(urls[0], archive.checksum, fname=path.name, path=path.parent, downloader=downloader)
    except ValueError:
        downloader.forget()
        path.unlink(missing_ok=True)
        raise MerError(f"{archive.file} was downloaded whole, but its checksum is not {archive.checksum}: it is "
                       "damaged or another file, and was removed; run the same command to fetch it again") from None
    downloader.forget()
    return path


def _move(source, target):
    """Move what stands in `source` into `target`: folders that both have are merged, files are replaced.

    Folders come last: the one by which an archive counts as done appears when all else is in place.
    """
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir(), key=lambda entry: (entry.is_dir(), entry.name)):
        if entry.is_dir() and (target / entry.name).is_dir():
            _move(entry, target / entry.name)
        else:
            os.replace(entry, target / entry.name)
