"""TR-MUSIC: 400 clips of 30 s of Turkish music in four class folders of 100."""

from mer.corpora import _annotations
from mer.corpora._base import fold, one_place, scan

KIND = "music"
CODE = "t"
NAME = "TR-MUSIC"
LANGUAGE = "turkish"
ABBR = "tur"
FOLDER = ("TR-MUSIC",)
EXAMPLE = ("happy/1.mp3", "sad/2.mp3")
SETTING = "path_music_turkish"
GROUPED_BY = "clip"
LICENCE = "none known to us; ask its authors"
CITATION = ("Er, M. B., Aydilek, I. B. (2019). Music emotion recognition by using chroma spectrogram and deep visual "
            "features. International Journal of Computational Intelligence Systems 12(2), 1622-1634. "
            "https://doi.org/10.2991/ijcis.d.191216.001")
HOMEPAGE = "https://doi.org/10.2991/ijcis.d.191216.001"
HOW_TO_GET = ("ask its authors, Mehmet Bilal Er and Ibrahim Berkan Aydilek, whose addresses are in the paper, "
              "https://doi.org/10.2991/ijcis.d.191216.001")
EXPECTED_CLIPS = 400
EXPECTED_PER_CLASS = 100

_NAMES = {"Q1": ("happy", "mutlu"),
          "Q2": ("angry", "kızgın", "sinirli", "öfkeli"),
          "Q3": ("sad", "üzgün", "hüzünlü"),
          "Q4": ("relaxed", "relax", "rahat", "sakin", "huzurlu")}
CLASSES = {fold(name): quadrant for quadrant, names in _NAMES.items() for name in (*names, quadrant)}


def items(root, labels=None, encoding=None):
    """Class folders, English or Turkish, with or without Turkish letters; songs and artists are not known."""
    files, skipped = scan(root)
    files, copies, more = one_place(root, files, lambda file: _annotations.folder_quadrant(file, CLASSES))
    skipped += more
    if labels:
        rows, grouped_by = _annotations.read(labels, language=LANGUAGE, root=root, files=files, copies=copies,
                                             encoding=encoding)
        return _annotations.join(rows, labels, root=root, files=files, skipped=skipped, copies=copies,
                                 grouped_by=grouped_by)
    return _annotations.from_folders(root, files, skipped, classes=CLASSES)
