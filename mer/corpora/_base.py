"""What every corpus file builds on: clips, listings, and a fast scan of a folder for audio files."""

import os
import unicodedata
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

from mer import MerError
from mer.features.containers import AUDIO_SUFFIXES

__all__ = ["AUDIO_SUFFIXES", "Clip", "Listing", "fold", "make_clip", "others", "others_text", "scan"]

# Labels, transcripts and pictures, which lie in every corpus and which nobody takes for sound.
_DOCUMENTS = (".csv", ".tsv", ".txt", ".md", ".pdf", ".json", ".xml", ".html", ".htm", ".xlsx", ".xls", ".png", ".jpg",
              ".jpeg")


@dataclass(frozen=True, slots=True)
class Clip:
    """One audio file of a corpus.

    Attributes
    ----------
    id : str
        Path relative to the corpus folder with "/", NFC-normalised; unique in the corpus.
    path : pathlib.Path
        The file.
    group : str
        Speaker, artist or song; the clip's own id where the corpus does not tell.
    quadrant : str or None
        "Q1" to "Q4"; None for speech.
    arousal, valence : float or None
        In [-1, 1]; None where the corpus gives no numbers.
    split : str or None
        "train", "val" or "test" where the corpus or the user's csv says so.
    """

    id: str
    path: Path
    group: str
    quadrant: str | None = None
    arousal: float | None = None
    valence: float | None = None
    split: str | None = None


@dataclass(frozen=True)
class Listing:
    """The clips of a corpus, sorted by id, and what was left out.

    Attributes
    ----------
    clips : tuple of Clip
    skipped : tuple of (str, str)
        Name and reason.
    grouped_by : str
        What `Clip.group` is: "speaker", "artist", "song", "group" (a column of that name in the user's own
        csv) or "clip".
    sides_from : str
        Name of the csv whose column tells `Clip.split`; "" where none does.
    others : tuple of (str, int)
        Files in the folder that are neither audio nor documents: suffix ("" without one), how many; most first.
    """

    clips: tuple
    skipped: tuple
    grouped_by: str
    sides_from: str = ""
    others: tuple = ()


def make_clip(root, file, *, group=None, **labels):
    """A Clip for `file`, a path relative to `root` as `scan` gives it; without a group it is its own."""
    name = unicodedata.normalize("NFC", file)
    return Clip(name, Path(root, file), group or name, **labels)


def fold(text):
    """Spelling that compares equal without case, blanks, accents and punctuation: "CH-818" and "ch 818".

    The Turkish dotted and dotless i are one letter, so "KIZGIN", "kızgın" and "kizgin" are equal too.
    """
    plain = text.replace("İ", "i").replace("ı", "i").casefold()
    return "".join(char for char in unicodedata.normalize("NFKD", plain) if char.isalnum())


def scan(root, suffixes=AUDIO_SUFFIXES):
    """Find the files below a folder whose name ends in one of `suffixes`, in any case.

    Hidden files, `__MACOSX` and `._*` are ignored. Links to folders are followed, each folder once. Of
    several files that differ in nothing but the suffix, the first in alphabetical order is kept.

    Parameters
    ----------
    root : pathlib.Path
    suffixes : tuple of str
        In lower case, with the dot.

    Returns
    -------
    files : list of str
        Paths relative to `root` with "/", sorted.
    skipped : list of (str, str)
        Files left out, with the reason.

    Raises
    ------
    MerError
        A folder cannot be read.
    """
    kept, skipped = {}, []
    for file in sorted(_walk(root, suffixes)):
        try:
            file.encode()
        except UnicodeEncodeError:
            skipped.append((os.fsencode(file).decode(errors="backslashreplace"),
                            "its name is not valid UTF-8: rename it"))
            continue
        stem = unicodedata.normalize("NFC", os.path.splitext(file)[0])
        if stem in kept:
            skipped.append((file, f"the same name as {kept[stem]}, which is used"))
        else:
            kept[stem] = file
    return list(kept.values()), skipped


def others(root: Path) -> tuple[tuple[str, int], ...]:
    """Count the files below a folder that are neither audio nor documents, as `Listing.others` gives them."""
    counts = Counter(os.path.splitext(file)[1].lower() for file in _walk(root, ("",))
                     if not file.lower().endswith((*AUDIO_SUFFIXES, *_DOCUMENTS)))
    return tuple(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def others_text(counts: tuple[tuple[str, int], ...]) -> str:
    """What `others` counted, in words; "" where there is nothing."""
    named = ", ".join(f"{number} {suffix or 'without a suffix'}" for suffix, number in counts)
    return f"not read, as their suffix is not one of audio: {named}" if named else ""


def _walk(root, suffixes):
    """Yield matching files; folders behind links come last, so that a folder keeps its real name."""
    pending, seen = deque([""]), set()
    while pending:
        folder = pending.popleft()
        try:
            status = os.stat(os.path.join(root, folder))
            with os.scandir(os.path.join(root, folder)) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise MerError(f"{Path(root, folder)} cannot be read ({error.strerror}): check the folder and "
                           "its permissions") from None
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if _is_folder(entry):
                (pending.append if entry.is_symlink() else pending.appendleft)(relative)
            elif entry.name.lower().endswith(suffixes):
                yield relative


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
