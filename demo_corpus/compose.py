"""Compose one piece: emotion -> cues -> style, key, form, melody, accompaniment, words -> Score."""

from typing import NamedTuple

import numpy as np

from demo_corpus import arrange, melody, styles
from demo_corpus.cues import draw_cues, draw_emotion
from demo_corpus.harmony import Harmony
from demo_corpus.singing import SungNote
from demo_corpus.words import STANZAS

SHORTEST_SECONDS, LONGEST_SECONDS = 12.0, 15.0
_PHRASE_SECONDS = 4.1  # a sung line that a singer takes in one breath
_SHORTEST_SYLLABLE_SECONDS = 0.16
_BEAT_STEPS = {"4/4": 4, "3/4": 4, "6/8": 6}
_STRIDES = {"4/4": (4, 8, 16), "3/4": (6, 12), "6/8": (6, 12)}  # sixteenths from one strong syllable to the next
_FORMS = {1: "A", 2: "AA", 3: "ABA", 4: "AABA", 5: "AABAA"}
_SPEAKING_STYLES = ("tension", "rock", "ambient", "court")


class Line(NamedTuple):
    """A line of text with its notes; a spoken line uses only the start of the first."""

    text: str
    notes: list


class Score(NamedTuple):
    """A composed piece.

    Attributes
    ----------
    seconds : float
    parts : list of arrange.Part
    lines : list of Line
    delivery : {"sung", "spoken"}
    cues : dict of str to float
    facts : dict of str to str or float
        What else was decided: style, key, meter, words, ...
    """

    seconds: float
    parts: list
    lines: list
    delivery: str
    cues: dict
    facts: dict


class _Form(NamedTuple):
    """Phrases of a piece: section letters, length in steps, first step, sixteenths between strong syllables."""

    sections: str
    phrase_steps: int
    first_step: int
    stride: int
    upbeat: int


def compose(quadrant, language, artist, rng):
    """Compose a piece for a quadrant.

    Parameters
    ----------
    quadrant : {"Q1", "Q2", "Q3", "Q4"}
    language : {"english", "mandarin"}
        Of the words.
    artist : plan.Artist
    rng : np.random.Generator

    Returns
    -------
    Score
    """
    arousal, valence = draw_emotion(quadrant, rng)
    cues = draw_cues(arousal, valence, rng, artist.taste)
    style_name = styles.choose(arousal, valence, language, rng, artist.favourites)
    style = styles.STYLES[style_name]
    stanza = _choose_stanza(quadrant, language, rng)
    grid, form = _lay_out(cues, style, stanza.metre, rng)
    is_pentatonic = language == "mandarin" and rng.random() < 0.6
    harmony = Harmony(int(rng.integers(12)), cues["mode_brightness"], is_pentatonic, rng)
    spans = _chord_spans(grid, form, harmony)
    phrases = _melodies(form, stanza.metre, harmony, _chord_lookup(spans), artist.middle + cues["register"], cues, rng)
    lines, played = _share_out(phrases, stanza, grid, cues, rng)
    parts, pattern = _arrange(style, grid, spans, played, phrases, cues, rng)
    delivery = "spoken" if style_name in _SPEAKING_STYLES and rng.random() < 0.3 else "sung"
    seconds = float(np.clip(grid.seconds(grid.n_steps) + 1.0, SHORTEST_SECONDS, LONGEST_SECONDS))
    facts = {"arousal": round(arousal, 4), "valence": round(valence, 4), "style": style_name, "meter": grid.meter,
             "mode": harmony.mode, "tonic": harmony.tonic, "pentatonic": is_pentatonic, "pattern": pattern,
             "delivery": delivery,
             "programs": " ".join(f"{part.name}:{part.program}" for part in parts),
             "words": " / ".join(line.text for line in lines)}
    return Score(seconds, parts, lines, delivery, cues, facts)


def _choose_stanza(quadrant, language, rng):
    """Words that suit the quadrant in two of three songs, any words in the others."""
    choices = STANZAS[language]
    fitting = [stanza for stanza in choices if stanza.quadrant == quadrant]
    chosen = fitting if rng.random() < 2 / 3 else choices
    return chosen[rng.integers(len(chosen))]


