"""Corpora as the scripts name them: `generate` makes store and split, `load` opens them for training.

Beside each store, `<kind>_<language>.h5`, stand

- `<kind>_<language>.splits.csv` (clip, group, label, split): the truth about the sides; edit it and yours wins;
- `<kind>_<language>.splits.json`: how the sides came about, and the hash of the csv that was drawn;
- `<kind>_<language>.run.json`: the command, settings and versions behind the store.

A mixture (`-l x`) has no store: its split file names clips of the parts' stores.
"""

import hashlib
import json
import os
from dataclasses import dataclass

import numpy as np

from mer import MerError, corpora, extract, splits, store, tables, weights


@dataclass(frozen=True)
class Generated:
    """What `generate` did: `n_clips` and `hours` in the store, `skipped` (name, reason), `note` on the split."""

    path: object
    n_clips: int
    n_extracted: int
    hours: float
    skipped: list
    sides: dict
    note: str


def stem(corpus):
    """Name of a corpus' files: speech_english, music_mandarin, ..."""
    return f"{corpus.KIND}_{corpus.LANGUAGE}"


def generate(kind, code, cfg, *, labels=None, sounds=None, split_file=None, force=False):
    """Audio of one corpus -> log-mel store and split file.

    Parameters
    ----------
    kind : {"speech", "music"}
    code : str
        Language of the corpus: e, m, x, t, ...
    cfg : Config
    labels, sounds, split_file : str or None
        The user's own annotation csv, audio folder and split csv; they win over what is found.
    force : bool
        Extract and draw again.

    Returns
    -------
    Generated
    """
    corpus = corpora.get(kind, code)
    if hasattr(corpus, "PARTS"):
        return _generate_mix(corpus, cfg, force=force)
    override = sounds or cfg.values.get(corpus.SETTING, "")
    root = corpora.find_root(corpus, None if override else cfg.data_dir, cfg.resolve(override) if override else None)
    listing = corpora.list_clips(corpus, root, labels=labels)
    path = cfg.features_dir / f"{stem(corpus)}.h5"
    attributes = {"kind": kind, "code": code, "name": corpus.NAME, "grouped_by": listing.grouped_by}
    made, n_extracted = extract.build(path, listing, cfg=cfg, attributes=attributes, force=force)
    by_id = {clip.id: clip for clip in listing.clips}
    note = _draw_split(made, cfg, clips=[by_id[name] for name in made.ids], split_file=split_file, force=force)
    _write_run(cfg, made, settings={**cfg.feature_settings, "seed": cfg.seed, "val_fraction": cfg.val_fraction,
                                    "test_fraction": cfg.test_fraction})
    clips = load(kind, code, cfg)
    return Generated(path, len(made.ids), n_extracted, made.columns["seconds"].sum() / 3600, made.skipped,
                     _sides(clips), note)


def _write_run(cfg, made, *, settings):
    """`<store>.run.json`: the command, settings and versions that made the store."""
    about = weights.describe(cfg, command=weights.command_line(), settings=settings, name=made.attributes["name"],
                             clips=len(made.ids), skipped=len(made.skipped), split=split_about(cfg, made.path.stem))
    weights.write_json(made.path.with_suffix(".run.json"), about)


def _sides(clips):
    return {side: int((clips.split == side).sum()) for side in splits.SPLITS}


def _split_paths(cfg, name):
    return cfg.features_dir / f"{name}.splits.csv", cfg.features_dir / f"{name}.splits.json"


def _draw_split(made, cfg, *, clips, split_file, force):
    """Write the split of a store unless a good one is there; returns one sentence about it."""
    table, about = _split_paths(cfg, made.path.stem)
    columns = made.columns
    if split_file:
        split = splits.load(split_file, made.ids)
        return _save_split(table, about, columns, split, kind="given", grouped_by="given",
                           note=f"the split is the given file {os.path.basename(split_file)}", seed=None)
    if table.exists() and not force and _covers(table, columns["clip"]):
        return split_about(cfg, made.path.stem)["note"]
    given = splits.published(clips)
    if given is not None:
        return _save_split(table, about, columns, given, kind="published", grouped_by="published",
                           note="the split is the one that the corpus publishes", seed=None)
    fraction = cfg.speech_test_fraction if made.attributes["kind"] == "speech" else cfg.test_fraction
    drawn = splits.draw(ids=columns["clip"], groups=columns["group"], labels=columns["label"], seed=cfg.seed,
                        test_fraction=fraction, val_fraction=cfg.val_fraction,
                        grouped_by=made.attributes["grouped_by"])
    note = "; ".join(filter(None, [f"the split was drawn with seed {cfg.seed}, grouped by {drawn.grouped_by}",
                                   drawn.note, splits.published_gap(clips)]))
    return _save_split(table, about, columns, drawn.split, kind="drawn", grouped_by=drawn.grouped_by, note=note,
                       seed=cfg.seed)


def _covers(table, ids):
    """True where the split file names all these clips; otherwise it is kept under another name."""
    named = {cells.get("clip") for _, cells in tables.read(table).rows}
    if set(ids) <= named:
        return True
    kept = table.with_suffix(".old.csv")
    os.replace(table, kept)
    print(f"the clips have changed: a new split is drawn, the old one is kept as {kept.name}")
    return False


