"""4Q-Emotion: 900 clips of 30 s of mostly western popular music, 225 per quadrant."""

from mer import tables
from mer.corpora import _annotations
from mer.corpora._base import one_place, scan
from mer.corpora._names import FileIndex, united

KIND = "music"
CODE = "e"
NAME = "4Q-Emotion"
LANGUAGE = "english"
ABBR = "eng"
FOLDER = ("MER_audio_taffc_dataset", "4Q-Emotion")
EXAMPLE = ("Q1/MT01.mp3", "Q3/MT02.MP3")
MARKS = ("panda_dataset_taffc_annotations.csv", "panda_dataset_taffc_metadata.csv")
SETTING = "path_music_english"
GROUPED_BY = "artist"
LICENCE = "none known to us; ask its authors"
CITATION = ("Panda, R., Malheiro, R., Paiva, R. P. (2018). Novel audio features for music emotion recognition. IEEE "
            "Transactions on Affective Computing 11(4), 614-626. https://doi.org/10.1109/TAFFC.2018.2820691")
HOMEPAGE = "http://mir.dei.uc.pt/downloads.html"
HOW_TO_GET = ("take the 4Q audio emotion dataset from the page of its authors, http://mir.dei.uc.pt/downloads.html, or "
              "ask them there")
EXPECTED_CLIPS = 900
EXPECTED_PER_CLASS = 225


def items(root, labels=None, encoding=None):
    """`Q1..Q4/MT0000004637.mp3`, labelled by `panda_dataset_taffc_annotations.csv` (Song, Quadrant).

    The csv is the truth; a clip in the folder of another quadrant is left out. Without the csv the folders
    are the labels. Public copies hold each clip once more, in `music/`: the quadrant folders count. The group is
    the artist of `panda_dataset_taffc_metadata.csv`, or the clip without it.
    """
    files, skipped = scan(root)
    files, copies, more = one_place(root, files, _annotations.folder_quadrant, unique_names=True)
    skipped += more
    metadata = _table(root, MARKS[1])
    groups = (_artists_of(metadata, root, files, copies), GROUPED_BY) if metadata else None
    official = _table(root, MARKS[0]) or metadata
    if not labels and not official:
        return _annotations.from_folders(root, files, skipped)
    rows, grouped_by = _annotations.read(labels or official, language=LANGUAGE, root=root, files=files,
                                          copies=copies, encoding=encoding)
    return _annotations.join(rows, labels or official, root=root, files=files, skipped=skipped, copies=copies,
                             groups=groups, grouped_by=grouped_by,
                             quadrant_of=None if labels else _annotations.folder_quadrant)


def _table(root, name):
    """Path of one of the corpus's tables, wherever below `root` it was unpacked, or None."""
    found, _ = scan(root, (name,))
    return root / found[0] if found else None


def _artists_of(path, root, files, copies):
    """File to artist; files without a row or with an empty artist are missing."""
    index, found = FileIndex(files, root, path, copies), {}
    for _, cells in tables.read(path, names=files).rows:
        meant = index.find(cells.get("song", ""))
        if len(meant) == 1 and cells.get("artist"):
            found[meant[0]] = cells["artist"]
    shown = united(found.values())
    return {file: shown[name] for file, name in found.items() if shown[name]}
