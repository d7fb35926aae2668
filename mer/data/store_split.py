"""The split and the folds of one store: the user's, the corpus' own or drawn, and kept up to date.

Beside each store, `<kind>_<language>.h5`, are

- `<stem>.splits.csv` (clip, group, label, split): the split that counts; edit it and yours does;
- `<stem>.splits.json`: how it came about, and the hash of the csv that was drawn;
- `<stem>.fold_1of5.splits.csv` and `.json`, ...: cross-validation.

A subset (`3h_speech_english`) or a mixture (`speech_mix`) has only these two files: they name clips of stores.
"""

import os
from collections import Counter

from mer import MerError, corpora, tables
from mer.data import common_groups, split_files, split_search, splits
from mer.data.split_files import DRAWN, OF_CORPUS

DRAW, PUBLISHED = "draw", "published"  # words that --split takes instead of a file
_OF_OTHERS = ("balanced", "imported_from", "more")  # facts of a split that is not of the corpus as a whole


def settle(cfg, stored, *, clips, wanted=None, own=None, gap=None, extra=None, force=False):
    """Write the split of a store, unless one is there, which is brought up to date.

    Parameters
    ----------
    cfg : Config
    stored : store.Store
    clips : sequence of corpora.Clip
        Those of the store, in its order.
    wanted : str or None
        Path of the user's own csv, "published" (as the published program drew), "draw" (a new grouped one),
        or None: what is there, else the corpus' own, else a grouped one.
    own : dict or None
        Facts of the split that the clips bring along; None: the corpus publishes it.
    gap : dict or None
        Why the clips bring none, where that is known.
    extra : dict or None
        Facts of the clips that go with any split, such as `balanced`.
    force : bool
        Draw even where a split is there.

    Returns
    -------
    split : list of str
        "train", "val" or "test" per clip of the store.
    about : dict
        As from `split_files.about`.
    """
    name, columns, extra = stored.stem, stored.columns, extra or {}
    table = split_files.paths(cfg, name)[0]
    why = "" if wanted or force or not table.exists() else _why_draw_again(cfg, stored, clips, extra)
    if why:
        print(f"{why}, the old one is kept as {split_files.keep(table)}")
    if wanted or force or not table.exists():
        split, facts = _new(cfg, stored, clips, wanted, own or {"kind": "published"}, gap)
        facts = split_files.record(cfg, name, columns, split, {**facts, **extra, "asked": wanted is not None})
    else:
        split, facts = _update(cfg, stored, clips, extra)
        _print_unused(facts, _drawing(cfg, stored))
    return split, split_files.examined(facts, columns["clip"], columns["group"], split, columns["content"])


def _drawing(cfg, stored):
    """What decides how a split is drawn, beside the clips."""
    fraction = cfg.test_fraction if stored.attributes["kind"] == "music" else cfg.speech_test_fraction
    return {"seed": cfg.seed, "test_fraction": fraction, "val_fraction": cfg.val_fraction}


def _new(cfg, stored, clips, wanted, own, gap):
    """A new split: train, val or test per clip, and its facts."""
    columns = stored.columns
    groups = splits.joined(columns["group"], columns["content"])
    common = {"ids": columns["clip"], "labels": columns["label"], "groups": groups, **_drawing(cfg, stored)}
    if wanted == PUBLISHED:
        return splits.draw_per_clip(**common)
    if wanted and wanted != DRAW:
        return split_files.load(wanted, stored.ids), {"kind": "given", "grouped_by": "given", "seed": None,
                                                    "file": os.path.basename(wanted)}
    given, published_gap = published(clips)
    if given and wanted is None:
        return given, {**own, "grouped_by": own["kind"], "seed": None}
    split, facts = _follow(cfg, stored, common) or splits.draw(
        **common, same=splits.joined(columns["clip"], columns["content"]), grouped_by=stored.attributes["grouped_by"])
    gap = (gap or published_gap) if wanted is None else None
    return split, facts | ({"gap": gap} if gap else {})


def _follow(cfg, stored, common):
    """The split of a corpus with the same people, and its facts; None where there is none."""
    found = common_groups.leader(cfg, corpora.get(stored.attributes["kind"], stored.attributes["code"]))
    if not found:
        return None
    other, name = found
    wanted = split_search.shares(common["test_fraction"], common["val_fraction"])
    split, = common_groups.follow(cfg, [name], shares=wanted, **{
        key: common[key] for key in ("ids", "groups", "labels", "seed")})
    by = stored.attributes["grouped_by"]
    print(f"{stored.stem}: the split follows that of {other.NAME}, which has the same people")
    return split, {"kind": "drawn", "grouped_by": by, "seed": common["seed"], "follows": other.NAME,
                   "test_fraction": common["test_fraction"], "val_fraction": common["val_fraction"],
                   **splits.caveats(split, common["groups"], common["labels"], wanted, by)}


