"""summary.csv holds all songs of a folder of results; folders that cannot be searched count as left out."""

import csv
import json
import os

import pytest
from fakes import engine
from test_output import write_sound

from mer import MerError, text
from mer.prediction import batch, song_files


def rows_of(folder):
    with open(folder / "summary.csv", newline="", encoding="utf-8") as file:
        return {text.spreadsheet_read(row["file"]).rsplit("/")[-1]: row for row in csv.DictReader(file)}


def predict(folder, *songs, shift=0.0, **options):
    return batch.run({song: song.stem for song in songs}, [engine(shift=shift)], folder, **options)


def test_songs_of_several_commands_are_in_one_table(tmp_path):
    out, a, b, c = tmp_path / "out", *(write_sound(tmp_path / f"{name}.wav") for name in "abc")
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"x")
    predict(out, b, broken)
    predict(out, a, shift=1)
    predict(out, c)
    rows = rows_of(out)
    assert list(rows) == ["c.wav", "a.wav", "b.wav", "broken.wav"]
    assert [row["status"] for row in rows.values()] == ["ok", "ok", "ok", "left out"]
    assert rows["a.wav"]["model"] == "Fake, shift 1" and rows["b.wav"]["model"] == "Fake, shift 0"
    assert rows["a.wav"]["arousal"] != rows["b.wav"]["arousal"] and "broken.wav" in rows["broken.wav"]["message"]
    predict(out, b, shift=1, force=True)
    assert rows_of(out)["b.wav"]["model"] == "Fake, shift 1" and len(rows_of(out)) == 4


def test_what_is_gone_goes_from_the_table(tmp_path):
    out, a, b = tmp_path / "out", *(write_sound(tmp_path / f"{name}.wav") for name in "ab")
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"x")
    predict(out, a, b, broken)
    broken.unlink()
    (out / "a" / "clip.json").unlink()
    predict(out, b)
    assert list(rows_of(out)) == ["b.wav"]
    write_sound(broken)
    predict(out, broken)
    assert rows_of(out)["broken.wav"]["status"] == "ok" and len(rows_of(out)) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"file": 3, "status": "ok", "written": []}',
                                     b'{"file": "a.wav", "status": "ok", "written": ["npy"]}', b"[" * 100_000])
def test_damaged_results_are_named_and_stop_nothing(tmp_path, content, capsys):
    out, a, b = tmp_path / "out", *(write_sound(tmp_path / f"{name}.wav") for name in "ab")
    predict(out, a)
    (out / "a" / "clip.json").write_bytes(content)
    (out / "summary.csv").write_bytes(content)
    (out / "other").mkdir()
    (out / "other" / "clip.json").write_text('{"of": "another program"}')
    predict(out, b)
    assert list(rows_of(out)) == ["b.wav"]
    printed = capsys.readouterr().err
    assert printed.count("is damaged") == 1 and "predict the song again with --force" in printed


def test_no_name_is_a_formula(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    song = write_sound(tmp_path / "=1+1.wav").relative_to(tmp_path)
    predict(tmp_path / "out", song)
    predict(tmp_path / "out", write_sound(tmp_path / "b.wav"))
    written = (tmp_path / "out" / "summary.csv").read_text()
    assert "\n'=1+1.wav,ok" in written and "=1+1.wav" in rows_of(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "=1+1" / "clip.json").read_text())["file"] == "=1+1.wav"


def test_folders_that_cannot_be_searched_count_as_left_out(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "in"
    write_sound(folder / "a.wav")
    (folder / "closed").mkdir()
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    unreadable = []
    songs = song_files.find([folder], unreadable=unreadable)
    done = batch.run(songs, [engine()], tmp_path / "out", unreadable=unreadable)
    assert (done.exit_status(strict=False), done.exit_status(strict=True)) == (0, 1)
    assert f"left out: {folder / 'closed'} cannot be searched (Permission denied)" in capsys.readouterr().err
    assert rows_of(tmp_path / "out")["closed"]["status"] == "left out"
    with pytest.raises(MerError, match="cannot be searched .Permission denied.: change its permissions"):
        song_files.find([folder / "closed"], unreadable=[])
