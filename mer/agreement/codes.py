"""Numbers that stand for a missing rating, as statistics programs and questionnaires write them: -9, 99, 999."""

import numpy as np

from mer import MerError
from mer.tables.missing import is_code

_RATINGS = (0, 7, 8)   # codes that are rather the end of a scale that few people used
_MOST_CODES = 3        # of one column that are found together
_FARTHER = 3           # times as far as codes lie from each other, or from 0, other numbers are
_LEAST_FOR_CODES = 10  # ratings of a class; below, any number may be rare


def check(table, rows, values):
    """Refuse numbers that are rather the code of a missing rating than one.

    Parameters
    ----------
    table : mer.tables.Table
        Named in the message.
    rows : sequence
        With attributes line and kind, the class.
    values : np.ndarray of float, shape (rows,)

    Raises
    ------
    MerError
        A number in a class looks like such a code.
    """
    kinds = np.array([row.kind for row in rows])
    for kind in dict.fromkeys(kinds):
        mine = values[kinds == kind]
        code = _code_among(mine)
        if code is not None:
            line = next(row.line for row, value in zip(rows, values, strict=True) if row.kind == kind and value == code)
            raise MerError(f"{table.path}, line {line}: {(mine == code).sum()} of {len(mine)} ratings of {kind} are "
                           f"{code:g}, which looks like the code of a missing answer (the others are "
                           f"{mine[mine != code].min():g} to {mine[mine != code].max():g}): add --missing={code:g}, or "
                           "--missing=none where it is a rating")


def _code_among(values):
    """A code of a missing answer among ratings, or None.

    One to three codes (98 and 99, say) lie farther from the ratings than these spread, or they are the only negative
    numbers below ratings that reach farther from 0, or much farther where 0 is a rating: no scale begins there.
    """
    different = np.unique(values)
    if len(values) < _LEAST_FOR_CODES:
        return None
    for differ in (_are_far, _are_below):
        for n in range(1, min(_MOST_CODES, len(different) - 2) + 1):
            for codes, rest in ((different[:-n - 1:-1], different[:-n]), (different[:n], different[n:])):
                if all(is_code(code) and code not in _RATINGS for code in codes) and differ(codes, rest):
                    return codes[0]
    return None


def _are_far(codes, rest):
    gap, spread = max(rest.min() - codes.max(), codes.min() - rest.max()), np.ptp(rest)
    return (gap > spread or (gap == spread and codes.min() == 9)) and gap > _FARTHER * np.ptp(codes)


def _are_below(codes, rest):
    low, least = codes.min(), rest.min()
    if codes.max() > 0 or least < 0:
        return False
    return rest.max() > -low * (1 if least > 0 else _FARTHER) or (len(codes) == 1 and low < -1)
