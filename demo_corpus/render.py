"""Score -> stereo sound: sampled instruments (TinySoundFont), the voice, equalisation, reverberation, level."""

import importlib.util
from pathlib import Path

import numpy as np
import soxr
from scipy.signal import lfilter, oaconvolve

from demo_corpus import singing, voices
from mer import MerError

_VOICE_LEVEL = 0.8  # of the RMS level of one side of the accompaniment while the voice sounds
_FADE_SECONDS = 0.7


def soundfont_path():
    """Path of TimGM6mb.sf2, which the wheel of pretty_midi carries; pretty_midi itself is not imported.

    Raises
    ------
    MerError
        If it is not installed.
    """
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).with_name("TimGM6mb.sf2") if spec else None
    if path is None or not path.exists():
        raise MerError("the soundfont TimGM6mb.sf2 of pretty_midi was not found; run "
                       "`pip install --no-deps -r requirements-demo-nodeps.txt`.")
    return path


def instruments(score, sample_rate):
    """Play the parts of a score.

    Parameters
    ----------
    score : compose.Score
    sample_rate : int
        In Hz.

    Returns
    -------
    np.ndarray, shape (n, 2), float32
    """
    import tinysoundfont

    synth = tinysoundfont.Synth(gain=-9, samplerate=sample_rate)
    font = synth.sfload(str(soundfont_path()))
    channels = iter(number for number in range(16) if number != 9)
    events = []
    for part in score.parts:
        channel = 9 if part.is_drums else next(channels)
        synth.program_select(channel, font, 128 if part.is_drums else 0, part.program, part.is_drums)
        synth.control_change(channel, 10, int(round(64 + 63 * part.pan)))
        for note in part.notes:
            first = int(note.start * sample_rate)
            last = first + max(int(note.duration * sample_rate), 1)
            events += [(first, 1, channel, note.pitch, note.velocity), (last, 0, channel, note.pitch, 0)]
    return _play(synth, sorted(events), int(score.seconds * sample_rate))


def _play(synth, events, n_samples):
    """Run the synthesiser from event to event; note-offs sort before note-ons of the same sample."""
    chunks, now = [], 0
    for sample, is_on, channel, pitch, velocity in events:
        sample = min(sample, n_samples)
        if sample > now:
            chunks.append(bytes(synth.generate(sample - now)))
            now = sample
        if is_on:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    chunks.append(bytes(synth.generate(n_samples - now)) if now < n_samples else b"")
    return np.frombuffer(b"".join(chunks), np.float32).reshape(-1, 2).copy()


def voice(score, artist, sample_rate, rng):
    """Sing or speak the lines of a score.

    Parameters
    ----------
    score : compose.Score
    artist : plan.Artist
    sample_rate : int
        In Hz.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (n,), float32
        As long as the score.
    """
    track = np.zeros(int(score.seconds * voices.SAMPLE_RATE) + 1, np.float32)
    for line in score.lines:
        if score.delivery == "spoken":
            said = voices.say(line.text, voice=artist.singer.voice, rate=int(rng.integers(115, 150)),
                              seed=int(rng.integers(1, 2**31)))
            samples, start = said.samples / np.abs(said.samples).max(), line.notes[0].start
        else:
            samples, lead = singing.sing(line.text, line.notes, artist.singer, rng=rng)
            start = line.notes[0].start - lead
        _add(track, samples, int(start * voices.SAMPLE_RATE))
    resampled = soxr.resample(track, voices.SAMPLE_RATE, sample_rate, "HQ") if sample_rate != voices.SAMPLE_RATE \
        else track
    return np.pad(resampled, (0, sample_rate))[:int(score.seconds * sample_rate)]


def _add(track, samples, start):
    """Add samples to a track, cutting what lies outside it."""
    samples = samples[max(-start, 0):]
    start = max(start, 0)
    end = min(start + len(samples), len(track))
    track[start:end] += samples[:end - start]


