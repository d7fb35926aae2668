"""LibriSpeech: about 1 000 hours of English audio books, one folder per speaker and chapter."""

import re

from mer.corpora._base import Listing, make_clip, scan

KIND = "speech"
CODE = "e"
NAME = "LibriSpeech"
LANGUAGE = "english"
ABBR = "eng"
FOLDER = ("LibriSpeech",)
MARKS = ("train-clean-100", "train-clean-360", "train-other-500", "dev-clean", "dev-other", "test-clean", "test-other")
SETTING = "path_speech_english"
GROUPED_BY = "speaker"
LICENCE = "CC BY 4.0"
CITATION = ("Panayotov, V., Chen, G., Povey, D., Khudanpur, S. (2015). Librispeech: an ASR corpus based on public "
            "domain audio books. ICASSP, 5206-5210. https://doi.org/10.1109/ICASSP.2015.7178964")
HOMEPAGE = "https://www.openslr.org/12"
EXPECTED_CLIPS = None  # any of the seven subsets is enough

_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.[^.]+$")  # <speaker>-<chapter>-<utterance>.flac


def items(root, labels=None):
    """`<subset>/<speaker>/<chapter>/<speaker>-<chapter>-<nnnn>.flac`; the group is the speaker."""
    files, skipped = scan(root)
    clips = []
    for file in files:
        name = _NAME.match(file.rpartition("/")[2])
        if name:
            clips.append(make_clip(root, file, group=name[1]))
        else:
            skipped.append((file, "its name is not <speaker>-<chapter>-<number>, so its speaker is unknown"))
    return Listing(tuple(clips), tuple(skipped), GROUPED_BY)
