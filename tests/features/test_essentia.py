"""Essentia's descriptors of an array, against MusicExtractor on a file."""

import numpy as np
import pytest
import soundfile
import soxr
from test_opensmile import song

from mer.features import representations
from mer.features.representations import _essentia

essentia = pytest.importorskip("essentia", reason="essentia is not installed: requirements-features.txt")
# Where the level counts: MusicExtractor's gain is up to 0.03 dB larger, 0.7 % of a power.
OF_LEVEL = ("hfc", "silence_rate", "spectral_complexity", "spectral_energy", "spectral_flux", "spectral_rms",
            "spectral_strongpeak", "spectral_decrease", "pitch_salience")


def sound(seconds=7.5):
    """Notes at 44.1 kHz."""
    return np.clip(soxr.resample(song(seconds), 16_000, 44_100), -1, 1)


def test_a_part_is_what_music_extractor_says_of_its_file(tmp_path):
    import essentia.standard as es
    wave, ours = sound(), _essentia.descriptors(sound())
    soundfile.write(tmp_path / "part.wav", wave, 44_100, subtype="FLOAT")
    theirs = es.MusicExtractor(lowlevelStats=["mean", "stdev"])(str(tmp_path / "part.wav"))[0]
    held = {name.removeprefix("lowlevel."): float(theirs[name]) for name in theirs.descriptorNames()
            if name.startswith("lowlevel.") and np.ndim(theirs[name]) == 0}
    assert set(held) == set(_essentia.NAMES) and len(_essentia.NAMES) == 84
    for name, value in zip(_essentia.NAMES, ours, strict=True):
        near = 0.02 if name.startswith(OF_LEVEL) else 1e-3
        np.testing.assert_allclose(value, held[name], rtol=near, atol=near * 0.5, err_msg=name)


@pytest.mark.parametrize("wave", [
    np.zeros(100_000, np.float32), np.eye(1, 100_000, 500, dtype=np.float32)[0], sound(1), np.ones(42_336, np.float32),
    np.concatenate([sound(1), np.zeros(88_200, np.float32)])], ids=["silence", "click", "short", "offset", "half"])
def test_rows_are_finite_and_the_same_again(wave):
    once = _essentia.descriptors(wave)
    assert np.isfinite(once).all()
    _essentia.descriptors(sound(1)[::-1].copy())  # what it remembers may not count
    np.testing.assert_array_equal(_essentia.descriptors(wave), once)


def test_both_together_are_those_of_each():
    pytest.importorskip("opensmile", reason="opensmile is not installed: requirements-features.txt")
    both, one, other = (representations.get(name, {}) for name in ("combined", "essentia", "is13"))
    wave = sound(8)
    row = both.rows(wave)[0]
    np.testing.assert_array_equal(row[260:], one.rows(wave)[0])
    seconds = other.pooled(other.rows(song(8))[None])[0]
    assert np.median(np.abs(row[:260] / seconds - 1)) < 0.01, "but for the ends and the resampling"
    assert len(both.feature_names) == len(set(both.feature_names)) == both.width == 344
    assert one.feature_names == _essentia.NAMES == both.feature_names[260:]
