"""Numbers that stand for a missing rating, as statistics programs and questionnaires write them: -9, 99, 999."""

import numpy as np

from mer import MerError

_CODES = frozenset({*range(-9, 0), 9, 77, 88, 97, 98, 99, 777, 888, 998, 999, 7777, 8888, 9998, 9999,
                    *(-code for code in (66, 77, 88, 97, 98, 99, 777, 888, 998, 999, 9999, 99999))})
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

    A code lies farther from the ratings than they spread, or it is the one negative number below ratings that are all
    positive and reach farther from 0, where no scale begins.
    """
    different = np.unique(values)
    if len(values) < _LEAST_FOR_CODES or len(different) < 3:
        return None
    for code, rest in ((different[-1], different[:-1]), (different[0], different[1:])):
        gap = rest.min() - code if code < rest.min() else code - rest.max()
        is_alone_below = (code < 0 < rest.min() and rest.max() > -code) or (code < -1 and rest.min() >= 0)
        if code in _CODES and (gap > np.ptp(rest) or (code == 9 and gap == np.ptp(rest)) or is_alone_below):
            return code
    return None
