"""output and batch: names, contents and endings of what quad_pred.py writes."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fakes import engine
from PIL import Image

from mer import MerError
from mer.prediction import batch, output, pictures, predict, song_files, song_text


def write_sound(path, seconds=6.0, scale=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, scale * np.random.default_rng(0).standard_normal(int(16000 * seconds)), 16000)
    return path


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def song(tmp_path):
    return write_sound(tmp_path / "in" / "song.wav")


def test_every_file_of_one_song(song, tmp_path):
    made = predict.predict_file(song, [engine()])
    paths = output.write(made, tmp_path / "out", draw=pictures.here)
    assert {part: path.relative_to(tmp_path / "out").as_posix() for part, path in paths.items()} == {
        "npy": "song.npy", "taggram": "song.png", "json": "song/clip.json", "timeline": "song/timeline.csv",
        "plane": "song/plane.png"}
    quadrants = np.load(paths["npy"], allow_pickle=False)
    assert (quadrants.shape, quadrants.dtype) == ((6, 4), np.float32)
    np.testing.assert_allclose(quadrants, made.probabilities["quadrants"], atol=1e-6)
    written = ["npy", "timeline", "taggram", "plane"]
    assert json.loads(paths["json"].read_text(encoding="utf-8")) == {**made.summary(), "written": written}
    assert not list(tmp_path.rglob("*.part"))


def test_timeline_has_the_documented_columns(song, tmp_path):
    made = predict.predict_file(song, [engine()])
    rows = rows_of(output.write(made, tmp_path)["timeline"])
    assert list(rows[0]) == ["second", "Q1", "Q2", "Q3", "Q4", "A-", "A+", "V-", "V+", "arousal", "valence"]
    assert [float(row["second"]) for row in rows] == [0.0, 0.992, 1.984, 2.976, 3.968, 4.96]
    for row in rows:
        assert float(row["arousal"]) == pytest.approx(float(row["A+"]) - float(row["A-"]), abs=2e-6)
        assert float(row["valence"]) == pytest.approx(float(row["V+"]) - float(row["V-"]), abs=2e-6)
        assert sum(float(row[name]) for name in ("Q1", "Q2", "Q3", "Q4")) == pytest.approx(1, abs=4e-6)


def test_an_ensemble_adds_the_spread(song, tmp_path):
    made = predict.predict_file(song, [engine(), engine(shift=1.0)])
    rows = rows_of(output.write(made, tmp_path)["timeline"])
    assert list(rows[0])[11:] == [f"{name}_spread" for name in output.columns(made.summary()["labels"])]
    assert float(rows[0]["A+_spread"]) == pytest.approx(made.spread["arousal"][0, 1], abs=1e-6)
    assert float(rows[0]["valence_spread"]) == pytest.approx(2 * made.spread["valence"][0, 1], abs=1e-6)
    text = song_text.as_text(made.summary())
    assert "mean ± spread over 2 models" in text
    assert f"A+ {made.mean['arousal'][1]:.3f} ± {made.mean_spread['arousal'][1]:.3f}" in text


def test_text_gives_the_means(song):
    made = predict.predict_file(song, [engine()])
    first, *lines = song_text.as_text(made.summary()).splitlines()
    assert first == f"{song}: 0:06, 6 predictions, one every 0.992 s"
    assert [line.split()[0] for line in lines] == ["quadrants", "arousal", "valence"]
    assert f"Q3 {made.mean['quadrants'][2]:.3f}" in lines[0]
    assert lines[0].endswith(f"{made.quadrant}: {song_text.QUADRANT_WORDS[made.quadrant]}")
    assert lines[1].endswith(f"{made.arousal.mean():+.3f}")


def test_a_silent_song_has_files_but_no_pictures(tmp_path):
    output.write(predict.predict_file(write_sound(tmp_path / "song.wav"), [engine()]), tmp_path,
                           draw=pictures.here)
    assert (tmp_path / "song.png").exists()
    made = predict.predict_file(write_sound(tmp_path / "song.wav", scale=0), [engine()])
    paths = output.write(made, tmp_path, draw=pictures.here)
    assert set(paths) == {"npy", "json", "timeline"}
    assert not (tmp_path / "song.png").exists()
    assert np.load(paths["npy"]).shape == (0, 4)
    assert rows_of(paths["timeline"]) == []
    assert "is silent" in song_text.as_text(made.summary())


def test_equal_names_get_different_results(tmp_path):
    folder = tmp_path / "songs"
    for name in ("a/song.wav", "b/song.wav", "b/song.flac", "b/SONG.ogg", "a.png.wav", "a.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / ".hidden.wav").write_bytes(b"x")
    other = tmp_path / "song.wav"
    other.write_bytes(b"x")
    names = song_files.find([folder, other, folder / "a" / "song.wav"])
    below = {path.relative_to(tmp_path).as_posix(): name for path, name in names.items()}
    assert below == {"songs/a.png.wav": "a.png", "songs/a.wav": "a.wav", "songs/a/song.wav": "a/song",
                     "songs/b/SONG.ogg": "b/SONG", "songs/b/song.flac": "b/song.flac", "songs/b/song.wav": "b/song.wav",
                     "song.wav": "song"}


def test_three_of_one_name_are_numbered(tmp_path):
    files = [tmp_path / folder / "x.wav" for folder in "abcd"]
    assert list(song_files.find(files).values()) == ["x", "x.wav", "x-2", "x-3"]


def test_no_name_leaves_the_folder_or_is_too_long_or_that_of_the_summary(tmp_path):
    files = [tmp_path / name for name in ("...wav", "..wav", "summary.csv.wav", f"{'x' * 251}.wav", f"{'x' * 251}.mp3",
                                          f"{chr(0x6b4c) * 83}.wav")]
    names = list(song_files.find(files).values())
    assert names[:3] == ["...wav", "..wav", "summary.csv.wav"]
    assert names[3:] == ["x" * 236, f"{'x' * 236}-2", chr(0x6b4c) * 78]
    write_sound(tmp_path / "a.wav")
    batch.run({tmp_path / "a.wav": names[4]}, [engine()], tmp_path / "out")
    assert (tmp_path / "out" / f"{names[4]}.npy").is_file()


def test_files_that_are_no_audio_are_counted(tmp_path, capsys):
    write_sound(tmp_path / "a.wav")
    (tmp_path / "notes.txt").write_text("x")
    assert list(song_files.find([tmp_path])) == [tmp_path / "a.wav"]
    assert "note: not read, as their suffix is not one of audio: 1 .txt" in capsys.readouterr().err


def test_own_results_are_not_counted_as_other_files(tmp_path, capsys):
    write_sound(tmp_path / "a.wav")
    write_sound(tmp_path / "b" / "c.wav")
    batch.run(song_files.find([tmp_path]), [engine()], tmp_path, draw=pictures.here)
    assert list(song_files.find([tmp_path]).values()) == ["a", "b/c"]
    assert "not read" not in capsys.readouterr().err


def test_links_are_followed_once_and_other_spellings_are_the_same_file(tmp_path, monkeypatch):
    song = write_sound(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "round").symlink_to(tmp_path / "in")
    write_sound(tmp_path / "far" / "b.wav")
    write_sound(tmp_path / "in" / ".hidden" / "c.wav")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "far")
    monkeypatch.chdir(tmp_path / "in")
    assert list(song_files.find([tmp_path / "in", "a.wav", song, "../in/a.wav"]).values()) == ["a", "link/b"]
    assert list(song_files.find(["a.wav", song]).items()) == [(Path("a.wav"), "a")]


def test_no_file_of_one_song_is_a_folder_of_another(tmp_path):
    files = [write_sound(tmp_path / name) for name in ("a.wav", "a.png/x.wav", "a/clip.json/y.wav", "a/z.wav")]
    names = song_files.find([tmp_path])
    assert sorted(names) == sorted(files)
    done = batch.run(names, [engine()], tmp_path / "out", draw=pictures.here)
    assert len(done.songs) == 4 and done.left_out == []


def test_a_folder_without_audio_is_refused(tmp_path):
    with pytest.raises(MerError, match=r"no audio in .*: expected files that end in \.mp3, \.flac"):
        song_files.find([tmp_path])


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    def fail(file):
        file.write("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "x.csv").write_text("old")
    with pytest.raises(OSError):
        output._replace(tmp_path / "x.csv", fail, text=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "old"


@pytest.mark.parametrize("name", ["price $5_{x^ $", "卡农 \udce4", "a" * 120, "n & <b>"])
def test_any_name_can_be_drawn(tmp_path, name):
    made = predict.predict_file(write_sound(tmp_path / "song.wav"), [engine(), engine(shift=1.0)])
    object.__setattr__(made, "path", made.path.with_name(f"{name}.wav"))
    paths = output.write(made, tmp_path / "out", name="song", draw=pictures.here)
    assert json.loads(paths["json"].read_text(encoding="utf-8"))["file"].endswith(".wav")
    assert Image.open(paths["plane"]).size[0] == Image.open(paths["taggram"]).size[0] == 1080