def published(clips):
    """The split that the corpus or the user's csv gives, or why it cannot be used.

    Parameters
    ----------
    clips : sequence of mer.corpora.Clip

    Returns
    -------
    split : list of str or None
        None where a clip has no split or a split no clip. It may leak, see `splits.leak`.
    gap : dict or None
        `without` (how many clips have none, `of` how many) or `empty` (splits without a clip); None where the split can
        be used, or no clip has one.
    """
    counts = Counter(clip.split for clip in clips)
    empty = [name for name in splits.SPLITS if not counts[name]]
    if counts[None] == len(clips):
        return None, None
    if counts[None] or empty:
        return None, {"without": counts[None], "of": len(clips)} if counts[None] else {"empty": empty}
    return [clip.split for clip in clips], None


def _why_draw_again(cfg, stored, clips, extra):
    """Why the split that is there gives way to a new one, as a clause; "" where it stays."""
    table = split_files.paths(cfg, stored.stem)[0]
    known, rows = split_files.facts(cfg, stored.stem), split_files.rows(table)
    kind, brought = known["kind"], {clip.id: clip.split for clip in clips if clip.split}
    is_same = all(tables.split_name(rows[clip].get("split", "")) == split for clip, split in brought.items()
                  if clip in rows)
    whole = published(clips)[0]
    if known.get("asked", kind not in OF_CORPUS):
        if whole and not (is_same and rows.keys() >= brought.keys()):
            print(f"{table.name} stays as it was asked for or edited, and the split of the corpus or of its labels is "
                  f"not used: remove {table.name} to use it")
    elif kind in OF_CORPUS:
        if not brought and kind == "published":
            return "the split that came with the corpus or its labels is not there any more: a new one is drawn"
        return "" if is_same else "the split of the corpus or of its labels has changed: it is used"
    elif whole:
        return "the corpus or its labels bring a split now: it is used"
    by = splits.owners_of(stored.columns["group"], stored.columns["clip"], stored.attributes["grouped_by"])[1]
    if kind == "drawn" and by != known["grouped_by"]:
        return f"the clips are now grouped by {by}, and were by {known['grouped_by']}: a new split is drawn"
    if kind in DRAWN and _is_special(known) != _is_special(extra):
        return "other clips of the corpus were asked for than before (--balance): a new split is drawn"
    return ""


def _is_special(facts):
    return any(map(facts.get, _OF_OTHERS))


def _update(cfg, stored, clips, extra):
    """Bring the split that is there up to date, and return it; print which clips came, and which had to move."""
    name, columns = stored.stem, stored.columns
    known, table = split_files.facts(cfg, name), split_files.paths(cfg, name)[0]
    is_old = "note" in known  # its extra facts were no fields
    if split_files.is_current(cfg, name, columns, exactly=True) and (
            is_old or all(known.get(key) == extra.get(key) for key in _OF_OTHERS)):
        return split_files.load(table, stored.ids), known
    held = list(split_files.rows(table))
    saved = dict(zip(held, split_files.load(table, held), strict=True))  # refuses what an edited one may hold
    left = {clip: split for clip, split in known.get("left", {}).items() if clip not in saved}
    kind, brought = known["kind"], {clip.id: clip.split for clip in clips if clip.split}
    ids, labels = [clip.strip() for clip in columns["clip"]], list(columns["label"])
    groups, drawing = splits.joined(columns["group"], columns["content"]), _drawing(cfg, stored)
    drawing |= {key: known[key] for key in drawing if known.get(key) is not None}
    wanted = split_search.shares(drawing["test_fraction"], drawing["val_fraction"])
    owners = groups if kind in ("given", *OF_CORPUS) else list(columns["clip"]) if kind == "per clip" else (
        splits.owners_of(groups, splits.joined(columns["clip"], columns["content"]), "")[0])
    split, added, moved = split_search.update(
        {**left, **saved, **(brought if kind in OF_CORPUS else {})}, ids=ids, labels=labels, groups=owners,
        shares=wanted, seed=drawing["seed"], only_add=kind not in DRAWN)
    if set(split) < set(splits.SPLITS):
        absent = " and ".join(where for where in splits.SPLITS if where not in split)
        raise MerError(f"{name}.splits.csv leaves no clip in {absent}, since clips have left: draw a new one with "
                       "--split draw")
    if added:
        print(f"{table.name}: {len(added)} new clip(s) added, the others keep their split (--split draw makes a new "
              "one)")
    if moved:
        moves = ", ".join(f"{clip} from {saved[clip]}" for clip in moved[:5] if clip in saved)
        print(f"{table.name}: {len(moved)} clip(s) moved, since their group or their audio would have been in two "
              f"splits: {moves}{', ...' if len(moved) > 5 else ''}")
    facts = {key: value for key, value in known.items()
             if key not in ("sha256", "note", "uneven", "few_groups", *_OF_OTHERS)} | extra
    if is_old and kind not in DRAWN:
        facts.setdefault("origin", known["note"])
    if kind == "per clip":
        facts["shared"] = splits.shared(split, groups)
    if kind == "drawn":
        facts |= splits.caveats(split, groups, labels, wanted, stored.attributes["grouped_by"])
    n_added, n_moved = known.get("n_added", 0) + len(added), known.get("n_moved", 0) + len(moved)
    return split, split_files.record(cfg, name, columns, split, {
        **facts, "n_added": n_added, "n_moved": n_moved,
        "left": {clip: where for clip, where in {**left, **saved}.items() if clip not in set(ids)}})


