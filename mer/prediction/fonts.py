"""Fonts for titles in any script: whichever installed one has the letters, or the package that would bring one."""

import functools
import sys
import unicodedata

BASE = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic, ...
_ALWAYS_THERE = 0x250  # every character below is in it
_PREFERRED = ("Noto Sans CJK", "Noto Sans", "Source Han Sans", "WenQuanYi", "Microsoft YaHei", "PingFang", "SimHei",
              "Hiragino", "Malgun", "Droid Sans Fallback", "Symbola", "Noto Emoji")
_NO_LETTERS = ("Last Resort",)  # a box for each script
_MOST_FONTS = 4
_INVISIBLE = ("Cc", "Cf", "Cs", "Mn", "Zl", "Zp")
# First and last code point, and the Debian package of a font that matplotlib can draw with
_PACKAGES = ((0x1100, 0x11FF, "fonts-noto-cjk"), (0x2E80, 0x9FFF, "fonts-noto-cjk"), (0xA960, 0xD7FF, "fonts-noto-cjk"),
             (0xF900, 0xFAFF, "fonts-noto-cjk"), (0xFF00, 0xFFEF, "fonts-noto-cjk"),
             (0x20000, 0x3FFFF, "fonts-noto-cjk"), (0x2190, 0x2BFF, "fonts-symbola"),
             (0x1F000, 0x1FAFF, "fonts-symbola"))


def families(text: str) -> list[str]:
    """Names of installed fonts that together have as many characters of a text as can be had.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        For matplotlib's `fontfamily`; the first is `BASE`.
    """
    return [BASE, *_chosen(_wanted(text))[0]]


def missing(text: str) -> str:
    """The characters of a text that no installed font has, each once, in the order of the text."""
    lacking = _chosen(_wanted(text))[1]
    return "".join(dict.fromkeys(character for character in text if character in lacking))


def warn_of_boxes(text: str) -> None:
    """Say once in a process that characters will be boxes in pictures, and which package has them."""
    lacking = missing(text)
    if lacking and not _warned:
        _warned.append(lacking)
        packages = dict.fromkeys(_package(character) for character in lacking)
        print(f"warning: no font on this machine has {lacking[:20]}, so titles show boxes in pictures: run 'apt-get "
              f"install {' '.join(packages)}', or install a font that has them", file=sys.stderr)


_warned: list[str] = []


def _package(character):
    return next((package for first, last, package in _PACKAGES if first <= ord(character) <= last), "fonts-noto-core")


def _wanted(text):
    """Characters that the base font may lack; those that are never drawn are left out."""
    return frozenset(character for character in text
                     if ord(character) >= _ALWAYS_THERE and unicodedata.category(character) not in _INVISIBLE)


@functools.lru_cache(maxsize=256)
def _chosen(wanted):
    """(names of fonts, characters that none has), best font first."""
    if not wanted:
        return (), frozenset()
    from matplotlib import font_manager  # only for such text: it takes a second
    lacking = wanted - _characters(font_manager.findfont(BASE))
    names = []
    while lacking and len(names) < _MOST_FONTS:
        best = max(_installed(), key=lambda font: len(lacking & _characters(font[1])), default=None)
        found = lacking & _characters(best[1]) if best else frozenset()
        if not found:
            break
        names.append(best[0])
        lacking -= found
    return tuple(names), lacking


@functools.cache
def _installed():
    """(name, file) of all fonts, those that are known to draw well first; also such as matplotlib has not noted yet."""
    from matplotlib import font_manager
    manager = font_manager.fontManager
    known = {font.fname for font in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known:
            try:
                manager.addfont(path)
            except Exception:  # bitmaps, broken files: matplotlib raises what it finds
                continue
    fonts = {font.name: font.fname for font in manager.ttflist if font.weight in (400, "normal", "regular")}
    usable = [font for font in fonts.items() if not font[0].startswith(_NO_LETTERS)]
    return sorted(usable, key=lambda font: next((i for i, start in enumerate(_PREFERRED) if font[0].startswith(start)),
                                                len(_PREFERRED)))


@functools.lru_cache(maxsize=4096)
def _characters(path):
    from matplotlib import font_manager
    try:
        return frozenset(map(chr, font_manager.get_font(path).get_charmap()))
    except Exception:  # as above
        return frozenset()
