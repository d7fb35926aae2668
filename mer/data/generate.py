"""Stage 1 as a whole: the audio of a corpus, or imported features -> store, split file, run.json."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mer import MerError, corpora, files, text
from mer.data import extract, hours_choice, imported, split_files, splits, store, store_split, subsets
from mer.data import folds as fold_files
from mer.data.datasets import load, split_about, stem, store_path
from mer.features import representations
from mer.features.representations import DEFAULT
from mer.weights import provenance


@dataclass(frozen=True)
class Generated:
    """What `run` did: `n_clips` and `hours` in the store, `skipped` (name, reason), `note` on the split."""

    path: object
    n_clips: int
    n_extracted: int
    hours: float
    skipped: list
    sides: dict
    note: str


def run(kind, code, cfg, *, labels=None, sounds=None, split=None, folds=None, hours=None, balance=False,
        force=False, encoding=None, features=DEFAULT):
    """Audio of one corpus -> store and split file.

    Parameters
    ----------
    kind : {"speech", "music"}
    code : str
        Language of the corpus: e, m, x, t, ...
    cfg : Config
    labels, sounds : str or None
        The user's own annotation csv and audio folder; they win over what is found.
    split : str or None
        The user's own split csv, or a word, see `store_split.settle`.
    folds : int or None
        Also cut the clips into so many folds (music).
    hours : float or None
        Take a part of so many hours (speech); only its clips are extracted.
    balance : bool
        Undersample every class to the smallest (music).
    force : bool
        Extract and draw again.
    encoding : str or None
        Of the annotations, where it is found wrongly.
    features : str
        Representation, a file name in mer/features/representations/. All share the split of the corpus.

    Returns
    -------
    Generated
    """
    corpus, of = corpora.get(kind, code), representations.get(features, cfg.values)
    _refuse(kind, hours=hours, folds=folds, balance=balance, split=split)
    if hasattr(corpus, "PARTS"):
        _refuse_of_mix(corpus, {"--path-labels": labels, "--encoding": encoding, "--path-sounds": sounds,
                                "--split": split})
        return _generate_mix(corpus, cfg, of, hours=hours, force=force)
    listing = list_corpus(corpus, cfg, labels=labels, sounds=sounds, encoding=encoding)
    with _locked(corpus, cfg):
        return _run(corpus, cfg, of, listing, split=split, folds=folds, hours=hours, balance=balance, force=force)


def _locked(corpus, cfg):
    """The lock of a corpus' store and splits: a second process waits, and then finds what the first one made."""
    return files.lock(store_path(corpus, cfg), doing=f"making the features of {corpus.NAME}")


def _run(corpus, cfg, of, listing, *, split, folds, hours, balance, force):
    if hours:
        return _generate_part(corpus, cfg, of, listing, hours=hours, force=force)
    note = ""
    if balance:
        listing, made, n_extracted, note = _extract_balanced(corpus, cfg, of, listing, force=force)
    else:
        made, n_extracted = _extract(corpus, cfg, of, listing, force=force)
    own = store_split.Own(**({"words": f"came with the labels ({listing.sides_from})"} if listing.sides_from else {}))
    return _finish(corpus, cfg, of, made, listing.clips, n_extracted=n_extracted, split=split, folds=folds, more=note,
                   own=own, force=force)


def _extract_balanced(corpus, cfg, of, listing, *, force):
    """Extract as many clips of every class: those that were chosen, the store, how many were extracted, a note.

    Which files are damaged shows only in extraction, and each of them is replaced by the next one of its class.
    """
    total = 0
    while True:
        chosen, note = subsets.balanced(listing, seed=cfg.seed)
        made, n_extracted = _extract(corpus, cfg, of, chosen, force=force)
        total += n_extracted
        failed = {clip.id for clip in chosen.clips} - set(made.ids)
        if not failed:
            return chosen, made, total, note
        usable = tuple(clip for clip in listing.clips if clip.id not in failed)
        listing, force = replace(listing, clips=usable, skipped=tuple(made.skipped)), False


def _refuse(kind, *, hours, folds, balance, split):
    """Raise MerError for what does not go together."""
    if kind == "music" and hours:
        raise MerError("--hours takes a part of the speech, and this is music: leave it out")
    if kind == "speech" and (folds or balance):
        raise MerError(f"--{'folds' if folds else 'balance'} needs classes, and speech has none: leave it out")
    if folds == 1:
        raise MerError("--folds 1 leaves nothing to test on: ask for 2 or more")
    if hours and split:
        raise MerError("--hours chooses the clips and their sides itself: leave --split out")


def _refuse_of_mix(corpus, options):
    given = next((flag for flag, value in options.items() if value), None)
    if given:
        parts = " and ".join(f"-l {code}" for code in corpus.PARTS)
        raise MerError(f"{given} is of one corpus, and {corpus.NAME} is made of several: leave it out, or run "
                       f"{parts} with it first")


