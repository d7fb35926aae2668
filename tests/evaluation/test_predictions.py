"""predictions: what is written is read back; what is damaged is named."""

import csv

import numpy as np
import pytest
from made_up import predictions as made_up
from made_up import without_pictures

from mer import MerError
from mer.evaluation import predictions, regression, report
from mer.tasks import TASKS

ODD = ["=1+1", "+x", "-y", "@z", "'=q", "line\nend", 'quote",', "名字"]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Path of one predictions.csv whose clips and groups have odd names, and what went into it."""
    without_pictures(monkeypatch)
    data = made_up(n_clips=8, clips=ODD)
    report.write(tmp_path, **data, groups=[f"={name[0]}" for name in ODD], grouped_by="artist")
    return tmp_path / "predictions.csv", data


def test_what_is_written_is_read_back(written):
    held = predictions.read(written[0], TASKS)
    assert held.clips == ODD and held.groups == [f"={name[0]}" for name in ODD]
    assert (held.patch_clip == written[1]["patch_clip"]).all()
    assert held.starts == pytest.approx(written[1]["patch_start_seconds"])
    for task in TASKS:
        assert held.truth[task.name] == pytest.approx(written[1]["truth"][task.name], abs=1e-6)
        outputs = held.outputs[task.name]
        assert outputs == pytest.approx(written[1]["outputs"][task.name], abs=1e-6)
        assert (held.predicted["patch", task.name] == (outputs.argmax(axis=1) if task.classes else outputs[:, 0])).all()


def test_confusions_add_up_to_the_report_in_any_order(written):
    held = predictions.read(written[0], TASKS)
    import json
    known = json.loads((written[0].parent / "report.json").read_text(encoding="utf-8"))
    for level in predictions.LEVELS:
        for task in TASKS:
            parts = held.parts(level, task, sorted(ODD)).sum(axis=0)
            if task.classes:
                assert parts.tolist() == known[level][task.name]["confusion"]
            else:
                assert regression.scores(parts)[0]["ccc"] == pytest.approx(known[level][task.name]["ccc"], abs=1e-5)
    assert predictions.digest(held.clips, held.truth["quadrants"]) == known["test"]["digest"]


def test_a_file_of_before_has_no_groups(written):
    _change(written[0], lambda rows: [row[:2] + row[3:] for row in rows])
    assert predictions.read(written[0], TASKS).groups is None


def _with_probability(rows, text):
    row = [text if name == "p_V+" else cell for name, cell in zip(rows[0], rows[3], strict=True)]
    return [*rows[:3], row, *rows[4:]]


@pytest.mark.parametrize("spoil, words", [
    (lambda rows: [], "no column level"),
    (lambda rows: [row[:-1] for row in rows], "no column "),
    (lambda rows: [*rows[:5], rows[5][:3]], "line"),
    (lambda rows: rows[:-1], "is no class or clip of it"),
    (lambda rows: [*rows, rows[-1]], "lists no clip, or one twice"),
    (lambda rows: _with_probability(rows, "nan"), "not finite"),
    (lambda rows: _with_probability(rows, "much"), "much"),
    (lambda rows: [[cell.replace("Q2", "Q9") if row[0] == "clip" else cell for cell in row] for row in rows], "Q9"),
])
def test_damage_is_named_in_one_sentence(written, spoil, words):
    _change(written[0], spoil)
    with pytest.raises(MerError, match="is damaged") as error:
        predictions.read(written[0], TASKS)
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 50, b'"' * 3 + b"\n" * 9])
def test_bytes_that_are_no_table_are_named(written, content):
    written[0].write_bytes(content)
    with pytest.raises(MerError, match="is damaged"):
        predictions.read(written[0], TASKS)


def _change(path, spoil):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(spoil(rows))


def test_folds_are_pooled_and_a_clip_counts_once(tmp_path, monkeypatch):
    from mer.training import crossval
    without_pictures(monkeypatch)
    for number in (0, 1):
        names = [f"clip {number * 6 + i}" for i in range(8)]  # clip 6 and 7 are in both
        report.write(tmp_path / str(number), **made_up(n_clips=8, clips=names, seed=number),
                     groups=[f"artist {name[-1]}" for name in names], grouped_by="artist")
    folds = [predictions.read(tmp_path / str(number) / "predictions.csv", TASKS) for number in (0, 1)]
    pooled = crossval._pooled(folds)
    assert len(pooled["clips"]) == len(set(pooled["clips"])) == len(pooled["groups"]) == 14
    assert np.bincount(pooled["patch_clip"])[6:8].tolist() == [12, 12] and len(pooled["patch_start_seconds"]) == 96
    assert pooled["outputs"]["valence"].shape == (96, 2)
