"""Text of unknown origin, shown in a terminal or a spreadsheet."""

import csv
from types import SimpleNamespace

import pytest

from mer import files, text
from mer.data import split_files
from mer.inventory import check


@pytest.mark.parametrize("harmless", ["song.mp3", "夜曲 – 周杰倫.mp3", "Für Elise", "زهور", "क्‍ष", "👨‍👩‍👧", ""])
def test_letters_of_every_script_stay(harmless):
    assert text.printable(harmless) == harmless


@pytest.mark.parametrize("harmful, shown", [
    ("\x1b[2Ja", r"\x1b[2Ja"), ("a\nerror: b", r"a\nerror: b"), ("a\rb", r"a\rb"), ("\x07\x7f\x9b", r"\x07\x7f\x9b"),
    ("a\u202egpj.exe", r"a\u202egpj.exe"), ("\u2066\u2069\u200e\u200f\u061c", r"\u2066\u2069\u200e\u200f\u061c"),
    ("a\u2028b\ufeff\u200b", r"a\u2028b\ufeff\u200b"), ("\udcff.mp3", r"\udcff.mp3"), ("\U000e0041", r"\U000e0041")])
def test_what_acts_on_a_terminal_is_shown(harmful, shown):
    assert text.printable(harmful) == shown
    shown.encode("utf-8")


def test_lines_stay_where_they_are_asked_for():
    assert text.printable("a\nb\r", keep="\n") == "a\nb\\r"


@pytest.mark.parametrize("cell", ["=1+1", "+1 song", "-- intro", "@home", "\tx", "\rx", "\nx", "＝1", "'=1", "''=1"])
def test_formulas_get_an_apostrophe_and_come_back(cell):
    safe = text.spreadsheet_safe(cell)
    assert safe == "'" + cell and text.spreadsheet_read(safe) == cell


@pytest.mark.parametrize("cell", ["a=1", "-0.5", "+3", "-1e-5", "-inf", "", "-", "'a", "'", -0.5, 3, None, "Don't"])
def test_numbers_and_other_text_stay(cell):
    assert text.spreadsheet_safe(cell) is cell
    assert not isinstance(cell, str) or text.spreadsheet_read(cell) == cell


def test_a_table_is_written_without_formulas(tmp_path):
    rows = [["=cmd|' /C calc'!A0", -0.5, "-0.5"], ["'=x", None, "song, with comma"]]
    files.write_csv(tmp_path / "a.csv", ["name", "value", "text"], rows)
    written = (tmp_path / "a.csv").read_text()
    assert "'=cmd" in written and "'-0.5" not in written
    with open(tmp_path / "a.csv", newline="") as file:
        read = [[text.spreadsheet_read(cell) for cell in row] for row in csv.reader(file)]
    assert read[1:] == [["=cmd|' /C calc'!A0", "-0.5", "-0.5"], ["'=x", "", "song, with comma"]]


def test_a_split_comes_back_though_names_begin_like_formulas(configure, tmp_path):
    ids, groups = ["=1+1.mp3", "-a.mp3", "'=b.mp3", "c.mp3"], ["@home", "+44", "The X", "-1"]
    columns = {"clip": ids, "group": groups, "label": [""] * 4}
    cfg, path = configure(f"path_to_features={tmp_path}"), tmp_path / "x.splits.csv"
    split_files.record(cfg, "x", columns, ["train", "val", "test", "train"], {"kind": "drawn", "grouped_by": "song"})
    assert "\n'=1+1.mp3,'@home," in path.read_text()
    assert split_files.load(path, ids) == ["train", "val", "test", "train"]
    rows = split_files.rows(path)
    assert [rows[name]["group"] for name in ids] == groups


def test_findings_of_a_check_are_no_formulas(tmp_path):
    found = SimpleNamespace(corpus="CH-818", kind="damaged", file="=1+1.mp3", detail="cannot be read")
    check.write(tmp_path / "x.csv", [found])
    assert "damaged,'=1+1.mp3," in (tmp_path / "x.csv").read_text()
