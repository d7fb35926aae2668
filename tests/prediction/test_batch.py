"""batch: runs over many songs go on past bad files, end as they should and say how to go on."""

import json
import os

import pytest
from fakes import engine
from test_output import rows_of, write_sound

from mer import MerError
from mer.prediction import batch, output, pictures, predict, song_files


@pytest.fixture
def song(tmp_path):
    return write_sound(tmp_path / "in" / "song.wav")


def test_a_run_goes_on_past_bad_files(tmp_path, capsys):
    folder = tmp_path / "in"
    write_sound(folder / "good.wav")
    write_sound(folder / "silent.wav", scale=0)
    write_sound(folder / "short.wav", seconds=0.5)
    (folder / "empty.mp3").write_bytes(b"")
    done = batch.run(song_files.find([folder]), [engine()], tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "summary.csv")
    assert [(row["file"].rsplit("/")[-1], row["status"]) for row in rows] == [
        ("good.wav", "ok"), ("silent.wav", "silent"), ("empty.mp3", "left out"), ("short.wav", "left out")]
    assert rows[0]["quadrant"] == done.songs[0]["quadrant"]
    assert float(rows[0]["arousal"]) == done.songs[0]["arousal"]
    assert rows[1]["Q1"] == ""
    assert "one patch needs 0.96 s" in rows[3]["message"]
    out, err = capsys.readouterr()
    assert "2 of 4 songs done (1 silent)" in out
    assert err.count("left out:") == 2
    assert "warning: 2 of 4 songs left out" in err
    assert (done.exit_status(strict=False), done.exit_status(strict=True)) == (0, 1)


def test_a_run_in_which_nothing_works_fails(tmp_path, capsys):
    done = batch.run({tmp_path / "none.wav": "none"}, [engine()], tmp_path / "out")
    assert done.exit_status(strict=False) == 1
    assert "does not exist" in capsys.readouterr().err
    assert rows_of(tmp_path / "out" / "summary.csv")[0]["status"] == "left out"


def test_an_interrupted_run_keeps_what_is_done(tmp_path, capsys, monkeypatch):
    songs = {write_sound(tmp_path / "a.wav"): "a", write_sound(tmp_path / "b.wav"): "b"}
    real = predict.predict_file

    def stop_at_b(path, *args, **options):
        if path.name == "b.wav":
            raise KeyboardInterrupt
        return real(path, *args, **options)

    monkeypatch.setattr(predict, "predict_file", stop_at_b)
    done = batch.run(songs, [engine()], tmp_path / "out")
    assert done.exit_status(strict=False) == 130
    assert [row["status"] for row in rows_of(tmp_path / "out" / "summary.csv")] == ["ok"]
    assert "interrupted; what is listed above is complete" in capsys.readouterr().err


def test_ctrl_c_leaves_what_is_listed_whole_and_a_summary(tmp_path, capsys):
    """While the last pictures are waited for."""
    songs = {write_sound(tmp_path / f"{name}.wav"): name for name in "abc"}
    interrupts = ["one"]

    def draw(kind, prediction, path):
        def wait():
            if prediction.path.stem == "b" and interrupts:
                interrupts.pop()
                raise KeyboardInterrupt
        return wait

    done = batch.run(songs, [engine()], tmp_path / "out", draw=draw)
    assert done.exit_status(strict=False) == 130
    assert "interrupted; what is listed above is complete, and" in capsys.readouterr().err
    assert [song["file"].rsplit("/")[-1] for song in done.songs] == ["a.wav", "b.wav", "c.wav"]
    assert len(rows_of(tmp_path / "out" / "summary.csv")) == 3
    clips = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*/clip.json")]
    assert [clip["status"] for clip in clips] == ["ok"] * 3


@pytest.mark.parametrize(("argv", "words"), [(["x"], "the same command goes on from here"),
                                             (["x", "--force"], "the same command without --force goes on from here")])
def test_an_interrupted_run_says_how_to_go_on(song, tmp_path, capsys, monkeypatch, argv, words):
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "predict_file", stop)
    monkeypatch.setattr("sys.argv", argv)
    batch.run({song: "song"}, [engine()], tmp_path / "out")
    assert words in capsys.readouterr().err
    batch.run({song: "song"}, [engine()], None)
    assert "goes on" not in capsys.readouterr().err


