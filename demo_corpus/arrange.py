"""Accompaniment: patterns of a style played on the chords of a piece, with a player's unevenness."""

from typing import NamedTuple

import numpy as np

from demo_corpus import styles
from demo_corpus.harmony import voicing, with_dissonance


class Note(NamedTuple):
    """One sounding note: start and duration in seconds, MIDI pitch and velocity (1 to 127)."""

    start: float
    duration: float
    pitch: int
    velocity: int


class Part(NamedTuple):
    """One instrument: General MIDI program, whether it is the drum kit, pan (-1 left to 1 right), its notes."""

    name: str
    program: int
    is_drums: bool
    pan: float
    notes: list


class Grid(NamedTuple):
    """The time of a piece.

    Attributes
    ----------
    meter : str
        "4/4", "3/4" or "6/8".
    step_seconds : float
        A sixteenth.
    n_bars : int
    origin : float
        Start of the first bar in seconds.
    """

    meter: str
    step_seconds: float
    n_bars: int
    origin: float

    @property
    def bar_steps(self):
        """Sixteenths in a bar."""
        return 16 if self.meter == "4/4" else 12

    @property
    def n_steps(self):
        """Sixteenths in the piece, without the closing chord."""
        return self.n_bars * self.bar_steps

    def seconds(self, step):
        """Time of a step in seconds."""
        return self.origin + step * self.step_seconds


class Player:
    """Plays notes with the velocity, articulation and unevenness that the cues ask for.

    Parameters
    ----------
    grid : Grid
    cues : dict of str to float
    rng : np.random.Generator
    """

    def __init__(self, grid, cues, rng):
        self.grid, self.cues, self.rng = grid, cues, rng
        self._swell_phase = rng.uniform(0, 2 * np.pi)

    def note(self, step, length, pitch, level, gate=None):
        """A Note at a step; `level` is added to the velocity, `gate` replaces the articulation."""
        cues, rng = self.cues, self.rng
        jitter = rng.normal(0, 0.004 + 0.012 * cues["irregularity"])
        # Half of the spread is a slow swell over the piece, half changes from note to note.
        swell = np.sin(2 * np.pi * step / max(self.grid.n_steps, 1) * 1.5 + self._swell_phase)
        velocity = cues["velocity"] + level + cues["velocity_spread"] * (0.9 * swell + 0.6 * rng.normal())
        duration = max(length * self.grid.step_seconds * (cues["gate"] if gate is None else gate), 0.05)
        return Note(max(self.grid.seconds(step) + jitter, 0.0), float(duration), int(pitch),
                    int(np.clip(round(velocity), 12, 127)))

    def events(self, patterns):
        """Steps and signs of a pattern over the whole piece, with accents displaced or dropped.

        Returns
        -------
        list of (int, int, str)
            Step, length up to the next event, sign.
        """
        pattern = patterns[0 if self.grid.meter == "4/4" else 1]
        placed = {}
        for step in range(self.grid.n_steps):
            sign = pattern[step % self.grid.bar_steps]
            if sign == ".":
                continue
            chance = self.rng.random()
            is_downbeat = step % self.grid.bar_steps == 0
            if not is_downbeat and chance < 0.12 * self.cues["irregularity"]:
                continue
            if not is_downbeat and chance < 0.4 * self.cues["irregularity"]:
                step = min(step + int(self.rng.choice((-1, 1))), self.grid.n_steps - 1)
            placed[step] = sign
        steps = sorted(placed)
        lengths = np.diff([*steps, self.grid.n_steps])
        return [(step, int(length), placed[step]) for step, length in zip(steps, lengths, strict=True)]


def _by_density(names, density):
    """Pattern whose number of onsets a beat comes nearest to the cue; names are ordered from sparse to dense."""
    onsets = [sum(sign != "." for sign in styles.COMP[name][0]) / 4 for name in names]
    return names[int(np.argmin([abs(n - density) for n in onsets]))]


def comp(player, names, program, chord_at, centre):
    """Chordal accompaniment; returns (Part, name of the pattern)."""
    name = _by_density(names, player.cues["density"])
    notes = []
    for step, length, sign in player.events(styles.COMP[name]):
        classes = chord_at(step)
        if sign.isdigit():
            pitches = voicing(classes[:3], centre)
            octave, index = divmod(int(sign), 3)
            chosen = [pitches[index % len(pitches)] + 12 * octave]
        else:
            chosen = voicing(with_dissonance(classes, player.cues["dissonance"], player.rng), centre)
        level = {"C": 0, "c": -9}.get(sign, -6) - 12
        notes += [player.note(step, length, pitch, level) for pitch in chosen]
    return Part("comp", program, False, float(player.rng.uniform(-0.45, 0.45)), notes), name


def pad(player, program, chord_spans, centre):
    """Sustained chords; `chord_spans` lists (step, length, pitch classes)."""
    notes = []
    for step, length, classes in chord_spans:
        clash = with_dissonance(classes, player.cues["dissonance"] * 0.6, player.rng)
        notes += [player.note(step, length, pitch, -24, gate=1.0) for pitch in voicing(clash, centre)]
    return Part("pad", program, False, float(player.rng.uniform(-0.3, 0.3)), notes)


def bass(player, name, program, chord_at):
    """Bass line on roots and fifths."""
    notes = []
    for step, length, sign in player.events(styles.BASS[name]):
        classes = chord_at(step)
        root = 36 + (classes[0] - 36) % 12
        pitch = {"0": root, "2": 36 + (classes[2] - 36) % 12, "3": root + 12}[sign]
        notes.append(player.note(step, length, pitch, -4, gate=min(player.cues["gate"] + 0.15, 1.0)))
    return Part("bass", program, False, 0.0, notes)


def drums(player, name):
    """Drum kit; an empty pattern gives a part without notes."""
    notes = []
    for key, patterns in styles.DRUMS[name].items():
        for step, _, sign in player.events(patterns):
            notes.append(player.note(step, 2, key, -4 if sign == "X" else -20, gate=1.0))
    return Part("drums", styles.DRUM_KITS.get(name, 0), True, 0.0, notes)


def lead(player, program, melody, *, octave, level):
    """An instrument that plays a melody, a list of MelodyNote."""
    notes = [player.note(n.step, n.length, n.pitch + 12 * octave, level) for n in melody]
    return Part("lead", program, False, float(player.rng.uniform(-0.5, 0.5)), notes)
