"""The split of one store: found, given or drawn, and brought up to date; saved beside it, with how it came about.

Beside each store, `<kind>_<language>.h5`, stand

- `<stem>.splits.csv` (clip, group, label, split): the truth about the sides; edit it and yours counts;
- `<stem>.splits.json`: how the sides came about, and the hash of the csv that was drawn;
- `<stem>.fold_1of5.splits.csv` and `.json`, ...: cross-validation.

A subset (`3h_speech_english`) or a mixture (`speech_mix`) has only these two files: they name clips of stores.

A split that is there is kept for the clips that it has, whatever comes, leaves or changes, see `mer.data.split_update`.
"""

import os
from dataclasses import dataclass

from mer import MerError, tables
from mer.data import split_files, split_search, split_update, splits
from mer.data.split_files import facts, paths

DRAW, PUBLISHED = "draw", "published"  # words that --split takes instead of a file
_DRAWN = ("drawn", "fold", "per clip")  # kinds of splits that come from the groups and labels of a store
_OF_CORPUS = ("published", "imported")  # kinds of splits that come with the clips


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


def settle(cfg, made, *, clips, wanted=None, more="", own=Own(), force=False):
    """Write the split of a store, unless one is there, which is brought up to date.

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
    name = made.stem
    table, _ = paths(cfg, name)
    if wanted or force or not table.exists():
        _settle(cfg, made, clips=clips, wanted=wanted, more=more, own=own)
    elif why := _why_not_again(cfg, made, clips, more):
        print(f"{why}, the old one is kept as {split_files.keep(table)}")
        _settle(cfg, made, clips=clips, wanted=wanted, more=more, own=own)
    else:
        _update(cfg, made, clips, more)
        tell_unused(facts(cfg, name), _drawing(cfg, made))
    return about(cfg, name, columns=made.columns)["note"]


def _settle(cfg, made, *, clips, wanted, more, own):
    name, columns, drawing = made.stem, made.columns, _drawing(cfg, made)
    common = {"ids": columns["clip"], "labels": columns["label"], **drawing}
    groups, asked = splits.joined(columns["group"], columns["content"]), wanted is not None
    if wanted == PUBLISHED:
        drawn = splits.draw_per_clip(groups=groups, **common)
        split_files.record(cfg, name, columns, drawn.split, kind="per clip", grouped_by="clip", **drawing, asked=asked,
                           more=more, note=_join(drawn.note, more))
        return
    if wanted and wanted != DRAW:
        split = split_files.load(wanted, made.ids)
        origin = f"the split is the given file {os.path.basename(wanted)}"
        split_files.record(cfg, name, columns, split, kind="given", grouped_by="given", seed=None, asked=asked,
                           more=more, origin=origin, note=_join(origin, more))
        return
    given = splits.published(clips) if wanted is None else None
    if given is not None:
        origin = _join(f"the split is the one that {own.words}", own.more)
        split_files.record(cfg, name, columns, given, kind=own.kind, grouped_by=own.kind, seed=None, asked=asked,
                           more=more, origin=origin, note=_join(origin, more))
        return
    drawn = splits.draw(groups=groups, same=splits.joined(columns["clip"], columns["content"]),
                        grouped_by=made.attributes["grouped_by"], **common)
    gap = () if asked else (splits.published_gap(clips), own.more)
    origin = _join(f"the split was drawn with seed {cfg.seed}, grouped by {drawn.grouped_by}", *gap)
    split_files.record(cfg, name, columns, drawn.split, kind="drawn", grouped_by=drawn.grouped_by, **drawing,
                       asked=asked, more=more, origin=origin, note=_join(origin, drawn.note, more))


def _drawing(cfg, made):
    """What decides how a split is drawn, beside the clips."""
    fraction = cfg.speech_test_fraction if made.attributes["kind"] == "speech" else cfg.test_fraction
    return {"seed": cfg.seed, "test_fraction": fraction, "val_fraction": cfg.val_fraction}


# ---- a split that is there -------------------------------------------------------------------------------------------


def _why_not_again(cfg, made, clips, more):
    """Why the split that is there gives way to a new one, as a clause; "" where it stays."""
    name = made.stem
    table, known = paths(cfg, name)[0], facts(cfg, name)
    rows, bring = split_files.rows(table), {clip.id: clip.split for clip in clips if clip.split}
    is_same = all(tables.split_name(rows[clip].get("split", "")) == side for clip, side in bring.items()
                  if clip in rows)
    own = splits.published(clips)
    if known.get("asked", known["kind"] not in _OF_CORPUS):
        if own and not (is_same and rows.keys() >= bring.keys()):
            print(f"{table.name} stays as it was asked for or edited, and the split of the corpus or of its labels is "
                  f"not used: remove {table.name} to use it")
    elif known["kind"] in _OF_CORPUS:
        if not bring and known["kind"] == "published":
            return "the split that came with the corpus or its labels is not there any more: a new one is drawn"
        return "" if is_same else "the split of the corpus or of its labels has changed: it is used"
    elif own:
        return "the corpus or its labels bring a split now: it is used"
    if known["kind"] == "drawn":
        by = splits.owners_of(made.columns["group"], made.columns["clip"], made.attributes["grouped_by"])[1]
        if by != known["grouped_by"]:
            return f"the clips are now grouped by {by}, and were by {known['grouped_by']}: a new split is drawn"
    if known["kind"] in _DRAWN and bool(known.get("more")) != bool(more):
        return "other clips of the corpus were asked for than before (--balance): a new split is drawn"
    return ""


def _update(cfg, made, clips, more):
    """Bring the split that is there up to date; print which clips came, and which had to move."""
    name, columns = made.stem, made.columns
    known = facts(cfg, name)
    if is_current(cfg, name, columns, exactly=True) and known.get("more", more) == more:
        return
    table, _ = paths(cfg, name)
    held = list(split_files.rows(table))
    saved = dict(zip(held, split_files.load(table, held), strict=True))  # refuses what an edited one may hold
    left = {clip: side for clip, side in known.get("left", {}).items() if clip not in saved}
    bring = {clip.id: clip.split for clip in clips if clip.split} if known["kind"] in _OF_CORPUS else {}
    ids, labels = [clip.strip() for clip in columns["clip"]], list(columns["label"])
    groups, drawing = splits.joined(columns["group"], columns["content"]), _drawing(cfg, made)
    drawing |= {key: known[key] for key in drawing if known.get(key) is not None}
    wanted = split_search.shares(drawing["test_fraction"], drawing["val_fraction"])
    same = splits.joined(columns["clip"], columns["content"])
    owners = groups if known["kind"] in ("given", *_OF_CORPUS) else splits.owners_of(groups, same, "")[0]
    done = split_update.split({**left, **saved, **bring}, ids=ids, labels=labels, shares=wanted, seed=drawing["seed"],
                              groups=list(columns["clip"]) if known["kind"] == "per clip" else owners,
                              only_add=known["kind"] not in _DRAWN)
    if set(done.split) < set(splits.SPLITS):
        absent = " and ".join(side for side in splits.SPLITS if side not in done.split)
        raise MerError(f"{name}.splits.csv leaves no clip in {absent}, since clips have left: draw a new one with "
                       "--split draw")
    facts_now = {**known, "n_added": known.get("n_added", 0) + len(done.added), "more": more,
                 "n_moved": known.get("n_moved", 0) + len(done.moved),
                 "left": {clip: side for clip, side in {**left, **saved}.items() if clip not in set(ids)}}
    facts_now["note"] = _join(_note(facts_now, done.split, groups, labels, wanted, made.attributes["grouped_by"]),
                              *changes(facts_now), more)
    _tell_changes(paths(cfg, name)[0].name, done, saved)
    split_files.record(cfg, name, columns, done.split, **{key: value for key, value in facts_now.items()
                                                          if key != "sha256"})


def _note(known, split, groups, labels, wanted, what):
    """The note of a split of other clips than before, but for how many came."""
    if known["kind"] == "per clip":
        return splits.per_clip_caveat(split, groups, known["seed"])
    drawn = f"the split was drawn with seed {known['seed']}, grouped by {known['grouped_by']}"
    origin = known.setdefault("origin", drawn if known["kind"] == "drawn" else known["note"])
    if known["kind"] == "drawn":
        return _join(origin, splits.caveats(split, groups, labels, wanted, known["grouped_by"], what))
    return origin


def changes(known):
    """What has become of a split since it was made, for its note.

    Parameters
    ----------
    known : dict
        With n_added and n_moved, the counts of clips.

    Yields
    ------
    str
    """
    if known["n_added"]:
        yield f"{known['n_added']} clip(s) added since"
    if known["n_moved"]:
        yield f"{known['n_moved']} clip(s) moved since, so that no group is on two sides"


def _tell_changes(table, done, saved):
    if done.added:
        print(f"{table}: {len(done.added)} new clip(s) added, the others keep their sides (--split draw makes a new "
              "split)")
    if done.moved:
        moves = ", ".join(f"{clip} from {saved[clip]}" for clip in done.moved[:5] if clip in saved)
        print(f"{table}: {len(done.moved)} clip(s) moved, since their group or their audio would have been on two "
              f"sides: {moves}{', ...' if len(done.moved) > 5 else ''}")


def tell_unused(known, wanted):
    """Print where the settings ask for another drawing than the one that stays.

    Parameters
    ----------
    known, wanted : dict
        seed, test_fraction, val_fraction, as it was drawn and as the settings are.
    """
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
    named = {clip: (row.get("group"), row.get("label")) for clip, row in split_files.rows(table).items()}
    now = {clip.strip(): (group.strip(), label)
           for clip, group, label in zip(*(columns[key] for key in ("clip", "group", "label")), strict=True)}
    if facts(cfg, name)["kind"] not in _DRAWN:
        return named.keys() >= now.keys()
    return now.items() <= named.items() and not (exactly and named.keys() - now.keys())


# ---- what to say of a split ------------------------------------------------------------------------------------------


def _join(*sentences):
    return "; ".join(filter(None, sentences))


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
    rows = split_files.rows(table)
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
