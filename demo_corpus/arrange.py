"""Accompaniment: patterns of a style played on the chords of a piece, with a player's unevenness."""

from typing import NamedTuple

import numpy as np

from demo_corpus import styles
from demo_corpus.melody import voicing, with_dissonance


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


class Form(NamedTuple):
    """Time and phrases of a piece; a step is a sixteenth."""

    meter: str           # "4/4", "3/4" or "6/8"
    step_seconds: float
    n_bars: int
    origin: float        # start of the first bar in seconds
    sections: str        # a letter for each phrase; the same letter is the same tune
    first_step: int      # of the first phrase; before it stands the introduction
    stride: int          # steps from one strong syllable, and chord, to the next
    upbeat: int          # steps from a weak syllable to the strong one after it

    @property
    def bar_steps(self):
        """Steps in a bar."""
        return 16 if self.meter == "4/4" else 12

    @property
    def n_steps(self):
        """Steps in the piece, without the closing chord."""
        return self.n_bars * self.bar_steps

    def seconds(self, step):
        """Time of a step in seconds."""
        return self.origin + step * self.step_seconds


class Player:
    """Plays the parts of a piece with the velocity, articulation and unevenness that the cues ask for.

    `spans` lists the chords: first step, length in steps, pitch classes.
    """

    def __init__(self, form, cues, spans, rng):
        self.form, self.cues, self.spans, self.rng = form, cues, spans, rng
        self._swell_phase = rng.uniform(0, 2 * np.pi)

    def _note(self, step, length, pitch, level, gate=None):
        """A Note at a step; `level` is added to the velocity, `gate` replaces the articulation."""
        cues, rng = self.cues, self.rng
        jitter = rng.normal(0, 0.004 + 0.012 * cues["irregularity"])
        # Half of the spread is a slow swell over the piece, half changes from note to note.
        swell = np.sin(2 * np.pi * step / max(self.form.n_steps, 1) * 1.5 + self._swell_phase)
        velocity = cues["velocity"] + level + cues["velocity_spread"] * (0.9 * swell + 0.6 * rng.normal())
        duration = max(length * self.form.step_seconds * (cues["gate"] if gate is None else gate), 0.05)
        return Note(max(self.form.seconds(step) + jitter, 0.0), float(duration), int(pitch),
                    int(np.clip(round(velocity), 12, 127)))

    def _events(self, patterns):
        """(step, length, sign) of a pattern over the whole piece, with accents displaced or dropped."""
        form, placed = self.form, {}
        pattern = patterns[form.meter != "4/4"]
        for step in range(form.n_steps):
            sign = pattern[step % form.bar_steps]
            if sign == ".":
                continue
            chance = self.rng.random()
            if step % form.bar_steps:  # the downbeat stays
                if chance < 0.12 * self.cues["irregularity"]:
                    continue
                if chance < 0.4 * self.cues["irregularity"]:
                    step = min(step + int(self.rng.choice((-1, 1))), form.n_steps - 1)
            placed[step] = sign
        steps = sorted(placed)
        return [(step, end - step, placed[step]) for step, end in zip(steps, [*steps[1:], form.n_steps], strict=True)]

    def comp(self, name, program, centre):
        """Chordal accompaniment around a MIDI pitch: one of `styles.COMP`."""
        notes = []
        for step, length, sign in self._events(styles.COMP[name]):
            classes = chord_at(self.spans, step)
            if sign.isdigit():
                pitches = voicing(classes, centre)
                octave, index = divmod(int(sign), 3)
                chosen = [pitches[index % len(pitches)] + 12 * octave]
            else:
                chosen = voicing(with_dissonance(classes, self.cues["dissonance"], self.rng), centre)
            level = {"C": 0, "c": -9}.get(sign, -6) - 12
            notes += [self._note(step, length, pitch, level) for pitch in chosen]
        return Part("comp", program, False, float(self.rng.uniform(-0.45, 0.45)), notes)

    def bass(self, name, program):
        """Bass line on roots and fifths: one of `styles.BASS`."""
        notes = []
        for step, length, sign in self._events(styles.BASS[name]):
            root, _, fifth = (36 + (pitch_class - 36) % 12 for pitch_class in chord_at(self.spans, step))
            pitch = {"0": root, "2": fifth, "3": root + 12}[sign]
            notes.append(self._note(step, length, pitch, -4, gate=min(self.cues["gate"] + 0.15, 1.0)))
        return Part("bass", program, False, 0.0, notes)

    def pad(self, program, centre):
        """Sustained chords around a MIDI pitch."""
        notes = []
        for step, length, classes in self.spans:
            clash = with_dissonance(classes, self.cues["dissonance"] * 0.6, self.rng)
            notes += [self._note(step, length, pitch, -24, gate=1.0) for pitch in voicing(clash, centre)]
        return Part("pad", program, False, float(self.rng.uniform(-0.3, 0.3)), notes)

    def drums(self, name):
        """Drum kit: one of `styles.DRUMS`; "none" gives a part without notes."""
        notes = [self._note(step, 2, key, -4 if sign == "X" else -20, gate=1.0)
                 for key, patterns in styles.DRUMS[name].items() for step, _, sign in self._events(patterns)]
        return Part("drums", styles.DRUM_KITS.get(name, 0), True, 0.0, notes)

    def lead(self, program, tune, level):
        """A melody (a list of MelodyNote), moved by octaves to the middle of an instrument's range."""
        octaves = int(round((70 - np.mean([note.pitch for note in tune])) / 12)) if tune else 0
        notes = [self._note(n.step, n.length, n.pitch + 12 * octaves, level) for n in tune]
        return Part("lead", program, False, float(self.rng.uniform(-0.5, 0.5)), notes)

    def close(self, program, centre):
        """The last chord, which rings out."""
        notes = [self._note(self.form.n_steps, 12, pitch, -14, gate=1.0)
                 for pitch in voicing(self.spans[-1][2], centre)]
        return Part("close", program, False, 0.0, notes)

def chord_at(spans, step):
    """Pitch classes of the chord that sounds at a step; before the first chord, the first."""
    return next((classes for start, _, classes in reversed(spans) if start <= step), spans[0][2])
