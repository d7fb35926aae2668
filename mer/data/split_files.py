"""Splits on disk: `<stem>.splits.csv` has the columns clip, group, label, split; a user's own only clip and split.

Beside the csv of a split that the project wrote, `<stem>.splits.json` says how it came about, in fields, and has the
hash of the csv as it was written, so that an edited one is recognized. `describe` makes the sentences of the fields.
"""

import csv
import itertools
import os
import unicodedata

from mer import MerError, files, tables, text
from mer.data import splits
from mer.data.split_search import SPLITS

_TYPES = {
    "string": ("kind", "grouped_by", "note", "sha256", "file", "imported_from", "origin", "more", "follows"),
    "integer": ("n_added", "n_moved", "n_duplicates", "number", "n_folds"),
    "number": ("test_fraction", "val_fraction"), "boolean": ("asked",), "array": ("uneven", "parts", "empty"),
    "object": ("few_groups", "shared", "gap", "balanced", "chosen")}
_SCHEMA = {"type": "object", "properties": {
    **{name: {"type": kind} for kind, names in _TYPES.items() for name in names},
    "seed": {"type": ["integer", "null"]},
    "left": {"type": "object", "additionalProperties": {"enum": list(SPLITS)}}},
    "required": ["kind", "grouped_by", "sha256"]}
DRAWN = ("drawn", "fold", "per clip")   # kinds of splits that come from the groups and labels of a store
OF_CORPUS = ("published", "imported")   # kinds of splits that come with the clips


def paths(cfg, name):
    """The csv and the json of a split, by the stem of their names."""
    return cfg.features_dir / f"{name}.splits.csv", cfg.features_dir / f"{name}.splits.json"


def fold_stem(name, number, n_folds):
    """Stem of the files of one fold; `number` counts from 1."""
    return f"{name}.fold_{number}of{n_folds}"


def rows(table):
    """Clip to row of the csv of a split."""
    found = [{name: text.spreadsheet_read(cell) for name, cell in row.items()} for _, row in tables.read(table).rows]
    return {unicodedata.normalize("NFC", row.get("clip", "")): row for row in found}


def keep(table):
    """Give a csv another name, which is returned; one that was kept before stays."""
    numbers = itertools.chain([""], itertools.count(2))
    kept = next(path for number in numbers if not (path := table.with_suffix(f".old{number}.csv")).exists())
    os.replace(table, kept)
    return kept.name


def record(cfg, name, columns, split, facts):
    """Write csv and json of a split; a csv that the user edited is kept aside.

    Parameters
    ----------
    cfg : Config
    name : str
        Stem of the files.
    columns : dict
        clip, group and label, sequences of str of length n.
    split : sequence of str, length n
    facts : dict
        How it came about: kind, grouped_by, seed, ...; see `describe`.

    Returns
    -------
    dict
        `facts` with the hash of the csv, as the json has them.
    """
    table, json_path = paths(cfg, name)
    with files.writing(table) as staged, open(staged, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("clip", "group", "label", "split"))
        writer.writerows(map(text.spreadsheet_safe, row) for row in sorted(zip(
            columns["clip"], columns["group"], columns["label"], split, strict=True)))
        file.flush()
        hashed = files.sha256(staged)
        if table.exists() and files.sha256(table) not in (hashed, _recorded(cfg, name).get("sha256")):
            print(f"{table.name} was edited: it is kept as {keep(table)}")
        files.write_json(json_path, facts := {**facts, "sha256": hashed})
        # the csv comes last: an interruption must not leave a drawn csv that looks like the user's own
    return facts


def _recorded(cfg, name):
    """The json of a split, whether or not its csv was edited since; {} where there is none."""
    try:
        return files.read_json(paths(cfg, name)[1], schema=_SCHEMA, remedy="remove it, and the split beside it counts "
                               "as your own, or remove both to have one drawn")
    except FileNotFoundError:
        return {}


def facts(cfg, name):
    """How a split came about: kind, grouped_by, seed, sha256, ...; an edited one is the user's own.

    Raises
    ------
    files.Damaged
        The json is there and cannot be what was written.
    """
    table, known = paths(cfg, name)[0], _recorded(cfg, name)
    hashed = files.sha256(table)
    if known.get("sha256") == hashed:
        return known
    return {"kind": "given", "grouped_by": "given", "seed": None, "sha256": hashed, "file": table.name, "edited": True}


