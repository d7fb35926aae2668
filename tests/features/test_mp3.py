"""mp3 files: the frames of a file decide, whatever its header, tags or neighbours say."""

import struct

import numpy as np
import pytest
import soundfile
from test_decode import RATE_HZ, error_of, tone, write_with_ffmpeg

from mer.features import decode
from mer.features import waveform as waveforms
from mer.features.containers import mp3, mp3_frames

TAG = b"ID3\x04\x00\x00" + bytes([0, 0, 100, 7]) + bytes(100 * 128 + 7)
FORMS = ["22050 1", "22050 2", "32000 2", "44100 2", "48000 1", "48000 2", "8000 1", "12000 2"]


def mp3_bytes(folder, seconds=3.0, *, rate_hz=RATE_HZ, n_channels=2, header=True, **options):
    path = write_with_ffmpeg(folder / "made.mp3", tone(seconds, n_channels=n_channels, rate_hz=rate_hz),
                             codec="libmp3lame", rate_hz=rate_hz, container={} if header else {"write_xing": "0"},
                             **options)
    content = path.read_bytes()
    return content[45:] if content.startswith(b"ID3") and content[6:10] == bytes([0, 0, 0, 35]) else content


def seconds_of(folder, content, *, name="a.mp3"):
    """Length of what is read; whole and streamed reading must agree, and so must the length told beforehand."""
    path = folder / name
    path.write_bytes(content)
    samples, rate_hz = decode.decode(path)
    wave = waveforms.read(path, sample_rate_hz=16000, kept_seconds=0)
    np.testing.assert_array_equal(np.concatenate(list(wave.blocks())), waveforms.load(path, sample_rate_hz=16000))
    assert decode.duration_seconds(path) == pytest.approx(len(samples) / rate_hz, abs=0.001)
    return len(samples) / rate_hz


def with_count(content, n_frames):
    at = max(content.find(b"Xing"), content.find(b"Info"))
    return content[:at + 8] + n_frames.to_bytes(4, "big") + content[at + 12:]


# --- mp3: length -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [{"header": True}, {"header": False}, {"header": False, "flags": "+qscale"}],
                         ids=["header", "none", "none, variable"])
def test_all_frames_of_an_mp3_are_read(tmp_path, form, options):
    rate_hz, n_channels = map(int, form.split())
    content = mp3_bytes(tmp_path, rate_hz=rate_hz, n_channels=n_channels, **options)
    assert seconds_of(tmp_path, content) == pytest.approx(3, abs=0.001 if options["header"] else 3500 / rate_hz)


