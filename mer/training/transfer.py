"""Stage 3: pretrained encoder -> emotion heads, in one step (Feat. Ext.) or two (Full), then the report."""

import functools

import numpy as np

from mer import MerError, corpora, files, heads
from mer.data import datasets, splits
from mer.features import chunks
from mer.tasks import LOSS, PLACE, PUBLISHED, TASKS, named
from mer.training import discriminant, elsewhere, filters, heard, loop, recipes, setups, spoken, voting
from mer.training.codes import PREDICT_BATCH
from mer.training.music import Music, write_report
from mer.training.stage_model import StageModel
from mer.weights import catalogue, model_file

_OF_STAGE = ("epochs", "batch_patches", "learning_rate")  # heads_epochs, full_epochs, scratch_epochs, ...
_STAGES = {"heads": ("heads",), "full": ("heads", "full"), "scratch": ("scratch",)}  # a stage and those before it
# Decay of the learning rate and whether rare classes weigh more: one for both stages of a transfer, one from scratch
_SHARED = {"heads": ("transfer_decay", "class_weights"), "full": ("transfer_decay", "class_weights"),
           "scratch": ("scratch_decay", "scratch_class_weights")}


def relevant_settings(cfg, stage, reads, module=None):
    """What a transferred model depends on, its loss included; `stage` is heads, linear, full or scratch.

    `reads` is what the encoder reads. Full also depends on the settings of the stage that it goes on from. What an
    encoder with a recipe depends on, the recipe in `module` says.
    """
    if stage == "linear":
        values = {name: cfg.values[name] for name in ("precision", "patch_overlap", "class_weights")}
        return {**reads.settings, **values, **discriminant.SETTINGS}
    if stage == "scratch" and hasattr(module, "RECIPE"):
        return {**reads.settings, **recipes.settings(module, cfg), "loss": LOSS}
    names = [*loop.SHARED_SETTINGS, *_SHARED[stage]]
    names += [f"{each}_{name}" for each in _STAGES[stage] for name in _OF_STAGE]
    return {**reads.settings, **{name: cfg.values[name] for name in names}, "loss": LOSS}


def run(cfg, *, speech, music, name, module, release, kind="speech", linear=False, detect=(), labels=None,
        per_group=False, hours=None, fold=None, it=0, weights_file=None, force=False):
    """Train and report one transfer, or find it finished; a sequence of corpora is one finished run a step.

    Parameters
    ----------
    cfg : Config
    speech : str
        Code of the corpus that the encoder heard; of a published one and of one trained from scratch it does not
        matter.
    music : str
        Of one corpus, "x" for all that have a store, or several in their order: see `setups.parse`.
    name : str
        Architecture.
    module : module
        Of `models/`; one without a pretext task is trained from scratch, whatever `release` says.
    release : {"y", "n"}
        "n": frozen encoder (Feat. Ext.). "y": then everything is trained (Full).
    kind : {"speech", "music", "noise"}
        What the encoder heard.
    linear : bool
        Heads on the frozen encoder that are solved at once (`discriminant`), instead of those of the architecture.
    detect : sequence of str
        Codes of speech corpora that linear heads learn to tell from music, see `spoken`.
    labels : int or None
        Train on so many labelled clips of the corpus that `music` names last, see `budget`.
    per_group : bool
        Normalize the codes of the frozen encoder per group, without labels, see `per_group`.
    hours : float or None
        Take the encoder that heard so many hours; 0: the one with random weights. None: that of all hours, or what the
        run.json of `weights_file` says.
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
        Of the last step.
    """
    reads = chunks.of_encoder(module, cfg.values)
    steps = setups.parse(music, datasets.present("music", cfg, reads.of.name))
    common = {"name": name, "module": module, "it": it, "force": force}
    if module.PRETEXT == model_file.PUBLISHED:
        speech = None  # it heard no corpus of ours
    if linear and (module.PRETEXT is None or release != "n" or len(steps) > 1):
        raise MerError("--heads linear answers from a frozen encoder, for one corpus or the union of several: give "
                       "-rel n, -mod with a pretrained encoder, and -m without a sequence")
    if detect and (not linear or per_group):
        raise MerError("--detect-speech is of linear heads on the codes as they are: give --heads linear, and leave "
                       "--normalize-groups out")
    common |= {"speech": spoken.Speech(cfg, detect, reads)} if detect else {}
    if (labels or per_group) and len(steps) > 1:
        raise MerError("--labels and --normalize-groups are of corpora that are trained on together: give -m without "
                       "commas")
    if per_group and (module.PRETEXT is None or release != "n"):
        raise MerError("--normalize-groups is of a frozen encoder: give -rel n, and -mod with a pretrained encoder")
    if module.PRETEXT is None and weights_file:
        raise MerError(f"--weights names an encoder, and {name} is trained from scratch: leave one of the two out")
    if module.PRETEXT is not None:
        encoder = catalogue.encoder(cfg, speech=speech, model=name, settings=reads.settings, it=it, hours=hours,
                                    path=weights_file, kind=kind)
        hours = encoder.hours(hours)  # the folder of the results says them too
        common |= {"source": speech and corpora.get(kind, speech), "hours": hours, "encoder": encoder}
        print(f"encoder: {encoder.path} ({encoder.origin})")
    last = None
    for number in range(1, len(steps) + 1):
        tasks = TASKS if last is None else named(last.read().get("tasks"), last.path)
        data = Music(cfg, steps[:number], reads, fold=fold, tasks=tasks, labels=labels, per_group=per_group,
                     seed=cfg.seed + it)
        for stage in ["scratch"] if module.PRETEXT is None else ["linear"] if linear else _stages(release, number):
            last = _stage(cfg, data, stage, before=last, **common)
    return last


