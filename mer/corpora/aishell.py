"""AISHELL-1: about 170 hours of read Mandarin by 400 speakers, one folder per speaker."""

import re
import shlex
from collections import defaultdict

from mer import MerError
from mer.corpora._base import Listing, Reason, make_clip, openslr, scan

KIND = "speech"
CODE = "m"
NAME = "AISHELL-1"
LANGUAGE = "mandarin"
ABBR = "man"
FOLDER = ("data_aishell", "AISHELL-1", "AISHELL")
EXAMPLE = ("wav/train/S0002/BAC009S0002W0122.wav", "wav/S0003/BAC009S0003W0001.WAV")
SETTING = "path_speech_mandarin"
GROUPED_BY = "speaker"
LICENCE = "Apache 2.0"
CITATION = ("Bu, H., Du, J., Na, X., Wu, B., Zheng, H. (2017). AISHELL-1: an open-source Mandarin speech corpus and a "
            "speech recognition baseline. O-COCOSDA. https://doi.org/10.1109/ICSDA.2017.8384449")
HOMEPAGE = "https://www.openslr.org/33"
HOW_TO_GET = ("run python3 corpora.py --download data_aishell, or unpack data_aishell.tgz of "
              "https://www.openslr.org/33 and then the .tar.gz files in its wav/")
EXPECTED_CLIPS = None  # a part of the speakers is enough
# Transcribed utterances and speakers of each part; the download has 325 recordings more, without transcript.
EXPECTED_PARTS = {"train": (120_098, 340), "dev": (14_326, 40), "test": (7_176, 20)}

# 178 hours of 16-bit samples at 16 kHz take 20.5 GB. We know no SHA-256 of it.
ARCHIVES = {"data_aishell": openslr(33, "data_aishell.tgz", size=15_582_913_665, hours=178, holds="wav", nested=True,
                                    checksum="md5:2f494334227864a8a8fec932999db9d8", unpacked=21_000_000_000)}

_SPEAKER = re.compile(r"(?:^|/)(S\d{4})/[^/]*$|BAC\d+(S\d{4})W\d+\.[^./]+$")  # folder, else file name
_ARCHIVE = re.compile(r"(?:^|/)(S\d{4})\.tar\.gz$")
_TRANSCRIPT = "aishell_transcript_v0.8.txt"
_UNPACK = "for f in *.tar.gz; do tar -xzf \"$f\"; done"


def items(root, labels=None):
    """`wav/{train,dev,test}/S0002/BAC009S0002W0122.wav`; the group is the speaker.

    The download holds one `wav/S0002.tar.gz` per speaker. Those without a folder beside them are listed as
    skipped; where there is nothing else, a MerError says how to unpack them.
    """
    files, skipped = scan(root)
    clips = []
    for file in files:
        found = _SPEAKER.search(file)
        if found:
            clips.append(make_clip(root, file, group=found[1] or found[2]))
        else:
            skipped.append((file, Reason("it is in no speaker folder (S0002, ...), so its speaker is unknown")))
    packed = _packed(root, {clip.group for clip in clips})
    if packed and not clips:
        folder = root / packed[0].rpartition("/")[0]
        raise MerError(f"{NAME} in {root} is still packed ({len(packed)} archives like {packed[0]}): unpack them with "
                       f"cd {shlex.quote(str(folder))} && {_UNPACK}")
    skipped += [(archive, Reason(f"still packed: run {_UNPACK} in its folder", "missing")) for archive in packed]
    return Listing(tuple(clips), tuple(skipped), GROUPED_BY)


def _packed(root, speakers):
    """Archives of speakers of whom no clip is there."""
    archives, _ = scan(root, (".tar.gz",))
    named = [(archive, _ARCHIVE.search(archive)) for archive in archives]
    return [archive for archive, found in named if found and found[1] not in speakers]


def part(clip_id):
    """ "train", "dev" or "test" by the folder, or else by the number of the speaker."""
    named = next((folder for folder in clip_id.split("/")[:-1] if folder in EXPECTED_PARTS), None)
    speaker = _SPEAKER.search(clip_id)
    if named or not speaker:
        return named
    number = int((speaker[1] or speaker[2])[1:])
    return "test" if number >= 764 else "dev" if number >= 724 else "train"


def audit(root, clips, seconds):
    """What only this corpus can know to be wrong; as in `librispeech.audit`."""
    there = defaultdict(set)
    for clip in clips:
        name = clip.id.rpartition("/")[2]
        spoken = re.search(r"BAC\d+(S\d{4})W\d+\.", name)
        if spoken and spoken[1] != clip.group:
            yield "mislabelled", clip.id, f"it is in the folder of speaker {clip.group}"
        there[clip.group].add(name.rpartition(".")[0])
    listed = _transcribed(root)
    for speaker in sorted(set(there) & set(listed)):
        absent = sorted(listed[speaker] - there[speaker])
        if absent:
            yield "missing", speaker, (f"{len(absent)} of {len(listed[speaker])} utterances in the transcript have no "
                                       f"audio: {', '.join(absent[:5])}" + ", ..." * (len(absent) > 5))


def _transcribed(root):
    """Speaker to the names of the utterances in the transcript; empty where there is none."""
    listed = defaultdict(set)
    for file in scan(root, (_TRANSCRIPT,))[0]:
        with open(root / file, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found = re.match(r"BAC\d+(S\d{4})W\d+", line)
                if found:
                    listed[found[1]].add(found[0])
    return listed
