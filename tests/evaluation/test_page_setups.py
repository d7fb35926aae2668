"""Tables of set-ups: our rows and the published ones by role, in percent; nothing published is lost or misplaced."""

import csv
from pathlib import Path

import pytest
from made_up import RUN, predictions, without_pictures

from mer.evaluation import compare, page_setups, report, results
from mer.tasks import TASKS

PUBLISHED = Path(page_setups.__file__).parent / "published"
REAL = {**RUN, "corpus": "real"}


def published(name):
    with open(PUBLISHED / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def transfers(tmp_path_factory):
    """Trained on English, and tested there and on piano; on both; on piano and then on English (two seeds)."""
    folder = tmp_path_factory.mktemp("transfers")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        _write(folder)
    return folder


def _write(root):
    piano = {"tested": "p", "tested_abbr": "pno", "tested_on": "EMOPIA"}
    english = {"tested": "e", "tested_abbr": "eng", "tested_on": "4Q-Emotion"}
    mixed = {"music": "x", "music_abbr": "mix", "trained_on": "4Q-Emotion + EMOPIA", "role": "mixed"}
    sequence = {"music": "p,e", "music_abbr": "pno_eng", "trained_on": "EMOPIA, then 4Q-Emotion"}
    names = [f"piano {i}" for i in range(16)]

    def add(folder, *, seed=0, clips=None, **run):
        report.write(root / "models_trans" / folder, **{**predictions(seed=seed, clips=clips), "n_bootstrap": 30,
                                                        "run": {**REAL, "data": run.get("music", "e"), **run}})
    one = "speech_eng_2_music_eng/model_over.it_0"
    add(one)
    add(f"{one}/tests/piano", clips=names, role="cross", trained_on="4Q-Emotion", **piano)
    both = "speech_eng_2_music_mix/model_over.it_0"
    add(both, clips=[*names[:8], *(f"clip {i}" for i in range(8))], tested="x", tested_abbr="mix",
        tested_on="4Q-Emotion + EMOPIA", **mixed)
    add(f"{both}/tests/piano", clips=names, **mixed, **piano)
    add(f"{both}/tests/english", **mixed, **english)
    for it in (0, 1):
        last = f"speech_eng_2_music_pno_eng/model_over.it_{it}"
        add(last, seed=it, it=it, role="sequential", **sequence, **english)
        add(f"{last}/tests/piano", seed=it, it=it, clips=names, role="step", **sequence, **piano)


@pytest.fixture(scope="module")
def found(transfers):
    """Reports and test sets."""
    made = results.find(transfers / "models_trans", transfers / "models")
    assert not made.unreadable
    return made.reports, compare.test_sets(made.reports, compare.read_predictions(made.reports)[0])


def test_every_role_stands_in_the_table_of_the_corpus_that_is_tested(found):
    reports, sets = found
    tables = {table["set"].music: dict(table["groups"]) for table in page_setups.poster(sets, with_published=False)}
    assert {music: {heading: [row["train"] for row in rows] for heading, rows in groups.items()}
            for music, groups in tables.items()} == {
        "eng": {"within dataset": ["eng"], "mixed dataset": ["mix"], "sequential transfer": ["pno_eng"]},
        "pno": {"cross-dataset": ["eng"], "mixed dataset": ["mix"], "an earlier step of a sequence": ["pno_eng"]}}
    row, = tables["eng"]["within dataset"]
    own = next(one for one in reports if one["run"]["music_abbr"] == "eng" and "role" not in one["run"])
    for level in ("patch", "clip"):
        result = own[level]["quadrants"]
        for column, score in page_setups.SCORES.items():
            ends = result["intervals"][score]
            assert row["cells"][level][column] == pytest.approx((100 * result[score], 100 * ends[0], 100 * ends[1]))
    seeds, = tables["eng"]["sequential transfer"]
    both = [one["clip"]["quadrants"] for one in reports if one["run"].get("role") == "sequential"]
    assert seeds["n_runs"] == 2
    assert seeds["cells"]["clip"]["A"][0] == pytest.approx(50 * sum(one["accuracy"] for one in both))
    assert seeds["cells"]["clip"]["A"][1] is not None


def test_runs_of_different_training_are_never_averaged(found):
    _, sets = found
    english = next(one for one in sets if one.music == "eng")
    assert sorted((known["music"], known["role"], len(reports)) for known, reports in english.cells) == [
        ("eng", "within", 1), ("mix", "mixed", 1), ("pno_eng", "sequential", 2)]
    assert english.varying == []  # that other music is other data goes without saying


def test_the_published_layout_of_icassp_has_single_corpora_only(found, tmp_path):
    results.write(found[0], tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    layout = page[page.index("The published layout"):page.index("Set-ups: quadrants")]
    assert "eng2eng" in layout and "eng2mix" not in layout and "pno" not in layout
    setups = page[page.index("Set-ups: quadrants"):page.index("Every run")]
    assert "SincNet 200ms" in setups and "4Q-EMOTION" in setups and "Arousal" not in setups.split("EUSIPCO 2020")[0]
    assert "tested on EMOPIA (cross)" in page and "tests/piano" in page


def test_every_published_row_of_the_poster_is_shown_once_at_its_role():
    rows = {music: page_setups._poster_rows(music) for music in ("eng", "man", "tur")}
    source = [row for row in published("sincnet_mer_tables.csv") if row["F"] != "-"]
    for music, test in (("eng", "4Q-EMOTION"), ("man", "CH-818"), ("tur", "TR-MUSIC")):
        shown = [(row["model"], *(row["cells"]["clip"][name][0] for name in "PRFA")) for row in rows[music]]
        wanted = [(row["model"], *(float(row[name]) for name in "PRFA")) for row in source if row["test"] == test]
        assert set(shown) == set(wanted)  # the thesis prints some of the poster again
        assert {row["role"] for row in rows[music]} == {"within", "cross", "mixed", "sequential", "step"}
        for row in rows[music]:
            assert (row["train"] == test) == (row["role"] == "within")
            assert row["train"].endswith(f", then {test}") == (row["role"] == "sequential")
            assert row["cells"]["patch"] == {} and row["source"]
    second = next(row for row in rows["tur"] if row["train"] == "4Q-EMOTION, then CH-818, then TR-MUSIC")
    assert second["cells"]["clip"]["F"] == (75, None, None)  # the poster's transfer learning 1


def test_rows_of_eusipco_stand_at_the_task_that_they_measure():
    rows, source = page_setups._eusipco_rows(), published("eusipco2020_table2.csv")
    assert [row["task"] for row in rows] == [row["likely_true_task"] for row in source]
    swapped = next(row for row in rows if (row["model"], row["labels"], row["task"]) == (
        "SCAE-Full", ["eng2eng"], "arousal"))
    assert swapped["cells"]["patch"]["F"][0] == 83  # printed under valence
    assert {row["train"] for row in rows} == {"eng", "man"} and rows[0]["labels"] == ["man (no pretraining)"]


def test_eusipco_layout_has_every_task_with_classes_within_a_corpus(found):
    _, sets = found
    table, = page_setups.eusipco(sets, with_published=True)
    assert [name for name, _ in table["groups"]] == [task.name for task in TASKS if task.classes]
    for name, rows in table["groups"]:
        ours = [row for row in rows if not row["source"]]
        assert [(row["train"], row["role"]) for row in ours] == [("eng", "within")]
        assert {row["train"] for row in rows} == {"eng"} and {row["task"] for row in rows} == {name}


def test_setups_csv_has_a_cell_for_every_column(found):
    _, sets = found
    table = page_setups.poster(sets, with_published=True)
    made = page_setups.csv_rows(table, "poster")
    assert {len(row) for row in made} == {len(page_setups.CSV_COLUMNS)}
    assert len(made) == sum(len(rows) for one in table for _, rows in one["groups"])
    own = dict(zip(page_setups.CSV_COLUMNS, made[0], strict=True))
    assert own["source"] == "ours" and own["clip_F_low"] <= own["clip_F"] <= own["clip_F_high"] <= 100


def test_demo_results_stand_beside_nothing_published(found, tmp_path):
    demo = [{**one, "run": {**one["run"], "corpus": "demo"}} for one in found[0]]
    *_, made = results.write(demo, tmp_path)
    with open(made, newline="", encoding="utf-8") as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"ours"}
