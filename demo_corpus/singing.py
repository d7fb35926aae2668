"""Singing: words spoken by espeak-ng on one pitch, moved to the notes of a melody.

Every vowel starts on its note and is stretched to fill it; the consonants keep their natural pace and sound before
the beat, as singers place them (Sundberg & Bauer-Huppmann 2007, "When does a sung tone start?", Journal of Voice
21(3), doi:10.1016/j.jvoice.2006.01.003).
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import uniform_filter1d

from demo_corpus import vocoder, voices
from mer import MerError

_VOWELS = set("aeiouyAEIOUVY0123@&")  # first signs of espeak-ng's vowel mnemonics, English and Mandarin
_WORDS_PER_MINUTE = 125  # slow enough that every vowel reaches its target
_GLIDE_SECONDS = 0.07
_MOST_CONSONANT = 0.45  # of a note's length
_MOST_ONSET_SECONDS = 0.25
_TAIL_SECONDS = 0.25


class Singer(NamedTuple):
    """A singing voice.

    Attributes
    ----------
    voice : str
        espeak-ng voice and variant.
    source_hz : int
        Pitch it speaks at before it is retuned, in Hz.
    vibrato_hz, vibrato_cents : float
        Rate and depth of its vibrato.
    """

    voice: str
    source_hz: int
    vibrato_hz: float = 5.5
    vibrato_cents: float = 35.0


class SungNote(NamedTuple):
    """One note for one syllable: start and duration in seconds, pitch as MIDI number, gate as share sounded."""

    start: float
    duration: float
    pitch: float
    gate: float = 1.0


class _Syllables(NamedTuple):
    """Where the vowels of an utterance start and end, and where its sound ends, in seconds."""

    starts: np.ndarray
    ends: np.ndarray
    end: float


def vowels(phonemes, n_samples):
    """Find the vowels in espeak-ng's phoneme list; one vowel is one syllable.

    Parameters
    ----------
    phonemes : list of (int, str)
        As in `voices.Utterance`.
    n_samples : int
        Length of the utterance.

    Returns
    -------
    _Syllables
    """
    spoken = [(sample, name.lstrip("',%=")) for sample, name in phonemes]
    following = [sample for sample, _ in spoken[1:]] + [n_samples]
    found = [(sample, stop) for (sample, name), stop in zip(spoken, following, strict=True) if name[:1] in _VOWELS]
    pauses = [sample for sample, name in spoken if name in ("_:", "_")]
    starts, ends = np.array(found, float).reshape(-1, 2).T / voices.SAMPLE_RATE
    end = next((p for p in pauses if not len(ends) or p / voices.SAMPLE_RATE >= ends[-1]), n_samples)
    return _Syllables(starts, ends, end / voices.SAMPLE_RATE)


def count_syllables(text, voice):
    """Number of syllables that espeak-ng's voice speaks a text with."""
    spoken = voices.say(text, voice=voice, rate=_WORDS_PER_MINUTE)
    return len(vowels(spoken.phonemes, len(spoken.samples)).starts)


def sing(text, notes, singer, *, rng):
    """Sing a line, one syllable a note.

    Parameters
    ----------
    text : str
        As many syllables as there are notes; no punctuation inside.
    notes : list of SungNote
        In time order; the first may start at 0.
    singer : Singer
    rng : np.random.Generator
        For vibrato, drift and phases.

    Returns
    -------
    samples : np.ndarray, shape (n,), float32
        Mono at `voices.SAMPLE_RATE`, the loudest sample at 1.
    lead : float
        Seconds of consonants before the first note starts.

    Raises
    ------
    MerError
        If syllables and notes do not match.
    """
    spoken = voices.say(text, voice=singer.voice, rate=_WORDS_PER_MINUTE, constant_f0=singer.source_hz,
                        seed=int(rng.integers(1, 2**31)))
    syllables = vowels(spoken.phonemes, len(spoken.samples))
    if len(syllables.starts) != len(notes):
        raise MerError(f"{text!r} has {len(syllables.starts)} syllables for {len(notes)} notes when {singer.voice} "
                       "speaks it; install the espeakng-loader named in requirements-demo.txt.")
    voice = vocoder.analyse(_even_out(spoken.samples, syllables), voices.SAMPLE_RATE, singer.source_hz)
    lead = min(syllables.starts[0], _MOST_ONSET_SECONDS)
    time = np.arange(int((notes[-1].start + notes[-1].duration + _TAIL_SECONDS - notes[0].start + lead)
                         * voices.SAMPLE_RATE)) / voices.SAMPLE_RATE
    time += notes[0].start - lead
    f0 = _pitch_curve(time, notes, singer, rng)
    samples = vocoder.synthesise(voice, _source_times(time, notes, syllables, lead), f0, rng=rng)
    samples *= _gate_curve(time, notes)
    return samples / (np.abs(samples).max() + 1e-9), lead


