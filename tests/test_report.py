"""mer.report and mer.gather on made-up probabilities: files, meaning, hostile names, wrong input."""

import csv
import html.parser
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from mer import MerError, gather, page, report
from mer.tasks import QUADRANTS, TASKS

ROOT = Path(__file__).parents[1]
RUN = {"name": "model_over", "model": "model_over", "title": "SCAE", "pretext": "denoise", "speech": "e",
       "speech_abbr": "eng", "music": "e", "music_abbr": "eng", "release": "y", "it": 0, "seed": 1, "corpus": "demo",
       "split": {"kind": "drawn", "grouped_by": "artist", "note": ""}, "command": ["python3", "x.py"],
       "created": "2026-01-01", "encoder": {"sha256": "abc", "seconds": 3.5}}
VOID = {"meta", "img", "br", "link", "hr", "input"}
HOSTILE = "<script>alert('x')</script>&\"'"


def predictions(*, n_clips=16, n_patches=6, skill=2.0, seed=0, clips=None):
    """Keywords of `report.write`: clips of all quadrants, right more often than not."""
    generator = np.random.default_rng(seed)
    quadrant, patch_clip = np.arange(n_clips) % 4, np.repeat(np.arange(n_clips), n_patches)
    probabilities = {}
    for task in TASKS:
        scores = generator.normal(size=(len(patch_clip), len(task.classes)))
        scores[np.arange(len(patch_clip)), task.targets(quadrant)[patch_clip]] += skill
        probabilities[task.name] = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return {"clips": clips or [f"clip {i}" for i in range(n_clips)], "patch_clip": patch_clip, "quadrant": quadrant,
            "patch_start_seconds": np.tile(np.arange(n_patches) * 0.48, n_clips), "probabilities": probabilities,
            "run": dict(RUN), "n_bootstrap": 100}


