"""What every corpus file builds on: clips, listings, archives, and a fast scan of a folder for audio files."""

import hashlib
import os
import unicodedata
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mer import MerError
from mer.features.containers import AUDIO_SUFFIXES

# Labels, transcripts and pictures, which lie in every corpus and which nobody takes for sound.
_DOCUMENTS = (".csv", ".tsv", ".txt", ".md", ".pdf", ".json", ".xml", ".html", ".htm", ".xlsx", ".xls", ".png", ".jpg",
              ".jpeg")
_BLOCK = 65536  # bytes of two files that are compared at the beginning, in the middle and at the end
# The first is the publisher; the others are its mirrors in America, Europe and Asia.
OPENSLR = ("https://www.openslr.org", "https://us.openslr.org", "https://openslr.trmal.net",
           "https://openslr.elda.org", "https://openslr.magicdatatech.com")


@dataclass(frozen=True, slots=True)
class Clip:
    """One audio file of a corpus.

    Attributes
    ----------
    id : str
        Path relative to the corpus folder with "/", NFC-normalized; unique in the corpus.
    path : pathlib.Path
        The file.
    group : str
        Speaker, artist or song; the clip's own id where the corpus names none.
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


class Reason(str):
    """Why a file or a row is left out, in words; `kind` is one of those of `mer.inventory.check`, or "same name"."""

    kind: str

    def __new__(cls, text, kind="left out"):
        reason = super().__new__(cls, text)
        reason.kind = kind
        return reason


@dataclass(frozen=True)
class Listing:
    """The clips of a corpus, sorted by id, and what was left out.

    Attributes
    ----------
    clips : tuple of Clip
    skipped : tuple of (str, Reason)
        Name and reason.
    grouped_by : str
        What `Clip.group` is: "speaker", "artist", "song", "group" (a column of that name in the user's own
        csv) or "clip".
    split_csv : str
        Name of the csv that `Clip.split` comes from; "" where none has it.
    others : tuple of (str, int)
        Files in the folder that are neither audio nor documents: suffix ("" without one), how many; most first.
    """

    clips: tuple
    skipped: tuple
    grouped_by: str
    split_csv: str = ""
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
    skipped : list of (str, Reason)
        Files left out.

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
                            Reason("its name is not valid UTF-8: rename it")))
            continue
        stem = unicodedata.normalize("NFC", os.path.splitext(file)[0])
        if stem in kept:
            skipped.append((file, Reason(f"the same name as {kept[stem]}, which is used", "same name")))
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
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link that leads to itself
                is_folder = False
            if is_folder:
                (pending.append if entry.is_symlink() else pending.appendleft)(relative)
            elif entry.name.lower().endswith(suffixes):
                yield relative


def one_place(root, files, official, *, unique_names=False):
    """Files of a corpus without those that are copies of others: the same name and the same content.

    Parameters
    ----------
    root : pathlib.Path
    files : list of str
        From `scan`.
    official : callable
        What the folder of a file says (its quadrant), None where it says nothing: a file that has such a folder is
        kept, else the one in the highest folder. Files whose folders contradict each other are no copies.
    unique_names : bool
        No two clips of the corpus have one name, so a file outside of the official folders is a copy whatever it holds.

    Returns
    -------
    kept : list of str
    copies : dict
        Copy to the file that is kept.
    skipped : list of (str, Reason)
        One line for each folder of copies.
    """
    named, copies = defaultdict(list), {}
    for file in files:
        named[PurePosixPath(file).name.casefold()].append(file)
    for alike in filter(lambda alike: len(alike) > 1, named.values()):
        best = min(alike, key=lambda file: (official(file) is None, file.count("/"), file))
        if len({official(file) for file in alike} - {None}) < 2:
            trusted = unique_names and official(best)
            copies.update((file, best) for file in alike if file != best and (
                (trusted and not official(file)) or _is_same(Path(root, file), Path(root, best))))
    folders = defaultdict(list)
    for file in copies:
        folders[file.rpartition("/")[0]].append(file)
    skipped = [(f"{folder}/" if folder else ".", Reason(f"{len(alike)} of its files are copies of others, for example "
                f"{alike[0]} of {copies[alike[0]]}, which is used")) for folder, alike in sorted(folders.items())]
    return [file for file in files if file not in copies], copies, skipped


def _is_same(one, other):
    try:
        size = one.stat().st_size
        return 0 < size == other.stat().st_size and _digest(one, size) == _digest(other, size)
    except OSError:
        return False  # who reads it later says why it cannot be read


def _digest(path, size):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for start in sorted({0, max(0, size // 2 - _BLOCK // 2), max(0, size - _BLOCK)}):
            file.seek(start)
            digest.update(file.read(_BLOCK))
    return digest.digest()


@dataclass(frozen=True)
class Archive:
    """One .tar.gz that `mer.inventory.download` may fetch.

    Attributes
    ----------
    file : str
        Its name.
    size : int
        In bytes.
    checksum : str
        "sha256:<hex>" or "md5:<hex>".
    urls : tuple of str
        Where it is, in the order in which they are tried.
    hours : float
        Hours of sound in it.
    holds : str
        Folder, relative to that of the corpus, that is there once it is unpacked.
    unpacked : int
        Bytes of its content on disk, at least.
    nested : bool
        Whether `holds` is full of further .tar.gz, to be unpacked there.
    """

    file: str
    size: int
    checksum: str
    urls: tuple
    hours: float
    holds: str
    unpacked: int
    nested: bool = False


def openslr(number, file, **facts):
    """An Archive of resource `number` of openslr.org; `facts` are its other attributes."""
    return Archive(file, urls=tuple(f"{server}/resources/{number}/{file}" for server in OPENSLR), **facts)
