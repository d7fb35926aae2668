"""Emotion to musical cues: what a composer and a player change, each drawn from a broad distribution.

Cues act almost linearly and add up with hardly any interaction, so the mean of each cue is linear in arousal and
valence. The directions follow the literature in docs/demo_corpus.md; the sizes are ours, chosen so that each cue alone
leaves the quadrants overlapping widely and only all of them together tell most clips apart.
"""

from typing import NamedTuple

QUADRANT_SIGNS = {"Q1": (1, 1), "Q2": (1, -1), "Q3": (-1, -1), "Q4": (-1, 1)}  # (arousal, valence), Russell 1980


class Cue(NamedTuple):
    """Distribution of one cue: normal, its mean linear in arousal and valence (each -1 to 1), clipped."""

    mean: float     # at the centre of the plane
    arousal: float  # change of the mean from the centre to the edge of the plane
    valence: float
    spread: float   # standard deviation
    low: float      # limits
    high: float


CUES = {name: Cue(*numbers) for name, *numbers in (
    ("tempo_bpm", 96, 27, 7, 20, 50, 172),             # fast: happiness, anger, fear; slow: sadness, tenderness
    ("mode_brightness", -1.4, 0, 1.8, 1.3, -4, 1),     # circle of fifths: +1 lydian, 0 major, -3 minor, -4 phrygian
    ("register", 0, 0.8, 1.2, 2.0, -4, 4),             # semitones above the singer's middle; high: happiness
    ("velocity", 80, 15, -3, 10, 38, 118),             # MIDI; loud: anger, joy; soft: sadness, peace
    ("velocity_spread", 9, 2.0, -2.0, 3, 2, 20),       # its standard deviation; large changes: fear, anger
    ("gate", 0.82, -0.15, 0.0, 0.13, 0.35, 1.05),      # sounding share of a note; staccato: happiness, anger
    ("dissonance", 0.28, 0.06, -0.20, 0.15, 0, 0.85),  # share of chords with an added clash; dissonant: anger, fear
    ("brightness", 0.5, 0.17, -0.02, 0.15, 0, 1.0),    # timbre, 0 dull to 1 bright; bright: anger, happiness
    ("irregularity", 0.26, 0.05, -0.13, 0.14, 0, 0.8),  # share of displaced or dropped accents: anger, unease
    ("density", 2.0, 0.5, 0.1, 0.6, 0.5, 4.0),         # onsets a beat in the accompaniment; more: activity
    ("leap", 1.7, 0.35, 0.2, 0.45, 0.8, 3.2),          # typical melodic step in scale degrees; leaps: excitement
)}


def draw_emotion(quadrant, rng):
    """Point of the plane inside a quadrant: arousal and valence, each 0.3 to 1 in absolute value."""
    return tuple(float(sign * rng.uniform(0.3, 1.0)) for sign in QUADRANT_SIGNS[quadrant])


def draw_cues(arousal, valence, rng, taste=None):
    """Draw every cue of a piece: a dict in the order of `CUES`.

    Arousal and valence are in [-1, 1]; `taste` is what an artist adds to single cues, in the cue's unit.
    """
    drawn = {}
    for name, cue in CUES.items():
        value = cue.mean + cue.arousal * arousal + cue.valence * valence + rng.normal(0, cue.spread)
        drawn[name] = float(min(max(value + (taste or {}).get(name, 0.0), cue.low), cue.high))
    return drawn
