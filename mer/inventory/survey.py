"""What is there of every corpus: where it is looked for, clips, hours, classes, groups, licence, how to get it.

`look` finds one, `describe` counts it; `mer.inventory.survey_text` writes what they give, `mer.inventory.check` reads
every file.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, corpora
from mer.data import subsets

KINDS = ("speech", "music")


@dataclass(frozen=True)
class Located:
    """A corpus and what came of looking for it.

    Attributes
    ----------
    corpus : module
        From `corpora.get`.
    root : pathlib.Path or None
        Its folder; None where it was not found.
    listing : corpora.Listing or None
        None where it was not found or cannot be used.
    problem : str
        One sentence that says why; "" where there is a listing.
    """

    corpus: object
    root: Path | None = None
    listing: object = None
    problem: str = ""


def chosen(kind=None, code=None):
    """The corpus modules, all or those of one kind or code, speech first.

    Parameters
    ----------
    kind : {"speech", "music"} or None
    code : str or None

    Raises
    ------
    MerError
        There is none.
    """
    found = [corpora.get(one, letter) for one in KINDS for letter in corpora.codes(one)
             if kind in (None, one) and code in (None, letter)]
    if not found:
        corpora.get(kind or KINDS[-1], code)  # says which codes there are
    return found


def flags(corpus):
    """How the scripts name a corpus: "-d s -l e"."""
    return f"-d {corpus.KIND[0]} -l {corpus.CODE}"


def look(corpus, cfg):
    """Find and list a corpus; what is missing or cannot be used is its `problem`, not raised.

    Parameters
    ----------
    corpus : module
        No mixture.
    cfg : Config

    Returns
    -------
    Located
    """
    try:
        root = corpora.locate(corpus, cfg)
    except (MerError, OSError) as error:
        return Located(corpus, problem=str(error))
    try:
        return Located(corpus, root, corpora.list_clips(corpus, root))
    except (MerError, OSError) as error:
        return Located(corpus, root, problem=str(error))


def describe(chosen_corpora, cfg):
    """Count corpora, one after the other.

    Parameters
    ----------
    chosen_corpora : sequence of module
        From `chosen`.
    cfg : Config

    Yields
    ------
    dict
        Numbers and text only, for JSON. `clips`, `hours` and the like are there only where the corpus is usable.
        Hours come from the headers of the files; `no_header` counts those without one.
    """
    known = {}

    def about(corpus):
        key = corpus.KIND, corpus.CODE
        if key not in known:
            parts = [about(corpora.get(corpus.KIND, code)) for code in corpus.PARTS]
            known[key] = _mixture(corpus, parts) if parts else _single(look(corpus, cfg), cfg)
        return known[key]

    yield from map(about, chosen_corpora)


def _single(located, cfg):
    corpus, setting = located.corpus, cfg.values.get(located.corpus.SETTING, "")
    try:
        folder = cfg.data_dir
    except MerError:
        folder = None
    names = " or ".join(corpus.FOLDER)
    looked_for = f"{names} in {folder} (path_to_data)" if folder else f"{names}; path_to_data is empty"
    about = _facts(corpus, located.problem) | {
        "looked_for": f"{cfg.resolve(setting)} ({corpus.SETTING})" if setting else looked_for,
        "folder": str(located.root) if located.root else None, "setting": corpus.SETTING,
        "expected_clips": corpus.EXPECTED_CLIPS}
    return about | _counts(located) if located.listing else about


def _mixture(corpus, parts):
    """A mixture has equal hours of its parts, so the smallest sets how many."""
    absent = [part["name"] for part in parts if not part["usable"]]
    about = _facts(corpus, f"it needs {' and '.join(absent)}" if absent else "")
    about["parts_of"] = [part["name"] for part in parts]
    return about if absent else about | {"hours": min(part["hours"] for part in parts) * len(parts)}


def _facts(corpus, problem):
    return {"flags": flags(corpus), "kind": corpus.KIND, "is_music": corpus.IS_MUSIC, "code": corpus.CODE,
            "name": corpus.NAME, "language": corpus.LANGUAGE, "licence": corpus.LICENCE, "citation": corpus.CITATION,
            "home_page": corpus.HOMEPAGE, "how_to_get": corpus.HOW_TO_GET, "usable": not problem, "problem": problem}


def _counts(located):
    corpus, listing = located.corpus, located.listing
    clips = listing.clips
    seconds = subsets.durations(clips)
    known = seconds[np.isfinite(seconds)]
    counts = {"clips": len(clips), "hours": float(known.sum() / 3600), "no_header": len(clips) - len(known),
              "grouped_by": listing.grouped_by, "groups": len({clip.group for clip in clips}),
              "about_groups": corpus.about_groups(located.root, clips) if hasattr(corpus, "about_groups") else "",
              "parts": parts(corpus, clips),
              "skipped": [list(entry) for entry in listing.skipped]}
    if len(known):
        counts["seconds"] = {name: float(value) for name, value in
                             zip(("least", "median", "most"), np.quantile(known, (0, 0.5, 1)), strict=True)}
    if corpus.KIND == "music":
        counts["classes"] = dict(sorted(Counter(clip.quadrant for clip in clips).items()))
        splits = Counter(clip.split for clip in clips)
        counts["splits"] = {name: splits[name] for name in ("train", "val", "test") if splits[name]}
    return counts


def parts(corpus, clips):
    """Clips and groups of every part (subset) that is there, beside what its owners count.

    Parameters
    ----------
    corpus : module
    clips : sequence of Clip

    Returns
    -------
    dict
        Name to `clips`, `expected_clips`, `groups` and `expected_groups`; empty where the corpus has no parts.
    """
    groups, counts = {}, Counter()
    for clip in clips if corpus.EXPECTED_PARTS else ():
        name = corpus.part(clip.id)
        counts[name] += 1
        groups.setdefault(name, set()).add(clip.group)
    return {name: {"clips": counts[name], "expected_clips": expected[0], "groups": len(groups[name]),
                   "expected_groups": expected[1]}
            for name, expected in corpus.EXPECTED_PARTS.items() if counts[name]}


def nothing_found(cfg):
    """What to do where no corpus at all was found: one sentence."""
    value, source = cfg.path_to_data, cfg.sources["path_to_data"]
    now = f"it is {value!r} now ({source})" + ("" if cfg.resolve(value).is_dir() else ", which is no folder")
    return ("No corpus was found. In settings.py set the line path_to_data to the folder that holds LibriSpeech/, "
            f"data_aishell/ and so on; {now if value else 'it is empty now'}. Without any corpus, 'python3 "
            "make_demo_corpus.py' makes a small synthetic one.")
