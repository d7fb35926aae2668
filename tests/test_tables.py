"""Csv files as people send them."""

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