def _even_out(samples, syllables):
    """Bring the vowels halfway to one loudness: unstressed syllables are too weak to carry a note."""
    centres = (syllables.starts + syllables.ends) / 2
    rate = voices.SAMPLE_RATE
    levels = np.array([np.sqrt(np.mean(samples[int(a * rate):int(b * rate)] ** 2)) + 1e-4
                       for a, b in zip(syllables.starts, syllables.ends, strict=True)])
    gains = np.clip((np.median(levels) / levels) ** 0.7, 0.4, 3)
    return samples * np.interp(np.arange(len(samples)) / rate, centres, gains)


def _source_times(time, notes, syllables, lead):
    """Place in the source for each output time: slope 1 in consonants, stretched in vowels."""
    here, there = [time[0], notes[0].start], [syllables.starts[0] - lead, syllables.starts[0]]
    for index, note in enumerate(notes[:-1]):
        following = notes[index + 1].start
        gap = syllables.starts[index + 1] - syllables.ends[index]
        gap = min(gap, _MOST_CONSONANT * (following - note.start))
        here += [following - gap, following]
        there += [syllables.ends[index], syllables.starts[index + 1]]
    coda = syllables.end - syllables.ends[-1]
    end = notes[-1].start + notes[-1].duration
    here += [end - min(coda, _MOST_CONSONANT * notes[-1].duration), end, end + 1]
    there += [syllables.ends[-1], syllables.end, syllables.end + 1]
    return np.interp(time, here, there)


def _pitch_curve(time, notes, singer, rng):
    """f0 in Hz: the notes joined by short glides, with drift and, on long notes, a delayed vibrato."""
    starts = np.array([note.start for note in notes])
    index = np.clip(np.searchsorted(starts - _GLIDE_SECONDS / 2, time, side="right") - 1, 0, len(notes) - 1)
    pitch = np.array([note.pitch for note in notes])[index]
    pitch = _smooth(pitch, _GLIDE_SECONDS)
    age = time - starts[index]
    depth = singer.vibrato_cents / 100 * np.clip((age - 0.22) / 0.25, 0, 1)
    drift = np.interp(time, np.arange(time[0], time[-1] + 0.2, 0.1),
                      rng.normal(0, 0.04, len(np.arange(time[0], time[-1] + 0.2, 0.1))))
    pitch = pitch + depth * np.sin(2 * np.pi * singer.vibrato_hz * time + rng.uniform(0, 6.28)) + drift
    return 440.0 * 2 ** ((pitch - 69) / 12)


def _gate_curve(time, notes):
    """Gain that closes the detached notes early (articulation) and fades the last one out."""
    gain = np.ones(len(time))
    for note in notes:
        closing = note.start + max(note.gate, 0.35) * note.duration
        inside = (time >= closing) & (time < note.start + note.duration)
        gain[inside] = np.clip(1 - (time[inside] - closing) / 0.06, 0.15, 1)
    last = notes[-1].start + notes[-1].duration
    gain *= np.clip(1 - (time - last) / _TAIL_SECONDS, 0, 1)
    return _smooth(gain, 0.03).astype(np.float32)


def _smooth(curve, seconds):
    """Triangular moving average over `seconds`."""
    width = max(int(seconds * voices.SAMPLE_RATE / 2), 1)
    return uniform_filter1d(uniform_filter1d(curve, width, mode="nearest"), width, mode="nearest")