def balance(accompaniment, vocal, cues, sample_rate):
    """Equalise both and set the voice against the accompaniment.

    Parameters
    ----------
    accompaniment : np.ndarray, shape (n, 2)
    vocal : np.ndarray, shape (n,)
    cues : dict of str to float
    sample_rate : int
        In Hz.

    Returns
    -------
    accompaniment : np.ndarray, shape (n, 2)
    vocal : np.ndarray, shape (n,)
        Where it sounds, `_VOICE_LEVEL` times as strong (RMS) as one side of the accompaniment.
    """
    # Louder playing and brighter instruments have a flatter spectrum.
    tilt = 9 * (cues["brightness"] - 0.5) + 0.12 * (cues["velocity"] - 80)
    played, sung = _tilt(accompaniment, tilt, sample_rate), _tilt(vocal, 0.5 * tilt + 3, sample_rate)
    sounding = np.abs(vocal) > 0.02
    if sounding.any():
        sung *= _VOICE_LEVEL * np.sqrt(np.mean(played[sounding] ** 2) / np.mean(sung[sounding] ** 2))
    return played, sung


def mix(accompaniment, vocal, score, artist, sample_rate, rng):
    """Balance voice and instruments, add a room, fade out and set the level.

    Parameters
    ----------
    accompaniment : np.ndarray, shape (n, 2)
    vocal : np.ndarray, shape (n,)
    score : compose.Score
    artist : plan.Artist
    sample_rate : int
        In Hz.
    rng : np.random.Generator
        Draws the room.

    Returns
    -------
    np.ndarray, shape (n, 2), float32, below 1 in absolute value
    """
    played, sung = balance(accompaniment, vocal, score.cues, sample_rate)
    dry = played + sung[:, None]
    wet = dry + artist.wetness * _reverb(dry, artist.reverb_seconds, sample_rate, rng)
    fade = np.clip((score.seconds - np.arange(len(wet)) / sample_rate) / _FADE_SECONDS, 0, 1)
    wet *= (fade ** 2)[:, None]
    loudness = np.clip((score.cues["velocity"] - 38) / 80, 0, 1)
    peak = 10 ** ((-1 - 10 * (1 - loudness)) / 20)  # -11 to -1 dB of full scale
    return (wet / (np.abs(wet).max() + 1e-9) * peak).astype(np.float32)


def _tilt(samples, decibel, sample_rate):
    """First-order shelf: change the treble (above about 1.5 kHz) by some decibels."""
    gain = 10 ** (decibel / 20)
    pole = np.exp(-2 * np.pi * 1500 / sample_rate)
    low = lfilter([1 - pole], [1, -pole], samples, axis=0)
    return low + gain * (samples - low)


def _reverb(samples, seconds, sample_rate, rng):
    """Room: noise that decays by 60 dB in `seconds` and loses its treble, one for each side."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    noise = rng.normal(size=(len(time), 2)) * (10 ** (-3 * time / seconds))[:, None]
    pole = np.exp(-2 * np.pi * 3500 / sample_rate)
    impulse = lfilter([1 - pole], [1, -pole], noise, axis=0)
    impulse[:int(0.012 * sample_rate)] = 0
    impulse /= np.sqrt((impulse ** 2).sum(0))
    return oaconvolve(samples.astype(np.float32), impulse.astype(np.float32), axes=0)[:len(samples)]


def clip_audio(clip, score, sample_rate):
    """Everything for one clip.

    Parameters
    ----------
    clip : plan.Clip
    score : compose.Score
    sample_rate : int
        In Hz.

    Returns
    -------
    np.ndarray, shape (n, 2), float32
    """
    rng = np.random.default_rng((*clip.seed, 1))
    vocal = voice(score, clip.artist, sample_rate, rng)
    return mix(instruments(score, sample_rate), vocal, score, clip.artist, sample_rate, rng)
