"""Stores of the field's extractors: made, resumed and checked as those of log-mel, of the same split."""

import shutil
import sys

import numpy as np
import pytest

from mer import MerError
from mer.data import datasets, generate
from mer.features import representations


@pytest.fixture
def cfg(data, make_config, tmp_path):
    shutil.copytree(data / "MER_audio_taffc_dataset", tmp_path / "data" / "MER_audio_taffc_dataset")
    return make_config(f"path_to_data={tmp_path / 'data'}", "extract_jobs=2", folder=tmp_path)


def test_a_store_of_both_extractors_is_one_like_any_other(cfg, tmp_path):
    of = representations.get("combined", cfg.values)
    try:
        of.prepare()
    except MerError as error:
        pytest.skip(str(error))
    bad = sorted((tmp_path / "data").rglob("*.mp3"))[0]
    bad.write_bytes(b"no music")
    made = generate.run("music", "e", cfg, features="combined")
    assert [name for name, _ in made.skipped] == [f"Q1/{bad.name}"] and made.n_extracted == made.n_clips + 1
    clips = datasets.load("music", "e", cfg, of=of)
    rows = clips.stores[0].rows
    assert rows.shape == (len(clips), 344) and np.isfinite(rows).all() and (rows.std(axis=0) > 0).mean() > 0.9
    assert made.path.name == "music_english.combined.h5" and set(clips.labels["quadrant"]) == {"Q1", "Q2", "Q3", "Q4"}
    again = generate.run("music", "e", cfg, features="combined")
    assert again.n_extracted <= 1, "but for the bad file"


@pytest.mark.parametrize(("name", "package"), [("is13", "opensmile"), ("compare", "opensmile"),
                                               ("essentia", "essentia"), ("combined", "opensmile")])
def test_without_the_package_one_sentence_comes_before_the_work(cfg, monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MerError, match=rf"^{name} needs the package {package}, which .*requirements-features.txt"):
        generate.run("music", "e", cfg, features=name)
    assert not list(cfg.features_dir.glob(f"*.{name}*.h5"))
