"""The split of one store: found, given, drawn or cut into folds; saved beside it, with how it came about.

Beside each store, `<kind>_<language>.h5`, stand

- `<stem>.splits.csv` (clip, group, label, split): the truth about the sides; edit it and yours wins;
- `<stem>.splits.json`: how the sides came about, and the hash of the csv that was drawn;
- `<stem>.fold_1of5.splits.csv` and `.json`, ...: cross-validation.

A subset (`3h_speech_english`) or a mixture (`speech_mix`) has only these two files: they name clips of stores.
"""

import hashlib
import json
import os

from mer import MerError, split_files, splits, tables, weights

DRAW, PUBLISHED = "draw", "published"  # words that --split takes instead of a file


def paths(cfg, name):
    """The csv and the json of a split, by the stem of their names."""
    return cfg.features_dir / f"{name}.splits.csv", cfg.features_dir / f"{name}.splits.json"


def fold_stem(name, number, n_folds):
    """Stem of the files of one fold; `number` counts from 1."""
    return f"{name}.fold_{number}of{n_folds}"


def settle(cfg, made, *, clips, wanted=None, more="", own="published", force=False):
    """Write the split of a store, unless a good one is there.

    Parameters
    ----------
    cfg : Config
    made : store.Store
    clips : sequence of corpora.Clip
        Those of the store, in its order.
    wanted : str or None
        Path of the user's own csv, "published" (as the published program drew), "draw" (a new grouped one),
        or None: what is there, else the corpus' own, else a grouped one.
    more : str
        What else a reader of the results must know, such as what `subsets.balanced` said; part of the note.
    own : str
        What to call the sides that the clips bring along.
    force : bool
        Draw even where a split is there.

    Returns
    -------
    str
        One sentence on the split.
    """
    name, columns = made.path.stem, made.columns
    kind, fraction = made.attributes["kind"], cfg.test_fraction
    if kind == "speech":
        fraction = cfg.speech_test_fraction
    common = {"ids": columns["clip"], "labels": columns["label"], "seed": cfg.seed, "test_fraction": fraction,
              "val_fraction": cfg.val_fraction}
    if wanted == PUBLISHED:
        drawn = splits.draw_per_clip(groups=columns["group"], **common)
        return save(cfg, name, columns, drawn.split, kind="per clip", grouped_by="clip", seed=cfg.seed,
                    more=more, note=_join(drawn.note, more))
    if wanted and wanted != DRAW:
        split = split_files.load(wanted, made.ids)
        return save(cfg, name, columns, split, kind="given", grouped_by="given", seed=None, more=more,
                    note=_join(f"the split is the given file {os.path.basename(wanted)}", more))
    if wanted is None and not force and _is_good(cfg, name, columns["clip"], more):
        return about(cfg, name)["note"]
    given = splits.published(clips) if wanted is None else None
    if given is not None:
        verb = "publishes" if own == "published" else "came with"
        return save(cfg, name, columns, given, kind=own, grouped_by=own, seed=None, more=more,
                    note=_join(f"the split is the one that the corpus {verb}", more))
    drawn = splits.draw(groups=splits.joined(columns["group"], columns["content"]),
                        grouped_by=made.attributes["grouped_by"], **common)
    note = _join(f"the split was drawn with seed {cfg.seed}, grouped by {drawn.grouped_by}", drawn.note,
                 splits.published_gap(clips) if wanted is None else "", more)
    return save(cfg, name, columns, drawn.split, kind="drawn", grouped_by=drawn.grouped_by, seed=cfg.seed,
                more=more, note=note)


def settle_folds(cfg, made, n_folds, *, more=""):
    """Write the folds of a store; the same seed and clips give the same files.

    Returns
    -------
    str
        One sentence on them.
    """
    columns, by = made.columns, made.attributes["grouped_by"]
    groups = splits.joined(columns["group"], columns["content"])
    folds = splits.draw_folds(ids=columns["clip"], groups=groups, labels=columns["label"], seed=cfg.seed,
                              n_folds=n_folds, val_fraction=cfg.val_fraction)
    for number, split in enumerate(folds, start=1):
        save(cfg, fold_stem(made.path.stem, number, n_folds), columns, split, kind="fold", grouped_by=by, seed=cfg.seed,
             note=_join(f"fold {number} of {n_folds}, drawn with seed {cfg.seed}, grouped by {by}", more))
    return f"{n_folds} folds, grouped by {by}"


def _join(*sentences):
    return "; ".join(filter(None, sentences))


def _is_good(cfg, name, ids, more):
    """True where a split of just this choice of clips is there; another one is kept aside."""
    table, _ = paths(cfg, name)
    if not table.exists():
        return False
    named = {cells.get("clip") for _, cells in tables.read(table).rows}
    facts = _facts(cfg, name)
    if set(ids) <= named and facts.get("more", more) == more:
        return True
    kept = table.with_suffix(".old.csv")
    os.replace(table, kept)
    print(f"the clips have changed: a new split is made, the old one is kept as {kept.name}")
    return False


def save(cfg, name, columns, split, *, note, **facts):
    """Write csv and json of a split; returns the note."""
    table, about_path = paths(cfg, name)
    split_files.save(table, columns["clip"], columns["group"], columns["label"], split)
    weights.write_json(about_path, {**facts, "note": note, "sha256": _sha256(table)})
    return note


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _facts(cfg, name):
    try:
        return json.loads(paths(cfg, name)[1].read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}


def about(cfg, name, *, contents=None):
    """How a split came about: kind, grouped_by, note, seed, sha256.

    A group that stands on two sides, or the same audio under two names, is said in the note, and so in every report.

    Parameters
    ----------
    cfg : Config
    name : str
        Stem of the files.
    contents : dict or None
        Clip to hash of its audio.
    """
    table, facts = paths(cfg, name)[0], _facts(cfg, name)
    if facts.get("sha256") != _sha256(table):
        facts = {"kind": "given", "grouped_by": "given", "seed": None, "sha256": _sha256(table),
                 "note": f"the split is {table.name} as the user left it"}
    leak = "" if facts["kind"] in ("drawn", "fold", "per clip") else _leak(table, contents or {})
    return {**facts, "note": _join(facts["note"], leak)}


def _leak(table, contents):
    rows = [cells for _, cells in tables.read(table).rows]
    ids = [row["clip"] for row in rows]
    try:
        splits.check(ids, [row.get("group") or row["clip"] for row in rows], [row["split"] for row in rows],
                     contents=[contents.get(name, name) for name in ids])
    except MerError as error:
        return str(error)
    return ""