def _print_unused(known, wanted):
    """Print where the settings ask for another drawing (seed and fractions) than the one that stays."""
    then = {key: value for key, value in known.items() if key in wanted and value is not None}
    if any(wanted[key] != value for key, value in then.items()):
        words = ", ".join(f"{key} {value:g}" for key, value in then.items())
        again = PUBLISHED if known["kind"] == "per clip" else DRAW
        print(f"the split is kept as it was drawn with {words}: --split {again} makes a new one with today's settings")


def settle_folds(cfg, stored, n_folds, *, extra=None, anew=False):
    """Write the folds of a store; those that are there are kept for the clips that they have.

    Parameters
    ----------
    cfg, stored, extra
        As for `settle`.
    n_folds : int
    anew : bool
        Cut all clips again.

    Returns
    -------
    dict
        n_folds, grouped_by, and uneven, the numbers of the folds that are.
    """
    columns, by, name, extra = stored.columns, stored.attributes["grouped_by"], stored.stem, extra or {}
    drawing = {"seed": cfg.seed, "val_fraction": cfg.val_fraction}
    common = {"ids": [clip.strip() for clip in columns["clip"]], "labels": columns["label"],
              "groups": splits.joined(columns["group"], columns["content"])}
    stems = [split_files.fold_stem(name, number, n_folds) for number in range(1, n_folds + 1)]
    known = [] if anew else [split_files.facts(cfg, stem) for stem in stems if split_files.paths(cfg, stem)[0].exists()]
    is_kept = len(known) == n_folds and all(  # none of them edited, or of other groups or clips
        fold["kind"] == "fold" and fold["grouped_by"] == by and _is_special(fold) == _is_special(extra)
        for fold in known)
    counts, folds = {}, []
    if is_kept:
        _print_unused({key: known[0][key] for key in drawing} | {"kind": "fold"}, drawing)
        drawing = {key: known[0][key] for key in drawing}
        saved = [{clip: tables.split_name(row["split"])
                  for clip, row in split_files.rows(split_files.paths(cfg, stem)[0]).items()} for stem in stems]
        folds, added, moved = split_search.update_folds(saved, **common, **drawing)
        counts = {"n_added": known[0].get("n_added", 0) + len(added),
                  "n_moved": known[0].get("n_moved", 0) + len(moved)}
    follows = {"follows": known[0]["follows"]} if is_kept and "follows" in known[0] else {}
    if not is_kept or any(set(split) < set(splits.SPLITS) for split in folds):
        folds, follows = _follow_folds(cfg, stored, n_folds, {**common, **drawing}) or (
            splits.draw_folds(**common, **drawing, n_folds=n_folds), {})
    uneven, wanted = [], split_search.shares(1 / n_folds, drawing["val_fraction"])
    for number, (stem, split) in enumerate(zip(stems, folds, strict=True), start=1):
        odd = splits.caveats(split, columns["clip"], columns["label"], wanted, by)
        uneven += [number] * bool(odd)
        split_files.record(cfg, stem, columns, split, {
            "kind": "fold", "grouped_by": by, **drawing, **odd, **extra, **counts, **follows, "number": number,
            "n_folds": n_folds})
    return {"n_folds": n_folds, "grouped_by": by, "uneven": uneven}


def _follow_folds(cfg, stored, n_folds, common):
    """The folds of a corpus with the same people, and the fact that they are; None where there are none."""
    found = common_groups.leader(cfg, corpora.get(stored.attributes["kind"], stored.attributes["code"]),
                                 lambda name: split_files.fold_stem(name, n_folds, n_folds))
    if not found:
        return None
    other, name = found
    names = [split_files.fold_stem(name, number, n_folds) for number in range(1, n_folds + 1)]
    print(f"{stored.stem}: the folds follow those of {other.NAME}, which has the same people")
    return common_groups.follow(cfg, names, **common), {"follows": other.NAME}
