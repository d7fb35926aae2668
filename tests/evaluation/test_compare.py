"""run_facts, compare and the tables: only runs that differ in the seed are averaged; comparisons are paired."""

import csv

import numpy as np
import pytest
from made_up import RUN, predictions, without_pictures

from mer.evaluation import compare, page, page_tables, report, results, run_facts
from mer.tasks import PUBLISHED, TASKS, columns_read

TASK = {task.name: task for task in TASKS}
SETTINGS = {"heads_epochs": 10, "patch_overlap": 0.5, "precision": "float32"}
BASE = {**RUN, "settings": SETTINGS, "versions": {"backend": "tensorflow"}, "data": "d1", "hours": None,
        "clips": {"train": 40, "val": 8, "test": 16},
        "encoder": {"sha256": "abc", "origin": "ours", "settings": {"pretrain_epochs": 5}, "hours_heard": 1.05}}
SCRATCH = {**BASE, "title": "CNN", "model": "model_cnn", "speech_abbr": None, "release": None, "encoder": None}


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Function: name, facts of the run -> its report, written below models/."""
    without_pictures(monkeypatch)

    def add(name, run=BASE, *, seed=0, skill=0.5, n_clips=48, ids=None, **more):
        data = predictions(n_clips=n_clips, n_patches=2, seed=seed, skill=skill, clips=ids)
        artists = [f"artist {index // 2}" for index in range(n_clips)]
        return report.write(tmp_path / "models" / name, **{**data, "run": {**run, **more}}, groups=artists,
                            grouped_by="artist")
    return add


def _reports(root):
    return results.find(root / "none", root / "models").reports


def _sets(root):
    reports = _reports(root)
    return compare.test_sets(reports, compare.read_predictions(reports)[0])


def _encoder(**facts):
    return {"encoder": {**BASE["encoder"], **facts}}


@pytest.mark.parametrize("other", [
    {"settings": {**SETTINGS, "heads_epochs": 2}}, {"settings": {**SETTINGS, "precision": "mixed_bfloat16"}},
    {"hours": 3}, {"hours": 30}, {"hours": 0.5}, {"folds": 5}, {"split": {"kind": "published", "note": ""}},
    {"versions": {"backend": "torch"}}, {"data": "d2"}, {"clips": {"train": 41, "val": 7}}, {"release": "n"},
    {"speech_abbr": "man"}, {"title": "CPC"}, {"music_abbr": "man"}, {"corpus": "real"},
    _encoder(origin="release"), _encoder(settings={"pretrain_epochs": 6}), _encoder(hours_heard=0.2),
    _encoder(backend="jax"),
], ids=str)
def test_runs_that_differ_in_more_than_the_seed_are_not_averaged(add, tmp_path, other):
    for it in range(2):
        add(f"a{it}", it=it, seed=it, **_encoder(sha256=str(it), scores={"mse": it}, it=it))
    add("b", **other)
    cells = run_facts.cells(_reports(tmp_path))
    assert sorted(len(reports) for _, reports in cells) == [1, 2]
    rows = results.table(_reports(tmp_path))
    columns = ["corpus", "hours", "folds", "split", "test_set", "settings", "model", "config", "setting"]
    assert len({tuple(row[name] for name in columns) for row in rows}) == 2


def test_another_test_set_is_another_cell(add, tmp_path):
    add("a")
    add("b", ids=[f"other {index}" for index in range(48)])
    assert [len(one.cells) for one in _sets(tmp_path)] == [1, 1]


def test_a_cross_validation_and_a_single_split_stand_in_rows_of_their_own(add, tmp_path):
    add("single", n_clips=60, skill=0.0)
    add("folds", n_clips=200, skill=0.3, folds=5, split={"kind": "folds", "note": "5 folds"},
        ids=[f"all {index}" for index in range(200)])
    reports = _reports(tmp_path)
    text = page.render(reports, tmp_path, held=compare.read_predictions(reports)[0], outdated={})
    assert "2 runs" not in text and "<small>5 folds</small>" in text and "<small>split: folds</small>" in text
    single, folds = (next(one for one in _sets(tmp_path) if one.test["clips"] == n) for n in (60, 200))
    shown = [one.score(one.cells[0][1], TASKS[0], compare.STRICT)["above_chance"] for one in (single, folds)]
    assert shown == [False, True]


def test_what_differs_is_named_in_rows_and_in_results_csv(add, tmp_path):
    add("a")
    add("b", settings={**SETTINGS, "heads_epochs": 2})
    add("c", SCRATCH)
    assert {row["differences"] for row in results.table(_reports(tmp_path))} == {"heads_epochs=10", "heads_epochs=2"}
    table = page_tables.layout(_sets(tmp_path), compare.STRICT, {})
    rows = {tuple(row["labels"]): row["cells"] for row in table["tasks"]["quadrants"]}
    assert set(rows) == {("heads_epochs=10",), ("heads_epochs=2",)}
    assert [cell is not None for cell in rows["heads_epochs=10",]] == [True, True]  # SCAE Full, CNN
    assert [cell is not None for cell in rows["heads_epochs=2",]] == [True, False]  # the CNN had 10 epochs


def test_the_published_row_stands_beside_the_same_hours(add, tmp_path):
    for name, hours in (("a", 30), ("b", 3), ("c", None), ("d", 12.5)):
        add(name, hours=hours, corpus="real")
    table = page_tables.layout(_sets(tmp_path), compare.PUBLISHED, page_tables.published())
    shown = {row["labels"][0] if row["labels"] else "": row["cells"][0]["published"]
             for row in table["tasks"]["quadrants"]}
    assert shown == {"3 h of speech": 0.56, "12.5 h of speech": None, "30 h of speech": 0.57, "": None}


def test_the_encoders_of_the_release_heard_30_hours_where_their_folder_does_not_say_3(add, tmp_path):
    add("a", corpus="real", **_encoder(origin="release"))
    table = page_tables.layout(_sets(tmp_path), compare.PUBLISHED, page_tables.published())
    assert table["tasks"]["quadrants"][0]["cells"][0]["published"] == 0.57


def test_differences_are_paired_and_turn_with_their_sides(add, tmp_path):
    add("a", skill=2.0)
    add("b", SCRATCH, skill=2.0)  # the same predictions
    add("c", title="CPC", skill=0.0, seed=5)
    one = _sets(tmp_path)[0]
    names = [known["model"] for known, _ in one.cells]
    pairs = {(names[pair.one], names[pair.other], pair.task): pair for pair in one.pairs()}
    same = pairs["SCAE", "CNN", "quadrants"].difference
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    clear = pairs["SCAE", "CPC", "quadrants"]
    assert clear.is_clear and clear.difference.low > 0
    turned = clear.turned()
    assert turned.difference.high == -clear.difference.low and (turned.one, turned.other) == (clear.other, clear.one)
    blocks = page_tables.differences(one)
    assert [block["to"] for block in blocks] == ["scratch", "best"] and [block["n"] for block in blocks] == [
        2 * len(TASKS), 3 * len(TASKS)]


def test_holm_counts_all_pairs_and_tasks(add, tmp_path):
    for place, title in enumerate("abcd"):
        add(title, title=title, seed=place, skill=0.3 + 0.1 * place)
    pairs = _sets(tmp_path)[0].pairs()
    assert len(pairs) == 6 * len(TASKS)
    assert all(pair.p_holm >= pair.difference.p for pair in pairs)
    least = min(pair.difference.p for pair in pairs)
    assert min(pair.p_holm for pair in pairs) == pytest.approx(min(1, len(pairs) * least))


def test_a_mean_over_runs_is_wider_than_the_test_set_alone_explains(add, tmp_path):
    for it, skill in enumerate((0.0, 0.6, 1.2)):
        add(f"a{it}", it=it, seed=it, skill=skill)
    one = _sets(tmp_path)[0]
    found = one.score(one.cells[0][1], TASK["arousal"], compare.STRICT)
    values = [made["clip"]["arousal"]["f1_macro"] for made in one.cells[0][1]]
    assert found["high"] - found["low"] > 2 * np.std(values, ddof=1) / np.sqrt(3)
    assert 0 <= found["low"] < found["mean"] < found["high"] <= 1


def test_reports_of_before_without_groups_are_shown_and_compared(add, tmp_path):
    import json
    for place, name in enumerate("ab"):
        add(name, title=name, seed=place)
        folder = tmp_path / "models" / name
        old = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        del old["run"]["tasks"]
        for level in ("patch", "clip"):
            old[level] = {task.name: old[level][task.name] for task in PUBLISHED}
            for result in old[level].values():
                del result["above_guessing"], result["chance"]["shuffled"]
        for key in ("groups", "grouped_by", "groups_effective"):
            del old["test"][key]
        del old["bootstrap"]["groups"], old["run"]["data"]
        old["bootstrap"]["unit"] = "clip"
        (folder / "report.json").write_text(json.dumps(old), encoding="utf-8")
        rows = list(csv.reader((folder / "predictions.csv").open(encoding="utf-8", newline="")))
        with open(folder / "predictions.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(row[:2] + row[3:] for row in rows)
    one = _sets(tmp_path)[0]
    assert one.unit == "clip" and one.resamples().n_groups == 48 and len(one.pairs()) == len(PUBLISHED)
    assert all(one.score(reports, TASK["arousal"], compare.STRICT)["low"] is not None for _, reports in one.cells)
    results.write(_reports(tmp_path), tmp_path / "out")


def test_damaged_predictions_are_named_and_the_rest_is_shown(add, tmp_path):
    for place, name in enumerate("abc"):
        add(name, title=name, seed=place)
    (tmp_path / "models/a/predictions.csv").write_bytes(b"\xff\x00")
    (tmp_path / "models/b/predictions.csv").unlink()
    table, made, pairs, _ = results.write(_reports(tmp_path), tmp_path / "out")
    text = made.read_text(encoding="utf-8")
    assert "a/predictions.csv" in text and "b/predictions.csv" in text and "c/predictions.csv" in text
    assert len(list(csv.DictReader(table.open(encoding="utf-8")))) == 3 * len(TASKS)
    assert list(csv.DictReader(pairs.open(encoding="utf-8"))) == []


def test_predictions_of_other_clips_than_the_report_says_are_not_used(add, tmp_path):
    add("a")
    add("b", ids=[f"other {index}" for index in range(48)])
    (tmp_path / "models/a/predictions.csv").write_bytes((tmp_path / "models/b/predictions.csv").read_bytes())
    held, unreadable = compare.read_predictions(_reports(tmp_path))
    assert [folder.name for folder in held] == ["b"] and "not those of the report.json" in unreadable[0][1]


def test_a_pretext_that_was_not_learnt_stands_on_the_page_and_in_the_table(add, tmp_path):
    add("a", **_encoder(scores={"learnt": False, "sentence": "no better than chance"}))
    reports = _reports(tmp_path)
    reports[0]["warnings"] = []  # as in reports of before
    text = page.render(reports, tmp_path, held=compare.read_predictions(reports)[0], outdated={})
    assert "not shown to have learnt its pretext task: no better than chance" in text
    assert {row["learnt"] for row in results.table(reports)} == {False}


def test_runs_that_share_an_encoder_say_so(add, tmp_path):
    for it in range(3):
        add(f"a{it}", it=it, seed=it)
    assert page_tables.cell_name(_sets(tmp_path)[0], 0)["n_encoders"] == 1
    reports = _reports(tmp_path)
    assert "3 runs of 1 encoder" in page.render(reports, tmp_path, held={}, outdated={})


def test_other_labels_than_today_are_said(music, cfg, tmp_path, monkeypatch):
    from mer.data import label_check
    without_pictures(monkeypatch)
    test = music.side("test")
    n = len(test)
    data = predictions(n_clips=n, clips=[str(name) for name in test.ids])
    data["truth"] = {task.name: task.targets(test.labels[task.column]) for task in TASKS}
    data["tasks"] = [task for task in TASKS if task.is_labelled(data["truth"][task.name]).any()]
    run = {**RUN, "corpus": "real", "data": music.fingerprint(columns=columns_read(data["tasks"]))}

    def outdated(**changes):
        report.write(tmp_path / "models" / "a", **{**data, "run": run, **changes})
        reports = _reports(tmp_path)
        found = label_check.outdated(cfg, reports, compare.read_predictions(reports)[0])
        return " ".join(found.get(tmp_path / "models" / "a", []))
    assert outdated() == ""
    quadrants = data["truth"]["quadrants"]
    other = np.concatenate([[(quadrants[0] + 1) % 4], quadrants[1:]])
    assert f"1 of {n} test clips have another label today" in outdated(truth={**data["truth"], "quadrants": other})
    assert "1 of" in outdated(clips=["gone.mp3", *data["clips"][1:]]) and "no longer" in outdated(
        clips=["gone.mp3", *data["clips"][1:]])
    assert "have changed since" in outdated(run={**run, "data": "another"})
    assert outdated(run={**run, "data": "another", "role": "mixed"}) == ""  # of other corpora, too
    assert outdated(run={**run, "data": "another", "settings": {"representation": "waveform"}}) == ""  # no such store
    assert outdated(run={**run, "data": None}) == ""
