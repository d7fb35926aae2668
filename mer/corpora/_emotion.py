"""Arousal, valence and quadrants as csv files spell them; numbers that stand for a missing rating (-9, 999, ...)."""

import math
import re
import statistics
import sys
import unicodedata

from mer import MerError
from mer.tables.missing import is_code

_NUMBER = r"[-\u2212]?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"_?[\[(]_?({_NUMBER})_?(?:\.\.\.?|…|[-–,]|to)_?({_NUMBER})_?[\])]$")  # the end of "arousal[1..9]"
_QUADRANT = re.compile(r"(?:(?:quadrant|quad|q)[\s._-]*)?(?:([1-4])(?:[.,]0+)?|(iv|i{1,3}))", re.IGNORECASE)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
_ZERO = re.compile(r"(?:(?:quadrant|quad|q)[\s._-]*)?0+(?:[.,]0+)?", re.IGNORECASE)
DIMENSIONS = ("arousal", "valence")
_FAR, _FAR_OF_CODE = 10, 1.5  # how many times as large as the others a number is that is no rating; one that looks so
_FEW = 0.02                   # share of the rows outside of a scale that may be slips of the pen
_DIVERSE = 3                  # other values for each negative one: a scale around 0 would have as many below as above
_RARE = 3                     # rows without a negative number for each that holds one code and nothing else


def quadrant_name(text):
    """ "Q1" to "Q4" for "Q1", "q 1", "Quadrant 1", "1", "1.0", "I" and full-width letters; None for anything else."""
    found = _QUADRANT.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return f"Q{found[1] or _ROMAN[found[2].lower()]}" if found else None


def refuse_zeros(table, columns):
    """Refuse quadrants that may be numbered from 0, and two columns of quadrants that contradict each other.

    Parameters
    ----------
    table : mer.tables.Table
    columns : sequence of str
        Those that hold quadrants.

    Raises
    ------
    MerError
        A cell holds 0, or two cells of a row hold different quadrants.
    """
    for column in columns:
        zeros = [line for line, cells in table.rows
                 if _ZERO.fullmatch(unicodedata.normalize("NFKC", cells[column]).strip())]
        if zeros:
            raise MerError(f"{table.path}: {column} is 0 in {_lines(zeros)}, and quadrants are Q1 to Q4: if "
                           "they were counted from 0, write Q1 for 0 and so on; if 0 means that there is none, empty "
                           "these cells")
    for line, cells in table.rows:
        if len({quadrant_name(cells[column]) or cells[column] for column in columns if cells[column]}) > 1:
            raise MerError(f"{table.path}, line {line}: the columns {' and '.join(columns)} name different quadrants: "
                           "remove one of them")


