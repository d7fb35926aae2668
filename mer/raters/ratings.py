"""Several people's ratings of the same clips, read from a csv: one row per rating, or one column per emotion."""

import math
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, tables

CLIP = ("clip", "clip_id", "clip_name", "song", "songs", "song_id", "track", "track_id", "excerpt", "stimulus", "file",
        "filename", "path", "item", "unit")
RATER = ("rater", "rater_id", "annotator", "annotator_id", "listener", "listener_id", "participant", "participant_id",
         "subject", "subject_id", "worker", "worker_id", "user", "user_id", "coder", "observer")
CLASS = ("emotion", "dimension", "class", "category", "attribute")
LANGUAGE = ("rater_language", "rater_lang", "language", "lang", "native_language", "mother_tongue", "rater_group",
            "group")
_VALUE = re.compile(r"(value|rating|score|answer|response|label)s?[^a-z]*")  # also "rating_1_5", "value[1..9]"
_NO_RATING = re.compile(r"|id|index|unnamed.*|age|gender|sex|year.*|country|date|time.*|duration|order|trial|comments?|"
                        r"target_.*|understands_.*|quadrant_of_.*")  # of a wide file
_MISSING = ("", "na", "n/a", "nan", "null", "-", "?")


@dataclass(frozen=True)
class Ratings:
    """All ratings of one csv, as indices into the names.

    Attributes
    ----------
    path : pathlib.Path
    clips, raters : tuple of str
        Sorted.
    languages : tuple of str
        Language of each rater, "" where the csv does not tell.
    classes : tuple of str
        Emotions or dimensions, in the order of the csv.
    values : np.ndarray, shape (v,)
        The values that occur, ascending: float, or str where the ratings are words.
    clip, rater, kind, value : np.ndarray of int, shape (n,)
        Index of each rating into `clips`, `raters`, `classes` and `values`.
    n_missing : int
        Cells without a rating.
    """

    path: Path
    clips: tuple
    raters: tuple
    languages: tuple
    classes: tuple
    values: np.ndarray
    clip: np.ndarray
    rater: np.ndarray
    kind: np.ndarray
    value: np.ndarray
    n_missing: int

    def __len__(self):
        return len(self.value)

    @property
    def is_numeric(self):
        """False where the ratings are words, which have no order."""
        return self.values.dtype.kind == "f"


@dataclass(frozen=True)
class _Row:
    """One rating as text."""

    line: int
    clip: str
    rater: str
    kind: str
    text: str


def read(path, *, only=(), words=False):
    """Read ratings.

    Columns are found by name, in any case and order: clip, rater, emotion (or dimension) and value, and
    rater_language where there is one; `docs/agreement.md` lists the other names. Without a value column, every
    column of numbers is one emotion.

    Parameters
    ----------
    path : str or pathlib.Path
        A csv as `mer.tables.read` takes it.
    only : sequence of str
        The emotions or dimensions wanted; none: all.
    words : bool
        Where some values are numbers and some are not, take all as words instead of raising.

    Returns
    -------
    Ratings

    Raises
    ------
    MerError
        A column is missing, a row names no clip or rater, a rating is given twice, a rater has two
        languages, a value is not a number while others are, or nothing is left.
    """
    table = tables.read(path)
    clip, rater = table.first(CLIP), table.first(RATER)
    if not clip or not rater:
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected clip, rater, emotion (or "
                       "dimension) and value, or clip, rater and one column per emotion")
    _check_names(table, clip, rater)
    rows = _pick(table, _rows(table, clip, rater), only)
    given = [row for row in rows if row.text.casefold() not in _MISSING]
    if not given:
        raise MerError(f"{path} holds no rating: expected at least one clip that two people rated")
    _check_twice(table, given)
    return _indexed(table, given, _values(table, given, words), _languages(table, rater), len(rows) - len(given))


def _check_names(table, *columns):
    for line, cells in table.rows:
        for column in columns:
            if not cells[column]:
                raise MerError(f"{table.path}, line {line}: the cell of {column} is empty: fill it or remove the row")


