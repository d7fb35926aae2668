import copy
import importlib
import os
import re
import sys
import types
from pathlib import Path

import pytest
from conftest import ROOT

import settings
from mer import MerError, cli, config, limits
from mer.features import chunks


def load(*overrides, environ=None):
    return config.load(settings, environ or {}, overrides)


def test_frames_of_a_patch_follow_from_seconds():
    encoder = types.SimpleNamespace(INPUT="log_mel", CHUNK_SECONDS=1, __name__="models.model_x")
    reads = chunks.of_encoder(encoder, load("sample_rate_hz=16000", "hop_samples=512").values)
    assert (reads.n_rows, reads.hop_rows(0.5), reads.shape) == (31, 15, (128, 31, 1))
    assert chunks.of_encoder(encoder, load("sample_rate_hz=22050").values).n_rows == 43
    for seconds in (0.01, 1e9):
        encoder.CHUNK_SECONDS = seconds
        with pytest.raises(MerError, match="rows, and a chunk of model_x has 1 to .* change its CHUNK_SECONDS"):
            chunks.of_encoder(encoder, load().values)


@pytest.mark.parametrize("given", [{"MER_PATCH_SECONDS": "2"}, "patch_seconds=2"])
def test_a_setting_that_is_gone_says_where_it_went(given):
    with pytest.raises(MerError, match="patch_seconds .* is no setting any more, because each encoder says"):
        load(*([given] if isinstance(given, str) else []), environ=None if isinstance(given, str) else given)


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
    ("seed=-1", "from 0 to 2147483647"),
    ("val_fraction=1.5", r"from 0\.001 to 0\.9 of the clips"),
    ("patch_overlap=1", r"from 0 to 0\.99"),
    ("pretrain_epochs=0", "from 1 to 100000 epochs"),
    ("tensorboard=perhaps", "True or False"),
    ("precision=half", "float32, mixed_bfloat16"),
])
def test_mistakes_get_a_sentence(text, words):
    with pytest.raises(MerError, match=words):
        load(text)


@pytest.mark.parametrize("name", [name for name in limits.OF if name.endswith("_fraction")])
@pytest.mark.parametrize("value", ["0", "1"])
def test_a_share_of_the_clips_leaves_no_set_empty(name, value):
    with pytest.raises(MerError, match=name):
        load(f"{name}={value}")


def test_a_misspelt_environment_name_is_refused():
    with pytest.raises(MerError, match="did you mean 'path_to_data'"):
        load(environ={"MER_PATH_TO_DATE": "x"})


def test_values_keep_the_type_of_the_file():
    cfg = load("tensorboard=yes", "noise_sigma=2", "pretrain_epochs=3")
    assert cfg.tensorboard is True and cfg.noise_sigma == 2.0 and cfg.pretrain_epochs == 3


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


def test_every_setting_has_limits_and_keeps_them():
    values = {name for name in vars(settings) if not name.startswith("_")}
    assert values == set(limits.OF)
    for name, limit in limits.OF.items():
        if isinstance(limit, tuple) and limit[0] in (int, float):
            kind, lowest, highest, unit = limit
            assert unit and lowest <= getattr(settings, name) <= highest
            for beyond in (lowest - 1e-6 if kind is float else lowest - 1, highest * 1.001 + 1, "inf", "-inf", "nan",
                           "1e400", "9" * 5000, "", "0x10", "1;2", "\x1b[2J"):
                with pytest.raises(MerError) as caught:
                    load(f"{name}={int(beyond) if kind is int and isinstance(beyond, (int, float)) else beyond}")
                assert unit in str(caught.value) and f"{highest:.12g}" in str(caught.value)
                assert len(str(caught.value)) < 400 and str(caught.value).isprintable()


@pytest.mark.parametrize("text", [
    "seed=4294967296", "noise_sigma=nan", "patch_overlap=-1e-9", "sample_rate_hz=1000000000000", "sample_rate_hz=1e12",
    "hop_samples=1000000000", "noise_sigma=inf", "pretrain_decay=inf", "extract_jobs=-1", "tensorboard=2",
    "path_to_data=~nosuchuser", "path_to_data=~nosuchuser/data", f"path_to_data={'x' * 5000}", "path_to_features=",
    "path_to_models=a\0b", "precision=\x1b[2J"])