def history(epochs=4):
    """Two stages of training."""
    names = ["loss", *(f"{task.name}_accuracy" for task in TASKS)]
    return [{"stage": stage, "epoch": epoch, **{f"{side}{name}": 1 / (epoch + 2) for name in names
                                                for side in ("", "val_")}}
            for stage in ("heads", "full") for epoch in range(epochs)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder and dict of one report with everything."""
    folder = tmp_path_factory.mktemp("run")
    return folder, report.write(folder, **predictions(), history=history())


@pytest.fixture
def quick(monkeypatch):
    """Reports without pictures, which take most of the time."""
    monkeypatch.setattr(report.figures, "confusion", lambda *_: None)
    monkeypatch.setattr(report.figures, "learning_curves", lambda *_: None)


def test_all_files_are_there_and_nothing_else(written):
    assert {path.name for path in written[0].iterdir()} == {
        "report.json", "report.txt", "predictions.csv", "confusion.png", "learning_curves.png"}
    for name in ("confusion.png", "learning_curves.png"):
        assert (written[0] / name).read_bytes().startswith(b"\x89PNG")


def test_the_file_holds_what_is_returned(written):
    assert json.loads((written[0] / "report.json").read_text(encoding="utf-8")) == written[1]


def test_every_level_and_task_is_scored(written):
    for level, n in (("clip", 16), ("patch", 96)):
        for task in TASKS:
            found = written[1][level][task.name]
            assert found["n"] == n == sum(map(sum, found["confusion"]))
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
    for name in ("confusion.png", "learning_curves.png"):
        assert (tmp_path / name).read_bytes() == (written[0] / name).read_bytes()


def test_what_changes_from_moment_to_moment_is_left_out(written):
    run = written[1]["run"]
    assert "command" not in run and "created" not in run and run["encoder"] == {"sha256": "abc"}
    assert run["title"] == "SCAE"


def test_numpy_values_and_nan_in_the_run_become_plain_json(tmp_path, quick):
    made = report.write(tmp_path, **{**predictions(), "run": {**RUN, "seed": np.int64(3), "best": float("nan")}})
    assert made["run"]["seed"] == 3 and made["run"]["best"] is None


def test_learning_rates_in_the_run_are_not_rounded(tmp_path, quick):
    made = report.write(tmp_path, **{**predictions(), "run": {**RUN, "decay": 4e-9}})
    assert made["run"]["decay"] == 4e-9


def test_predictions_have_a_row_per_patch_and_per_clip(written):
    rows = list(csv.DictReader((written[0] / "predictions.csv").open(encoding="utf-8")))
    data = predictions()
    assert list(rows[0]) == [
        "level", "clip", "patch", "start_seconds", "true_quadrants", "predicted_quadrants", "p_Q1", "p_Q2", "p_Q3",
        "p_Q4", "true_arousal", "predicted_arousal", "p_A-", "p_A+", "true_valence", "predicted_valence", "p_V-",
        "p_V+"]
    assert [row["level"] for row in rows] == ["patch"] * 96 + ["clip"] * 16
    assert [row["patch"] for row in rows[:7]] == ["0", "1", "2", "3", "4", "5", "0"]
    assert rows[1]["start_seconds"] == "0.480000" and rows[-1]["start_seconds"] == rows[-1]["patch"] == ""
    first = data["probabilities"]["quadrants"][:6]
    assert float(rows[0]["p_Q3"]) == pytest.approx(first[0, 2], abs=1e-6)
    assert float(rows[96]["p_Q3"]) == pytest.approx(first[:, 2].mean(), abs=1e-6)
    assert rows[96]["predicted_quadrants"] == QUADRANTS[first.mean(axis=0).argmax()]


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
    data["quadrant"] = np.where(data["quadrant"] == 3, 0, data["quadrant"])
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


def test_no_history_leaves_no_picture_of_an_earlier_run(tmp_path, quick):
    (tmp_path / "learning_curves.png").write_bytes(b"old")
    report.write(tmp_path, **predictions())
    assert not (tmp_path / "learning_curves.png").exists()


def test_kept_epoch_is_the_best_of_the_last_stage():
    epochs = [{"stage": "heads", "val_loss": 0.1}, {"stage": "full", "val_loss": 0.5},
              {"stage": "full", "val_loss": 0.3}, {"stage": "full", "val_loss": 0.3}]
    assert report.figures.kept_epoch(epochs) == 3
    assert report.figures.kept_epoch([{"loss": 1.0}]) is None


def _without_patches(data):
    data |= {"patch_clip": np.array([], int), "patch_start_seconds": []}


def _with_nan(data):
    data["probabilities"]["arousal"][3] = np.nan


def _with_logits(data):
    data["probabilities"]["valence"] *= 7


@pytest.mark.parametrize("spoil, words", [
    (_without_patches, "is empty"),
    (lambda data: data.update(clips=[], quadrant=[]), "is empty"),
    (lambda data: data.update(quadrant=data["quadrant"][:-1]), "16 clips with 15 labels"),
    (lambda data: data.update(patch_start_seconds=[0.0]), "96 patches with 1 start times"),
    (lambda data: data.update(clips=["same"] * 16), "15 clip ids occur twice"),
    (lambda data: data.update(patch_clip=data["patch_clip"] + 1), "belongs to none of its 16 clips"),
    (lambda data: data.update(patch_clip=np.zeros(96, int)), "15 test clips of run have no patch"),
    (lambda data: data.update(quadrant=data["quadrant"] + 1), "go from 1 to 4"),
    (lambda data: data["probabilities"].pop("valence"), "no prediction for the task 'valence'"),
    (lambda data: data["probabilities"].update(arousal=np.ones((96, 3))), "have the shape (96, 3), expected (96, 2)"),
    (_with_nan, "1 of 96 patches of run have no finite probability for arousal"),
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
    code = "import sys, mer.report, mer.gather; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# ---- all transfers together -----------------------------------------------------------------------------------

@pytest.fixture
def transfers(tmp_path, quick):
    """Folders models_trans/ and models/ with two runs of one cell, one of another, one from scratch."""
    def add(folder, *, seed=0, skill=2.0, **run):
        data = {**predictions(seed=seed, skill=skill), "run": {**RUN, **run}}
        report.write(tmp_path / folder, **data)
    over = "models_trans/speech_eng_2_music_eng/model_over.multitask.spec"
    add(f"{over}.it_0.lr_5e-05")
    add(f"{over}.it_1.lr_5e-05", seed=1, it=1)
    add("models_trans/3h_speech_man_2_music_eng/model_cpc.multitask.spec.it_0.lr_0.001", skill=0, title="CPC",
        model="model_cpc", speech_abbr="man", release="n")
    add("models/music/english/model_cnn.multitask.spec.it_0.lr_0.001", title="CNN", model="model_cnn",
        speech_abbr=None, release=None, pretext=None)
    return tmp_path


def _found(root):
    return gather.find(root / "models_trans", root / "models")


def test_find_lists_what_is_no_report(transfers):
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"run": {}}'), ("d", "\udcff")):
        (transfers / "models" / name).mkdir()
        (transfers / "models" / name / "report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    found = _found(transfers)
    assert len(found.reports) == 4
    assert [path.parent.name for path, _ in found.unreadable] == ["a", "b", "c", "d"]
    assert "not a report" in found.unreadable[2][1]


def test_find_in_folders_that_do_not_exist(tmp_path):
    assert gather.find(tmp_path / "no", tmp_path / "nor") == ([], [])


def test_table_has_the_published_columns_and_values(transfers):
    found = _found(transfers)
    rows = gather.table(found.reports)
    published = next(csv.reader((ROOT / "mer/published/icassp2021_table2.csv").open(encoding="utf-8")))
    shared = [name for name in list(rows[0])[:10] if name != "task"]
    assert shared == [name for name in published if name not in ("source", "printed_task", "likely_true_task")]
    assert len(rows) == 4 * len(TASKS)
    assert [(row["model"], row["config"], row["setting"], row["it"]) for row in rows[::3]] == [
        ("SCAE", "full", "eng2eng", 0), ("SCAE", "full", "eng2eng", 1), ("CPC", "feat_ext", "man2eng", 0),
        ("CNN", "scratch", "scratch2eng", 0)]
    arousal = found.reports[0]["patch"]["arousal"]
    assert rows[1]["task"] == "arousal" and rows[1]["F"] == arousal["f1_weighted"]
    assert [rows[1]["F_low"], rows[1]["F_high"]] == arousal["intervals"]["f1_weighted"]
    assert [row["experiment"] for row in rows[::3]] == ["all", "all", "3h", "all"]


def test_write_makes_csv_and_wellformed_page(transfers):
    found = _found(transfers)
    table, made = gather.write(found.reports, transfers / "results", unreadable=found.unreadable)
    assert len(list(csv.DictReader(table.open(encoding="utf-8")))) == 12
    text = made.read_text(encoding="utf-8")
    _check_html(text)
    assert "say nothing about people" in text and "ICASSP 0." not in text
    assert not list((transfers / "results").glob("*.part"))
    gather.write(found.reports, transfers / "again")
    assert (transfers / "again/index.html").read_text(encoding="utf-8") == text


def test_links_of_the_page_lead_to_files(transfers):
    _, made = gather.write(_found(transfers).reports, transfers / "deep/results")
    links = [link for link in _check_html(made.read_text(encoding="utf-8")).links if not link.startswith("#")]
    assert len(links) > 8
    for link in links:
        assert (made.parent / link).is_file(), link


def test_published_figures_stand_beside_real_results_only(transfers):
    for path in transfers.glob("models*/**/report.json"):
        path.write_text(path.read_text(encoding="utf-8").replace('"corpus": "demo"', '"corpus": "real"'),
                        encoding="utf-8")
    text = page.render(_found(transfers).reports, transfers)
    assert "say nothing about people" not in text
    assert "ICASSP 0.57" in text  # SCAE Full eng2eng, quadrants
    assert "overlaps its test" in " ".join(text.split())


def test_published_tasks_are_the_true_ones():
    figures = page.published()
    assert figures["all", "SCAE", "full", "eng2eng", "arousal"] == 0.81
    assert figures["all", "SCAE", "full", "eng2eng", "valence"] == 0.67
    assert figures["3h", "CPC", "full", "eng2eng", "quadrants"] == 0.39
    assert len(figures) == 2 * 72


def test_hostile_names_are_escaped(transfers):
    folder = transfers / "models_trans" / "<i>a" / "b 'c\" #?<u>"
    report.write(folder, **{**predictions(clips=[f"{HOSTILE}{i}" for i in range(16)]),
                            "run": {**RUN, "title": HOSTILE, "split": {"note": HOSTILE}, "corpus": HOSTILE}})
    (transfers / "models" / "<b>").mkdir()
    (transfers / "models" / "<b>" / "report.json").write_text("{", encoding="utf-8")
    found = _found(transfers)
    _, made = gather.write(found.reports, transfers / "results", unreadable=found.unreadable)
    parsed = _check_html(made.read_text(encoding="utf-8"))
    assert not parsed.tags & {"script", "u", "b"}
    assert all((made.parent / unquote(link)).is_file() for link in parsed.links if not link.startswith("#"))


def test_several_runs_are_shown_as_mean_and_range(transfers):
    found = _found(transfers).reports
    one = page.cell(found[:2], "quadrants", level="clip", score="f1_macro")
    values = [made["clip"]["quadrants"]["f1_macro"] for made in found[:2]]
    assert one["mean"] == pytest.approx(np.mean(values))
    assert [one["smallest"], one["largest"], one["n_runs"]] == [min(values), max(values), 2]
    assert "2 runs, " in page.render(found, transfers)


def test_guessing_is_told_from_hearing(transfers):
    found = _found(transfers).reports
    assert page.cell(found[:1], "quadrants", level="patch", score="f1_weighted")["above_chance"]
    assert not page.cell(found[2:3], "quadrants", level="patch", score="f1_weighted")["above_chance"]


@pytest.mark.parametrize("intervals, marked", [
    ([(0.1, 0.3), (0.4, 0.6)], [False, True]),
    ([(0.1, 0.5), (0.4, 0.6)], [False, False]),
    ([(0.1, 0.4), (0.4, 0.6)], [False, False]),
    ([(0.1, 0.2), (0.3, 0.6), (0.5, 0.7)], [False, False, False]),
    ([(0.1, 0.2), (None, None)], [False, False]),
    ([(0.1, 0.2)], [False]),
])
def test_best_is_marked_only_where_intervals_are_apart(intervals, marked):
    cells = [{"low": low, "high": high, "clear_best": False} for low, high in intervals]
    page.mark_best(cells)
    assert [one["clear_best"] for one in cells] == marked


def test_runs_on_other_clips_are_told(transfers):
    folder = transfers / "models_trans/speech_mix_2_music_eng/model_over.multitask.spec.it_0.lr_5e-05"
    report.write(folder, **{**predictions(clips=[f"other {i}" for i in range(16)]),
                            "run": {**RUN, "speech_abbr": "mix"}})
    assert "not all runs were tested on the same clips" in page.render(_found(transfers).reports, transfers)


def test_music_with_models_from_scratch_only_has_its_row(transfers):
    report.write(transfers / "models/music/mandarin/model_cnn.multitask.spec.it_0.lr_0.001",
                 **{**predictions(), "run": {**RUN, "title": "CNN", "speech_abbr": None, "release": None,
                                             "music_abbr": "man"}})
    assert "scratch2man</th>" in page.render(_found(transfers).reports, transfers)


def test_nothing_to_gather_is_told(tmp_path):
    with pytest.raises(MerError, match="run trans_train_denoise_multi.py first"):
        gather.write([], tmp_path)


def test_script_gathers_and_says_where(transfers):
    environ = {"MER_PATH_TO_MODELS_TRANS": str(transfers / "models_trans"), "MER_PATH_TO_MODELS":
               str(transfers / "models"), "PATH": ""}
    done = _script("--out", str(transfers / "out"), environ=environ)
    assert done.returncode == 0 and "4 transfers gathered" in done.stdout
    assert (transfers / "out/index.html").is_file() and (transfers / "out/results.csv").is_file()


def test_script_without_reports_ends_in_one_sentence(tmp_path):
    done = _script(environ={"MER_PATH_TO_MODELS_TRANS": str(tmp_path), "MER_PATH_TO_MODELS": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.startswith("error: no transfer report found under") and done.stderr.count("\n") == 1


def _script(*flags, environ):
    return subprocess.run([sys.executable, str(ROOT / "report.py"), *flags], env=environ, capture_output=True,
                          text=True, check=False)


class _Page(html.parser.HTMLParser):
    """Checks that tags close in order, ids are unique, and collects tags and links."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.links, self.ids = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if "href" in attrs else []
        assert not any(name.startswith("on") for name in attrs)
        assert tag != "img" or attrs.get("alt")
        assert tag != "th" or attrs.get("scope")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.getpos()


def _check_html(text):
    """Parse a page and return what was found in it."""
    parsed = _Page()
    parsed.feed(text)
    parsed.close()
    assert parsed.open == [] and len(parsed.ids) == len(set(parsed.ids))
    assert {f"#{name}" for name in parsed.ids} >= {link for link in parsed.links if link.startswith("#")}
    assert text.lower().count("<table") == text.count("<caption")
    return parsed
