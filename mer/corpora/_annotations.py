"""Labels of music corpora: rows of a csv joined to the audio files on disk, and labels from folder names.

Columns are found by name, in any case and order. See docs/corpora.md for the whole list.
"""

import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

from mer import MerError, tables
from mer.corpora._base import Listing, Reason, fold, make_clip
from mer.corpora._emotion import Plane, quadrant_name, refuse_zeros
from mer.corpora._names import FileIndex, doubts, united
from mer.tasks import quadrant

KEYS = ("path", "file", "filename", "file_name", "fname", "clip", "clip_name", "clip_id", "songs", "song",
        "id", "name", "song_id", "songid")
_SUBJECTS = ("audio", "music", "track", "song", "clip", "file", "sound", "recording", "excerpt", "stimulus", "sample",
             "media", "wav", "mp3")
_ATTRIBUTES = ("", "path", "file", "filename", "name", "id", "no", "nr", "number")
_ALSO_KEYS = frozenset((*map(fold, KEYS), "filepath", *(f"{subject}{attribute}" for subject in _SUBJECTS
                                                        for attribute in _ATTRIBUTES)))
_ARTISTS = ("artist", "artists", "artist_name", "artistname", "singer", "performer", "band")
_NAMES = (*_ARTISTS, "title")  # names that are spelled in more than one way; an id may differ in case alone
GROUPS = {"group": "group", **dict.fromkeys(_ARTISTS, "artist"), "song_id": "song", "songid": "song", "song": "song",
          "title": "song"}
QUADRANTS = ("quadrant", "quads", "quad", "4q")
SPLITS = ("split", "published_split")
LANGUAGE = "language"
QUADRANT_FOLDERS = {"q1": "Q1", "q2": "Q2", "q3": "Q3", "q4": "Q4"}
# What people write beside the LANGUAGE, CODE and ABBR of the corpora (ISO 639-1, -2 and -3, own names).
_WORDS = {"english": ("en", "eng", "e", "ingilizce", "英语", "英文"),
          "mandarin": ("m", "man", "chinese", "mandarin chinese", "zh", "zho", "chi", "cmn", "putonghua", "中文",
                       "汉语", "普通话", "国语", "國語"),
          "turkish": ("t", "tr", "tur", "türkçe"),
          "piano": ("p", "pno", "none", "instrumental", "no words", "no lyrics", "zxx")}


@dataclass(frozen=True)
class Row:
    """One row of labels; `problem` says why it cannot be used, "" where it can.

    `language` is "" where the row is of the corpus that was asked for, else the language that it is in.
    """

    line: int
    key: str
    group: str
    split: str | None
    quadrant: str | None = None
    arousal: float | None = None
    valence: float | None = None
    problem: str = ""
    language: str = ""

    @property
    def label(self):
        return self.quadrant, self.arousal, self.valence, self.split


def read(path, *, language, value_range=None, root=None, files=(), copies=None, encoding=None):
    """Read labels.

    Parameters
    ----------
    path : pathlib.Path
        A csv with a column that names the clips, and `quadrant` or `arousal` and `valence`.
    language : str
        LANGUAGE of the corpus that is asked for; rows in another, by their column `language`, are left out.
    value_range : (float, float) or None
        Range of arousal and valence where the header does not state one ("arousal[1..9]"); None: centered on
        zero, as wide as the largest value.
    root, files, copies
        As for `join`: of several columns that may name the clips, the one that names most of these files is taken.
    encoding : str or None
        Of the csv; None: found, with the help of the names of the files.

    Returns
    -------
    rows : list of Row
    grouped_by : str or None
        What the group column holds; None where there is none.

    Raises
    ------
    MerError
        A column is missing, a scale is not centered on zero and not stated, a split or a language is unknown.
    """
    table = tables.read(path, names=files, encoding=encoding)
    if not holds_labels(table):
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected one that names the clips "
                       "(path, file, clip, song or id), and quadrant or arousal and valence")
    key, named, split = _key(table, root, files, copies), table.first(QUADRANTS), table.first(SPLITS)
    group = table.first([name for name in GROUPS if name != key])
    refuse_zeros(table, [name for name in QUADRANTS if name in table.columns])
    plane = Plane.of(table, value_range)
    plane = plane and plane.scaled(table, needed=not named)
    shown = united(cells[group] for _, cells in table.rows) if group in _NAMES else {}
    words, rows = _languages() if LANGUAGE in table.columns else {}, []
    for line, cells in table.rows:
        name, where = cells.get(group, ""), f"{path}, line {line}"
        text = cells.get(split, "")
        if text and tables.split_name(text) is None:
            raise MerError(f"{where}: split {text!r} is none of train, val and test")
        row = Row(line, cells[key], shown.get(name, name), tables.split_name(text))
        other = _language(cells[LANGUAGE], words, where) if cells.get(LANGUAGE) else ""
        rows.append(_labelled(row, cells, named, plane) if other in ("", language) else replace(row, language=other))
    return rows, GROUPS[group] if any(row.group for row in rows) else None


