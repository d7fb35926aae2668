"""Features that the authors of the published program hand out: HDF5 files of patches -> clips and log-mel frames.

A folder holds `train_dataset.h5py`, `val_dataset.h5py` and, for music, `test_dataset.h5py`. Each has one data set per
clip, (n, 1, 128, 31): patches of 31 frames, the next one 15 frames later, natural log of mel magnitudes. Its name is
the row number, from 0, in the csv of the annotations (Songs, Quads, ...), which lies in the folder, above it, or is
given. Patches that overlap hold every frame up to the end of the last one, so the frames are put together again,
and cut anew when they are read.

The published program, as released, splits all clips again after it has drawn the test set. Then test clips are
in training too, and the splits of the files cannot be kept.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from mer import MerError, hdf5_read, progress
from mer.data import imported_csv
from mer.features import representations

STEMS = {"train": "train_dataset", "val": "val_dataset", "test": "test_dataset"}
SUFFIXES = (".h5py", ".h5", ".hdf5")
# What the published program always used; the store would otherwise claim other settings.
SETTINGS = representations.get(representations.DEFAULT, {}).settings
PATCH_FRAMES, HOP_FRAMES = 31, 15
_MOST_PATCHES = 20_000         # of one clip: 2.7 hours; more is a damaged header
_MOST_CLIPS = 200_000          # of one file; LibriSpeech has 28 539 in its 100 hours
_OVERLAP_TOLERANCE = 1e-5      # log units


@dataclass(frozen=True)
class _Patches:
    """Patches of one clip that have been checked: file, name in it, frames that they make, hop between them."""

    path: Path
    name: str
    n_frames: int
    hop_frames: int


@dataclass(frozen=True)
class Imported:
    """What was found.

    Attributes
    ----------
    clips : tuple of corpora.Clip
        Sorted by id (the path in the csv); `split` is None where the splits of the files overlap.
    skipped : tuple of (str, str)
        Name and reason.
    grouped_by : str
        What `Clip.group` is.
    folder : str
        Name of the folder that they come from.
    gap : dict or None
        Where the splits of the files overlap: the `split` whose clips are in training too, `shared` clips `of` all.
    patches : tuple
        Where the frames of each clip are.
    settings : dict
        Feature settings.
    """

    clips: tuple
    skipped: tuple
    grouped_by: str
    folder: str
    gap: dict | None
    patches: tuple
    settings: dict

    @property
    def rows(self):
        """One dict per clip, as `mer.data.store.write` takes them.

        There is no audio file: the size is that of the frames, and the time -1 equals that of no file.
        """
        of = representations.get(representations.DEFAULT, self.settings)
        return [{"clip": clip.id, "group": clip.group, "label": clip.quadrant or "",
                 "arousal": np.nan if clip.arousal is None else clip.arousal,
                 "valence": np.nan if clip.valence is None else clip.valence,
                 "seconds": (patches.n_frames - 1) * of.hop_samples / of.sample_rate_hz,
                 "file_bytes": patches.n_frames * of.width * 4, "file_mtime_ns": -1, "n_rows": patches.n_frames}
                for clip, patches in zip(self.clips, self.patches, strict=True)]

    @property
    def log_mel(self):
        """Iterator over the clips' frames, each of shape (n_frames, bands), float32, read one at a time."""
        for patches in self.patches:
            with h5py.File(patches.path) as file:
                yield _join(_load(file[patches.name]), patches.hop_frames)


def read(folder, *, labels=None, kind, settings, language=""):
    """Read the features that a folder holds.

    Parameters
    ----------
    folder : path
    labels : path or None
        The csv; None: the nearest one with a column Songs, in the folder or up to two above it.
    kind : {"speech", "music"}
        Music needs labels in the csv, speech has none.
    settings : dict
        The feature settings in force, see `Representation.settings`.
    language : str
        Of the corpus; rows that the csv says to be in another are left out.

    Returns
    -------
    Imported

    Raises
    ------
    MerError
        The folder, the csv or a file cannot be used, not one clip can, or the settings are not those of the
        published program.
    """
    folder = Path(folder).expanduser()
    files = _files(folder)
    differ = [f"{name} {value!r}, now {settings.get(name)!r}" for name, value in SETTINGS.items()
              if settings.get(name) != value]
    if differ:
        raise MerError(f"{folder} was made with the published feature settings ({'; '.join(differ)}): set them back to "
                       "import it")
    path = imported_csv.find(folder, labels, kind)
    rows, grouped_by = (imported_csv.speech_rows(path) if kind == "speech"
                        else imported_csv.music_rows(path, language))
    found, split_rows, skipped = _check_all(files, rows, path)
    if not found:
        raise MerError(f"{folder}: none of its clips can be used: {'; '.join(map(': '.join, skipped[:3]))}")
    split, gap = _splits(split_rows)
    numbers = sorted(found, key=lambda number: rows[number].clip.id)
    clips = tuple(replace(rows[number].clip, split=split.get(number)) for number in numbers)
    return Imported(clips, tuple(sorted(skipped)), grouped_by, folder.name, gap,
                    tuple(found[number] for number in numbers), dict(settings))


