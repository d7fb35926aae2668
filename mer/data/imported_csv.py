"""The csv that names the clips of imported features: by row number, from 0 (see `mer.data.imported`)."""

import os
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mer import MerError, tables
from mer.corpora import Clip, _annotations

NUMBER_COLUMN = "orig_fid"  # row number before a subset was taken, in the csv that the program writes of it
_LEVELS_ABOVE = 2           # folders above the features in which the csv is looked for
_LFS_POINTER = b"version https://git-lfs"
_SPEAKERS = re.compile(r"(?:(\d+)-\d+-\d+|BAC\d+(S\d{4})W\d+)$")  # LibriSpeech, AISHELL-1: name without suffix


@dataclass(frozen=True)
class Row:
    """One row: its line, the clip it names (without a split), and why it cannot be used ("" where it can)."""

    line: int
    clip: Clip
    problem: str


def find(folder, labels, kind):
    """Path of the annotations: `labels`, or the nearest csv with a column Songs, in `folder` or above it."""
    if labels:
        path = Path(labels).expanduser()
        if path.is_file():
            with open(path, "rb") as file:
                if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                    raise MerError(f"{path} is a Git LFS pointer, not the data: run 'git lfs pull' where it came from")
        return path

    def is_annotation(path):
        try:
            table = tables.read(path)
        except MerError:
            return False
        return "songs" in table.columns and (kind == "speech" or _annotations.holds_labels(table))

    absolute = folder.resolve()
    for above in (absolute, *absolute.parents[:_LEVELS_ABOVE]):
        found = list(filter(is_annotation, sorted(above.glob("*.csv"))))
        if len(found) > 1:
            raise MerError(f"{above} holds several annotations ({', '.join(path.name for path in found)}): say which "
                           "one these features were made with, by -pl CSV")
        if found:
            return found[0]
    columns = "Songs and Quads" if kind == "music" else "Songs"
    raise MerError(f"{folder} has no annotations: expected a csv with {columns} in it or above it; give it by -pl CSV")


def music_rows(path, language):
    """Row number -> _Row, with labels."""
    read_rows, grouped_by = _annotations.read(path, language=language)
    rows = []
    for row in read_rows:
        problem = row.problem or (f"it is in {row.language}" if row.language else "")
        name = _id(row.key)
        rows.append(Row(row.line, Clip(name, Path(name), row.group or name, row.quadrant, row.arousal, row.valence),
                         problem))
    return _numbered(path, rows), grouped_by or "clip"


def speech_rows(path):
    """Row number -> _Row; the group is the speaker where all names hold one."""
    table = tables.read(path)
    column = table.first(("songs", *_annotations.KEYS))
    if not column:
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected Songs, with the path of a "
                       "clip in each row")
    names = [_id(cells[column]) for _, cells in table.rows]
    speakers = [_SPEAKERS.search(os.path.splitext(name)[0]) for name in names]
    grouped = all(speakers) and bool(speakers)
    rows = [Row(line, Clip(name, Path(name), (speaker[1] or speaker[2]) if grouped else name), "")
            for (line, _), name, speaker in zip(table.rows, names, speakers, strict=True)]
    return _numbered(path, rows), "speaker" if grouped else "clip"


def _id(text):
    """Path of a clip as the corpora spell it: no "./", "/" between folders."""
    text = unicodedata.normalize("NFC", text.strip()).replace("\\", "/")
    return os.path.normpath(text).replace(os.sep, "/").lstrip("/") if text else ""


def _numbered(path, rows):
    """Rows by the number that names their data set: from 0, the place in the csv or what its column orig_fid says.

    A row without a name, or with one that is taken, gets a problem.
    """
    table, numbers = tables.read(path), range(len(rows))
    if NUMBER_COLUMN in table.columns:
        texts = [cells[NUMBER_COLUMN] for _, cells in table.rows]
        wrong = next((text for text in texts if not re.fullmatch("[0-9]+", text)), None)
        if wrong is not None or len(set(map(int, texts))) < len(rows):
            raise MerError(f"{path}: the column {NUMBER_COLUMN} should hold a different row number in each row"
                           + (f", and holds {wrong!r}" if wrong is not None else ""))
        numbers = list(map(int, texts))
    elif gap := next((line for (line, _), (after, _) in pairwise(table.rows) if after - line != 1), None):
        raise MerError(f"{path}, line {gap + 1}: the line is empty, and clips are named by the number of their row: "
                       "give the csv as it was, or remove the line if not even a delimiter is in it")
    first, numbered = {}, {}
    for number, row in zip(numbers, rows, strict=True):
        problem = row.problem
        if not row.clip.id:
            problem = "it names no clip"
        elif first.setdefault(row.clip.id, row.line) != row.line:
            problem = f"{row.clip.id} is in line {first[row.clip.id]} already"
        numbered[number] = Row(row.line, row.clip, problem)
    return numbered