def _lay_out(cues, style, metre, rng):
    """Choose meter and phrase length so that a line takes about one breath; fill the clip with whole bars."""
    meter = style.meters[rng.integers(len(style.meters))]
    step_seconds = 60.0 / cues["tempo_bpm"] / _BEAT_STEPS[meter]
    per_phrase = melody.STRONG_PER_PHRASE * step_seconds
    stride = min(_STRIDES[meter], key=lambda s: abs(np.log(s * per_phrase / _PHRASE_SECONDS)))
    bar_seconds = step_seconds * (16 if meter == "4/4" else 12)
    room = 14.0 if bar_seconds > 2.2 else rng.uniform(12.4, 14.0)
    n_bars = int(room / bar_seconds)
    phrase_bars = melody.STRONG_PER_PHRASE * stride * step_seconds / bar_seconds
    n_phrases = int(n_bars / phrase_bars)
    intro_bars = n_bars - int(round(n_phrases * phrase_bars))
    is_dotted = rng.random() < cues["irregularity"] and stride // 4 * step_seconds > _SHORTEST_SYLLABLE_SECONDS
    upbeat = stride // 4 if is_dotted else stride // 2
    has_pickup = metre.startswith("x") and intro_bars == 0
    origin = 0.3 + (upbeat * step_seconds if has_pickup else 0.0)
    grid = arrange.Grid(meter, step_seconds, n_bars, origin)
    form = _Form(_FORMS[min(n_phrases, 5)], melody.STRONG_PER_PHRASE * stride, intro_bars * grid.bar_steps, stride,
                 upbeat)
    return grid, form


def _chord_spans(grid, form, harmony):
    """Chords as (step, length, pitch classes): the tonic in the introduction, then four a phrase."""
    spans = [(0, form.first_step, harmony.chord(0))] if form.first_step else []
    step = form.first_step
    for index, section in enumerate(form.sections):
        for degree in harmony.phrase_degrees(section, is_last=index == len(form.sections) - 1):
            spans.append((step, form.stride, harmony.chord(degree)))
            step += form.stride
    if step < grid.n_steps:
        spans.append((step, grid.n_steps - step, harmony.chord(0)))
    return spans


def _chord_lookup(spans):
    """Function from a step to the pitch classes of its chord."""
    starts = [start for start, _, _ in spans]
    return lambda step: spans[max(int(np.searchsorted(starts, step, side="right")) - 1, 0)][2]


def _melodies(form, metre, harmony, chord_at, centre, cues, rng):
    """One melody a phrase: A is repeated with another ending, B is new; the last one closes on the tonic."""
    places = melody.rhythm(metre, form.stride, form.upbeat)
    contours = {section: melody.contour(len(places), cues["leap"], rng) for section in "AB"}
    phrases, seen = [], set()
    for index, section in enumerate(form.sections):
        line = melody.vary(contours[section], cues["leap"], rng) if section in seen else contours[section]
        seen.add(section)
        phrases.append(melody.realise(line, places, harmony, offset=form.first_step + index * form.phrase_steps,
                                      centre=centre, chord_at=chord_at, ends_on_tonic=index == len(form.sections) - 1))
    return phrases


def _share_out(phrases, stanza, grid, cues, rng):
    """Who gets which phrase: (lines for the voice, melodies for the lead instrument)."""
    starts_with_instrument = len(phrases) >= 3 and rng.random() < 0.4
    played = phrases[:1] if starts_with_instrument else []
    lines = []
    for index, phrase in enumerate(phrases[len(played):]):
        notes = [SungNote(grid.seconds(n.step), n.length * grid.step_seconds, n.pitch, cues["gate"]) for n in phrase]
        lines.append(Line(stanza.lines[index % len(stanza.lines)], notes))
    return lines, played


def _arrange(style, grid, spans, played, phrases, cues, rng):
    """Parts of the accompaniment and the name of the chordal pattern."""
    player = arrange.Player(grid, cues, rng)
    chord_at, bright = _chord_lookup(spans), cues["brightness"]
    centre = 57 + 1.2 * cues["register"] + rng.uniform(-4, 4)
    comp, pattern = arrange.comp(player, style.comp, styles.pick(style.comp_programs, bright, rng), chord_at, centre)
    energy = np.clip((cues["density"] - 0.8) / 2.4, 0, 1)
    bass_name = styles.pick(style.bass, energy, rng)
    parts = [comp, arrange.bass(player, bass_name, styles.pick(style.bass_programs, bright, rng), chord_at)]
    if style.pad_programs:
        parts.append(arrange.pad(player, styles.pick(style.pad_programs, bright, rng), spans, centre + 3))
    parts.append(arrange.drums(player, styles.pick(style.drums, energy, rng)))
    # The instrument plays the first phrase alone, or doubles the voice an octave up in some pieces.
    tune = [note for phrase in (played or (phrases if rng.random() < 0.35 else [])) for note in phrase]
    parts.append(arrange.lead(player, styles.pick(style.lead_programs, bright, rng), tune,
                              octave=_lead_octave(tune), level=-4 if played else -22))
    parts.append(_closing_chord(player, comp.program, spans[-1][2], centre))
    return [part for part in parts if part.notes], pattern


def _lead_octave(tune):
    """Octaves that bring a melody to the middle of an instrument's range."""
    if not tune:
        return 0
    return int(round((70 - np.mean([note.pitch for note in tune])) / 12))


def _closing_chord(player, program, classes, centre):
    """The last chord, which rings out."""
    notes = [player.note(player.grid.n_steps, 12, pitch, -14, gate=1.0)
             for pitch in arrange.voicing(classes, centre)]
    return arrange.Part("close", program, False, 0.0, notes)
