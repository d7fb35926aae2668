"""Mixture: equal hours of English and Mandarin speech; it has no files of its own, only parts."""

KIND = "speech"
CODE = "x"
NAME = "LibriSpeech + AISHELL-1"
LANGUAGE = "mix"
ABBR = "mix"
PARTS = ("e", "m")  # codes of the speech corpora that it is drawn from
GROUPED_BY = "speaker"
LICENCE = "that of its parts"
CITATION = "those of its parts"
HOMEPAGE = "those of its parts"
HOW_TO_GET = "get its parts, LibriSpeech and AISHELL-1"