class Plane:
    """The arousal and valence columns of a csv: one each (a mean), or one per annotator.

    Parameters
    ----------
    columns : dict
        "arousal" and "valence" to a list of column names.
    ranges : dict
        "arousal" and "valence" to (low, high), or to None where nobody stated it.
    number : callable
        Text to float.
    value_range : (float, float) or None
        Of the corpus, for both where the header states neither.
    """

    def __init__(self, columns, ranges, number, value_range=None):
        self.columns, self.ranges, self._number, self._of_corpus = columns, ranges, number, value_range

    @classmethod
    def of(cls, table, value_range=None):
        """The plane of `table`, or None where one of the two dimensions has no column."""
        columns = {name: _columns(table.columns, name) for name in DIMENSIONS}
        if not all(columns.values()):
            return None
        return cls(columns, {name: _stated_range(columns[name][0]) for name in DIMENSIONS}, table.number, value_range)

    def scaled(self, table, *, needed):
        """The plane with a range for both dimensions: stated, of the corpus, or taken from the values.

        Nobody can tell the middle of an unstated scale whose values are all on one side of zero, and a code for a
        missing value must not pass for a rating. Either is refused where the labels rest on it (`needed`); else the
        numbers are left out, which is printed.

        Returns
        -------
        Plane or None
            None where the numbers are left out.

        Raises
        ------
        MerError
            With the lines that the numbers cannot be used for.
        """
        found = {name: [(line, value) for line, cells in table.rows for value in self._values(cells, name)]
                 for name in DIMENSIONS}
        free = [name for name in DIMENSIONS if not self.ranges[name]]
        differs = any(stated not in (None, self._of_corpus) for stated in self.ranges.values())
        whole = None if differs else self._of_corpus  # whose scale of one dimension is another, the other's is unknown
        ranges = {name: self.ranges[name] or whole for name in DIMENSIONS}
        problem = self._doubled(table) or next(filter(None, (
            _not_in_scale(name, found[name], ranges[name]) for name in DIMENSIONS if ranges[name])), "")
        problem = problem or (free and _not_centred({name: found[name] for name in free}, whole))
        if problem and needed:
            raise MerError(f"{table.path}: {problem}")
        if problem:
            print(f"warning: {table.path}: the numbers of arousal and valence are left out, the quadrants are used: "
                  f"{problem}", file=sys.stderr)
            return None
        limit = max([1.0, *(abs(value) for name in free for _, value in found[name])])
        ranges = {name: ranges[name] or (-limit, limit) for name in DIMENSIONS}
        return Plane(self.columns, ranges, self._number)

    def _doubled(self, table):
        """What is wrong where two columns give the mean of one dimension, and differ; they are averaged nowhere."""
        for name, columns in self.columns.items():
            if len(columns) > 1 and _is_mean(columns[0], name):
                for line, cells in table.rows:
                    if len({cells[column] for column in columns}) > 1:
                        return (f"line {line}: the columns {' and '.join(columns)} give different values of {name}: "
                                "remove one of them")
        return ""

    def point(self, cells):
        """(arousal, valence) of one row, in [-1, 1]; raises ValueError with the reason where there is none."""
        return tuple(self._coordinate(cells, name) for name in DIMENSIONS)

    def _coordinate(self, cells, name):
        values = self._values(cells, name)
        if not values:
            raise ValueError(f"{name} is not a number: {cells[self.columns[name][0]]!r}")
        low, high = self.ranges[name]
        wrong = next((value for value in values if not low <= value <= high), None)
        if wrong is not None:
            raise ValueError(f"{name} {wrong:g} is outside of its scale, {low:g} to {high:g}")
        return (2 * statistics.fmean(values) - low - high) / (high - low)

    def _values(self, cells, name):
        """The numbers of one dimension in one row; empty cells and words count for nothing."""
        values = []
        for column in self.columns[name]:
            try:
                values.append(self._number(cells[column]))
            except ValueError:
                continue
        return [value for value in values if math.isfinite(value)]


def _columns(names, dimension):
    """Columns of one dimension: the mean where there is one, else those of the annotators."""
    mean = [name for name in names if _is_mean(name, dimension)]
    return mean or [name for name in names if re.fullmatch(
        rf"(?:{dimension}|{dimension[0]})_?(?:rater|annotator|subject|r|s)?_?\d+", _RANGE.sub("", name))]


def _is_mean(column, dimension):
    word, average = f"(?:{dimension}|{dimension[0]})", "(?:mean|average|avg)"
    return bool(re.fullmatch(rf"{word}|{word}_?(?:{average}|[\[(]{average}[\])])|{average}_?(?:of_)?{word}",
                             _RANGE.sub("", column)))


def _stated_range(column):
    found = _RANGE.search(column)
    low, high = (float(text.replace("\u2212", "-")) for text in found.groups()) if found else (0, 0)
    return (low, high) if low < high else None


# ---- codes for a missing rating, and scales that the numbers cannot have ---------------------------------------------


def _lines(numbers):
    """ "line 3", "lines 3, 4 and 7", at most 10 of them."""
    shown = sorted(set(numbers))
    if len(shown) == 1:
        return f"line {shown[0]}"
    head, last = (shown[:-1], shown[-1]) if len(shown) <= 10 else (shown[:10], f"{len(shown) - 10} more")
    return f"lines {', '.join(map(str, head))} and {last}"


