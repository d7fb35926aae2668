"""Melodies: a rhythm from the metre of the words, a contour that is repeated and varied, chord notes on the beats."""

from typing import NamedTuple

import numpy as np

_RANGE = 7  # semitones to each side of the singer's middle
STRONG_PER_PHRASE = 4


class MelodyNote(NamedTuple):
    """One note on the grid: start and length in sixteenths from the start of the piece, pitch as MIDI number."""

    step: int
    length: int
    pitch: int


def rhythm(metre, stride, upbeat):
    """Place syllables: strong ones every `stride` sixteenths, a weak one `upbeat` sixteenths before the next strong.

    Parameters
    ----------
    metre : str
        `/` strong, `x` weak.
    stride, upbeat : int
        In sixteenths.

    Returns
    -------
    list of (int, int, bool)
        Start relative to the phrase (an upbeat is negative), length in sixteenths, whether strong.
    """
    starts, n_strong = [], 0
    for sign in metre:
        starts.append(n_strong * stride - (0 if sign == "/" else upbeat))
        n_strong += sign == "/"
    end = min(STRONG_PER_PHRASE * stride - upbeat, starts[-1] + 2 * stride)
    lengths = np.diff([*starts, end])
    return [(start, int(length), sign == "/") for start, length, sign in zip(starts, lengths, metre, strict=True)]


def contour(n_notes, leap, rng):
    """A line in scale degrees relative to its first note, shape (n_notes,).

    It tends to rise and fall as an arch (Huron 1996, "The melodic arch in Western folksongs", Computing in
    Musicology 10) and turns back by step after a leap (gap-fill).

    Parameters
    ----------
    n_notes : int
    leap : float
        Typical step in scale degrees (cue).
    rng : np.random.Generator
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
    """Turn a contour into notes.

    Parameters
    ----------
    line : np.ndarray, shape (n,)
        Scale degrees relative to the first note.
    places : list of (int, int, bool)
        From `rhythm`.
    harmony : Harmony
    offset : int
        Start of the phrase in sixteenths.
    centre : float
        Middle of the range as MIDI number.
    chord_at : callable
        Step in sixteenths -> pitch classes of the chord.
    ends_on_tonic : bool
        True for a full close.

    Returns
    -------
    list of MelodyNote
    """
    first = harmony.step_near(centre, chord_at(max(offset + places[0][0], 0)))
    notes = []
    for degree, (start, length, is_strong) in zip(line, places, strict=True):
        pitch = _into_range(harmony.melody_pitch(first + int(degree)), centre)
        allowed = chord_at(max(offset + start, 0))[:3] if is_strong else None
        if ends_on_tonic and len(notes) == len(places) - 1:
            allowed = (harmony.tonic,)
        notes.append(MelodyNote(offset + start, length, harmony.melody_pitch(harmony.step_near(pitch, allowed))))
    return notes


def _into_range(pitch, centre):
    """Mirror a pitch at the limits of the range."""
    if pitch > centre + _RANGE:
        return 2 * (centre + _RANGE) - pitch
    if pitch < centre - _RANGE:
        return 2 * (centre - _RANGE) - pitch
    return pitch
