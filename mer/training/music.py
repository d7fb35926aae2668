"""Music to train and test on: one corpus, opened; and the corpora of a set-up, as the stages of one run share them."""

import functools
import operator
from dataclasses import replace

import numpy as np

from mer import MerError, corpora
from mer.data import datasets, split_files, splits
from mer.evaluation import report
from mer.tasks import TASKS, columns_read
from mer.training import setups

SIDES = ("train", "val", "test")


class Opened:
    """One music corpus with its split and its patches.

    Parameters
    ----------
    cfg : Config
    code : str
        Of the corpus.
    reads : mer.features.chunks.Chunks
        What the encoder reads.
    fold : (int, int) or None
        Of a cross-validation: its number, counted from 1, and how many there are.
    """

    def __init__(self, cfg, code, reads, *, fold=None):
        self.corpus, self.reads, self.fold = corpora.get("music", code), reads, fold
        self.clips = datasets.load("music", code, cfg, of=reads.of, fold=fold)
        stem = datasets.stem(self.corpus)
        self.split_about = datasets.split_about(cfg, split_files.fold_stem(stem, *fold) if fold else stem)
        self.patches = reads.of_clips(self.clips, cfg.patch_overlap)
        self.grouped_by = self.clips.stores[0].attributes["grouped_by"]

    def marked(self):
        """The clips, with names of clips and groups that begin with "CODE:": none collides with those of others.

        People who are in several corpora keep their names, so that they are one group.
        """
        ids, group = (np.array([f"{self.corpus.CODE}:{name}" for name in names], object)
                      for names in (self.clips.ids, self.clips.group))
        return replace(self.clips, ids=ids, group=self.clips.group if self.corpus.PEOPLE else group)

    def heard_in(self, others):
        """Which clips others have for training or validation: the same sound, the same artist, the same people.

        Parameters
        ----------
        others : sequence of Opened
            Other corpora. A number names no artist.

        Returns
        -------
        dict of str -> np.ndarray of bool, shape (clips,)
            "same_sound", and among the rest "same_artist" and, in corpora of the same people, "same_people".

        Raises
        ------
        MerError
            Two corpora have the same people, and one of them is grouped by something else.
        """
        sounds, artists, people = set(), set(), set()
        for other in others:
            if self.corpus.PEOPLE and other.corpus.PEOPLE == self.corpus.PEOPLE:
                people.update(self._people_in(other))
            known = other.clips.take(other.clips.split != "test")
            sounds.update(known.contents)
            artists.update(filter(None, other.artists(known)))
        same_sound = np.array([content in sounds for content in self.clips.contents], bool)
        own = self.artists(self.clips) or [""] * len(self.clips)
        same_artist = np.array([artist in artists for artist in own], bool)
        same_people = np.array([group in people for group in self.clips.group], bool)
        return {"same_sound": same_sound, "same_artist": same_artist & ~same_sound,
                "same_people": same_people & ~same_sound}

    def _people_in(self, other):
        """Groups that another corpus of the same people has for training or validation."""
        for one in (self, other):
            if one.grouped_by != one.corpus.GROUPED_BY:
                raise MerError(f"{self.corpus.NAME} and {other.corpus.NAME} have the same people, and {one.corpus.NAME}"
                               f" is grouped by {one.grouped_by}, so nobody can tell who was heard in training: group "
                               f"both by {one.corpus.GROUPED_BY}")
        return other.clips.group[other.clips.split != "test"]

    def artists(self, clips):
        """Artist of each clip, as names are compared; "" for a number; none where groups are no artists."""
        if self.grouped_by != "artist":
            return []
        return [name if not name.isdigit() else "" for name in map(corpora.fold, clips.group)]

    def test_rows(self, others):
        """Patches of the test clips that no other corpus has for training, and how many clips are left out, by reason.

        Returns
        -------
        rows : np.ndarray of int
        left_out : dict of str -> int
            "same_sound", "same_artist", "same_people"; empty where nothing is.
        """
        heard, is_test = self.heard_in(others), self.clips.split == "test"
        left_out = {reason: int((mask & is_test).sum()) for reason, mask in heard.items() if (mask & is_test).any()}
        tested = is_test & ~np.any(list(heard.values()), axis=0)
        return np.flatnonzero(tested[self.patches.clip]), left_out


def say_left_out(opened, left_out):
    """Print how many test clips of a corpus are left out, from `Opened.test_rows`, and why; nothing where none is."""
    for reason, n in left_out.items():
        what = reason.removeprefix("same_")
        print(f"{n} of the test clips of {opened.corpus.NAME} {'is' if n == 1 else 'are'} left out: the music for "
              f"training has the same {what}")


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

    Attributes
    ----------
    trained : dict of str -> Opened
        All corpora that the model has heard when this step is done, by code.
    parts : list of Opened
        Those of the last step; `clips` and `patches` are of all of them, in this order.
    """

    def __init__(self, cfg, steps, reads, *, fold=None, tasks=TASKS):
        self.setup = setups.SetUp(((steps,),) if isinstance(steps, str) else steps)
        self.cfg, self.reads, self.fold = cfg, reads, fold
        self.trained = {code: Opened(cfg, code, reads, fold=fold) for step in self.setup.steps for code in step}
        self.parts = [self.trained[code] for code in self.setup.steps[-1]]
        self.clips, self.patches = self.parts[0].clips, self.parts[0].patches
        if len(self.parts) > 1:
            self.clips = functools.reduce(operator.add, [part.marked() for part in self.parts])
            self.patches = reads.of_clips(self.clips, cfg.patch_overlap)
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
        if len(self.trained) > 1:
            counted["test"] = len(np.unique(self.patches.clip[self.rows["test"]]))
            last = setups.SetUp(self.setup.steps[-1:])
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
