"""Plans: what a row becomes, and one sentence for every mistake."""

import argparse

import pytest
from conftest import ROOT
from test_documented_commands import parsed

from mer import MerError
from mer.experiments import architectures, places, plan

HEAD = 'title = "A"\nquestion = "B?"\n'
CELL = '[[cells]]\nencoder = "model_cpc"\nheard = "speech"\nlanguage = "e"\nmode = "linear"\nmusic = "e"\n'
HYPOTHESIS = """[[hypotheses]]
name = "A > B"
sentence = "It helps."
one = { heard = "speech" }
other = { heard = "random" }
paired_by = ["encoder"]
"""
RANDOM = CELL.replace('"speech"', '"random"')


@pytest.fixture
def written(tmp_path):
    """Function: text -> the plan in it."""
    def write(text, **given):
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return plan.read(path, **given)
    return write


def test_lists_are_multiplied_and_rows_win_over_what_all_have(written):
    made = written(HEAD + '[all]\nmusic = "e"\nruns = 2\nfolds = 5\nmode = ["Feat. Ext.", "Full"]\n[[cells]]\n'
                   'encoder = ["model_cpc", "model_scae"]\nheard = "speech"\nlanguage = ["e", "m"]\n'
                   '[[cells]]\nencoder = "model_cnn"\nruns = 1\n')
    assert len(made.cells) == 2 * 2 * 2 * 2 + 2 - 1
    assert {cell.facts["mode"] for cell in made.cells} == {"Feat. Ext.", "Full", "scratch"}
    assert [cell.facts["seed"] for cell in made.cells if cell.facts["encoder"] == "model_cnn"] == [0]
    assert len({cell.name for cell in made.cells}) == len(made.cells)


def test_cells_share_stores_and_encoders_and_what_they_need_comes_first(written):
    made = written(HEAD + '[all]\nmode = "linear"\nmusic = "e"\nruns = 2\nfolds = 5\n' + CELL.replace('"e"', '"x"', 1)
                   .replace('mode = "linear"\nmusic = "e"\n', "") + '[[cells]]\nencoder = "model_musicnn"\n'
                   'heard = "music"\n')
    first, second, *_ = made.cells
    assert first.commands == second.commands == (
        ("generate_dataset.py", "-d", "m", "-l", "e", "--folds", "5"),
        ("generate_dataset.py", "-d", "s", "-l", "e"), ("generate_dataset.py", "-d", "s", "-l", "m"),
        ("generate_dataset.py", "-d", "s", "-l", "x"),
        ("pretrain.py", "-s", "x", "-mod", "model_cpc", "--run", "0"),
        ("pretrain.py", "-s", "x", "-mod", "model_cpc", "--run", "1"),
        ("trans_train.py", "-s", "x", "-m", "e", "-mod", "model_cpc", "-rel", "n", "--heads", "linear", "--folds", "5",
         "--runs", "2"))
    assert made.cells[2].commands[1] == ("convert_weights.py", "musicnn")
    for cell in made.cells:
        for place, command in enumerate(cell.commands):
            assert set(made.needs[command]) <= set(cell.commands[:place])
    assert made.needs["generate_dataset.py", "-d", "m", "-l", "e", "--folds", "5"] == ()


def test_the_heads_of_full_are_made_before_it(written):
    made = written(HEAD + CELL.replace("linear", "Full"))
    *_, heads, full = made.cells[0].commands
    assert heads in made.needs[full] and heads[7:9] == ("-rel", "n") and full[7:9] == ("-rel", "y")


def test_runs_hours_and_folds_of_the_command_line_win(written):
    text = HEAD + CELL + 'hours = [3, 30]\nruns = 3\n'
    assert [cell.facts["hours"] for cell in written(text).cells] == [3.0] * 3 + [30.0] * 3
    made = written(text, hours=30.0, runs=1, folds=4)
    assert [(cell.facts["hours"], cell.facts["folds"]) for cell in made.cells] == [(30.0, 4)]
    assert all("--hours" in command for command in made.cells[0].commands if "-s" in command)


