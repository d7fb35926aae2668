"""AISHELL-1: about 170 hours of read Mandarin by 400 speakers, one folder per speaker."""

import re
import shlex

from mer import MerError
from mer.corpora._base import Listing, make_clip, scan

KIND = "speech"
CODE = "m"
NAME = "AISHELL-1"
LANGUAGE = "mandarin"
ABBR = "man"
FOLDER = ("data_aishell", "AISHELL-1", "AISHELL")
MARKS = ()
SETTING = "path_speech_mandarin"
GROUPED_BY = "speaker"
LICENCE = "Apache 2.0"
CITATION = ("Bu, H., Du, J., Na, X., Wu, B., Zheng, H. (2017). AISHELL-1: an open-source Mandarin speech corpus and a "
            "speech recognition baseline. O-COCOSDA. https://doi.org/10.1109/ICSDA.2017.8384449")
HOMEPAGE = "https://www.openslr.org/33"
EXPECTED_CLIPS = None  # a part of the speakers is enough

_SPEAKER = re.compile(r"(?:^|/)(S\d{4})/[^/]*$|BAC\d+(S\d{4})W\d+\.[^./]+$")  # folder, else file name
_ARCHIVE = re.compile(r"(?:^|/)(S\d{4})\.tar\.gz$")
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
            skipped.append((file, "it stands in no speaker folder (S0002, ...), so its speaker is unknown"))
    packed = _packed(root, {clip.group for clip in clips})
    if packed and not clips:
        folder = root / packed[0].rpartition("/")[0]
        raise MerError(f"{NAME} in {root} is still packed ({len(packed)} archives like {packed[0]}): unpack them with "
                       f"cd {shlex.quote(str(folder))} && {_UNPACK}")
    skipped += [(archive, f"still packed: run {_UNPACK} in its folder") for archive in packed]
    return Listing(tuple(clips), tuple(skipped), GROUPED_BY)


def _packed(root, speakers):
    """Archives of speakers of whom no clip is there."""
    archives, _ = scan(root, (".tar.gz",))
    named = [(archive, _ARCHIVE.search(archive)) for archive in archives]
    return [archive for archive, found in named if found and found[1] not in speakers]
