"""agreement.py: its files, their bytes, and ratings as people write them."""

import csv
import json

import pytest
from test_agreement import row_of, write

import agreement as script
from mer.agreement.languages import WITHIN

# ---- the script -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder of one report that the script wrote."""
    folder = tmp_path_factory.mktemp("agreement")
    path = write(folder / "ratings.csv", shared_taste=1.0, n_clips=12, n_raters=4)
    script.main(["-i", str(path), "-o", str(folder / "out"), "--set", "n_bootstrap=100"])
    return folder / "out"


def test_the_script_leaves_these_files(written):
    assert {path.name for path in written.iterdir()} == {
        "agreement.txt", "agreement.json", "agreement.csv", "agreement.png", "run.json"}
    assert (written / "agreement.png").read_bytes().startswith(b"\x89PNG")
    about = json.loads((written / "run.json").read_text(encoding="utf-8"))
    assert about["settings"] == {"n_bootstrap": 100, "n_permutations": 4999, "seed": 1}
    assert about["command"] and about["versions"]["numpy"] and len(about["source"]["sha256"]) == 16


def test_the_files_agree_with_each_other(written):
    report = json.loads((written / "agreement.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((written / "agreement.csv").open(encoding="utf-8")))
    assert len(rows) == 3 * 3 * 4  # levels, classes and all, groups and everybody and within
    joy = next(row for row in rows if (row["level"], row["class"], row["group"]) == ("ordinal", "joy", "german"))
    alpha = row_of(report["alphas"], level="ordinal", group="german", **{"class": "joy"})
    compared = row_of(report["comparisons"], level="ordinal", group="german", **{"class": "joy"})
    assert float(joy["alpha"]) == alpha["alpha"] and float(joy["difference_low"]) == compared["low"]
    assert joy["n_raters"] == "4" and joy["why"] == ""
    text = (written / "agreement.txt").read_text(encoding="utf-8")
    assert f"{alpha['alpha']:.2f} [{alpha['low']:.2f}, {alpha['high']:.2f}]" in text
    for words in (report["answer"][1].split("(")[0].strip(), "english (4)", "within languages", "HOW TO READ THIS",
                  "100 resamples of clips, seed 1", "4,999 permutations"):
        assert words in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 125


def test_the_same_command_gives_the_same_bytes(written, tmp_path):
    path = written.parent / "ratings.csv"
    script.main(["-i", str(path), "-o", str(tmp_path), "--set", "n_bootstrap=100"])
    for name in ("agreement.txt", "agreement.json", "agreement.csv", "agreement.png"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_levels_and_classes_can_be_restricted(written, tmp_path):
    path = written.parent / "ratings.csv"
    script.main(["-i", str(path), "-o", str(tmp_path), "--level", "nominal", "--only", "joy",
                 "--set", "n_bootstrap=50"])
    report = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert {(row["level"], row["class"]) for row in report["alphas"]} == {("nominal", "joy")}


def test_one_word_per_clip_without_languages(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("clip,rater,emotion\n" + "".join(f"{clip},{rater},{'joy' if clip < 6 else 'sad'}\n"
                                                    for clip in range(12) for rater in "ab"), encoding="utf-8")
    script.main(["-i", str(path), "-o", str(tmp_path / "out"), "--set", "n_bootstrap=50"])
    text = " ".join((tmp_path / "out" / "agreement.txt").read_text(encoding="utf-8").split())
    assert "alpha of 1.00 [1.00, 1.00] over emotion (nominal level), above" in text and "cannot be told" in text


@pytest.mark.parametrize("name, mark", [("k_na_dot", "."), ("words_na_dot", "."), ("words_na_hashna", "#N/A")])
def test_missing_ratings_are_none(shared, tmp_path, name, mark):
    script.main(["-i", str(shared / "cases" / f"{name}.csv"), "-o", str(tmp_path), "--level", "nominal"])
    report = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert report["alphas"][0]["alpha"] == pytest.approx(0.7434, abs=5e-5)
    assert report["source"]["missing"] == 7 and report["source"]["missing_as"] == {mark: 7}
    assert f"7 cell(s) hold no rating and count as missing ({mark} 7)" in " ".join(report["warnings"])


def test_columns_beside_the_ratings_are_named(shared, tmp_path):
    path = shared / "cases" / "wide_extra_columns.csv"
    script.main(["-i", str(path), "-o", str(tmp_path / "all")])
    report = json.loads((tmp_path / "all" / "agreement.json").read_text(encoding="utf-8"))
    assert report["source"]["classes"] == ["happy", "sad"]
    assert report["source"]["left_out"] == [{"code": "name", "column": name}
                                            for name in ("trial_index", "rt", "confidence")]
    assert "left out: trial_index (by its name), rt" in " ".join(report["warnings"])
    script.main(["-i", str(path), "-o", str(tmp_path / "some"), "--only", "sad,confidence", "--only", "Happy"])
    report = json.loads((tmp_path / "some" / "agreement.json").read_text(encoding="utf-8"))
    assert report["source"]["classes"] == ["happy", "sad", "confidence"] and report["source"]["left_out"] == []


def test_a_class_is_no_formula_in_the_csv(tmp_path):
    path = write(tmp_path / "r.csv", emotions=("=1+1",), n_raters=3)
    script.main(["-i", str(path), "-o", str(tmp_path / "out"), "--set", "n_bootstrap=50"])
    rows = list(csv.DictReader((tmp_path / "out" / "agreement.csv").open(encoding="utf-8")))
    assert {row["class"] for row in rows} == {"'=1+1"}


def test_the_real_ratings(shared, tmp_path):
    path = shared / "data" / "agreement_emotion_ratings" / "ratings.csv"
    script.main(["-i", str(path), "-o", str(tmp_path), "--level", "ordinal", "--given-care",
                 "--set", "n_bootstrap=300"])
    report = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    rows = {row["group"]: row for row in report["alphas"] if row["class"] == "all classes"}
    assert {name: round(row["alpha"], 3) for name, row in rows.items()} == {
        "all raters": 0.305, "english": 0.340, "german": 0.366, "mandarin": 0.309, "spanish": 0.304}
    within = row_of(report["comparisons"], group=WITHIN, **{"class": "all classes"})
    assert 0.01 < within["low"] < within["difference"] < within["high"] < 0.03 and within["p"] < 0.001
    assert within["rest_p"] < 0.001 and not report["care"][0]["differs"]
    assert report["warnings"] == []
