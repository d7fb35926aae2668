"""Results as files: what a command needs or wrote, packed on one machine and put in place on another.

A parcel is a .tar.gz with features/, models/ and models_trans/. Nothing in it is executed; it is unpacked with the
checks of `mer.inventory.unpack`, and files go nowhere but into the three folders.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from mer import MerError, files
from mer.config import Config
from mer.experiments import places
from mer.experiments.plan import Plan
from mer.experiments.steps import Command
from mer.inventory import unpack
from mer.weights.model_file import PUBLISHED

FOLDERS = ("features", "models", "models_trans")
_PASSING = ("codes", "state")  # folders of what is computed again where it is not there


def needed(plan: Plan, command: Command, cfg: Config) -> Iterator[tuple[str, Path]]:
    """Names in the parcel and paths of the files that a command reads: all that the commands before it have made."""
    seen: set[Command] = set()
    waiting = list(plan.needs[command])
    while waiting:
        need = waiting.pop()
        if need not in seen:
            seen.add(need)
            waiting += plan.needs[need]
            for what, facts in plan.makes[need]:
                for path in places.of(what, facts, cfg, mixed=plan.mixed):
                    yield from _named(path, cfg)
                for number in range(1, (facts["folds"] or 0) + 1) or [None] if what == "report" else ():
                    run = places.trained(facts, cfg, mixed=plan.mixed, number=number)
                    for path in (run.path, run.file("run.json")):
                        yield from _named(path, cfg)


def _named(path, cfg):
    roots = zip(("features", "models", "models_trans", "models"), (
        cfg.features_dir, cfg.models_dir, cfg.models_trans_dir, cfg.resolve(cfg.path_to_models)), strict=True)
    for name, root in roots:
        if path.is_relative_to(root) and path.is_file():
            yield f"{name}/{path.relative_to(root).as_posix()}", path
            return


def pack(named: Iterable[tuple[str, Path]]) -> bytes:
    """A parcel of the files, by name."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
            for name, path in dict(named).items():
                tar.add(path, name, recursive=False)
        file.seek(0)
        return file.read()


def held(folder: Path) -> dict[str, tuple[int, int]]:
    """Name of each file below a folder that is worth sending -> its size and time of change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".") and name.parts[0] in FOLDERS and (
                not any(part in _PASSING or part.endswith(".parts") for part in name.parts[1:-1])):
            stat = path.stat()
            found[name.as_posix()] = stat.st_size, stat.st_mtime_ns
    return found


def opened(parcel: bytes, folder: Path) -> None:
    """Unpack a parcel into a new folder; MerError where it is damaged or holds anything but plain files in it."""
    with tempfile.NamedTemporaryFile(suffix=".tar.gz", dir=folder.parent) as file:
        file.write(parcel)
        file.flush()
        unpack.tar_gz(Path(file.name), folder, max_bytes=shutil.disk_usage(folder.parent).free)


def put_in_place(parcel: bytes, cfg: Config) -> list[Path]:
    """Put the files of a parcel where the settings say; those that mark a run as finished come last.

    Parameters
    ----------
    parcel : bytes
    cfg : Config

    Raises
    ------
    MerError
        The parcel is damaged, or holds a file that belongs into none of the three folders: nothing is put in place.
    """
    roots = {"features": cfg.features_dir, "models": cfg.models_dir, "models_trans": cfg.models_trans_dir}
    cfg.results_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cfg.results_dir, prefix=".parcel.") as folder:
        opened(parcel, Path(folder) / "opened")
        moves = []
        for path in (Path(folder) / "opened").rglob("*"):
            if path.is_file():
                first, *rest = PurePosixPath(path.relative_to(Path(folder) / "opened")).parts
                if first not in roots or not rest:
                    raise MerError(f"a worker sent {os.path.join(first, *rest)!r}, which belongs into none of "
                                   f"{', '.join(FOLDERS)}: nothing of it was put in place")
                root = cfg.resolve(cfg.path_to_models) if (first, rest[0]) == ("models", PUBLISHED) else roots[first]
                moves.append((path, root.joinpath(*rest)))
        for path, target in sorted(moves, key=lambda move: move[1].name.endswith("run.json")):
            with files.writing(target) as temporary:
                shutil.copyfile(path, temporary)
    return [target for _, target in moves]
