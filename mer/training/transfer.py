"""Stage 3: pretrained encoder -> emotion heads, in one step (Feat. Ext.) or two (Full), then the report."""

import numpy as np

from mer import MerError, corpora, files, heads
from mer.data import datasets, split_files, splits, subsets
from mer.evaluation import report
from mer.tasks import LOSS, TASKS
from mer.training import batches, loop
from mer.training.codes import PREDICT_BATCH, cached_codes
from mer.weights import encoders, provenance, run_files

_SHARED = ("precision", "early_stopping_epochs", "halve_after_epochs", "patch_seconds", "patch_overlap")
_OF_STAGE = ("epochs", "batch_patches", "learning_rate")  # heads_epochs, full_epochs, scratch_epochs, ...
_STAGES = {"heads": ("heads",), "full": ("heads", "full"), "scratch": ("scratch",)}  # a stage and those before it


def relevant_settings(cfg, stage):
    """What a transferred model depends on, its loss included; `stage` is heads, full or scratch.

    Full also depends on the settings of the stage that it goes on from.
    """
    names = [*_SHARED, *(_named(stage, name) for name in ("decay", "class_weights"))]
    names += [f"{each}_{name}" for each in _STAGES[stage] for name in _OF_STAGE]
    return {**cfg.feature_settings, **{name: cfg.values[name] for name in names}, "loss": LOSS}


def _named(stage, name):
    """Setting of a stage that the two stages of a transfer share: the rate's decay or the class weights."""
    shared = {"decay": "transfer_decay", "class_weights": "class_weights"}
    return f"scratch_{name}" if stage == "scratch" else shared[name]


class Music:
    """A music corpus as the stages of one transfer share it: sides, patches, targets.

    Parameters
    ----------
    cfg : Config
    code : str
        Language of the music.
    fold : (int, int) or None
        Of a cross-validation: its number, counted from 1, and how many there are.
    """

    def __init__(self, cfg, code, *, fold=None):
        self.cfg, self.corpus, self.fold = cfg, corpora.get("music", code), fold
        self.clips = datasets.load("music", code, cfg, fold=fold)
        stem = datasets.stem(self.corpus)
        self.split_stem = split_files.fold_stem(stem, *fold) if fold else stem
        self.split_about = datasets.split_about(cfg, self.split_stem)
        self.fold_name = f"fold_{fold[0]}of{fold[1]}." if fold else ""
        self.patches = self.clips.patches(patch_frames=cfg.patch_frames, hop_frames=cfg.patch_hop_frames)
        side = self.clips.split[self.patches.clip]
        self.rows = {name: np.flatnonzero(side == name) for name in ("train", "val", "test")}
        datasets.refuse_empty(self.rows)

    def batches(self, side, *, codes=None, weighted=False, batch_size, seed=0, shuffle=False):
        """Batches of patches, or of their `codes`, shape (patches of all sides, units), with targets.

        `weighted` adds the class weights of the training side.
        """
        inputs = codes if codes is not None else self.patches
        weights_of = batches.class_weights(self.patches.quadrant[self.rows["train"]]) if weighted else None
        return batches.Emotion(inputs, self.patches.quadrant, rows=self.rows[side], class_weights=weights_of,
                               batch_size=batch_size, seed=seed, shuffle=shuffle)


def run(cfg, *, speech, music, name, module, release, hours=None, fold=None, it=0, weights_file=None, force=False):
    """Train and report one transfer, or find it finished.

    Parameters
    ----------
    cfg : Config
    speech, music : str
        Corpus codes.
    name : str
        Architecture.
    module : module
        Of `models/`; one without a pretext task is trained from scratch, whatever `speech` and `release` say.
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
    weights.Run
    """
    data = Music(cfg, music, fold=fold)
    if module.PRETEXT is None and weights_file:
        raise MerError(f"--weights names an encoder, and {name} is trained from scratch: leave one of the two out")
    if module.PRETEXT is None:
        return _from_scratch(cfg, data, name=name, module=module, it=it, force=force)
    encoder = find_encoder(cfg, speech, name, it, hours=hours, weights_file=weights_file)
    hours = encoder.hours(hours)  # the folder of the results says them too
    print(f"encoder: {encoder.weights} ({encoder.origin})")
    place = None
    for stage in ["heads"] if release == "n" else ["heads", "full"]:
        place = _stage(cfg, data, stage=stage, speech=speech, hours=hours, name=name, module=module, it=it,
                       encoder=encoder, before=place, force=force)
    return place


