"""Names in tables: which artists, songs and other groups are one, and which audio file a row means."""

import os
import re
import unicodedata
from collections import Counter, defaultdict

from mer.corpora._base import AUDIO_SUFFIXES

# Letters that Unicode does not take apart into a letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_FEATURING = re.compile(r"(?<=[^\W_]|[\s.)!?'])[\s(\[（【]*(?<![a-z])(?:feat|ft|featuring)(?![a-z])[.:]?\s*(?=\S).*")
_ARTICLE = "the|an?|die|der|das|los|las|les|el|la|le|il|os|as"
_ARTICLE_LAST = re.compile(rf"(.+?)(?:\s*[,;]\s*({_ARTICLE})|\s*\(({_ARTICLE})\)|\s*\[({_ARTICLE})\])")
# Characters without a picture beside those of category Cf, see Default_Ignorable_Code_Point in Unicode.
_IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_QUOTES = re.compile(r"['\u00b4`\u02b9-\u02bd\u02c8\u02ca\u02cb\u2018-\u201f\u2032-\u2037\u2039\u203a\uff07\"«»]")
_UNKNOWN = frozenset((
    "", "-", "--", "?", ".", "n/a", "#n/a", "nan", "null", "none", "unknown", "unknown artist", "[unknown]",
    "<unknown>", "(unknown)", "various", "various artists", "va", "v.a.", "v/a", "anonymous", "missing", "bilinmiyor",
    "bilinmeyen", "çeşitli sanatçılar", "çeşitli", "anonim", "未知", "未知艺术家", "未知藝術家", "佚名", "群星"))
_PERHAPS_UNKNOWN = frozenset(("na",))  # a band by that name exists; so many of its clips are asked about:
_MANY = 3
_NUMBER = re.compile("[0-9]{1,18}")
_FLOAT = re.compile("([0-9]{1,18})[.,]0+")  # what a table program makes of a column of numbers with an empty cell


def key(name):
    """What equal artists have in common, however they are spelled: case, accents, quotes, "The X" and "X, The", guests.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        For comparing only. "" where the name says that the artist is not known. Accents count in scripts other than
        Latin, where they make another letter; punctuation counts where a name is nothing else ("!!!").
    """
    text = _QUOTES.sub("'", _IGNORED.sub("", name))
    text = "".join(char for char in unicodedata.normalize("NFKC", text)
                   if unicodedata.category(char) not in ("Cf", "Cc") or char.isspace())
    text = " ".join(text.casefold().split())
    if text in _UNKNOWN:
        return ""
    letters = []  # without accents
    for char in unicodedata.normalize("NFD", text.translate(_LETTERS)):
        if not (unicodedata.combining(char) and letters and "a" <= letters[-1] <= "z"):
            letters.append(char)
    text = unicodedata.normalize("NFC", "".join(letters))
    text = _FEATURING.sub("", text) or text
    if moved := _ARTICLE_LAST.fullmatch(text):
        text = f"{moved[2] or moved[3] or moved[4]} {moved[1]}"
    text = re.sub(r"\s*[&+＆]\s*", " and ", text).removeprefix("the ")
    plain = re.sub(r"['.,!?()\[\]]", "", text)
    plain = " ".join(re.sub(r"[-‐‑‒–—_/\\:·・]", " ", plain).split())
    return plain or text


def united(names):
    """One spelling for all names of one artist.

    Parameters
    ----------
    names : iterable of str
        One for each clip.

    Returns
    -------
    dict
        Name to the spelling that most clips have, the first in the alphabet of equally many; "" for nobody known.
    """
    counts, spellings = Counter(names), defaultdict(list)
    for name in counts:
        spellings[key(name)].append(name)
    shown = {same: min(found, key=lambda name: (-counts[name], name)) for same, found in spellings.items()}
    return {name: shown[same].strip() if same else "" for same, found in spellings.items() for name in found}


def doubts(names, what):
    """What to say of groups that nobody knows, or perhaps not.

    Parameters
    ----------
    names : sequence of str
        One for each clip; "" where there is none.
    what : str
        "artist", "song", ...

    Yields
    ------
    str
        One sentence.
    """
    unknown = sum(not key(name) for name in names)
    if 0 < unknown < len(names):
        yield (f"{unknown} of {len(names)} clips have no {what}: each of them is a group of its own, so clips of one "
               f"{what} may be in training and in test")
    perhaps = sum(key(name) in _PERHAPS_UNKNOWN for name in names)
    if perhaps >= _MANY:
        yield f"{perhaps} clips have the {what} 'NA': if that means unknown, empty these cells"


class FileIndex:
    """Finds the audio file that a row means.

    A row may give the path from the corpus folder or from the csv, a longer or shorter path with the same
    end, or the bare name; with or without suffix, in any case and Unicode form, with "/" or "\\". A number that is
    no file's name means the file whose name is that number: spreadsheets make 1 of "001", or 1.0. A file of which
    there is a copy is found by the place of the copy too.

    Parameters
    ----------
    files : sequence of str
    root, csv_path : pathlib.Path
    copies : dict
        Copy to the one of `files` that it is of.
    """

    def __init__(self, files, root, csv_path, copies=None):
        self._copies = copies or {}
        files = [*files, *self._copies]
        self._folder = os.path.relpath(csv_path.parent, root).replace(os.sep, "/")
        self._exact = {unicodedata.normalize("NFC", file): file for file in files}
        self._named, self._numbered = defaultdict(list), defaultdict(list)
        for file in files:
            stem = _stem(file)
            name = stem.rpartition("/")[2]
            self._named[name].append((stem, file))
            if _NUMBER.fullmatch(number := unicodedata.normalize("NFKC", name)):
                self._numbered[int(number)].append(file)

    def find(self, text):
        """The files that `text` may mean: none, one, or several where it is ambiguous."""
        text = unicodedata.normalize("NFC", text.strip().replace("\\", "/"))
        ways = [os.path.normpath(way).replace(os.sep, "/").lstrip("/") for way in (text, f"{self._folder}/{text}")]
        files = [self._exact[way] for way in ways if way in self._exact][:1]
        for way in map(_stem, ways):
            alike = self._named.get(way.rpartition("/")[2], ()) if not files else ()
            files += [file for stem, file in alike if stem == way] or [
                file for stem, file in alike if f"/{stem}".endswith(f"/{way}") or f"/{way}".endswith(f"/{stem}")]
        name = _FLOAT.sub(r"\1", unicodedata.normalize("NFKC", _stem(text)))
        if not files and _NUMBER.fullmatch(name):
            files = self._numbered.get(int(name), [])
        return list(dict.fromkeys(self._copies.get(file, file) for file in files))


def _stem(path):
    """Path without audio suffix, the same for every case and Unicode form."""
    path = unicodedata.normalize("NFC", path).casefold()
    stem, suffix = os.path.splitext(path)
    return stem if suffix in AUDIO_SUFFIXES else path
