"""Genres: rhythm patterns and instruments, each at home somewhere on the plane but heard in all of it.

patterns.csv: one bar of sixteenth notes (16 signs in 4/4, 12 in 3/4 and 6/8): `.` rest, a digit one chord note
(0 root, 1 third, 2 fifth, 3 root an octave up), `c` the chord, `C` the accented chord, `x` a drum stroke and `X` an
accented one; `key` is the General MIDI drum. styles.csv: where a genre is most at home on the plane (-1 to 1), names of
its patterns from sparse to dense, and General MIDI programs from 0, from dull to bright; none leaves the part out.
"""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np

DRUM_KITS = {"dance": 24, "rock": 16, "brush": 40, "waltz": 40}  # electronic, power, brush; 0, standard, otherwise


def _rows(name):
    return list(csv.DictReader(Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()))


def _style(row):
    """A row of styles.csv with numbers as numbers and lists as lists."""
    lists = {name: cell.split() for name, cell in row.items() if name not in ("name", "arousal", "valence")}
    programs = {role: [int(number) for number in lists[f"{role}_programs"]] for role in ("comp", "pad", "bass", "lead")}
    return SimpleNamespace(name=row["name"], arousal=float(row["arousal"]), valence=float(row["valence"]),
                           programs=programs, **lists)


STYLES = [_style(row) for row in _rows("styles.csv")]
COMP, BASS = ({row["name"]: (row["four"], row["three"]) for row in _rows("patterns.csv") if row["kind"] == kind}
              for kind in ("comp", "bass"))
DRUMS = {"none": {}}
for _row in _rows("patterns.csv"):
    if _row["kind"] == "drums":
        DRUMS.setdefault(_row["name"], {})[int(_row["key"])] = (_row["four"], _row["three"])
_STYLE_SPREAD = 0.75  # standard deviation, in units of the plane, of the style choice around the emotion


def known(language):
    """Styles of a language."""
    return [style for style in STYLES if language in style.languages]


def choose(arousal, valence, language, rng, favourites=()):
    """Draw a style: the nearer on the plane the likelier, an artist's favourites three times as likely."""
    styles = known(language)
    distance = np.array([(style.arousal - arousal) ** 2 + (style.valence - valence) ** 2 for style in styles])
    weight = np.exp(-distance / (2 * _STYLE_SPREAD ** 2))
    weight *= [3.0 if style.name in favourites else 1.0 for style in styles]
    return styles[rng.choice(len(styles), p=weight / weight.sum())]


def onsets(comp):
    """Onsets a beat of a pattern of the accompaniment."""
    return sum(sign != "." for sign in COMP[comp][0]) / 4


def pick(options, amount, rng):
    """Element of a sequence ordered from little to much at a cue value of 0 to 1, with some chance."""
    place = amount * (len(options) - 1) + rng.normal(0, 0.35)
    return options[int(np.clip(round(place), 0, len(options) - 1))]
