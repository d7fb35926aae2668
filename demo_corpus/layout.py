"""Where files go and what stands beside them: exactly as in LibriSpeech, AISHELL-1, 4Q-Emotion and CH-818."""

import csv
import os

import numpy as np

from demo_corpus import speech
from demo_corpus.cues import CUES

TREES = {("speech", "english"): "LibriSpeech", ("speech", "mandarin"): "data_aishell",
         ("music", "english"): "MER_audio_taffc_dataset", ("music", "mandarin"): "CH818"}
MUSIC_RATES = {"english": 22_050, "mandarin": 44_100}  # Hz
_SUBSET = "train-clean-100"
# Header of the published metadata; what only listeners could tell stays empty here.
_METADATA_COLUMNS = ("Song", "Artist", "Title", "Quadrant", "PQuad", "MoodsTotal", "Moods", "MoodsFoundStr", "MoodsStr",
                     "MoodsStrSplit", "Genres", "GenresStr", "Sample", "SampleURL")
README = "README.txt"
_MARK = "SYNTHETIC demo data"
_README = """{tree}: {mark}, not the corpus of that name.

Made by make_demo_corpus.py, version {version}, with seed {seed}. {what}
The files are laid out as in the real corpus so that the same program reads both.
No person spoke, sang, played or rated anything here: results on these files say nothing about people. They show
only that every step of the pipeline runs.
"""
_WHAT = {"speech": "A formant synthesiser (espeak-ng) reads written sentences.",
         "music": "A program composed the pieces with cues that the literature ties to emotion; sampled instruments "
                  "and a retuned formant synthesiser perform them. The labels are what each piece was composed for. "
                  "../scores_{language}.csv lists every cue."}


def _speaker_id(speaker, language, seed):
    """LibriSpeech reader and chapter numbers, or AISHELL's speaker number."""
    if language == "mandarin":
        return f"S{speaker.number + 2:04d}", ""
    rng = np.random.default_rng((seed, 21))
    readers = rng.choice(np.arange(14, 8900), 64, replace=False)
    chapters = rng.integers(100_000, 200_000, 64)
    return str(readers[speaker.number]), str(chapters[speaker.number])


def utterance_path(utterance):
    """Path of an utterance relative to the corpus folder, as str with `/`."""
    reader, chapter = _speaker_id(utterance.speaker, utterance.language, utterance.seed[0])
    if utterance.language == "mandarin":
        return f"data_aishell/wav/train/{reader}/BAC009{reader}W{utterance.index + 122:04d}.wav"
    return f"LibriSpeech/{_SUBSET}/{reader}/{chapter}/{reader}-{chapter}-{utterance.index:04d}.flac"


def clip_path(clip):
    """Path of a music clip relative to the corpus folder, as str with `/`."""
    folder = f"MER_audio_taffc_dataset/{clip.quadrant}" if clip.language == "english" else "CH818"
    return f"{folder}/{clip.name}.mp3"


def write_whole(path, text):
    """Write a text file under a temporary name and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def write_sound(path, samples, sample_rate):
    """Write flac, wav (16 bit) or mp3, by suffix, under a temporary name and rename it."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    kind = path.suffix[1:].upper()
    soundfile.write(temporary, samples, sample_rate, format=kind, subtype=None if kind == "MP3" else "PCM_16")
    os.replace(temporary, path)


def _write_table(path, header, rows):
    """Write a csv file with quoted texts, as the published ones are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(header)
        writer.writerows(rows)
    os.replace(temporary, path)


def write_speech_tables(root, planned):
    """Write the transcripts of all utterances and LibriSpeech's SPEAKERS.TXT."""
    texts = {}
    for utterance in planned:
        path = root / utterance_path(utterance)
        table = root / "data_aishell/transcript/aishell_transcript_v0.8.txt"
        if utterance.language == "english":
            table = path.with_name(path.stem.rsplit("-", 1)[0] + ".trans.txt")
        texts.setdefault(table, []).append(f"{path.stem} {speech.transcript(utterance)}\n")
    for table, lines in texts.items():
        write_whole(table, "".join(lines))
    write_whole(root / "LibriSpeech/SPEAKERS.TXT", _speakers_table(root, planned))


def _speakers_table(root, planned):
    """Text of SPEAKERS.TXT: reader, sex, subset, minutes, name."""
    import soundfile

    readers = {}
    for utterance in planned:
        if utterance.language == "english":
            reader, _ = _speaker_id(utterance.speaker, "english", utterance.seed[0])
            readers.setdefault(reader, [utterance.speaker, 0.0])
            readers[reader][1] += soundfile.info(root / utterance_path(utterance)).duration / 60
    lines = ["; Synthetic speakers of the demo corpus; they are not people.\n",
             ";ID  |SEX| SUBSET           |MINUTES| NAME\n"]
    for reader, (speaker, minutes) in sorted(readers.items(), key=lambda item: int(item[0])):
        name = f"Demo Reader {speaker.number + 1:02d}"
        lines.append(f"{reader:<5}| {speaker.sex} | {_SUBSET:<17}| {minutes:5.2f} | {name}\n")
    return "".join(lines)


def write_music_tables(root, clips, scores):
    """Write the annotations of one language's clips, and a table of how each clip was made.

    That table stands outside the corpus folder: CH-818's reader takes any csv with labels for the annotations.

    Parameters
    ----------
    root : Path
    clips : list of plan.Clip
        Of one language.
    scores : list of compose.Score
    """
    language = clips[0].language
    folder = root / TREES["music", language]
    rows = sorted(zip(clips, scores, strict=True), key=lambda row: row[0].name)
    if language == "english":
        _write_table(folder / "panda_dataset_taffc_annotations.csv", ("Song", "Quadrant"),
                     [(clip.name, clip.quadrant) for clip, _ in rows])
        _write_table(folder / "panda_dataset_taffc_metadata.csv", _METADATA_COLUMNS,
                     [(clip.name, clip.artist.name, score.lines[0].text, clip.quadrant, "", "", "", "", "", "", 1,
                       score.facts["style"], "", "") for clip, score in rows])
    else:
        _write_table(folder / "CH818_annotations.csv", ("Song", "Arousal", "Valence"),
                     [(f"{clip.name}.mp3", round(10 * score.facts["arousal"], 2), round(10 * score.facts["valence"], 2))
                      for clip, score in rows])
    _write_table(root / scores_name(language),
                 ("clip", "quadrant", "artist", "voice", *CUES, "seconds", *rows[0][1].facts),
                 [(clip.name, clip.quadrant, clip.artist.name, clip.artist.singer.voice,
                   *(round(value, 4) for value in score.cues.values()), round(score.seconds, 3),
                   *score.facts.values()) for clip, score in rows])


def scores_name(language):
    """Name of the table that tells how each clip of a language was made."""
    return f"scores_{language}.csv"


def write_readmes(root, *, seed, version):
    """Write a README.txt into every tree."""
    for (kind, language), tree in TREES.items():
        what = _WHAT[kind].format(language=language)
        write_whole(root / tree / README, _README.format(tree=tree, mark=_MARK, version=version, seed=seed, what=what))


def is_synthetic(readme):
    """True if a tree's README says that this program made it."""
    return _MARK in readme
