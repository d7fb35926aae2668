"""The demo corpus: synthetic speech and music in English and Mandarin, laid out like the real corpora.

    text -> voices (espeak-ng) -> speech                        speaker, room, noise
    emotion -> cues -> compose (harmony, melody, arrange)       a score
    score -> render (instruments, singing, mix) -> music        a clip

It exists so that everything can be run, seen and tested. Results on it say nothing about people.
"""

VERSION = 1  # raise it when the same seed gives other files
