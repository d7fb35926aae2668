"""Csv files as people send them."""

import numpy as np
import pytest

from mer import MerError, tables

TEXT = "Song ID;Größe;Arousal\n a 1 ;\"x;y\";1,5\n\n音乐;;-2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_read_alike(tmp_path, encoding, newline):
    path = tmp_path / "t.csv"
    path.write_bytes(TEXT.replace("\n", newline).encode(encoding))
    table = tables.read(path)
    assert table.columns == ("song_id", "größe", "arousal")
    assert table.rows == ((2, {"song_id": "a 1", "größe": "x;y", "arousal": "1,5"}),
                          (4, {"song_id": "音乐", "größe": "", "arousal": "-2"}))
    assert table.number("1,5") == 1.5


def test_latin_1_is_the_last_resort(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("clip,quadrant\ncafé.mp3,Q1\n".encode("latin-1"))
    assert tables.read(path).rows[0][1]["clip"] == "café.mp3"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path, delimiter):
    path = tmp_path / "t.csv"
    path.write_text(delimiter.join(["clip", "quadrant", "note"]) + "\n" + delimiter.join(["a", "Q1", "-"]))
    assert tables.read(path).rows == ((2, {"clip": "a", "quadrant": "Q1", "note": "-"}),)


def test_excel_line_that_names_the_delimiter(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=;\nclip;quadrant\na,b;Q1\n")
    assert tables.read(path).rows == ((3, {"clip": "a,b", "quadrant": "Q1"}),)


def test_short_rows_are_filled_and_a_comma_is_no_decimal_mark_where_it_separates(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("clip,quadrant\nonly\n")
    table = tables.read(path)
    assert table.rows[0][1] == {"clip": "only", "quadrant": ""}
    with pytest.raises(ValueError):
        table.number("1,5")


@pytest.mark.parametrize("content, message", [
    (b"", "is empty"), (b"\n \n", "is empty"), (b"PK\x03\x04rest", "spreadsheet"),
    (b"\xff\xfe\x00", "not a text file")])
def test_what_is_no_csv_is_said(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(MerError, match=message):
        tables.read(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(MerError, match="cannot be read"):
        tables.read(tmp_path / "none.csv")


@pytest.mark.parametrize("text, name", [("Train", "train"), (" validation ", "val"), ("DEV", "val"), ("test", "test"),
                                        ("", None), ("tset", None)])
def test_split_names(text, name):
    assert tables.split_name(text) == name


# ---- headers, delimiters, numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["path,quadrant,quadrant", "path,Song ID,song_id", "path;Quadrant ;quadrant"])
def test_a_header_that_occurs_twice_is_refused(tmp_path, header):
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n001.wav,Q1,Q2\n".replace(",", header[4]))
    with pytest.raises(MerError, match=r"has two columns '(quadrant|song_id)': rename or remove"):
        tables.read(path)


def test_columns_without_a_header_may_be_several(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("path,quadrant,,\n001,Q1,,x\n")
    assert tables.read(path).rows[0][1]["quadrant"] == "Q1"


@pytest.mark.parametrize("row", ["001,0,5,0,3", '"001",Hello, World,0.5'])
def test_a_row_that_is_longer_than_the_header_is_refused(tmp_path, row):
    path = tmp_path / "t.csv"
    path.write_text(f"path,arousal,valence\n\n{row}\n")
    with pytest.raises(MerError, match="line 3: [45] cells under a header of 3"):
        tables.read(path)


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("header", ['"note, source, more, yes"', '"a,b,c,d,e"', '"two\nlines, and, commas"'])
def test_other_delimiters_in_a_quoted_header_do_not_count(tmp_path, mark, header):
    path = tmp_path / "t.csv"
    path.write_text(mark.join(["path", "quadrant", header]) + "\n" + mark.join(["001.wav", "Q1", "ok"]) + "\n")
    cells = tables.read(path).rows[0][1]
    assert (cells["path"], cells["quadrant"]) == ("001.wav", "Q1")


@pytest.mark.parametrize("text, value", [
    ("−0,5", -0.5), ("–1", -1), ("—1", -1), ("－１．５", -1.5), ("＋２", 2), ("1e-1", 0.1), (".5", 0.5), ("5.", 5),
    (" 3 ", 3)])
def test_numbers_as_people_type_them(tmp_path, text, value):
    path = tmp_path / "t.csv"
    path.write_text("path;arousal\na;1\n")
    assert tables.read(path).number(text) == value


@pytest.mark.parametrize("text", ["1_000", "nan", "inf", "", "-", "1.2.3", "0x10", "1 000"])
def test_what_is_no_number(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text("path;arousal\na;1\n")
    with pytest.raises(ValueError, match="not a number"):
        tables.read(path).number(text)


@pytest.mark.parametrize("cell, decimal", [('"0,17"', True), ('"−0,3"', True), ('"1,000"', False), ("x", False)])
def test_quoted_decimal_commas_between_commas(tmp_path, cell, decimal):
    path = tmp_path / "t.csv"
    path.write_text(f"path,arousal\na,{cell}\n", encoding="utf-8")
    assert tables.read(path).decimal_comma is decimal


# ---- encodings -------------------------------------------------------------------------------------------------------

TEXTS = {
    "cp1254": ["Barış Manço", "Şebnem Ferah", "İbrahim Tatlıses", "Müslüm Gürses", "Âşık Veysel", "Yağmur", "ÇÖL",
               "Dağlar Dağlar", "Sarı Çizmeli", "Kış Masalı", "Gülpembe", "Özdemir Erdoğan"],
    "cp1252": ["Björk", "Sigur Rós", "Édith Piaf", "Motörhead", "Mötley Crüe", "João Gilberto", "Águas de Março",
               "Chanson d’amour", "Die Ärzte", "Señorita", "Halo – live", "Beyoncé", "Björk Guðmundsdóttir"],
    "gb18030": ["周杰伦", "王菲", "邓丽君", "月亮代表我的心", "青花瓷", "十年", "崔健", "一无所有", "五月天", "甜蜜蜜"],
    "big5": ["周杰倫", "鄧麗君", "月亮代表我的心", "愛情轉移", "聽海", "張惠妹", "蘇打綠", "後來", "戀曲1990"],
    "cp932": ["宇多田ヒカル", "さくら", "椎名林檎", "スピッツ", "夜に駆ける", "真夏の果実"],
    "cp949": ["방탄소년단 봄날 피땀눈물", "좋은 날 밤편지 아이유", "비밀번호 거리에서 이문세"],
    "utf-8-sig": ["音乐", "Barış"], "utf-16": ["音乐", "Barış"], "utf-16-le": ["Barış", "Björk"], "utf-8": ["夜曲"]}


@pytest.mark.parametrize("encoding, word", [(encoding, word) for encoding, words in TEXTS.items() for word in words])
def test_one_name_tells_the_encoding(tmp_path, capsys, encoding, word):
    path = tmp_path / "t.csv"
    path.write_bytes(f"path,artist,quadrant\n001.wav,{word},Q1\n002.wav,Tarkan,Q2\n".encode(encoding))
    assert tables.read(path).rows[0][1]["artist"] == word
    assert ("is not UTF-8 and was read as" in capsys.readouterr().err) == encoding.startswith(("cp", "big",
                                                                                                        "gb"))


@pytest.mark.parametrize("encoding", [name for name in TEXTS if name[:3] != "utf"])
def test_short_tables_of_every_encoding(encoding):
    words, rng = TEXTS[encoding], np.random.default_rng(1)
    for _ in range(60):
        rows = "\n".join(f"{n:03d}.wav,{rng.choice(words)},{rng.choice(words)},Q1" for n in range(rng.integers(2, 9)))
        text = f"path,artist,title,quadrant\n{rows}\n"
        found, name = tables.encoding.decode(text.encode(encoding))
        assert found == text, (name, text)


@pytest.mark.parametrize("encoding, name, artist", [
    ("cp1250", "Wróżba – łąka", "Kult"), ("mac_roman", "Señorita Édith", "Björk"), ("cp1251", "Группа", "Кино"),
    ("cp949", "봄날", "윤하"), ("gb18030", "後來", "周杰倫"), ("cp1252", "Dýrð í dauðaþögn", "Ásgeir")])
def test_the_names_of_the_files_tell_more_than_the_letters(encoding, name, artist):
    text = f"path,artist,quadrant\n{name}.mp3,{artist},Q1\n"
    assert tables.encoding.decode(text.encode(encoding), names=["other.mp3", f"Q1/{name}.MP3"])[0] == text


def test_a_stated_encoding_is_taken_and_a_wrong_one_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("path,artist\n1,Þýð\n".encode("cp1252"))
    assert tables.read(path, encoding="cp1254").rows[0][1]["artist"] == "Şığ"
    for encoding, message in (("utf-8", "it is not utf-8"), ("klingon", "no encoding 'klingon'"), ("zip", "no enc")):
        with pytest.raises(MerError, match=message):
            tables.read(path, encoding=encoding)


def test_letters_at_the_end_of_a_long_table_tell_its_encoding():
    text = "path,artist\n" + "001.wav,Tarkan\n" * 3000 + "002.wav,Barış Manço\n"
    assert tables.encoding.decode(text.encode("cp1254")) == (text, "cp1254")


@pytest.mark.parametrize("names", [(), ("Für Elise.mp3",)])
def test_what_western_and_turkish_have_in_common_is_called_western(names):
    assert tables.encoding.decode("path\nFür Elise.mp3\n".encode("cp1254"), names=names)[1] == "cp1252"
