"""Harmonic-plus-residual vocoder: a monotone voice is taken apart and put together at another pitch and pace.

The voiced part is a sum of harmonics whose amplitudes follow the spectral envelope of the source (McAulay & Quatieri
1986, in docs/demo_corpus.md); what is not periodic (plosives, fricatives) is copied from the source.
"""

from typing import NamedTuple

import numpy as np

HOP_SECONDS = 0.005
_PERIODS_PER_WINDOW = 4
_TOP_HZ = 9000.0
# Of white noise, a Hann window of 4 periods lets 1.5/4 of the power through to the harmonics; a sustained
# espeak-ng vowel scores above 0.85. Voicing rises from 0 to 1 between the two.
_NOISE_HARMONICITY, _VOWEL_HARMONICITY = 0.5, 0.85
_CONSONANT_GAIN = 0.7  # held vowels are softer than spoken ones; unchanged, the hiss would stand out


class Voice(NamedTuple):
    """A monotone voice, analysed."""

    samples: np.ndarray         # (n,), float32
    sample_rate: int            # Hz
    f0: float                   # fundamental, Hz
    log_amplitudes: np.ndarray  # (frames, harmonics), natural log of the amplitude of harmonic 1, 2, ...
    voicing: np.ndarray         # (frames,), 0 (noise) to 1 (periodic)


def analyse(samples, sample_rate, f0):
    """Measure the harmonics of a voice (samples of shape (n,)) of constant pitch `f0` (Hz) every `HOP_SECONDS`."""
    length = 2 * int(_PERIODS_PER_WINDOW * sample_rate / f0 / 2)
    hop = int(round(HOP_SECONDS * sample_rate))
    padded = np.pad(samples, (length // 2, length))
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[:len(samples) + 1:hop]  # (frames, length)
    window = np.hanning(length + 1)[:-1]
    harmonics = np.arange(1, int(_TOP_HZ / f0) + 1)
    time = np.arange(length) / sample_rate
    basis = window[:, None] * np.exp(-2j * np.pi * f0 * np.outer(time, harmonics))  # (length, harmonics)
    amplitudes = 2 * np.abs(frames @ basis) / window.sum()  # (frames, harmonics)
    harmonicity = (amplitudes ** 2).sum(1) / 2 / ((frames ** 2 @ window) / window.sum() + 1e-7)
    voicing = np.clip((harmonicity - _NOISE_HARMONICITY) / (_VOWEL_HARMONICITY - _NOISE_HARMONICITY), 0, 1)
    return Voice(np.asarray(samples, np.float32), sample_rate, float(f0), np.log(amplitudes + 1e-6), voicing)


def synthesise(voice, source_seconds, f0, *, rng):
    """Say it again at another pace and pitch: float32, shape (n,).

    For each output sample, `source_seconds` (n,) is its place in the source and `f0` (n,) its fundamental in Hz; `rng`
    draws the phases of the harmonics.
    """
    frame = np.clip(source_seconds / HOP_SECONDS, 0, len(voice.voicing) - 1)
    voicing = np.interp(frame, np.arange(len(voice.voicing)), voice.voicing)
    place = source_seconds * voice.sample_rate
    residual = np.interp(place, np.arange(len(voice.samples)), voice.samples, left=0, right=0)
    return (voicing * _harmonics(voice, frame, f0, rng) + _CONSONANT_GAIN * (1 - voicing) * residual).astype(np.float32)


def _harmonics(voice, frame, f0, rng):
    """The periodic part; amplitudes are computed every HOP_SECONDS and interpolated, phases at every sample."""
    hop = int(round(HOP_SECONDS * voice.sample_rate))
    n_blocks = -(-len(f0) // hop)
    control = np.minimum(np.arange(n_blocks + 1) * hop, len(f0) - 1)
    pitch = f0[control]
    low = np.minimum(frame[control].astype(int), len(voice.log_amplitudes) - 2)
    weight = (frame[control] - low)[:, None]  # (blocks + 1, 1)
    envelope = (1 - weight) * voice.log_amplitudes[low] + weight * voice.log_amplitudes[low + 1]
    rows = np.arange(len(envelope))
    phase = np.pad(2 * np.pi * np.cumsum(f0) / voice.sample_rate, (0, n_blocks * hop - len(f0)))
    turn = np.exp(1j * phase).astype(np.complex64).reshape(n_blocks, hop)
    ramp = (np.arange(hop, dtype=np.float32) / hop)[None]
    rotation, output = np.ones_like(turn), np.zeros((n_blocks, hop), np.float32)
    offset = 0.0
    for number in range(1, int(_TOP_HZ / f0.min()) + 1):
        offset += rng.uniform(-0.8, 0.8)
        rotation *= turn  # exp(i * number * phase)
        place = np.clip(number * pitch / voice.f0 - 1, 0, envelope.shape[1] - 1.001)  # among the source's harmonics
        low = place.astype(int)
        amplitude = np.exp((1 - (place - low)) * envelope[rows, low] + (place - low) * envelope[rows, low + 1])
        amplitude = (amplitude * np.clip((_TOP_HZ - number * pitch) / 500, 0, 1)).astype(np.float32)[:, None]
        wave = rotation.real * np.float32(np.cos(offset)) - rotation.imag * np.float32(np.sin(offset))
        output += (amplitude[:-1] + ramp * (amplitude[1:] - amplitude[:-1])) * wave
    # Fewer harmonics share the same envelope at a higher pitch: keep the power.
    return output.ravel()[:len(f0)] * np.sqrt(f0 / voice.f0)