def _languages():
    """Every word for a language that is understood, as `fold` spells it, to the LANGUAGE of a corpus.

    Music corpora come first: a letter that speech and music use for two languages means the one of the music.
    """
    from mer import corpora  # late: the corpora import this module

    words = {}
    for corpus in (corpora.get(kind, code) for kind in ("music", "speech") for code in corpora.codes(kind)):
        for word in (corpus.LANGUAGE, corpus.CODE, corpus.ABBR):
            words.setdefault(fold(word), corpus.LANGUAGE)
    for name, synonyms in _WORDS.items():
        for word in (name, *synonyms):
            words.setdefault(fold(word), name)
    return words


def _language(text, words, where):
    """LANGUAGE that `text` ("Mandarin", "zh", "zh-CN", ...) means, by `words` of `_languages`; "" without letters."""
    found = words.get(fold(text)) or words.get(fold(text.replace("_", "-").partition("-")[0]))
    if not found and fold(text):
        names = "; ".join(f"{name} ({', '.join(codes)})" for name in sorted(set(words.values())) if (codes := sorted(
            word for word, meant in words.items() if meant == name and len(word) <= 3 and word.isascii())))
        raise MerError(f"{where}: language {text!r} is none that is known: write {names}, or leave the cell empty")
    return found or ""


def _key_columns(table):
    """Columns that may name the clips, the usual ones first: audioPath, "Track ID" and their kind too."""
    usual = [name for name in KEYS if name in table.columns]
    return usual + [name for name in table.columns if name not in usual and fold(name) in _ALSO_KEYS]


def _key(table, root, files, copies):
    """The column that names the clips; the first where several name as many of `files`."""
    present = _key_columns(table)
    if len(present) == 1 or not files:
        return present[0]
    index = FileIndex(files, root, table.path, copies)
    return max(present, key=lambda name: len({found[0] for _, cells in table.rows if cells[name]
                                              and len(found := index.find(cells[name])) == 1}))


def holds_labels(table):
    """True where `table` names clips and has their quadrant, or arousal and valence."""
    return bool(_key_columns(table) and (table.first(QUADRANTS) or Plane.of(table)))


def _labelled(row, cells, named, plane):
    """`row` with its labels; the quadrant column, where there is one, is the truth."""
    if named and quadrant_name(cells[named]) is None:
        return replace(row, problem=Reason(f"quadrant {cells[named]!r} is not one of Q1, Q2, Q3, Q4", "mislabelled"))
    arousal = valence = None
    try:
        if plane:
            arousal, valence = plane.point(cells)
    except ValueError as error:
        if not named:
            return replace(row, problem=Reason(str(error), "mislabelled"))
    of_point = arousal is not None and quadrant(arousal, valence)
    row = replace(row, quadrant=quadrant_name(cells[named]) if named else of_point, arousal=arousal, valence=valence)
    if not row.quadrant:
        return replace(row, problem=Reason("it lies on an axis: arousal or valence is 0", "note"))
    if of_point and of_point != row.quadrant:
        return replace(row, problem=Reason(
            f"quadrant {row.quadrant} disagrees with arousal {arousal:.3g} and valence {valence:.3g} (in [-1, 1]), "
            f"which lie in {of_point}", "mislabelled"))
    return row


