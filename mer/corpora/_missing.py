"""Numbers that stand for a missing rating (-1, -9, -99, 999, ...), and scales that the numbers cannot have."""

from mer.tables.missing import is_code

_FAR, _FAR_OF_CODE = 10, 1.5  # how many times as large as the others a number is that is no rating; one that looks so
_FEW = 0.02                   # share of the rows outside of a scale that may be slips of the pen
_DIVERSE = 3                  # other values for each negative one: a scale around 0 would have as many below as above
_RARE = 3                     # rows without a negative number for each that holds one code and nothing else


def lines(numbers):
    """ "line 3", "lines 3, 4 and 7", at most 10 of them."""
    shown = sorted(set(numbers))
    if len(shown) == 1:
        return f"line {shown[0]}"
    head, last = (shown[:-1], shown[-1]) if len(shown) <= 10 else (shown[:10], f"{len(shown) - 10} more")
    return f"lines {', '.join(map(str, head))} and {last}"


def not_in_scale(name, found, scale):
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
    return (f"{name} is outside of its scale, {low:g} to {high:g}, in {lines(line for line, _ in wrong)} (it goes from "
            f"{min(values):g} to {max(values):g}): correct the scale in the header, for example {name}[1..9], or these "
            "cells")


def not_centred(found, scale=None):
    """What is wrong where numbers without a stated scale cannot be taken to be centred on 0; "" where they can.

    Parameters
    ----------
    found : dict
        Dimension to a sequence of (line, value).
    scale : (float, float) or None
        That of the corpus, centred on 0, which its numbers probably have.
    """
    codes = {name: _codes([value for _, value in values], scale) for name, values in found.items()}
    both = _whole_rows(found)
    codes = {name: found_codes | both for name, found_codes in codes.items()}
    cells = [(line, name, value) for name, values in found.items() for line, value in values if value in codes[name]]
    if cells:
        what = ", ".join(f"{name} {value:g}" for name, value in sorted({(name, value) for _, name, value in cells}))
        return (f"{lines(line for line, _, _ in cells)}: {what} looks like a code for a missing rating, since the "
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
