"""RAVDESS: 24 actors speak and sing the same two sentences with eight emotions; what its speech and song share.

The name of a file is modality-channel-emotion-intensity-statement-repetition-actor, two digits each (Livingstone &
Russo 2018, table 1): modality 03 is sound without a picture, channel 01 speech and 02 song. Four of the emotions are
quadrants; the others are left out, because no quadrant is theirs without an argument.
"""

import re
from collections import Counter
from pathlib import PurePosixPath

from mer.corpora import _annotations
from mer.corpora._base import Listing, Reason, fold, make_clip, one_place, scan

FOLDER = ("RAVDESS",)
GROUPED_BY = "actor"
PEOPLE = "RAVDESS"
LICENCE = "CC BY-NC-SA 4.0"
CITATION = ("Livingstone, S. R., Russo, F. A. (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song "
            "(RAVDESS): a dynamic, multimodal set of facial and vocal expressions in North American English. PLoS ONE "
            "13(5), e0196391. https://doi.org/10.1371/journal.pone.0196391")
HOMEPAGE = "https://zenodo.org/records/1188976"
QUADRANTS = {"02": "Q4", "03": "Q1", "04": "Q3", "05": "Q2"}  # calm, happy, sad, angry
_OTHERS = {"01": "neutral", "06": "fearful", "07": "disgusted", "08": "surprised"}
CHANNELS = {"01": "speech", "02": "song"}
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")
_ACTOR = re.compile(r"actor_?(\d\d)", re.IGNORECASE)


def how_to_get(folder):
    """Where the zip of the official folder is."""
    return (f"take {folder}.zip from {HOMEPAGE} and unpack it into RAVDESS/{folder}/, so that Actor_01 and the others "
            "lie there")


def items(root, labels, encoding, *, channel, folder, language):
    """`<folder>/Actor_NN/03-<channel>-<emotion>-...-<actor>.wav`; the group is the actor, as the name says.

    Parameters
    ----------
    root : pathlib.Path
        It may hold the official folder, which alone is read then, or the actors' folders themselves.
    labels, encoding
        As of every corpus.
    channel : str
        "01" or "02".
    folder : str
        The official one of this channel.
    language : str
        LANGUAGE of the corpus.

    Returns
    -------
    Listing
    """
    official = next((entry.name for entry in sorted(root.iterdir()) if entry.is_dir()
                     and fold(entry.name) == fold(folder)), "")
    files, skipped = scan(root / official)
    if official:
        files = [f"{official}/{file}" for file in files]
        skipped = [(f"{official}/{file}", reason) for file, reason in skipped]
    files, copies, more = one_place(root, files, _actor_of_folder, unique_names=True)
    kept, others, skipped = {}, [], skipped + more
    for file in files:
        name = _NAME.fullmatch(PurePosixPath(file).stem)
        problem = _problem(name and name.groups(), channel, in_official=bool(official))
        if not problem:
            kept[file] = name
        elif problem.kind == "note":
            others.append((str(problem), file))
        else:
            skipped.append((file, problem))
    counts = Counter(why for why, _ in others)
    skipped += [(f"{n} file{'s' * (n > 1)}", Reason(f"{why}, for example {dict(reversed(others))[why]}", "note"))
                for why, n in sorted(counts.items())]
    groups = {file: f"{PEOPLE} {name[7]}" for file, name in kept.items()}
    if labels:
        rows, grouped_by = _annotations.read(labels, language=language, root=root, files=list(kept), copies=copies,
                                             encoding=encoding)
        return _annotations.join(rows, labels, root=root, files=list(kept), skipped=skipped, copies=copies,
                                 grouped_by=grouped_by, groups=(groups, GROUPED_BY))
    clips = [make_clip(root, file, group=groups[file], quadrant=QUADRANTS[name[3]]) for file, name in kept.items()]
    return Listing(tuple(clips), tuple(skipped), GROUPED_BY)


def _problem(name, channel, *, in_official):
    """Why a file is not used, as a Reason of kind "note" where the set is meant to hold it; None where it is used."""
    if not name:
        return Reason("its name is not modality-channel-emotion-intensity-statement-repetition-actor, two digits each",
                      "no label")
    modality, of, emotion = name[:3]
    if of not in CHANNELS or emotion not in QUADRANTS | _OTHERS:
        return Reason(f"its name says channel {of} and emotion {emotion}, and there is none of that number",
                      "mislabelled")
    if of != channel:
        where = f"it lies in the folder of {CHANNELS[channel]}, and " if in_official else ""
        return Reason(f"{where}its name says {CHANNELS[of]}", "mislabelled" if in_official else "note")
    if modality != "03":
        return Reason("the same recording is there as sound alone (03-...), and this one has a picture", "note")
    if emotion in _OTHERS:
        return Reason(f"{_OTHERS[emotion]}, which is none of the four quadrants", "note")
    return None


def _actor_of_folder(file):
    found = [_ACTOR.fullmatch(folder) for folder in file.split("/")[:-1]]
    return next((name[1] for name in reversed(found) if name), None)


def quadrant_of(file):
    """Quadrant that the name of a file says, or None."""
    name = _NAME.fullmatch(PurePosixPath(file).stem)
    return name and QUADRANTS.get(name[3])


def about_groups(root, clips):
    """Women and men, by the numbers of the actors: odd ones are men."""
    numbers = {int(clip.group[-2:]) for clip in clips if clip.group.startswith(f"{PEOPLE} ")}
    men = sum(number % 2 for number in numbers)
    return f"{len(numbers) - men} women and {men} men" if numbers else ""


def audit(root, clips, seconds):
    """Clips in the folder of another actor, and actors of whom clips are missing: (kind, file, what is wrong)."""
    for clip in clips:
        folder, name = _actor_of_folder(clip.id), _NAME.fullmatch(PurePosixPath(clip.id).stem)
        if folder and folder != name[7]:
            yield "mislabelled", clip.id, f"it is in the folder of actor {folder}, and its name says {name[7]}"
    counts = Counter(clip.group for clip in clips)
    for group, n in sorted(counts.items()):
        if n < max(counts.values()):
            yield "missing", group, f"{n} clips, and other actors have {max(counts.values())}"