def _rows(table, clip, rater):
    """Every cell that may hold a rating."""
    value, kind = next(filter(_VALUE.fullmatch, table.columns), None), table.first(CLASS)
    if value:
        return [_Row(line, _name(cells[clip]), _name(cells[rater]), _name(cells[kind]) if kind else value, cells[value])
                for line, cells in table.rows]
    columns = _wide(table, {clip, rater, table.first(LANGUAGE)})
    return [_Row(line, _name(cells[clip]), _name(cells[rater]), column, cells[column])
            for line, cells in table.rows for column in columns]


def _wide(table, known):
    """Columns of a wide file that hold ratings: those with numbers, or, where none has any, those of words."""
    columns = [name for name in table.columns if name not in known and not _NO_RATING.fullmatch(name)]
    columns = [name for name in columns if name not in LANGUAGE]
    numbers = [name for name in columns if any(_is_number(table, cells[name]) for _, cells in table.rows)]
    if not columns:
        raise MerError(f"{table.path} has the columns {', '.join(table.columns)[:200]}: expected a value column, or "
                       "one column per emotion")
    return numbers or columns


def _name(text):
    return unicodedata.normalize("NFC", text)


def _is_number(table, text):
    try:
        return math.isfinite(table.number(text))
    except ValueError:
        return False


def _pick(table, rows, only):
    """Rows of the wanted classes; a class is one in any case, under its first spelling."""
    spelling = {}
    for row in rows:
        if not row.kind:
            raise MerError(f"{table.path}, line {row.line}: the cell of {table.first(CLASS)} is empty: fill it or "
                           "remove the row")
        spelling.setdefault(row.kind.casefold(), row.kind)
    wanted = {name.strip().casefold() for name in only}
    if wanted - set(spelling):
        raise MerError(f"{table.path} has no {sorted(wanted - set(spelling))[0]!r}: choose from "
                       f"{', '.join(spelling.values())[:200]}")
    return [_Row(row.line, row.clip, row.rater, spelling[row.kind.casefold()], row.text) for row in rows
            if not wanted or row.kind.casefold() in wanted]


def _check_twice(table, rows):
    first = {}
    for row in rows:
        line = first.setdefault((row.clip, row.rater, row.kind), row.line)
        if line != row.line:
            raise MerError(f"{table.path}, lines {line} and {row.line}: {row.rater} rates {row.kind} of {row.clip} "
                           "twice: keep one of the two rows")


def _values(table, rows, words):
    """The ratings as numbers, or as words where none is a number, or where some are and `words` are allowed."""
    wrong = [row for row in rows if not _is_number(table, row.text)]
    if not wrong:
        return np.array([table.number(row.text) for row in rows])
    if words or len(wrong) == len(rows):
        return np.array([_name(row.text).casefold() for row in rows])
    raise MerError(f"{table.path}, line {wrong[0].line}: {wrong[0].text!r} is not a number, and "
                   f"{len(rows) - len(wrong)} of {len(rows)} ratings are: correct it, or add --level nominal to "
                   "compare ratings as words")


def _languages(table, rater):
    """Rater to language; one that differs in nothing but case is the same."""
    column = table.first(LANGUAGE)
    spelling, first = {}, {}
    for line, cells in table.rows if column else ():
        if cells[column]:
            language = spelling.setdefault(_name(cells[column]).casefold(), _name(cells[column]))
            known, there = first.setdefault(_name(cells[rater]), (language, line))
            if known != language:
                raise MerError(f"{table.path}, lines {there} and {line}: rater {cells[rater]} is {known} in one and "
                               f"{language} in the other: one rater has one language, so name two people differently")
    return {name: language for name, (language, _) in first.items()}


def _indexed(table, rows, values, languages, n_missing):
    clips, clip = np.unique([row.clip for row in rows], return_inverse=True)
    raters, rater = np.unique([row.rater for row in rows], return_inverse=True)
    domain, value = np.unique(values, return_inverse=True)
    place = {name: index for index, name in enumerate(dict.fromkeys(row.kind for row in rows))}
    return Ratings(table.path, tuple(clips.tolist()), tuple(raters.tolist()),
                   tuple(languages.get(name, "") for name in raters.tolist()), tuple(place), domain, clip, rater,
                   np.array([place[row.kind] for row in rows]), value, n_missing)
