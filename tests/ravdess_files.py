"""A small RAVDESS in the official layout, of seeded sound."""

import soundfile
from conftest import sound

EMOTIONS = ("02", "03", "04", "05")


def names(channel, actor, emotions=EMOTIONS, takes=1):
    """File names of one actor, one statement."""
    return [f"03-{channel}-{emotion}-01-01-{take + 1:02d}-{actor}.wav" for emotion in emotions for take in range(takes)]


def write(data, rng, *, takes=1, seconds=1.2, speak=range(1, 13), sing=(*range(1, 8), *range(9, 13))):
    """Speech of 12 actors and song of 11 of them; pitch and loudness differ by emotion, and more by actor."""
    for channel, name, actors in (("01", "Speech", speak), ("02", "Song", sing)):
        for actor in actors:
            place = data / "RAVDESS" / f"Audio_{name}_Actors_01-24" / f"Actor_{actor:02d}"
            place.mkdir(parents=True)
            for file in names(channel, f"{actor:02d}", takes=takes):
                made = sound(rng, seconds=seconds, pitch_hz=(100 + 20 * actor) * (1 + 0.2 * int(file[6:8])))
                soundfile.write(place / file, made, 16000)
