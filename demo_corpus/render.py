"""Score -> stereo sound: sampled instruments (TinySoundFont), the voice, equalisation, reverberation, level."""

import importlib.util
from pathlib import Path

import numpy as np
import soxr
from scipy.signal import oaconvolve

from demo_corpus import singing, sound, voices
from mer import MerError

_VOICE_LEVEL = 0.8  # of the RMS level of one side of the accompaniment while the voice sounds
_FADE_SECONDS = 0.7


def soundfont_path():
    """Path of TimGM6mb.sf2, which the wheel of pretty_midi carries; pretty_midi itself is not imported."""
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).with_name("TimGM6mb.sf2") if spec else None
    if path is None or not path.exists():
        raise MerError("the soundfont TimGM6mb.sf2 of pretty_midi was not found; run "
                       "`pip install --no-deps -r requirements-demo-nodeps.txt`.")
    return path


def instruments(score, sample_rate):
    """Play the parts of a score at a sample rate in Hz: float32, shape (n, 2)."""
    import tinysoundfont

    synth = tinysoundfont.Synth(gain=-9, samplerate=sample_rate)
    font = synth.sfload(str(soundfont_path()))
    channels = iter(number for number in range(16) if number != 9)
    n_samples, events = int(score.seconds * sample_rate), []
    for part in score.parts:
        channel = 9 if part.is_drums else next(channels)
        synth.program_select(channel, font, 128 if part.is_drums else 0, part.program, part.is_drums)
        synth.control_change(channel, 10, int(round(64 + 63 * part.pan)))
        for note in part.notes:
            first = int(note.start * sample_rate)
            last = first + max(int(note.duration * sample_rate), 1)
            events += [(first, 1, channel, note.pitch, note.velocity), (last, 0, channel, note.pitch, 0)]
    chunks, now = [], 0
    for sample, is_on, channel, pitch, velocity in [*sorted(events), (n_samples, 0, 0, 0, 0)]:  # ends before starts
        sample = min(sample, n_samples)
        if sample > now:
            chunks.append(bytes(synth.generate(sample - now)))
            now = sample
        if is_on:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    return np.frombuffer(b"".join(chunks), np.float32).reshape(-1, 2).copy()


def voice(score, artist, sample_rate, rng):
    """Sing or speak the lines of a score at a sample rate in Hz: float32, shape (n,), as long as the score."""
    track = np.zeros(int(score.seconds * voices.SAMPLE_RATE) + 1, np.float32)
    for line in score.lines:
        start = line.notes[0].start
        if score.delivery == "spoken":
            said = voices.say(line.text, voice=artist.singer.voice, rate=int(rng.integers(115, 150)),
                              seed=int(rng.integers(1, 2**31)))
            samples = said.samples / np.abs(said.samples).max()
        else:
            samples, lead = singing.sing(line.text, line.notes, artist.singer, rng=rng)
            start -= lead
        first = int(start * voices.SAMPLE_RATE)  # before the track starts where a first consonant is long
        samples = samples[max(-first, 0):len(track) - first]
        track[max(first, 0):][:len(samples)] += samples
    if sample_rate != voices.SAMPLE_RATE:
        track = soxr.resample(track, voices.SAMPLE_RATE, sample_rate, "HQ")
    return np.pad(track, (0, sample_rate))[:int(score.seconds * sample_rate)]


def balance(accompaniment, vocal, cues, sample_rate):
    """Equalise the accompaniment (n, 2) and the voice (n,) and set their balance; returns both in the same shapes.

    Where the voice sounds, it becomes `_VOICE_LEVEL` times as strong (RMS) as one side of the accompaniment.
    """
    # Louder playing and brighter instruments have a flatter spectrum.
    tilt = 9 * (cues["brightness"] - 0.5) + 0.12 * (cues["velocity"] - 80)
    played, sung = (sound.shelf(track, decibel, 1500, sample_rate)
                    for track, decibel in ((accompaniment, tilt), (vocal, 0.5 * tilt + 3)))
    sounding = np.abs(vocal) > 0.02
    if sounding.any():
        sung *= _VOICE_LEVEL * np.sqrt(np.mean(played[sounding] ** 2) / np.mean(sung[sounding] ** 2))
    return played, sung


def clip_audio(clip, score, sample_rate):
    """Voice and instruments of a clip, balanced, in a room, faded out, at the level of the playing.

    Returns float32, shape (n, 2), in ]-1, 1[, at a sample rate in Hz.
    """
    artist, rng = clip.artist, np.random.default_rng((*clip.seed, 1))
    vocal = voice(score, artist, sample_rate, rng)
    played, sung = balance(instruments(score, sample_rate), vocal, score.cues, sample_rate)
    dry = played + sung[:, None]
    room = sound.room(artist.reverb_seconds, sample_rate, rng, silence=0.012, channels=2, treble_hz=3500)
    wet = dry + artist.wetness * oaconvolve(dry.astype(np.float32), room.astype(np.float32), axes=0)[:len(dry)]
    fade = np.clip((score.seconds - np.arange(len(wet)) / sample_rate) / _FADE_SECONDS, 0, 1)
    wet *= (fade ** 2)[:, None]
    loudness = np.clip((score.cues["velocity"] - 38) / 80, 0, 1)
    peak = 10 ** ((-1 - 10 * (1 - loudness)) / 20)  # -11 to -1 dB of full scale
    return (wet / (np.abs(wet).max() + 1e-9) * peak).astype(np.float32)
