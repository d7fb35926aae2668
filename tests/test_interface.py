"""The Python interface: arrays and files alike, what is refused, and the page of docs that shows it."""

import json
import os
import re
import subprocess
import sys

import app_files
import numpy as np
import pytest
import soundfile
from conftest import ROOT, sound

import mer
from mer import MerError
from mer.features import waveform as waveforms
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel

RATE = 22050


@pytest.fixture(scope="module")
def tone():
    return sound(np.random.default_rng(1), seconds=4, rate=RATE)


@pytest.fixture
def song(tmp_path, tone):
    soundfile.write(tmp_path / "song.wav", tone, RATE, subtype="FLOAT")
    return tmp_path / "song.wav"


def test_import_is_light_and_lists_the_interface():
    code = ("import sys, mer\n"
            "heavy = {'numpy', 'keras', 'soundfile', 'onnxruntime', 'typing'} & set(sys.modules)\n"
            "assert not heavy, heavy\n"
            "assert {'features', 'predict', 'load_model', 'load_encoder', 'MerError'} <= set(dir(mer))\n"
            "assert callable(mer.features) and 'keras' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match="nosuch"):
        _ = mer.nosuch


def test_features_of_an_array_are_those_of_the_file(song, tone):
    from_file = mer.features(song)
    assert from_file.shape == (1 + 64000 // 512, 128) and from_file.dtype == np.float32
    np.testing.assert_array_equal(from_file, LogMel(quick_start=True).rows(waveforms.load(song, sample_rate_hz=16000)))
    np.testing.assert_array_equal(mer.features(str(song)), from_file)
    for same in (tone, tone[:, None], tone.astype(np.float64), list(tone), tone[::-1].copy()[::-1]):
        np.testing.assert_array_equal(mer.features(same, RATE), from_file)
    np.testing.assert_allclose(mer.features(np.stack([tone, tone], axis=1), float(RATE)), from_file, atol=1e-3)


def test_whole_numbers_have_the_full_scale_of_their_type(tone):
    numbers = np.round(tone * 32768).astype(np.int16)
    expected = mer.features(numbers / 32768, RATE)
    np.testing.assert_array_equal(mer.features(numbers, RATE), expected)
    np.testing.assert_array_equal(mer.features(numbers.astype(np.int32) * 65536, RATE), expected)
    with pytest.raises(MerError, match="silent"):
        mer.features(np.sign(tone).astype(np.int16), RATE)  # one step of 32768: below -80 dB
    assert len(mer.features(np.sign(tone), RATE))


@pytest.mark.parametrize("settings, shape", [({"n_mel_bands": 64}, (126, 64)), ({"hop_samples": 256}, (251, 128)),
                                             ({"sample_rate_hz": 8000}, (63, 128))])
def test_settings_of_one_call(tone, settings, shape):
    assert mer.features(tone, RATE, settings={**settings, "n_fft": 4096}).shape == shape
    assert mer.features(tone, RATE).shape == (126, 128)


WRONG = {
    "no rate": (np.ones(9000), None, "without its rate"),
    "a rate of zero": (np.ones(9000), 0, "a rate of 0 came"),
    "half a rate": (np.ones(9000), 22050.5, "a whole number from 1000 to 1000000"),
    "a rate that is no number": (np.ones(9000), float("nan"), "a rate of nan came"),
    "a word as rate": (np.ones(9000), "44100", "a rate of '44100' came"),
    "True as rate": (np.ones(9000), True, "a rate of True came"),
    "NaN": (np.array([0.1] * 9000 + [np.nan]), RATE, "NaN or infinite"),
    "infinity": (np.array([0.1] * 9000 + [np.inf]), RATE, "NaN or infinite"),
    "beyond single precision": (np.full(9000, 1e300), RATE, "NaN or infinite"),
    "nothing": (np.empty(0), RATE, "holds no samples"),
    "no channels": (np.empty((9000, 0)), RATE, "holds no samples"),
    "one number": (np.float32(1), RATE, r"shape \(\) came"),
    "channels first": (np.ones((2, 9000)), RATE, "transpose it"),
    "a batch": (np.ones((3, 2, 9000)), RATE, "one clip at a time"),
    "complex numbers": (np.ones(9000, complex), RATE, "complex128 came"),
    "words": (np.array(["a"]), RATE, "floats or signed whole numbers"),
    "truths": (np.ones(9000, bool), RATE, "bool came"),
    "bytes without a sign": (np.ones(9000, np.uint8), RATE, "uint8 came"),
    "lists of unequal lengths": ([[1.0], [1.0, 2.0]], RATE, "no array"),
    "nothing at all": (None, RATE, "object came"),
    "a path with a rate": ("song.wav", RATE, "leave the rate out"),
    "no file": ("nosuch.wav", None, "does not exist"),
    "too short": (np.ones(1000), RATE, "short|long"),
    "silence": (np.zeros(90000), RATE, "silent"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_sound_gets_one_sentence(case, model, encoder):
    given, rate, words = WRONG[case]
    calls = [mer.features, encoder.embed] + [model.predict] * (case != "silence")
    for call in calls:
        with pytest.raises(MerError, match=words) as caught:
            call(given, rate)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny exported model of log-mel."""
    return app_files.write_model(tmp_path_factory.mktemp("tiny") / "models", speech="e", music="e")


@pytest.fixture(scope="module")
def model(weights):
    return mer.load_model(weights=weights)


def test_predictions_of_an_array_are_those_of_the_file(song, tone, model, weights):
    from_file, from_array = model.predict(song), model.predict(tone, RATE)
    assert from_file.status == "ok" and len(from_file.times_seconds) == 4
    for task, values in from_file.probabilities.items():
        np.testing.assert_array_equal(values, from_array.probabilities[task])
    once = mer.predict(tone, RATE, hop_seconds=0.5, weights=weights)
    assert len(once.times_seconds) == 1 + (126 - 31) // 16 and once.hop_seconds == 0.512
    assert repr(from_array).startswith(f"Prediction('the array': {from_array.quadrant}, arousal ")
    assert json.loads(json.dumps(from_array.summary()))["file"] == "the array"


def test_channels_that_cancel_each_other_are_remarked(tone, model):
    opposite = np.stack([tone, -tone], axis=1)
    assert "channel 1" in model.predict(opposite, RATE).remark
    with pytest.warns(UserWarning, match="the array has channels that cancel each other"):
        np.testing.assert_array_equal(mer.features(opposite, RATE), mer.features(tone, RATE))


def test_silence_is_predicted_as_silent(model, weights):
    silent = mer.predict(np.zeros(3 * RATE), RATE, weights=weights)
    assert silent.status == "silent" and silent.mean is None and "silent" in repr(silent)
    assert "Tiny 0" in repr(model)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of models/ with an encoder of random weights."""
    from mer import cli, files
    from mer.shipped import models
    cli.start_keras()
    from mer.config import of_program
    from mer.weights import keras3, model_file
    folder = tmp_path_factory.mktemp("home")
    cfg = of_program({"path_to_models": folder / "models"})
    for name in ("model_cpc", "model_over"):
        made = models.load(name, pretexts=("cpc", "denoise")).build((128, 31, 1))
        run = model_file.speech_run(cfg, "english", name, 0)
        digest = keras3.save(made, run.path)
        files.write_json(run.file("run.json"), {
            "name": name, "pretext": "cpc", "speech": "e", "it": 0, "settings": LogMel().settings,
            "key": "0", "weights_sha256": digest, "corpus": "real"})
    return folder


@pytest.fixture(scope="module")
def encoder(home):
    return mer.load_encoder("e", "model_cpc", settings={"path_to_models": home / "models"})


def test_embeddings_are_the_codes_of_the_patches(song, tone, encoder):
    codes = encoder.embed(tone, RATE)
    assert codes.shape == (4, encoder.units) == (4, 256) and codes.dtype == np.float32
    np.testing.assert_array_equal(encoder.embed(song), codes)
    patches = Chunks(LogMel(), 1.0, 31).cut(mer.features(song), 31)
    np.testing.assert_allclose(encoder._network.predict_on_batch(patches), codes, atol=1e-4)
    assert encoder.embed(tone, RATE, hop_seconds=0.5).shape == (1 + (126 - 31) // 16, 256)
    assert encoder.hop_seconds == 0.992 and "model_cpc" in repr(encoder)
    with pytest.raises(MerError, match="a hop of 0 s came"):
        encoder.embed(tone, RATE, hop_seconds=0)


def test_a_code_with_axes_is_flattened(tone, home):
    encoder = mer.load_encoder("e", "model_over", settings={"path_to_models": str(home / "models")})
    assert encoder.embed(tone, RATE).shape == (4, encoder.units)


@pytest.mark.parametrize("call, words", [
    (lambda: mer.load_encoder("q", "model_cpc"), "no speech corpus has the code 'q'"),
    (lambda: mer.load_encoder("e", "model_cpd"), "did you mean model_cpc"),
    (lambda: mer.load_encoder("e", "model_cnn"), "use one of"),
    (lambda: mer.load_encoder("e", "model_cpc", settings={"path_to_models": "/nowhere"}), "pretrain.py -s e -mod"),
    (lambda: mer.load_encoder("e", "model_cpc", weights="nosuch.h5"), "nosuch.h5 is no file"),
    (lambda: mer.load_model(speech="q"), "no speech corpus"),
    (lambda: mer.load_model(release="yes"), "release='yes' came, but one of y, n"),
    (lambda: mer.load_model(ensemble="x"), "one of runs, speech"),
    (lambda: mer.load_model(weights="a.onnx", demo=True), "leave them out"),
    (lambda: mer.load_model(weights="nosuch.onnx"), "does not exist"),
    (lambda: mer.load_model(demo=True, model="model_over"), "no model of the demo corpus is here"),
    (lambda: mer.features("x.wav", settings={"n_mel_band": 3}), "did you mean 'n_mel_bands'"),
    (lambda: mer.features("x.wav", settings={"n_mel_bands": None}), "n_mel_bands = None came"),
])
def test_what_is_not_there_gets_one_sentence(call, words):
    with pytest.raises(MerError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_page_of_docs_runs(tmp_path, tone, home):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 5
    soundfile.write(tmp_path / "song.mp3", tone, RATE)
    checks = ("assert frames.shape[1] == same.shape[1] == 128 and fewer.shape[1] == 64\n"
              "assert song.quadrant in ('Q1', 'Q2', 'Q3', 'Q4') and len(values) == 3\n"
              "assert len(finer.times_seconds) > len(song.times_seconds) and codes.shape[1] == encoder.units == 256\n"
              "assert song.mean['quadrants'].shape == (4,) and 'transpose it' in printed[-1]\n")
    code = ("printed = []\ndef print(*values): printed.append(' '.join(map(str, values)))\n"
            + "".join(blocks) + checks)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "MER_PATH_TO_MODELS": str(home / "models")})
    assert done.returncode == 0, done.stderr
