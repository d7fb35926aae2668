"""log_mel: waveforms, log-mel frames and patches against the published ones, librosa, and their meaning."""

import copy
import os
import platform
import subprocess
import sys

import hypothesis
import numpy as np
import pytest
import soundfile
from conftest import ROOT
from hypothesis import strategies as st

from mer import MerError
from mer.features import waveform as waveforms
from mer.features.chunks import Chunks
from mer.features.representations._mel import BLOCK_FRAMES, filter_bank
from mer.features.representations.log_mel import LOG_OFFSET, LogMel
from mer.features.representations.waveform import Waveform

RATE_HZ = 16000
PATCHES = Chunks(LogMel(), 1.0, 31)


@pytest.fixture(scope="module")
def log_mel():
    return LogMel()


@pytest.fixture
def noise():
    return np.random.default_rng(1).uniform(-1, 1, 30000).astype(np.float32)


def sine(hz, *, rate_hz=RATE_HZ, seconds=2.0):
    """A sine of amplitude 0.5, shape (n,), float32."""
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def librosa_mel(waveform, *, rate_hz=RATE_HZ):
    """Mel magnitude (n_bands, n_frames) as librosa makes it, with the settings of the published features."""
    librosa = pytest.importorskip("librosa")
    stft = librosa.stft(waveform, n_fft=2048, hop_length=512, win_length=1024, pad_mode="reflect")
    return librosa.feature.melspectrogram(S=np.abs(stft), sr=rate_hz, n_mels=128)


# --- the published features ------------------------------------------------------------------------------

def golden_pairs(shared, log_mel, suffixes):
    """Name, our patches and the published ones, both (n, 128, 31) float64, of each file so called."""
    with np.load(shared / "golden" / "features.npz", allow_pickle=False) as golden:
        names = [name for name in golden if name.endswith(suffixes)]
        assert len(names) >= 4
        for name in names:
            waveform = waveforms.load(shared / "data" / name, sample_rate_hz=RATE_HZ)
            ours = PATCHES.cut(log_mel.rows(waveform), 15)[..., 0]
            yield name, ours.astype(float), golden[name][:, 0].astype(float)


def test_flac_and_wav_equal_the_published_patches(shared, log_mel):
    for name, ours, published in golden_pairs(shared, log_mel, (".flac", ".wav")):
        assert ours.shape == published.shape, name
        magnitude = np.exp(published) - float(LOG_OFFSET)
        error = np.abs(np.exp(ours) - float(LOG_OFFSET) - magnitude).max()
        assert error <= 1e-6 * magnitude.max(), name
        log_error = np.abs(ours - published)
        assert np.mean(log_error <= 1e-4) >= 0.999, name
        assert log_error.max() <= 0.06, name


def test_mp3_is_close_to_the_published_patches(shared, log_mel):
    for name, ours, published in golden_pairs(shared, log_mel, (".mp3",)):
        assert ours.shape == published.shape, name
        assert np.abs(ours - published).mean() < 0.02, name


# --- librosa ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rate_hz, n_fft, n_bands", [
    (16000, 2048, 128), (22050, 2048, 128), (44100, 4096, 96), (8000, 1024, 40), (1600, 512, 20)])
def test_mel_filter_bank_equals_librosa(rate_hz, n_fft, n_bands):
    librosa = pytest.importorskip("librosa")
    ours = filter_bank(sample_rate_hz=rate_hz, n_fft=n_fft, n_bands=n_bands)
    theirs = librosa.filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=n_bands, dtype=np.float64)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * theirs.max())


def signals():
    """Name -> waveform: noise, sine, chirp, lengths around a hop, a block of frames and its neighbours."""
    random = np.random.default_rng(2)
    chirp = np.sin(2 * np.pi * np.cumsum(np.geomspace(50, 7900, 40000)) / RATE_HZ)
    waves = {"noise": random.standard_normal(50000), "sine": sine(440), "chirp": chirp}
    edge = BLOCK_FRAMES * 512
    for n in (1025, 1536, 2047, edge - 513, edge - 512, edge - 1, edge, 2 * edge + 1):
        waves[f"noise of {n}"] = random.standard_normal(n)
    return {name: wave.astype(np.float32) / np.abs(wave).max() for name, wave in waves.items()}


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("name", signals())
def test_log_mel_equals_librosa(log_mel, name):
    waveform = signals()[name]
    theirs = librosa_mel(waveform).T
    ours = log_mel.magnitude(waveform)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= 1e-6 * theirs.max()
    if "noise" in name:  # elsewhere most cells hold rounding errors only, which the logarithm shows
        log_error = np.abs(log_mel.rows(waveform) - np.log(theirs + LOG_OFFSET))
        assert log_error.max() < 0.06
        assert np.mean(log_error < 1e-4) > 0.999


