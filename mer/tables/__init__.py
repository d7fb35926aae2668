"""Read a csv as people send it: any usual encoding, delimiter and spelling."""

import csv
import functools
import io
import re
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mer import MerError
from mer.tables import encoding as text_encoding

_DELIMITERS = ",;\t|"
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
           "test": "test", "testing": "test"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_QUOTED_DECIMAL = re.compile(r'"\s*[-+\u2212\u2013]?\d+,(\d+)\s*"')
_MINUS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))  # hyphens, dashes and the minus sign
_LOOKED_AT = 50  # records by which a delimiter is chosen


@dataclass(frozen=True)
class Table:
    """A csv in memory.

    Attributes
    ----------
    path : pathlib.Path
    columns : tuple of str
        Header cells, lower case, blanks as "_": "Song ID" is "song_id"; no two alike but for empty ones.
    rows : tuple of (int, dict)
        Line number in the file, counted from 1 with the header, and column to text; cells are stripped,
        a missing one is "".
    decimal_comma : bool
        True where the comma is free for numbers, as spreadsheets write them in half of Europe: another delimiter
        separates the cells, or such numbers are quoted.
    """

    path: Path
    columns: tuple
    rows: tuple
    decimal_comma: bool

    def first(self, names):
        """The first of `names` that is a column, or None."""
        return next((name for name in names if name in self.columns), None)

    def number(self, text):
        """`text` as a float, in full-width digits and with any minus sign too; raises ValueError where it is none."""
        plain = unicodedata.normalize("NFKC", text).translate(_MINUS).strip()
        plain = plain.replace(",", ".") if self.decimal_comma else plain
        if not _NUMBER.fullmatch(plain):
            raise ValueError(f"not a number: {text!r}")
        return float(plain)


def read(path, *, names=(), encoding=None):
    """Read a csv with a header line.

    Comma, semicolon, tab or bar, whichever gives most records as many cells as the header; an Excel `sep=` line is
    honoured. An encoding that is neither UTF-8 nor marked is named on stderr, once for each file.

    Parameters
    ----------
    path : str or pathlib.Path
    names : iterable of str
        Names that the file probably holds, such as those of audio files: its encoding is found by them.
    encoding : str or None
        As the user states it; None: found, see `mer.tables.encoding.decode`.

    Returns
    -------
    Table

    Raises
    ------
    MerError
        The file is missing, is a spreadsheet or other binary file, is empty, names a column twice, or has a row with
        more cells than the header.
    """
    path = Path(path)
    lines = _decode(path, names, encoding).splitlines(keepends=True)
    start = next((index for index, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise MerError(f"{path} is empty: a csv with a header line was expected")
    stated = re.fullmatch(r"sep=(.)\s*", lines[start], re.IGNORECASE)
    start += bool(stated)
    text = "".join(lines[start:])
    return _parse(path, text, start, stated[1] if stated else _delimiter(text))


def _decode(path, names, encoding):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MerError(f"{path} cannot be read ({error.strerror}): give the path of a csv") from None
    if data.startswith(b"PK\x03\x04"):
        raise MerError(f"{path} is a spreadsheet or an archive: save it as csv (UTF-8) and give that file")
    try:
        text, found = text_encoding.decode(data, names=names, stated=encoding)
    except MerError as error:
        raise MerError(f"{path}: {error}" if encoding else f"{path} is not a text file: a csv was expected") from None
    if found in text_encoding.LEGACY and not encoding:
        _print_encoding(path, found)
    return text


@functools.cache
def _print_encoding(path, encoding):
    """Once for each file and encoding."""
    print(f"{path.name} is not UTF-8 and was read as {text_encoding.LEGACY[encoding]}: if names look wrong, save "
          "it as UTF-8, or name its encoding with --encoding of generate_dataset.py", file=sys.stderr)


def _delimiter(text):
    """The delimiter that gives most records as many cells as the header, of those that make two or more of it."""
    def fit(mark):
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
            counts = [len(cells) for _, cells in zip(range(_LOOKED_AT), filter(None, reader), strict=False)]
        except csv.Error:
            return False, 0, 0
        return counts[0] > 1, sum(count == counts[0] for count in counts) / len(counts), counts[0]
    return max(_DELIMITERS, key=fit)


def _parse(path, text, start, delimiter):
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = tuple(re.sub(r"[\s_]+", "_", cell.strip().lower()) for cell in next(reader))
        double = next((name for name, count in Counter(columns).items() if count > 1 and name), None)
        if double:
            raise MerError(f"{path} has two columns {double!r}: rename or remove one of them")
        rows = []
        for cells in reader:
            cells, line = [cell.strip() for cell in cells], start + reader.line_num
            if any(cells[len(columns):]):
                raise MerError(f"{path}, line {line}: {len(cells)} cells under a header of {len(columns)}: quote cells "
                               f"that hold {delimiter!r}, or give every column a header")
            if any(cells):
                rows.append((line, dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=False))))
    except csv.Error as error:
        raise MerError(f"{path} is not a csv ({error}, line {start + reader.line_num}): save it as csv again") from None
    decimals = {len(found) for found in _QUOTED_DECIMAL.findall(text)}
    return Table(path, columns, tuple(rows), delimiter != "," or bool(decimals - {3}))  # "1,000" may be a thousand


def split_name(text):
    """ "train", "val" or "test" for the usual spellings of them, None for anything else."""
    return _SPLITS.get(text.strip().casefold())
