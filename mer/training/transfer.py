"""Stage 3: pretrained encoder -> emotion heads, in one step (Feat. Ext.) or two (Full), then the report."""

import numpy as np

from mer import MerError, corpora, files, heads
from mer.data import datasets, split_files, splits
from mer.evaluation import report
from mer.features import chunks
from mer.tasks import LOSS, PUBLISHED, TASKS, columns_read
from mer.training import batches, filters, loop, recipes, voting
from mer.training.codes import PREDICT_BATCH, cached_codes
from mer.weights import catalogue, model_file

_OF_STAGE = ("epochs", "batch_patches", "learning_rate")  # heads_epochs, full_epochs, scratch_epochs, ...
_STAGES = {"heads": ("heads",), "full": ("heads", "full"), "scratch": ("scratch",)}  # a stage and those before it
# Decay of the learning rate and whether rare classes weigh more: one for both stages of a transfer, one from scratch
_SHARED = {"heads": ("transfer_decay", "class_weights"), "full": ("transfer_decay", "class_weights"),
           "scratch": ("scratch_decay", "scratch_class_weights")}


def relevant_settings(cfg, stage, reads, module=None):
    """What a transferred model depends on, its loss included; `stage` is heads, full or scratch.

    `reads` is what the encoder reads. Full also depends on the settings of the stage that it goes on from. What an
    encoder with a recipe depends on, the recipe in `module` says.
    """
    if stage == "scratch" and hasattr(module, "RECIPE"):
        return {**reads.settings, **recipes.settings(module, cfg), "loss": LOSS}
    names = [*loop.SHARED_SETTINGS, *_SHARED[stage]]
    names += [f"{each}_{name}" for each in _STAGES[stage] for name in _OF_STAGE]
    return {**reads.settings, **{name: cfg.values[name] for name in names}, "loss": LOSS}


class Music:
    """A music corpus as the stages of one transfer share it: splits, patches, tasks and their targets.

    A task that no clip for training, or none for the test, has a label of is left out, which is printed.

    Parameters
    ----------
    cfg : Config
    code : str
        Language of the music.
    reads : mer.features.chunks.Chunks
        What the encoder reads.
    fold : (int, int) or None
        Of a cross-validation: its number, counted from 1, and how many there are.
    """

    def __init__(self, cfg, code, reads, *, fold=None):
        self.cfg, self.corpus, self.reads, self.fold = cfg, corpora.get("music", code), reads, fold
        self.clips = datasets.load("music", code, cfg, of=reads.of, fold=fold)
        stem = datasets.stem(self.corpus)
        self.split_stem = split_files.fold_stem(stem, *fold) if fold else stem
        self.split_about = datasets.split_about(cfg, self.split_stem)
        self.fold_name = f"fold_{fold[0]}of{fold[1]}." if fold else ""
        self.patches = self.clips.patches(reads, reads.hop_rows(cfg.patch_overlap))
        side = self.clips.split[self.patches.clip]
        self.rows = {name: np.flatnonzero(side == name) for name in ("train", "val", "test")}
        datasets.refuse_empty(self.rows)
        self.targets = {task.name: task.targets(self.clips.labels[task.column])[self.patches.clip] for task in TASKS
                        if task.column in self.clips.labels}
        self.tasks = tuple(task for task in TASKS if task.name in self.targets and all(
            task.is_labelled(self.targets[task.name][self.rows[name]]).any() for name in ("train", "test")))
        for task in TASKS:
            if task not in self.tasks:
                print(f"the task {task.name} is left out: its column {task.column} is empty for the training or the "
                      f"test clips of {self.corpus.NAME}")
        if not self.tasks:
            raise MerError(f"{self.corpus.NAME} has no labels for any task: give it some and run "
                           f"'{datasets.command(self.corpus, reads.of)}' again")

    def batches(self, side, *, codes=None, weighted=False, batch_size, seed=0, shuffle=False):
        """Batches of patches, or of their `codes`, shape (patches of all sides, *code), with targets.

        `weighted` adds the class weights of the training side.
        """
        inputs = codes if codes is not None else self.patches
        of_training = {name: targets[self.rows["train"]] for name, targets in self.targets.items()}
        return batches.Emotion(inputs, self.targets, rows=self.rows[side], tasks=self.tasks, batch_size=batch_size,
                               class_weights=batches.class_weights(of_training, self.tasks) if weighted else None,
                               seed=seed, shuffle=shuffle)

    @property
    def fingerprint(self):
        """Hash of the clips and of all labels that the tasks read."""
        return self.clips.fingerprint(columns=columns_read(self.tasks))

    @property
    def facts(self):
        """What run.json says of the corpus."""
        return {"tasks": [task.name for task in self.tasks], "fold": self.fold, "music": self.corpus.CODE,
                "music_abbr": self.corpus.ABBR,
                "clips": {name: int((self.clips.split == name).sum()) for name in ("train", "val", "test")},
                "split": self.split_about, "data": self.fingerprint,
                "grouped_by": self.clips.stores[0].attributes["grouped_by"]}

    def predictions(self, outputs):
        """Outputs for the test patches, with their clips, labels and times, as keywords of `report.write`."""
        rows = self.rows["test"]
        clips, patch_clip = np.unique(self.patches.clip[rows], return_inverse=True)
        groups = splits.joined(self.clips.group, self.clips.contents)  # copies of one recording are one group
        hop_seconds = self.patches.hop_rows / self.reads.of.rows_per_second
        return {"clips": [str(self.clips.ids[i]) for i in clips], "groups": [groups[i] for i in clips],
                "tasks": self.tasks, "patch_clip": patch_clip,
                "truth": {task.name: task.targets(self.clips.labels[task.column][clips]) for task in self.tasks},
                "guess": {task.name: self._training_mean(task) for task in self.tasks if not task.classes},
                "patch_start_seconds": self.patches.number[rows] * hop_seconds,
                "outputs": {name: np.asarray(value, np.float64) for name, value in outputs.items()}}

    @property
    def test_clips(self):
        """The clips of the test patches."""
        return self.clips.take(np.unique(self.patches.clip[self.rows["test"]]))

    def _training_mean(self, task):
        targets = self.targets[task.name][self.rows["train"]]
        return float(targets[task.is_labelled(targets)].mean())


