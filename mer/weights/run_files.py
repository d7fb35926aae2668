"""Where runs live and what is written beside their weights.

The places and stems are those of the published release::

    models/speech/<language>/<model>.it_<n>.subset_0.075.spec.best.weights.h5
    models/music/<language>/model_cnn.multitask.spec.it_<n>.lr_0.001.weights.h5
    models_trans/speech_<from>_2_music_<to>/<model>.multitask.spec.it_<n>.lr_<0.001|5e-05>.weights.h5

and beside each a folder of the same stem with `run.json`, `history.csv` and the report. `run.json` is
the truth about a run; a file name is never parsed.
"""

import hashlib
import io
import json
import shutil
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, files
from mer.weights import run_schema

# lr_0.001 and lr_5e-05 name the two set-ups in the release, whatever learning rate is set
_STEM_OF_RELEASE = {"n": "lr_0.001", "y": "lr_5e-05"}
SUFFIX = ".weights.h5"
_REMEDY = "get a copy of it back, or train this model again with --force"


@dataclass(frozen=True)
class Run:
    """One training run on disk."""

    folder: Path
    stem: str

    @property
    def weights(self):
        """The weight file, in Keras' own format."""
        return self.folder / f"{self.stem}{SUFFIX}"

    def file(self, name):
        """A file in the folder beside the weights."""
        return self.folder / self.stem / name

    @property
    def about(self):
        """Content of run.json, or None where the run is not finished; see `told`."""
        return self.told()

    def told(self, *required):
        """Content of run.json, or None where the run is not finished.

        Parameters
        ----------
        *required : str
            Keys that it must have.

        Raises
        ------
        files.Damaged
            It is there and is not what this program writes.
        """
        try:
            there = self.weights.exists()
            return files.read_json(self.file("run.json"), schema=run_schema.of(required),
                                   remedy=_REMEDY) if there else None
        except FileNotFoundError:
            return None

    def locked(self, doing):
        """The lock of this run: a second process waits, and then finds what the first one made."""
        return files.lock(self.folder / self.stem, doing=f"{doing} {self.stem}")

    def is_finished(self, key, settings, *, force):
        """Whether the run is there already, made with the same data and settings; `force` says no and starts over.

        Call it where the run is `locked`. What a killed process left half written is removed.

        Raises
        ------
        MerError
            It was made with others, or it is damaged, and `force` is off: nothing finished is replaced silently.
        """
        for path in (self.weights, *(self.file(name) for name in ("run.json", "history.csv"))):
            files.remove_leftovers(path)
        if force:
            shutil.rmtree(self.file("state"), ignore_errors=True)
            return False
        about = self.told("key", "settings")
        if about is None:
            return False
        if about["key"] == key:
            check(self.weights, about)
            return True
        differ = [f"{name} {about['settings'].get(name)!r}, now {value!r}" for name, value in settings.items()
                  if about["settings"].get(name) != value]
        raise MerError(f"{self.weights.name} in {self.folder} was made with other "
                       f"{'settings (' + '; '.join(differ) + ')' if differ else 'data, split or encoder'}: "
                       "add --force to replace it, or name another folder in settings.py")

    def begin_saving(self):
        """Take back that the run is finished: a kill must leave no run.json of before over new weights."""
        self.file("run.json").unlink(missing_ok=True)


def run_of(path: Path) -> Run:
    """The run whose weights are in a .weights.h5 file."""
    return Run(path.parent, path.name.removesuffix(SUFFIX))


def told_of(path: Path, *required: str) -> dict:
    """Content of run.json of a .weights.h5 file, with the keys that it must have.

    Raises
    ------
    MerError
        It is not there, or `files.Damaged`.
    """
    run = run_of(path)
    if (about := run.told(*required)) is None:
        raise MerError(f"{path} has no readable {run.stem}/run.json beside it, so nothing says what it is: copy "
                       "that folder along with the weights")
    return about


def speech_run(cfg, language, model, it, *, prefix=""):
    """Run of an encoder pretrained on speech in `language` (english, mandarin, mix); `prefix` is "3h_" or the like."""
    return Run(cfg.models_dir / "speech" / f"{prefix}{language}", f"{model}.it_{it}.subset_0.075.spec.best")


def music_run(cfg, language, model, it, *, fold=""):
    """Run of a model trained on music from scratch; `fold` is as in `transfer_run`."""
    return Run(cfg.models_dir / "music" / language, f"{model}.multitask.spec.it_{it}.{fold}lr_0.001")


