"""Where files go and what stands beside them: exactly as in LibriSpeech, AISHELL-1, 4Q-Emotion and CH-818."""

import csv
from pathlib import Path

import numpy as np

from demo_corpus import speech
from demo_corpus.cues import CUES
from mer import files

TREES = {("speech", "english"): "LibriSpeech", ("speech", "mandarin"): "data_aishell",
         ("music", "english"): "MER_audio_taffc_dataset", ("music", "mandarin"): "CH818"}
SCORES = "scores_{}.csv"  # tells how each clip of a language was made
MUSIC_RATES = {"english": 22_050, "mandarin": 44_100}  # Hz
_SUBSET = "train-clean-100"
# Header of the published metadata; what only listeners could tell stays empty here.
_METADATA_COLUMNS = ("Song", "Artist", "Title", "Quadrant", "PQuad", "MoodsTotal", "Moods", "MoodsFoundStr", "MoodsStr",
                     "MoodsStrSplit", "Genres", "GenresStr", "Sample", "SampleURL")
_README_NAME = "README.txt"
_MARK = "SYNTHETIC demo data"
_WHAT = {"speech": "A formant synthesiser (espeak-ng) reads written sentences.",
         "music": "A program composed the pieces with cues that the literature ties to emotion; sampled instruments "
                  "and a retuned formant synthesiser perform them. The labels are what each piece was composed for. "
                  "../scores_{language}.csv lists every cue."}


def _speaker_id(utterance):
    """LibriSpeech reader and chapter numbers, or AISHELL's speaker number and nothing."""
    number = utterance.speaker.number
    if utterance.language == "mandarin":
        return f"S{number + 2:04d}", ""
    rng = np.random.default_rng((utterance.seed[0], 21))
    readers = rng.choice(np.arange(14, 8900), 64, replace=False)
    return str(readers[number]), str(rng.integers(100_000, 200_000, 64)[number])


def utterance_path(utterance):
    """Path of an utterance relative to the corpus folder, as str with `/`."""
    reader, chapter = _speaker_id(utterance)
    if utterance.language == "mandarin":
        return f"data_aishell/wav/train/{reader}/BAC009{reader}W{utterance.index + 122:04d}.wav"
    return f"LibriSpeech/{_SUBSET}/{reader}/{chapter}/{reader}-{chapter}-{utterance.index:04d}.flac"


def clip_path(clip):
    """Path of a music clip relative to the corpus folder, as str with `/`."""
    folder = f"MER_audio_taffc_dataset/{clip.quadrant}" if clip.language == "english" else "CH818"
    return f"{folder}/{clip.name}.mp3"


def write_sound(path, samples, sample_rate):
    """Write flac, wav (16 bit) or mp3, by suffix."""
    import soundfile

    kind = path.suffix[1:].upper()
    with files.writing(path) as temporary:
        soundfile.write(temporary, samples, sample_rate, format=kind, subtype=None if kind == "MP3" else "PCM_16")


def _write_table(path, header, rows):
    """Write a csv file with quoted texts, as the published ones are."""
    with files.writing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows([header, *rows])


def write_speech_tables(root, planned):
    """Write the transcripts of all utterances and LibriSpeech's SPEAKERS.TXT (reader, sex, subset, minutes, name)."""
    import soundfile

    texts, readers = {}, {}
    for utterance in planned:
        path = root / utterance_path(utterance)
        table = root / "data_aishell/transcript/aishell_transcript_v0.8.txt"
        if utterance.language == "english":
            table = path.with_name(path.stem.rsplit("-", 1)[0] + ".trans.txt")
            reader = readers.setdefault(int(_speaker_id(utterance)[0]), [utterance.speaker, 0.0])
            reader[1] += soundfile.info(path).duration / 60
        texts.setdefault(table, []).append(f"{path.stem} {speech.transcript(utterance)}\n")
    texts[root / "LibriSpeech/SPEAKERS.TXT"] = [
        "; Synthetic speakers of the demo corpus; they are not people.\n",
        ";ID  |SEX| SUBSET           |MINUTES| NAME\n",
        *(f"{reader:<5}| {speaker.sex} | {_SUBSET:<17}| {minutes:5.2f} | Demo Reader {speaker.number + 1:02d}\n"
          for reader, (speaker, minutes) in sorted(readers.items()))]
    for table, lines in texts.items():
        files.write_text(table, "".join(lines))


def write_music_tables(root, clips):
    """Write the annotations of the clips (plan.Clip) of one language, and a table of how each was made.

    That table stands outside the corpus folder: CH-818's reader takes any csv with labels for the annotations.
    """
    language = clips[0].language
    folder = root / TREES["music", language]
    rows = [(clip, clip.score()) for clip in sorted(clips, key=lambda clip: clip.name)]
    if language == "english":
        _write_table(folder / "panda_dataset_taffc_annotations.csv", ("Song", "Quadrant"),
                     [(clip.name, clip.quadrant) for clip, _ in rows])
        _write_table(folder / "panda_dataset_taffc_metadata.csv", _METADATA_COLUMNS,
                     [(clip.name, clip.artist.name, score.lines[0].text, clip.quadrant, *[""] * 6, 1,
                       score.facts["style"], "", "") for clip, score in rows])
    else:
        _write_table(folder / "CH818_annotations.csv", ("Song", "Arousal", "Valence"),
                     [(f"{clip.name}.mp3", *(round(10 * score.facts[name], 2) for name in ("arousal", "valence")))
                      for clip, score in rows])
    _write_table(root / SCORES.format(language),
                 ("clip", "quadrant", "artist", "voice", *CUES, "seconds", *rows[0][1].facts),
                 [(clip.name, clip.quadrant, clip.artist.name, clip.artist.singer.voice,
                   *(round(value, 4) for value in score.cues.values()), round(score.seconds, 3),
                   *score.facts.values()) for clip, score in rows])


def write_readmes(root, *, seed, version):
    """Write a README.txt, made from readme.txt, into every tree."""
    template = Path(__file__).with_name("readme.txt").read_text(encoding="utf-8")
    for (kind, language), tree in TREES.items():
        what = _WHAT[kind].format(language=language)
        files.write_text(root / tree / _README_NAME,
                         template.format(tree=tree, mark=_MARK, version=version, seed=seed, what=what))


def is_synthetic(tree):
    """True if the README of a folder says that this program made it."""
    readme = tree / _README_NAME
    return readme.exists() and _MARK in readme.read_text(encoding="utf-8")