def test_other_sizes_equal_librosa(noise):
    librosa = pytest.importorskip("librosa")
    small = LogMel(sample_rate_hz=22050, n_fft=1024, window_samples=400, hop_samples=160, n_mel_bands=64)
    stft = librosa.stft(noise, n_fft=1024, hop_length=160, win_length=400, pad_mode="reflect")
    theirs = librosa.feature.melspectrogram(S=np.abs(stft), sr=22050, n_mels=64).T
    np.testing.assert_allclose(small.magnitude(noise), theirs, atol=1e-6 * theirs.max())


# --- meaning ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("hz", [200, 1000, 3000, 7000])
def test_sine_peaks_in_the_band_that_holds_it(log_mel, hz):
    weights = filter_bank(sample_rate_hz=RATE_HZ, n_fft=2048, n_bands=128)
    expected = weights[:, round(hz * 2048 / RATE_HZ)].argmax()
    peaks = log_mel.rows(sine(hz))[2:-2].argmax(axis=1)
    assert np.all(np.abs(peaks - expected) <= (0 if hz == 1000 else 1))


def test_log_mel_is_c_contiguous_float32_frames_first(log_mel, noise):
    result = log_mel.rows(noise)
    assert result.shape == (1 + len(noise) // 512, 128)
    assert result.dtype == np.float32 and result.flags.c_contiguous
    np.testing.assert_allclose(np.log(log_mel.magnitude(noise) + LOG_OFFSET), result, rtol=1e-6)


def test_silence_gives_the_logarithm_of_the_offset(log_mel):
    assert np.all(log_mel.rows(np.zeros(4000, np.float32)) == np.log(LOG_OFFSET))


def test_log_mel_leaves_its_input_alone_and_repeats_exactly(log_mel, noise):
    before = noise.copy()
    first = log_mel.rows(noise)
    assert np.array_equal(noise, before)
    assert np.array_equal(copy.deepcopy(log_mel).rows(noise), first)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told what to keep")
def test_memory_is_not_fetched_anew_for_every_clip():
    """In a new process, as a worker of the extraction is: about 1000 page faults a clip otherwise."""
    program = ("import resource, numpy; from mer.features.representations.log_mel import LogMel; log_mel = LogMel()\n"
               "for clip in range(30):\n"
               "    if clip == 10: before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
               "    log_mel.rows(numpy.ones((480000, 1), numpy.float32)[:, 0])\n"
               "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)")
    plain = {name: value for name, value in os.environ.items() if name != "MALLOC_TRIM_THRESHOLD_"}  # Dask sets it
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT,
                          env=plain)
    assert int(done.stdout) < 20 * 50


@pytest.mark.parametrize("n_samples, fits", [(1024, False), (1025, True)])
def test_waveform_too_short_to_reflect_is_refused(log_mel, n_samples, fits):
    waveform = np.ones(n_samples, np.float32)
    if fits:
        assert len(log_mel.rows(waveform)) == 3
    else:
        with pytest.raises(waveforms.AudioError, match="too short: 1024 samples came"):
            log_mel.rows(waveform)


def test_two_axes_are_refused(log_mel):
    with pytest.raises(waveforms.AudioError, match=r"shape \(2, 5000\)"):
        log_mel.rows(np.zeros((2, 5000), np.float32))


@pytest.mark.parametrize("values, message", [
    ({"n_fft": 2047}, "n_fft must be even"), ({"window_samples": 4096}, "not below the window"),
    ({"hop_samples": 0}, "hop at least 1"), ({"n_fft": 256, "window_samples": 256}, "bands would hold no")])
def test_impossible_settings_are_refused(values, message):
    with pytest.raises(MerError, match=message):
        LogMel(**values)


