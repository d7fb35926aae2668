"""The folds of a cross-validation on one store: cut once, saved beside it, and kept for the clips that they have."""

from mer import tables
from mer.data import split_files, split_search, split_update, splits, store_split
from mer.data.split_files import facts, fold_stem, paths


def settle(cfg, made, n_folds, *, more="", anew=False):
    """Write the folds of a store; those that are there are kept for the clips that they have.

    Parameters
    ----------
    cfg, made, more
        As for `store_split.settle`.
    n_folds : int
    anew : bool
        Cut all clips again.

    Returns
    -------
    str
        One sentence on them.
    """
    columns, by, name = made.columns, made.attributes["grouped_by"], made.stem
    drawing = {"seed": cfg.seed, "val_fraction": cfg.val_fraction}
    saved = None if anew else _saved_folds(cfg, name, n_folds, by, more)
    common = {"ids": [clip.strip() for clip in columns["clip"]], "labels": columns["label"],
              "groups": splits.joined(columns["group"], columns["content"])}
    n_added = n_moved = 0
    if saved:
        known = facts(cfg, fold_stem(name, 1, n_folds))
        store_split.tell_unused({key: known[key] for key in drawing}, drawing)
        drawing = {key: known[key] for key in drawing}
        folds, done = split_update.folds(saved, **common, **drawing)
        n_added, n_moved = (known.get(key, 0) + len(clips) for key, clips in (("n_added", done.added),
                                                                              ("n_moved", done.moved)))
    if not saved or any(set(split) < set(splits.SPLITS) for split in folds):
        folds = splits.draw_folds(**common, **drawing, n_folds=n_folds)
    uneven = ["; ".join(split_search.uneven(split, columns["label"], split_search.shares(
        1 / n_folds, drawing["val_fraction"]), by)) for split in folds]
    for number, split in enumerate(folds, start=1):
        notes = [f"fold {number} of {n_folds}, drawn with seed {drawing['seed']}, grouped by {by}", uneven[number - 1],
                 *store_split.changes({"n_added": n_added, "n_moved": n_moved}), more]
        split_files.record(cfg, fold_stem(name, number, n_folds), columns, split, kind="fold", grouped_by=by, **drawing,
                           more=more, n_added=n_added, n_moved=n_moved, note="; ".join(filter(None, notes)))
    odd = [f"{number}" for number, what in enumerate(uneven, start=1) if what]
    return f"{n_folds} folds, grouped by {by}" + (f", uneven in {', '.join(odd)}" if odd else "")


def _saved_folds(cfg, name, n_folds, by, more):
    """Clip to side of every fold that is there; None where one is missing, edited, or of other groups or parts."""
    saved = []
    for number in range(1, n_folds + 1):
        table, _ = paths(cfg, fold_stem(name, number, n_folds))
        known = facts(cfg, fold_stem(name, number, n_folds)) if table.exists() else {}
        if known.get("kind") != "fold" or known["grouped_by"] != by or bool(known.get("more")) != bool(more):
            return None
        saved.append({clip: tables.split_name(row["split"]) for clip, row in split_files.rows(table).items()})
    return saved
