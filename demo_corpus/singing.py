"""Singing: words spoken by espeak-ng on one pitch, moved to the notes of a melody.

Every vowel starts on its note and is stretched to fill it; the consonants keep their natural pace and sound before
the beat, as singers place them (Sundberg & Bauer-Huppmann 2007, in docs/demo_corpus.md).
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
    """A singing voice."""

    voice: str                   # espeak-ng voice and variant
    source_hz: int               # pitch it speaks at before it is retuned, Hz
    vibrato_hz: float = 5.5      # rate of its vibrato
    vibrato_cents: float = 35.0  # depth


class SungNote(NamedTuple):
    """One note for one syllable: start and duration in seconds, pitch as MIDI number, gate as share sounded."""

    start: float
    duration: float
    pitch: float
    gate: float = 1.0

    @property
    def end(self):
        """In seconds."""
        return self.start + self.duration


def _syllables(spoken):
    """Starts and ends of the vowels of a `voices.Utterance` and the end of its sound, in seconds.

    One vowel is one syllable.
    """
    phonemes = [(sample, name.lstrip("',%=")) for sample, name in spoken.phonemes]
    following = [sample for sample, _ in phonemes[1:]] + [len(spoken.samples)]
    found = [(sample, stop) for (sample, name), stop in zip(phonemes, following, strict=True) if name[:1] in _VOWELS]
    starts, ends = np.array(found, float).reshape(-1, 2).T / voices.SAMPLE_RATE
    pauses = [sample / voices.SAMPLE_RATE for sample, name in phonemes if name in ("_:", "_")]
    pauses.append(len(spoken.samples) / voices.SAMPLE_RATE)
    return starts, ends, next(pause for pause in pauses if not len(ends) or pause >= ends[-1])


def count_syllables(text, voice):
    """Number of syllables that espeak-ng's voice speaks a text with."""
    return len(_syllables(voices.say(text, voice=voice, rate=_WORDS_PER_MINUTE))[0])


def sing(text, notes, singer, *, rng):
    """Sing a line of `text` without punctuation, one syllable on each SungNote of the list `notes`.

    Returns the samples (float32, shape (n,), mono at `voices.SAMPLE_RATE`, the loudest at 1) and the seconds of
    consonants before the first note starts.
    """
    spoken = voices.say(text, voice=singer.voice, rate=_WORDS_PER_MINUTE, constant_f0=singer.source_hz,
                        seed=int(rng.integers(1, 2**31)))
    starts, ends, end = _syllables(spoken)
    if len(starts) != len(notes):
        raise MerError(f"{text!r} has {len(starts)} syllables for {len(notes)} notes when {singer.voice} "
                       "speaks it; install the espeakng-loader named in requirements-demo.txt.")
    voice = vocoder.analyse(_even_out(spoken.samples, starts, ends), voices.SAMPLE_RATE, singer.source_hz)
    lead = min(starts[0], _MOST_ONSET_SECONDS)
    time = np.arange(int((notes[-1].end + _TAIL_SECONDS - notes[0].start + lead) * voices.SAMPLE_RATE))
    time = time / voices.SAMPLE_RATE + (notes[0].start - lead)
    f0 = _pitch_curve(time, notes, singer, rng)
    samples = vocoder.synthesise(voice, _source_times(time, notes, starts, ends, end), f0, rng=rng)
    samples *= _gate_curve(time, notes)
    return samples / (np.abs(samples).max() + 1e-9), lead


def _even_out(samples, starts, ends):
    """Bring the vowels halfway to one loudness: unstressed syllables are too weak to carry a note."""
    rate = voices.SAMPLE_RATE
    levels = np.array([np.sqrt(np.mean(samples[int(a * rate):int(b * rate)] ** 2)) + 1e-4
                       for a, b in zip(starts, ends, strict=True)])
    gains = np.clip((np.median(levels) / levels) ** 0.7, 0.4, 3)
    return samples * np.interp(np.arange(len(samples)) / rate, (starts + ends) / 2, gains)


def _source_times(time, notes, starts, ends, end):
    """Place in the source for each output time: slope 1 in consonants, stretched in vowels."""
    here, there = [time[0], notes[0].start], [starts[0] - min(starts[0], _MOST_ONSET_SECONDS), starts[0]]
    # Each vowel ends where the consonants before the next note (or the last ones) begin.
    borders = [*(note.start for note in notes[1:]), notes[-1].end]
    for note, border, vowel_end, following in zip(notes, borders, ends, [*starts[1:], end], strict=True):
        consonants = min(following - vowel_end, _MOST_CONSONANT * (border - note.start))
        here += [border - consonants, border]
        there += [vowel_end, following]
    return np.interp(time, [*here, here[-1] + 1], [*there, there[-1] + 1])


def _pitch_curve(time, notes, singer, rng):
    """f0 in Hz: the notes joined by short glides, with drift and, on long notes, a delayed vibrato."""
    starts = np.array([note.start for note in notes])
    index = np.clip(np.searchsorted(starts - _GLIDE_SECONDS / 2, time, side="right") - 1, 0, len(notes) - 1)
    pitch = _smooth(np.array([note.pitch for note in notes])[index], _GLIDE_SECONDS)
    depth = singer.vibrato_cents / 100 * np.clip((time - starts[index] - 0.22) / 0.25, 0, 1)
    moments = np.arange(time[0], time[-1] + 0.2, 0.1)
    drift = np.interp(time, moments, rng.normal(0, 0.04, len(moments)))
    pitch = pitch + depth * np.sin(2 * np.pi * singer.vibrato_hz * time + rng.uniform(0, 6.28)) + drift
    return 440.0 * 2 ** ((pitch - 69) / 12)


def _gate_curve(time, notes):
    """Gain that closes the detached notes early (articulation) and fades the last one out."""
    gain = np.ones(len(time))
    for note in notes:
        closing = note.start + max(note.gate, 0.35) * note.duration
        inside = (time >= closing) & (time < note.end)
        gain[inside] = np.clip(1 - (time[inside] - closing) / 0.06, 0.15, 1)
    gain *= np.clip(1 - (time - notes[-1].end) / _TAIL_SECONDS, 0, 1)
    return _smooth(gain, 0.03).astype(np.float32)


def _smooth(curve, seconds):
    """Triangular moving average over `seconds`."""
    width = max(int(seconds * voices.SAMPLE_RATE / 2), 1)
    return uniform_filter1d(uniform_filter1d(curve, width, mode="nearest"), width, mode="nearest")
