"""`corpora.py --download`: which corpus an archive belongs to, and whom to ask where none may be fetched."""

from mer import MerError
from mer.corpora._base import fold
from mer.inventory import survey


def fetch(names, cfg):
    """Fetch archives into path_to_data (or the corpus' own path), or print whom to ask.

    Parameters
    ----------
    names : sequence of str
        Archives such as "dev-clean" or "data_aishell", or names of corpora.
    cfg : Config

    Returns
    -------
    int
        Exit status: 0 fetched, 1 where only an address can be given.

    Raises
    ------
    MerError
        A name is unknown, or path_to_data is not set.
    """
    orders, closed = _orders(names)
    for corpus in closed:
        print(f"{corpus.NAME} cannot be downloaded from here: {survey.how_to_get(corpus)}")
    if not orders:
        return 1
    from mer.inventory import download  # late: an unknown name is answered without it

    folders = {corpus: cfg.values.get(corpus.SETTING) or cfg.path_to_data for corpus, _ in orders}
    if not all(folders.values()):
        raise MerError("path_to_data in settings.py is empty: set it to the folder that is to hold the corpora")
    for corpus, archives in orders:
        download.fetch(corpus, archives, cfg.resolve(folders[corpus]))
    return 1 if closed else 0


def _orders(names):
    """[(corpus, archives), ...] to fetch, and the corpora that cannot be."""
    known, closed = {}, {}
    for corpus in survey.chosen():
        archives = getattr(corpus, "ARCHIVES", {})
        known |= {fold(name): (corpus, name) for name in archives}
        if not archives and not hasattr(corpus, "PARTS"):
            closed |= {fold(name): corpus for name in (corpus.NAME, *corpus.FOLDER)}
    orders, ask = {}, []
    for name in filter(None, (name.strip() for name in names)):
        if fold(name) in known:
            corpus, archive = known[fold(name)]
            orders.setdefault(corpus.NAME, (corpus, []))[1].append(archive)
        elif fold(name) in closed:
            ask.append(closed[fold(name)])
        else:
            raise MerError(f"--download {name!r} is no archive: choose from {_offer(known)}")
    return list(orders.values()), ask


def _offer(known):
    of = {}
    for corpus, name in known.values():
        of.setdefault(corpus.NAME, []).append(name)
    return "; ".join(f"{', '.join(names)} ({corpus})" for corpus, names in of.items()) or "nothing: no corpus has any"
