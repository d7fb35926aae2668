"""LibriSpeech: about 1 000 hours of English audio books, one folder per speaker and chapter."""

import re
from collections import defaultdict
from dataclasses import dataclass

from mer.corpora._base import Listing, Reason, make_clip, openslr, scan

KIND = "speech"
CODE = "e"
NAME = "LibriSpeech"
LANGUAGE = "english"
ABBR = "eng"
FOLDER = ("LibriSpeech",)
EXAMPLE = ("train-clean-100/19/198/19-198-0000.flac", "dev-clean/84/1/84-1-0000.FLAC")
MARKS = ("train-clean-100", "train-clean-360", "train-other-500", "dev-clean", "dev-other", "test-clean", "test-other")
SETTING = "path_speech_english"
GROUPED_BY = "speaker"
LICENCE = "CC BY 4.0"
CITATION = ("Panayotov, V., Chen, G., Povey, D., Khudanpur, S. (2015). Librispeech: an ASR corpus based on public "
            "domain audio books. ICASSP, 5206-5210. https://doi.org/10.1109/ICASSP.2015.7178964")
HOMEPAGE = "https://www.openslr.org/12"
HOW_TO_GET = ("run python3 corpora.py --download train-clean-100 (or another of its seven subsets), or unpack the "
              ".tar.gz files of https://www.openslr.org/12")
EXPECTED_CLIPS = None  # any of the seven subsets is enough
# Utterances and speakers of each subset; the speakers are table 1 of the paper, the utterances were counted.
EXPECTED_PARTS = {"train-clean-100": (28_539, 251), "train-clean-360": (104_014, 921),
                  "train-other-500": (148_688, 1_166), "dev-clean": (2_703, 40), "dev-other": (2_864, 33),
                  "test-clean": (2_620, 40), "test-other": (2_939, 33)}