def _stages(release, number):
    """Full: heads that have learnt need no stage of their own, so the later steps of a sequence train everything."""
    return ["heads"] if release == "n" else ["heads", "full"] if number == 1 else ["full"]


def _stage(cfg, data, stage, *, name, module, it, force, speech=None, source=None, hours=None, encoder=None,
           before=None):
    """One stage: find it finished, or train and report it; then test it elsewhere. Without an `encoder` all is trained.

    The model is built anew and starts from the weight file of the stage or step `before`, so that it makes no
    difference whether that one was trained by this command or an earlier one.
    """
    release = {"heads": "n", "linear": "n", "full": "y", "scratch": None}[stage]
    if encoder:
        run = model_file.transfer_run(cfg, source, data.setup, name, "linear" if stage == "linear" else release, it,
                                      hours=hours, fold=data.fold_name)
    else:
        run = model_file.music_run(cfg, data.setup.LANGUAGE, name, it, fold=data.fold_name)
    seed, encoder_key = cfg.seed + it, encoder and encoder.key
    settings = {**relevant_settings(cfg, stage, data.reads, module), **_chosen(data, speech)}
    key = files.key_of(name, "own heads" if hasattr(module, "heads") else heads.ACTIVATION, stage, seed, settings,
                       data.fingerprint, *([encoder_key] if encoder else []),
                       *([task.name, task.column, task.labels] for task in data.tasks if data.tasks != PUBLISHED),
                       *(["after", before.key] if len(data.setup.steps) > 1 else []),
                       *([speech.fingerprint] if speech else []))
    recipe = recipes.of(module, cfg) if stage == "scratch" else None
    vote = _vote(stage, recipe)
    model = StageModel(cfg, data, discriminant.heads_on(module) if stage == "linear" else module,
                   encoder_key if stage in ("heads", "linear") else None)

    def votes(clips, predicted):
        if stage == "linear":
            return voting.of_patches(predicted, vote["pooling"])
        return voting.votes(model.whole, module, clips, data.tasks, reads=data.reads, recipe=recipe)

    def train():
        model.start(encoder, before)
        if encoder and encoder.key != encoder_key:
            raise MerError(f"{encoder.path} was replaced while it was read: run the same command again")
        print(f"{run.path.parent.name}/{run.stem}")
        drawn = filters.kernels(model.whole)
        codes = model.codes() if model.encoder_key else None
        trainee = heads.on_codes(model.whole, data.tasks) if model.encoder_key else model.whole
        told = speech and speech.heard(cfg, heads.encoder_of(model.whole), encoder_key)
        epochs, more = _fit(cfg, data, stage, trainee, codes, recipe=recipe, seed=seed, key=key, run=run, speech=told)
        label = "full" if stage == "scratch" else stage
        label += f" {data.setup.ABBR.rpartition('_')[2]}" if len(data.setup.steps) > 1 else ""
        history = [*(before.read("history")["history"] if before else ()),
                   *({"stage": label, **row} for row in epochs)]

        def score(about):
            outputs = trainee.predict(data.batches("test", codes=codes, batch_size=PREDICT_BATCH), verbose=0)
            predicted = data.predictions(outputs)
            scores = write_report(cfg, run.file("."), about, history=history, grouped_by=about["grouped_by"],
                                  votes=votes(data.test_clips, predicted) if vote else {}, **predicted)
            filters.draw(drawn, model.whole, run.file("filters.png"))
            print(f"report: {run.file('.')}")
            return {"scores": scores, "history": history, **more}

        return model.whole, history, score

    title = f"{module.TITLE}, linear heads" if stage == "linear" else module.TITLE
    facts = {"name": name, "model": name, "title": title, "pretext": module.PRETEXT,
             **_names(source), "release": release, "it": it, "seed": seed, "settings": settings,
             **({"hours": hours, "encoder": encoder.encoder_facts, **heard.of_transfer(encoder),
                 **heard.in_test(encoder, data.test_clips)} if encoder else {}),
             **({"vote": vote} if vote else {}), **data.facts}
    if not loop.run_stage(cfg, run, key=key, facts=facts, force=force, train=train):
        print(f"{run.stem}: finished already, see {run.file('report.txt')}")
    elsewhere.test(cfg, run, data, functools.partial(model.answer, run), votes if vote else None, encoder=encoder)
    return run


