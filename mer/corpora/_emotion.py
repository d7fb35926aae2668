"""Arousal, valence and quadrants as csv files spell them."""

import math
import re
import statistics
import sys

from mer import MerError

_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"_?[\[(]_?({_NUMBER})_?(?:\.\.|[-–,]|to)_?({_NUMBER})_?[\])]$")  # the end of "arousal[1..9]"
_CODE_RATIO = 10  # a value so many times as large as the next is no rating
DIMENSIONS = ("arousal", "valence")


def quadrant_name(text):
    """ "Q1" to "Q4" for "Q1", "q1", "1" and "1.0"; None for anything else."""
    found = re.fullmatch(r"[Qq]?([1-4])(\.0+)?", text.strip())
    return f"Q{found[1]}" if found else None


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
    """

    def __init__(self, columns, ranges, number):
        self.columns, self.ranges, self._number = columns, ranges, number

    @classmethod
    def of(cls, table, value_range=None):
        """The plane of `table`, or None where one of the two dimensions has no column."""
        columns = {name: _columns(table.columns, name) for name in DIMENSIONS}
        if not all(columns.values()):
            return None
        ranges = {name: _stated_range(columns[name][0]) or value_range for name in DIMENSIONS}
        return cls(columns, ranges, table.number)

    def scaled(self, table, *, needed):
        """The plane with a range for both dimensions, known or taken from the values.

        Nobody can tell the middle of an unstated scale whose values are all on one side of zero: that is
        refused where the labels rest on it (`needed`), else the numbers are left out (None). Where the corpus
        has a known scale, only both dimensions being so is too much of a coincidence.
        """
        found = {name: [value for _, cells in table.rows for value in self._values(cells, name)]
                 for name in DIMENSIONS}
        odd = [name for name in DIMENSIONS if not _stated_range(self.columns[name][0])
               and found[name] and min(found[name]) >= 0]
        if odd and (self.ranges[odd[0]] is None or odd == list(DIMENSIONS)):
            if not needed:
                return None
            low, high = min(found[odd[0]]), max(found[odd[0]])
            raise MerError(f"{table.path}: {odd[0]} goes from {low:g} to {high:g}, and the middle of its scale was "
                           f"expected at 0: state the scale in the header, for example {odd[0]}[1..9]")
        limit = max([1.0, *(abs(value) for values in found.values() for value in values)])
        if needed and not all(self.ranges.values()):
            _warn_of_code(table.path, {value for values in found.values() for value in values})
        ranges = {name: self.ranges[name] or (-limit, limit) for name in DIMENSIONS}
        return Plane(self.columns, ranges, self._number)

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


def _warn_of_code(path, values):
    """Say where one value dwarfs all others: a code such as -999 for a missing one would be taken for a label."""
    *_, second, first = [0.0, 0.0, *sorted(values, key=abs)]
    if abs(first) > max(_CODE_RATIO, _CODE_RATIO * abs(second)):
        print(f"warning: {path}: {first:g} is more than {_CODE_RATIO} times as large as any other value of arousal and "
              "valence: if it stands for a missing one, empty these cells, or state the scale in the header, for "
              "example arousal[-4..4]", file=sys.stderr)


def _columns(names, dimension):
    """Columns of one dimension: the mean where there is one, else those of the annotators."""
    word = f"(?:{dimension}|{dimension[0]})"
    bare = [(name, _RANGE.sub("", name)) for name in names]
    average = "(?:mean|average|avg)"
    mean = [name for name, text in bare
            if re.fullmatch(rf"{word}|{word}_?(?:{average}|[\[(]{average}[\])])|{average}_?(?:of_)?{word}", text)]
    return mean[:1] or [name for name, text in bare
                        if re.fullmatch(rf"{word}_?(?:rater|annotator|subject|r|s)?_?\d+", text)]


def _stated_range(column):
    found = _RANGE.search(column)
    return (float(found[1]), float(found[2])) if found and float(found[1]) < float(found[2]) else None


