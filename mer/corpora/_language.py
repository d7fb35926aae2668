"""The `language` column of the user's own csv: words and codes for the language of the lyrics."""

from mer import MerError
from mer.corpora._base import fold

# What people write beside the LANGUAGE, CODE and ABBR of the corpora (ISO 639-1, -2 and -3, own names).
_WORDS = {"english": ("en", "eng", "e", "ingilizce", "英语", "英文"),
          "mandarin": ("m", "man", "chinese", "mandarin chinese", "zh", "zho", "chi", "cmn", "putonghua", "中文",
                       "汉语", "普通话", "国语", "國語"),
          "turkish": ("t", "tr", "tur", "türkçe"),
          "piano": ("p", "pno", "none", "instrumental", "no words", "no lyrics", "zxx")}


def known():
    """Every word for a language that is understood, as `fold` spells it, to the LANGUAGE of a corpus.

    Music corpora come first: a letter that speech and music use for two languages means the one of the music.
    """
    from mer import corpora  # late: the corpora import this module through _annotations

    words = {}
    for kind in ("music", "speech"):
        for corpus in (corpora.get(kind, code) for code in corpora.codes(kind)):
            for word in (corpus.LANGUAGE, corpus.CODE, corpus.ABBR):
                words.setdefault(fold(word), corpus.LANGUAGE)
    for name, synonyms in _WORDS.items():
        for word in (name, *synonyms):
            words.setdefault(fold(word), name)
    return words


def spoken(text, words, where):
    """LANGUAGE that `text` means, "" for an empty cell.

    Parameters
    ----------
    text : str
        "Mandarin", "zh", "zh-CN", ...; case, accents and punctuation do not matter, a region is cut off.
    words : dict
        From `known`.
    where : str
        File and line, for the message.

    Raises
    ------
    MerError
        The word is none of them.
    """
    whole = fold(text)
    if not whole:
        return ""
    found = words.get(whole) or words.get(fold(text.replace("_", "-").partition("-")[0]))
    if not found:
        names = "; ".join(f"{name} ({', '.join(sorted(_codes(name, words)))})" for name in sorted(set(words.values())))
        raise MerError(f"{where}: language {text!r} is none that is known: write {names}, or leave the cell empty")
    return found


def _codes(name, words):
    return [word for word, meant in words.items() if meant == name and len(word) <= 3 and word.isascii()]
