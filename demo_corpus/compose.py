"""Compose one piece: emotion -> cues -> style, key, form, melody, accompaniment, words -> Score."""

from functools import partial
from typing import NamedTuple

import numpy as np

from demo_corpus import arrange, melody, styles
from demo_corpus.cues import draw_cues, draw_emotion
from demo_corpus.singing import SungNote
from demo_corpus.words import STANZAS

SHORTEST_SECONDS, LONGEST_SECONDS = 12.0, 15.0
_PHRASE_SECONDS = 4.1  # a sung line that a singer takes in one breath
_SHORTEST_SYLLABLE_SECONDS = 0.16
_BEAT_STEPS = {"4/4": 4, "3/4": 4, "6/8": 6}
_STRIDES = {"4/4": (4, 8, 16), "3/4": (6, 12), "6/8": (6, 12)}  # sixteenths from one strong syllable to the next
_FORMS = ("", "A", "AA", "ABA", "AABA", "AABAA")  # by number of phrases
_SPEAKING_STYLES = ("tension", "rock", "ambient", "court")


class Line(NamedTuple):
    """A line of text with its notes; a spoken line uses only the start of the first."""

    text: str
    notes: list


class Score(NamedTuple):
    """A composed piece."""

    seconds: float
    parts: list    # of arrange.Part
    lines: list    # of Line
    delivery: str  # "sung" or "spoken"
    cues: dict     # str to float
    facts: dict    # what else was decided: style, key, meter, words, ...


def compose(quadrant, language, artist, rng):
    """Compose a piece for a quadrant ("Q1" to "Q4"), with words in a language, for a plan.Artist: a Score."""
    arousal, valence = draw_emotion(quadrant, rng)
    cues = draw_cues(arousal, valence, rng, artist.taste)
    style = styles.choose(arousal, valence, language, rng, artist.favourites)
    fits = rng.random() < 2 / 3  # otherwise any words
    stanzas = [stanza for stanza in STANZAS[language] if not fits or stanza.quadrant == quadrant]
    stanza = stanzas[rng.integers(len(stanzas))]
    form = _lay_out(cues, style, stanza.metre, rng)
    is_pentatonic = language == "mandarin" and rng.random() < 0.6
    harmony = melody.Harmony(int(rng.integers(12)), cues["mode_brightness"], is_pentatonic, rng)
    spans = _chord_spans(form, harmony)
    phrases = _melodies(form, stanza.metre, harmony, spans, artist.middle + cues["register"], cues, rng)
    # The lead instrument may have the first phrase to itself; the voice has the others.
    played = phrases[:1] if len(phrases) >= 3 and rng.random() < 0.4 else []
    lines = [Line(stanza.lines[index % len(stanza.lines)],
                  [SungNote(form.seconds(n.step), n.length * form.step_seconds, n.pitch, cues["gate"]) for n in phrase])
             for index, phrase in enumerate(phrases[len(played):])]
    parts, pattern = _arrange(style, form, spans, played, phrases, cues, rng)
    delivery = "spoken" if style.name in _SPEAKING_STYLES and rng.random() < 0.3 else "sung"
    seconds = float(np.clip(form.seconds(form.n_steps) + 1.0, SHORTEST_SECONDS, LONGEST_SECONDS))
    facts = {"arousal": round(arousal, 4), "valence": round(valence, 4), "style": style.name, "meter": form.meter,
             "mode": harmony.mode, "tonic": harmony.tonic, "pentatonic": is_pentatonic, "pattern": pattern,
             "delivery": delivery, "programs": " ".join(f"{part.name}:{part.program}" for part in parts),
             "words": " / ".join(line.text for line in lines)}
    return Score(seconds, parts, lines, delivery, cues, facts)


