"""What a model says of whole clips, of chunks that are nearer to each other than the patches of the report."""

import numpy as np

from mer import progress

_AT_ONCE = 128  # chunks


def votes(model, module, clips, tasks, *, reads, recipe):
    """Pooled outputs of every clip.

    Parameters
    ----------
    model : keras.Model
        Chunk -> {task: outputs}.
    module : module
        Of models/; its `at_hops(model, hop_rows)`, where it has one, shares the work that chunks have in common.
    clips : store.ClipSet
        Each at least as long as a chunk.
    tasks : sequence of Task
    reads : mer.features.chunks.Chunks
    recipe : mer.recipes.Recipe
        With numbers alone; says from chunk to chunk and how they are pooled.

    Returns
    -------
    dict of str -> np.ndarray, shape (clips, units), float64
    """
    hop_rows = max(1, round(recipe.vote_hop_ms / 1000 * reads.of.rows_per_second))
    answer = getattr(module, "at_hops", lambda *_: None)(model, hop_rows) or plainly(model, reads, hop_rows)
    pooled = {task.name: np.empty((len(clips), task.units)) for task in tasks}
    with progress.bar(total=len(clips), unit="clip", desc="  votes") as bar:
        for clip, (source, start, end) in enumerate(zip(clips.source, *clips.bounds, strict=True)):
            outputs = answer(np.asarray(clips.stores[source].rows[start:end]))
            for task in tasks:
                pooled[task.name][clip] = task.pooled(outputs[task.name], recipe.pooling)
            bar.update(1)
    return pooled


def of_patches(predicted, pooling):
    """Pooled outputs of the patches that were predicted.

    Parameters
    ----------
    predicted : dict
        From `music.predictions`.
    pooling : str
        See `Task.pooled`.

    Returns
    -------
    dict of str -> np.ndarray, shape (clips, units), float64
    """
    order = np.argsort(predicted["patch_clip"], kind="stable")
    ends = np.cumsum(np.bincount(predicted["patch_clip"]))[:-1]
    return {task.name: np.stack([task.pooled(part, pooling)
                                 for part in np.split(predicted["outputs"][task.name][order], ends)])
            for task in predicted["tasks"]}


def plainly(model, reads, hop_rows):
    """Function: rows of a clip (n, width) -> {task: outputs of its chunks}, in batches.

    Parameters
    ----------
    model, reads
        Of `votes`.
    hop_rows : int
        From one chunk to the next.
    """
    def answer(rows):
        chunks = reads.cut(rows, hop_rows)
        made = [model.predict_on_batch(np.ascontiguousarray(chunks[first:first + _AT_ONCE]))
                for first in range(0, len(chunks), _AT_ONCE)]
        return {task: np.concatenate([each[task] for each in made]) for task in made[0]}

    return answer