def load(path, ids):
    """Read a split for these clips; the user's own file needs no columns but clip and split.

    Parameters
    ----------
    path : path
    ids : sequence of str
        Every one must be in the file, exactly once; other rows do no harm.

    Returns
    -------
    list of str
        "train", "val" or "test" per id.

    Raises
    ------
    MerError
        A clip is missing or listed twice, a split name is unknown, a split is empty, or it is no such csv.
    """
    table, split_of = tables.read(path, names=ids), {}
    if not {"clip", "split"} <= set(table.columns):
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected clip and split")
    for line, cells in table.rows:
        clip = unicodedata.normalize("NFC", text.spreadsheet_read(cells["clip"]))
        split = tables.split_name(cells["split"])
        if split is None:
            raise MerError(f"{path}, line {line}: split {cells['split']!r} is none of {', '.join(SPLITS)}")
        if clip in split_of:
            raise MerError(f"{path}, line {line}: {clip} is listed twice; keep one of the two rows")
        split_of[clip] = split
    found = [split_of.get(name.strip()) for name in ids]
    missing = [name for name, split in zip(ids, found, strict=True) if split is None]
    if missing:
        extra = sorted(set(split_of) - set(ids))
        other = f", and lists {len(extra)} unknown ones, for example {extra[0]}" if extra else ""
        raise MerError(f"{path} lacks {len(missing)} of {len(ids)} clips, the first is {missing[0]}{other}: add them, "
                       "or remove the file to have a split drawn")
    if empty := [name for name in SPLITS if name not in found]:
        raise MerError(f"{path} puts no clip into {' and '.join(empty)}: train, val and test all need some")
    return found


