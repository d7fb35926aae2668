"""Modes, chords and progressions."""

import numpy as np

# Semitones above the tonic of the seven degrees, by brightness on the circle of fifths.
MODES = {
    1: ("lydian", (0, 2, 4, 6, 7, 9, 11)),
    0: ("major", (0, 2, 4, 5, 7, 9, 11)),
    -1: ("mixolydian", (0, 2, 4, 5, 7, 9, 10)),
    -2: ("dorian", (0, 2, 3, 5, 7, 9, 10)),
    -3: ("minor", (0, 2, 3, 5, 7, 8, 10)),
    -4: ("phrygian", (0, 1, 3, 5, 7, 8, 10)),
}
PENTATONIC_DEGREES = {True: (0, 1, 2, 4, 5), False: (0, 2, 3, 4, 6)}  # gong-like (major), yu-like (minor)

# Root degrees (0 = tonic), four chords a phrase; the cadence is the last phrase's.
_PROGRESSIONS = {
    True: ((0, 5, 3, 4), (0, 4, 5, 3), (0, 3, 0, 4), (0, 2, 3, 4), (0, 3, 1, 4), (0, 0, 3, 4), (5, 3, 0, 4)),
    False: ((0, 5, 2, 6), (0, 3, 0, 4), (0, 6, 5, 4), (0, 5, 3, 4), (0, 3, 6, 2), (0, 0, 5, 4), (0, 4, 0, 6)),
}
_CADENCES = {True: ((3, 0, 4, 0), (1, 4, 4, 0), (5, 3, 4, 0)), False: ((3, 0, 4, 0), (5, 3, 4, 0), (5, 6, 6, 0))}
_DISSONANCES = (1, 6, 11, 2)  # semitones above the root: flat ninth, tritone, major seventh, second


class Harmony:
    """A key with the chords of one piece.

    Parameters
    ----------
    tonic : int
        Pitch class, 0 to 11.
    brightness : float
        Cue `mode_brightness`; rounded to the nearest mode.
    pentatonic : bool
        Whether the melody keeps to five notes.
    rng : np.random.Generator
    """

    def __init__(self, tonic, brightness, pentatonic, rng):
        self.tonic = tonic
        self.mode, self.scale = MODES[int(np.clip(round(brightness), min(MODES), max(MODES)))]
        self.is_major = self.scale[2] == 4
        degrees = PENTATONIC_DEGREES[self.is_major] if pentatonic else range(7)
        self.melody_steps = tuple(self.scale[degree] for degree in degrees)
        # A raised leading tone in the dominant, as minor keys have it outside modal music.
        self.raises_leading_tone = not self.is_major and rng.random() < 0.6
        self._main = _PROGRESSIONS[self.is_major][rng.integers(len(_PROGRESSIONS[self.is_major]))]
        self._contrast = _PROGRESSIONS[self.is_major][rng.integers(len(_PROGRESSIONS[self.is_major]))]
        self._cadence = _CADENCES[self.is_major][rng.integers(len(_CADENCES[self.is_major]))]

    def phrase_degrees(self, section, is_last):
        """Four root degrees for a phrase of section "A" or "B"."""
        main = self._main if section == "A" else self._contrast
        return (*main[:2], *self._cadence[2:]) if is_last else main

    def chord(self, degree):
        """Pitch classes (root, third, fifth) of the triad on a degree."""
        classes = [self.scale[(degree + offset) % 7] for offset in (0, 2, 4)]
        if degree % 7 == 4 and self.raises_leading_tone:
            classes[1] = 11
        return tuple((self.tonic + semitones) % 12 for semitones in classes)

    def melody_pitch(self, step):
        """MIDI pitch of step number `step` of the melody's scale, counted from the tonic of octave 0."""
        octave, index = divmod(step, len(self.melody_steps))
        return self.tonic + 12 * octave + self.melody_steps[index]

    def step_near(self, pitch, allowed=None):
        """Number of the melody step nearest to a MIDI pitch, among pitch classes `allowed` if given."""
        size = len(self.melody_steps)
        middle = int((pitch - self.tonic) / 12 * size)
        steps = range(middle - size, middle + size + 1)
        fitting = [s for s in steps if allowed is None or self.melody_pitch(s) % 12 in allowed]
        return min(fitting or steps, key=lambda s: abs(self.melody_pitch(s) - pitch))


def voicing(classes, centre):
    """Place pitch classes within half an octave of a MIDI pitch, lowest first."""
    return sorted(int(centre - 6 + (pitch_class - (centre - 6)) % 12) for pitch_class in classes)


def with_dissonance(classes, amount, rng):
    """Add a clashing note to a chord with probability `amount`."""
    if rng.random() >= amount:
        return classes
    return (*classes, (classes[0] + _DISSONANCES[rng.integers(len(_DISSONANCES))]) % 12)