def _not_in_scale(name, found, scale):
    """What is wrong where numbers cannot have the scale that was stated; "" where they can.

    Single rows outside of it are left out one by one later, and so are all that hold a code for a missing value.

    Parameters
    ----------
    name : str
        Of the dimension.
    found : sequence of (int, float)
        Line and value.
    scale : (float, float)
    """
    low, high = scale
    wrong = [(line, value) for line, value in found if not low <= value <= high and not is_code(value)]
    if len(wrong) < 2 or len({line for line, _ in wrong}) <= _FEW * len({line for line, _ in found}):
        return ""
    values = [value for _, value in found]
    return (f"{name} is outside of its scale, {low:g} to {high:g}, in {_lines(line for line, _ in wrong)} (it goes "
            f"from {min(values):g} to {max(values):g}): correct the scale in the header, for example {name}[1..9], or "
            "these cells")


def _not_centred(found, scale=None):
    """What is wrong where numbers without a stated scale cannot be taken to be centered on 0; "" where they can.

    Parameters
    ----------
    found : dict
        Dimension to a sequence of (line, value).
    scale : (float, float) or None
        That of the corpus, centered on 0, which its numbers probably have.
    """
    codes = {name: _codes([value for _, value in values], scale) for name, values in found.items()}
    both = _whole_rows(found)
    codes = {name: found_codes | both for name, found_codes in codes.items()}
    cells = [(line, name, value) for name, values in found.items() for line, value in values if value in codes[name]]
    if cells:
        what = ", ".join(f"{name} {value:g}" for name, value in sorted({(name, value) for _, name, value in cells}))
        return (f"{_lines(line for line, _, _ in cells)}: {what} looks like a code for a missing rating, since the "
                "other values are on another scale: empty these cells, and state the scale in the header where its "
                f"middle is not 0, for example {cells[0][1]}[1..9]; if it is a rating, state the scale, for example "
                f"{cells[0][1]}[-4..4]")
    odd = [name for name, values in found.items() if values and min(value for _, value in values) >= 0]
    if odd and (scale is None or len(odd) == 2):
        values = [value for _, value in found[odd[0]]]
        return (f"{odd[0]} goes from {min(values):g} to {max(values):g}, and the middle of its scale was expected at "
                f"0: state the scale in the header, for example {odd[0]}[1..9]")
    return ""


def _codes(values, scale):
    """The values that are no ratings on a scale around 0 which all others could have."""
    distinct = set(values)
    below, others = {value for value in distinct if value < 0}, {value for value in distinct if value >= 0}
    alone = set()
    if below and all(map(is_code, below)):
        is_likert = all(value == int(value) and value for value in others)  # a choice from 1 on: three are enough
        enough = _DIVERSE * len(below) + (len(below) == 1 and not is_likert)
        alone = below if len(others) >= enough else set()
    plain = [abs(value) for value in distinct if not is_code(value)] or [abs(value) for value in distinct]
    far = {value for value in distinct if abs(value) > 1 and is_code(value) and abs(value) >= 7
           and len(plain) > 2 and abs(value) >= _FAR_OF_CODE * max(plain)}
    second, first = [0.0, 0.0, *sorted(distinct, key=abs)][-2:]
    far |= {first} if abs(first) > max(_FAR, _FAR * abs(second)) else set()
    return alone | {value for value in far if not scale or not scale[0] <= value <= scale[1]}


def _whole_rows(found):
    """Negative codes that are all that some lines hold.

    Either no other line has a negative number, such lines are rare, and the ratings go farther from 0 than the codes:
    on a scale around 0, arousal and valence would not be negative only where they are equal. Or the codes are as far
    from 0 as -9, and most other numbers are no whole ones.
    """
    rows = {}
    for values in found.values():
        for line, value in values:
            rows.setdefault(line, []).append(value)
    alike = {row[0] for row in rows.values() if len(row) > 1 and len(set(row)) == 1}
    negative = [row for row in rows.values() if min(row) < 0]
    is_alone = negative and all(len(row) > 1 and len(set(row)) == 1 and is_code(row[0]) for row in negative)
    if is_alone and len(rows) >= (_RARE + 1) * len(negative):
        codes = {row[0] for row in negative}
        if max(value for row in rows.values() for value in row) > -min(codes):
            return codes
    codes = {value for value in alike if value <= -7 and is_code(value)}
    others = [value for row in rows.values() for value in row if value not in codes]
    is_mean = sum(value != int(value) for value in others) * 2 > len(others)
    return codes if is_mean else set()
