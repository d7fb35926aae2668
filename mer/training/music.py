"""Music to train and test on: the corpora of a set-up, as the stages of one run share them."""

import functools
import operator

import numpy as np

from mer import MerError
from mer.data import datasets, splits
from mer.evaluation import report
from mer.tasks import TASKS, columns_read
from mer.training import budget, setups
from mer.training.opened import Opened, patches_of, say_left_out

SIDES = ("train", "val", "test")


class Music:
    """The corpora of a set-up as the stages of one transfer share them: splits, patches, tasks and their targets.

    Training reads those of the last step; what the steps before have heard is left out of the tests. A task that no
    clip for training, or none for the test, has a label of is left out, which is printed.

    Parameters
    ----------
    cfg : Config
    steps : tuple of tuple of str, or str
        From `setups.parse`; or the code of one corpus.
    reads : mer.features.chunks.Chunks
        What the encoder reads.
    fold : (int, int) or None
        As for `Opened`.
    tasks : sequence of Task
        Those that the run may answer.
    labels, per_group
        As for `setups.SetUp`; not of a sequence.
    seed : int
        Of the draw of labels.

    Attributes
    ----------
    trained : dict of str -> Opened
        All corpora that the model has heard when this step is done, by code.
    parts : list of Opened
        Those of the last step; `clips` and `patches` are of all of them, in this order.
    """

    def __init__(self, cfg, steps, reads, *, fold=None, tasks=TASKS, labels=None, per_group=False, seed=0):
        self.setup = setups.SetUp(((steps,),) if isinstance(steps, str) else steps, labels, per_group)
        self.cfg, self.reads, self.fold = cfg, reads, fold
        self.trained = {code: Opened(cfg, code, reads, fold=fold, per_group=per_group)
                        for step in self.setup.steps for code in step}
        self.parts = [self.trained[code] for code in self.setup.steps[-1]]
        self.n_labelled = int((self.parts[-1].clips.split != "test").sum())
        if labels:
            last = self.parts[-1]
            last.clips = budget.limited(last.clips, labels, seed=seed, name=last.corpus.NAME)
        self.clips, self.patches = self.parts[0].clips, self.parts[0].patches
        if len(self.parts) > 1:
            self.clips = functools.reduce(operator.add, [part.marked() for part in self.parts])
            self.patches = patches_of(cfg, reads, self.clips, per_group)
        self.fold_name = f"fold_{fold[0]}of{fold[1]}." if fold else ""
        side = self.clips.split[self.patches.clip]
        self.rows = {name: np.flatnonzero(side == name) for name in SIDES}
        self._leave_out_what_was_heard()
        datasets.refuse_empty(self.rows)
        self.targets = {task.name: task.targets(self.clips.labels[task.column])[self.patches.clip] for task in TASKS
                        if task.column in self.clips.labels}
        self.tasks = tuple(task for task in tasks if task.name in self.targets and all(
            task.is_labelled(self.targets[task.name][self.rows[name]]).any() for name in ("train", "test")))
        for task in TASKS:
            if task not in self.tasks:
                why = (f"its column {task.column} is empty for the training or the test clips of {self.setup.NAME}"
                       if task in tasks else "the step before does not answer it" if len(self.setup.steps) > 1
                       else "it is a value, and this model answers classes")
                print(f"the task {task.name} is left out: {why}")
        if not self.tasks:
            made = " and ".join(f"'{datasets.command(part.corpus, reads.of)}'" for part in self.parts)
            raise MerError(f"{self.setup.NAME} has no labels for any task: give it some and run {made} again")

    def _leave_out_what_was_heard(self):
        first, rows, self.left_out = 0, [], {}
        for part in self.parts:
            kept, left_out = part.test_rows([other for other in self.trained.values() if other is not part])
            say_left_out(part, left_out)
            rows.append(first + kept)
            first += len(part.patches)
            self.left_out |= {part.corpus.CODE: left_out} if left_out else {}
        self.rows["test"] = np.concatenate(rows)

    def batches(self, side, *, codes=None, weighted=False, batch_size, seed=0, shuffle=False):
        """Batches of patches, or of their `codes`, shape (patches of all sides, *code), with targets.

        `weighted` adds the class weights of the training side.
        """
        from mer.training import batches  # Keras starts here: classifiers have none
        inputs = codes if codes is not None else self.patches
        of_training = {name: targets[self.rows["train"]] for name, targets in self.targets.items()}
        return batches.Emotion(inputs, self.targets, rows=self.rows[side], tasks=self.tasks, batch_size=batch_size,
                               class_weights=batches.class_weights(of_training, self.tasks) if weighted else None,
                               seed=seed, shuffle=shuffle)

    @property
    def fingerprint(self):
        """Hash of the clips of the last step and of all labels that the tasks read."""
        return self.clips.fingerprint(columns=columns_read(self.tasks))

    @property
    def grouped_by(self):
        """What the groups are; "group" where the corpora have different ones."""
        kinds = {part.grouped_by for part in self.parts}
        return kinds.pop() if len(kinds) == 1 else "group"

    @property
    def facts(self):
        """What run.json says of the corpora."""
        counted = {name: int((self.clips.split == name).sum()) for name in SIDES}
        facts = {"tasks": [task.name for task in self.tasks], "fold": self.fold, "music": self.setup.CODE,
                 "music_abbr": self.setup.ABBR, "clips": counted, "split": _split_of(self.parts, self.grouped_by),
                 "data": self.fingerprint, "grouped_by": self.grouped_by}
        last = setups.SetUp(self.setup.steps[-1:])
        if self.setup.labels:
            facts["labels"] = {"of": self.parts[-1].corpus.NAME, "clips": self.setup.labels, "there": self.n_labelled}
        if self.setup.per_group:
            facts["normalized_by"] = self.grouped_by
        if len(self.trained) == 1 and last != self.setup:  # whose name says more than that of the corpus
            facts |= {"tested": last.CODE, "tested_abbr": last.ABBR, "tested_on": last.NAME}
        if len(self.trained) > 1:
            counted["test"] = len(np.unique(self.patches.clip[self.rows["test"]]))
            facts |= {"role": setups.role_of_last(self.setup.steps), "trained_on": self.setup.NAME,
                      "steps": self.setup.steps, "left_out": self.left_out, "tested": last.CODE,
                      "tested_abbr": last.ABBR, "tested_on": last.NAME}
        return facts

    @property
    def guess(self):
        """Mean label of the training clips in each task with a range: the guess that ignores the audio."""
        means = {}
        for task in self.tasks:
            if not task.classes:
                targets = self.targets[task.name][self.rows["train"]]
                means[task.name] = float(targets[task.is_labelled(targets)].mean())
        return means

    @property
    def test_clips(self):
        """The clips of the test patches, a ClipSet, in the order in which `predictions` has them."""
        return self.clips.take(np.unique(self.patches.clip[self.rows["test"]]))

    def predictions(self, outputs):
        """Outputs for the test patches, with their clips, labels and times, as keywords of `report.write`."""
        return predictions(self, self.rows["test"], outputs, tasks=self.tasks, guess=self.guess)