def test_pictures_of_others_are_neither_deleted_nor_replaced(song, tmp_path, capsys):
    cover = song.with_suffix(".png")
    cover.write_bytes(b"cover")
    for _ in range(2):  # without pictures: first, and where the rest is there
        assert batch.run({song: "song"}, [engine()], song.parent, force=True).left_out == []
        assert cover.read_bytes() == b"cover"
    done = batch.run({song: "song"}, [engine()], song.parent, draw=pictures.here)
    assert "song.png, which this program has not written: choose another folder with -o" in done.left_out[0][1]
    assert cover.read_bytes() == b"cover"
    assert json.loads((song.parent / "song" / "clip.json").read_text())["status"] == "ok"
    cover.unlink()
    assert batch.run({song: "song"}, [engine()], song.parent, draw=pictures.here).left_out == []


def test_a_song_that_finds_no_place_does_not_stop_the_rest(tmp_path):
    folder = tmp_path / "in"
    for name in ("a", "a.mp3.wav", "b.wav"):
        write_sound(folder / "x.wav").rename(folder / name)
    (folder / "c").mkdir()
    write_sound(folder / "c" / "d.wav")
    (folder / "b.npy").mkdir()
    songs = {folder / "a.mp3.wav": "a", folder / "b.wav": "b", folder / "c" / "d.wav": "c/d"}
    done = batch.run(songs, [engine()], folder)
    assert len(done.songs) == 1
    assert "need a folder" in done.left_out[0][1] and "b.npy, which this program has not written" in done.left_out[1][1]


def test_results_of_a_song_that_broke_are_taken_back(song, tmp_path):
    for broken in (b"no sound", None):
        write_sound(song)
        out = tmp_path / str(broken)
        batch.run({song: "song"}, [engine()], out, draw=pictures.here)
        song.unlink()
        if broken:
            song.write_bytes(broken)
        batch.run({song: "song"}, [engine()], out, draw=pictures.here)
        clip = json.loads((out / "song" / "clip.json").read_text())
        files = sorted(path.name for path in out.rglob("*.*"))
        if broken:
            assert clip["status"] == "left out" and "song.wav" in clip["message"]
            assert files == ["clip.json", "summary.csv"]
        else:  # it may only lie elsewhere today
            assert clip["status"] == "ok" and len(files) == 6


def test_names_that_are_not_utf_8_are_predicted(tmp_path):
    folder = tmp_path / "in"
    good, bad = (folder / os.fsdecode(name) for name in (b"bad\xff.wav", b"broken\xff.mp3"))
    write_sound(folder / "x.wav").rename(good)
    bad.write_bytes(b"")
    done = batch.run(song_files.find([folder]), [engine()], tmp_path / "out")
    assert (len(done.songs), len(done.left_out)) == (1, 1)
    assert [row["status"] for row in rows_of(tmp_path / "out" / "summary.csv")] == ["ok", "left out"]
    json.loads(done.as_json())


def test_a_file_in_place_of_the_folder_is_refused(song):
    for folder in (song, song / "below"):
        with pytest.raises(MerError, match="is a file or lies below one, but a folder for the results was expected"):
            batch.run({song: "song"}, [engine()], folder)


def test_json_holds_timelines_and_what_was_left_out(song, tmp_path):
    songs = {song: "song", tmp_path / "none.wav": "none"}
    done = batch.run(songs, [engine(), engine(shift=1)], None, with_timelines=True)
    content = json.loads(done.as_json())
    assert content["songs"][0]["timeline"] == output.timeline(predict.predict_file(song, [engine(),
                                                                                                    engine(shift=1)]))
    assert content["left_out"][0]["file"].endswith("none.wav")
    assert not list(tmp_path.rglob("summary.csv"))


def test_the_demo_model_is_announced_with_its_worth(song, capsys):
    batch.run({song: "song"}, [engine(corpus="demo")], None)
    assert f"note: {predict.DEMO_WORTH}." in capsys.readouterr().out
