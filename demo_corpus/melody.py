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
