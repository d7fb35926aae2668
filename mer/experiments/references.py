"""BibTeX of what a plan used: corpora, architectures, statistics. references.bib says what each entry belongs to.

An entry belongs to a corpus where its doi or eprint stands in the corpus's CITATION, and to an architecture or to every
plan ("always") where its keywords say so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mer import corpora
from mer.experiments.plan import Plan
from mer.training import setups

BIB = Path(__file__).with_name("references.bib")
_FIELD = re.compile(r"\b(doi|eprint|keywords) = \{([^{}]*)\}")


@dataclass(frozen=True)
class Entry:
    """One entry of the file: its key, its text, and the fields that say what it belongs to."""

    key: str
    text: str
    fields: dict[str, str]


def entries() -> list[Entry]:
    """All entries of references.bib."""
    found = []
    for text in re.split(r"\n(?=@)", BIB.read_text(encoding="utf-8").strip()):
        found.append(Entry(text[text.index("{") + 1:text.index(",")], text.strip(), dict(_FIELD.findall(text))))
    return found


def keys_of(name: str, citation: str = "") -> list[str]:
    """Keys of the entries of an architecture by its name, or of a corpus by its CITATION."""
    return [entry.key for entry in entries()
            if (name and name in re.split(r",\s*", entry.fields.get("keywords", "")))
            or any(entry.fields.get(field, "\0") in citation for field in ("doi", "eprint"))]


def corpora_of(plan: Plan) -> list[Any]:
    """The corpora that a plan hears or tests, in the order of its cells; a mixture as its parts."""
    found: dict[str, Any] = {}
    for cell in plan.cells:
        codes = [("music", code) for step in setups.parse(str(cell.facts["music"]), plan.mixed) for code in step]
        if cell.facts["tested"] != "x":
            codes.append(("music", str(cell.facts["tested"])))
        if cell.facts["language"] is not None and cell.facts["pretext"] != "published":
            codes.insert(0, ("music" if cell.facts["heard"] == "music" else "speech", str(cell.facts["language"])))
        for kind, code in codes:
            corpus = corpora.get(kind, code)
            for part in [corpora.get(kind, part) for part in corpus.PARTS] or [corpus]:
                found[part.NAME] = part
    return list(found.values())


def bibtex(plan: Plan) -> str:
    """The entries of everything that a plan used; a corpus without one is a @misc of its citation."""
    used: list[str] = []
    for corpus in corpora_of(plan):
        used += keys_of("", corpus.CITATION)
    for encoder in _encoders(plan):
        used += keys_of(encoder)
    used += keys_of("always")
    texts = {entry.key: entry.text for entry in entries()}
    return "\n\n".join(texts[key] for key in dict.fromkeys(used)) + "\n"


def _encoders(plan: Plan) -> Iterable[str]:
    return dict.fromkeys(str(cell.facts["encoder"]) for cell in plan.cells)
