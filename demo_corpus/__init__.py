"""The demo corpus: synthetic speech and music in English and Mandarin. Results on it say nothing about people.

    text -> voices (espeak-ng) -> speech                        speaker, room, noise
    emotion -> cues -> compose (harmony, melody, arrange)       a score
    score -> render (instruments, singing, mix) -> music        a clip
"""

VERSION = 1  # raise it when the same seed gives other files
