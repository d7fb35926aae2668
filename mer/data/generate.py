"""Stage 1 as a whole: the audio of a corpus, or imported features -> store, split file, run.json."""

import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from mer import MerError, corpora, files, text
from mer.data import extract, imported, split_files, splits, store, store_split, subsets
from mer.data.datasets import stem, store_path
from mer.features import representations
from mer.features.representations import DEFAULT
from mer.weights import provenance


@dataclass(frozen=True)
class Generated:
    """What `run` did: the `clips` with their split, `skipped` (name, reason), `about` the split and the `folds`."""

    path: Path
    clips: store.ClipSet
    n_extracted: int
    skipped: list
    about: dict
    folds: dict = field(default_factory=dict)

    @property
    def n_clips(self) -> int:
        return len(self.clips)

    @property
    def hours(self) -> float:
        return self.clips.seconds.sum() / 3600

    @property
    def counts(self) -> dict[str, int]:
        """Clips in train, val and test."""
        counts = Counter(self.clips.split.tolist())
        return {name: counts[name] for name in splits.SPLITS}

    @property
    def note(self) -> str:
        """What to say of the split and the folds."""
        odd = f", uneven in {', '.join(map(str, self.folds['uneven']))}" if self.folds.get("uneven") else ""
        folds = [f"{self.folds['n_folds']} folds, grouped by {self.folds['grouped_by']}{odd}"] if self.folds else []
        return "; ".join([self.about["note"], *folds])


