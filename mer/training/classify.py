"""train_mlp.py: classifiers of scikit-learn on named features of parts of clips; each task has its own pipeline."""

from dataclasses import replace

import numpy as np

from mer import MerError, classifiers, files
from mer.classifiers import parts, pipelines, ranking, stored
from mer.data import datasets, splits
from mer.tasks import PUBLISHED, TASKS
from mer.training import cards, elsewhere, setups
from mer.training.music import Music, write_report
from mer.weights import model_file, provenance

N_LISTED = 10  # features in run.json and report.txt; features.csv has all


def run(cfg, *, music, clf, features, labels=None, per_group=False, fold=None, it=0, force=False):
    """Train and report the classifiers of one run, or find it finished; then test it on other corpora.

    Parameters
    ----------
    cfg : Config
    music : str
        Of one corpus, or "x": all that have a store of these features.
    clf : str
        Of `classifiers.CLASSIFIERS`; `classifiers.BEST`: the one that cross-validation inside the training clips finds
        best, for each task.
    features : str
        A representation with named values.
    labels : int or None
        Train on so many labelled clips of the corpus that `music` names last, see `budget`.
    per_group : bool
        Normalize the features of every group, without labels, see `per_group`.
    fold : (int, int) or None
        Train and test on one fold: its number, counted from 1, and how many there are.
    it : int
        Number of the run; its seed is `cfg.seed + it`.
    force : bool
        Train again.

    Returns
    -------
    ModelFile
    """
    reads = parts.reads(features, cfg.values)
    steps = setups.parse(music, datasets.present("music", cfg, features))
    if len(steps) > 1:
        raise MerError(f"-m {music} trains one corpus after the other, and a scikit-learn model cannot go on: name one "
                       "corpus, or x for all together")
    data = Music(cfg, steps, reads, fold=fold, tasks=with_classes(), labels=labels, per_group=per_group,
                 seed=cfg.seed + it)
    name = f"{clf}_{features}"
    run = model_file.fitted_run(cfg, data.setup.LANGUAGE, name, it, fold=data.fold_name)
    # A prediction over time reads no longer windows than the parts were: whole clips are shorter than an hour.
    window = replace(reads, n_rows=min(reads.n_rows, data.patches.most_rows))
    settings = relevant_settings(cfg, clf, window) | ({"normalize_groups": True} if per_group else {})
    key = files.key_of(name, cfg.seed + it, settings, data.fingerprint,
                       *([task.name, task.column, task.labels] for task in data.tasks if data.tasks != PUBLISHED))
    with run.locked("training"):
        if run.is_finished(key, settings, force=force):
            print(f"{run.stem}: finished already, see {run.file('report.txt')}")
        else:
            print(f"{run.path.parent.name}/{run.stem}")
            facts = {"name": name, "model": name, "title": f"{classifiers.title(clf)}, {reads.of.TITLE}",
                     "pretext": None, "speech": None, "speech_abbr": None, "release": None, "it": it,
                     "seed": cfg.seed + it, "settings": settings, **data.facts, "key": key}
            _train(cfg, run, data, clf, facts)
    elsewhere.test(cfg, run, data,
                   lambda opened, rows: answers(run.pipelines(), opened.patches.values[rows], data.tasks))
    return run


def with_classes():
    """The tasks that a classifier can answer."""
    return tuple(task for task in TASKS if task.classes)


def relevant_settings(cfg, clf, reads):
    """What a fitted model depends on; the options of a classifier too, so that a new value is another run."""
    names = classifiers.COMPARED if clf == classifiers.BEST else (clf,)
    made = {"classifiers": {name: classifiers.get(name).facts for name in names}}
    if any(classifiers.get(name).is_compared for name in names):
        made["selected_features"] = cfg.selected_features
    if clf == classifiers.BEST:
        made["comparison_folds"] = cfg.comparison_folds
    if clf == "svm":
        made |= {"svm_folds": cfg.svm_folds, "svm_grid": [pipelines.SVM_C, pipelines.SVM_GAMMA]}
    return files.rounded({**reads.exact, **made}, 9)


def training_of(cfg, data, task, seed):
    """Parts for training (those for validation, too: nothing is stopped early) with a label of a task.

    Parameters
    ----------
    cfg : Config
    data : music.Music
    task : Task
    seed : int

    Returns
    -------
    pipelines.Training
    """
    rows = np.sort(np.concatenate([data.rows["train"], data.rows["val"]]))
    rows = rows[task.is_labelled(data.targets[task.name][rows])]
    groups = np.array(splits.joined(data.clips.group, data.clips.contents), str)
    clip = data.patches.clip[rows]
    return pipelines.Training(data.patches.values[rows], data.targets[task.name][rows], clip, groups[clip],
                              len(task.classes), seed, cfg.selected_features, cfg.svm_folds)


def answers(fitted, values, tasks):
    """Features (n, width) -> {task: probabilities (n, classes)}."""
    return {task.name: pipelines.probabilities(fitted[task.name], values, task.units) for task in tasks}


def _train(cfg, run, data, clf, facts):
    """Compare where it is asked for, fit, test, and write what belongs to the run; run.json comes last."""
    fitted, comparison, chosen, chi2 = {}, {}, {}, {}
    for task in data.tasks:
        known = training_of(cfg, data, task, facts["seed"])
        names = data.reads.of.feature_names
        chi2[task.name] = ranking.relevance(ranking.scaled(known.values), known.classes)
        name = clf
        if clf == classifiers.BEST:
            comparison[task.name] = pipelines.compare(known, n_folds=cfg.comparison_folds)
            name = comparison[task.name][0]["classifier"]
        fitted[task.name], choice = pipelines.fit(name, known)
        chosen[task.name] = {"classifier": name, "title": classifiers.title(name), **choice}
        n_clips = len(np.unique(known.clip))
        print(f"  {task.name}: {classifiers.title(name)}, {len(known.clip)} parts of {n_clips} clips for training")
    run.begin_saving()
    files.remove_leftovers(run.file("features.csv"))
    files.write_bytes(run.path, stored.write(fitted))
    best = {task: [[names[i], round(float(values[i]), 4)] for i in _order(values)[:N_LISTED]]
            for task, values in chi2.items()}
    files.write_csv(run.file("features.csv"), ("task", "rank", "feature", "chi2"), (
        (task, rank, names[i], f"{values[i]:.6g}") for task, values in chi2.items()
        for rank, i in enumerate(_order(values), start=1)))
    about = provenance.describe(cfg, **facts, weights_sha256=files.sha256(run.path), comparison=comparison,
                                chosen=chosen, best_features=best)
    outputs = answers(fitted, data.patches.values[data.rows["test"]], data.tasks)
    scores = write_report(cfg, run.file("."), about, grouped_by=about["grouped_by"], **data.predictions(outputs))
    print(f"report: {run.file('.')}")
    about |= {"scores": scores}
    cards.write(run.file("."), about)
    files.write_json(run.file("run.json"), about)


def _order(values):
    """Indices of features, the best first; equal ones as they come."""
    return np.argsort(-values, kind="stable")
