"""decode: what can be read, in which shape, and the sentence that comes where nothing can."""

from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from mer.features import decode
from mer.features.containers import refusals

RATE_HZ = 44100


def tone(seconds=2.0, *, n_channels=2, rate_hz=RATE_HZ):
    """Sines of 440, 880, ... Hz, one a channel, amplitude 0.3, over faint noise: (n, channels), float32."""
    time = np.arange(int(seconds * rate_hz))[:, None] / rate_hz
    sines = 0.3 * np.sin(2 * np.pi * 440 * (1 + np.arange(n_channels)) * time)
    return (sines + 1e-3 * np.random.default_rng(0).standard_normal(sines.shape)).astype(np.float32)


def write_with_ffmpeg(path, samples, *, codec, rate_hz=RATE_HZ, container=None, **codec_options):
    """Encode (n, 1 or 2 channels) by FFmpeg; `container` holds options of the file format."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=rate_hz, options=codec_options)
        stream.layout = layout
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return path


def write(path, samples=None):
    """Write the tone in the format of the suffix."""
    samples = tone() if samples is None else samples
    if path.suffix == ".m4a":
        return write_with_ffmpeg(path, samples, codec="aac")
    soundfile.write(path, samples, RATE_HZ)
    return path


def error_of(path):
    """The message that decoding gives: one sentence that begins with the file and ends the way out."""
    with pytest.raises(decode.AudioError) as caught:
        decode.decode(path)
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert message.endswith(".") and ". " not in message and "\n" not in message and ";" in message
    return message.removeprefix(f"{path} ")


# --- what can be read ------------------------------------------------------------------------------------

@pytest.mark.parametrize("suffix, tolerance", [
    (".wav", 1e-4), (".flac", 1e-4), (".aiff", 1e-4), (".ogg", 0.05), (".mp3", 0.05), (".m4a", 0.05)])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_formats(tmp_path, suffix, tolerance, n_channels):
    expected = tone(n_channels=n_channels)
    samples, rate_hz = decode.decode(write(tmp_path / f"a{suffix}", expected))
    assert rate_hz == RATE_HZ and samples.dtype == np.float32 and samples.shape == expected.shape
    inner = slice(4000, -4000)  # lossy codecs blur the ends
    assert np.abs(samples[inner] - expected[inner]).max() < tolerance


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_wav_subtypes(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", tone(), RATE_HZ, subtype=subtype)
    samples, _ = decode.decode(tmp_path / "a.wav")
    assert np.abs(samples - tone()).max() < 0.02
    assert np.array_equal(samples, soundfile.read(tmp_path / "a.wav", dtype="float32")[0])


def test_eight_channels(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(n_channels=8), RATE_HZ, format="WAVEX")
    assert decode.decode(tmp_path / "a.wav")[0].shape == (2 * RATE_HZ, 8)


@pytest.mark.parametrize("name", [
    "A.WAV", "A.MP3", "A.M4A", "A.FlaC", "四季 şarkı.mp3", "шум.m4a", "Q1: a.m4a"])
def test_names_do_not_matter(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / f"plain{name[name.rindex('.'):].lower()}").rename(tmp_path / name)
    assert decode.decode(name)[0].shape == (2 * RATE_HZ, 2)
    assert decode.decode(tmp_path / name)[0].shape == (2 * RATE_HZ, 2)


def test_suffix_that_lies_is_read_by_content(tmp_path):
    write(tmp_path / "a.flac").rename(tmp_path / "a.wav")
    assert decode.decode(tmp_path / "a.wav")[0].shape == (2 * RATE_HZ, 2)


def test_mp3_without_length_header_is_read_to_its_end(tmp_path):
    loud_then_quiet = tone(10.0)
    loud_then_quiet[:RATE_HZ] += np.random.default_rng(1).standard_normal((RATE_HZ, 2)) * 0.2
    path = write_with_ffmpeg(tmp_path / "a.mp3", loud_then_quiet, codec="libmp3lame", flags="+qscale",
                             container={"write_xing": "0"})
    assert soundfile.info(path).duration < 9  # libsndfile's guess, which this test is about
    samples, _ = decode.decode(path)
    assert 10 <= len(samples) / RATE_HZ < 10.1


def test_tag_behind_an_mp3_without_length_header_is_not_missing_sound(tmp_path):
    path = write_with_ffmpeg(tmp_path / "a.mp3", tone(4.0), codec="libmp3lame", container={"write_xing": "0"})
    ends = [b"APETAGEX" + b"".join(n.to_bytes(4, "little") for n in (2000, 20032, 1, flags)) + bytes(8)
            for flags in (0xA0000000, 0x80000000)]
    path.write_bytes(path.read_bytes() + bytes(20000).join(ends))
    assert soundfile.info(path).duration > 4.5  # libsndfile's guess counts the tag as sound
    assert 4 <= len(decode.decode(path)[0]) / RATE_HZ < 4.1


def test_flac_of_unknown_length(tmp_path):
    """As an encoder leaves it that writes into a pipe: the 36 bits of the sample count are zero."""
    content = bytearray(write(tmp_path / "a.flac").read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    assert decode.decode(tmp_path / "a.flac")[0].shape == (2 * RATE_HZ, 2)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_wav_of_unknown_length(tmp_path, size):
    content = bytearray(write(tmp_path / "a.wav").read_bytes())
    at = content.index(b"data") + 4
    content[at:at + 4] = content[4:8] = size.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    assert decode.decode(tmp_path / "a.wav")[0].shape == (2 * RATE_HZ, 2)


def test_an_mp3_a_frame_short_of_its_header_is_accepted(tmp_path):
    content = write(tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(content[:-50])
    assert 0 < 2 * RATE_HZ - len(decode.decode(tmp_path / "a.mp3")[0]) < 3000


@pytest.mark.parametrize("head, is_text", [(b"RIFF\x24\x08\x00\x00WAVE", False), (b"ID3\x04\xff", False),
                                           ("a\r\n\té".encode(), True), ("\ufeff歌".encode()[:-1], True)])
def test_text_is_told_from_a_header(head, is_text):
    assert refusals.is_text(head) == is_text


# --- what cannot -----------------------------------------------------------------------------------------

def test_missing(tmp_path):
    assert error_of(tmp_path / "none.wav").startswith("does not exist, but an audio file was expected; check")


def test_folder(tmp_path):
    assert error_of(tmp_path).startswith("is a folder, but an audio file was expected; name one")


def test_name_that_the_system_refuses(tmp_path):
    assert error_of(tmp_path / ("a" * 300 + ".wav")).startswith("cannot be read (File name too long)")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".m4a"])
class TestEveryFormat:
    def test_empty_file(self, tmp_path, suffix):
        (tmp_path / f"a{suffix}").touch()
        assert error_of(tmp_path / f"a{suffix}").startswith("is empty (0 bytes)")

    @pytest.mark.parametrize("text", ["<html>404 not found</html>", "#EXTM3U\nhttp://127.0.0.1:9/a.mp3\n",
                                      "没有这首歌。" * 300])
    def test_text(self, tmp_path, suffix, text):
        (tmp_path / f"a{suffix}").write_text(text, encoding="utf-8")
        assert error_of(tmp_path / f"a{suffix}").startswith("is text, but audio was expected")

    def test_git_lfs_pointer(self, tmp_path, suffix):
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n"
        (tmp_path / f"a{suffix}").write_text(pointer)
        assert "run 'git lfs pull'" in error_of(tmp_path / f"a{suffix}")

    def test_random_bytes(self, tmp_path, suffix):
        (tmp_path / f"a{suffix}").write_bytes(np.random.default_rng(5).bytes(40000))
        assert error_of(tmp_path / f"a{suffix}").startswith(("cannot be decoded (", "holds no samples"))

    @pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
    def test_truncated(self, tmp_path, suffix, kept):
        content = write(tmp_path / f"a{suffix}", tone(8.0)).read_bytes()
        (tmp_path / f"a{suffix}").write_bytes(content[:int(kept * len(content))])
        message = error_of(tmp_path / f"a{suffix}")
        assert "truncated" in message or (suffix == ".m4a" and message.startswith("cannot be decoded"))


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3", ".m4a"])  # any bytes are sound in a wav
def test_damaged_in_the_middle(tmp_path, suffix):
    content = bytearray(write(tmp_path / f"a{suffix}", tone(8.0)).read_bytes())
    middle, size = len(content) // 2, len(content) // 5
    content[middle:middle + size] = np.random.default_rng(6).bytes(size)
    (tmp_path / f"a{suffix}").write_bytes(content)
    assert "truncated" in error_of(tmp_path / f"a{suffix}")


def test_m4a_with_its_index_in_front_truncated(tmp_path):
    path = write_with_ffmpeg(tmp_path / "a.m4a", tone(8.0), codec="aac", container={"movflags": "+faststart"})
    path.write_bytes(path.read_bytes()[:-2000])
    assert "truncated" in error_of(path)


def test_mp3_truncated_behind_its_tag(tmp_path):
    content = write(tmp_path / "a.mp3").read_bytes()
    tag = b"ID3\x04\x00\x00" + bytes([0, 0, 50, 7]) + bytes(50 * 128 + 7)
    (tmp_path / "a.mp3").write_bytes(tag + content)
    assert decode.decode(tmp_path / "a.mp3")[0].shape == (2 * RATE_HZ, 2)
    (tmp_path / "a.mp3").write_bytes(tag + content[:len(content) // 2])
    assert error_of(tmp_path / "a.mp3").startswith("is truncated")


def test_channels_that_change_on_the_way(tmp_path):
    parts = [write_with_ffmpeg(tmp_path / f"{n}.aac", tone(n_channels=n), codec="aac") for n in (2, 1)]
    (tmp_path / "a.aac").write_bytes(b"".join(part.read_bytes() for part in parts))
    assert error_of(tmp_path / "a.aac").startswith("changes from 2 to 1 channel after 2.0 s")


def test_truncation_says_how_much_is_left(tmp_path):
    content = write(tmp_path / "a.wav", tone(8.0)).read_bytes()
    (tmp_path / "a.wav").write_bytes(content[:len(content) // 4])
    assert error_of(tmp_path / "a.wav").startswith("is truncated: 2.00 s came, but it announces 8.00 s;")


def test_header_without_samples(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 1)), RATE_HZ)
    assert error_of(tmp_path / "a.wav").startswith("holds no samples")


def test_headerless_samples(tmp_path):
    (tmp_path / "a.raw").write_bytes(tone().tobytes())
    assert error_of(tmp_path / "a.raw").startswith(("cannot be decoded (", "has no audio stream"))


def test_picture(tmp_path):
    path = tmp_path / "a.png"
    with av.open(str(path), "w", format="image2") as file:
        stream = file.add_stream("png", rate=1)
        stream.width = stream.height = 16
        stream.pix_fmt = "rgb24"
        picture = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        for packet in (*stream.encode(picture), *stream.encode(None)):
            file.mux(packet)
    assert error_of(path).startswith("has no audio stream")
