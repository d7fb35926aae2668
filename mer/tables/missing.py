"""Cells that hold no value, and numbers that may stand for none: what people and programs write in their place.

Spreadsheets write errors (#N/A, #NULL!), statistics programs a dot or NA, people a dash, a question mark or a word.
"""

import re
import unicodedata

# What is left of a cell without brackets, dots, slashes and blanks, in any case.
_WORDS = frozenset("""
    na nana nan nanind qnan 1qnan 1ind ind nat none null nil void undefined undef missing missingvalue sysmis empty
    blank unknown
    unrated notrated notavailable notapplicable notanswered noanswer noresponse norating novalue nodata
    noneavailable nacharacter nareal nainteger nalogical nr nd dk dnk dontknow donotknow idk refused prefernottosay
    prefernottoanswer skip skipped
    fehlt fehlend keineangabe keineantwort ka kangabe leer weissnicht weißnicht nichtbeantwortet nv
    manquant manquante vide sansréponse pasderéponse nondisponible nonrenseigné nsp
    faltante perdido vacío sinrespuesta sindato sindatos nodisponible nsnc
    mancante vuoto nonrisponde nessunarisposta ausente vazio semresposta
    ontbreekt geenantwoord leeg nvt brak brakdanych saknas mangler puuttuu
    yok eksik boş cevapyok yanıtyok bilinmiyor
    нет пропуск нетданных нетответа пусто неизвестно нд
    无 無 空 空白 缺 缺失 缺省 未知 未填 未作答 未评 未评分 不适用 無資料 无数据 暂无 没有 沒有 无效 跳过
    なし 欠損 無回答 該当なし 不明 없음 결측 무응답 해당없음
""".split())  # noqa: SIM905
_CODE = re.compile(r"-?(?:9+|[789]7|[789]8|7+|8+|66)|-[1-9]|0")
_GLUE = re.compile(r"[\s#._/\\\-()\[\]<>{}'’\"]+")
_ERROR = re.compile(r"#[^\d\s][^\s]*[!?]|#[^\d\s]{1,3}/[^\d\s]{1,3}[!?]?|#(na|nv|nd|yok|brak|null|value|ref|num|name)")
_RATING_MARKS = "+=<>%♥♡★☆✓✔✗✘"  # signs that people rate with


def is_missing(text):
    """Whether a cell holds no value.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool
        True for empty cells, signs alone (. - -- ? * …), errors of spreadsheets in any language (#N/A, #NULL!,
        #WERT!), NA in all its spellings, and words that say so in some fifteen languages. Emoji and the signs of a
        rating (+, ++, ★) are values.
    """
    plain = unicodedata.normalize("NFKC", text).strip().casefold()
    if _ERROR.fullmatch(plain):
        return True
    if not any(character.isalnum() for character in plain):
        return not any(character in _RATING_MARKS or unicodedata.category(character) in ("So", "Sk")
                       for character in plain)
    return _GLUE.sub("", plain) in _WORDS


def is_code(number: float) -> bool:
    """Whether a number is one that questionnaires and statistics programs write for a missing answer.

    Parameters
    ----------
    number : float

    Returns
    -------
    bool
        True for 0, -1 to -9, 7, 8, 9, 66, 77, 78, 87, 88, 97, 98, 99, 777, 888, 997, 999, ... and their negatives.
        Whether it is meant so in a column, the other numbers have to tell.
    """
    return bool(_CODE.fullmatch(f"{number:.12g}"))
