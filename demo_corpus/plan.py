"""Who plays what: artists and their clips, decided from the seed alone."""

from typing import NamedTuple

import numpy as np

from demo_corpus import styles
from demo_corpus.compose import compose
from demo_corpus.cues import QUADRANT_SIGNS
from demo_corpus.singing import Singer

_MOST_ARTISTS = 10
# Voices that keep a constant pitch and have no built-in echo; the pitch at which they speak, Hz, and the middle of
# their singing range, MIDI.
_VOICES = (("f1", 190, 66), ("m3", 125, 54), ("Annie", 200, 66), ("m1", 115, 53), ("shelby", 185, 65),
           ("m7", 130, 55), ("Andrea", 190, 66), ("john", 120, 53), ("belinda", 205, 66), ("m5", 120, 54))
_LANGUAGES = {"english": (1, "en-us", "MT{:010d}"), "mandarin": (2, "cmn", "CH{:05d}")}  # stream, voice, clip name
# Standard deviation of what an artist adds to cues.
_TASTES = {"tempo_bpm": 6, "brightness": 0.08, "velocity": 4, "density": 0.25, "register": 0.8}


class Artist(NamedTuple):
    """A made-up performer."""

    name: str
    singer: Singer
    middle: int             # of the singing range, MIDI number
    taste: dict             # added to cues, in the cue's unit
    favourites: tuple       # names of styles that this artist plays more often
    reverb_seconds: float   # reverberation time of the artist's recordings
    wetness: float          # its level, 0 to 1


class Clip(NamedTuple):
    """One clip to make: its identifier, quadrant, artist and the seed of its own generator."""

    name: str
    language: str
    quadrant: str
    artist: Artist
    seed: tuple

    def score(self):
        """Compose the clip; the same score every time."""
        return compose(self.quadrant, self.language, self.artist, np.random.default_rng(self.seed))


def _make_artist(number, language, rng):
    """Artist `number` of a language."""
    variant, source_hz, middle = _VOICES[number % len(_VOICES)]
    singer = Singer(f"{_LANGUAGES[language][1]}+{variant}", source_hz, float(rng.uniform(5.0, 6.2)),
                    float(rng.uniform(18, 50)))
    taste = {name: float(rng.normal(0, spread)) for name, spread in _TASTES.items()}
    favourites = tuple(rng.choice([style.name for style in styles.known(language)], 3, replace=False).tolist())
    return Artist(f"Demo Artist {language[0].upper()}{number + 1:02d}", singer, middle, taste, favourites,
                  float(rng.uniform(0.5, 1.8)), float(rng.uniform(0.08, 0.3)))


def clips(language, clips_per_quadrant, seed):
    """All clips of one language, a list of Clip.

    Artists take turns, so each has songs in at least two quadrants: a split by artist keeps every class.
    """
    stream, _, name = _LANGUAGES[language]
    rng = np.random.default_rng((seed, stream))
    n_artists = min(_MOST_ARTISTS, 2 * clips_per_quadrant)
    artists = [_make_artist(number, language, rng) for number in range(n_artists)]
    numbers = 1000 + np.sort(rng.choice(98_000, 4 * clips_per_quadrant, replace=False))
    rng.shuffle(numbers)  # an identifier must not tell the quadrant
    quadrants = np.repeat(list(QUADRANT_SIGNS), clips_per_quadrant).tolist()
    return [Clip(name.format(number), language, quadrant, artists[index % n_artists], (seed, stream, number))
            for index, (number, quadrant) in enumerate(zip(numbers.tolist(), quadrants, strict=True))]
