"""Speech: made-up speakers who read sentences in made-up rooms."""

from typing import NamedTuple

import numpy as np
import soxr
from scipy.signal import lfilter, oaconvolve

from demo_corpus import voices
from demo_corpus.words import SENTENCES

SAMPLE_RATE = 16_000  # Hz, as in LibriSpeech and AISHELL-1
_FEWEST_SPEAKERS, _MOST_SPEAKERS = 12, 40
_SECONDS_PER_SPEAKER = 25.0
# Signs a second at 160 words a minute, measured over the utterances of the default corpus.
_SIGNS_PER_SECOND = {"english": 17.0, "mandarin": 3.5}
_SILENCE_SECONDS = 0.6  # before and after an utterance, on average
_ACCENTS = {"english": ("en-us", "en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc"), "mandarin": ("cmn",)}
_VARIANTS = (("f1", "F"), ("m1", "M"), ("f2", "F"), ("m3", "M"), ("f3", "F"), ("m4", "M"), ("f4", "F"), ("m7", "M"),
             ("Annie", "F"), ("m2", "M"), ("shelby", "F"), ("adam", "M"), ("f5", "F"), ("m5", "M"), ("steph", "F"),
             ("m8", "M"), ("belinda", "F"), ("max", "M"), ("linda", "F"), ("Alex", "M"))


class Speaker(NamedTuple):
    """A made-up speaker with a microphone and a room.

    Attributes
    ----------
    number : int
        Position among the speakers of the language, from 0.
    sex : {"F", "M"}
        What espeak-ng's voice is labelled.
    voice : str
        espeak-ng voice and variant.
    rate, pitch, pitch_range : int
        As in `voices.say`.
    reverb_seconds, wetness : float
        Reverberation time and level of the room.
    noise_db, level_db : float
        Noise below the speech, and RMS level below full scale, both negative, in dB.
    treble_db : float
        Microphone: gain above about 1 kHz in dB.
    """

    number: int
    sex: str
    voice: str
    rate: int
    pitch: int
    pitch_range: int
    reverb_seconds: float
    wetness: float
    noise_db: float
    level_db: float
    treble_db: float


class Utterance(NamedTuple):
    """One file to make: who says what, the position among the speaker's files, and the seed."""

    language: str
    speaker: Speaker
    index: int
    text: str
    seed: tuple


def _make_speaker(number, language, rng):
    variant, sex = _VARIANTS[number % len(_VARIANTS)]
    accents = _ACCENTS[language]
    return Speaker(number, sex, f"{accents[number % len(accents)]}+{variant}", int(rng.integers(138, 182)),
                   int(rng.integers(35, 66)), int(rng.integers(40, 75)), float(rng.uniform(0.12, 0.45)),
                   float(rng.uniform(0.05, 0.3)), float(rng.uniform(-46, -26)), float(rng.uniform(-30, -20)),
                   float(rng.uniform(-4, 4)))


def utterances(language, minutes, seed):
    """Decide who says what.

    Parameters
    ----------
    language : {"english", "mandarin"}
    minutes : float
        Wanted amount, about; every speaker says at least two sentences.
    seed : int

    Returns
    -------
    list of Utterance
    """
    stream = 11 if language == "english" else 12
    rng = np.random.default_rng((seed, stream))
    n_speakers = int(np.clip(minutes * 60 / _SECONDS_PER_SPEAKER, _FEWEST_SPEAKERS, _MOST_SPEAKERS))
    planned = []
    for number in range(n_speakers):
        speaker = _make_speaker(number, language, rng)
        for index, text in enumerate(_reading(language, speaker, minutes * 60 / n_speakers, rng)):
            planned.append(Utterance(language, speaker, index, text, (seed, stream, number, index)))
    return planned


def _reading(language, speaker, seconds, rng):
    """Texts of one or more sentences for one speaker, together about `seconds` long, at least two of them."""
    known = SENTENCES[language]
    joint = " " if language == "english" else " 。 "
    queue, texts, spoken = [], [], 0.0
    while spoken < seconds - 2.0 or len(texts) < 2:
        n_sentences = max(min(int(rng.integers(1, 4)), int((seconds - spoken) / 4)), 1)
        while len(queue) < n_sentences:
            queue += [known[i] for i in rng.permutation(len(known))]
        texts.append(joint.join(queue[:n_sentences]))
        del queue[:n_sentences]
        signs = len(texts[-1] if language == "english" else texts[-1].replace(" ", ""))
        spoken += signs / _SIGNS_PER_SECOND[language] * 160 / speaker.rate + _SILENCE_SECONDS
    return texts


def transcript(utterance):
    """Text as the corpora print it: capitals without punctuation, or Mandarin words separated by spaces."""
    if utterance.language == "english":
        kept = "".join(sign for sign in utterance.text if sign.isalpha() or sign in " '")
        return " ".join(kept.upper().split())
    return " ".join(word for word in utterance.text.split() if word not in "，。")


def audio(utterance):
    """Speak an utterance into its speaker's room.

    Parameters
    ----------
    utterance : Utterance

    Returns
    -------
    np.ndarray, shape (n,), float32
        Mono at `SAMPLE_RATE`, below 1 in absolute value.
    """
    speaker, rng = utterance.speaker, np.random.default_rng(utterance.seed)
    text = utterance.text if utterance.language == "english" else utterance.text.replace(" ", "")
    said = voices.say(text, voice=speaker.voice, rate=speaker.rate, pitch=speaker.pitch,
                      pitch_range=speaker.pitch_range, seed=int(rng.integers(1, 2**31)))
    dry = soxr.resample(said.samples, voices.SAMPLE_RATE, SAMPLE_RATE, "HQ")
    dry = np.pad(dry, (int(rng.uniform(0.1, 0.4) * SAMPLE_RATE), int(rng.uniform(0.2, 0.5) * SAMPLE_RATE)))
    wet = _treble(dry + speaker.wetness * _room(dry, speaker), speaker.treble_db)
    wet += np.sqrt(np.mean(wet ** 2)) * 10 ** (speaker.noise_db / 20) * _noise(len(wet), rng)
    wet *= 10 ** (speaker.level_db / 20) / np.sqrt(np.mean(wet ** 2))
    return (wet * min(1.0, 0.95 / np.abs(wet).max())).astype(np.float32)


def _room(samples, speaker):
    """Echo of a small room, the same for every utterance of a speaker."""
    rng = np.random.default_rng((speaker.number, int(speaker.reverb_seconds * 1e6)))
    time = np.arange(int(speaker.reverb_seconds * SAMPLE_RATE)) / SAMPLE_RATE
    impulse = rng.normal(size=len(time)) * 10 ** (-3 * time / speaker.reverb_seconds)
    impulse[:int(0.004 * SAMPLE_RATE)] = 0
    return oaconvolve(samples, impulse / np.sqrt((impulse ** 2).sum()))[:len(samples)]


def _treble(samples, decibel):
    """First-order shelf above about 1 kHz."""
    pole = np.exp(-2 * np.pi * 1000 / SAMPLE_RATE)
    low = lfilter([1 - pole], [1, -pole], samples)
    return low + 10 ** (decibel / 20) * (samples - low)


def _noise(n_samples, rng):
    """Background with an RMS of 1 that falls towards the treble."""
    noise = lfilter([1], [1, -0.9], rng.normal(size=n_samples))
    return noise / np.sqrt(np.mean(noise ** 2))