# --- load ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000, 96000])
def test_other_rates_keep_pitch_and_get_the_exact_length(tmp_path, log_mel, rate_hz):
    n_samples = int(2.0 * rate_hz) + 7
    soundfile.write(tmp_path / "a.wav", sine(1000, rate_hz=rate_hz, seconds=3)[:n_samples], rate_hz)
    waveform = waveforms.load(tmp_path / "a.wav", sample_rate_hz=RATE_HZ)
    assert len(waveform) == -(-n_samples * RATE_HZ // rate_hz)
    expected = log_mel.rows(sine(1000) * 2).argmax(axis=1)[2]
    assert np.all(log_mel.rows(waveform)[3:-3].argmax(axis=1) == expected)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_resampling_equals_librosa(tmp_path, rate_hz):
    librosa = pytest.importorskip("librosa")
    stereo = np.random.default_rng(3).uniform(-0.5, 0.5, (20011, 2))
    soundfile.write(tmp_path / "a.wav", stereo, rate_hz, subtype="FLOAT")
    theirs, _ = librosa.load(tmp_path / "a.wav", sr=RATE_HZ)
    ours = waveforms.load(tmp_path / "a.wav", sample_rate_hz=RATE_HZ)
    np.testing.assert_allclose(ours, theirs / np.abs(theirs).max(), atol=1e-6)


@pytest.mark.parametrize("n_channels", [1, 2, 6, 8])
@pytest.mark.parametrize("n_samples", [300, 512, 5000])
def test_channels_are_averaged(tmp_path, n_channels, n_samples):
    samples = np.random.default_rng(4).uniform(-1, 1, (n_samples, n_channels)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="FLOAT")
    mean = samples.astype(float).mean(axis=1)
    waveform = waveforms.load(tmp_path / "a.wav", sample_rate_hz=RATE_HZ)
    np.testing.assert_allclose(waveform, mean / np.abs(mean).max(), atol=1e-6)
    assert waveform.dtype == np.float32 and np.abs(waveform).max() == 1


@hypothesis.given(gain=st.floats(1e-3, 4), seed=st.integers(0, 99))
@hypothesis.settings(max_examples=25, deadline=None)
def test_gain_does_not_change_the_features(tmp_path_factory, gain, seed):
    path = tmp_path_factory.getbasetemp() / "gain.wav"
    samples = np.random.default_rng(seed).uniform(-1, 1, 6000)
    features = []
    for factor in (1, gain):
        soundfile.write(path, samples * factor, 22050, subtype="FLOAT")
        features.append(LogMel().rows(waveforms.load(path, sample_rate_hz=RATE_HZ)))
    np.testing.assert_allclose(*features, atol=1e-3)


@pytest.mark.parametrize("at", [0, 2500, 4999])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_one_sample_that_is_not_finite_is_refused(tmp_path, at, value, rate_hz):
    samples = sine(440)[:5000]
    samples[at] = value
    soundfile.write(tmp_path / "a.wav", samples, rate_hz, subtype="FLOAT")
    with pytest.raises(waveforms.AudioError, match="a.wav holds NaN or infinite samples"):
        waveforms.load(tmp_path / "a.wav", sample_rate_hz=RATE_HZ)


def test_silence_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((9000, 2)), 44100)
    with pytest.raises(waveforms.AudioError, match="a.wav is silent"):
        waveforms.load(tmp_path / "a.wav", sample_rate_hz=RATE_HZ)


# --- patches ---------------------------------------------------------------------------------------------

sizes = st.tuples(st.integers(0, 200), st.integers(1, 60), st.integers(1, 60))


@hypothesis.given(sizes)
def test_patches_are_the_naive_cut_without_a_copy(size):
    n_frames, patch_frames, hop_frames = size
    frames = np.arange(n_frames * 3, dtype=np.float32).reshape(n_frames, 3)
    starts = [start for start in range(0, n_frames, hop_frames) if start + patch_frames <= n_frames]
    reads = Chunks(Waveform(), 1.0, patch_frames)  # one row a sample
    patches = reads.cut(frames, hop_frames)
    assert reads.count(n_frames, hop_frames / 16000) == len(starts)
    assert patches.shape == (len(starts), patch_frames, 3)
    assert not patches.flags.writeable
    for patch, start in zip(patches, starts, strict=True):
        assert np.array_equal(patch, frames[start:start + patch_frames])
        assert np.shares_memory(patch, frames)


def test_the_quick_start_gives_the_same_features(log_mel, noise):
    quick = LogMel(quick_start=True)
    np.testing.assert_allclose(quick.rows(noise), log_mel.rows(noise), atol=2e-6)
    # in bands without sound only rounding is left
    one, other = np.exp(quick.rows(sine(1000))), np.exp(log_mel.rows(sine(1000)))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6 * other.max())
