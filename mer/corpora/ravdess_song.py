"""RAVDESS song: 736 clips of 3 to 5 s, 23 actors sing two sentences calmly, happily, sadly and angrily.

Calm and happy clips have an A where sad and angry ones have an A flat, so a model may tell valence by the melody.
"""

from mer.corpora import _ravdess
from mer.corpora._ravdess import (  # noqa: F401  what both halves share
    CITATION,
    FOLDER,
    GROUPED_BY,
    HOMEPAGE,
    LICENCE,
    PEOPLE,
    about_groups,
    audit,
    quadrant_of,
)

KIND = "music"
CODE = "r"
NAME = "RAVDESS song"
LANGUAGE = "sung"
ABBR = "sung"
MARKS = ("Audio_Song_Actors_01-24",)
EXAMPLE = ("Audio_Song_Actors_01-24/Actor_01/03-02-03-01-01-01-01.wav",
           "Audio_Song_Actors_01-24/Actor_02/03-02-04-01-01-01-02.wav")
SETTING = "path_music_sung"
HOW_TO_GET = _ravdess.how_to_get(MARKS[0])
EXPECTED_CLIPS = 736  # of four emotions; 1 012 with neutral and fearful. Actor 18 does not sing.
EXPECTED_PER_CLASS = 184


def items(root, labels=None, encoding=None):
    """The sung half of RAVDESS, see `_ravdess.items`."""
    return _ravdess.items(root, labels, encoding, channel="02", folder=MARKS[0], language=LANGUAGE)