def test_an_ordinary_mp3_has_the_samples_that_libsndfile_gives(tmp_path):
    for header in (True, False):
        path = tmp_path / "a.mp3"
        path.write_bytes(mp3_bytes(tmp_path, header=header, b="128000"))
        np.testing.assert_allclose(decode.decode(path)[0], soundfile.read(path, dtype="float32")[0], atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_header_that_counts_too_few_frames_is_not_believed(tmp_path, share):
    content = mp3_bytes(tmp_path)
    n_frames = mp3.walk(tmp_path / "made.mp3").n_frames
    assert seconds_of(tmp_path, with_count(content, int(share * n_frames))) == pytest.approx(3, abs=0.001)


def test_a_header_that_counts_nothing_is_not_believed(tmp_path):
    assert seconds_of(tmp_path, with_count(mp3_bytes(tmp_path), 0)) == pytest.approx(3, abs=0.08)


def test_a_header_that_counts_more_frames_means_that_some_are_lost(tmp_path):
    (tmp_path / "a.mp3").write_bytes(with_count(mp3_bytes(tmp_path), 300))
    assert error_of(tmp_path / "a.mp3").startswith("is truncated: 3.0")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("between", [b"", TAG, b"TAG" + bytes(125), b"TAG" + bytes(125) + TAG],
                         ids=["nothing", "ID3v2", "ID3v1", "both"])
def test_joined_files_are_read_whole(tmp_path, header, between):
    content = mp3_bytes(tmp_path, header=header)
    assert seconds_of(tmp_path, content + between + content) == pytest.approx(6, abs=0.16)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("before, behind", [
    (TAG, b""), (TAG + TAG, b""), (b"ID3\x04\x00\x00" + bytes([1, 0, 0, 0]) + b"\xff\xfb\x90\x64" * 2**19, b""),
    (b"\x00" * 3000, b""), (b"junk\xff\xfb\x90" * 300, b""), (b"", b"TAG" + bytes(125)),
    (b"", b"APETAGEX" + struct.pack("<IIII", 2000, 20032, 1, 0xA0000000) + bytes(8) + bytes(20000) + b"APETAGEX"
     + struct.pack("<IIII", 2000, 20032, 1, 0x80000000) + bytes(8)),
    (b"", b"LYRICSBEGIN" + b"la" * 900 + b"001811LYRICS200")],
    ids=["ID3v2", "two ID3v2", "2 MiB", "zeros", "junk", "ID3v1", "APE", "Lyrics3"])
def test_tags_and_junk_around_the_frames_are_no_sound(tmp_path, header, before, behind):
    content = mp3_bytes(tmp_path, header=header)
    assert seconds_of(tmp_path, before + content + behind) == pytest.approx(seconds_of(tmp_path, content), abs=0.001)


def test_half_of_the_last_frame_is_left_out(tmp_path):
    content = mp3_bytes(tmp_path, header=False, b="128000")
    assert seconds_of(tmp_path, content[:-200]) == pytest.approx(seconds_of(tmp_path, content), abs=0.03)


def test_a_hole_in_an_mp3_without_header_is_damage(tmp_path):
    content = mp3_bytes(tmp_path, 6.0, header=False)
    half = len(content) // 2
    (tmp_path / "a.mp3").write_bytes(content[:half] + np.random.default_rng(0).bytes(20000) + content[half:])
    assert error_of(tmp_path / "a.mp3").startswith("is damaged or truncated (")


@pytest.mark.parametrize("header", [True, False])
def test_a_header_of_free_format_among_regular_frames_ends(tmp_path, header):
    content = bytearray(mp3_bytes(tmp_path, header=header, b="128000"))
    at = content.find(content[:2], len(content) // 2)
    assert mp3_frames.parsed(bytes(content[at:at + 4]))
    content[at + 2] &= 0x0F  # one such frame took no bytes, and the walk stayed there without end
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    walked = mp3.walk(path)
    assert 3 < walked.n_frames * walked.frame_seconds + walked.junk_seconds < 3.3 and walked.junk_bytes


def test_free_format(tmp_path):
    """Frames that do not tell their size: the bit rate of every header is set to 0."""
    content = bytearray(mp3_bytes(tmp_path, header=False, b="128000"))
    at, heads = 0, mp3_frames.Heads()
    while head := heads[bytes(content[at:at + 4])]:
        content[at + 2] &= 0x0F
        at += head[0]
    assert seconds_of(tmp_path, bytes(content)) == pytest.approx(3, abs=0.1)


# --- mp3: one signal -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("second, what", [
    ({"rate_hz": 48000}, "its sample rate from 44 100 to 48 000 Hz after 3.0 s"),
    ({"rate_hz": 16000}, "its sample rate from 44 100 to 16 000 Hz after 3.0 s"),
    ({"n_channels": 1}, "from 2 to 1 channel after 3.0 s")])
def test_a_change_of_rate_or_channels_is_refused_with_its_place(tmp_path, header, second, what):
    (tmp_path / "a.mp3").write_bytes(mp3_bytes(tmp_path, header=header) + mp3_bytes(tmp_path, header=header, **second))
    assert error_of(tmp_path / "a.mp3").startswith(f"changes {what}, but one of each was expected;")
    for read in (waveforms.load, waveforms.read):
        with pytest.raises(waveforms.AudioError, match="changes"):
            read(tmp_path / "a.mp3", sample_rate_hz=16000)


def test_a_low_rate_first(tmp_path):
    (tmp_path / "a.mp3").write_bytes(mp3_bytes(tmp_path, rate_hz=16000, header=False) + mp3_bytes(tmp_path))
    assert error_of(tmp_path / "a.mp3").startswith("changes its sample rate from 16 000 to 44 100 Hz")


def test_blocks_have_no_seek_between_them(tmp_path):
    """Loud after quiet, in variable bit rate: frames take bits from those before, which a seek loses."""
    loud = tone(12.0) + 0.3 * np.random.default_rng(0).standard_normal((12 * RATE_HZ, 2)).astype(np.float32)
    loud[RATE_HZ:4 * RATE_HZ] *= 1e-3
    path = write_with_ffmpeg(tmp_path / "a.mp3", loud, codec="libmp3lame", flags="+qscale")
    whole = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_allclose(decode.decode(path)[0], whole, atol=1e-6)


@pytest.mark.parametrize("name", ["xing_half_frames", "xing_zero_frames", "vbr_noheader"])
def test_cases_of_length(shared, name):
    path = shared / "cases" / f"{name}.mp3"
    samples, rate_hz = decode.decode(path)
    assert len(samples) / rate_hz == pytest.approx(10.0 if "half" in name else 10.03, abs=0.005)
    assert decode.duration_seconds(path) == pytest.approx(len(samples) / rate_hz)


def test_case_of_two_rates(shared):
    assert error_of(shared / "cases" / "rate44_then_48.mp3").startswith(
        "changes its sample rate from 44 100 to 48 000 Hz after 10.0 s")
