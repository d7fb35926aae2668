"""Encoders that others published: what their wheels may hold, and that they compute what the authors' network does.

Wheels are looked for in the folder that PUBLISHED_WHEELS names, and `pytest -m slow` lets pip fetch them.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ROOT

import models
from mer.features import chunks, waveform
from mer.weights import catalogue, published
from mer.weights.published import ge2e, musicnn

sys.path.insert(0, str(ROOT / "tests" / "golden"))
import made

GOLDEN = np.load(ROOT / "tests" / "golden" / "published.npz", allow_pickle=False)


@pytest.fixture(scope="module")
def converted(make_config, tmp_path_factory):
    """Function: source -> settings with its converted weights, where its wheel is at hand."""
    def make(source):
        folder = Path(os.environ.get("PUBLISHED_WHEELS", "/nowhere"))
        wheels = [path for path in folder.glob("*.whl") if path.name.lower().startswith(source.PACKAGE.lower())]
        if not wheels:
            pytest.skip(f"the wheel of {source.PACKAGE} is in no folder that PUBLISHED_WHEELS names")
        cfg = make_config(folder=tmp_path_factory.mktemp(source.PACKAGE))
        published.convert(cfg, source.__name__.rpartition(".")[2], load_module=models.load, wheel=wheels[0])
        return cfg
    return make


def chunks_of(sound, module, tmp_path):
    """What a network reads of samples at 16 kHz, by way of a file."""
    reads = chunks.of_encoder(module, {})
    soundfile.write(tmp_path / "sound.wav", sound, 16000, subtype="FLOAT")
    rows = reads.of.rows(waveform.load(tmp_path / "sound.wav", sample_rate_hz=reads.of.sample_rate_hz,
                                       full_scale=reads.of.full_scale))
    return reads.cut(rows, reads.n_rows)


def loaded(cfg, source):
    """The published network, up to its last layer."""
    module = models.load(source.MODEL)
    reads = chunks.of_encoder(module, cfg.values)
    model = module.build(reads.shape)
    catalogue.encoder(cfg, speech=None, model=source.MODEL, settings=reads.settings).load(model)
    return module, model


def test_musicnn_gives_the_tags_of_the_authors(converted, tmp_path):
    module, model = loaded(converted(musicnn), musicnn)
    patches = chunks_of(made.loud(made.waveform()), module, tmp_path)
    np.testing.assert_allclose(model.predict(patches, verbose=0), GOLDEN["musicnn_tags"], atol=1e-4)
    code = module.encoder(model).predict(patches, verbose=0)
    np.testing.assert_allclose(code, GOLDEN["musicnn_code"], atol=1e-3)
    louder = model.predict(chunks_of(2 * made.loud(made.waveform()), module, tmp_path), verbose=0)
    assert np.abs(louder - GOLDEN["musicnn_tags"]).max() > 0.01, "the level is heard"


def test_ge2e_tells_speakers_apart(converted, shared):
    module, model = loaded(converted(ge2e), ge2e)
    reads = chunks.of_encoder(module, {})
    embeddings = []
    for speaker in ("1998", "2414", "3005"):
        clips = sorted((shared / "data" / "LibriSpeech" / "test-other" / speaker).rglob("*.flac"), key=os.path.getsize)
        for clip in clips[-4:-2]:
            rows = reads.of.rows(waveform.load(clip, sample_rate_hz=16000, full_scale=reads.of.full_scale))
            mean = model.predict(reads.cut(rows, reads.n_rows // 2), verbose=0).mean(axis=0)
            embeddings.append(mean / np.linalg.norm(mean))
    cosine = np.array(embeddings) @ np.array(embeddings).T
    same = np.eye(3, dtype=bool).repeat(2, axis=0).repeat(2, axis=1)
    assert cosine[same].min() > 0.85 and cosine[~same].max() < 0.75, cosine.round(3)


@pytest.mark.slow
@pytest.mark.parametrize("name", published.names())
def test_pip_fetches_the_pinned_wheel(name, make_config, tmp_path):
    run = published.convert(make_config(folder=tmp_path), name, load_module=models.load)
    assert run.read()["source"]["sha256"] == published.of_name(name).SHA256