def find_encoder(cfg, speech, name, it, *, hours, weights_file):
    """The named encoder; or the pretrained one with the same number, or number 0, ours before the release's."""
    language = corpora.get("speech", speech).LANGUAGE
    runs = [run_files.speech_run(cfg, language, name, number, prefix=subsets.prefix(hours))
            for number in dict.fromkeys((it, 0))]
    found = encoders.named(cfg, weights_file, model=name, speech=speech) if weights_file else encoders.find(cfg, runs)
    if found:
        return found
    script = "pretrain_cpc.py" if "cpc" in name else "pretrain_denoise.py"
    raise MerError(f"{runs[-1].weights.name} is not in {runs[-1].folder}: "
                   f"run 'python3 {script} -s {speech} -mod {name}{f' --hours {hours:g}' if hours else ''}' first, or "
                   "unpack the published models/ into the repository")


def _stage(cfg, data, *, stage, speech, hours, name, module, it, encoder, before, force):
    """One stage: find it finished, or train it and report.

    The model is built anew and starts from the weight file of the stage `before`, so that it makes no
    difference whether that one was trained by this command or an earlier one.
    """
    source = corpora.get("speech", speech)
    release = "y" if stage == "full" else "n"
    place = run_files.transfer_run(cfg, source, data.corpus, name, release, it, prefix=subsets.prefix(hours),
                                 fold=data.fold_name)
    seed, settings = cfg.seed + it, relevant_settings(cfg, stage)
    encoder_key = encoder.key
    key = run_files.key_of(name, heads.ACTIVATION, stage, seed, settings, data.clips.fingerprint(), encoder_key)
    with place.locked("training"):
        if place.is_finished(key, settings, force=force):
            print(f"{place.stem}: finished already, see {place.file('report.txt')}")
            return place
        loop.start(cfg, seed)
        model = _assemble(cfg, module, encoder)
        if encoder.key != encoder_key:
            raise MerError(f"{encoder.weights} was replaced while it was read: run the same command again")
        if before:
            run_files.load(model, before.weights)
        print(f"{place.folder.name}/{place.stem}")
        codes = cached_codes(cfg, data, heads.encoder_of(model), encoder_key) if stage == "heads" else None
        trainee = heads.on_codes(model, codes.shape[1]) if stage == "heads" else model
        trained, probabilities = _fit(cfg, data, trainee, stage=stage, place=place, key=key, seed=seed, codes=codes)
        earlier = before.told("history")["history"] if before else []
        history = [*earlier, *({"stage": stage, **row} for row in trained)]
        facts = {"name": name, "title": module.TITLE, "pretext": module.PRETEXT, "speech": speech,
                 "speech_abbr": source.ABBR, "hours": hours, "release": release,
                 "it": it, "seed": seed, "settings": settings, "encoder": encoder.facts}
        _finish(cfg, data, model, place, probabilities, history=history, trained=trained, key=key, facts=facts)
    return place


def _assemble(cfg, module, encoder):
    pretrained = module.build(cfg.patch_shape)
    encoder.load(pretrained)
    return heads.attach(module.encoder(pretrained))


def compile_for(model, cfg, stage):
    """Compile a model, or heads on codes, with the optimizer, loss and metrics of a stage: heads, full or scratch."""
    weighted, decay = (cfg.values[_named(stage, name)] for name in ("class_weights", "decay"))
    accuracy = {task.name: ["accuracy"] for task in TASKS}
    model.compile(loop.DecayingAdam(cfg.values[f"{stage}_learning_rate"], decay=decay),
                  loss={task.name: LOSS for task in TASKS}, metrics=None if weighted else accuracy,
                  weighted_metrics=accuracy if weighted else None, **loop.compile_options())


