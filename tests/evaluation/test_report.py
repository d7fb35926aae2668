"""report on made-up probabilities: files, meaning, wrong input."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_up import RUN, history, predictions, targets, without_pictures

from mer import MerError
from mer.evaluation import report
from mer.tasks import QUADRANTS, TASKS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder and dict of one report with everything."""
    folder = tmp_path_factory.mktemp("run")
    return folder, report.write(folder, **predictions(), history=history())


@pytest.fixture
def quick(monkeypatch):
    without_pictures(monkeypatch)


def test_all_files_are_there_and_nothing_else(written):
    assert {path.name for path in written[0].iterdir()} == {
        "report.json", "report.txt", "predictions.csv", "confusion.png", "certainty.png",
        "learning_curves.png"}
    for name in ("confusion.png", "certainty.png", "learning_curves.png"):
        assert (written[0] / name).read_bytes().startswith(b"\x89PNG")


def test_the_file_holds_what_is_returned(written):
    assert json.loads((written[0] / "report.json").read_text(encoding="utf-8")) == written[1]


def test_every_level_and_task_is_scored(written):
    for level, n in (("clip", 16), ("patch", 96)):
        for task in TASKS:
            found = written[1][level][task.name]
            assert found["n"] == n
            if not task.classes:
                assert found["range"] == list(task.range)
                assert all(low <= found[name] <= high for name, (low, high) in found["intervals"].items())
                continue
            assert n == sum(map(sum, found["confusion"]))
            assert [values["support"] for values in found["per_class"].values()] == list(
                map(sum, found["confusion"]))
            assert set(found["per_class"]) == set(task.classes)
            for name, (low, high) in found["intervals"].items():
                assert 0 <= low <= found[name] <= high <= 1


