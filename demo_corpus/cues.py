"""Emotion to musical cues: what a composer and a player change, each drawn from a broad distribution.

Cues act almost linearly and add up with hardly any interaction (Eerola, Friberg & Bresin 2013; Juslin & Lindstroem
2010), so the mean of each cue is linear in arousal and valence. The directions follow the reviews; the sizes are
ours, chosen so that each cue alone leaves the quadrants overlapping widely and only all of them together tell most
clips apart.

References
----------
Gabrielsson, A., & Lindstroem, E. (2010). The role of structure in the musical expression of emotions. In P. N. Juslin
& J. A. Sloboda (Eds.), Handbook of Music and Emotion (pp. 367-400). Oxford University Press.
Juslin, P. N., & Lindstroem, E. (2010). Musical expression of emotions: modelling listeners' judgements of composed
and performed features. Music Analysis, 29(1-3), 334-364. doi:10.1111/j.1468-2249.2011.00323.x
Eerola, T., Friberg, A., & Bresin, R. (2013). Emotional expression in music: contribution, linearity, and additivity
of primary musical cues. Frontiers in Psychology, 4, 487. doi:10.3389/fpsyg.2013.00487
Temperley, D., & Tan, D. (2013). Emotional connotations of diatonic modes. Music Perception, 30(3), 237-257.
doi:10.1525/mp.2012.30.3.237
"""

from typing import NamedTuple

QUADRANT_SIGNS = {"Q1": (1, 1), "Q2": (1, -1), "Q3": (-1, -1), "Q4": (-1, 1)}  # (arousal, valence), Russell 1980


class Cue(NamedTuple):
    """Distribution of one cue: normal, its mean linear in arousal and valence (each -1 to 1), clipped.

    Attributes
    ----------
    mean : float
        At the centre of the plane.
    arousal, valence : float
        Change of the mean from the centre to the edge of the plane.
    spread : float
        Standard deviation.
    low, high : float
        Limits.
    """

    mean: float
    arousal: float
    valence: float
    spread: float
    low: float
    high: float


CUES = {
    # Beats per minute; fast: happiness, anger, fear; slow: sadness, tenderness.
    "tempo_bpm": Cue(96, 27, 7, 20, 50, 172),
    # Steps on the circle of fifths, +1 lydian, 0 major, -3 natural minor, -4 phrygian; major: happiness.
    "mode_brightness": Cue(-1.4, 0, 1.8, 1.3, -4, 1),
    # Mean pitch of the melody in semitones above the singer's middle; high: happiness, low: sadness, anger.
    "register": Cue(0, 0.8, 1.2, 2.0, -4, 4),
    # Mean MIDI velocity; loud: anger, joy; soft: sadness, peace.
    "velocity": Cue(80, 15, -3, 10, 38, 118),
    # Standard deviation of the velocity; large changes: fear, anger.
    "velocity_spread": Cue(9, 2.0, -2.0, 3, 2, 20),
    # Sounding share of a note's length; staccato: happiness, anger; legato: sadness, tenderness.
    "gate": Cue(0.82, -0.15, 0.0, 0.13, 0.35, 1.05),
    # Share of chords with added seconds, tritones or clusters; dissonant: anger, fear.
    "dissonance": Cue(0.28, 0.06, -0.20, 0.15, 0.0, 0.85),
    # 0 dull to 1 bright timbre; bright: anger, happiness; dull: sadness, tenderness.
    "brightness": Cue(0.5, 0.17, -0.02, 0.15, 0.0, 1.0),
    # Share of displaced or dropped accents; regular: happiness, serenity; irregular: anger, unease.
    "irregularity": Cue(0.26, 0.05, -0.13, 0.14, 0.0, 0.8),
    # Accompaniment onsets per beat; more: activity.
    "density": Cue(2.0, 0.5, 0.1, 0.6, 0.5, 4.0),
    # Typical melodic step in scale degrees; leaps: excitement.
    "leap": Cue(1.7, 0.35, 0.2, 0.45, 0.8, 3.2),
}


def draw_emotion(quadrant, rng):
    """Point of the plane inside a quadrant: arousal and valence, each 0.3 to 1 in absolute value."""
    signs = QUADRANT_SIGNS[quadrant]
    return tuple(float(sign * rng.uniform(0.3, 1.0)) for sign in signs)


def draw_cues(arousal, valence, rng, taste=None):
    """Draw every cue of a piece.

    Parameters
    ----------
    arousal, valence : float
        In [-1, 1].
    rng : np.random.Generator
    taste : dict of str to float, optional
        What an artist adds to single cues, in the cue's unit.

    Returns
    -------
    dict of str to float
        Cue values in the order of `CUES`.
    """
    taste = taste or {}
    drawn = {}
    for name, cue in CUES.items():
        value = cue.mean + cue.arousal * arousal + cue.valence * valence + rng.normal(0, cue.spread)
        drawn[name] = float(min(max(value + taste.get(name, 0.0), cue.low), cue.high))
    return drawn
