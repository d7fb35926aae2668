"""Features and models give the values of the published program, kept in golden/ (see golden/make_golden.py)."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

import models
from mer import heads
from mer.features import waveform as waveforms
from mer.features.representations.log_mel import LogMel
from mer.tasks import PUBLISHED

GOLDEN = Path(__file__).parent / "golden"
sys.path.insert(0, str(GOLDEN))
import made  # noqa: E402

PATCH = (128, 31, 1)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "golden.npz", allow_pickle=False) as file:
        return dict(file)


def channels_last(array):
    return np.moveaxis(array, -3, -1)


def set_weights(model, held):
    """Give every layer that has weights the arrays of its name; a layer without arrays is an error."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            set_weights(layer, held)
        elif layer.weights:
            layer.set_weights([held[layer.name][weight.name] for weight in layer.weights])


def pretext_model(name, held):
    module = models.load(name, pretexts=["denoise", "cpc"])
    model = module.build(PATCH)
    set_weights(model, held)
    return model, module.encoder(model)


def test_features(golden, tmp_path):
    path = tmp_path / "made.wav"
    soundfile.write(path, made.waveform(), 16000, subtype="FLOAT")
    waveform = waveforms.load(path, sample_rate_hz=16000)
    frames = LogMel().rows(waveform)
    assert frames.shape == golden["log_mel"].shape == (94, 128)
    # single precision leaves 5e-7 of the maximum; the logarithm shows that in the cells of near silence only
    np.testing.assert_allclose(np.exp(frames), np.exp(golden["log_mel"]), atol=1e-6 * np.exp(golden["log_mel"].max()))
    # the end of the clip: nothing is left but the offset before the logarithm
    np.testing.assert_allclose(frames[-8:], np.log(1.1920929e-07), atol=1e-6)
    np.testing.assert_allclose(golden["log_mel"][-8:], frames[-8:], atol=1e-6)
    loud = golden["log_mel"] > -8
    np.testing.assert_allclose(frames[loud], golden["log_mel"][loud], atol=1e-3)


def test_autoencoder_code_and_emotion(golden):
    held, patches = made.scae_weights(), channels_last(made.patches()[:3])
    model, encoder = pretext_model("model_over", held)
    np.testing.assert_allclose(encoder.predict(patches, verbose=0), channels_last(golden["scae_code"]), atol=1e-4)
    np.testing.assert_allclose(model.predict(patches, verbose=0), channels_last(golden["scae_rebuilt"]),
                               rtol=1e-4, atol=5e-4)
    emotion = heads.attach(encoder, PUBLISHED)
    set_weights(emotion, held)
    for task, value in emotion.predict(patches, verbose=0).items():
        assert golden[f"scae_{task}"].std(axis=0).max() > 1e-3
        np.testing.assert_allclose(value, golden[f"scae_{task}"], atol=1e-4)


def test_cpc_code_context_score_and_emotion(golden):
    held, patches = made.cpc_weights(), channels_last(made.patches())
    model, encoder = pretext_model("model_cpc", held)
    np.testing.assert_allclose(encoder.predict(patches, verbose=0), golden["cpc_code"], rtol=1e-5, atol=1e-3)
    inputs = {"past": patches[None, :4], "future": patches[None, 4:]}
    context = keras.Model(model.input, model.get_layer("ar_context").output)
    np.testing.assert_allclose(context.predict(inputs, verbose=0), golden["cpc_context"], atol=1e-4)
    np.testing.assert_allclose(model.predict(inputs, verbose=0), golden["cpc_score"], atol=1e-4)
    emotion = heads.attach(encoder, PUBLISHED)
    set_weights(emotion, held)
    for task, value in emotion.predict(patches, verbose=0).items():
        np.testing.assert_allclose(value, golden[f"cpc_{task}"], atol=1e-4)
