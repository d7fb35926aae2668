"""openSMILE's descriptors of a second, against what openSMILE itself says of a whole clip."""

import copy
import pickle
import sys

import joblib
import numpy as np
import pytest

from mer import MerError
from mer.features import representations
from mer.features.representations import _opensmile

opensmile = pytest.importorskip("opensmile", reason="opensmile is not installed: requirements-features.txt")


def song(seconds):
    """Notes with harmonics, so that there is a voice to follow, and noise between them."""
    t, rng = np.arange(int(seconds * 16000)) / 16000, np.random.default_rng(1)
    pitch = 220 * 2 ** (rng.integers(0, 12, int(2 * seconds) + 1)[(2 * t).astype(int)] / 12)
    phase = 2 * np.pi * np.cumsum(pitch + 3 * np.sin(2 * np.pi * 5 * t)) / 16000
    wave = sum(np.sin(k * phase) / k for k in range(1, 9)) * ((2 * t) % 1 < 0.8) + rng.normal(0, 0.02, len(t))
    return (wave / np.abs(wave).max()).astype(np.float32)


@pytest.fixture(scope="module")
def is13():
    return representations.get("is13", {})


@pytest.fixture(scope="module")
def plain():
    """Descriptors, and deltas, of openSMILE as it is."""
    wave = song(12)
    levels = ("LowLevelDescriptors", "LowLevelDescriptors_Deltas")
    return wave, *(opensmile.Smile(opensmile.FeatureSet.ComParE_2016, opensmile.FeatureLevel[level]).process_signal(
        np.minimum(wave, np.float32(32767 / 32768)), 16000).to_numpy() for level in levels)


def test_descriptors_are_openSMILEs_and_deltas_too_but_for_the_voice(plain):
    wave, descriptors, deltas = plain
    ours = _opensmile.descriptors(wave, 16000)
    np.testing.assert_array_equal(ours[:, :65], descriptors)
    inside = slice(2, len(ours) - 2)
    np.testing.assert_allclose(ours[inside, 71:], deltas[inside][:len(ours) - 4, 6:], rtol=1e-4,
                               atol=1e-4 * np.abs(deltas[:, 6:]).max())


def test_deltas_of_the_voice_do_not_fade():
    """As openSMILE's do, whose divisor grows: the same 2 s six times."""
    wave = np.tile(song(2), 6)
    deviations = _opensmile.descriptors(wave, 16000)[:, 65:71]
    second, last = deviations[220:380].std(axis=0), deviations[820:980].std(axis=0)
    assert (second > 0).all()
    np.testing.assert_allclose(last, second, rtol=0.05)


def test_rows_pool_into_the_statistics_of_the_clip(is13, plain):
    wave = plain[0]
    rows = is13.rows(wave).astype(float)
    assert rows.shape == (12, 260)
    frames = _opensmile.descriptors(wave, 16000)
    pooled, whole = is13.pooled(rows[None, :11].astype(np.float32))[0], _opensmile.statistics(frames[:1100])
    np.testing.assert_allclose(pooled, whole, rtol=1e-4, atol=1e-4)


def test_names_are_openSMILEs(is13):
    names = [name for level in ("LowLevelDescriptors", "LowLevelDescriptors_Deltas")
             for name in _opensmile._extractor(level).feature_names]
    assert [name.removesuffix("_amean") for name in is13.feature_names[:130]] == names
    assert len(set(is13.feature_names)) == is13.width


def test_a_second_far_into_a_song_is_that_of_the_whole(is13):
    """Context decides what a stretch knows of the sound before it."""
    wave = song(66)
    rows, frames = is13.rows(wave), _opensmile.descriptors(wave, 16000)
    whole = np.array([_opensmile.statistics(frames[i * 100:(i + 1) * 100]) for i in range(65)])
    assert (np.abs(rows[:65] - whole) < 1e-3 * (whole.std(axis=0) + 1e-6)).all()


def test_what_is_missing_is_one_sentence(is13, monkeypatch):
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(MerError, match=r"is13 needs the package opensmile, which .* -r requirements-features.txt"):
        is13.prepare()


def test_a_clip_below_a_second_is_one_row_and_silence_is_finite(is13):
    assert is13.rows(song(0.97)).shape == (1, 260)
    wave = song(4)
    wave[16000:48000] = 0
    assert np.isfinite(is13.rows(wave)).all()


def test_processes_make_extractors_of_their_own(is13):
    wave = song(2)
    here = is13.rows(wave)
    for there in joblib.Parallel(n_jobs=2)(joblib.delayed(is13.rows)(wave) for _ in range(2)):
        np.testing.assert_array_equal(there, here)
    assert copy.deepcopy(is13) == is13 and len(pickle.dumps(is13)) < 1000


def test_functionals_of_a_part_are_openSMILEs_and_the_last_part_takes_the_rest(plain):
    of, wave = representations.get("compare", {}), np.minimum(plain[0], np.float32(32767 / 32768))
    rows = of.rows(np.tile(wave, 2)[:368_000])  # 23 s: 7.5, 7.5, 8
    extractor = opensmile.Smile(opensmile.FeatureSet.ComParE_2016, opensmile.FeatureLevel.Functionals)
    for row, part in zip(rows, (slice(0, 120_000), slice(120_000, 240_000), slice(240_000, 368_000)), strict=True):
        expected = extractor.process_signal(np.tile(wave, 2)[part], 16000)
        np.testing.assert_array_equal(row, np.nan_to_num(expected.to_numpy()[0]))
    assert list(of.feature_names) == list(expected.columns)


def test_a_part_without_voice_is_finite():
    of = representations.get("compare", {})
    quiet = np.zeros(16000, np.float32)
    quiet[8000] = 1
    assert np.isfinite(of.rows(quiet)).all()
