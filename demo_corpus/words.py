"""What is said and sung, read from words.txt: the project's own words, proverbs and Tang poems (public domain).

An English sentence ends with a full stop or question mark; Mandarin ones are cut into words and separated by 。
A stanza is its quadrant, its metre and four lines separated by `/`.
"""

import re
from pathlib import Path
from typing import NamedTuple

METRES = {"iamb": "x/x/x/x/", "trochee": "/x/x/x/", "five": "/x/x/"}  # a sign is a syllable; `/` falls on a beat


class Stanza(NamedTuple):
    """Four lines of one metre, and the quadrant whose mood they have."""

    quadrant: str
    metre: str
    lines: tuple


def _stanza(text):
    quadrant, metre, lines = text.split(" ", 2)
    return Stanza(quadrant, METRES[metre], tuple(lines.split(" / ")))


def _read():
    """SENTENCES and STANZAS: tuples of str and of Stanza by language."""
    blocks = re.split("^#.*\n", Path(__file__).with_name("words.txt").read_text(encoding="utf-8"), flags=re.M)[1:]
    english, mandarin, *poems = (" ".join(block.split()) for block in blocks)  # line breaks are spaces
    sentences = {"english": tuple(re.split(r"(?<=[.?]) ", english)), "mandarin": tuple(mandarin.split(" 。 "))}
    return sentences, {language: tuple(map(_stanza, re.split(" (?=Q[1-4] )", poem)))
                       for language, poem in zip(sentences, poems, strict=True)}


SENTENCES, STANZAS = _read()
