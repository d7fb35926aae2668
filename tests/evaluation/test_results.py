"""results, page and report.py: the table, the page, hostile names, published figures."""

import csv
import html.parser
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from made_up import RUN, predictions, without_pictures

from mer import MerError
from mer.evaluation import compare, page, page_tables, report, results, run_facts
from mer.tasks import TASKS

ROOT = Path(__file__).parents[2]
VOID = {"meta", "img", "br", "link", "hr", "input"}
HOSTILE = "<script>alert('x')</script>&\"'"


@pytest.fixture
def quick(monkeypatch):
    without_pictures(monkeypatch)


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
        model="model_cpc", speech_abbr="man", release="n", hours=3)
    add("models/music/english/model_cnn.multitask.spec.it_0.lr_0.001", title="CNN", model="model_cnn",
        speech_abbr=None, release=None, pretext=None)
    return tmp_path


def _found(root):
    return results.find(root / "models_trans", root / "models")


def _page(root):
    reports = _found(root).reports
    return page.render(reports, root, held=compare.read_predictions(reports)[0], outdated={})


def _sets(root):
    reports = _found(root).reports
    return compare.test_sets(reports, compare.read_predictions(reports)[0])


def test_find_lists_what_is_no_report(transfers):
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"run": {}}'), ("d", "\udcff")):
        (transfers / "models" / name).mkdir()
        (transfers / "models" / name / "report.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    found = _found(transfers)
    assert len(found.reports) == 4
    assert [path.parent.name for path, _ in found.unreadable] == ["a", "b", "c", "d"]
    assert all("damaged" in reason and "\n" not in reason for _, reason in found.unreadable)


def test_find_in_folders_that_do_not_exist(tmp_path):
    assert results.find(tmp_path / "no", tmp_path / "nor") == ([], [])


def test_table_has_the_published_columns_and_values(transfers):
    found = _found(transfers)
    rows = results.table(found.reports)
    published = next(csv.reader((ROOT / "mer/evaluation/published/icassp2021_table2.csv").open(encoding="utf-8")))
    shared = [name for name in list(rows[0])[:10] if name != "task"]
    assert shared == [name for name in published if name not in ("source", "printed_task", "likely_true_task")]
    assert len(rows) == 4 * len(TASKS)
    assert [(row["model"], row["config"], row["setting"], row["it"]) for row in rows[::len(TASKS)]] == [
        ("SCAE", "full", "eng2eng", 0), ("SCAE", "full", "eng2eng", 1), ("CPC", "feat_ext", "man2eng", 0),
        ("CNN", "scratch", "scratch2eng", 0)]
    arousal = found.reports[0]["patch"]["arousal"]
    assert rows[1]["task"] == "arousal" and rows[1]["F"] == arousal["f1_weighted"]
    assert [rows[1]["F_low"], rows[1]["F_high"]] == arousal["intervals"]["f1_weighted"]
    assert [row["experiment"] for row in rows[::len(TASKS)]] == ["all", "all", "3h", "all"]
    assert [row["hours"] for row in rows[::len(TASKS)]] == [None, None, 3, None]
    assert rows[0]["settings"] == rows[len(TASKS)]["settings"] and {row["differences"] for row in rows} == {""}


def test_write_makes_csv_and_wellformed_page(transfers):
    found = _found(transfers)
    table, made, pairs, _ = results.write(found.reports, transfers / "results", unreadable=found.unreadable)
    assert len(list(csv.DictReader(table.open(encoding="utf-8")))) == 4 * len(TASKS)
    rows = list(csv.DictReader(pairs.open(encoding="utf-8")))
    assert len(rows) == 3 * len(TASKS) and {row["runs_one"] for row in rows} == {"1", "2"}
    text = made.read_text(encoding="utf-8")
    _check_html(text)
    assert "say nothing about people" in text and "ICASSP 0." not in text
    assert not list((transfers / "results").glob("*.part"))
    results.write(found.reports, transfers / "again")
    assert (transfers / "again/index.html").read_text(encoding="utf-8") == text


def test_links_of_the_page_lead_to_files(transfers):
    _, made, *_ = results.write(_found(transfers).reports, transfers / "deep/results")
    links = [link for link in _check_html(made.read_text(encoding="utf-8")).links if not link.startswith("#")]
    assert len(links) > 8
    for link in links:
        assert (made.parent / link).is_file(), link


def test_published_figures_stand_beside_real_results_only(transfers):
    for path in transfers.glob("models*/**/report.json"):
        _edit(path, run={"corpus": "real"} | ({"hours": 30} if "over" in path.parent.name else {}))
    text = _page(transfers)
    assert "say nothing about people" not in text
    assert "ICASSP 0.57" in text  # SCAE Full eng2eng, quadrants
    assert "overlaps its test" in " ".join(text.split())
    for path in transfers.glob("models*/**/report.json"):
        _edit(path, run={"hours": None})
    assert "ICASSP 0." not in _page(transfers)  # published figures are for 3 and 30 h of speech


def _edit(path, **changes):
    """Change parts of a report.json."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for part, values in changes.items():
        content[part] |= values
    path.write_text(json.dumps(content), encoding="utf-8")


def test_published_tasks_are_the_true_ones():
    figures = page_tables.published()
    assert figures[30, "SCAE", "full", "eng2eng", "arousal"] == 0.81
    assert figures[30, "SCAE", "full", "eng2eng", "valence"] == 0.67
    assert figures[3, "CPC", "full", "eng2eng", "quadrants"] == 0.39
    assert len(figures) == 2 * 72


def test_hostile_names_are_escaped(transfers):
    folder = transfers / "models_trans" / "<i>a" / "b 'c\" #?<u>"
    report.write(folder, **{**predictions(clips=[f"{HOSTILE}{i}" for i in range(16)]),
                            "run": {**RUN, "title": HOSTILE, "split": {"note": HOSTILE}, "corpus": HOSTILE}})
    (transfers / "models" / "<b>").mkdir()
    (transfers / "models" / "<b>" / "report.json").write_text("{", encoding="utf-8")
    found = _found(transfers)
    _, made, *_ = results.write(found.reports, transfers / "results", unreadable=found.unreadable)
    parsed = _check_html(made.read_text(encoding="utf-8"))
    assert not parsed.tags & {"script", "u", "b"}
    assert all((made.parent / unquote(link)).is_file() for link in parsed.links if not link.startswith("#"))


def test_several_runs_are_shown_as_mean_and_range(transfers):
    one = _sets(transfers)[0]
    reports = one.cells[0][1]
    found = one.score(reports, TASKS[0], compare.STRICT)
    values = [made["clip"]["quadrants"]["f1_macro"] for made in reports]
    assert found["mean"] == pytest.approx(np.mean(values))
    assert [found["smallest"], found["largest"], found["n_runs"]] == [min(values), max(values), 2]
    assert found["low"] <= found["mean"] <= found["high"] and found["above_chance"]
    assert "2 runs, " in _page(transfers)


def test_guessing_is_told_from_hearing(transfers):
    one = _sets(transfers)[0]
    heard = {known["model"]: one.score(reports, TASKS[0], compare.PUBLISHED)["above_chance"]
             for known, reports in one.cells}
    assert heard == {"SCAE": True, "CPC": False, "CNN": True}


def test_runs_on_other_clips_are_told(transfers):
    folder = transfers / "models_trans/speech_mix_2_music_eng/model_over.multitask.spec.it_0.lr_5e-05"
    report.write(folder, **{**predictions(clips=[f"other {i}" for i in range(16)]),
                            "run": {**RUN, "speech_abbr": "mix"}})
    text = _page(transfers)
    assert len(set(re.findall(r"\(test set (\w{4})\)", text))) == 2
    one, other = _sets(transfers)
    assert len(one.cells) == 3 and len(other.cells) == 1


def test_music_with_models_from_scratch_only_has_its_row(transfers):
    report.write(transfers / "models/music/mandarin/model_cnn.multitask.spec.it_0.lr_0.001",
                 **{**predictions(), "run": {**RUN, "title": "CNN", "speech_abbr": None, "release": None,
                                             "music_abbr": "man"}})
    assert "scratch2man</th>" in _page(transfers)


def test_nothing_to_gather_is_told(tmp_path):
    with pytest.raises(MerError, match=r"run trans_train_denoise_multi\.py first"):
        results.write([], tmp_path)


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


def test_what_an_encoder_heard_is_named(tmp_path, quick):
    of = {"kind": "noise", "code": "e", "name": "noise like LibriSpeech"}
    common = {"speech": None, "release": "n", "pretext": "contrast"}
    for folder, run in (("noise", {"heard": "noise", "heard_from": of, "hours": 3.0, "speech_abbr": "noise_eng"}),
                        ("music", {"heard": "music", "speech_abbr": "music_pno", "heard_test_clips": 2,
                                   "heard_test_groups": 3, "heard_from": {**of, "kind": "music", "name": "EMOPIA"}})):
        report.write(tmp_path / "models_trans" / folder, **{**predictions(), "run": {**RUN, **common, **run}})
    noise, music = ((tmp_path / "models_trans" / name / "report.txt").read_text() for name in ("noise", "music"))
    assert "noise_eng2eng, 3 h of noise" in noise
    assert "Heard   noise like LibriSpeech (noise), pretext contrast" in noise
    assert "Heard   EMOPIA (music), pretext contrast" in music
    warning = "WARNING: The encoder heard 2 of the test clips in its pretraining, and other clips of the artists"
    assert warning in music and "heard 2" not in noise
    known = {one["pretrain"]: one for one in map(run_facts.facts, _found(tmp_path).reports)}
    assert run_facts.labels(known["noise_eng"], ()) == ["3 h of noise"]
    assert "3 h of noise" in _page(tmp_path)