def run(cfg, *, speech, music, name, module, release, hours=None, fold=None, it=0, weights_file=None, force=False):
    """Train and report one transfer, or find it finished.

    Parameters
    ----------
    cfg : Config
    speech, music : str
        Corpus codes; of a published encoder and of one trained from scratch, `speech` does not matter.
    name : str
        Architecture.
    module : module
        Of `models/`; one without a pretext task is trained from scratch, whatever `release` says.
    release : {"y", "n"}
        "n": frozen encoder (Feat. Ext.). "y": then everything is trained (Full).
    hours : float or None
        Take the encoder that heard so many hours. None: that of all hours, or what the run.json of `weights_file` says.
    fold : (int, int) or None
        Train and test on one fold, see `Music`.
    it : int
        Number of the run; its seed is `cfg.seed + it`.
    weights_file : path or None
        Start from the encoder in this file instead of the one that was pretrained here or belongs to the release.
    force : bool
        Train again.

    Returns
    -------
    ModelFile
    """
    data = Music(cfg, music, chunks.of_encoder(module, cfg.values), fold=fold)
    if module.PRETEXT == model_file.PUBLISHED:
        speech = None  # it heard no corpus of ours
    if module.PRETEXT is None and weights_file:
        raise MerError(f"--weights names an encoder, and {name} is trained from scratch: leave one of the two out")
    if module.PRETEXT is None:
        return _stage(cfg, data, "scratch", name=name, module=module, it=it, force=force)
    encoder = catalogue.encoder(cfg, speech=speech, model=name, settings=data.reads.settings, it=it, hours=hours,
                                path=weights_file)
    hours = encoder.hours(hours)  # the folder of the results says them too
    print(f"encoder: {encoder.path} ({encoder.origin})")
    last = None
    for stage in ["heads"] if release == "n" else ["heads", "full"]:
        last = _stage(cfg, data, stage, name=name, module=module, it=it, force=force, speech=speech, hours=hours,
                      encoder=encoder, before=last)
    return last