# ---- files ----------------------------------------------------------------------------------------


def _files(folder):
    """Split to HDF5 file."""
    if not folder.is_dir():
        raise MerError(f"{folder} is no folder: give the one that holds train_dataset.h5py")
    found = {split: path for split, stem in STEMS.items() for suffix in reversed(SUFFIXES)
             if (path := folder / f"{stem}{suffix}").is_file()}
    if not found:
        raise MerError(f"{folder} holds none of {', '.join(f'{stem}.h5py' for stem in STEMS.values())}: give the "
                       "folder that does")
    return found


def _check_all(files, rows, csv_path):
    """Check every data set: row number -> _Patches, split -> row numbers, and what was left out."""
    found, split_rows, skipped, named = {}, {split: set() for split in files}, [], set()
    with progress.bar(desc="import", unit="clip") as bar:
        for split, path in files.items():
            with hdf5_read.opened(path, remedy="get it again", most_items=_MOST_CLIPS) as file:
                for name in file:
                    problem = _check(file, name, path, rows, found, split_rows[split], named)
                    if problem:
                        skipped.append((f"{path.name}: {name}", problem))
                    bar.update()
    skipped += [(row.clip.id or f"row {number}", f"{csv_path.name}, line {row.line}: "
                 + (row.problem or f"no file has features under its number, {number}"))
                for number, row in rows.items() if number not in named]
    return found, split_rows, skipped


def _check(file, name, path, rows, found, taken, named):
    """Add the patches of one data set to `found`, its row to `taken`; returns why it is left out, or ""."""
    if not re.fullmatch("[0-9]+", name):
        return "its name is not a row number of the csv"
    number = int(name)
    if number not in rows:
        return f"the csv has no row {number} (from 0): is it the csv that these files were made with?"
    named.add(number)
    if rows[number].problem:
        return f"line {rows[number].line} of the csv: {rows[number].problem}"
    if number in taken:
        return f"row {number} is there under another name"
    try:
        if not isinstance(file[name], h5py.Dataset):
            return "it is no data set"
        patches = _load(file[name])
        hop = _hop(patches)
    except ValueError as error:
        return str(error)
    known = found.get(number)
    if known:
        with h5py.File(known.path) as other:
            if not np.array_equal(_load(other[known.name]), patches):
                return f"it is another sound than row {number} of {known.path.name}"
    taken.add(number)
    found.setdefault(number, _Patches(path, name, (len(patches) - 1) * hop + patches.shape[2], hop))
    return ""


def _load(item):
    """Patches of one clip, shape (n, bands, frames), float32; raises ValueError with the reason."""
    shape, wanted = item.shape, (1, SETTINGS["n_mel_bands"], PATCH_FRAMES)
    if 0 in shape[:1]:
        raise ValueError("it holds no patch: the clip was shorter than one")
    if len(shape) != 4 or shape[1:] != wanted or item.dtype.kind != "f" or shape[0] > _MOST_PATCHES:
        raise ValueError(f"it has the shape {shape} of {item.dtype}, expected (n, {str(wanted)[1:]} of float32")
    try:
        patches = item[:, 0].astype(np.float32)
    except OSError as error:
        raise ValueError(f"it cannot be read ({hdf5_read.reason(error)})") from None
    if not np.isfinite(patches).all():
        raise ValueError("it holds NaN or infinite values")
    return patches


def _hop(patches):
    """Frames from one patch to the next, by what they share; raises ValueError where they share nothing."""
    n_frames = patches.shape[2]
    for hop in (HOP_FRAMES, *range(1, n_frames)):
        if np.allclose(patches[1:, :, :n_frames - hop], patches[:-1, :, hop:], rtol=0, atol=_OVERLAP_TOLERANCE):
            return hop
    raise ValueError("its patches do not continue each other, so the clip cannot be put together")


def _join(patches, hop):
    """Frames of a clip, shape ((n - 1) * hop + width, bands), of its patches (n, bands, width)."""
    frames = np.swapaxes(patches, 1, 2)                               # (n, width, bands)
    return np.concatenate([frames[:-1, :hop].reshape(-1, frames.shape[2]), frames[-1]])


# ---- splits ---------------------------------------------------------------------------------------


def _splits(rows):
    """Row number -> split where those of the files can be kept, and the gap, as for `Imported`, where they overlap."""
    train, val, test = (rows.get(split, set()) for split in STEMS)
    for split, numbers, others in (("test", test, train | val), ("val", val, train)):
        if shared := numbers & others:
            return {}, {"split": split, "shared": len(shared), "of": len(numbers)}
    return {number: split for split, numbers in rows.items() for number in numbers}, None
