"""Keys, chords and melodies.

A melody has its rhythm from the metre of the words, a contour that is repeated and varied, and chord notes on beats.
"""

from typing import NamedTuple

import numpy as np

_RANGE = 7  # semitones to each side of the singer's middle
STRONG_PER_PHRASE = 4
MODES = {  # brightness on the circle of fifths: name, semitones of the seven degrees above the tonic
    1: ("lydian", (0, 2, 4, 6, 7, 9, 11)), 0: ("major", (0, 2, 4, 5, 7, 9, 11)),
    -1: ("mixolydian", (0, 2, 4, 5, 7, 9, 10)), -2: ("dorian", (0, 2, 3, 5, 7, 9, 10)),
    -3: ("minor", (0, 2, 3, 5, 7, 8, 10)), -4: ("phrygian", (0, 1, 3, 5, 7, 8, 10)),
}
PENTATONIC_DEGREES = {True: (0, 1, 2, 4, 5), False: (0, 2, 3, 4, 6)}  # gong-like (major), yu-like (minor)

# Root degrees (0 = tonic) of four chords a phrase, in major and in minor; a cadence ends the last phrase.
_PROGRESSIONS = {True: ("0534", "0453", "0304", "0234", "0314", "0034", "5304"),
                 False: ("0526", "0304", "0654", "0534", "0362", "0054", "0406")}
_CADENCES = {True: ("3040", "1440", "5340"), False: ("3040", "5340", "5660")}
_DISSONANCES = (1, 6, 11, 2)  # semitones above the root: flat ninth, tritone, major seventh, second


class Harmony:
    """A key (pitch class of the tonic, cue `mode_brightness`) with the chords of one piece.

    The melody keeps to five notes where `pentatonic` is true.
    """

    def __init__(self, tonic, brightness, pentatonic, rng):
        self.tonic = tonic
        self.mode, self.scale = MODES[int(np.clip(round(brightness), min(MODES), max(MODES)))]
        is_major = self.scale[2] == 4
        self.melody_steps = [self.scale[i] for i in (PENTATONIC_DEGREES[is_major] if pentatonic else range(7))]
        # A raised leading tone in the dominant, as minor keys have it outside modal music.
        self.raises_leading_tone = not is_major and rng.random() < 0.6
        self._main, self._contrast, self._cadence = (
            options[is_major][rng.integers(len(options[is_major]))]
            for options in (_PROGRESSIONS, _PROGRESSIONS, _CADENCES))

    def phrase_chords(self, section, is_last):
        """Four chords for a phrase of section "A" or "B"."""
        main = self._main if section == "A" else self._contrast
        return [self.chord(int(degree)) for degree in (main[:2] + self._cadence[2:] if is_last else main)]

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

    def step_near(self, pitch, allowed=range(12)):
        """Number of the melody step nearest to a MIDI pitch, among pitch classes `allowed` if any fits."""
        size = len(self.melody_steps)
        middle = int((pitch - self.tonic) / 12 * size)
        steps = range(middle - size, middle + size + 1)
        fitting = [step for step in steps if self.melody_pitch(step) % 12 in allowed]
        return min(fitting or steps, key=lambda step: abs(self.melody_pitch(step) - pitch))


def voicing(classes, centre):
    """Place pitch classes within half an octave of a MIDI pitch, lowest first."""
    return sorted(int(centre - 6 + (pitch_class - (centre - 6)) % 12) for pitch_class in classes)


def with_dissonance(classes, amount, rng):
    """Add a clashing note to a chord with probability `amount`."""
    if rng.random() >= amount:
        return classes
    return (*classes, (classes[0] + _DISSONANCES[rng.integers(len(_DISSONANCES))]) % 12)


class MelodyNote(NamedTuple):
    """One note on the grid: start and length in sixteenths from the start of the piece, pitch as MIDI number."""

    step: int
    length: int
    pitch: int


def rhythm(metre, stride, upbeat):
    """Place syllables: strong ones every `stride` sixteenths, a weak one `upbeat` sixteenths before the next strong.

    A list of (start relative to the phrase, negative for an upbeat; length in sixteenths; whether strong).
    """
    strong = [sign == "/" for sign in metre]
    starts = [sum(strong[:i]) * stride - (0 if strong[i] else upbeat) for i in range(len(strong))]
    end = min(STRONG_PER_PHRASE * stride - upbeat, starts[-1] + 2 * stride)
    return list(zip(starts, np.diff([*starts, end]).tolist(), strong, strict=True))


def contour(n_notes, leap, rng):
    """A line in scale degrees relative to its first note, shape (n_notes,).

    It tends to rise and fall as an arch (Huron 1996, "The melodic arch in Western folksongs", Computing in
    Musicology 10) and turns back by step after a leap (gap-fill). `leap` is the typical step (cue).
    """
    is_arch = rng.random() < 0.65
    moves = [0]
    for index in range(1, n_notes):
        upward = 0.72 if (index < n_notes / 2) == is_arch else 0.3
        size = 0 if rng.random() < 0.14 else 1 + rng.poisson(max(leap - 1, 0.05))
        sign = 1 if rng.random() < upward else -1
        if abs(moves[-1]) >= 3:
            size, sign = 1, -int(np.sign(moves[-1]))
        moves.append(sign * min(size, 5))
    return np.cumsum(moves)


def vary(line, leap, rng):
    """The same line with another ending: its last third is drawn anew."""
    kept = max(len(line) - max(len(line) // 3, 2), 1)
    tail = contour(len(line) - kept + 1, leap, rng)[1:] + line[kept - 1]
    return np.concatenate([line[:kept], tail])


def realise(line, places, harmony, *, offset, centre, chord_at, ends_on_tonic):
    """Turn a contour (scale degrees, shape (n,)) and its `rhythm` into a list of MelodyNote.

    The phrase starts at step `offset`; `chord_at` gives the pitch classes at a step. Pitches are mirrored at the limits
    of the range, whose middle `centre` is a MIDI number.
    """
    first = harmony.step_near(centre, chord_at(offset + places[0][0]))
    notes = []
    for degree, (start, length, is_strong) in zip(line, places, strict=True):
        away = harmony.melody_pitch(first + int(degree)) - centre
        if abs(away) > _RANGE:
            away = np.sign(away) * 2 * _RANGE - away
        allowed = chord_at(offset + start) if is_strong else range(12)
        if ends_on_tonic and len(notes) == len(places) - 1:
            allowed = (harmony.tonic,)
        pitch = harmony.melody_pitch(harmony.step_near(centre + away, allowed))
        notes.append(MelodyNote(offset + start, length, pitch))
    return notes