def _chosen(data, speech):
    """Settings that only a run has that was asked for them."""
    return {**({"normalize_groups": True} if data.setup.per_group else {}),
            **({"detect_speech": speech.names} if speech else {})}


def _vote(stage, recipe):
    """How patches answer for a clip, where it is not the mean of their probabilities."""
    if stage == "linear":
        return discriminant.VOTE
    return {"pooling": recipe.pooling, "hop_ms": recipe.vote_hop_ms} if recipe and recipe.vote_hop_ms else None


def _names(source):
    """`speech`, a code, and `speech_abbr` for tables, of the corpus that an encoder heard."""
    if source is None or source.KIND == "speech":
        return {"speech": source and source.CODE, "speech_abbr": source and source.ABBR}
    return {"speech": None, "speech_abbr": f"{source.KIND}_{source.ABBR}"}


def _fit(cfg, data, stage, model, codes, *, recipe, seed, key, run, speech):
    """Train, or solve linear heads: the epochs, and what run.json says besides."""
    if stage == "linear":
        return _solve(cfg, data, model, codes, seed=seed, speech=speech)
    known, unseen, n_epochs = _prepared(cfg, data, stage, model, codes, recipe=recipe, seed=seed)
    return loop.fit(model, known, unseen, cfg=cfg, folder=run.file("state"), key=key, epochs=n_epochs,
                    halve=recipe is None), {}


def _solve(cfg, data, model, codes, *, seed, speech):
    """Solve linear heads on the clips for training and validation: one epoch, and how certain they are."""
    rows = np.sort(np.concatenate([data.rows[side] for side in ("train", "val")]))
    clips, clip = np.unique(data.patches.clip[rows], return_inverse=True)
    groups = splits.joined(data.clips.group, data.clips.contents)
    solved = discriminant.fit(
        codes.gather(rows) if hasattr(codes, "gather") else codes[rows], clip,
        {task.name: task.targets(data.clips.labels[task.column][clips]) for task in data.tasks},
        data.tasks, [groups[one] for one in clips], patch_seconds=data.reads.actual_seconds,
        hop_seconds=data.patches.hop_rows / data.reads.of.rows_per_second, balanced=cfg.class_weights, seed=seed,
        speech=speech)
    for name, values in ((PLACE, solved.place), *solved.answers.items()):
        model.get_layer(name).set_weights(values)
    return [{"epoch": 0, "loss": solved.loss, "val_loss": solved.held_out_loss}], {
        "certainty": solved.certainty}


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
