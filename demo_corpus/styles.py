"""Genres: rhythm patterns and instruments, each at home somewhere on the plane but heard in all of it.

Patterns are one bar of sixteenth notes (16 signs in 4/4, 12 in 3/4 and 6/8): `.` rest, a digit one chord note
(0 root, 1 third, 2 fifth, 3 root an octave up), `c` the chord, `C` the accented chord, `x` a drum stroke and `X` an
accented one. Programs are General MIDI numbers from 0, listed from dull to bright.
"""

from typing import NamedTuple

import numpy as np


class Style(NamedTuple):
    """One genre."""

    name: str
    arousal: float   # where on the plane it is most at home, -1 to 1
    valence: float
    meters: list     # of "4/4", "3/4", "6/8"
    comp: list       # names of patterns, from sparse to dense; so are the next two
    bass: list
    drums: list
    programs: dict   # "comp", "pad", "bass", "lead": instruments, dull to bright; none leaves the part out
    languages: list


def _patterns(text):
    """Read names, each with its pattern in 4/4 and in three."""
    words = text.split()
    return {words[i]: (words[i + 1], words[i + 2]) for i in range(0, len(words), 3)}


COMP = _patterns("""
block C............... C...........  half C.......c....... C.....c.....  oompah ....c.......c... ....c...c...
offbeat ..c...c...c...c. ..c...c...c.  strum C...c.c...c.c.c. C...c.c.c.c.  broken 0...2...1...2... 0...2...1...
arpeggio 0.1.2.3.2.1.2.1. 0.1.2.3.2.1.  pulse C.c.c.c.C.c.c.c. C.c.c.C.c.c.  syncopated C..c..c...c..c.. C..c..c..c..
ostinato 0.2.0.2.0.2.1.2. 0.2.1.0.2.1.  tremolo cccccccccccccccc cccccccccccc
""")
BASS = _patterns("""
hold 0............... 0...........     half 0.......2....... 0.....2.....     walk 0...2...0...2... 0...2...2...
drive 0.0.0.0.0.0.0.0. 0.0.0.0.0.0.    octaves 0.3.0.3.0.3.0.3. 0.3.0.3.0.3.  dotted 0.....0.2....... 0.....0.2...
""")
DRUMS = {"none": {}} | {name: _patterns(text) for name, text in (line.split(" ", 1) for line in """
dance 36 X...X...X...X... X.....X..... 42 ..x...x...x...x. ..x...x...x. 39 ....X.......X... ......X.....
rock 36 X.......X.x..... X.....x..... 38 ....X.......X... ......X..... 42 x.x.x.x.x.x.x.x. x.x.x.x.x.x.
march 38 X..xx.x.X..xx.xx X.xxx.x.xxx. 36 X.......X....... X.....X..... 49 X............... X...........
brush 38 ....x.......x... ....x...x... 42 x...x..xx...x..x x...x.x.x.x. 36 x............... x...........
waltz 36 x.......x....... X........... 42 ....x.......x... ....x...x...
tom 41 X.....x.X....... X.....x..... 47 ..........x.x.x. ......x.x.x. 49 X............... X...........
shaker 70 x.xxx.xxx.xxx.xx x.xx.xx.xx.x 36 x.......x....... x...........
clapper 76 x.......x....... x.....x..... 77 ....x.......x.x. ...x.....x..
""".strip().splitlines())}  # patterns of General MIDI keys
DRUM_KITS = {"dance": 24, "rock": 16, "brush": 40, "waltz": 40}  # electronic, power, brush; 0, standard, otherwise

# Name; arousal valence; meters; comp; bass; drums; programs of comp; of pad; of bass; of lead; only language
_TABLE = """
ballad; -0.3 -0.1; 4/4 6/8; half broken arpeggio; hold half; none brush; 4 0 1; 89 49 48; 35 32 33; 42 66 73
dance; 0.7 0.6; 4/4; offbeat syncopated pulse; drive octaves; dance; 4 63 62 90; 89 50 95; 38 39 36; 71 80 81
march; 0.6 0.2; 4/4; oompah offbeat; walk half; march; 57 60 61; 60 48; 58 32; 57 56 72
lullaby; -0.7 0.6; 6/8 3/4; broken arpeggio; hold half; none; 46 11 10 8; 89 52; 32 35; 79 73 10
waltz; 0.0 0.4; 3/4 6/8; oompah offbeat arpeggio; hold walk; waltz none; 0 21 23; 49 48; 32 43; 71 40 21
tension; 0.5 -0.8; 4/4 6/8; block ostinato tremolo; hold drive dotted; tom none; 42 48 44; 97 44 93; 43 58; 70 60 57
rock; 0.8 -0.4; 4/4; half strum pulse; drive dotted; rock; 27 29 30; 17 18; 33 34; 65 27 29
elegy; -0.7 -0.6; 4/4 3/4; block half broken; hold; none; 49 19 0; 52 49 48; 43 42; 42 69 40
folk; 0.1 0.5; 4/4 6/8; broken arpeggio strum; half walk; none shaker; 24 25 105; ; 32 33; 22 73 110; en
bossa; -0.2 0.6; 4/4; half syncopated; dotted half; shaker none; 24 26 11; 89; 32 35; 66 71 73
ambient; -0.6 0.1; 4/4 3/4; block broken arpeggio; hold; none; 88 99 98; 89 94 91; 39 38; 75 78 85
silk and bamboo; 0.1 0.4; 4/4; half broken arpeggio; hold half; none clapper; 46 15 107; ; 42 32; 75 77 74; zh
court; 0.0 -0.4; 4/4; block ostinato tremolo; hold dotted; tom clapper; 107 106 15; 49 44; 42 43; 77 110 111; zh
"""


def _style(line):
    """Read a row of the table."""
    name, place, *cells = (cell.strip() for cell in line.split(";"))
    meters, comp, bass, drums, *programs = (cell.split() for cell in cells[:8])
    instruments = {role: [int(number) for number in numbers]
                   for role, numbers in zip(("comp", "pad", "bass", "lead"), programs, strict=True)}
    return Style(name, *map(float, place.split()), meters, comp, bass, drums, instruments,
                 {"en": ["english"], "zh": ["mandarin"]}.get(cells[-1], ["english", "mandarin"]))


STYLES = [_style(line) for line in _TABLE.strip().splitlines()]
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