def join(rows, path, *, root, files, skipped, copies=None, grouped_by=None, groups=None, quadrant_of=None):
    """Join labels to files.

    Parameters
    ----------
    rows : list of Row
    path : pathlib.Path
        The csv they came from.
    root : pathlib.Path
    files, skipped : list
        From `scan`.
    copies : dict or None
        Copy to the one of `files` that it is of, see `_base.one_place`.
    grouped_by : str or None
        What the rows' groups are; None: they have none.
    groups : (dict, str) or None
        File to group, and what these are, for rows without a group column.
    quadrant_of : callable or None
        Quadrant by the folder or name of a file, or None; where it contradicts the row, the clip is
        left out.

    Returns
    -------
    Listing
    """
    skipped, matched = list(skipped), defaultdict(list)
    for name, count in sorted(Counter(row.language for row in rows if row.language).items()):
        skipped.append((path.name, Reason(f"{count} row{'s are' if count > 1 else ' is'} in another language than was "
                                          f"asked for: {name}", "note")))
    index = FileIndex(files, root, path, copies)
    for row in rows:
        found = index.find(row.key) if row.key else []
        if len(found) == 1:
            matched[found[0]].append(row)
        elif row.language:
            continue  # counted already; whether its file is there is no matter of this corpus
        elif found:
            skipped.append((row.key, Reason(f"{path.name}, line {row.line}: may mean {' or '.join(found[:3])}",
                                            "mislabelled")))
        else:
            skipped.append((row.key or "(no name)", Reason(f"{path.name}, line {row.line}: no such audio file",
                                                           "missing")))
    (by_file, by), clips = groups or ({}, "clip"), []
    for file in files:
        if file in matched and all(row.language for row in matched[file]):
            continue
        row = _agreed(file, matched.get(file, []), path, skipped, quadrant_of)
        if row:
            group = row.group if grouped_by else by_file.get(file)
            clips.append(make_clip(root, file, group=group, quadrant=row.quadrant, arousal=row.arousal,
                                   valence=row.valence, split=row.split))
    if (by := grouped_by or by) != "clip":
        for sentence in doubts(["" if clip.group == clip.id else clip.group for clip in clips], by):
            print(f"{path.name}: {sentence}", file=sys.stderr)
    return Listing(tuple(clips), tuple(skipped), by, path.name if any(row.split for row in rows) else "")


def _agreed(file, rows, path, skipped, quadrant_of):
    """The row that labels `file`, or None with the reason added to `skipped`."""
    lines = " and ".join(str(row.line) for row in rows)
    by_place = quadrant_of(file) if quadrant_of else None
    problem = next((Reason(f"{path.name}, line {row.line}: {row.problem}", row.problem.kind)
                    for row in rows if row.problem), None)
    if not rows:
        problem = Reason(f"no row in {path.name}", "no label")
    elif not problem and len({row.language for row in rows}) > 1:
        problem = Reason(f"{path.name}, lines {lines}: listed more than once, in different languages", "mislabelled")
    elif not problem and len({row.label for row in rows}) > 1:
        problem = Reason(f"{path.name}, lines {lines}: listed more than once, with different labels", "mislabelled")
    elif not problem and by_place and by_place != rows[0].quadrant:
        problem = Reason(f"{path.name}, line {rows[0].line}: labelled {rows[0].quadrant}, but its folder or name says "
                         f"{by_place}", "mislabelled")
    if problem:
        skipped.append((file, problem))
        return None
    skipped += [(f"{path.name}, line {row.line}", Reason(f"{file} is listed more than once (lines {lines}); used once",
                                                         "duplicate")) for row in rows[1:]]
    return rows[0]


def folder_quadrant(file, classes=QUADRANT_FOLDERS):
    """Quadrant that the nearest folder with a class name gives `file`, or None.

    Parameters
    ----------
    file : str
        Path relative to the corpus, with "/".
    classes : dict
        Folder name, as `fold` spells it, to quadrant.
    """
    folders = reversed(file.split("/")[:-1])
    return next((classes[fold(name)] for name in folders if fold(name) in classes), None)


def from_folders(root, files, skipped, *, classes=QUADRANT_FOLDERS, groups=None):
    """Listing of a corpus whose class folders are its labels; `groups` as in `join`."""
    skipped, clips = list(skipped), []
    by_file, grouped_by = groups or ({}, "clip")
    for file in files:
        name = folder_quadrant(file, classes)
        if name:
            clips.append(make_clip(root, file, group=by_file.get(file), quadrant=name))
        else:
            skipped.append((file, Reason(f"it is in no class folder ({', '.join(classes)})", "no label")))
    return Listing(tuple(clips), tuple(skipped), grouped_by)
