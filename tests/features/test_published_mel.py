"""What published encoders read: librosa's mel power, at the level that their authors gave it."""

import librosa
import numpy as np
import pytest
import soundfile

from mer.features import of_sound, representations, waveform

LEVELS = {"musicnn_mel": lambda sound: sound,
          "ge2e_mel": lambda sound: sound * max(1, 10**-1.5 / np.sqrt(np.mean(sound.astype(float) ** 2)))}
SHAPES = {"musicnn_mel": (512, 256, 96), "ge2e_mel": (400, 160, 40)}


def expected(name, sound):
    n_fft, hop, bands = SHAPES[name]
    power = librosa.feature.melspectrogram(y=LEVELS[name](sound).astype("f4"), sr=16000, n_fft=n_fft, hop_length=hop,
                                           n_mels=bands).T
    return np.log10(1 + 10_000 * power) if name == "musicnn_mel" else power


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("level", [0.9, 0.02])  # above and below -30 dBFS
def test_rows_are_librosas_at_the_authors_level(name, level, rng, tmp_path):
    sound = (level * rng.uniform(-1, 1, 200_003) * np.linspace(0, 1, 200_003)).astype("f4")
    soundfile.write(tmp_path / "a.wav", sound, 16000, subtype="FLOAT")
    of, wanted = representations.get(name, {"n_fft": 2048, "hop_samples": 512}), expected(name, sound)
    wave = waveform.read(tmp_path / "a.wav", sample_rate_hz=16000)
    for rows in (of_sound.features(tmp_path / "a.wav", representation=name), of_sound.features(
            sound, 16000, representation=name), np.concatenate(list(of.stream(wave.blocks(of.full_scale))))):
        assert rows.shape == wanted.shape
        np.testing.assert_allclose(rows, wanted, rtol=1e-4, atol=1e-4 * wanted.max())
    assert wave.rms == pytest.approx(np.sqrt(np.mean(sound.astype(float) ** 2)), rel=1e-5)


@pytest.mark.parametrize("name", ["log_mel", "waveform"])
def test_others_have_a_peak_of_one(name):
    assert representations.get(name, {}).full_scale(0.25, 0.01) == 0.25


def test_silence_and_nothing(tmp_path):
    of = representations.get("ge2e_mel", {})
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    wave = waveform.read(tmp_path / "a.wav", sample_rate_hz=16000)
    assert not np.concatenate(list(of.stream(wave.blocks(of.full_scale)))).any()
    for wrong in (np.zeros(0, "f4"), np.zeros((2, 9), "f4")):
        with pytest.raises(waveform.AudioError, match="a mono one of shape"):
            of.rows(wrong)