def _lay_out(cues, style, metre, rng):
    """Choose meter and phrase length so that a line takes about one breath; fill the clip with whole bars."""
    meter = style.meters[rng.integers(len(style.meters))]
    step_seconds = 60.0 / cues["tempo_bpm"] / _BEAT_STEPS[meter]
    per_phrase = melody.STRONG_PER_PHRASE * step_seconds
    stride = min(_STRIDES[meter], key=lambda s: abs(np.log(s * per_phrase / _PHRASE_SECONDS)))
    bar_steps = 16 if meter == "4/4" else 12
    bar_seconds = step_seconds * bar_steps
    room = 14.0 if bar_seconds > 2.2 else rng.uniform(12.4, 14.0)
    n_bars = int(room / bar_seconds)
    phrase_bars = melody.STRONG_PER_PHRASE * stride * step_seconds / bar_seconds
    n_phrases = int(n_bars / phrase_bars)
    intro_bars = n_bars - int(round(n_phrases * phrase_bars))
    is_dotted = rng.random() < cues["irregularity"] and stride // 4 * step_seconds > _SHORTEST_SYLLABLE_SECONDS
    upbeat = stride // 4 if is_dotted else stride // 2
    has_pickup = metre.startswith("x") and intro_bars == 0
    origin = 0.3 + (upbeat * step_seconds if has_pickup else 0.0)
    return arrange.Form(meter, step_seconds, n_bars, origin, _FORMS[min(n_phrases, 5)], intro_bars * bar_steps, stride,
                        upbeat)


def _chord_spans(form, harmony):
    """Chords as (step, length, pitch classes): the tonic in the introduction, four a phrase, the tonic in the rest."""
    spans = [(0, form.first_step, harmony.chord(0))] if form.first_step else []
    step = form.first_step
    for index, section in enumerate(form.sections, 1):
        for chord in harmony.phrase_chords(section, is_last=index == len(form.sections)):
            spans.append((step, form.stride, chord))
            step += form.stride
    if step < form.n_steps:
        spans.append((step, form.n_steps - step, harmony.chord(0)))
    return spans


def _melodies(form, metre, harmony, spans, centre, cues, rng):
    """One melody a phrase: A is repeated with another ending, B is new; the last one closes on the tonic."""
    places = melody.rhythm(metre, form.stride, form.upbeat)
    contours = {section: melody.contour(len(places), cues["leap"], rng) for section in "AB"}
    phrases = []
    for index, section in enumerate(form.sections):
        line = contours[section]
        if section in form.sections[:index]:
            line = melody.vary(line, cues["leap"], rng)
        phrases.append(melody.realise(line, places, harmony, centre=centre, chord_at=partial(arrange.chord_at, spans),
                                      offset=form.first_step + index * melody.STRONG_PER_PHRASE * form.stride,
                                      ends_on_tonic=index == len(form.sections) - 1))
    return phrases


def _arrange(style, form, spans, played, phrases, cues, rng):
    """Parts of the accompaniment and the name of the chordal pattern."""
    player = arrange.Player(form, cues, spans, rng)
    instrument = lambda role: styles.pick(style.programs[role], cues["brightness"], rng)  # noqa: E731
    centre = 57 + 1.2 * cues["register"] + rng.uniform(-4, 4)
    pattern = min(style.comp, key=lambda name: abs(styles.onsets(name) - cues["density"]))
    energy = np.clip((cues["density"] - 0.8) / 2.4, 0, 1)
    parts = [player.comp(pattern, instrument("comp"), centre)]
    parts.append(player.bass(styles.pick(style.bass, energy, rng), instrument("bass")))
    if style.programs["pad"]:
        parts.append(player.pad(instrument("pad"), centre + 3))
    parts.append(player.drums(styles.pick(style.drums, energy, rng)))
    # The instrument plays the first phrase alone, or doubles the voice an octave up in some pieces.
    tune = [note for phrase in (played or (phrases if rng.random() < 0.35 else [])) for note in phrase]
    parts += [player.lead(instrument("lead"), tune, level=-4 if played else -22),
              player.close(parts[0].program, centre)]
    return [part for part in parts if part.notes], pattern
