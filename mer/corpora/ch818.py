"""CH-818: 818 clips of 30 s of Chinese popular music with continuous arousal and valence."""

from mer import MerError, tables
from mer.corpora import _annotations
from mer.corpora._base import one_place, scan

KIND = "music"
CODE = "m"
NAME = "CH-818"
LANGUAGE = "mandarin"
ABBR = "man"
FOLDER = ("CH818",)
EXAMPLE = ("a.mp3", "b.mp3", "labels.csv=clip,quadrant\na,Q1\nb,Q3\n")
SETTING = "path_music_mandarin"
GROUPED_BY = "song"
LICENCE = "none known to us; ask its authors"
CITATION = ("Hu, X., Yang, Y.-H. (2017). Cross-dataset and cross-cultural music mood prediction: a case on western and "
            "Chinese pop songs. IEEE Transactions on Affective Computing 8(2), 228-240. "
            "https://doi.org/10.1109/TAFFC.2016.2523503")
HOMEPAGE = "https://doi.org/10.1109/TAFFC.2016.2523503"
HOW_TO_GET = ("ask its authors, Xiao Hu and Yi-Hsuan Yang, whose addresses are in the paper, "
              "https://doi.org/10.1109/TAFFC.2016.2523503")
EXPECTED_CLIPS = 818
VALUE_RANGE = (-10, 10)


def items(root, labels=None, encoding=None):
    """Audio anywhere below the folder and one csv: quadrants, or arousal and valence in [-10, 10].

    Arousal and valence are one column each (the mean) or one per annotator, who are averaged. A clip on an
    axis has no quadrant and is left out.
    """
    files, skipped = scan(root)
    files, copies, more = one_place(root, files, lambda file: None)
    path = labels or _only_table(root, encoding)
    rows, grouped_by = _annotations.read(path, language=LANGUAGE, value_range=VALUE_RANGE, root=root, files=files,
                                         copies=copies, encoding=encoding)
    return _annotations.join(rows, path, root=root, files=files, skipped=[*skipped, *more], copies=copies,
                             grouped_by=grouped_by)


def _only_table(root, encoding):
    """The one csv below `root` that holds labels."""
    found, _ = scan(root, (".csv", ".tsv"))
    usable, wrong = [], []
    for name in found:
        try:
            if _annotations.holds_labels(tables.read(root / name, encoding=encoding)):
                usable.append(name)
        except MerError as error:  # one that is no table of labels does no harm beside one that is
            wrong.append(str(error))
    if len(usable) == 1:
        return root / usable[0]
    there = "; ".join(wrong) or f"found {', '.join(found) or 'no csv'}"
    if usable:
        there = f"there are {' and '.join(usable)}"
    raise MerError(f"{NAME} needs one csv in {root} with the columns clip, arousal and valence (or quadrant); {there}: "
                   "name the right one with -pl")