def list_corpus(corpus, cfg, *, labels=None, sounds=None, encoding=None):
    """The clips of a corpus where `sounds`, a path from the working directory, or the settings say that it is."""
    setting = cfg.values.get(corpus.SETTING, "")
    override = Path(sounds).expanduser() if sounds else cfg.resolve(setting) if setting else None
    root = corpora.find_root(corpus, None if override else cfg.data_dir, override)
    listing = corpora.list_clips(corpus, root, labels=labels, encoding=encoding)
    if listing.others:
        print(f"note: in {text.printable(root)} {corpora.others_text(listing.others)}", file=sys.stderr)
    return listing


def _extract(corpus, cfg, of, listing, *, force):
    attributes = {"kind": corpus.KIND, "code": corpus.CODE, "name": corpus.NAME, "grouped_by": listing.grouped_by}
    return extract.build(store_path(corpus, cfg, of.name), listing, of=of, attributes=attributes, jobs=cfg.extract_jobs,
                         force=force)


def _finish(corpus, cfg, of, made, clips, *, n_extracted, split, folds, more, own, force):
    """Split, folds and run.json of a store that is complete."""
    by_id = {clip.id: clip for clip in clips}
    note = store_split.settle(cfg, made, clips=[by_id[name] for name in made.ids], wanted=split, more=more, own=own,
                        force=force)
    if folds:
        note = f"{note}; {fold_files.settle(cfg, made, folds, more=more, anew=force or split == store_split.DRAW)}"
    _write_run(corpus, cfg, of, clips=len(made.ids), skipped=len(made.skipped))
    return _generated(corpus, cfg, made.path, load(corpus.KIND, corpus.CODE, cfg, of=of), n_extracted=n_extracted,
                      skipped=made.skipped, note=note)


def _generated(corpus, cfg, path, clips, *, n_extracted, skipped, note):
    return Generated(path, len(clips), n_extracted, clips.seconds.sum() / 3600, skipped,
                     {side: int((clips.split == side).sum()) for side in splits.SPLITS}, note)


def _write_run(corpus, cfg, of, *, hours=None, **facts):
    """`<stem>.run.json`: the command, settings and versions behind a store or a list of clips.

    Of the settings that draw a split only those that this one was drawn with; "split" has the facts of it.
    """
    name = stem(corpus, hours=hours)
    split, fraction = split_about(cfg, name), "speech_test_fraction" if corpus.KIND == "speech" else "test_fraction"
    drawn = {"seed": split.get("seed"), fraction: split.get("test_fraction"), "val_fraction": split.get("val_fraction")}
    used = {key for key, value in drawn.items() if cfg.values[key] == value} | ({"seed"} if hours else set())
    about = provenance.describe(cfg, name=corpus.NAME, split=split, hours=hours,
                                settings=of.settings | {key: cfg.values[key] for key in drawn if key in used},
                                **facts)
    files.write_json(store_path(corpus, cfg, of.name, hours=hours).with_suffix(".run.json"), about)


def import_published(kind, code, cfg, folder, *, labels=None, split=None, folds=None):
    """Features that the authors of the published program hand out -> log-mel store and split file.

    Parameters
    ----------
    kind, code, cfg, split, folds
        As for `run`.
    folder : str
        Holds train_dataset.h5py and the like, see `mer.data.imported`.
    labels : str or None
        The annotation csv, where it is not beside them.

    Returns
    -------
    Generated
    """
    corpus = corpora.get(kind, code)
    if hasattr(corpus, "PARTS"):
        raise MerError(f"{corpus.NAME} has no features of its own: import its parts, then run generate_dataset.py "
                       f"-d s -l {code}")
    of = representations.get(DEFAULT, cfg.values)
    _refuse(kind, hours=None, folds=folds, balance=False, split=split)
    found = imported.read(folder, labels=labels, kind=kind, settings=of.settings, language=corpus.LANGUAGE)
    path = store_path(corpus, cfg)
    with _locked(corpus, cfg):
        files.remove_leftovers(path)
        made = store.write(path, clips=found.rows, rows=found.log_mel, skipped=found.skipped, of=of,
                           attributes={"kind": kind, "code": code, "name": corpus.NAME, "grouped_by": found.grouped_by})
        return _finish(corpus, cfg, of, made, found.clips, n_extracted=0, split=split, folds=folds, more=found.note,
                       own=store_split.Own("imported", "the corpus came with", found.about_sides), force=True)


# ---- subsets and mixtures: a list of clips over one store or several ---------------------------


