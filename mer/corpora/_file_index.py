"""Which audio file a row of a csv means."""

import os
import re
import unicodedata
from collections import defaultdict

from mer.corpora._base import AUDIO_SUFFIXES

_NUMBER = re.compile("[0-9]{1,18}")
_FLOAT = re.compile("([0-9]{1,18})[.,]0+")  # what a table program makes of a column of numbers with an empty cell


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
        return list(dict.fromkeys(self._copies.get(file, file) for file in self._find(text)))

    def _find(self, text):
        text = unicodedata.normalize("NFC", text.strip().replace("\\", "/"))
        ways = [_tidy(text), _tidy(f"{self._folder}/{text}")]
        for way in ways:
            if way in self._exact:
                return [self._exact[way]]
        for way in map(_stem, ways):
            alike = self._named.get(way.rpartition("/")[2], ())
            same = [file for stem, file in alike if stem == way]
            found = same or [file for stem, file in alike if _one_ends_other(stem, way)]
            if found:
                return found
        name = _FLOAT.sub(r"\1", unicodedata.normalize("NFKC", _stem(text)))
        return self._numbered.get(int(name), []) if _NUMBER.fullmatch(name) else []


def _tidy(path):
    """Normal form of a path: no "." and no "..", no leading "/"."""
    return os.path.normpath(path).replace(os.sep, "/").lstrip("/")


def _stem(path):
    """Path without audio suffix, the same for every case and Unicode form."""
    path = unicodedata.normalize("NFC", path).casefold()
    stem, suffix = os.path.splitext(path)
    return stem if suffix in AUDIO_SUFFIXES else path


def _one_ends_other(first, second):
    return f"/{first}".endswith(f"/{second}") or f"/{second}".endswith(f"/{first}")