def test_same_input_gives_the_same_bytes(tmp_path, quick):
    for name in "ab":
        report.write(tmp_path / name, **predictions())
    for name in ("report.json", "report.txt", "predictions.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_pictures_have_the_same_bytes_again(written, tmp_path):
    report.write(tmp_path, **predictions(), history=history())
    for name in ("confusion.png", "certainty.png", "learning_curves.png"):
        assert (tmp_path / name).read_bytes() == (written[0] / name).read_bytes()


def test_what_changes_from_moment_to_moment_is_left_out(written):
    run = written[1]["run"]
    assert "command" not in run and "created" not in run and run["encoder"] == {"sha256": "abc"}
    assert run["title"] == "SCAE"


def test_runs_that_differ_in_clock_and_machine_only_give_the_same_report(tmp_path, quick):
    """The keys are those that docs/report.md promises to drop, at any depth."""
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    keys = re.findall("`(.+?)`", re.search(r"dropped at any depth \((.+?)\)", page, re.S)[1])
    assert set(keys) == report.VOLATILE
    for name in ("2001-01-01", "2031-12-31"):
        moment = dict.fromkeys(keys, name)
        report.write(tmp_path / name, **{**predictions(), "run": {**RUN, **moment, "encoder": {**moment, "it": 0}}})
    for name in ("report.json", "report.txt"):
        texts = [(folder / name).read_text(encoding="utf-8") for folder in sorted(tmp_path.iterdir())]
        assert texts[0] == texts[1] and "2001" not in texts[0]


def test_numpy_values_and_nan_in_the_run_become_plain_json(tmp_path, quick):
    made = report.write(tmp_path, **{**predictions(), "run": {**RUN, "seed": np.int64(3), "best": float("nan")}})
    assert made["run"]["seed"] == 3 and made["run"]["best"] is None


def test_learning_rates_in_the_run_are_not_rounded(tmp_path, quick):
    made = report.write(tmp_path, **{**predictions(), "run": {**RUN, "decay": 4e-9}})
    assert made["run"]["decay"] == 4e-9


def test_predictions_have_a_row_per_patch_and_per_clip(written):
    rows = list(csv.DictReader((written[0] / "predictions.csv").open(encoding="utf-8")))
    data = predictions()
    assert list(rows[0])[:19] == [
        "level", "clip", "group", "patch", "start_seconds", "true_quadrants", "predicted_quadrants", "p_Q1", "p_Q2",
        "p_Q3", "p_Q4", "true_arousal", "predicted_arousal", "p_A-", "p_A+", "true_valence", "predicted_valence",
        "p_V-", "p_V+"]
    assert [row["level"] for row in rows] == ["patch"] * 96 + ["clip"] * 16
    assert [row["patch"] for row in rows[:7]] == ["0", "1", "2", "3", "4", "5", "0"]
    assert rows[1]["start_seconds"] == "0.480000" and rows[-1]["start_seconds"] == rows[-1]["patch"] == ""
    first = data["outputs"]["quadrants"][:6]
    assert float(rows[0]["p_Q3"]) == pytest.approx(first[0, 2], abs=1e-6)
    assert float(rows[96]["p_Q3"]) == pytest.approx(first[:, 2].mean(), abs=1e-6)
    assert rows[96]["predicted_quadrants"] == QUADRANTS[first.mean(axis=0).argmax()]


def test_a_certain_patch_outvotes_two_hesitant_ones(tmp_path, quick):
    data = predictions(n_clips=2, n_patches=3)  # true quadrants Q1 and Q2
    hesitant, certain = [0.4, 0.3, 0.2, 0.1], [0.0, 1.0, 0.0, 0.0]
    data["outputs"]["quadrants"] = np.array([hesitant, hesitant, certain] * 2)
    made = report.write(tmp_path, **data)
    assert made["patch"]["quadrants"]["confusion"] == [[2, 1, 0, 0], [2, 1, 0, 0], [0] * 4, [0] * 4]
    assert made["clip"]["quadrants"]["confusion"] == [[0, 1, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4]


def test_predictions_give_the_scores_of_the_report(written):
    rows = list(csv.DictReader((written[0] / "predictions.csv").open(encoding="utf-8")))
    for level in report.LEVELS:
        right = [row["true_valence"] == row["predicted_valence"] for row in rows if row["level"] == level]
        assert written[1][level]["valence"]["accuracy"] == pytest.approx(np.mean(right), abs=1e-6)


def test_text_says_what_was_run_and_warns(written):
    text = (written[0] / "report.txt").read_text(encoding="utf-8")
    for words in ("SCAE Full, eng2eng, run 0", "demo corpus", "say nothing about people", "grouped by artist",
                  "only 16 clips", "uniform guess", "always Q1", "CONFUSION"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 120


def test_absent_class_is_named_and_shown_as_a_dash(tmp_path, quick):
    data = predictions()
    data["truth"] |= targets(np.where(np.arange(16) % 4 == 3, 0, np.arange(16) % 4))
    made = report.write(tmp_path, **data)
    assert any("No test clip is in Q4" in line for line in made["warnings"])
    line = next(line for line in (tmp_path / "report.txt").read_text(encoding="utf-8").splitlines()
                if line.startswith("  quadrants  Q4"))
    assert line.split() == ["quadrants", "Q4", "-", "-", "-", "0", "-", "-", "-", "0"]


def test_large_test_set_brings_no_warning(tmp_path, quick):
    assert report.write(tmp_path, **predictions(n_clips=100, n_patches=2))["warnings"] == []


def test_a_single_clip_has_no_interval(tmp_path, quick):
    made = report.write(tmp_path, **predictions(n_clips=1))
    assert made["clip"]["quadrants"]["intervals"]["accuracy"] is None
    assert "single clip" in (tmp_path / "report.txt").read_text(encoding="utf-8")


def test_groups_are_drawn_whole_and_named(tmp_path, quick):
    data = predictions(n_clips=60, n_patches=2)
    artists = [f"artist {index // 6}" for index in range(60)]
    alone, grouped = (report.write(tmp_path / name, **data, groups=groups, grouped_by="artist")
                      for name, groups in (("alone", None), ("grouped", artists)))
    assert alone["bootstrap"]["unit"] == "clip" and alone["test"]["groups"] == 60
    assert grouped["bootstrap"]["unit"] == "artist" and grouped["bootstrap"]["groups"] == 10
    assert grouped["test"]["grouped_by"] == "artist" and grouped["test"]["groups"] == 10
    assert grouped["clip"]["quadrants"]["intervals"] != alone["clip"]["quadrants"]["intervals"]
    rows = list(csv.DictReader((tmp_path / "grouped/predictions.csv").open(encoding="utf-8")))
    assert {(row["clip"], row["group"]) for row in rows} == set(zip(data["clips"], artists, strict=True))
    text = (tmp_path / "grouped/report.txt").read_text(encoding="utf-8")
    assert "resamples of whole artists (10)" in text
    assert any("only 10 artists" in line for line in grouped["warnings"]) and not alone["warnings"]


def test_groups_of_unequal_size_count_for_fewer(tmp_path, quick):
    artists = ["the prolific one"] * 60 + [f"artist {index}" for index in range(40)]
    made = report.write(tmp_path, **predictions(n_clips=100, n_patches=2), groups=artists, grouped_by="artist")
    assert made["test"]["groups"] == 41 and made["test"]["groups_effective"] < 3
    assert any("41 artists, which count for 2.7" in line for line in made["warnings"])


def test_clips_of_one_artist_have_no_interval(tmp_path, quick):
    made = report.write(tmp_path, **predictions(), groups=["one"] * 16, grouped_by="artist")
    assert made["clip"]["quadrants"]["intervals"]["accuracy"] is None
    assert any("of a single artist" in line for line in made["warnings"])


def test_a_model_that_hears_is_above_guessing_and_noise_is_not(tmp_path, quick):
    hears, noise = (report.write(tmp_path / f"{skill}", **predictions(n_clips=80, skill=skill))["clip"]["quadrants"]
                    for skill in (2.0, 0.0))
    assert hears["above_guessing"]["f1_macro"][0] > 0.3
    assert noise["above_guessing"]["f1_macro"][0] < 0 < noise["above_guessing"]["f1_macro"][1] + 0.2
    assert set(hears["chance"]) == {"majority", "uniform", "shuffled"}


def test_a_pretext_that_was_not_learnt_is_a_warning(tmp_path, quick):
    scores = {"learnt": False, "sentence": "accuracy 0.500, chance 0.500"}
    data = predictions(n_clips=100, n_patches=2)
    for learnt, n in ((False, 1), (True, 0)):
        data["run"] = {**RUN, "encoder": {"sha256": "abc", "scores": {**scores, "learnt": learnt}}}
        made = report.write(tmp_path, **data)
        assert len(made["warnings"]) == n
        text = " ".join((tmp_path / "report.txt").read_text(encoding="utf-8").split())
        assert ("not shown to have learnt its pretext task: accuracy 0.500, chance 0.500" in text) == bool(n)


def test_no_history_leaves_no_picture_of_an_earlier_run(tmp_path, quick):
    (tmp_path / "learning_curves.png").write_bytes(b"old")
    report.write(tmp_path, **predictions())
    assert not (tmp_path / "learning_curves.png").exists()


def test_kept_epoch_is_the_best_of_the_last_stage():
    epochs = [{"stage": "heads", "val_loss": 0.1}, {"stage": "full", "val_loss": 0.5},
              {"stage": "full", "val_loss": 0.3}, {"stage": "full", "val_loss": 0.3}]
    assert report.plots.kept_epoch(epochs) == 3
    assert report.plots.kept_epoch([{"loss": 1.0}]) is None


def _without_patches(data):
    data |= {"patch_clip": np.array([], int), "patch_start_seconds": []}


def _with_nan(data):
    data["outputs"]["arousal"][3] = np.nan


def _with_logits(data):
    data["outputs"]["valence"] *= 7


@pytest.mark.parametrize("spoil, words", [
    (_without_patches, "is empty"),
    (lambda data: data.update(clips=[], truth=targets([])), "is empty"),
    (lambda data: data.update(truth=targets(np.arange(15) % 4)), "16 clips with 15 labels"),
    (lambda data: data.update(patch_start_seconds=[0.0]), "96 patches with 1 start times"),
    (lambda data: data.update(clips=["same"] * 16), "15 clip ids occur twice"),
    (lambda data: data.update(patch_clip=data["patch_clip"] + 1), "belongs to none of its 16 clips"),
    (lambda data: data.update(patch_clip=np.zeros(96, int)), "15 test clips of run have no patch"),
    (lambda data: data["truth"].update(quadrants=data["truth"]["quadrants"] + 1), "go from 1 to 4"),
    (lambda data: data["truth"].update(valence=np.full(16, -1)), "no test clip of run has a label for valence"),
    (lambda data: data.update(groups=["one"]), "16 clips and 1 groups"),
    (lambda data: data["outputs"].pop("valence"), "no prediction for the task 'valence'"),
    (lambda data: data["outputs"].update(arousal=np.ones((96, 3))), "have the shape (96, 3), expected (96, 2)"),
    (_with_nan, "1 of 96 patches of run have no finite prediction for arousal"),
    (_with_logits, "expected probabilities from 0 to 1"),
])
def test_wrong_input_is_told_in_one_sentence(tmp_path, spoil, words):
    data = predictions()
    spoil(data)
    with pytest.raises(MerError) as error:
        report.write(tmp_path / "run", **data)
    assert words in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_stage_four_needs_no_keras():
    code = "import sys, mer.evaluation.report, mer.evaluation.results; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
