"""What a corpus module tells about an archive that may be downloaded."""

from dataclasses import dataclass

# The first is the publisher; the others are its mirrors in America, Europe and Asia.
OPENSLR = ("https://www.openslr.org", "https://us.openslr.org", "https://openslr.trmal.net",
           "https://openslr.elda.org", "https://openslr.magicdatatech.com")


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
