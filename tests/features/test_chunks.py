"""Block by block comes what is made of the whole, with the same errors and little memory."""

import tracemalloc

import numpy as np
import pytest
import soundfile
from test_decode import tone, write_with_ffmpeg

from mer.features import decode
from mer.features import waveform as waveforms
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel

TRANSFORM = LogMel()
PATCHES = Chunks(TRANSFORM, 1.0, 31)


def features(path, **options):
    wave = waveforms.read(path, sample_rate_hz=16000, column_samples=512, **options)
    return wave, np.concatenate(list(TRANSFORM.stream(wave.blocks())))


def assert_like_whole(path, **options):
    whole = waveforms.load(path, sample_rate_hz=16000)
    wave, frames = features(path, **options)
    np.testing.assert_allclose(np.concatenate(list(wave.blocks())), whole, atol=1e-6)
    expected = TRANSFORM.rows(whole)
    assert frames.shape == expected.shape
    loud = expected > np.log(1e-5)  # near the floor, single precision ends
    assert loud.mean() > 0.3
    np.testing.assert_allclose(frames[loud], expected[loud], atol=1e-5)
    np.testing.assert_allclose(np.exp(frames), np.exp(expected), atol=1e-6)
    return wave


@pytest.mark.parametrize("kept_seconds", [0, 60], ids=["decoded twice", "kept"])
@pytest.mark.parametrize(("rate_hz", "n_channels"),
                         [(16000, 1), (44100, 2), (48000, 6), (8000, 8), (96000, 2), (22050, 1)])
def test_features_are_those_of_the_whole_file(tmp_path, rate_hz, n_channels, kept_seconds):
    path = tmp_path / "x.wav"
    noise = 0.1 * np.random.default_rng(1).standard_normal((int(9.3 * rate_hz) + 7, n_channels))
    soundfile.write(path, noise, rate_hz)
    wave = assert_like_whole(path, kept_seconds=kept_seconds)
    assert wave.seconds == pytest.approx(9.3, abs=0.001)
    assert np.abs(wave.envelope).max() == 1
    if rate_hz == 16000:
        assert wave.peak == pytest.approx(np.abs(noise).max(), abs=1e-4)


@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("mka", "flac"), ("mp3", "mp3")])
def test_compressed_files(tmp_path, suffix, codec):
    assert_like_whole(write_with_ffmpeg(tmp_path / f"x.{suffix}", tone(5.2), codec=codec), kept_seconds=0)


def test_ogg(tmp_path):
    soundfile.write(tmp_path / "x.ogg", tone(5.2), 44100)
    assert_like_whole(tmp_path / "x.ogg", kept_seconds=0)


def test_an_mp3_without_length_header_is_read_to_its_end(tmp_path):
    path = write_with_ffmpeg(tmp_path / "x.mp3", tone(9.0), codec="mp3", container={"write_xing": "0"})
    assert assert_like_whole(path, kept_seconds=0).seconds == pytest.approx(9.0, abs=0.1)


def test_real_music(shared):
    for path in sorted((shared / "data" / "emopia" / "Q2").glob("*.mp3"))[:3]:
        assert_like_whole(path, kept_seconds=0)


@pytest.mark.parametrize("n", [1025, 16000, 65536, 65537, 66559, 512 * 128 * 3 - 1, 512 * 128 * 3 + 513])
@pytest.mark.parametrize("block", [100, 4096, 200_000])
def test_blocks_of_any_size_give_the_same_frames(n, block):
    waveform = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    blocks = (waveform[start:start + block] for start in range(0, n, block))
    np.testing.assert_array_equal(np.concatenate(list(TRANSFORM.stream(blocks))), TRANSFORM.rows(waveform))


def test_other_settings_of_the_transform():
    transform = LogMel(n_fft=4096, window_samples=300, hop_samples=200, n_mel_bands=40)
    waveform = np.random.default_rng(0).standard_normal(123_456).astype(np.float32)
    frames = np.concatenate(list(transform.stream(iter([waveform[:70_000], waveform[70_000:]]))))
    np.testing.assert_allclose(frames, transform.rows(waveform), atol=1e-5)


@pytest.mark.parametrize("hop_frames", [1, 15, 31, 45])
@pytest.mark.parametrize("n_frames", [30, 31, 200, 1000])
def test_patches_are_those_of_the_whole(n_frames, hop_frames):
    frames = np.random.default_rng(0).standard_normal((n_frames, 128)).astype(np.float32)
    hop, n_samples = hop_frames * 0.032, 512 * (n_frames - 1)
    made = list(PATCHES.batches((frames[i:i + 77] for i in range(0, n_frames, 77)), hop_seconds=hop, size=8,
                                n=PATCHES.count(n_samples, hop)))
    expected = PATCHES.cut(frames, hop_frames)
    assert [len(batch) for batch in made[:-1]] == [8] * (len(made) - 1)
    np.testing.assert_array_equal(np.concatenate([*made, expected[:0]]), expected)


def write_broken(folder):
    whole = folder / "whole.wav"
    soundfile.write(whole, tone(3.0), 44100)
    flac = folder / "whole.flac"
    soundfile.write(flac, tone(3.0), 44100)
    (folder / "cut.wav").write_bytes(whole.read_bytes()[:200_000])
    (folder / "cut.flac").write_bytes(flac.read_bytes()[:100_000])
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "text.mp3").write_text("no sound, only words")
    (folder / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(9000))
    soundfile.write(folder / "no_samples.wav", np.empty((0, 2)), 44100)
    return [folder / name for name in ("cut.wav", "cut.flac", "empty.mp3", "text.mp3", "noise.mp3", "no_samples.wav",
                                       "missing.wav", "")]


def test_broken_files_get_the_sentence_of_decode(tmp_path):
    for path in write_broken(tmp_path):
        with pytest.raises(waveforms.AudioError) as expected:
            decode.decode(path)
        with pytest.raises(waveforms.AudioError) as came:
            waveforms.read(path, sample_rate_hz=16000)
        assert str(came.value) == str(expected.value)


def test_not_finite_samples_are_refused(tmp_path):
    samples = tone(2.0)
    samples[30_000] = np.nan
    soundfile.write(tmp_path / "x.wav", samples, 44100, subtype="FLOAT")
    with pytest.raises(waveforms.AudioError, match="holds NaN or infinite samples"):
        waveforms.read(tmp_path / "x.wav", sample_rate_hz=16000)


def test_silence_has_peak_zero(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(50_000), 44100)
    wave, frames = features(tmp_path / "x.wav")
    assert wave.peak == 0
    assert np.isfinite(frames).all()


def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for minutes in (5, 20):
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", 16000, 1) as file:
            for _ in range(minutes):
                file.write(np.random.default_rng(0).standard_normal(960_000) * 0.1)
        tracemalloc.start()
        wave = waveforms.read(path, sample_rate_hz=16000, kept_seconds=waveforms.KEPT_SECONDS)
        for _ in PATCHES.batches(TRANSFORM.stream(wave.blocks()), hop_seconds=0.992, size=64,
                                 n=PATCHES.count(wave.n_samples, 0.992)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert max(peaks) < 24  # MiB; 20 minutes are 73 MiB of samples
    assert peaks[1] < peaks[0] + 2  # the envelope