def _stage(cfg, data, stage, *, name, module, it, force, speech=None, hours=None, encoder=None, before=None):
    """One stage: find it finished, or train it and report. Without an `encoder` everything is trained from scratch.

    The model is built anew and starts from the weight file of the stage `before`, so that it makes no
    difference whether that one was trained by this command or an earlier one.
    """
    source = speech and corpora.get("speech", speech)
    release = {"heads": "n", "full": "y", "scratch": None}[stage]
    if encoder:
        run = model_file.transfer_run(cfg, source, data.corpus, name, release, it, hours=hours, fold=data.fold_name)
    else:
        run = model_file.music_run(cfg, data.corpus.LANGUAGE, name, it, fold=data.fold_name)
    seed, encoder_key = cfg.seed + it, encoder and encoder.key
    settings = relevant_settings(cfg, stage, data.reads, module)
    key = files.key_of(name, "own heads" if hasattr(module, "heads") else heads.ACTIVATION, stage, seed, settings,
                       data.fingerprint, *([encoder_key] if encoder else []),
                       *([task.name, task.column, task.labels] for task in data.tasks if data.tasks != PUBLISHED))
    recipe = recipes.of(module, cfg) if stage == "scratch" else None
    vote = {"pooling": recipe.pooling, "hop_ms": recipe.vote_hop_ms} if recipe and recipe.vote_hop_ms else None

    def train():
        pretrained = module.build(data.reads.shape)
        if encoder:
            encoder.load(pretrained)
            if encoder.key != encoder_key:
                raise MerError(f"{encoder.path} was replaced while it was read: run the same command again")
        model = heads.attach(module.encoder(pretrained), data.tasks, module)
        if before:
            before.load(model)
        print(f"{run.path.parent.name}/{run.stem}")
        drawn = filters.kernels(model)
        codes = cached_codes(cfg, data, heads.encoder_of(model), encoder_key) if stage == "heads" else None
        trainee = heads.on_codes(model, data.tasks) if stage == "heads" else model
        known, unseen, n_epochs = _prepared(cfg, data, stage, trainee, codes, recipe=recipe, seed=seed)
        epochs = loop.fit(trainee, known, unseen, cfg=cfg, folder=run.file("state"), key=key, epochs=n_epochs,
                          halve=recipe is None)
        history = before.read("history")["history"] if before else []
        history = [*history, *({"stage": "full" if stage == "scratch" else stage, **row} for row in epochs)]

        def score(about):
            outputs = trainee.predict(data.batches("test", codes=codes, batch_size=PREDICT_BATCH), verbose=0)
            votes = voting.votes(trainee, module, data.test_clips, data.tasks, reads=data.reads,
                                 recipe=recipe) if vote else {}
            scores = write_report(cfg, run.file("."), about, history=history, grouped_by=about["grouped_by"],
                                  votes=votes, **data.predictions(outputs))
            filters.draw(drawn, model, run.file("filters.png"))
            print(f"report: {run.file('.')}")
            return {"scores": scores, "history": history}

        return model, history, score

    facts = {"name": name, "model": name, "title": module.TITLE, "pretext": module.PRETEXT, "speech": speech,
             "speech_abbr": source and source.ABBR, "release": release, "it": it, "seed": seed, "settings": settings,
             **({"hours": hours, "encoder": encoder.encoder_facts} if encoder else {}),
             **({"vote": vote} if vote else {}), **data.facts}
    if not loop.run_stage(cfg, run, key=key, facts=facts, force=force, train=train):
        print(f"{run.stem}: finished already, see {run.file('report.txt')}")
    return run


def _prepared(cfg, data, stage, model, codes, *, recipe, seed):
    """Compile the model; batches for training and for validation, and the number of epochs."""
    if recipe:
        known = recipes.batches_of(data.clips.side("train"), data.tasks, reads=data.reads, recipe=recipe, seed=seed)
        recipes.compile_for(model, recipe, data.tasks, steps=len(known))
        return known, data.batches("val", batch_size=PREDICT_BATCH, weighted=recipe.class_weights), recipe.epochs
    options = {"codes": codes, "batch_size": cfg.values[f"{stage}_batch_patches"],
               "weighted": cfg.values[_SHARED[stage][1]]}
    known, unseen = data.batches("train", seed=seed, shuffle=True, **options), data.batches("val", **options)
    compile_for(model, cfg, stage, data.tasks, weighted=known.weights is not None or unseen.weights is not None)
    return known, unseen, cfg.values[f"{stage}_epochs"]


def compile_for(model, cfg, stage, tasks, *, weighted):
    """Compile a model, or heads on codes, with the optimizer, losses and metrics of a stage: heads, full or scratch.

    `weighted` says whether batches come with weights: the metrics then use them, so that classes count alike and clips
    without a label do not count.
    """
    metrics = {task.name: [task.metric] for task in tasks}
    model.compile(loop.DecayingAdam(cfg.values[f"{stage}_learning_rate"], decay=cfg.values[_SHARED[stage][0]]),
                  loss={task.name: task.loss for task in tasks}, metrics=None if weighted else metrics,
                  weighted_metrics=metrics if weighted else None, **loop.compile_options())


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