def transfer_run(cfg, speech, music, model, release, it, *, prefix="", fold=""):
    """Run of a transfer.

    Parameters
    ----------
    speech, music : module
        Of `mer.corpora`.
    model, release, it
        Architecture, "n" or "y", number of the run.
    prefix : str
        Of the folder where a part of the speech was heard: "3h_".
    fold : str
        Of a cross-validation: "fold_1of5." for one fold, "folds_5." for all together.
    """
    return Run(cfg.models_trans_dir / f"{prefix}speech_{speech.ABBR}_2_music_{music.ABBR}",
               f"{model}.multitask.spec.it_{it}.{fold}{_STEM_OF_RELEASE[release]}")


def key_of(*parts):
    """Hash of everything that a result depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def file_key(path):
    """Hash of a file's content."""
    return files.sha256(path)[:16]


class _InMemory(io.BytesIO):
    """Memory that Keras writes weights to: it asks for the end of a file's name, and takes a BytesIO for the file."""
    def __str__(self):
        return f"memory{SUFFIX}"


def write(model, path):
    """Write all that Keras saves of a model, with the optimiser of one that is compiled.

    Keras writes HDF5 into memory and the bytes are written from there: the HDF5 library ends the process where the disk
    is full (see `mer.hdf5_write`).

    Parameters
    ----------
    model : keras.Model
    path : pathlib.Path

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    OSError
        It could not be written; what was there before is kept.
    """
    memory = _InMemory()
    model.save_weights(memory)
    content = memory.getbuffer()
    files.write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def save(model, path):
    """Write a model's weights, without the optimiser, whole; returns the SHA-256 of the file, for its run.json."""
    import keras
    return write(keras.Model(model.inputs, model.outputs), path)  # the same layers, never compiled


def check(path, about):
    """Raise Damaged where a weight file is not the one that its run.json describes.

    Parameters
    ----------
    path : pathlib.Path
    about : dict
        Content of run.json; of runs of before it names no hash, and nothing is checked.
    """
    if about.get("weights_sha256", "") not in ("", files.sha256(path)):
        raise files.Damaged(f"{path} is damaged: its content is not what {path.name.removesuffix(SUFFIX)}/run.json "
                            f"says: {_REMEDY}")


def load(model, path):
    """Read weights that `save` wrote.

    Raises
    ------
    MerError
        Missing, truncated, or of another architecture.
    """
    import keras

    from mer import hdf5_read  # imports h5py, which the exported models do without
    if not path.exists():
        raise MerError(f"{path} does not exist: train this model first")
    again = "train it again with --force, or get the file again"
    if path.name.endswith(SUFFIX):
        check(path, run_of(path).about or {})
    with hdf5_read.opened(path, remedy=again) as file:
        _check_arrays(model, path, file)
    _read_into(keras.Model(model.inputs, model.outputs), path, f"{path} does not fit {model.name}: its arrays have "
               f"other names, so it is of another architecture: {again}")


def load_checkpoint(model, path, sha256):
    """Read weights that `write` wrote in an unfinished training, with the optimizer of a model that is compiled.

    Parameters
    ----------
    model : keras.Model
        Of the architecture that was written, compiled like it.
    path : pathlib.Path
    sha256 : str
        What `write` returned.

    Raises
    ------
    files.Damaged
        It is missing, is another file than was written, leads to other files or does not fit.
    """
    from mer import hdf5_read
    remedy = "run the same command again, and this stage starts again from its first epoch"
    wrong = f"{path} is missing or damaged: {remedy}"
    if not path.is_file() or files.sha256(path) != sha256:
        raise files.Damaged(wrong)
    with hdf5_read.opened(path, remedy=remedy):
        pass
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    _read_into(model, path, wrong)


def _read_into(model, path, wrong):
    """Let Keras read a file that was found plain; raise Damaged with a sentence where it leaves anything untouched."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns where layers are left untouched
            model.load_weights(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, UserWarning):
        raise files.Damaged(wrong) from None


def _check_arrays(model, path, file):
    """Compare the arrays of a file with those of a model by their shapes; refuse values that are not finite."""
    wanted, held = Counter(tuple(weight.shape) for weight in model.weights), Counter()

    def note(name, item):
        if hasattr(item, "shape"):
            held[item.shape] += 1
            if item.dtype.kind == "f" and not np.isfinite(item[()]).all():
                raise MerError(f"{path} holds values that are not finite (NaN or infinite) in {name[:100]!r}: train it "
                               "again with --force, or get the file again")

    file.visititems(note)
    if held != wanted:
        more, fewer = next(iter(held - wanted), None), next(iter(wanted - held), None)
        differ = [f"it has an array of shape {more} too many" if more is not None else "",
                  f"it lacks one of shape {fewer}" if fewer is not None else ""]
        raise MerError(f"{path} does not fit {model.name}: {' and '.join(filter(None, differ))}; it is the file of "
                       "another architecture, or of patches of another length: train it again with --force, or get the "
                       "file again")
