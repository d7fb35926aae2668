"""EMOPIA: 1 087 clips of pop piano without words, a control: named Q<1-4>_<song>_<number>."""

import re
from pathlib import PurePosixPath

from mer import MerError, tables
from mer.corpora import _annotations
from mer.corpora._base import Listing, Reason, make_clip, one_place, scan

KIND = "music"
CODE = "p"
NAME = "EMOPIA"
LANGUAGE = "piano"
ABBR = "pno"
FOLDER = ("EMOPIA", "EMOPIA_2.2", "EMOPIA_1.0")
EXAMPLE = ("Q1_xyz_0.mp3", "Q3_xyz_1.mp3")
SETTING = "path_music_piano"
GROUPED_BY = "song"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = ("Hung, H.-T., Ching, J., Doh, S., Kim, N., Nam, J., Yang, Y.-H. (2021). EMOPIA: a multi-modal pop piano "
            "dataset for emotion recognition and emotion-based music generation. ISMIR. https://arxiv.org/abs/2108.01374")
HOMEPAGE = "https://annahung31.github.io/EMOPIA/"
HOW_TO_GET = ("take the MIDI files and lists from https://zenodo.org/record/5257995 and render them with any piano, or "
              "ask its authors for the audio, https://annahung31.github.io/EMOPIA/")
EXPECTED_CLIPS = 1087  # as the home page says
EXPECTED_ALSO = (1078,)  # the sum of its table of quadrants: 250, 265, 253 and 310

_NAME = re.compile(r"Q([1-4])_(.+)_\d+")  # the song, a YouTube id, may hold "_" and "-" itself
_LIST = re.compile(r"(train|valid|val|test)(?:_(?:clips?|sl|songs?))?\.csv", re.IGNORECASE)
_CLIP_COLUMNS = ("clip_name", "fname", "path", "clip", "name")


def items(root, labels=None, encoding=None):
    """Quadrant and song from the file names; the published split from `train.csv`, `val.csv`, `test.csv`."""
    files, skipped = scan(root)
    files, copies, more = one_place(root, files, lambda file: None)
    skipped += more
    named = {file: _NAME.fullmatch(PurePosixPath(file).stem) for file in files}
    if labels:
        rows, grouped_by = _annotations.read(labels, language=LANGUAGE, root=root, files=files, copies=copies,
                                             encoding=encoding)
        songs = {file: name[2] for file, name in named.items() if name}
        return _annotations.join(rows, labels, root=root, files=files, skipped=skipped, copies=copies,
                                 grouped_by=grouped_by, groups=(songs, GROUPED_BY))
    split, clips = _published(root), []
    for file, name in named.items():
        if name:
            known = split.get(name[0]) or split.get(name[2])
            clips.append(make_clip(root, file, group=name[2], quadrant=f"Q{name[1]}", split=known))
        else:
            skipped.append((file, Reason("its name is not Q<1-4>_<song>_<number>", "no label")))
    return Listing(tuple(clips), tuple(skipped), GROUPED_BY)


def quadrant_of(file):
    """Quadrant that the name of a file says, or None."""
    name = _NAME.fullmatch(PurePosixPath(file).stem)
    return name and f"Q{name[1]}"


def _published(root):
    """Clip name or song to split, from the lists of clips (`fname`, `clip_name`) or songs (`songID`)."""
    listed_in, split = {}, {}
    for path in scan(root, (".csv",))[0]:
        listed = _LIST.fullmatch(path.rpartition("/")[2])
        if listed:
            table = tables.read(root / path)
            column = table.first((*_CLIP_COLUMNS, "songid", "song_id"))
            for _, cells in table.rows if column else ():
                name = re.sub(r"\.[A-Za-z0-9]+$", "", cells[column].rpartition("/")[2])
                listed_in.setdefault(name, set()).add(tables.split_name(listed[1]))
    for name, splits in listed_in.items():
        if len(splits) > 1:
            raise MerError(f"{NAME}: the split lists in {root} put {name} into {' and '.join(sorted(splits))}: keep "
                           "the lists of one release, or remove them to draw a split")
        split[name] = splits.pop()
    return split