@pytest.mark.parametrize("text, sentence", [
    ("title = ", "no TOML"),
    (CELL, 'title = "..." is missing'),
    (HEAD, "it has no cells"),
    (HEAD + "celsl = 3\n" + CELL, "unknown key 'celsl': did you mean cells?"),
    (HEAD + "cells = 3\n", r"write \[\[cells\]\] before each"),
    (HEAD + CELL.replace("model_cpc", "model_cpx"), "no encoder 'model_cpx' in models/: did you mean model_cpc?"),
    (HEAD + CELL.replace('music = "e"', 'music = "q"'), "no music corpus has the code 'q'"),
    (HEAD + CELL.replace('language = "e"', 'language = "q"'), "no speech corpus has the code 'q'"),
    (HEAD + CELL.replace('language = "e"\n', ""), "no speech corpus has the code None"),
    (HEAD + CELL.replace('"speech"', '"silence"'), "heard of model_cpc is 'silence': choose from speech"),
    (HEAD + CELL.replace('"linear"', '"liner"'), "mode of model_cpc is 'liner': choose from linear"),
    (HEAD + CELL.replace('"linear"', '"scratch"'), "never 'scratch'"),
    (HEAD + CELL + "lr = 3\n", "unknown fact 'lr'"),
    (HEAD + CELL + "runs = 0\n", "runs of cells 1 is 0"),
    (HEAD + CELL + "runs = true\n", "runs of cells 1 is True"),
    (HEAD + CELL + 'hours = "much"\n', "hours is 'much'"),
    (HEAD + CELL + 'folds = ["5"]\n', "folds of cells 1 is '5'"),
    (HEAD + CELL + CELL, "cells 2 makes the cell .* twice"),
    (HEAD + CELL.replace('"e"', '["e", "e"]', 1), "names a value of language twice"),
    (HEAD + CELL.replace('music = "e"', 'music = "x"'), "only|none has one"),
    (HEAD + '[settings]\nnoise_sgima = 3\n' + CELL, "noise_sgima"),
    (HEAD + '[settings]\nnoise_sigma = -3\n' + CELL, "noise_sigma"),
    (HEAD + "[settings]\ncross_tests = false\n" + CELL + 'tested = "m"\n', "which the setting cross_tests = false"),
    (HEAD + CELL + "labels = 0\n", "labels of cells 1 is 0"),
    (HEAD + CELL.replace("linear", "Full") + "normalized = true\n", "true only of a frozen encoder"),
    (HEAD + CELL + HYPOTHESIS, "no cell has the facts of 'other'"),
    (HEAD + CELL + RANDOM + HYPOTHESIS.replace('paired_by = ["encoder"]\n', ""), "lacks paired_by"),
    (HEAD + CELL + RANDOM + HYPOTHESIS.replace("encoder", "heard"), "share no heard: no pair is left"),
    (HEAD + CELL + RANDOM + HYPOTHESIS.replace('["encoder"]', '["colour"]'), "the fact 'colour'"),
    (HEAD + CELL + RANDOM + HYPOTHESIS + 'tasks = ["mood"]\n', "the task 'mood'"),
    (HEAD + CELL + RANDOM + HYPOTHESIS + 'alternative = "more"\n', "the alternative 'more'"),
    (HEAD + CELL + RANDOM + HYPOTHESIS + HYPOTHESIS, "two hypotheses have the name"),
    ('family = ["C"]\n' + HEAD + CELL + RANDOM + HYPOTHESIS, "family names 'C'"),
])
def test_every_mistake_is_one_sentence(text, sentence, written):
    with pytest.raises(MerError, match=sentence) as caught:
        written(text)
    assert "mine.toml" in str(caught.value)


def test_an_unknown_plan_names_those_that_are_there():
    with pytest.raises(MerError, match="there is no plan .*ladder"):
        plan.read("lader")


def test_pairs_share_what_the_hypothesis_says(written):
    made = written(HEAD + CELL.replace('"model_cpc"', '["model_cpc", "model_scae"]') + 'runs = 2\n' + RANDOM
                   + "runs = 2\n" + HYPOTHESIS)
    (shared, one, other), = made.hypotheses[0].pairs(made.cells)
    assert shared == {"encoder": "model_cpc"} and len(one) == len(other) == 2
    assert {cell.facts["heard"] for cell in one} == {"speech"}


