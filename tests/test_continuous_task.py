"""A task that is no function of the quadrant is one row: from a corpus that rates some clips to an exported model."""

import csv
import json

import numpy as np
import pytest
from conftest import write_music
from PIL import Image
from test_adding import ORDER
from test_second_representation import project, song_of, values  # noqa: F401

ROW = '    Task("arousal_value", "arousal", range=(-1.0, 1.0)),\n'
END = '"Q4": "V+"}),\n)\n'  # of the table of tasks
PASS = '''
import sys
import generate_dataset, trans_train_denoise_multi, report, export, quad_pred
song, weights = sys.argv[1:]
predict = ["-i", song, "-m", "e", "-mod", "model_order"]
generate_dataset.main(["-d", "m", "-l", "e"])
trans_train_denoise_multi.main(["-s", "e", "-m", "e", "-mod", "model_order", "-rel", "n"])
report.main([])
quad_pred.main([*predict, "-o", "keras", "--engine", "keras", "--no-pictures"])
export.main([weights])
quad_pred.main([*predict, "-o", "onnx", "--engine", "onnx"])
quad_pred.main(["-i", song, "-o", "both", "--weights", weights.replace(".weights.h5", ".onnx"),
                "tiny/model_scae.multitask.spec.it_0.lr_5e-05.onnx", "--no-pictures"])
'''
WEIGHTS = "models/music/english/model_order.multitask.spec.it_0.lr_0.001.weights.h5"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A music corpus that rates three of four clips."""
    folder = tmp_path_factory.mktemp("rated")
    write_music(folder, np.random.default_rng(4), clips=5, seconds=2.0)
    rows = ["Song,Quadrant,Arousal[-1..1],Valence[-1..1]"]
    for number, (arousal, valence) in enumerate([(1, 1), (1, -1), (-1, -1), (-1, 1)], start=1):
        for clip in range(5):
            rated = f"{arousal * (0.1 + 0.2 * clip):.2f},{valence * 0.5}" if (clip + number) % 4 else ","
            rows.append(f"MT{number:02d}{clip:08d},Q{number},{rated}")
    fourq = folder / "MER_audio_taffc_dataset"
    (fourq / "panda_dataset_taffc_annotations.csv").write_text("\n".join(rows))
    (fourq / "panda_dataset_taffc_metadata.csv").unlink()  # it names few artists: too few for an interval
    return folder


def test_a_continuous_task_is_one_row(project, data):  # noqa: F811
    copy, run = project
    (copy / "models" / "model_order.py").write_text(ORDER.replace('"reversal"', "None"))
    table = copy / "mer" / "tasks.py"
    assert table.read_text().count(END) == 1
    table.write_text(table.read_text().replace(END, END[:-2] + ROW + ")\n"))
    (copy / "pass.py").write_text(PASS)
    said = run("pass.py", song_of(data), WEIGHTS)

    folder = copy / WEIGHTS.removesuffix(".weights.h5")
    about, report = (json.loads((folder / name).read_text()) for name in ("run.json", "report.json"))
    assert about["tasks"] == ["quadrants", "arousal", "valence", "arousal_value"]
    test = report["test"]
    lacking = test["clips_without_label"]["arousal_value"]
    assert lacking > 0 and test["clips_without_label"]["quadrants"] == 0
    for level in ("clip", "patch"):
        found = report[level]["arousal_value"]
        for score in ("ccc", "r2", "rmse"):
            assert found["intervals"][score][0] <= found[score] <= found["intervals"][score][1]
            assert found["above_guessing"][score][0] < found["above_guessing"][score][1]
        assert abs(found["chance"]["training mean"]["value"]) < 0.6
    assert report["clip"]["arousal_value"]["n"] == test["clips"] - lacking
    text = (folder / "report.txt").read_text()
    assert f"left out of the scores: {lacking} for arousal_value" in text and "CCC" in text
    assert {"loss", "arousal_value_loss", "val_arousal_value_mean_squared_error"} <= set(about["history"][0])
    rows = list(csv.DictReader((copy / "results" / "results.csv").open()))
    assert float(rows[3]["clip_CCC"]) == report["clip"]["arousal_value"]["ccc"] and rows[0]["clip_CCC"] == ""
    assert "RMSE, clips" in (copy / "results" / "index.html").read_text()

    clips, timelines = zip(*(values(copy / engine) for engine in ("keras", "onnx", "both")), strict=True)
    np.testing.assert_allclose(timelines[0], timelines[1], atol=1e-4)
    header = next((copy / "onnx").glob("*/timeline.csv")).read_text().splitlines()[0].split(",")
    assert header[-1] == "arousal_value" and (np.abs(timelines[1][:, -1]) <= 1).all()
    assert clips[1]["arousal_value"] == pytest.approx(timelines[1][:, -1].mean(), abs=1e-5)
    assert clips[1]["labels"]["arousal_value"]["value"] == {"name": "arousal_value", "range": [-1.0, 1.0]}
    assert f"arousal_value    {clips[1]['arousal_value']:+.3f}" in said and "(-1 to 1)" in said
    assert list(clips[2]["labels"]) == ["quadrants", "arousal", "valence"]  # what both models answer
    with Image.open(next((copy / "onnx").glob("*.png"))) as picture:
        assert picture.width == 1080 and picture.height > 1500  # a strip more than the 1320 of three tasks
    assert next(csv.DictReader((copy / "onnx" / "summary.csv").open()))["arousal_value"]

    table.write_text(table.read_text().replace(ROW, ""))  # without the row its files are refused, others are read
    assert "answers the task 'arousal_value', which mer/tasks.py does not have" in run(
        "quad_pred.py", "-i", song_of(data), "-o", "gone", "--weights", WEIGHTS, "--engine", "keras", error=True)