def _generate_part(corpus, cfg, of, listing, *, hours, force):
    """Choose clips by the hours of their headers, extract what the store lacks, write the list."""
    held, failed = _held(corpus, cfg, of)
    chosen, about_split = hours_choice.choose(cfg, listing, hours, whole=stem(corpus), failed=failed)
    kept = tuple(clip for clip in listing.clips if clip.id in held | failed or clip.id in chosen)
    made, n_extracted = _extract(corpus, cfg, of, replace(listing, clips=kept), force=force)
    whole = store.ClipSet.of_store(made, [chosen.get(name, "") for name in made.ids])
    part, note = hours_choice.without_duplicates(whole.take(whole.split != ""), list(chosen))
    n_groups = len(set(part.group))
    evenly = f"evenly over {n_groups} {listing.grouped_by}{'s' * (n_groups != 1)}"
    absent = [side for side in splits.SPLITS if side not in part.split]
    empty = f"no clip in {' and '.join(absent)}: training wants more hours" if absent else ""
    note = "; ".join(filter(None, [f"{hours:g} h chosen with seed {cfg.seed}, {evenly}", about_split["note"], note,
                                   empty]))
    return _save_listed(corpus, cfg, of, part, part.ids, hours=hours, about={**about_split, "note": note},
                        n_extracted=n_extracted, skipped=made.skipped)


def _held(corpus, cfg, of):
    """Clips of a store, all of which stay in it for the whole corpus and other hours, and those that it left out.

    Of a damaged store, which is made anew, those that the split of the whole corpus names.
    """
    try:
        made = store.read(store_path(corpus, cfg, of.name))
    except MerError:
        table = split_files.paths(cfg, stem(corpus))[0]
        return set(split_files.rows(table) if table.exists() else ()), set()
    return set(made.ids), {name for name, _ in made.skipped}


def _save_listed(corpus, cfg, of, clips, names, *, hours, about, n_extracted, skipped):
    name = stem(corpus, hours=hours)
    columns = {"clip": list(names), "group": clips.group.tolist(), "label": [""] * len(clips)}
    split_files.record(cfg, name, columns, clips.split.tolist(), **about)
    _write_run(corpus, cfg, of, hours=hours, clips=len(clips), skipped=len(skipped))
    listed = load(corpus.KIND, corpus.CODE, cfg, of=of, hours=hours)
    return _generated(corpus, cfg, store_split.paths(cfg, name)[0], listed, n_extracted=n_extracted,
                      skipped=skipped, note=store_split.about(cfg, name)["note"])


def _generate_mix(corpus, cfg, of, *, hours, force):
    """Equal hours of every part, on every side."""
    share = hours / len(corpus.PARTS) if hours else None
    made = [run(corpus.KIND, code, cfg, hours=share, force=force, features=of.name) for code in corpus.PARTS]
    chosen = _equal_hours([load(corpus.KIND, code, cfg, of=of, hours=share) for code in corpus.PARTS], seed=cfg.seed)
    names = [f"{code}:{clip}" for code, part in zip(corpus.PARTS, chosen, strict=True) for clip in part.ids]
    note = "equal hours of each part on every side: " + ", ".join(
        f"{corpora.get(corpus.KIND, code).LANGUAGE} {part.seconds.sum() / 3600:.2f} h"
        for code, part in zip(corpus.PARTS, chosen, strict=True))
    mixed = chosen[0]
    for part in chosen[1:]:
        mixed = mixed + part
    with _locked(corpus, cfg):
        about = _about_mix(corpus, cfg, note, hours=share)
        return _save_listed(corpus, cfg, of, mixed, names, hours=hours, about=about,
                            n_extracted=sum(m.n_extracted for m in made),
                            skipped=[row for one in made for row in one.skipped])


def _about_mix(corpus, cfg, note, *, hours):
    """How the sides of a mixture came about: as those of its parts, of which the least strict is told as the kind."""
    parts = [corpora.get(corpus.KIND, code) for code in corpus.PARTS]
    known = [store_split.facts(cfg, stem(part, hours=hours)) for part in parts]
    told = next((facts for facts in known if facts["kind"] != "drawn" or facts["grouped_by"] == "clip"), known[0])
    notes = [f"{part.LANGUAGE}: {facts['note']}" for part, facts in zip(parts, known, strict=True)]
    return {"kind": told["kind"], "grouped_by": told["grouped_by"], "seed": cfg.seed, "note": "; ".join([note, *notes])}


def _equal_hours(parts, *, seed):
    """Per side, a seeded choice of clips so that no part has more seconds than the one that has least.

    In the order of `subsets.evenly`, so that a mixture of fewer hours is a part of one of more.
    """
    keep = [np.zeros(len(part), bool) for part in parts]
    for side in splits.SPLITS:
        orders = [np.array(subsets.evenly(np.flatnonzero(part.split == side), ids=part.ids, groups=part.group,
                                          seconds=part.seconds, seed=seed), int) for part in parts]
        target = min(part.seconds[order].sum() for part, order in zip(parts, orders, strict=True))
        for part, order, mask in zip(parts, orders, keep, strict=True):
            mask[order[np.cumsum(part.seconds[order]) <= target + 1e-6]] = True
    return [part.take(mask) for part, mask in zip(parts, keep, strict=True)]