def _fit(cfg, data, model, *, stage, place, key, seed, codes=None):
    """Train one stage. Returns the history and the probabilities of the test side."""
    compile_for(model, cfg, stage)
    batching = {"codes": codes, "batch_size": cfg.values[f"{stage}_batch_patches"]}
    weighted = cfg.values[_named(stage, "class_weights")]
    history = loop.fit(model, data.batches("train", seed=seed, shuffle=True, weighted=weighted, **batching),
                           data.batches("val", weighted=weighted, **batching), folder=place.file("state"), key=key,
                           epochs=cfg.values[f"{stage}_epochs"], patience=cfg.early_stopping_epochs,
                           halve_after=cfg.halve_after_epochs, tensorboard=cfg.tensorboard and place.file("logs"))
    return history, model.predict(data.batches("test", codes=codes, batch_size=PREDICT_BATCH), verbose=0)


def _from_scratch(cfg, data, *, name, module, it, force):
    seed, settings = cfg.seed + it, relevant_settings(cfg, "scratch")
    key = run_files.key_of(name, heads.ACTIVATION, "scratch", seed, settings, data.clips.fingerprint())
    place = run_files.music_run(cfg, data.corpus.LANGUAGE, name, it, fold=data.fold_name)
    with place.locked("training"):
        if place.is_finished(key, settings, force=force):
            print(f"{place.stem}: finished already, see {place.file('report.txt')}")
            return place
        loop.start(cfg, seed)
        model = heads.attach(module.encoder(module.build(cfg.patch_shape)))
        print(f"{place.folder.name}/{place.stem}")
        trained, probabilities = _fit(cfg, data, model, stage="scratch", place=place, key=key, seed=seed)
        facts = {"name": name, "title": module.TITLE, "pretext": None, "speech": None, "speech_abbr": None,
                 "release": None, "it": it, "seed": seed, "settings": settings}
        history = [{"stage": "full", **row} for row in trained]
        _finish(cfg, data, model, place, probabilities, history=history, trained=trained, key=key, facts=facts)
    return place


def _finish(cfg, data, model, place, probabilities, *, history, trained, key, facts):
    """Save weights, report and run.json; the last one marks the run as finished."""
    best = min(trained, key=lambda row: row["val_loss"])
    facts |= {"fold": data.fold, "music": data.corpus.CODE, "music_abbr": data.corpus.ABBR, "model": facts["name"],
              "best_epoch": best["epoch"] + 1, "epochs": len(trained), "history": history,
              "clips": {side: int((data.clips.split == side).sum()) for side in ("train", "val", "test")},
              "split": data.split_about, "data": data.clips.fingerprint(),
              "grouped_by": data.clips.stores[0].attributes["grouped_by"]}
    place.begin_saving()
    facts["weights_sha256"] = run_files.save(model, place.weights)
    loop.write_history(place.file("history.csv"), history)
    about = provenance.describe(cfg, command=provenance.command_line(), key=key, **facts)
    made = _report(cfg, data, place, probabilities, history, {k: v for k, v in about.items() if k != "history"})
    scores = {level: {task.name: made[level][task.name]["f1_weighted"] for task in TASKS} for level in report.LEVELS}
    files.write_json(place.file("run.json"), {**about, "scores": scores})
    loop.forget(place.file("state"))


def _report(cfg, data, place, probabilities, history, about):
    rows = data.rows["test"]
    clips, patch_clip = np.unique(data.patches.clip[rows], return_inverse=True)
    groups = splits.joined(data.clips.group, data.clips.contents)  # copies of one recording are one group
    hop_seconds = cfg.patch_hop_frames * cfg.hop_samples / cfg.sample_rate_hz
    made = report.write(place.file("."), clips=[str(data.clips.ids[i]) for i in clips], patch_clip=patch_clip,
                        patch_start_seconds=data.patches.number[rows] * hop_seconds,
                        quadrant=data.clips.quadrant[clips], groups=[groups[i] for i in clips],
                        grouped_by=about["grouped_by"],
                        probabilities={name: np.asarray(value, np.float64) for name, value in probabilities.items()},
                        run=about, history=history, n_bootstrap=cfg.n_bootstrap, seed=about["seed"])
    print(place.file("report.txt").read_text(encoding="utf-8"))
    print(f"report: {place.file('report.txt').parent}")
    return made
