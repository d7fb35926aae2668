"""Several people's ratings of the same clips, read from a csv: one row per rating, or one column per emotion."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, tables
from mer.agreement import codes as codes_of_absence
from mer.agreement import columns
from mer.tables import missing

CLIP = ("clip", "clip_id", "clip_name", "song", "songs", "song_id", "track", "track_id", "excerpt", "stimulus", "file",
        "filename", "path", "item", "unit")
RATER = ("rater", "rater_id", "annotator", "annotator_id", "listener", "listener_id", "participant", "participant_id",
         "subject", "subject_id", "worker", "worker_id", "user", "user_id", "coder", "observer")
CLASS = ("emotion", "dimension", "class", "category", "attribute")
LANGUAGE = ("rater_language", "rater_lang", "language", "lang", "native_language", "mother_tongue", "rater_group",
            "group")
_VALUE = re.compile(r"(value|rating|score|answer|response|label)s?[^a-z]*")  # also "rating_1_5", "value[1..9]"


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
    missing : dict of str -> int
        What stood in the cells without a rating, and how often.
    left_out : tuple of mer.agreement.columns.LeftOut
        Columns of a wide table that hold no ratings.
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
    missing: dict
    left_out: tuple = ()

    @property
    def n_missing(self):
        """Cells without a rating."""
        return sum(self.missing.values())

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


def read(path, *, only=(), words=False, codes=None, encoding=None):
    """Read ratings.

    Columns are found by name, in any case and order: clip, rater, emotion (or dimension) and value, and
    rater_language where there is one; `docs/agreement.md` lists the other names. Without a value column, every
    column of numbers is one emotion, but for those that `mer.agreement.columns` knows to be something else.

    Parameters
    ----------
    path : str or pathlib.Path
        A csv as `mer.tables.read` takes it.
    only : sequence of str
        The emotions or dimensions wanted, commas between them or not; none: all.
    words : bool
        Where some values are numbers and some are not, take all as words instead of raising.
    codes : sequence of str or None
        What stands for a missing rating besides `mer.tables.missing`. None: nothing, and a number that looks like a
        code is refused; an empty sequence: nothing, and every number is a rating.
    encoding : str or None
        Of the file; None: found.

    Returns
    -------
    Ratings

    Raises
    ------
    MerError
        A column is missing or may be a rating or not, a row names no clip or rater, a rating is given twice, a rater
        has two languages, a value is not a number while others are or is the code of a missing one, or nothing is left.
    """
    table = tables.read(path, encoding=encoding)
    clip, rater = table.first(CLIP), table.first(RATER)
    if not clip or not rater:
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected clip, rater, emotion (or "
                       "dimension) and value, or clip, rater and one column per emotion")
    _check_names(table, clip, rater)
    rows, left_out = _rows(table, clip, rater, only)
    absent = {code.strip().casefold() for code in codes or ()}
    given = [row for row in rows if not missing.is_missing(row.text) and row.text.casefold() not in absent]
    if not given:
        raise MerError(f"{path} holds no rating: expected at least one clip that two people rated")
    if {"-", "+"} <= {row.text for row in rows}:
        raise MerError(f"{path} holds + and -: a dash alone stands for a missing rating, so write words or numbers")
    _check_twice(table, given)
    values = _values(table, given, words)
    if codes is None and values.dtype.kind == "f":
        codes_of_absence.check(table, given, values)
    counts = Counter(row.text for row in rows) - Counter(row.text for row in given)
    return _indexed(table, given, values, _languages(table, rater), dict(sorted(counts.items())), tuple(left_out))


def _check_names(table, *columns):
    for line, cells in table.rows:
        for column in columns:
            if not cells[column]:
                raise MerError(f"{table.path}, line {line}: the cell of {column} is empty: fill it or remove the row")


def _rows(table, clip, rater, only):
    """Every cell that may hold a rating, and the columns that hold none."""
    value, kind = _value_column(table, {clip, rater}, only), table.first(CLASS)
    if value:
        rows = [_Row(line, _name(cells[clip]), _name(cells[rater]), _name(cells[kind]) if kind else value, cells[value])
                for line, cells in table.rows]
        return _pick(table, rows, only), []
    chosen, left_out = _wide(table, clip, rater, only)
    return [_Row(line, _name(cells[clip]), _name(cells[rater]), column, cells[column])
            for line, cells in table.rows for column in chosen], left_out


def _candidates(table, known):
    """Columns that name neither clip, rater nor language, and those that do it a second time."""
    names = [name for name in table.columns if name not in known and name not in LANGUAGE]
    return ([name for name in names if name not in (*CLIP, *RATER)],
            [columns.LeftOut(name, "name") for name in names if name in (*CLIP, *RATER)])


def _value_column(table, known, only):
    """The column that holds all ratings, or None where every emotion has its own."""
    found, kind = [name for name in table.columns if _VALUE.fullmatch(name)], table.first(CLASS)
    if kind and len(found) > 1:
        raise MerError(f"{table.path} has the columns {' and '.join(found)}: keep the one that holds the ratings")
    if kind or not found:
        return found[0] if found else None
    others, _ = columns.split(table, [name for name in _candidates(table, known)[0] if name not in found],
                              table.first(RATER))
    others = [name for name in others if columns.holds_numbers(table, name)]
    if len(found) > 1 or (only and {_key(name) for name in _listed(only, table.columns)} <= set(table.columns)):
        return None
    if others and columns.holds_numbers(table, found[0]):
        raise MerError(f"{table.path} has numbers in {found[0]} and in {', '.join(others)[:200]}: say with --only "
                       "which of them are ratings, or remove the others")
    return None if others else found[0]


def _wide(table, clip, rater, only):
    """Columns of a wide file that hold ratings, and the others with their reasons."""
    candidates, twice = _candidates(table, {clip, rater})
    if only:
        wanted = {_key(name) for name in _listed(only, candidates)}
        if wanted - set(candidates):
            raise MerError(f"{table.path} has no {sorted(wanted - set(candidates))[0]!r}: choose from "
                           f"{', '.join(candidates)[:200]}")
        return [name for name in candidates if name in wanted], []
    chosen, left_out = columns.split(table, candidates, rater)
    if not chosen:
        raise MerError(f"{table.path} has the columns {', '.join(table.columns)[:200]}: expected a value column, or "
                       f"one column per emotion, and left out {', '.join(map(str, left_out))[:300]}; --only names "
                       "columns that hold ratings all the same")
    return chosen, left_out + twice


def _key(text):
    """A name as `mer.tables.read` spells the headers."""
    return re.sub(r"[\s_]+", "_", _name(text).strip().lower())


def _listed(only, known):
    """The names asked for; one that is not known is a list with commas."""
    known = {_key(name) for name in known}
    return [part for name in only for part in ([name] if _key(name) in known else name.split(",")) if part.strip()]


def _name(text):
    return unicodedata.normalize("NFC", text)


def _pick(table, rows, only):
    """Rows of the wanted classes; a class is one in any case, under its first spelling."""
    spelling = {}
    for row in rows:
        if not row.kind:
            raise MerError(f"{table.path}, line {row.line}: the cell of {table.first(CLASS)} is empty: fill it or "
                           "remove the row")
        spelling.setdefault(row.kind.casefold(), row.kind)
    wanted = {name.strip().casefold() for name in _listed(only, spelling)}
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
    wrong = [row for row in rows if not columns.is_number(table, row.text)]
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
        if not missing.is_missing(cells[column]):
            language = spelling.setdefault(_name(cells[column]).casefold(), _name(cells[column]))
            known, there = first.setdefault(_name(cells[rater]), (language, line))
            if known != language:
                raise MerError(f"{table.path}, lines {there} and {line}: rater {cells[rater]} is {known} in one and "
                               f"{language} in the other: one rater has one language, so name two people differently")
    return {name: language for name, (language, _) in first.items()}


def _indexed(table, rows, values, languages, absent, left_out):
    clips, clip = np.unique([row.clip for row in rows], return_inverse=True)
    raters, rater = np.unique([row.rater for row in rows], return_inverse=True)
    domain, value = np.unique(values, return_inverse=True)
    index_of = {name: index for index, name in enumerate(dict.fromkeys(row.kind for row in rows))}
    return Ratings(table.path, tuple(clips.tolist()), tuple(raters.tolist()),
                   tuple(languages.get(name, "") for name in raters.tolist()), tuple(index_of), domain, clip, rater,
                   np.array([index_of[row.kind] for row in rows]), value, absent, left_out)
