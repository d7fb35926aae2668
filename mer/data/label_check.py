"""Whether a run was made with the labels, clips and split that the stores hold today."""

from types import SimpleNamespace

from mer import MerError, corpora
from mer.data import datasets, store
from mer.evaluation.report_text import WITHIN, answered
from mer.features import representations
from mer.features.representations import DEFAULT, NAME
from mer.tasks import columns_read


def outdated(cfg, reports, held) -> dict:
    """Sentences on what has changed since each model was trained.

    The clips of every test set are looked up in the store of its music that the model reads. Labels that were edited
    since are in there once generate_dataset.py has run again.

    Parameters
    ----------
    cfg : Config
    reports : sequence of dict
        From `mer.evaluation.results.find`.
    held : dict
        From `mer.evaluation.compare.read_predictions`.

    Returns
    -------
    dict of pathlib.Path -> list of str
        Folder of the run -> how many test clips have other labels or are gone; or, where the test clips are as they
        were, that training and validation clips, their labels, the split or the features are not. Other runs are left
        out.
    """
    labels, data, changed = {}, {}, {}
    for report in reports:
        run, folder = report["run"], report["folder"]
        code, n_folds = run.get("tested", run.get("music")), run.get("folds")
        if code is None or folder not in held or run.get("corpus") != ("demo" if cfg.is_demo else "real"):
            continue
        stored = code, (run.get("settings") or {}).get(NAME, DEFAULT)
        if stored not in labels:
            labels[stored] = _labels(cfg, *stored)
        read = *stored, n_folds, tuple(columns_read(answered(report)))
        if read not in data:
            data[read] = _fingerprint(cfg, *read)
        if labels[stored] is None:
            continue
        sentences = _changed(held[folder], labels[stored])
        is_within = run.get("role", WITHIN) == WITHIN  # otherwise its training data are of other corpora, too
        if not sentences and is_within and data[read] and run.get("data") not in (None, data[read]):
            sentences = ["Clips, labels, split or features of the corpus have changed since this model was trained: "
                         "train again with --force before you compare it with newer ones."]
        if sentences:
            changed[folder] = sentences
    return changed


def _changed(held, now):
    """Sentences on test clips with another label in the store today, or that are not in it."""
    gone = sorted(clip for clip in held.clips if clip not in now.number)
    rows = [now.number[clip] for clip in held.clips if clip in now.number]
    moved = {}
    for task in held.tasks:
        today = task.targets(now.labels[task.column][rows])
        then = held.truth[task.name][[clip in now.number for clip in held.clips]]
        for row, one, other in zip(rows, then, today, strict=True):
            if task.is_labelled(one) != task.is_labelled(other) or abs(one - other) > 1e-6:  # NaN differs from nothing
                moved.setdefault(now.ids[row], (task, one, other))
    sentences = []
    if moved:
        clip = min(moved)
        task, one, other = moved[clip]
        words = [(task.classes[value] if task.classes else f"{value:g}") if task.is_labelled(value) else "none"
                 for value in (one, other)]
        sentences.append(f"{len(moved)} of {len(held.clips)} test clips have another label today (for example {clip}: "
                         f"{words[0]} then, {words[1]} now). This result is about the old labels: train again with "
                         "--force.")
    if gone:
        sentences.append(f"{len(gone)} of {len(held.clips)} test clips are no longer in the corpus (for example "
                         f"{gone[0]}): train again with --force.")
    return sentences


def _labels(cfg, code, features):
    """The clips of a music corpus today, and their number by name; None where there is no store that can be read."""
    try:
        held = store.read(datasets.store_path(corpora.get("music", code), cfg, features))
    except MerError:
        return None
    clips = store.ClipSet.of_store(held, [""] * len(held.ids))
    return SimpleNamespace(ids=clips.ids, labels=clips.labels, number={clip: i for i, clip in enumerate(clips.ids)})


def _fingerprint(cfg, code, features, n_folds, columns):
    """What a run on this corpus would be made of today; None where that is unknown."""
    try:
        of = representations.get(features, cfg.values)
        clips = datasets.load("music", code, cfg, of=of, fold=(1, n_folds) if n_folds else None)
    except MerError:
        return None
    return clips.fingerprint(columns=columns)
