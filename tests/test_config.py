import copy

import pytest

import settings
from mer import MerError, config


def load(*overrides, environ=None):
    return config.load(settings, environ or {}, overrides)


def test_frames_of_a_patch_follow_from_seconds():
    cfg = load("sample_rate_hz=16000", "hop_samples=512")
    assert (cfg.patch_frames, cfg.patch_hop_frames, cfg.patch_shape) == (31, 15, (128, 31, 1))
    assert load("sample_rate_hz=22050").patch_frames == 43


def test_precedence_is_file_then_environment_then_flag():
    environ = {"MER_SEED": "5", "MER_NOISE_SIGMA": "0.5", "HOME": "ignored"}
    cfg = load("seed=7", environ=environ)
    assert (cfg.seed, cfg.noise_sigma) == (7, 0.5)
    assert cfg.sources["seed"] == "--set" and cfg.sources["noise_sigma"] == "environment"
    assert cfg.sources["hop_samples"] == "settings.py"
    assert cfg.overridden() == ["seed = 7 (--set)", "noise_sigma = 0.5 (environment)"] or len(cfg.overridden()) == 2


@pytest.mark.parametrize("text, words", [
    ("pretrain_epoch=3", "did you mean 'pretrain_epochs'"),
    ("zzz=3", "settings.py lists all"),
    ("seed=x", "whole number"),
    ("seed", "no '='"),
    ("seed=-1", "0 or more"),
    ("val_fraction=1.5", "between 0 and 1"),
    ("patch_overlap=1", "below 1"),
    ("pretrain_epochs=0", "above 0"),
    ("tensorboard=perhaps", "True or False"),
    ("precision=half", "float32, mixed_bfloat16"),
])
def test_mistakes_get_a_sentence(text, words):
    with pytest.raises(MerError, match=words):
        load(text)


def test_a_misspelt_environment_name_is_refused():
    with pytest.raises(MerError, match="did you mean 'path_to_data'"):
        load(environ={"MER_PATH_TO_DATE": "x"})


def test_values_keep_the_type_of_the_file():
    cfg = load("tensorboard=yes", "patch_seconds=2", "pretrain_epochs=3")
    assert cfg.tensorboard is True and cfg.patch_seconds == 2.0 and cfg.pretrain_epochs == 3


def test_a_config_is_read_only_and_travels_to_workers():
    cfg = load("seed=3")
    with pytest.raises(AttributeError):
        cfg.seed = 4
    assert copy.deepcopy(cfg).seed == 3


def test_no_data_says_what_to_do(tmp_path):
    cfg = config.Config(values=dict(load().values), sources={}, root=tmp_path)
    with pytest.raises(MerError, match=r"path_to_data.*demo\.sh"):
        _ = cfg.data_dir


def test_demo_results_never_mix_with_real_ones(tmp_path):
    (tmp_path / "demo" / "data").mkdir(parents=True)
    values = dict(load().values)
    demo = config.Config(values=values, sources={}, root=tmp_path)
    assert demo.is_demo and demo.models_dir == tmp_path / "demo" / "models"
    real = config.Config(values={**values, "path_to_data": "/elsewhere"}, sources={}, root=tmp_path)
    assert not real.is_demo and real.models_dir == tmp_path / "models"
    single = config.Config(values={**values, "path_music_piano": "/elsewhere"}, sources={}, root=tmp_path)
    assert not single.is_demo and single.data_dir is None
