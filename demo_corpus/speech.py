"""Speech: made-up speakers who read sentences in made-up rooms."""

from typing import NamedTuple

import numpy as np
import soxr
from scipy.signal import lfilter, oaconvolve

from demo_corpus import sound, voices
from demo_corpus.words import SENTENCES

SAMPLE_RATE = 16_000  # Hz, as in LibriSpeech and AISHELL-1
_FEWEST_SPEAKERS, _MOST_SPEAKERS = 12, 40
_SECONDS_PER_SPEAKER = 25.0
# Signs a second at 160 words a minute, measured over the utterances of the default corpus.
_SIGNS_PER_SECOND = {"english": 17.0, "mandarin": 3.5}
_SILENCE_SECONDS = 0.6  # before and after an utterance, on average
_STREAMS = {"english": (11, " "), "mandarin": (12, " 。 ")}  # of random numbers; between two sentences
_ACCENTS = {"english": ("en-us", "en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc"), "mandarin": ("cmn",)}
# Variants of espeak-ng, labeled female and male in turn.
_VARIANTS = ("f1", "m1", "f2", "m3", "f3", "m4", "f4", "m7", "Annie", "m2", "shelby", "adam", "f5", "m5", "steph", "m8",
             "belinda", "max", "linda", "Alex")


class Speaker(NamedTuple):
    """A made-up speaker with a microphone and a room."""

    number: int            # position among the speakers of the language, from 0
    sex: str               # "F" or "M", as espeak-ng labels the voice
    voice: str             # espeak-ng voice and variant
    rate: int              # as in `voices.say`; so are the next two
    pitch: int
    pitch_range: int
    reverb_seconds: float  # reverberation time of the room
    wetness: float         # its level
    noise_db: float        # noise below the speech, dB
    level_db: float        # RMS level below full scale, dB
    treble_db: float       # microphone: gain above about 1 kHz, dB


# Limits of the numbers of a Speaker, from rate to treble_db: whole numbers, then fractions.
_LIMITS = ((138, 182), (35, 66), (40, 75), (0.12, 0.45), (0.05, 0.3), (-46.0, -26.0), (-30.0, -20.0), (-4.0, 4.0))


class Utterance(NamedTuple):
    """One file to make: who says what, the position among the speaker's files, and the seed."""

    language: str
    speaker: Speaker
    index: int
    text: str
    seed: tuple


def _make_speaker(number, language, rng):
    drawn = [int(rng.integers(low, high)) if isinstance(low, int) else float(rng.uniform(low, high))
             for low, high in _LIMITS]
    accent = _ACCENTS[language][number % len(_ACCENTS[language])]
    return Speaker(number, "FM"[number % 2], f"{accent}+{_VARIANTS[number % len(_VARIANTS)]}", *drawn)


def utterances(language, minutes, seed):
    """Decide who says what, about so many minutes in all and at least two sentences each: a list of Utterance."""
    stream, _ = _STREAMS[language]
    rng = np.random.default_rng((seed, stream))
    n_speakers = int(np.clip(minutes * 60 / _SECONDS_PER_SPEAKER, _FEWEST_SPEAKERS, _MOST_SPEAKERS))
    planned = []
    for number in range(n_speakers):
        speaker = _make_speaker(number, language, rng)
        texts = _reading(language, speaker, minutes * 60 / n_speakers, rng)
        planned += [Utterance(language, speaker, index, text, (seed, stream, number, index))
                    for index, text in enumerate(texts)]
    return planned


def _reading(language, speaker, seconds, rng):
    """Texts of one or more sentences for one speaker, together about `seconds` long, at least two of them."""
    known, queue, texts, spoken = SENTENCES[language], [], [], 0.0
    while spoken < seconds - 2.0 or len(texts) < 2:
        n_sentences = max(min(int(rng.integers(1, 4)), int((seconds - spoken) / 4)), 1)
        while len(queue) < n_sentences:
            queue += [known[i] for i in rng.permutation(len(known))]
        texts.append(_STREAMS[language][1].join(queue[:n_sentences]))
        del queue[:n_sentences]
        spoken += len(_written(texts[-1], language)) / _SIGNS_PER_SECOND[language] * 160 / speaker.rate
        spoken += _SILENCE_SECONDS
    return texts


def _written(text, language):
    """A text as it is written: Mandarin has no spaces."""
    return text if language == "english" else text.replace(" ", "")


def transcript(utterance):
    """Text as the corpora print it: capitals without punctuation, or Mandarin words separated by spaces."""
    if utterance.language == "english":
        kept = "".join(sign for sign in utterance.text if sign.isalpha() or sign in " '")
        return " ".join(kept.upper().split())
    return " ".join(word for word in utterance.text.split() if word not in "，。")


def audio(utterance):
    """Speak an utterance into its speaker's room: float32, shape (n,), mono at `SAMPLE_RATE`, in ]-1, 1[."""
    speaker, rng = utterance.speaker, np.random.default_rng(utterance.seed)
    said = voices.say(_written(utterance.text, utterance.language), voice=speaker.voice, rate=speaker.rate,
                      pitch=speaker.pitch, pitch_range=speaker.pitch_range, seed=int(rng.integers(1, 2**31)))
    dry = soxr.resample(said.samples, voices.SAMPLE_RATE, SAMPLE_RATE, "HQ")
    dry = np.pad(dry, (int(rng.uniform(0.1, 0.4) * SAMPLE_RATE), int(rng.uniform(0.2, 0.5) * SAMPLE_RATE)))
    same = np.random.default_rng((speaker.number, int(speaker.reverb_seconds * 1e6)))  # in all utterances
    room = sound.room(speaker.reverb_seconds, SAMPLE_RATE, same, silence=0.004)[:, 0]
    wet = dry + speaker.wetness * oaconvolve(dry, room)[:len(dry)]
    wet = sound.shelf(wet, speaker.treble_db, 1000, SAMPLE_RATE)
    noise = lfilter([1], [1, -0.9], rng.normal(size=len(wet)))  # falls towards the treble
    wet += _rms(wet) * 10 ** (speaker.noise_db / 20) * (noise / _rms(noise))
    wet *= 10 ** (speaker.level_db / 20) / _rms(wet)
    return (wet * min(1.0, 0.95 / np.abs(wet).max())).astype(np.float32)


def _rms(samples):
    return np.sqrt(np.mean(samples ** 2))