@pytest.mark.parametrize("name", plan.names())
def test_every_command_of_the_plans_that_come_along_is_one_that_the_scripts_take(name, monkeypatch):
    made, kinds = plan.read(name), {}
    for command in made.needs:  # one of each form: flags that a script does not have show in every form
        kinds.setdefault((command[0], *sorted(word for word in command if word.startswith("-"))), command)
    for script, *argv in kinds.values():
        assert isinstance(parsed(ROOT / script, argv, monkeypatch), argparse.Namespace)


def test_reports_lie_where_the_scripts_put_them(written, cfg):
    made = written(HEAD + 'corpora = ["e", "m"]\n[all]\nmusic = "e"\nlanguage = "e"\nheard = "speech"\nmode = "Full"\n'
                   '[[cells]]\nencoder = "model_cpc"\nhours = [3, "all"]\ntested = ["e", "m"]\nfolds = 5\n'
                   '[[cells]]\nencoder = "model_cpc"\nmode = "linear"\nheard = "random"\nmusic = ["x", "m,e"]\n'
                   '[[cells]]\nencoder = ["model_musicnn"]\nheard = "music"\n'
                   '[[cells]]\nencoder = ["model_cnn", "mlp_is13"]\nheard = "nothing"\nfolds = 5\n')
    trans, models = cfg.models_trans_dir, cfg.models_dir
    named = {str(places.report(cell.facts, cfg, mixed=made.mixed)) for cell in made.cells}
    assert named == {str(path) for path in (
        trans / "3h_speech_eng_2_music_eng/model_cpc.multitask.spec.it_0.folds_5.lr_5e-05",
        trans / "3h_speech_eng_2_music_eng/model_cpc.multitask.spec.it_0.folds_5.lr_5e-05/tests/mandarin",
        trans / "speech_eng_2_music_eng/model_cpc.multitask.spec.it_0.folds_5.lr_5e-05",
        trans / "speech_eng_2_music_eng/model_cpc.multitask.spec.it_0.folds_5.lr_5e-05/tests/mandarin",
        trans / "random_speech_eng_2_music_mix/model_cpc.multitask.spec.it_0.linear",
        trans / "random_speech_eng_2_music_man_eng/model_cpc.multitask.spec.it_0.linear",
        trans / "published_2_music_eng/model_musicnn.multitask.spec.it_0.lr_5e-05",
        models / "music/english/model_cnn.multitask.spec.it_0.folds_5.lr_0.001",
        models / "music/english/mlp_is13.multitask.folds_5.it_0")}


def test_labels_and_normalization_become_flags_and_folders(written, cfg):
    made = written(HEAD + '[all]\nfolds = 5\nmusic = "v+r"\ntested = "r"\nlabels = [32, "all"]\nnormalized = true\n'
                   '[[cells]]\nencoder = "svm_is13"\n[[cells]]\nencoder = "model_ge2e"\nheard = "speech"\n'
                   'mode = "linear"\nlabels = 32\n')
    few, every, linear = made.cells
    assert few.commands[-1] == ("train_mlp.py", "-m", "v+r", "--features", "is13", "--clf", "svm", "--labels", "32",
                                "--normalize-groups", "--folds", "5", "--runs", "1")
    assert "--labels" not in every.commands[-1] and every.has({"labels": "all"}) and few.has({"labels": 32})
    assert [command[4] for command in few.commands[:2]] == ["v", "r"]
    assert places.report(few.facts, cfg) == (
        cfg.models_dir / "music/spoken+sung_32labels_per_group/svm_is13.multitask.folds_5.it_0/tests/sung")
    assert places.report(linear.facts, cfg).parts[-4:] == (
        "published_2_music_spoken+sung_32labels_per_group", "model_ge2e.multitask.spec.it_0.folds_5.linear", "tests",
        "sung")
    assert len({cell.name for cell in made.cells}) == 3


def test_what_is_read_of_an_architecture_is_what_it_has():
    import models
    for name in models.names():
        module, read = models.load(name), architectures.find(name)
        assert (read.reads, read.pretext) == (module.INPUT, module.PRETEXT)
    assert architectures.find("linear_svc_is13").classifier == "linear_svc"
