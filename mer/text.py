"""Text of unknown origin: file names, tags, titles and cells that other people wrote.

Such text may move the cursor of a terminal, hide what stands beside it, or be a formula to a spreadsheet. Two
functions make it harmless where it is shown; what is stored and compared stays as it came.
"""

import re
import unicodedata

# Cc control, Cf format (direction, zero width), Cs half of a pair (a file name that is no UTF-8), Zl/Zp line ends
_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji need them
_FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # the last four: full width, which Japanese spreadsheets read too
_STARTS_FORMULA = re.compile(f"'*[{_FORMULA}]")
_ESCAPED = re.compile(f"'+[{_FORMULA}]")
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|nan)", re.IGNORECASE | re.ASCII)


def printable(text: object, *, keep: str = "") -> str:
    r"""Text for a terminal or a log: what would act on it is shown as an escape such as ``\x1b``.

    Parameters
    ----------
    text : object
        Turned into text with `str`.
    keep : str
        Control characters that stay, for text of several lines: "\n".

    Returns
    -------
    str
        Letters of every script stay as they are. Control characters, line ends, characters that turn the direction
        or have no width, and bytes that are no UTF-8 become escapes.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) if _acts(character) and character not in keep else character
                   for character in text)


def _acts(character):
    return unicodedata.category(character) in _HIDDEN and character not in _JOINERS


def _shown(character):
    return character.encode("unicode_escape").decode("ascii")


def spreadsheet_safe(cell: object) -> object:
    """A cell of a csv file that no spreadsheet takes for a formula.

    Parameters
    ----------
    cell : object
        Numbers, None, text that is a number ("-0.5") and a dash alone come back as they are.

    Returns
    -------
    object
        Text that begins with = + - @, a tab or a line end gets an apostrophe in front, as the OWASP page "CSV
        Injection" advises; so does such text with apostrophes before it, so that `spreadsheet_read` gives back exactly
        what came.
    """
    if isinstance(cell, str) and cell != "-" and _STARTS_FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def spreadsheet_read(cell: str) -> str:
    """What `spreadsheet_safe` was given, of a cell that it returned; every other cell comes back as it is."""
    return cell[1:] if _ESCAPED.match(cell) else cell
