"""Time and disk that a plan takes, by measured rates."""

import pytest

from mer.experiments import estimate, overview, plan
from mer.experiments.state import DONE, State

TEXT = """
title = "A"
question = "B?"
[all]
music = "e"
[[cells]]
encoder = "model_cpc"
heard = "speech"
language = ["e", "x"]
mode = "linear"
hours = 10
[[cells]]
encoder = "model_cnn"
folds = 5
"""


@pytest.fixture
def state(tmp_path, make_config):
    (tmp_path / "a.toml").write_text(TEXT, encoding="utf-8")
    return State(plan.read(tmp_path / "a.toml"), make_config(folder=tmp_path))


def command(state, *words):
    return next(each for each in state.plan.needs if all(word in each for word in words))


def test_time_grows_with_hours_epochs_and_folds(state, monkeypatch):
    table = {"start": {"store": 1.0, "keras": 5.0}, "store": {"log_mel": 2.0, "other": 9.0}, "report": 3.0,
             "pretrain": {"model_cpc": 7.0, "other": 9.0}, "linear": {"other": 4.0}, "scratch": {"other": 11.0},
             "megabytes": {"encoder": 6.0, "report": 8.0}, "recipe": {}}
    monkeypatch.setattr(estimate, "rates", lambda: table)
    made = estimate.Estimate(state)
    music = made.hours({"kind": "music", "code": "e"})
    assert music == pytest.approx(20 * 3 / 3600, rel=0.02)  # by the lengths in the headers: there is no store
    assert made.seconds(command(state, "-d", "s", "e", "10")) == 1 + 10 * 2
    assert made.seconds(command(state, "pretrain.py", "e")) == 5 + 1 * 10 * 7  # one epoch in the settings
    assert made.seconds(command(state, "trans_train.py", "model_cnn")) == pytest.approx(5 + 5 * (3 + 11) * music)
    assert made.megabytes(command(state, "pretrain.py", "e")) == 6
    assert made.megabytes(command(state, "trans_train.py", "model_cnn")) == 6 * 8
    assert made.megabytes(command(state, "-d", "s", "e", "5")) == pytest.approx(5 * 57.6)  # as docs/features.md has it


def test_what_took_its_time_here_scales_the_rest(state):
    before = estimate.Estimate(state)
    one = command(state, "pretrain.py", "e")
    state.note(one, state=DONE, seconds=40 * before.seconds(one))
    state.note(command(state, "trans_train.py", "model_cnn"), state="failed", seconds=1e9)
    after = estimate.Estimate(state)
    assert after.seconds(one) == pytest.approx(40 * before.seconds(one))
    assert after.seconds(command(state, "pretrain.py", "x")) == pytest.approx(40 * before.seconds(
        command(state, "pretrain.py", "x"))), "a command of the same kind"
    other = command(state, "trans_train.py", "model_cnn")
    assert after.seconds(other) == before.seconds(other)


def test_hours_that_nobody_knows_are_said(tmp_path, make_config):
    (tmp_path / "a.toml").write_text(TEXT.replace('music = "e"', 'music = "t"'), encoding="utf-8")
    state = State(plan.read(tmp_path / "a.toml"), make_config(folder=tmp_path))
    assert estimate.Estimate(state).seconds(command(state, "trans_train.py", "model_cnn")) is None
    said = overview.dry_run(state.plan, state.cfg)
    assert "+ 1 of unknown length" not in said and " of unknown length, one command after the other" in said
    assert "unknown on disk" in said


def test_every_kind_of_cell_has_a_rate():
    rates = estimate.rates()
    assert all(rates[kind]["other"] > 0 for kind in ("store", "pretrain", "linear", "heads", "full", "scratch",
                                                     "classifier"))