def _save_split(table, about, columns, split, *, note, **facts):
    splits.save(table, columns["clip"], columns["group"], columns["label"], split)
    facts.update(note=note, sha256=_sha256(table))
    weights.write_json(about, facts)
    return note


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def split_about(cfg, name):
    """How the split of a store came about: kind (drawn, published, given), grouped_by, note, seed, sha256.

    A group that stands on two sides is said in the note, and so in every report.
    """
    table, about = _split_paths(cfg, name)
    try:
        facts = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        facts = {}
    if facts.get("sha256") != _sha256(table):
        facts = {"kind": "given", "grouped_by": "given", "seed": None, "sha256": _sha256(table),
                 "note": f"the split is {table.name} as the user left it"}
    leak = _leak(table) if facts["kind"] != "drawn" else ""
    return {**facts, "note": "; ".join(filter(None, [facts["note"], leak]))}


def _leak(table):
    rows = [cells for _, cells in tables.read(table).rows]
    try:
        splits.check(*([row.get(name) or row["clip"] for row in rows] for name in ("clip", "group", "split")))
    except MerError as error:
        return str(error)
    return ""


def load(kind, code, cfg):
    """Open a corpus for training.

    Returns
    -------
    store.ClipSet
        All clips with their sides; mixtures span the stores of their parts.

    Raises
    ------
    MerError
        Store or split file missing, or a clip without a side.
    """
    corpus = corpora.get(kind, code)
    if hasattr(corpus, "PARTS"):
        return _load_mix(corpus, cfg)
    path = cfg.features_dir / f"{stem(corpus)}.h5"
    if not path.exists():
        flags = f"-d {kind[0]} -l {code}"
        raise MerError(f"{path.name} is not in {path.parent}: run 'python3 generate_dataset.py {flags}' first")
    made = store.read(path, settings=cfg.feature_settings)
    table, _ = _split_paths(cfg, path.stem)
    if not table.exists():
        raise MerError(f"{table} does not exist: run generate_dataset.py again, it draws the split")
    return store.ClipSet.of_store(made, splits.load(table, made.ids))


def refuse_empty(sides):
    """Raise MerError where a side of the split (name to patches) has none."""
    empty = [side for side, patches in sides.items() if not len(patches)]
    if empty:
        raise MerError(f"the split leaves no clips for {' and '.join(empty)}: give it more clips, or a split file with "
                       "generate_dataset.py --split")


# ---- mixtures ---------------------------------------------------------------------------------


def _generate_mix(corpus, cfg, *, force):
    parts = []
    for code in corpus.PARTS:
        generate(corpus.KIND, code, cfg, force=force)
        parts.append(load(corpus.KIND, code, cfg))
    chosen = _equal_hours(parts, seed=cfg.seed)
    table, about = _split_paths(cfg, stem(corpus))
    names = [f"{code}:{clip}" for code, part in zip(corpus.PARTS, chosen, strict=True) for clip in part.ids]
    columns = {"clip": names, "group": [g for part in chosen for g in part.group], "label": [""] * len(names)}
    split = [side for part in chosen for side in part.split]
    hours = [part.seconds.sum() / 3600 for part in chosen]
    note = "equal hours of each part on every side: " + ", ".join(
        f"{corpora.get(corpus.KIND, code).LANGUAGE} {h:.2f} h" for code, h in zip(corpus.PARTS, hours, strict=True))
    _save_split(table, about, columns, split, kind="drawn", grouped_by="speaker", note=note, seed=cfg.seed)
    return Generated(table, len(names), 0, sum(hours), [], _sides(_load_mix(corpus, cfg)), note)


def _equal_hours(parts, *, seed):
    """Per side, a seeded choice of clips so that no part has more seconds than the one that has least."""
    rng = np.random.default_rng(seed)
    keep = [np.zeros(len(part), bool) for part in parts]
    for side in splits.SPLITS:
        orders = [rng.permutation(np.flatnonzero(part.split == side)) for part in parts]
        target = min(part.seconds[order].sum() for part, order in zip(parts, orders, strict=True))
        for part, order, mask in zip(parts, orders, keep, strict=True):
            mask[order[np.cumsum(part.seconds[order]) <= target + 1e-6]] = True
    return [part.take(mask) for part, mask in zip(parts, keep, strict=True)]


def _load_mix(corpus, cfg):
    table, _ = _split_paths(cfg, stem(corpus))
    if not table.exists():
        raise MerError(f"{table.name} is not in {table.parent}: "
                       f"run 'python3 generate_dataset.py -d {corpus.KIND[0]} -l {corpus.CODE}' first")
    parts = []
    for code in corpus.PARTS:
        part = load(corpus.KIND, code, cfg)
        named = _mix_rows(table, f"{code}:")
        place = {clip: i for i, clip in enumerate(part.ids)}
        missing = [clip for clip in named if clip not in place]
        if missing:
            raise MerError(f"{table.name} names {missing[0]}, which is no longer in the store: "
                           f"run 'python3 generate_dataset.py -d {corpus.KIND[0]} -l {corpus.CODE}' again")
        part = part.take(np.array([place[clip] for clip in named], int))
        part.split[:] = list(named.values())
        parts.append(part)
    mixed = parts[0]
    for part in parts[1:]:
        mixed = mixed + part
    return mixed


def _mix_rows(table, prefix):
    return {cells["clip"][len(prefix):]: tables.split_name(cells["split"]) for _, cells in tables.read(table).rows
            if cells["clip"].startswith(prefix)}
