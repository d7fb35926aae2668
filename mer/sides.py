"""The split of one store: found, given, drawn or cut into folds; saved beside it, with how it came about.

Beside each store, `<kind>_<language>.h5`, stand

- `<stem>.splits.csv` (clip, group, label, split): the truth about the sides; edit it and yours wins;
- `<stem>.splits.json`: how the sides came about, and the hash of the csv that was drawn;
- `<stem>.fold_1of5.splits.csv` and `.json`, ...: cross-validation.

A subset (`3h_speech_english`) or a mixture (`speech_mix`) has only these two files: they name clips of stores.
"""

import hashlib
import itertools
import json
import os
import unicodedata

from mer import MerError, split_files, splits, tables, weights

DRAW, PUBLISHED = "draw", "published"  # words that --split takes instead of a file
_DRAWN = ("drawn", "fold", "per clip")  # kinds of splits that come from the groups and labels of a store


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
        One sentence on the split, as `about` has it.
    """
    name = made.path.stem
    if wanted or force or not _is_good(cfg, made, more):
        _settle(cfg, made, clips=clips, wanted=wanted, more=more, own=own)
    return about(cfg, name, columns=made.columns)["note"]


def _settle(cfg, made, *, clips, wanted, more, own):
    name, columns = made.path.stem, made.columns
    kind, fraction = made.attributes["kind"], cfg.test_fraction
    if kind == "speech":
        fraction = cfg.speech_test_fraction
    common = {"ids": columns["clip"], "labels": columns["label"], "seed": cfg.seed, "test_fraction": fraction,
              "val_fraction": cfg.val_fraction}
    if wanted == PUBLISHED:
        drawn = splits.draw_per_clip(groups=columns["group"], **common)
        save(cfg, name, columns, drawn.split, kind="per clip", grouped_by="clip", seed=cfg.seed, more=more,
             note=_join(drawn.note, more))
        return
    if wanted and wanted != DRAW:
        split = split_files.load(wanted, made.ids)
        save(cfg, name, columns, split, kind="given", grouped_by="given", seed=None, more=more,
             note=_join(f"the split is the given file {os.path.basename(wanted)}", more))
        return
    given = splits.published(clips) if wanted is None else None
    if given is not None:
        verb = "publishes" if own == "published" else "came with"
        save(cfg, name, columns, given, kind=own, grouped_by=own, seed=None, more=more,
             note=_join(f"the split is the one that the corpus {verb}", more))
        return
    drawn = splits.draw(groups=splits.joined(columns["group"], columns["content"]),
                        same=splits.joined(columns["clip"], columns["content"]),
                        grouped_by=made.attributes["grouped_by"], **common)
    note = _join(f"the split was drawn with seed {cfg.seed}, grouped by {drawn.grouped_by}", drawn.note,
                 splits.published_gap(clips) if wanted is None else "", more)
    save(cfg, name, columns, drawn.split, kind="drawn", grouped_by=drawn.grouped_by, seed=cfg.seed, more=more,
         note=note)


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


def _is_good(cfg, made, more):
    """True where a split of just this choice of clips is there; another one is kept aside."""
    table, _ = paths(cfg, made.path.stem)
    if not table.exists():
        return False
    if is_current(cfg, made.path.stem, made.columns) and _facts(cfg, made.path.stem).get("more", more) == more:
        return True
    print(f"the clips, or their groups or classes, have changed: a new split is made, the old one is kept as "
          f"{_keep(table)}")
    return False


def is_current(cfg, name, columns, *, exactly=False):
    """Whether a split fits the clips that there are now.

    Every clip must stand in it. One that was drawn, and not edited, must also know them by the groups and classes
    that they have now: artists that became known later may stand on two sides of it.

    Parameters
    ----------
    cfg : Config
    name : str
        Stem of the files.
    columns : dict
        `store.Store.columns`: clip, group, label.
    exactly : bool
        Drawn of these clips and no others.
    """
    table, _ = paths(cfg, name)
    named = {clip: (row.get("group"), row.get("label")) for clip, row in _rows(table).items()}
    now = {clip.strip(): (group.strip(), label)
           for clip, group, label in zip(*(columns[key] for key in ("clip", "group", "label")), strict=True)}
    if facts(cfg, name)["kind"] not in _DRAWN:
        return named.keys() >= now.keys()
    return now.items() <= named.items() and not (exactly and named.keys() - now.keys())


def _rows(table):
    """Clip to row of the csv of a split."""
    return {unicodedata.normalize("NFC", row.get("clip", "")): row for _, row in tables.read(table).rows}


def _keep(table):
    """Give a csv another name, which is returned; one that was kept before stays."""
    numbers = itertools.chain([""], itertools.count(2))
    kept = next(path for number in numbers if not (path := table.with_suffix(f".old{number}.csv")).exists())
    os.replace(table, kept)
    return kept.name


def save(cfg, name, columns, split, *, note, **known):
    """Write csv and json of a split; a csv that the user edited is kept aside."""
    table, about_path = paths(cfg, name)
    staged = table.with_name(f".{table.name}.part")
    split_files.save(staged, columns["clip"], columns["group"], columns["label"], split)
    hashed = _sha256(staged)
    if table.exists() and _sha256(table) not in (hashed, _facts(cfg, name).get("sha256")):
        print(f"{table.name} was not as it had been made: it is kept as {_keep(table)}")
    weights.write_json(about_path, {**known, "note": note, "sha256": hashed})
    os.replace(staged, table)  # last: an interruption must not leave a drawn csv that looks like the user's own


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _facts(cfg, name):
    try:
        return json.loads(paths(cfg, name)[1].read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}


def facts(cfg, name):
    """How a split came about: kind, grouped_by, note, seed, sha256; edited, it is the user's own."""
    table, known = paths(cfg, name)[0], _facts(cfg, name)
    if known.get("sha256") == _sha256(table):
        return known
    return {"kind": "given", "grouped_by": "given", "seed": None, "sha256": _sha256(table),
            "note": f"the split is {table.name} as the user left it"}


def about(cfg, name, *, columns=None):
    """The `facts` of a split, with what leaks in it.

    A group that stands on two sides, or the same audio under two names, is said in the note, and so in every report.

    Parameters
    ----------
    cfg : Config
    name : str
        Stem of the files.
    columns : dict or None
        Of the store, for the audio and the groups of the clips; None: the csv tells the groups, and nothing the audio.
    """
    known = facts(cfg, name)
    leak = "" if known["kind"] == "per clip" else _leak(paths(cfg, name)[0], columns, known)
    return {**known, "note": _join(known["note"], leak)}


def _leak(table, columns, known):
    rows = _rows(table)
    ids, groups, contents = list(rows), [row.get("group") or clip for clip, row in rows.items()], ()
    if columns:
        held = [row for row in zip(*(columns[key] for key in ("clip", "group", "content")), strict=True)
                if row[0].strip() in rows]
        ids, groups, contents = zip(*held, strict=True) if held else ((), (), ())
    if known["kind"] == "drawn" and known["grouped_by"] == "clip":
        groups = ids  # drawn clip by clip for want of groups: its note says so already
    try:
        splits.check(ids, groups, [tables.split_name(rows[clip.strip()].get("split", "")) for clip in ids], contents)
    except MerError as error:
        return str(error)
    return ""
