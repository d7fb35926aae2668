"""Who plays what: artists and their clips, decided from the seed alone."""

from typing import NamedTuple

import numpy as np

from demo_corpus.compose import compose
from demo_corpus.singing import Singer
from demo_corpus.styles import STYLES

_QUADRANTS = ("Q1", "Q2", "Q3", "Q4")
_MOST_ARTISTS = 10
# Voices that keep a constant pitch and have no built-in echo; the pitch at which they speak, Hz, and the middle of
# their singing range, MIDI.
_VOICES = (("f1", 190, 66), ("m3", 125, 54), ("Annie", 200, 66), ("m1", 115, 53), ("shelby", 185, 65),
           ("m7", 130, 55), ("Andrea", 190, 66), ("john", 120, 53), ("belinda", 205, 66), ("m5", 120, 54))
_LANGUAGE_VOICES = {"english": "en-us", "mandarin": "cmn"}


class Artist(NamedTuple):
    """A made-up performer.

    Attributes
    ----------
    name : str
    singer : Singer
    middle : int
        Middle of the singing range, MIDI number.
    taste : dict of str to float
        Added to cues, in the cue's unit.
    favourites : tuple of str
        Styles that this artist plays more often.
    reverb_seconds, wetness : float
        Reverberation time and its level (0 to 1) on the artist's recordings.
    """

    name: str
    singer: Singer
    middle: int
    taste: dict
    favourites: tuple
    reverb_seconds: float
    wetness: float


class Clip(NamedTuple):
    """One clip to make: its identifier, quadrant, artist and the seed of its own generator."""

    name: str
    language: str
    quadrant: str
    artist: Artist
    seed: tuple

    def generator(self):
        """A fresh random generator for this clip."""
        return np.random.default_rng(self.seed)

    def score(self):
        """Compose the clip; the same score every time."""
        return compose(self.quadrant, self.language, self.artist, self.generator())


def _make_artist(number, language, rng):
    """Artist `number` of a language."""
    variant, source_hz, middle = _VOICES[number % len(_VOICES)]
    styles = [name for name, style in STYLES.items() if language in style.languages]
    singer = Singer(f"{_LANGUAGE_VOICES[language]}+{variant}", source_hz, float(rng.uniform(5.0, 6.2)),
                    float(rng.uniform(18, 50)))
    taste = {"tempo_bpm": float(rng.normal(0, 6)), "brightness": float(rng.normal(0, 0.08)),
             "velocity": float(rng.normal(0, 4)), "density": float(rng.normal(0, 0.25)),
             "register": float(rng.normal(0, 0.8))}
    favourites = tuple(str(name) for name in rng.choice(styles, 3, replace=False))
    return Artist(f"Demo Artist {language[0].upper()}{number + 1:02d}", singer, middle, taste, favourites,
                  float(rng.uniform(0.5, 1.8)), float(rng.uniform(0.08, 0.3)))


def clips(language, clips_per_quadrant, seed):
    """All clips of one language.

    Artists take turns, so each has songs in at least two quadrants: a split by artist keeps every class.

    Parameters
    ----------
    language : {"english", "mandarin"}
    clips_per_quadrant : int
    seed : int

    Returns
    -------
    list of Clip
    """
    stream = 1 if language == "english" else 2
    rng = np.random.default_rng((seed, stream))
    n_artists = min(_MOST_ARTISTS, 2 * clips_per_quadrant)
    artists = [_make_artist(number, language, rng) for number in range(n_artists)]
    numbers = 1000 + np.sort(rng.choice(98_000, 4 * clips_per_quadrant, replace=False))
    rng.shuffle(numbers)  # an identifier must not tell the quadrant
    made = []
    for index, number in enumerate(numbers):
        name = f"MT{number:010d}" if language == "english" else f"CH{number:05d}"
        made.append(Clip(name, language, _QUADRANTS[index // clips_per_quadrant], artists[index % n_artists],
                         (seed, stream, int(number))))
    return made

