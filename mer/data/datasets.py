"""Corpora as training sees them: `load` opens what `mer.data.generate` wrote.

A store, `features/<kind>_<language>.h5` of log-mel, holds every clip that was extracted; a split file beside it
(`mer.data.store_split`) names the clips in use and their splits. A subset by hours and a mixture (`-l x`) are split
files alone.
"""

from mer import MerError, corpora, files, tables
from mer.data import split_files, store
from mer.features import representations
from mer.features.representations import DEFAULT


def stem(corpus, *, hours=None):
    """Stem of a corpus' files: speech_english, 3h_speech_english, music_mandarin, ..."""
    return f"{corpora.hours_prefix(hours)}{corpus.KIND}_{corpus.LANGUAGE}"


def store_path(corpus, cfg, name=DEFAULT, *, hours=None):
    """Where the store of a corpus is, or will be, that holds the representation `name`."""
    return cfg.features_dir / f"{stem(corpus, hours=hours)}{'' if name == DEFAULT else f'.{name}'}.h5"


def present(kind, cfg, name=DEFAULT):
    """Codes of the corpora of one kind that have a store of the representation `name`, sorted."""
    return [code for code in corpora.codes(kind) if store_path(corpora.get(kind, code), cfg, name).exists()]


def split_about(cfg, name):
    """How the split of a store, subset, fold or mixture came about, see `split_files.about`."""
    of_corpus = name.partition(".")[0]
    paths = [path for pattern in (f"{of_corpus}.h5", f"{of_corpus}.*.h5") for path in cfg.features_dir.glob(pattern)]
    return split_files.about(cfg, name, columns=store.read(paths[0]).columns if paths else None)


def load(kind, code, cfg, *, of=None, hours=None, fold=None):
    """Open a corpus for training.

    Parameters
    ----------
    kind, code, cfg
        As for `mer.data.generate.run`.
    of : mer.features.representations.Representation or None
        What the rows are: `Chunks.of` of the encoder. None: log-mel.
    hours : float or None
        The part of so many hours instead of all.
    fold : (int, int) or None
        Number, counted from 1, and how many there are.

    Returns
    -------
    store.ClipSet
        The clips with their splits; mixtures span the stores of their parts.

    Raises
    ------
    MerError
        Store or split file missing, or a clip without a split.
    """
    corpus, of = corpora.get(kind, code), of or representations.get(DEFAULT, cfg.values)
    if hours or corpus.PARTS:
        return _load_listed(corpus, cfg, of, hours=hours)
    stored = _open(corpus, cfg, of)
    name = split_files.fold_stem(stem(corpus), *fold) if fold else stem(corpus)
    table, _ = split_files.paths(cfg, name)
    if not table.exists():
        more = f" --folds {fold[1]}" if fold else ""
        raise MerError(f"{table.name} is not in {table.parent}: run '{command(corpus, of)}{more}', it draws the split")
    if fold and not split_files.is_current(cfg, name, stored.columns, exactly=True):
        raise MerError(f"{table.name} was cut of other clips, groups or classes than {stored.path.name} holds now: run "
                       f"the generate_dataset.py command of that store again, with --folds {fold[1]}")
    return store.ClipSet.of_store(stored, split_files.load(table, stored.ids))


def command(corpus, of, *, hours=None):
    """The command that makes what is missing."""
    more = ("" if of.name == DEFAULT else f" --features {of.name}") + (f" --hours {hours:g}" if hours else "")
    return f"python3 generate_dataset.py -d {corpus.KIND[0]} -l {corpus.CODE}{more}"


def _open(corpus, cfg, of):
    path = store_path(corpus, cfg, of.name)
    if not path.exists():
        raise MerError(f"{path.name} is not in {path.parent}: run '{command(corpus, of)}' first")
    stored = store.read(path, of=of, remedy=f"run '{command(corpus, of)}', which makes it anew")
    damaged = stored.damaged()
    if damaged:
        raise files.Damaged(f"{path} is damaged: the frames of {len(damaged)} of {len(stored.ids)} clips are not those "
                            f"that were written (the first is {stored.ids[damaged[0]]}): run '{command(corpus, of)}', "
                            "which extracts these again")
    return stored


def refuse_empty(splits):
    """Raise MerError where one of `splits` (name to chunks) has none."""
    empty = [name for name, chunks in splits.items() if not len(chunks)]
    if empty:
        raise MerError(f"the split leaves no clips for {' and '.join(empty)}: give it more clips, or a split file with "
                       "generate_dataset.py --split")


def _load_listed(corpus, cfg, of, *, hours):
    table, _ = split_files.paths(cfg, stem(corpus, hours=hours))
    if not table.exists():
        raise MerError(f"{table.name} is not in {table.parent}: run '{command(corpus, of, hours=hours)}' first")
    mixed = None
    for code in corpus.PARTS or [corpus.CODE]:
        named = _listed(table, f"{code}:" if corpus.PARTS else "")
        stored = _open(corpora.get(corpus.KIND, code), cfg, of)
        missing = set(named) - set(stored.ids)
        if missing:
            raise MerError(f"{table.name} names {min(missing)}, which is no longer in the store: "
                           f"run '{command(corpus, of, hours=hours)}' again")
        part = store.ClipSet.of_store(stored, [named.get(name, "") for name in stored.ids])
        part = part.take(part.split != "")
        mixed = part if mixed is None else mixed + part
    return mixed


def _listed(table, prefix):
    """Clip to split, of the rows that begin with `prefix`."""
    named = {}
    for line, cells in tables.read(table).rows:
        if cells["clip"].startswith(prefix):
            split = tables.split_name(cells["split"])
            if split is None:
                raise MerError(f"{table}, line {line}: split {cells['split']!r} is none of train, val, test")
            named[cells["clip"][len(prefix):]] = split
    return named