_SUBSETS = (  # bytes and SHA-256 of the .tar.gz; hours by table 1 of the paper
    ("train-clean-100", 6_387_309_499, "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2", 100.6),
    ("train-clean-360", 23_049_477_885, "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf", 363.6),
    ("train-other-500", 30_593_501_606, "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2", 496.7),
    ("dev-clean", 337_926_286, "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3", 5.4),
    ("dev-other", 314_305_928, "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365", 5.3),
    ("test-clean", 346_663_984, "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23", 5.4),
    ("test-other", 328_757_843, "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29", 5.1),
)
# Flac does not shrink in a .tar.gz; a twentieth is for the rest of the last block of each file.
ARCHIVES = {name: openslr(12, f"{name}.tar.gz", size=size, checksum=f"sha256:{checksum}", hours=hours, holds=name,
                          unpacked=size * 21 // 20) for name, size, checksum, hours in _SUBSETS}

_SPEAKERS = "SPEAKERS.TXT"
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)\.[^.]+$")  # <speaker>-<chapter>-<utterance>.flac


def items(root, labels=None):
    """`<subset>/<speaker>/<chapter>/<speaker>-<chapter>-<nnnn>.flac`; the group is the speaker."""
    files, skipped = scan(root)
    clips = []
    for file in files:
        name = _NAME.match(file.rpartition("/")[2])
        if name:
            clips.append(make_clip(root, file, group=name[1]))
        else:
            skipped.append((file, Reason("its name is not <speaker>-<chapter>-<number>, so its speaker is unknown")))
    return Listing(tuple(clips), tuple(skipped), GROUPED_BY)


@dataclass(frozen=True)
class Speaker:
    """One line of SPEAKERS.TXT: `sex` is "F" or "M", `minutes` those of the whole corpus."""

    sex: str
    subset: str
    minutes: float
    name: str


def speakers(root):
    """Read SPEAKERS.TXT.

    Lines are `ID | SEX | SUBSET | MINUTES | NAME`, a ";" begins a comment, and a name may hold "|" itself, as that
    of speaker 60 does.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the corpus.

    Returns
    -------
    found : dict
        Speaker id to Speaker; empty where the file is not there.
    problems : list of (str, str)
        "SPEAKERS.TXT, line n" and what is wrong with it.
    """
    path = next((root / name for name in (_SPEAKERS, _SPEAKERS.title(), _SPEAKERS.lower())
                 if (root / name).is_file()), None)
    found, problems = {}, []
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines() if path else []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        cells = [cell.strip() for cell in line.split("|", 4)]
        try:
            found[cells[0]] = Speaker(cells[1].upper(), cells[2], float(cells[3]), " ".join(cells[4:]))
        except (IndexError, ValueError):
            problems.append((f"{path.name}, line {number}", f"{line.strip()!r} is not ID | SEX | SUBSET | MINUTES | "
                                                            "NAME"))
    return found, problems


def part(clip_id):
    """Name of the subset that a clip is in, or None."""
    return next((folder for folder in clip_id.split("/")[:-1] if folder in EXPECTED_PARTS), None)


def about_groups(root, clips):
    """What SPEAKERS.TXT says of the speakers of these clips, in a few words; "" where it is not there."""
    known = speakers(root)[0]
    listed = [known[group] for group in {clip.group for clip in clips} if group in known]
    if not listed:
        return ""
    women, men = (sum(speaker.sex == sex for speaker in listed) for sex in "FM")
    return f"{women} women and {men} men, {sum(speaker.minutes for speaker in listed):.0f} minutes by {_SPEAKERS}"


def audit(root, clips, seconds):
    """What only this corpus can know to be wrong.

    Parameters
    ----------
    root : pathlib.Path
    clips : sequence of Clip
    seconds : dict
        Clip id to duration.

    Yields
    ------
    (str, str, str)
        Kind of the finding as in `mer.inventory.check`, file or speaker, what is wrong.
    """
    known, problems = speakers(root)
    yield from (("mislabelled", name, reason) for name, reason in problems)
    subsets, minutes = defaultdict(set), defaultdict(float)
    for clip in clips:
        folders = clip.id.split("/")[:-1]
        if len(folders) >= 2 and folders[-2].isdigit() and folders[-2] != clip.group:
            yield "mislabelled", clip.id, f"it is in the folder of speaker {folders[-2]}"
        subsets[clip.group].add(part(clip.id))
        minutes[clip.group] += seconds.get(clip.id, 0) / 60
    for speaker in sorted(subsets, key=int):
        yield from _misplaced(speaker, subsets[speaker] - {None}, known)
    short = [speaker for speaker in sorted(minutes, key=int)
             if speaker in known and minutes[speaker] < 0.9 * known[speaker].minutes]
    if short:
        first = short[0]
        yield "note", _SPEAKERS, (f"{len(short)} of {len(minutes)} speakers have less than 90 % of their minutes, for "
                                  f"example {first}: {minutes[first]:.1f} of {known[first].minutes:.1f}")
    yield from _gaps(root, clips)


def _misplaced(speaker, subsets, known):
    """Contradictions between where a speaker is and what SPEAKERS.TXT says."""
    if len(subsets) > 1:
        yield "mislabelled", speaker, f"the speaker is in {' and '.join(sorted(subsets))}, which share none"
    if known and speaker not in known:
        yield "mislabelled", speaker, f"the speaker is not in {_SPEAKERS}"
    for subset in sorted(subsets) if speaker in known else ():
        if subset != known[speaker].subset:
            yield "mislabelled", speaker, f"the speaker is in {subset}, {_SPEAKERS} says {known[speaker].subset}"


def _gaps(root, clips):
    """Utterances that the transcript of a chapter lists, and that have no audio."""
    there = {clip.id.rpartition("/")[2].rpartition(".")[0] for clip in clips}
    for file in scan(root, (".trans.txt",))[0]:
        lines = (root / file).read_text(encoding="utf-8", errors="replace").splitlines()
        listed = [line.split(maxsplit=1)[0] for line in lines if line.strip()]
        absent = [name for name in listed if name not in there]
        if absent:
            yield "missing", file, (f"{len(absent)} of {len(listed)} utterances have no audio: {', '.join(absent[:5])}"
                                    + ", ..." * (len(absent) > 5))
