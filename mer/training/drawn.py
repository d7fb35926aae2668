"""Chunks at random places of the training clips, augmented as a recipe says."""

import numpy as np

from mer.training import augment, batches


class Drawn(batches.Batches):
    """Chunks at random places of clips, with targets and weights for each task.

    Parameters
    ----------
    clips : store.ClipSet
        Of the training side; one that is shorter than a chunk is left out.
    tasks : sequence of Task
    reads : mer.features.chunks.Chunks
    recipe : mer.recipes.Recipe
        With numbers alone.
    seed : int
    """

    def __init__(self, clips, tasks, *, reads, recipe, seed):
        first, end = clips.bounds
        clips = clips.take(end - first >= reads.n_rows)
        super().__init__(n=recipe.steps * recipe.batch or len(clips), batch_size=recipe.batch, seed=seed, shuffle=True)
        self.clips, self.tasks, self.reads, self.recipe, self.bounds = clips, tasks, reads, recipe, clips.bounds
        truth = {task.name: task.targets(clips.labels[task.column]) for task in tasks}
        classes = batches.class_weights(truth, tasks) if recipe.class_weights else {}
        self.weights = {task.name: batches.example_weights(task, truth[task.name], np.arange(len(clips)), classes)
                        for task in tasks}
        self.targets = {task.name: task.encoded(truth[task.name]) for task in tasks}
        for task in tasks:
            if task.classes:
                self.targets[task.name] = augment.smoothed(self.targets[task.name], recipe.label_smoothing)

    def __getitem__(self, batch):
        rng, recipe, of = self.rng(batch), self.recipe, self.reads.of
        chosen = self.indices(batch)
        if recipe.steps:
            chosen = rng.integers(len(self.clips), size=len(chosen))
        rows = self._cut(chosen, rng)
        if recipe.gain:
            rows = of.amplified(rows, augment.gains(rng, len(rows), recipe.gain))
        inputs = np.ascontiguousarray(of.to_input(rows))
        targets = {name: values[chosen] for name, values in self.targets.items()}
        weights = {name: values[chosen] for name, values in self.weights.items()}
        if recipe.masks:
            inputs = augment.hide_bands_and_frames(inputs, rng, masks=recipe.masks, bands=recipe.mask_bands,
                                                   frames=recipe.mask_frames)
        if recipe.mixup:
            partner, share = augment.mixup_shares(rng, len(chosen), recipe.mixup)
            inputs = augment.mixed(inputs, partner, share)
            for name in targets:
                targets[name], weights[name] = augment.mixed_targets(targets[name], weights[name], partner, share)
        return inputs, targets, weights

    def _cut(self, chosen, rng):
        """A chunk of each of the chosen clips, (n, rows, width), float32."""
        first, end = (bound[chosen] for bound in self.bounds)
        starts = rng.integers(first, end - self.reads.n_rows, endpoint=True)
        return np.stack([self.clips.stores[source].rows[start:start + self.reads.n_rows]
                         for source, start in zip(self.clips.source[chosen], starts, strict=True)])
