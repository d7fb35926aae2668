"""resume: what an earlier run of quad_pred.py has done is kept, and only that."""

import json
import os

import numpy as np
import pytest
import soundfile
from fakes import engine

from mer.prediction import batch, members, output, pictures, resume

FILES = ("song.npy", "song.png", "song/clip.json", "song/timeline.csv", "song/plane.png")


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "in" / "song.wav"
    path.parent.mkdir()
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(64000), 16000)
    return path


@pytest.fixture
def drawn():
    """What draws by writing a stand-in; the kinds that were drawn."""
    kinds = []

    def draw(kind, prediction, path):
        kinds.append(kind)
        path.write_bytes(b"picture")
        return lambda: None

    draw.kinds = kinds
    return draw


def run(song, folder, *, engines=None, draw=None, **options):
    return batch.run({song: "song"}, engines or [engine()], folder, draw=draw, **options)


def test_the_second_run_predicts_nothing_and_says_the_same(song, tmp_path, drawn, capsys):
    seen = []
    first = run(song, tmp_path / "out", engines=[engine(seen=seen)], draw=drawn, with_timelines=True)
    text, summary = capsys.readouterr().out, (tmp_path / "out" / "summary.csv").read_bytes()
    times = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in FILES}
    assert len(seen) == 1
    second = run(song, tmp_path / "out", engines=[engine(seen=seen)], draw=drawn, with_timelines=True)
    assert len(seen) == 1 and drawn.kinds == ["taggram", "plane"]
    assert second.songs == first.songs
    assert {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in FILES} == times
    assert (tmp_path / "out" / "summary.csv").read_bytes() == summary
    again = capsys.readouterr().out
    assert again == text + "1 of them by an earlier run with the same models; --force does them again\n"


@pytest.mark.parametrize("change", ["engine", "model", "hop", "content", "force", "song.npy", "song.png",
                                    "song/timeline.csv", "song/plane.png"])
def test_what_differs_is_done_again(song, tmp_path, drawn, change):
    run(song, tmp_path / "out", draw=drawn)
    options = {"engines": {"engine": [engine()], "model": [engine(shift=1)]}.get(change)}
    if change == "engine":
        object.__setattr__(options["engines"][0], "name", "keras")
    if change == "hop":
        options["hop_seconds"] = 0.5
    if change == "content":
        os.utime(song, ns=(0, 0))
    if change in FILES:
        (tmp_path / "out" / change).unlink()
    assert run(song, tmp_path / "out", draw=drawn, force=change == "force", **options).n_earlier == 0
    assert run(song, tmp_path / "out", draw=drawn, **options).n_earlier == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"models": 3}', '{"models": [3]}', "null"])
def test_a_damaged_clip_json_is_made_again(song, tmp_path, content):
    run(song, tmp_path / "out")
    clip = tmp_path / "out" / "song" / "clip.json"
    whole = clip.read_text()
    clip.write_text(content)
    assert run(song, tmp_path / "out").n_earlier == 0
    assert clip.read_text() == whole


def test_a_damaged_timeline_is_made_again_where_it_is_needed(song, tmp_path):
    run(song, tmp_path / "out")
    (tmp_path / "out" / "song" / "timeline.csv").write_text("second,Q1\n0\n")
    assert run(song, tmp_path / "out", with_timelines=True).n_earlier == 0


def test_pictures_that_are_not_asked_for_stay(song, tmp_path, drawn):
    run(song, tmp_path / "out", draw=drawn)
    assert run(song, tmp_path / "out").n_earlier == 1
    assert (tmp_path / "out" / "song.png").exists()


def test_pictures_asked_for_later_are_drawn(song, tmp_path, drawn):
    run(song, tmp_path / "out")
    assert run(song, tmp_path / "out", draw=drawn).n_earlier == 0
    assert drawn.kinds == ["taggram", "plane"]


def test_a_silent_song_is_kept_without_pictures(song, tmp_path, drawn):
    soundfile.write(song, np.zeros(64000), 16000)
    for n_earlier in (0, 1):
        done = run(song, tmp_path / "out", draw=drawn, with_timelines=True)
        assert (done.n_earlier, done.songs[0]["status"], done.songs[0]["timeline"]["Q1"]) == (n_earlier, "silent", [])


def test_a_song_is_whole_only_with_its_pictures(song, tmp_path):
    """A full disk while a picture is drawn: clip.json says that it has only begun, and the next run goes on."""
    def fail(kind, prediction, path):
        def wait():
            raise OSError(28, "No space left on device")
        return wait

    run(song, tmp_path / "out")
    with pytest.raises(OSError, match="No space"):
        batch.run({tmp_path / "none.wav": "none", song: "song"}, [engine()], tmp_path / "out", draw=fail)
    assert json.loads((tmp_path / "out" / "song" / "clip.json").read_text())["status"] == "begun"
    assert run(song, tmp_path / "out").n_earlier == 0


def test_only_whole_songs_count_as_done(song, tmp_path, capsys):
    def fail(kind, prediction, path):
        def wait():
            if path.parts[-2] == "second" or path.stem == "second":
                raise OSError(28, "No space left on device")
        return wait

    songs = {song: "first", song.with_name("none.wav"): "none"}
    second = song.with_name("second.wav")
    second.write_bytes(song.read_bytes())
    with pytest.raises(OSError, match="No space"):
        batch.run({**songs, second: "second"}, [engine()], tmp_path / "out", draw=fail)
    out, err = capsys.readouterr()
    assert "1 of 3 songs done" in out and "1 of 3 songs left out" in err


def test_no_song_is_blamed_where_drawing_ends(song, tmp_path, capsys):
    def fail(kind, prediction, path):
        raise pictures.Ended("gone")

    with pytest.raises(pictures.Ended):
        run(song, tmp_path / "out", draw=fail)
    assert "left out" not in capsys.readouterr().err


def test_what_was_left_out_is_told_even_if_the_disk_is_full(song, tmp_path, monkeypatch, capsys):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "begin", full)
    with pytest.raises(OSError, match="No space"):
        batch.run({tmp_path / "none.wav": "none", song: "song"}, [engine()], tmp_path / "out")
    assert "1 of 2 songs left out" in capsys.readouterr().err


def test_nothing_of_the_folder_is_read_without_one(song):
    assert run(song, None, with_timelines=True).n_earlier == 0


def test_identity_is_that_in_clip_json(song, tmp_path):
    engines = [engine(), engine(shift=1)]
    run(song, tmp_path, engines=engines)
    clip = json.loads((tmp_path / "song" / "clip.json").read_text())
    hop = members.actual_hop_seconds(engines)
    assert clip["source"] == resume.identity(song, engines, hop_seconds=hop, sure_from=0.5)["source"]
    assert clip["source"]["bytes"] == song.stat().st_size
    assert resume.identity(tmp_path / "none", engines, hop_seconds=hop, sure_from=0.5) is None
