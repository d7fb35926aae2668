"""What the layers of an encoder say of clips: mean activations, computed once and kept on disk.

An activation map is averaged over time and frequency, that is over all axes but the last, which holds the units; then
over the patches of the clip. "input" is the mean spectrum: what the encoder reads, averaged over time alone. It is what
the layers have to be better than.
"""

import functools
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from mer import MerError, files, progress
from mer.config import Config
from mer.data.store import ClipSet
from mer.experiments.encoders import Encoder
from mer.training import codes

INPUT = "input"
_VERSION = 1  # of what is kept


class Listener:
    """One encoder, whose network is built when the first clips are not on disk.

    Parameters
    ----------
    cfg : Config
    encoder : Encoder
    """

    def __init__(self, cfg: Config, encoder: Encoder) -> None:
        self._cfg, self._encoder = cfg, encoder

    def means(self, clips: ClipSet, *, of: str) -> dict[str, np.ndarray]:
        """Mean activations of clips, of every layer.

        Parameters
        ----------
        clips : ClipSet
            In the representation that the encoder reads.
        of : str
            What the clips are, for the progress bar.

        Returns
        -------
        dict of str -> np.ndarray, shape (clips, units), float32
            By layer, from "input" to the code; NaN for a clip that is shorter than one patch.

        Raises
        ------
        MerError
            A layer gives no finite numbers.
        """
        cfg, encoder = self._cfg, self._encoder
        key = files.key_of(_VERSION, encoder.key, encoder.kind, clips.fingerprint(sides=False), encoder.reads.settings,
                           cfg.patch_overlap, cfg.precision, keras.backend.backend())
        path = cfg.features_dir / "layers" / f"{key}.npz"
        with files.lock(path, doing=f"computing the layers of {encoder.title}"):
            files.remove_leftovers(path)
            if path.exists():
                held = _read(path, len(clips))
                if held:
                    return held
                print(f"  {path} is damaged: it is computed again")
            made = _means(self._pooled, encoder.reads.of_clips(clips, cfg.patch_overlap), len(clips),
                          f"  {encoder.title}, {of}")
            memory = io.BytesIO()
            np.savez(memory, **made)
            files.write_bytes(path, memory.getbuffer())
            return made

    @functools.cached_property
    def _pooled(self):
        """Patches -> {layer: (patches, units)}."""
        network = self._encoder.open(self._cfg)
        # (batch, bands, frames, 1), or (batch, steps, width)
        spectrum = ops.mean(network.input, axis=2 if len(network.input.shape) == 4 else 1)
        outputs = {INPUT: ops.reshape(spectrum, (-1, int(np.prod(spectrum.shape[1:]))))}
        for name, output in layers(network):
            inner = tuple(range(1, len(output.shape) - 1))
            outputs[name] = ops.mean(output, axis=inner) if inner else output
        return keras.Model(network.input, outputs)


def layers(network: Any) -> list[tuple[str, Any]]:
    """Name and output of the layers that multiply by trained matrices, in their order, and of the code."""
    chosen = [layer for layer in network.layers if any(len(weight.shape) > 1 for weight in layer.trainable_weights)]
    named = [(layer.name, layer.output) for layer in chosen]
    return named if chosen and chosen[-1].output is network.output else [*named, ("code", network.output)]


def _means(pooled, patches, n_clips, doing):
    """Layer -> mean over the patches of each clip; batch by batch, so the memory does not grow with the clips."""
    sums = {name: np.zeros((n_clips, output.shape[-1])) for name, output in pooled.output.items()}
    size = codes.batch_patches(pooled)
    with progress.bar(total=len(patches), unit="patch", desc=doing) as bar:
        for first in range(0, len(patches), size):
            batch = np.arange(first, min(first + size, len(patches)))
            filled = np.pad(batch, (0, size - len(batch)), mode="edge")  # one shape of batch is one graph
            for name, values in pooled.predict_on_batch(patches.gather(filled)).items():
                np.add.at(sums[name], patches.clip[batch], np.asarray(values[:len(batch)], np.float64))
            bar.update(len(batch))
    wrong = next((name for name, total in sums.items() if not np.isfinite(total).all()), None)
    if wrong:
        raise MerError(f"the layer {wrong} gives values that are no finite numbers: pretrain this encoder again, with "
                       "a lower learning rate or precision=float32")
    count = np.where(patches.count > 0, patches.count, np.nan)[:, None]
    return {name: (total / count).astype(np.float32) for name, total in sums.items()}


def _read(path: Path, n_clips: int) -> dict[str, np.ndarray] | None:
    """What is kept, or None where it is damaged: a zip archive holds a checksum of every member."""
    try:
        with np.load(path, allow_pickle=False) as held:
            made = {name: held[name] for name in held.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError):
        return None
    whole = INPUT in made and all(each.dtype == np.float32 and each.ndim == 2 and len(each) == n_clips
                                  for each in made.values())
    return made if whole else None


def shared_rows(ids: Sequence[Sequence[str]], usable: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Rows of the clips that every table has, in the order of the first one.

    Parameters
    ----------
    ids : sequence of sequence of str
        Clips of each table.
    usable : sequence of np.ndarray of bool, shape (clips of the table,)
        Whether the table says something of the clip.

    Returns
    -------
    list of np.ndarray of int
        One a table: the same clips in the same order.
    """
    places = [{name: row for row, name in enumerate(names) if fits[row]} for names, fits in
              zip(ids, usable, strict=True)]
    kept = [name for name in ids[0] if all(name in place for place in places)]
    return [np.array([place[name] for name in kept], int) for place in places]
