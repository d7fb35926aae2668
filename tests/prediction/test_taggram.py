"""taggram: the pictures have a phone's width, show what is predicted, and leave nothing half-written."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from mer.prediction import canvas, plane, song_text, taggram
from mer.prediction.predict import Prediction
from mer.tasks import PUBLISHED


def prediction(n=30, *, arousal=0.9, valence=-0.8, members=1, hop=0.992):
    """A song that stays where it is, but for a little noise."""
    rng = np.random.default_rng(0)
    high = np.clip((1 + arousal) / 2 + 0.02 * rng.standard_normal(n), 0, 1)
    positive = np.clip((1 + valence) / 2 + 0.02 * rng.standard_normal(n), 0, 1)
    probabilities = {"quadrants": np.stack([high * positive, high * (1 - positive), (1 - high) * (1 - positive),
                                            (1 - high) * positive], axis=1),
                     "arousal": np.stack([1 - high, high], axis=1),
                     "valence": np.stack([1 - positive, positive], axis=1)}
    spread = {task.name: np.full((n, task.units), 0.05) for task in PUBLISHED} if members > 1 else None
    mean = {name: each.mean(axis=0).tolist() for name, each in probabilities.items()}
    about = [{"title": f"SCAE, English speech -> English music, run {i}", "engine": "onnx", "about": {}, "mean": mean}
             for i in range(members)]
    return Prediction(path=Path("song.mp3"), seconds=n * hop, status="ok", times_seconds=hop * np.arange(n),
                      patch_seconds=0.992, hop_seconds=hop, tasks=PUBLISHED, probabilities=probabilities, spread=spread,
                      members=about, envelope=np.tile(np.float32([-0.5, 0.7]), (31 * n, 1)))


def drawn(draw, made, path):
    draw(made, path)
    assert not list(path.parent.glob("*.part"))
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("draw", [taggram.taggram, plane.plane])
@pytest.mark.parametrize("n", [1, 2, 12, 4000])
@pytest.mark.parametrize("members", [1, 3])
def test_any_length_is_drawn_upright_and_as_wide_as_a_phone(tmp_path, draw, n, members):
    picture = drawn(draw, prediction(n, members=members), tmp_path / "x.png")
    height, width, _ = picture.shape
    assert width == 1080
    assert 1.1 < height / width < 1.7
    assert len(np.unique(picture @ [65536, 256, 1])) > 50
    assert (tmp_path / "x.png").stat().st_size < 400_000


def centre_of_path(picture):
    """Mean place, right and up in [0, 1], of the pixels in the colours of the path, within the plane."""
    plane = picture[258:1182:3, 110:1034:3].astype(int)
    colours = (255 * colormaps["viridis"](np.linspace(0, 0.84, 32))[:, :3]).astype(int)
    near = np.abs(plane[:, :, None] - colours).max(axis=3).min(axis=2) < 6
    rows, columns = np.nonzero(near)
    return columns.mean() / plane.shape[1], 1 - rows.mean() / plane.shape[0]


@pytest.mark.parametrize(("arousal", "valence"), [(0.6, 0.6), (0.6, -0.6), (-0.6, -0.6), (-0.6, 0.6)])
def test_the_path_lies_in_its_quadrant(tmp_path, arousal, valence):
    picture = drawn(plane.plane, prediction(arousal=arousal, valence=valence), tmp_path / "x.png")
    right, up = centre_of_path(picture)
    assert (right > 0.5, up > 0.5) == (valence > 0, arousal > 0)


def test_the_tag_gram_is_bright_where_it_is_sure(tmp_path):
    picture = drawn(taggram.taggram, prediction(arousal=1.0, valence=-1.0), tmp_path / "x.png").astype(int)
    yellow, violet = (255 * np.array(colormaps["viridis"](at)[:3]) for at in (1.0, 0.0))
    column = picture[300:950, 500]
    rows_yellow = np.flatnonzero(np.abs(column - yellow).max(axis=1) < 60)
    rows_violet = np.flatnonzero(np.abs(column - violet).max(axis=1) < 60)
    bands = np.split(rows_yellow, np.flatnonzero(np.diff(rows_yellow) > 5) + 1)
    assert len(bands) == 3  # Q2, A+, V-
    assert len(rows_violet) > 1.3 * len(rows_yellow)


@pytest.mark.parametrize("hop", [0.31, 0.992, 9.0])
def test_cells_of_the_tag_gram_begin_where_their_patches_do(hop, tmp_path):
    made = prediction(5, hop=hop)
    for values in made.probabilities.values():
        values[:] = np.where(np.arange(5)[:, None] < 3, [[1, *[0] * (values.shape[1] - 1)]],
                             [[*[0] * (values.shape[1] - 1), 1]])
    row = drawn(taggram.taggram, replace(made, seconds=4 * hop + 0.992), tmp_path / "x.png")[300].astype(int)
    left, right = 0.225 * 1080, 0.855 * 1080  # of the axes, from 0 to the end of the song
    change = left + 1 + np.flatnonzero(np.abs(np.diff(row[int(left) + 1:int(right) - 1], axis=0)).sum(axis=1) > 100)[0]
    assert change == pytest.approx(left + (right - left) * 3 * hop / (4 * hop + 0.992), abs=3)


def test_demo_models_and_ensembles_are_said_in_the_picture(tmp_path):
    plain = drawn(plane.plane, prediction(members=2), tmp_path / "a.png")
    made = prediction(members=2)
    for member in made.members:
        member["about"]["corpus"] = "demo"
    assert (drawn(plane.plane, made, tmp_path / "b.png") != plain).any()


@pytest.mark.parametrize("seconds", [0.96, 3, 20, 59.9, 95, 3600, 3629, 21000])
@pytest.mark.parametrize("draw", [taggram.taggram, plane.plane])
def test_no_text_covers_another_or_leaves_the_picture(tmp_path, monkeypatch, draw, seconds):
    figures = []
    monkeypatch.setattr(canvas, "save", lambda figure, path: figures.append(figure))
    title = "SCAE corrected, Feat. Ext., Mandarin speech -> Mandarin music, run 10, published weights"
    made = replace(prediction(30), seconds=seconds, path=Path(f"{'W' * 60}.mp3"))
    made.members[0]["title"] = title
    draw(made, tmp_path / "x.png")
    figures[0].canvas.draw()
    assert title.replace("->", "\u2192") in [text.get_text() for text in figures[0].texts]
    for text in figures[0].texts:
        assert text.get_window_extent().x1 < 1080
    (axis,) = (ax for ax in figures[0].axes if ax.get_xlabel().startswith("time"))
    labels = [label.get_window_extent() for label in axis.get_xticklabels()]
    assert len(labels) > 1
    assert all(left.x1 + 4 < right.x0 for left, right in pairwise(labels))
    assert labels[-1].x1 < 1080


@pytest.mark.parametrize(("titles", "words"), [
    (["SCAE, Full, run 0, demo corpus"], "SCAE, Full, run 0"),
    (["SCAE, Full, run 0", "SCAE, Full, run 1"], "mean of 2 models: SCAE, Full"),
    (["SCAE, Full, run 0", "CPC, Full, run 0"], "mean of 2 models: Full, run 0"),
    (["SCAE, a -> b, run 0", "CPC, c -> b, run 0"], "mean of 2 models"),
])
def test_an_ensemble_is_named_by_what_it_shares(titles, words):
    assert song_text.models(titles) == words


def test_smoothing_keeps_the_mean_of_a_constant_and_grows_with_the_song():
    assert [plane._smoothing(n) for n in (1, 7, 8, 100, 240, 3600)] == [1, 1, 3, 3, 9, 121]
    np.testing.assert_allclose(plane._smoothed(np.full(20, 0.3), 9), 0.3)


@pytest.mark.parametrize(("seconds", "step", "words"), [(0, 60, "0:00"), (95, 5, "1:35"), (3725, 600, "1:02:05"),
                                                        (1.5, 0.5, "0:01.5")])
def test_times_are_written_as_on_a_clock(seconds, step, words):
    assert canvas._clock(seconds, step) == words


def test_a_failed_picture_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.print_png", fail)
    with pytest.raises(OSError):
        plane.plane(replace(prediction()), tmp_path / "x.png")
    assert not list(tmp_path.iterdir())
