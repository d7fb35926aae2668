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
from dataclasses import dataclass

from mer import MerError, split_files, splits, tables, weights

DRAW, PUBLISHED = "draw", "published"  # words that --split takes instead of a file
_DRAWN = ("drawn", "fold", "per clip")  # kinds of splits that come from the groups and labels of a store


@dataclass(frozen=True)
class Own:
    """Sides that the clips bring along, and what to say of them.

    Attributes
    ----------
    kind : str
        Of the split that is made of them.
    words : str
        Completes "the split is the one that ...".
    more : str
        What else there is to say of them, also where they are not whole.
    """

    kind: str = "published"
    words: str = "the corpus publishes"
    more: str = ""


def paths(cfg, name):
    """The csv and the json of a split, by the stem of their names."""
    return cfg.features_dir / f"{name}.splits.csv", cfg.features_dir / f"{name}.splits.json"


def fold_stem(name, number, n_folds):
    """Stem of the files of one fold; `number` counts from 1."""
    return f"{name}.fold_{number}of{n_folds}"


def settle(cfg, made, *, clips, wanted=None, more="", own=Own(), force=False):
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
    own : Own
        What to say of the sides that the clips bring along.
    force : bool
        Draw even where a split is there.

    Returns
    -------
    str
        One sentence on the split, as `about` has it.
    """
    name = made.path.stem
    if wanted or force or not _is_good(cfg, made, more, splits.published(clips)):
        _settle(cfg, made, clips=clips, wanted=wanted, more=more, own=own)
    return about(cfg, name, columns=made.columns)["note"]


def _settle(cfg, made, *, clips, wanted, more, own):
    name, columns, drawing = made.path.stem, made.columns, _drawing(cfg, made)
    common = {"ids": columns["clip"], "labels": columns["label"], **drawing}
    groups, asked = splits.joined(columns["group"], columns["content"]), wanted is not None
    if wanted == PUBLISHED:
        drawn = splits.draw_per_clip(groups=groups, **common)
        save(cfg, name, columns, drawn.split, kind="per clip", grouped_by="clip", **drawing, asked=asked, more=more,
             note=_join(drawn.note, more))
        return
    if wanted and wanted != DRAW:
        split = split_files.load(wanted, made.ids)
        save(cfg, name, columns, split, kind="given", grouped_by="given", seed=None, asked=asked, more=more,
             note=_join(f"the split is the given file {os.path.basename(wanted)}", more))
        return
    given = splits.published(clips) if wanted is None else None
    if given is not None:
        save(cfg, name, columns, given, kind=own.kind, grouped_by=own.kind, seed=None, asked=asked, more=more,
             note=_join(f"the split is the one that {own.words}", own.more, more))
        return
    drawn = splits.draw(groups=groups, same=splits.joined(columns["clip"], columns["content"]),
                        grouped_by=made.attributes["grouped_by"], **common)
    gap = () if asked else (splits.published_gap(clips), own.more)
    save(cfg, name, columns, drawn.split, kind="drawn", grouped_by=drawn.grouped_by, **drawing, asked=asked, more=more,
         note=_join(f"the split was drawn with seed {cfg.seed}, grouped by {drawn.grouped_by}", drawn.note, *gap, more))


def _drawing(cfg, made):
    """What decides how a split is drawn, beside the clips."""
    fraction = cfg.speech_test_fraction if made.attributes["kind"] == "speech" else cfg.test_fraction
    return {"seed": cfg.seed, "test_fraction": fraction, "val_fraction": cfg.val_fraction}


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
    facts_of = {"kind": "fold", "grouped_by": by, "seed": cfg.seed, "val_fraction": cfg.val_fraction}
    uneven = [splits.uneven_fold(split, columns["label"], n_folds=n_folds, val_fraction=cfg.val_fraction, grouped_by=by)
              for split in folds]
    for number, split in enumerate(folds, start=1):
        save(cfg, fold_stem(made.path.stem, number, n_folds), columns, split, **facts_of,
             note=_join(f"fold {number} of {n_folds}, drawn with seed {cfg.seed}, grouped by {by}",
                        uneven[number - 1], more))
    odd = [f"{number}" for number, what in enumerate(uneven, start=1) if what]
    return f"{n_folds} folds, grouped by {by}" + (f", uneven in {', '.join(odd)}" if odd else "")


def _join(*sentences):
    return "; ".join(filter(None, sentences))


def _is_good(cfg, made, more, own):
    """True where the split that is there is to be used again; another one is kept aside, and why is printed."""
    name, (table, _) = made.path.stem, paths(cfg, made.path.stem)
    if not table.exists():
        return False
    if not is_current(cfg, name, made.columns) or _facts(cfg, name).get("more", more) != more:
        why = "the clips, or their groups or classes, have changed: a new split is made"
    else:
        why = _why_not_again(cfg, name, made.ids, own)
    if why:
        print(f"{why}, the old one is kept as {_keep(table)}")
        return False
    _tell_unused(facts(cfg, name), _drawing(cfg, made))
    return True


def _why_not_again(cfg, name, ids, own):
    """What has become of the clips' own sides (`own`, or None) since the split was made; "" where nothing.

    What the user asked for or edited stays, and it is printed that the clips bring other sides.
    """
    table, known = paths(cfg, name)[0], facts(cfg, name)
    rows = _rows(table) if own else {}
    is_same = own and own == [tables.split_name(rows[clip.strip()].get("split", "")) for clip in ids]
    if known.get("asked", known["kind"] not in ("published", "imported")):
        if own and not is_same:
            print(f"{table.name} stays as it was asked for or edited, and the split of the corpus or of its labels is "
                  f"not used: remove {table.name} to use it")
        return ""
    if own is None:
        return ("the split that came with the corpus or its labels is not there, or not whole, any more: a new one is "
                "drawn" if known["kind"] == "published" else "")
    if known["kind"] == "drawn":
        return "the corpus or its labels bring a split now: it is used"
    return "" if is_same else "the split of the corpus or of its labels has changed: it is used"


def _tell_unused(known, wanted):
    """Print where the settings ask for another drawing than the one that stays."""
    then = {key: value for key, value in known.items() if key in wanted and value is not None}
    if any(wanted[key] != value for key, value in then.items()):
        words = ", ".join(f"{key} {value:g}" for key, value in then.items())
        again = PUBLISHED if known["kind"] == "per clip" else DRAW
        print(f"the split is kept as it was drawn with {words}: --split {again} makes a new one with those of now")


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


def clips_of(cfg, name):
    """The clips that the csv of a split names."""
    return _rows(paths(cfg, name)[0]).keys()


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
    return {**known, "leak": leak, "note": _join(known["note"], leak)}


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
