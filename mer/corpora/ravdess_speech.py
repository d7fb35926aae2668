"""RAVDESS speech, no music: 768 clips of 3 to 5 s, 24 actors say two sentences calmly, happily, sadly and angrily.

It stands among the music corpora because emotion is trained and tested on it. `-m x`, all music together, leaves it
out.
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
CODE = "v"
NAME = "RAVDESS speech (no music)"
LANGUAGE = "spoken"
ABBR = "spoken"
IS_MUSIC = False
MARKS = ("Audio_Speech_Actors_01-24",)
EXAMPLE = ("Audio_Speech_Actors_01-24/Actor_01/03-01-03-01-01-01-01.wav",
           "Audio_Speech_Actors_01-24/Actor_02/03-01-04-01-01-01-02.wav")
SETTING = "path_music_spoken"
HOW_TO_GET = _ravdess.how_to_get(MARKS[0])
EXPECTED_CLIPS = 768  # of four emotions; 1 440 with neutral, fearful, disgusted and surprised
EXPECTED_PER_CLASS = 192


def items(root, labels=None, encoding=None):
    """The spoken half of RAVDESS, see `_ravdess.items`."""
    return _ravdess.items(root, labels, encoding, channel="01", folder=MARKS[0], language=LANGUAGE)