def predictions(data, rows, outputs, *, tasks, guess):
    """Outputs for some patches with their clips, labels and times, as keywords of `report.write`.

    Parameters
    ----------
    data : Music or Opened
        With its `clips`, `patches` and `reads`.
    rows : np.ndarray of int
        Which of the patches.
    outputs : dict of str -> array, shape (rows, units)
        By task.
    tasks : sequence of Task
    guess : dict of str -> float
        `Music.guess` of what was trained on.
    """
    clips, patch_clip = np.unique(data.patches.clip[rows], return_inverse=True)
    groups = splits.joined(data.clips.group, data.clips.contents)  # copies of one recording are one group
    return {"clips": [str(data.clips.ids[i]) for i in clips], "groups": [groups[i] for i in clips],
            "tasks": tasks, "patch_clip": patch_clip,
            "truth": {task.name: task.targets(data.clips.labels[task.column][clips]) for task in tasks},
            "guess": {task.name: guess[task.name] for task in tasks if not task.classes},
            "patch_start_seconds": data.patches.start_seconds[rows],
            "outputs": {task.name: np.asarray(outputs[task.name], np.float64) for task in tasks}}


def write_report(cfg, folder, about, *, grouped_by, history=(), **predictions):
    """Write and print the report on a run or on all folds together.

    Parameters
    ----------
    cfg : Config
    folder : pathlib.Path
    about : dict
        Content of run.json without scores.
    grouped_by, history, **predictions
        Of `report.write`.

    Returns
    -------
    dict
        Level (patch, clip) -> task -> its published score: weighted F1, or CCC.
    """
    made = report.write(folder, run=about, history=history, n_bootstrap=cfg.n_bootstrap, seed=about["seed"],
                        grouped_by=grouped_by, **predictions)
    print((folder / "report.txt").read_text(encoding="utf-8"))
    return {level: {task.name: made[level][task.name][task.headline("patch")] for task in predictions["tasks"]}
            for level in report.LEVELS}


def _split_of(parts, grouped_by):
    """How the splits of the corpora of a step came about."""
    about = [part.split_about for part in parts]
    if len(parts) == 1:
        return about[0]
    kinds = {one["kind"] for one in about}
    shared = {name: about[0][name] for name in ("seed", "number", "n_folds")
              if all(one.get(name) == about[0].get(name) for one in about) and name in about[0]}
    return {"kind": kinds.pop() if len(kinds) == 1 else "given", "grouped_by": grouped_by, **shared,
            "leak": next((one["leak"] for one in about if one.get("leak")), {}),
            "note": "; ".join(f"{part.corpus.NAME}: {one['note']}" for part, one in zip(parts, about, strict=True))}
