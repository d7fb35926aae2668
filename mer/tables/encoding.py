"""Which encoding a text has: by its mark, by UTF-8's own rules, by names known to be in it, or by its letters."""

import codecs
import re
import unicodedata

from mer import MerError

# Encodings of the people who own the corpora, and the names that they know them by; of two alike the first is taken.
LEGACY = {"cp1252": "Windows-1252 (western)", "cp1254": "Windows-1254 (Turkish)", "gb18030": "GB18030 (GBK, simplified "
          "Chinese)", "big5hkscs": "Big5 (traditional Chinese)", "cp932": "Shift-JIS (Japanese)",
          "cp949": "EUC-KR (Korean)", "cp1250": "Windows-1250 (Central European)", "cp1251": "Windows-1251 (Cyrillic)",
          "mac_roman": "Mac Roman", "mac_turkish": "Mac Turkish"}
# First bytes of the frequent characters: level 1 of GB 2312, Big5 and JIS X 0208 with
# its kana before, syllables of KS X 1001.
_FREQUENT = {"gb18030": (0xB0, 0xD7, 0xA1), "big5hkscs": (0xA4, 0xC6, 0x40), "cp932": (0x82, 0x97, 0x40),
             "cp949": (0xB0, 0xC8, 0xA1)}
_ENOUGH_FREQUENT = 0.5  # of the characters: of 1 200 short tables in western encodings none had more than 0.4
_ENOUGH_KOREAN = 8      # different syllables: frequent Chinese characters are spread over twice as many first bytes
_SAMPLE = 20_000        # characters
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PIECE = re.compile(r"[\s,;|\"'/\\.()\[\]_-]+")
_ICELANDIC = re.compile("[áíóúæ]", re.IGNORECASE)  # Turkish has none; both have ö, others also ç, ü and é


def decode(data, *, names=(), stated=None):
    """Text of a file whose encoding nobody wrote down.

    A byte order mark decides first, then UTF-8 (which hardly any other text satisfies by chance), then UTF-16 without
    a mark. Of the older encodings the one in which most of `names` occur is taken; where they do not decide, the
    letters do. Detectors made for long texts (charset-normalizer 3.5.3) took 28 of 40 short Turkish tables for western
    ones; these rules took none, see the tests.

    Parameters
    ----------
    data : bytes
    names : iterable of str
        Text that is probably in it, such as the names of audio files.
    stated : str or None
        Encoding that the user named, which is taken whatever the text looks like.

    Returns
    -------
    text : str
    encoding : str
        Python's name of it.

    Raises
    ------
    MerError
        There is no such encoding, or the bytes are no text in any.
    """
    if stated:
        return _as_stated(data, stated), stated
    for mark, encoding in _MARKS:
        if data.startswith(mark) and (text := _decoded(data, encoding)) is not None:
            return text, encoding
    if b"\0" in data[:1000]:  # every second byte of western UTF-16 is zero, and no text holds zeros else
        candidates = ("utf-16-be",) if data[:1] == b"\0" else ("utf-16-le",)
    elif (text := _decoded(data, "utf-8")) is not None:
        return text, "utf-8"
    else:
        candidates = LEGACY
    texts = {encoding: text for encoding in candidates if (text := _decoded(data, encoding)) is not None}
    if not texts:
        if b"\0" in data or (text := _decoded(data, "latin-1")) is None:
            raise MerError("it is not a text file")
        return text, "latin-1"
    encoding = _best(texts, names)
    return texts[encoding], encoding


def _as_stated(data, encoding):
    try:
        if not codecs.lookup(encoding)._is_text_encoding:
            raise LookupError
    except (LookupError, ValueError):
        raise MerError(f"there is no encoding {encoding!r}: write utf-8, cp1252, cp1254, gb18030, big5, ...") from None
    text = _decoded(data, encoding)
    if text is None:
        raise MerError(f"it is not {encoding}: leave --encoding out, or name another one")
    return text.removeprefix("\ufeff")


def _decoded(data, encoding):
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _best(texts, names):
    """The encoding of `texts` in which most of `names` occur, else the one whose letters look most like text."""
    hits = _hits(texts, names)
    most = max(hits.values())
    tied = [encoding for encoding in texts if hits[encoding] == most]
    if len({texts[encoding] for encoding in tied}) == 1:
        return tied[0]
    share = {encoding: _frequent(texts[encoding], encoding) for encoding in tied if encoding in _FREQUENT}
    if share and max(share.values()) > _ENOUGH_FREQUENT:
        korean = texts.get("cp949", "")
        distinct = len({char for char in korean if not char.isascii()})
        return "cp949" if share.get("cp949") == 1 and distinct >= _ENOUGH_KOREAN else max(share, key=share.get)
    if "cp1251" in tied and _is_cyrillic(texts["cp1251"]):
        return "cp1251"
    if {"cp1254", "cp1252"} <= {*tied}:
        return "cp1254" if _is_turkish(texts["cp1254"], texts["cp1252"]) else "cp1252"
    return tied[0]


def _frequent(text, encoding):
    """Share of the characters beyond ASCII that are frequent in `encoding`, and not in the middle of a western word."""
    low, high, second = _FREQUENT[encoding]
    text = "\n".join(line for line in text.splitlines() if not line.isascii())[:_SAMPLE]
    total = max(sum(not char.isascii() for char in text), 1)
    codes = [char.encode(encoding) for char in re.findall(r"(?<![A-Za-z])[^\x00-\x7f](?![A-Za-z])", text)]
    return sum(len(code) == 2 and low <= code[0] <= high and code[1] >= second for code in codes) / total


def _hits(texts, names):
    """How many pieces of `names` with letters beyond ASCII each text holds."""
    wanted = {piece for name in names for piece in _pieces(name) if not piece.isascii()}
    return {encoding: len(wanted & set(_pieces(text))) if wanted else 0 for encoding, text in texts.items()}


def _pieces(text):
    return _PIECE.split(unicodedata.normalize("NFC", text).casefold())


def _is_cyrillic(text):
    """True where no word mixes scripts and one has four Cyrillic letters in a row: no western word has four accents."""
    words = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    return all(re.fullmatch(r"[Ѐ-ӿ\d_]+", word) for word in words) and any(map(re.compile("[Ѐ-ӿ]{4}").search, words))


def _is_turkish(turkish, western):
    """True unless the text looks Icelandic, the one western language with the letters in which the two differ."""
    words = list(zip(re.findall(r"\w+", turkish), re.findall(r"\w+", western), strict=False))
    differ = [one for one, other in words if one != other and not _ICELANDIC.search(other)]
    return len(differ) >= sum(bool(_ICELANDIC.search(other)) for _, other in words) and differ != []
