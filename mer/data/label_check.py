"""Whether a run was made with the labels, clips and split that the stores hold today."""

from mer import MerError, corpora
from mer.data import datasets, store
from mer.tasks import QUADRANTS


def outdated(cfg, reports, held) -> dict:
    """Sentences on what has changed since each model was trained.

    The clips of every test set are looked up in the store of its music, `features/music_<language>.h5`. Labels that
    were edited since are in there once generate_dataset.py has run again.

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
    labels, data, found = {}, {}, {}
    for report in reports:
        run, folder = report["run"], report["folder"]
        code, n_folds = run.get("music"), run.get("folds")
        if code is None or folder not in held or run.get("corpus") != ("demo" if cfg.is_demo else "real"):
            continue
        if code not in labels:
            labels[code] = _labels(code, cfg)
        if (code, n_folds) not in data:
            data[code, n_folds] = _fingerprint(code, cfg, n_folds)
        if labels[code] is None:
            continue
        sentences = _changed(held[folder], labels[code])
        if not sentences and data[code, n_folds] and run.get("data") not in (None, data[code, n_folds]):
            sentences = ["Clips, labels, split or features of the corpus have changed since this model was trained: "
                         "train again with --force before you compare it with newer ones."]
        if sentences:
            found[folder] = sentences
    return found


def _changed(held, labels):
    """Sentences on test clips whose label is another one in the store, or that are not in it."""
    then = {clip: QUADRANTS[index] for clip, index in zip(held.clips, held.quadrant, strict=True)}
    gone = sorted(clip for clip in then if clip not in labels)
    moved = sorted(clip for clip in then if clip in labels and labels[clip] != then[clip])
    sentences = []
    if moved:
        clip = moved[0]
        sentences.append(f"{len(moved)} of {len(then)} test clips have another label today (for example {clip}: "
                         f"{then[clip]} then, {labels[clip] or 'none'} now). This result is about the old labels: "
                         "train again with --force.")
    if gone:
        sentences.append(f"{len(gone)} of {len(then)} test clips are no longer in the corpus (for example {gone[0]}): "
                         "train again with --force.")
    return sentences


def _labels(code, cfg):
    """Clip -> label in the store of a music corpus today; None where there is no store that can be read."""
    try:
        columns = store.read(datasets.store_path(corpora.get("music", code), cfg)).columns
    except MerError:
        return None
    return dict(zip(columns["clip"], columns["label"], strict=True))


def _fingerprint(code, cfg, n_folds):
    """What a run on this corpus would be made of today; None where it cannot be told."""
    try:
        return datasets.load("music", code, cfg, fold=(1, n_folds) if n_folds else None).fingerprint()
    except MerError:
        return None