def test_values_that_nothing_can_use_are_refused(text):
    with pytest.raises(MerError) as caught:
        load(text)
    assert text.partition("=")[0] in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("texts, words", [
    (["window_samples=4096"], ["window_samples 4096 is longer than n_fft 2048"]),
    (["window_samples=4096", "n_mel_bands=1024", "n_fft=1024", "hop_samples=60000"],
     ["longer than n_fft", "half of n_fft", "longer than window_samples"])])
def test_values_that_make_no_features_are_refused_together(texts, words):
    with pytest.raises(MerError) as caught:
        load(*texts)
    assert all(word in str(caught.value) for word in words)


def test_results_cannot_go_into_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    cfg = load(f"path_to_features={tmp_path / 'file'}")
    with pytest.raises(MerError, match="is a file"):
        _ = cfg.features_dir


ORIGINAL = Path(settings.__file__).read_text(encoding="utf-8")


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Function: source of a settings.py -> the sentence that it ends in."""
    def sentence(source):
        if source is not None:
            (tmp_path / "settings.py").write_bytes(source if isinstance(source, bytes) else source.encode())
        monkeypatch.setattr(sys, "path", [str(tmp_path), *(p for p in sys.path if p and Path(p) != ROOT)])
        monkeypatch.delitem(sys.modules, "settings")
        importlib.invalidate_caches()
        with pytest.raises(MerError) as caught:
            cli.configure()
        return str(caught.value)
    return sentence


@pytest.mark.parametrize("change, words", [
    (("seed = 1 ", "seed = ("), "line 35"),
    (("seed = 1 ", "seed = unknown "), "NameError: name 'unknown' is not defined"),
    (("seed = 1 ", "seed = '1' "), "setting seed = '1' should be a whole number from 0 to 2147483647"),
    (("seed = 1 ", "seed = 1.5 "), "seed = 1.5"),
    (("seed = 1 ", "seed = True "), "seed = True"),
    (("seed = 1 ", "seed = None "), "seed = None"),
    (("seed = 1 ", "seed = 10 ** 6000 "), "seed = <int>"),
    (("seed = 1 ", "import nowhere_at_all "), "imports nowhere_at_all, which is not installed"),
    (("seed = 1 ", "sed = 1 "), "unknown setting 'sed' .settings.py.; did you mean 'seed'"),
    (("seed = 1 ", "pass "), "settings.py lacks seed .a whole number from 0"),
    (("patch_overlap = 0.5", "patch_overlap = float('nan')"), "patch_overlap = nan"),
    (("patch_overlap = 0.5", "patch_overlap = [1.0]"), r"patch_overlap = \[1"),
    (("patch_overlap = 0.5", "patch_seconds = 1.0"), "patch_seconds .settings.py. is no setting any more"),
    (('path_to_data = ""', "path_to_data = 5"), "path_to_data = 5 should be a path in quotes; int came"),
    (('path_to_data = ""', "path_to_data = 'a\\0b'"), "NUL"),
    (("tensorboard = False", "tensorboard = 1"), "tensorboard = 1 should be True or False"),
    (('precision = "float32"', "precision = 32"), "precision = 32 should be one of"),
])
def test_a_settings_file_that_is_wrong_gets_a_sentence(edited, change, words):
    assert change[0] in ORIGINAL
    sentence = edited(ORIGINAL.replace(*change))
    assert re.search(words, sentence) and sentence.isprintable()


@pytest.mark.parametrize("source, words", [
    (b"seed = '\xff\xfe'", "no Python that can be read"), (b"\0" * 20, "settings.py"), (b"", "lacks path_to_data"),
    (b"raise ValueError('\x1b[2J')", "line 1"), (b"from mer import nothing", "settings.py"), (None, "not there")])
def test_a_settings_file_that_is_none_gets_a_sentence(edited, source, words):
    assert words in edited(source)


def test_a_settings_file_may_hold_paths_and_names_of_the_users_own(tmp_path, monkeypatch):
    module = types.ModuleType("settings", None)
    vars(module).update({name: value for name, value in vars(settings).items() if not name.startswith("_")})
    vars(module).update(path_to_data=tmp_path, _mine=3, os=os, Path=Path, __file__=settings.__file__, noise_sigma=2)
    cfg = config.load(module, {})
    assert cfg.path_to_data == str(tmp_path) and isinstance(cfg.noise_sigma, float)
