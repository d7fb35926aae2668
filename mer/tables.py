"""Read a csv as people send it: any usual encoding, delimiter and spelling."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from mer import MerError

_DELIMITERS = ",;\t|"
_SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
           "test": "test", "testing": "test"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Table:
    """A csv in memory.

    Attributes
    ----------
    path : pathlib.Path
    columns : tuple of str
        Header cells, lower case, blanks as "_": "Song ID" is "song_id".
    rows : tuple of (int, dict)
        Line number in the file, counted from 1 with the header, and column to text; cells are stripped,
        a missing one is "".
    decimal_comma : bool
        True where the delimiter leaves the comma free for numbers, as spreadsheets write them in half of Europe.
    """

    path: Path
    columns: tuple
    rows: tuple
    decimal_comma: bool

    def first(self, names):
        """The first of `names` that is a column, or None."""
        return next((name for name in names if name in self.columns), None)

    def number(self, text):
        """`text` as a float; raises ValueError where it is none."""
        return float(text.replace(",", ".") if self.decimal_comma else text)


def read(path):
    """Read a csv with a header line.

    UTF-8 with or without byte order mark, UTF-16 and, where neither fits, Latin-1; comma, semicolon, tab or
    bar, whichever splits the header into most cells; an Excel `sep=` line is honoured.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    Table

    Raises
    ------
    MerError
        The file is missing, is a spreadsheet or other binary file, or is empty.
    """
    path = Path(path)
    lines = _decode(path).splitlines(keepends=True)
    start = next((index for index, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise MerError(f"{path} is empty: a csv with a header line was expected")
    stated = re.fullmatch(r"sep=(.)\s*", lines[start], re.IGNORECASE)
    start += bool(stated)
    delimiter = stated[1] if stated else _delimiter(lines[start])
    return _parse(path, lines, start, delimiter)


def _decode(path):
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MerError(f"{path} cannot be read ({error.strerror}): give the path of a csv") from None
    if data.startswith(b"PK\x03\x04"):
        raise MerError(f"{path} is a spreadsheet or an archive: save it as csv (UTF-8) and give that file")
    for encoding in (*(name for mark, name in _BOMS if data.startswith(mark)), *_without_mark(data)):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise MerError(f"{path} is not a text file: a csv was expected")


def _without_mark(data):
    """Encodings to try in turn; every second byte of western UTF-16 is zero, and no text holds zeros else."""
    if b"\0" not in data[:1000]:
        return "utf-8", "latin-1"
    return ("utf-16-be",) if data[:1] == b"\0" else ("utf-16-le",)


def _delimiter(header):
    """The delimiter that makes most cells of the header line; the comma where none makes two."""
    return max(_DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark))))


def _parse(path, lines, start, delimiter):
    reader = csv.reader(io.StringIO("".join(lines[start:]), newline=""), delimiter=delimiter)
    try:
        columns = tuple(re.sub(r"[\s_]+", "_", cell.strip().lower()) for cell in next(reader))
        rows = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                cells = [cell.strip() for cell in cells] + [""] * (len(columns) - len(cells))
                rows.append((start + reader.line_num, dict(zip(columns, cells, strict=False))))
    except csv.Error as error:
        raise MerError(f"{path} is not a csv ({error}, line {start + reader.line_num}): save it as csv again") from None
    return Table(path, columns, tuple(rows), delimiter != ",")


def split_name(text):
    """ "train", "val" or "test" for the usual spellings of them, None for anything else."""
    return _SPLITS.get(text.strip().casefold())