def is_current(cfg, name, columns, *, exactly=False):
    """Whether a split fits the clips that there are now.

    It must have every clip. One that was drawn, and not edited, must also have the groups and classes that the clips
    have now: an artist that became known later may be in two splits.

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
    then = {clip: (row.get("group"), row.get("label")) for clip, row in rows(paths(cfg, name)[0]).items()}
    now = {clip.strip(): (group.strip(), label)
           for clip, group, label in zip(*(columns[key] for key in ("clip", "group", "label")), strict=True)}
    if facts(cfg, name)["kind"] not in DRAWN:
        return then.keys() >= now.keys()
    return now.items() <= then.items() and not (exactly and then.keys() - now.keys())


def about(cfg, name, *, columns=None):
    """The `facts` of a split, with `leak` (see `splits.leak`) and `note`, what every report says of it.

    Parameters
    ----------
    cfg : Config
    name : str
        Stem of the files.
    columns : dict or None
        Of the store, for the audio and the groups of the clips; None: the groups are those of the csv.
    """
    table = rows(paths(cfg, name)[0])
    ids, groups, contents = list(table), [row.get("group") or clip for clip, row in table.items()], ()
    if columns:
        held = [row for row in zip(*(columns[key] for key in ("clip", "group", "content")), strict=True)
                if row[0].strip() in table]
        ids, groups, contents = zip(*held, strict=True) if held else ((), (), ())
    return examined(facts(cfg, name), ids, groups,
                    [tables.split_name(table[clip.strip()].get("split", "")) for clip in ids], contents)


def examined(facts, ids, groups, split, contents=()):
    """`about` of a split that is in memory: `facts`, and what `splits.leak` takes."""
    if facts["kind"] == "drawn" and facts["grouped_by"] == "clip":
        groups = ids  # drawn clip by clip for want of groups, which `few_groups` says
    leak = {} if facts["kind"] == "per clip" else splits.leak(ids, groups, split, contents)
    return {**facts, "leak": leak, "note": describe({**facts, "leak": leak})}


# ---- sentences -------------------------------------------------------------------------------------------------------


def describe(facts):
    """What a reader of results must know of a split, in clauses joined by "; ".

    Parameters
    ----------
    facts : dict
        The fields of the json of a split, and `leak`. In one written before these were fields, `note` is the text.

    Returns
    -------
    str
    """
    if "parts" in facts:  # a mixture
        said = ["equal hours of each part in every split: " + ", ".join(
            f"{part['language']} {part['hours']:.2f} h" for part in facts["parts"])]
        said += [f"{part['language']}: {describe(part['split'])}" for part in facts["parts"]]
    elif "odd_folds" in facts:  # of a cross-validation
        said = [f"{facts['n_folds']} folds, {len(facts['odd_folds'])} of them not as cut: a clip may be missing, "
                "predicted twice, or by a model that had heard it", *(fold["note"] for fold in facts["odd_folds"])]
    else:
        said = [facts["note"]] if "note" in facts else list(_clauses(facts))
    if empty := facts.get("empty"):
        said.append(f"no clip in {' and '.join(empty)}: training needs more hours")
    if leak := facts.get("leak"):
        what = f"group {leak['group']!r}" if leak["group"] else "the same audio"
        (one, other), (first, second) = leak["clips"], leak["splits"]
        said.append(f"leak: {what} is in two splits, {one} in {first} and {other} in {second}: put both into one "
                    "split, or draw a split with --split draw")
    return "; ".join(filter(None, said))


def _clauses(facts):
    kind, by, file = facts["kind"], facts["grouped_by"], facts.get("file")
    if chosen := facts.get("chosen"):
        yield (f"{chosen['hours']:g} h chosen with seed {chosen['seed']}, evenly over {chosen['n_groups']} "
               f"{chosen['groups']}{'s' * (chosen['n_groups'] != 1)}")
    if "origin" in facts:
        yield facts["origin"]
    elif kind == "per clip":
        yield (f"drawn clip by clip with seed {facts['seed']}, without groups, as the published program did: "
               f"{facts['shared']['n']} of {facts['shared']['of']} test clips share their group or audio with "
               "training; for comparison only")
    else:
        drawn = f"drawn with seed {facts.get('seed')}, grouped by {by}"
        yield {
            "drawn": f"the split was {drawn}", "fold": f"fold {facts.get('number')} of {facts.get('n_folds')}, {drawn}",
            "folds": f"{facts.get('n_folds')} folds, {drawn}: every clip was predicted once, by a model that had not "
                     "heard it",
            "given": f"the split is {file} as the user left it" if "edited" in facts else
                     f"the split is the given file {file}",
            "imported": "the split is the one that the corpus came with",
            "published": f"the split is the one that came with the labels ({file})" if file else
                         "the split is the one that the corpus publishes"}.get(kind, kind)
    if gap := facts.get("gap"):
        yield _gap_text(gap)
    if facts.get("follows"):
        yield f"people are on the same side as in {facts['follows']}"
    if few := facts.get("few_groups"):
        yield (f"only {few['n']} {few['what']}{'s' * (few['n'] > 1)}: split by clip, so the same {few['what']} is in "
               "several splits and the scores say nothing about a new one")
    for odd in facts.get("uneven", ()):
        yield (f"{odd['split']} has no clip of {', '.join(odd['without'])}" if "without" in odd else
               f"{odd['split']} has {odd['clips']} of {odd['of']} clips instead of {odd['wanted']}, since groups "
               f"({by}) are kept whole and every class is wanted in every split")
    if facts.get("n_added"):
        yield f"{facts['n_added']} clip(s) added since"
    if facts.get("n_moved"):
        yield f"{facts['n_moved']} clip(s) moved since, so that no group is in two splits"
    if balanced := facts.get("balanced"):
        yield (f"balanced with seed {balanced['seed']}: {balanced['per_class']} clips in each of {balanced['classes']} "
               f"classes, {balanced['kept']} of {balanced['of']}")
    if facts.get("imported_from"):
        yield f"imported from {facts['imported_from']}"
    yield facts.get("more", "")
    if facts.get("n_duplicates"):
        yield f"{facts['n_duplicates']} clip(s) with the same audio as another left out"


def _gap_text(gap):
    if "shared" in gap:
        what = {"test": "test", "val": "validation"}[gap["split"]]
        return (f"{gap['shared']} of {gap['of']} {what} clips of the files are in training too"
                + " (the published program splits all clips again after drawing the test set)" * (what == "test")
                + ", so a new split was drawn")
    lack = f"no {' and no '.join(gap['empty'])} clips" if "empty" in gap else (
        f"none for {gap['without']} of {gap['of']} clips")
    return f"the published split is incomplete ({lack}), so a new split was drawn"
