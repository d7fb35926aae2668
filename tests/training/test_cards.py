"""Model cards and descriptions of the clips that a model was trained on."""

import json

import pytest

from mer.training import cards

SPLIT = {"sha256": "ab" * 32, "note": "the split was drawn with seed 1, grouped by artist"}
ABOUT = {"name": "model_toy", "title": "Toy, English", "tasks": ["arousal"], "corpus": "real", "music": "e", "seed": 1,
         "heard": "random", "heard_from": {"kind": "speech", "code": "x"}, "encoder": {"hours_heard": 0.0},
         "clips": {"train": 30, "val": 5, "test": 10}, "split": SPLIT, "revision": "abc", "pretext": "cpc",
         "command": ["python3", "trans_train.py", "-m", "e"], "created": "2026-01-01T00:00:00+00:00"}
SCORE = {"f1_macro": 0.61234, "intervals": {"f1_macro": [0.5, 0.7]},
         "chance": {"majority": {"f1_macro": 0.33}, "uniform": {"f1_macro": 0.5}}}
REPORT = {"clip": {"arousal": SCORE}, "warnings": ["Nobody has listened."],
          "test": {"clips": 10, "groups": 7, "grouped_by": "artist"}}


def test_a_card_says_what_was_heard_and_what_it_is_worth():
    card = cards.card(ABOUT, REPORT)
    head, _, body = card.removeprefix("---\n").partition("\n---\n")
    assert "value: 0.6123" in head and '- name: "Toy, English"' in head and '- "4Q-Emotion"' in head
    assert "| arousal | f1_macro | 0.61 [0.50, 0.70] | 0.50 |" in body and "10 test clips of 7 artists" in body
    assert "its weights are random, standardized by" in body and "[AISHELL-1]" in body and "[LibriSpeech]" in body
    assert "**Warning.** Nobody has listened." in body and "python3 trans_train.py -m e" in body
    assert "synthetic" not in card and "synthetic" in cards.card({**ABOUT, "corpus": "demo"}, REPORT)


def test_an_encoder_that_was_not_shown_to_have_learnt_says_so():
    about = {name: ABOUT[name] for name in ABOUT if name not in ("music", "tasks", "title", "clips", "encoder")}
    for learnt in (True, False):
        card = cards.card({**about, "scores": {"sentence": "accuracy 0.5", "learnt": learnt}})
        assert "accuracy 0.5." in card and ("not shown to have learnt" in card) == (not learnt)


def test_the_clips_are_described(tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(REPORT), encoding="utf-8")
    cards.write(tmp_path, {**ABOUT, "steps": [["p"], ["e"]]})
    made = json.loads((tmp_path / cards.DATA).read_text(encoding="utf-8"))
    assert made["name"] == "EMOPIA + 4Q-Emotion" and made["distribution"][0]["sha256"] == SPLIT["sha256"]
    columns = [field["source"]["extract"]["column"] for field in made["recordSet"][0]["field"]]
    assert columns == ["clip", "group", "label", "split"]
    cards.write(tmp_path / "..", {**ABOUT, "split": {"note": "5 folds"}, "scores": {"sentence": "", "learnt": True}})
    assert not (tmp_path / ".." / cards.DATA).exists()
    croissant = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed; the rest was tested")
    assert not croissant.Dataset(jsonld=made).metadata.ctx.issues.errors
