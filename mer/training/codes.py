"""Codes of a frozen encoder for every patch of a corpus: computed once, kept on disk, checked when they are read."""

import hashlib
import math

import keras
import numpy as np

from mer import MerError, files, progress

PREDICT_BATCH = 256
_MOST_CELLS = 2**18  # in a batch of larger patches than those of log-mel: one of musicnn fills 30 MB on its way
_LOG_MEL_CELLS = 2**12


def cached_codes(cfg, data, encoder, encoder_key, *, make=True):
    """Codes of every patch of the corpus under a frozen encoder, computed once and kept on disk.

    Beside them lies the hash of the file; what is damaged is named and computed again.

    Parameters
    ----------
    cfg : Config
    data : music.Opened
    encoder : keras.Model
        Patch -> code, from `heads.encoder_of`; runs in inference mode.
    encoder_key : str
        Hash of its weights.
    make : bool
        Compute them where they are not there.

    Returns
    -------
    np.memmap, shape (patches, *code), float32; None where they are not there and `make` is off

    Raises
    ------
    MerError
        The encoder gives codes that are no finite numbers.
    OSError
        They could not be written: a full disk.
    """
    key = files.key_of(encoder_key, data.clips.fingerprint(sides=False), data.reads.seconds, cfg.patch_overlap,
                       cfg.precision, keras.backend.backend())
    path = cfg.features_dir / "codes" / f"{key}.npy"
    shape = len(data.patches), *encoder.output_shape[1:]
    with files.lock(path, doing="computing codes of the frozen encoder"):
        for each in (path, path.with_suffix(".json")):
            files.remove_leftovers(each)
        if path.exists() and not _is_whole(path, shape):
            print(f"  {path} is damaged: its codes are computed again")
            path.unlink()
        if not path.exists() and not make:
            return None
        if not path.exists():
            _write(path, data.patches, encoder, shape)
        return np.load(path, mmap_mode="r", allow_pickle=False)


class Joined:
    """Codes of several corpora one after the other, each in its own file; batches read them as they read patches.

    Parameters
    ----------
    parts : sequence of np.ndarray, shape (n, *code), float32
    """

    def __init__(self, parts):
        self.parts, self.ends = parts, np.cumsum([len(part) for part in parts])

    def gather(self, indices):
        """Copy codes out of the files: those of `indices`, shape (n,), as (n, *code)."""
        made = np.empty((len(indices), *self.parts[0].shape[1:]), np.float32)
        number = np.searchsorted(self.ends, indices, side="right")
        for place, part in enumerate(self.parts):
            mine = number == place
            made[mine] = part[indices[mine] - (self.ends[place] - len(part))]
        return made


def batch_patches(encoder):
    """How many patches an encoder takes at once: fewer where they are larger than those of log-mel."""
    cells = math.prod(encoder.input_shape[1:])
    return PREDICT_BATCH if cells <= _LOG_MEL_CELLS else max(1, min(PREDICT_BATCH, _MOST_CELLS // cells))


def _write(path, patches, encoder, shape):
    """Plainly, block by block: a full disk ends the process where a memory map is written."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    with files.writing(path) as temporary:
        with open(temporary, "wb", buffering=0) as file, \
                progress.bar(total=shape[0], unit="patch", desc="  codes of the frozen encoder") as bar:
            np.lib.format.write_array_header_1_0(file, header)
            size = batch_patches(encoder)
            for first in range(0, shape[0], size):
                batch = np.arange(first, min(first + size, shape[0]))
                codes = np.ascontiguousarray(encoder.predict_on_batch(patches.gather(batch)), np.float32)
                if not np.isfinite(codes).all():
                    raise MerError("the encoder gives codes that are no finite numbers: pretrain it again, with a "
                                   "lower learning rate or precision=float32")
                files.write_whole(file, codes, path)
                bar.update(len(batch))
        files.write_json(path.with_suffix(".json"), _checksum(temporary))


def _checksum(path):
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        return {"blake2b": digest, "bytes": file.tell()}


def _is_whole(path, shape):
    try:
        written = files.read_json(path.with_suffix(".json"), remedy="")
        codes = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, MerError):  # what numpy raises for a damaged header
        return False
    return (codes.shape, codes.dtype) == (shape, np.float32) and _checksum(path) == written
