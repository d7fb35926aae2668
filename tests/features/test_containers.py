"""containers and decode: formats other than mp3, what is no file, channels and silence."""

import os
import socket

import numpy as np
import pytest
import soundfile
from test_decode import RATE_HZ, error_of, tone, write, write_with_ffmpeg
from test_mp3 import seconds_of

from mer.features import decode
from mer.features import waveform as waveforms
from mer.features.containers import joined, mp3

# --- other formats ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("suffix", [".ogg", ".flac", ".wav", ".aiff"])
def test_other_joined_files_are_read_whole(tmp_path, suffix):
    content = write(tmp_path / f"a{suffix}", tone(2.0)).read_bytes()
    assert seconds_of(tmp_path, content + content, name=f"b{suffix}") == 4
    mono = write(tmp_path / f"c{suffix}", tone(1.0, n_channels=1)).read_bytes()
    (tmp_path / f"d{suffix}").write_bytes(content + mono)
    assert error_of(tmp_path / f"d{suffix}").startswith("changes from 2 to 1 channel after 2.0 s")


@pytest.mark.parametrize("suffix, options", [(".au", {}), (".caf", {}), (".w64", {}), (".rf64", {"format": "RF64"})])
def test_sound_that_libsndfile_shortens_is_joined_or_truncated(tmp_path, suffix, options):
    soundfile.write(tmp_path / f"a{suffix}", tone(2.0), RATE_HZ, **options)
    content = (tmp_path / f"a{suffix}").read_bytes()
    assert seconds_of(tmp_path, content + content, name=f"b{suffix}") == pytest.approx(4, abs=1e-3)
    (tmp_path / f"c{suffix}").write_bytes(content[:len(content) // 2])
    assert error_of(tmp_path / f"c{suffix}").startswith("is truncated: ")


@pytest.mark.parametrize("suffix, codec", [(".m4a", "aac"), (".mp4", "alac"), (".3gp", "aac"), (".tta", "tta"),
                                           (".flv", "libmp3lame"), (".mka", "libopus")])
def test_joined_files_that_ffmpeg_reads(tmp_path, suffix, codec):
    rate_hz = 48000 if codec == "libopus" else 44100
    path = write_with_ffmpeg(tmp_path / f"a{suffix}", tone(2.0, rate_hz=rate_hz), codec=codec, rate_hz=rate_hz)
    one = decode.decode(path)[0]
    path.write_bytes(2 * path.read_bytes())
    assert len(decode.decode(path)[0]) == pytest.approx(2 * len(one), abs=0.01 * rate_hz)
    assert len(waveforms.load(path, sample_rate_hz=16000)) == waveforms.read(path, sample_rate_hz=16000).n_samples


def test_a_file_never_leads_to_another(tmp_path):
    """Playlists with binary bytes behind them, which are no text."""
    soundfile.write(tmp_path / "secret.wav", tone(2.0), RATE_HZ)
    for number, words in enumerate(["ffconcat version 1.0\nfile secret.wav\n",
                                    f"#EXTM3U\n#EXTINF:2,\n{tmp_path}/secret.wav\n",
                                    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.wav\n#EXT-X-ENDLIST\n"]):
        for suffix in (".mp3", ".m4a", ".m3u8"):
            path = tmp_path / f"{number}{suffix}"
            path.write_bytes(words.encode() + bytes(3000))
            assert error_of(path)
            with pytest.raises(waveforms.AudioError):
                decode.duration_seconds(path)


@pytest.mark.parametrize("form", ["AVR", "HTK", "PVF", "PAF", "SD2", "XI", "MAT4", "VOC", "IRCAM"])
def test_quiet_integers_are_no_frames_of_an_mp3(tmp_path, form):
    """A format whose length cannot be checked is refused; none is taken for an mp3 in free format."""
    path = tmp_path / "a.bin"
    soundfile.write(path, 0.025 * np.sin(np.arange(16000)), 16000, format=form)
    assert mp3.walk(path) is None
    assert error_of(path).startswith(("is in the format", "cannot be decoded", "is of no format", "is damaged"))


@pytest.mark.parametrize("suffix", [".au", ".snd", ".vox", ".gsm", ".raw", ".bin"])
def test_bytes_without_a_header_are_no_sound_whatever_the_suffix(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(np.random.default_rng(0).bytes(100_000))
    assert error_of(tmp_path / f"a{suffix}")


def test_a_cut_ogg_is_refused_whoever_reads_it(tmp_path):
    path = write_with_ffmpeg(tmp_path / "a.ogg", tone(4.0), codec="flac")
    path.write_bytes(path.read_bytes()[:-2000])
    assert error_of(path).startswith(("is truncated", "is damaged"))


def test_chained_opus(tmp_path):
    soundfile.write(tmp_path / "a.opus", tone(2.0, rate_hz=48000), 48000, format="OGG", subtype="OPUS")
    content = (tmp_path / "a.opus").read_bytes()
    assert seconds_of(tmp_path, content + content, name="b.opus") == pytest.approx(4, abs=0.001)


@pytest.mark.parametrize("n_told, is_read", [(RATE_HZ // 2, True), (0, True), (8 * RATE_HZ, False)])
def test_a_flac_that_tells_another_length(tmp_path, n_told, is_read):
    content = bytearray(write(tmp_path / "a.flac").read_bytes())
    content[21] = content[21] & 0xF0
    content[22:26] = n_told.to_bytes(4, "big")
    if is_read:
        (tmp_path / "b.flac").write_bytes(content)
        samples, _ = decode.decode(tmp_path / "b.flac")
        np.testing.assert_allclose(samples, decode.decode(tmp_path / "a.flac")[0], atol=1e-6)
    else:
        (tmp_path / "b.flac").write_bytes(content)
        assert error_of(tmp_path / "b.flac").startswith("is truncated: 2.00 s came, but it announces 8.00 s")


@pytest.mark.parametrize("seconds", [0.01, 0.5, 7.3])
def test_the_last_frame_of_a_flac_tells_its_length(tmp_path, seconds):
    path = write(tmp_path / "a.flac", tone(seconds))
    assert joined.flac_samples(path, 0, path.stat().st_size) == int(seconds * RATE_HZ)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_that_was_written_into_a_pipe(tmp_path, size):
    content = bytearray(write(tmp_path / "a.wav").read_bytes())
    at = content.index(b"data") + 4
    content[at:at + 4] = size.to_bytes(4, "little")
    assert seconds_of(tmp_path, bytes(content), name="b.wav") == 2


@pytest.mark.parametrize("rate_hz", [1, 7, 999, 2_000_000_000])
def test_a_rate_that_nobody_records_at_is_refused_before_any_work(tmp_path, rate_hz):
    content = bytearray(write(tmp_path / "a.wav").read_bytes())
    content[24:28] = rate_hz.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    message = error_of(tmp_path / "a.wav")
    assert message.startswith(f"says that it has {rate_hz:,} samples a second".replace(",", " "))
    for read in (waveforms.load, waveforms.read):
        with pytest.raises(waveforms.AudioError, match="samples a second"):
            read(tmp_path / "a.wav", sample_rate_hz=16000)


@pytest.mark.parametrize("suffix, codec, rate_hz", [
    (".mp2", "mp2", 44100), (".wma", "wmav2", 44100), (".mka", "flac", 44100), (".webm", "libopus", 48000),
    (".mp4", "aac", 44100), (".m4b", "aac", 44100), (".wv", "wavpack", 44100), (".caf", "pcm_s16le", 44100),
    (".ac3", "ac3", 48000), (".tta", "tta", 44100), (".aifc", "", 44100), (".oga", "", 44100)])
def test_every_suffix_is_read_by_both_paths(tmp_path, suffix, codec, rate_hz):
    assert suffix in decode.AUDIO_SUFFIXES
    path, samples = tmp_path / f"a{suffix}", tone(rate_hz=rate_hz)
    if codec:
        container = {"format": "mp4"} if suffix == ".m4b" else {}
        target = tmp_path / f"b{'.mp4' if container else suffix}"
        write_with_ffmpeg(target, samples, codec=codec, rate_hz=rate_hz, b="128000").rename(path)
    else:
        soundfile.write(path, samples, rate_hz, **({"format": "AIFF", "subtype": "ULAW"} if suffix == ".aifc" else
                                                   {"format": "OGG"}))
    whole = waveforms.load(path, sample_rate_hz=16000)
    assert len(whole) / 16000 == pytest.approx(2, abs=0.12)
    wave = waveforms.read(path, sample_rate_hz=16000, kept_seconds=0)
    np.testing.assert_array_equal(np.concatenate(list(wave.blocks())), whole)


def test_layer_two_called_mp3(tmp_path):
    write_with_ffmpeg(tmp_path / "a.mp2", tone(), codec="mp2").rename(tmp_path / "a.mp3")
    assert len(decode.decode(tmp_path / "a.mp3")[0]) / RATE_HZ == pytest.approx(2, abs=0.05)


# --- what is no file -------------------------------------------------------------------------------------------

@pytest.mark.skipif(os.name != "posix", reason="pipes and devices with names")
def test_pipes_sockets_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.mp3")
    assert error_of(tmp_path / "a.mp3").startswith("is a pipe, but an audio file was expected")
    with socket.socket(socket.AF_UNIX) as made:
        os.chdir(tmp_path)
        made.bind("b.mp3")
        assert error_of(tmp_path / "b.mp3").startswith("is a socket")
    (tmp_path / "c.mp3").symlink_to("/dev/zero")
    assert error_of(tmp_path / "c.mp3").startswith("is a device")
    for name in ("a.mp3", "c.mp3"):
        with pytest.raises(waveforms.AudioError):
            decode.duration_seconds(tmp_path / name)


# --- channels and silence --------------------------------------------------------------------------------------

@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_of_opposite_channels_one_is_read(tmp_path, suffix):
    left = tone(3.0, n_channels=1)
    soundfile.write(tmp_path / f"a{suffix}", np.hstack([left, -left]), RATE_HZ)
    soundfile.write(tmp_path / "left.wav", left, RATE_HZ)
    remarks = []
    waveform_ = waveforms.load(tmp_path / f"a{suffix}", sample_rate_hz=16000, on_remark=remarks.append)
    expected = waveforms.load(tmp_path / "left.wav", sample_rate_hz=16000)
    assert "channels that cancel each other, so only channel" in remarks[0]
    assert abs(np.corrcoef(waveform_, expected)[0, 1]) > 0.999
    wave = waveforms.read(tmp_path / f"a{suffix}", sample_rate_hz=16000, kept_seconds=0)
    np.testing.assert_array_equal(np.concatenate(list(wave.blocks())), waveform_)
    assert wave.remark == remarks[0] and not wave.is_silent


@pytest.mark.parametrize("suffix, codec", [(".m4a", "aac"), (".webm", "libopus")])
def test_opposite_channels_that_lossy_coding_left_something_of(tmp_path, suffix, codec):
    """The residue of the coder, scaled to peak 1, is not the sound."""
    noise = np.random.default_rng(0).normal(size=(3 * 48000, 1)).astype("f")
    left = tone(3.0, n_channels=1, rate_hz=48000) + 0.02 * noise
    write_with_ffmpeg(tmp_path / f"a{suffix}", np.hstack([left, -left]), codec=codec, rate_hz=48000)
    soundfile.write(tmp_path / "left.wav", left, 48000)
    wave = waveforms.read(tmp_path / f"a{suffix}", sample_rate_hz=16000)
    expected = waveforms.load(tmp_path / "left.wav", sample_rate_hz=16000)
    n_samples = min(len(expected), wave.n_samples)
    coded = np.concatenate(list(wave.blocks()))
    assert wave.channel is not None
    assert max(abs(np.corrcoef(coded[lag:n_samples], expected[:n_samples - lag])[0, 1]) for lag in range(0, 800)) > 0.9


@pytest.mark.parametrize("n_channels", [2, 6, 250])
def test_channels_that_have_nothing_in_common_are_averaged(tmp_path, n_channels):
    noise = 0.1 * np.random.default_rng(0).normal(size=(16000, n_channels))
    soundfile.write(tmp_path / "a.wav", noise, 16000)
    assert waveforms.read(tmp_path / "a.wav", sample_rate_hz=16000).channel is None


def test_a_high_tone_in_both_channels_does_not_cancel(tmp_path):
    high = 0.5 * np.sin(2 * np.pi * 15000 * np.arange(3 * RATE_HZ) / RATE_HZ)
    soundfile.write(tmp_path / "a.wav", np.stack([high, high], axis=1), RATE_HZ, subtype="FLOAT")
    assert waveforms.read(tmp_path / "a.wav", sample_rate_hz=16000).channel is None


@pytest.mark.parametrize("peak, is_silent", [(0.9 * waveforms.SILENT_PEAK, True), (1.1 * waveforms.SILENT_PEAK, False)])
def test_one_threshold_of_silence(tmp_path, peak, is_silent):
    soundfile.write(tmp_path / "a.wav", peak * np.sin(np.arange(32000) / 9), 16000, subtype="FLOAT")
    assert waveforms.read(tmp_path / "a.wav", sample_rate_hz=16000).is_silent == is_silent
    if is_silent:
        with pytest.raises(waveforms.AudioError, match="is silent"):
            waveforms.load(tmp_path / "a.wav", sample_rate_hz=16000)
    else:
        assert np.abs(waveforms.load(tmp_path / "a.wav", sample_rate_hz=16000)).max() == 1
