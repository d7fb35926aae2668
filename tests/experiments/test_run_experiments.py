"""A whole plan through the script: commands that really train, found again, described and read back."""

import numpy as np
import pytest

import run_experiments
from mer.experiments import outcomes, plan

TEXT = """
title = "Small"
question = "Does it run?"
[all]
music = "e"
[[cells]]
encoder = "model_cnn"
"""


@pytest.fixture(scope="module")
def ready(music, cfg, tmp_path_factory):
    """A plan of one cell, and the environment in which its store is there; that of the models is its own."""
    folder = tmp_path_factory.mktemp("plans")
    path = folder / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    environment = {f"MER_{name.upper()}": str(value) for name, value in cfg.values.items()
                   if cfg.sources[name] != "settings.py"}
    environment |= {f"MER_PATH_TO_{name.upper()}": str(folder / name) for name in ("models", "models_trans", "results")}
    return path, environment


@pytest.fixture
def script(ready, monkeypatch, capsys):
    """Function: flags -> exit status and what was printed."""
    path, environment = ready
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*flags):
        status = run_experiments.main(["--plan", str(path), *flags])
        return status, capsys.readouterr()
    return run


def test_a_plan_is_planned_run_found_and_read(script, ready):
    said = script("--dry-run")[1].out
    assert "1 of 2 commands to run" in said and "python3 trans_train.py -m e -mod model_cnn" in said
    assert "MB on disk" in said and "unknown" not in said and "generate_dataset.py" not in said
    status, printed = script("--jobs", "1")
    assert status == 0 and "1 of 1 cells are finished" in printed.out, printed
    from mer import cli
    made, cfg = plan.read(ready[0]), cli.configure(announce=False)
    found = outcomes.find(made, cfg)
    (outcome,), lacking = found.values(), found.lacking
    assert not lacking and outcome.report and outcome.run["it"] == 0
    assert np.isin(outcome.predictions.truth["quadrants"], range(4)).all()
    said = script("--status")[1].out
    assert "1/1" in said and "0 of 2 commands are left" in said and "scaled by" in said
    assert "0 commands to run" in script()[1].out

    other = outcomes.find(made, cli.configure(["scratch_learning_rate=0.1"], announce=False))
    assert not other and "other settings" in other.lacking["model_cnn.nothing.scratch.e.it_0"]
    (outcome.folder / "report.json").write_text("{", encoding="utf-8")
    assert "damaged" in outcomes.find(made, cfg).lacking["model_cnn.nothing.scratch.e.it_0"]


def test_what_nobody_has_made_is_lacking(script, ready):
    script("--dry-run", "--runs", "2")
    from mer import cli
    found = outcomes.find(plan.read(ready[0], runs=9), cli.configure(announce=False))
    assert "there is no run.json" in found.lacking["model_cnn.nothing.scratch.e.it_8"]


def test_settings_of_the_command_line_reach_every_command(script):
    said = script("--dry-run", "--set", "scratch_epochs=7")[1].out
    assert "--set scratch_epochs=7" in said