def run(kind, code, cfg, *, labels=None, sounds=None, split=None, folds=None, hours=None, balance=False,
        force=False, encoding=None, features=DEFAULT):
    """Audio of one corpus -> store and split file.

    Parameters
    ----------
    kind : {"speech", "music", "noise"}
        "noise": of each clip of the speech of that code, noise is made, see `mer.features.noise`.
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
    _refuse(corpus, hours=hours, folds=folds, balance=balance, split=split, of_one={} if not corpus.PARTS else {
        "--path-labels": labels, "--encoding": encoding, "--path-sounds": sounds, "--split": split})
    if corpus.PARTS:
        return _run_mix(corpus, cfg, of, hours=hours, force=force)
    root = corpora.locate(corpus, cfg, sounds)
    listing = corpora.list_clips(corpus, root, labels=labels, encoding=encoding)
    if listing.others:
        print(f"note: in {text.printable(root)} {corpora.others_text(listing.others)}", file=sys.stderr)
    with _locked(corpus, cfg):
        if hours:
            return _run_hours(corpus, cfg, of, listing, hours=hours, force=force)
        chosen, extra, total, again = listing, {}, 0, force
        while True:  # which files are damaged shows only in extraction: the next one of its class replaces each
            if balance:
                chosen, facts = subsets.balanced(listing, seed=cfg.seed)
                extra = {"balanced": facts}
            stored, n_extracted = _extract(corpus, cfg, of, chosen, force=again)
            total += n_extracted
            failed = {clip.id for clip in chosen.clips} - set(stored.ids)
            if not (balance and failed):
                break
            usable = tuple(clip for clip in listing.clips if clip.id not in failed)
            listing, again = replace(listing, clips=usable, skipped=tuple(stored.skipped)), False
        own = {"kind": "published", "file": listing.split_csv} if listing.split_csv else None
        return _finish(corpus, cfg, of, stored, chosen.clips, n_extracted=total, split=split, folds=folds, extra=extra,
                       own=own, force=force)


def _locked(corpus, cfg):
    """The lock of a corpus' store and splits: a second process waits, and then uses what the first one wrote.

    Corpora of the same people share it, since the split of one follows that of the other.
    """
    return files.lock(cfg.features_dir / corpus.PEOPLE if corpus.PEOPLE else store_path(corpus, cfg),
                      doing=f"making the features of {corpus.NAME}")


def _refuse(corpus, *, hours, folds, balance, split, of_one):
    """Raise MerError for what does not go together; `of_one` are options that a mixture does not take."""
    if corpus.KIND == "music" and hours:
        raise MerError("--hours takes a part of the speech, and this is music: leave it out")
    if corpus.KIND != "music" and (folds or balance):
        raise MerError(f"--{'folds' if folds else 'balance'} needs classes, and {corpus.KIND} has none: leave it out")
    if folds == 1:
        raise MerError("--folds 1 leaves nothing to test on: ask for 2 or more")
    if hours and split:
        raise MerError("--hours chooses the clips and their split itself: leave --split out")
    given = next((flag for flag, value in of_one.items() if value), None)
    if given:
        raise MerError(f"{given} is of one corpus, and {corpus.NAME} is made of several: leave it out, or run "
                       f"{' and '.join(f'-l {code}' for code in corpus.PARTS)} with it first")


def _extract(corpus, cfg, of, listing, *, force):
    attributes = {"kind": corpus.KIND, "code": corpus.CODE, "name": corpus.NAME, "grouped_by": listing.grouped_by}
    return extract.build(store_path(corpus, cfg, of.name), listing, of=of, attributes=attributes, jobs=cfg.extract_jobs,
                         force=force)


def _finish(corpus, cfg, of, stored, clips, *, n_extracted, split, folds, extra, own=None, gap=None, force):
    """Split, folds and run.json of a store that is complete."""
    by_id = {clip.id: clip for clip in clips}
    split_of, about = store_split.settle(cfg, stored, clips=[by_id[name] for name in stored.ids], wanted=split,
                                         extra=extra, own=own, gap=gap, force=force)
    cut = store_split.settle_folds(cfg, stored, folds, extra=extra,
                                   anew=force or split == store_split.DRAW) if folds else {}
    _write_run(corpus, cfg, of, about, clips=len(stored.ids), skipped=len(stored.skipped))
    return Generated(stored.path, store.ClipSet.of_store(stored, split_of), n_extracted, stored.skipped, about, cut)


def _write_run(corpus, cfg, of, about, *, hours=None, **facts):
    """`<stem>.run.json`: the command, settings and versions behind a store or a list of clips.

    Of the settings that draw a split only those that this one was drawn with; "split" has the facts of it.
    """
    fraction = "test_fraction" if corpus.KIND == "music" else "speech_test_fraction"
    drawn = {"seed": about.get("seed"), fraction: about.get("test_fraction"), "val_fraction": about.get("val_fraction")}
    used = {key for key, value in drawn.items() if cfg.values[key] == value} | ({"seed"} if hours else set())
    path = store_path(corpus, cfg, of.name, hours=hours).with_suffix(".run.json")
    files.write_json(path, provenance.describe(
        cfg, name=corpus.NAME, split=about, hours=hours,
        settings=of.settings | {key: cfg.values[key] for key in drawn if key in used}, **facts))


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
    if kind == "noise":
        raise MerError("noise is made of audio, and --import-published brings features: leave one of the two out")
    if corpus.PARTS:
        raise MerError(f"{corpus.NAME} has no features of its own: import its parts, then run generate_dataset.py "
                       f"-d s -l {code}")
    of = representations.get(DEFAULT, cfg.values)
    _refuse(corpus, hours=None, folds=folds, balance=False, split=split, of_one={})
    published = imported.read(folder, labels=labels, kind=kind, settings=of.settings, language=corpus.LANGUAGE)
    path = store_path(corpus, cfg)
    with _locked(corpus, cfg):
        files.remove_leftovers(path)
        stored = store.write(path, clips=published.rows, rows=published.log_mel, skipped=published.skipped, of=of,
                             attributes={"kind": kind, "code": code, "name": corpus.NAME,
                                         "grouped_by": published.grouped_by})
        return _finish(corpus, cfg, of, stored, published.clips, n_extracted=0, split=split, folds=folds,
                       extra={"imported_from": published.folder}, own={"kind": "imported"}, gap=published.gap,
                       force=True)


# ---- subsets and mixtures: a list of clips over one store or several ---------------------------


def _run_hours(corpus, cfg, of, listing, *, hours, force):
    """Choose clips by the hours of their headers, extract what the store lacks, write the list."""
    try:  # all clips of the store stay in it for the whole corpus and other hours
        stored = store.read(store_path(corpus, cfg, of.name))
        held, failed = set(stored.ids), {name for name, _ in stored.skipped}
    except MerError:  # it is made anew, of the clips that the split of the whole corpus names
        table = split_files.paths(cfg, stem(corpus))[0]
        held, failed = set(split_files.rows(table) if table.exists() else ()), set()
    chosen, facts = subsets.hours_of(cfg, listing, hours, whole=stem(corpus), failed=failed)
    kept = tuple(clip for clip in listing.clips if clip.id in held | failed or clip.id in chosen)
    stored, n_extracted = _extract(corpus, cfg, of, replace(listing, clips=kept), force=force)
    whole = store.ClipSet.of_store(stored, [chosen.get(name, "") for name in stored.ids])
    named = whole.take(whole.split != "")
    part = subsets.without_duplicates(named, list(chosen))
    facts |= {"chosen": {"hours": hours, "seed": cfg.seed, "n_groups": len(set(part.group)),
                         "groups": listing.grouped_by},
              "n_duplicates": len(named) - len(part),
              "empty": [name for name in splits.SPLITS if name not in part.split]}
    return _finish_list(corpus, cfg, of, part, part.ids, hours=hours, facts=facts, n_extracted=n_extracted,
                        skipped=stored.skipped)


def _run_mix(corpus, cfg, of, *, hours, force):
    """Equal hours of every part, in every split."""
    share = hours / len(corpus.PARTS) if hours else None
    generated = [run(corpus.KIND, code, cfg, hours=share, force=force, features=of.name) for code in corpus.PARTS]
    chosen = subsets.equal_hours([one.clips for one in generated], seed=cfg.seed)
    names = [f"{code}:{clip}" for code, part in zip(corpus.PARTS, chosen, strict=True) for clip in part.ids]
    mixed = chosen[0]
    for part in chosen[1:]:
        mixed = mixed + part
    known = [split_files.facts(cfg, stem(corpora.get(corpus.KIND, code), hours=share)) for code in corpus.PARTS]
    # the kind of the mixture is that of its least strict part
    least = next((facts for facts in known if facts["kind"] != "drawn" or facts["grouped_by"] == "clip"), known[0])
    facts = {"kind": least["kind"], "grouped_by": least["grouped_by"], "seed": cfg.seed, "parts": [
        {"language": corpora.get(corpus.KIND, code).LANGUAGE, "hours": float(part.seconds.sum() / 3600),
         "split": {key: value for key, value in facts.items() if key != "left"}}
        for code, part, facts in zip(corpus.PARTS, chosen, known, strict=True)]}
    with _locked(corpus, cfg):
        return _finish_list(corpus, cfg, of, mixed, names, hours=hours, facts=facts,
                            n_extracted=sum(one.n_extracted for one in generated),
                            skipped=[row for one in generated for row in one.skipped])


def _finish_list(corpus, cfg, of, clips, names, *, hours, facts, n_extracted, skipped):
    """Split file and run.json of a list of clips."""
    name, split = stem(corpus, hours=hours), clips.split.tolist()
    columns = {"clip": list(names), "group": clips.group.tolist(), "label": [""] * len(clips)}
    facts = split_files.record(cfg, name, columns, split, facts)
    about = split_files.examined(facts, columns["clip"], columns["group"], split)
    _write_run(corpus, cfg, of, about, hours=hours, clips=len(clips), skipped=len(skipped))
    return Generated(split_files.paths(cfg, name)[0], clips, n_extracted, skipped, about)
