"""The questions that probes ask, made of labels, names of corpora and speakers, and measured sound."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mer import corpora
from mer.config import Config
from mer.data import datasets, splits
from mer.data.store import ClipSet
from mer.experiments.probes import LEAST_GROUPS, N_FOLDS, Probe
from mer.features import representations
from mer.tasks import TASKS

MEASURED = "is13"  # the representation that loudness and pitch are read from
_ENERGY, _PITCH, _PITCH_SPREAD = "pcm_RMSenergy_sma_amean", "F0final_sma_amean", "F0final_sma_stddev"
_LEAST_ENERGY, _LEAST_HZ = 1e-5, 20.0
LEAST_SPEAKERS, LEAST_CLIPS = 5, 40

Sets = dict[tuple[str, str], ClipSet]  # by kind and code


def of(cfg: Config, sets: Sets) -> tuple[list[Probe], list[str]]:
    """The probes that these corpora can answer, and a sentence for each that they cannot.

    Parameters
    ----------
    cfg : Config
    sets : dict of (str, str) -> ClipSet
        Kind and code of each corpus -> the clips that every encoder has heard.
    """
    made = [*_emotions(sets), *_speech_or_music(sets), *_language(sets), *_speaker(sets), *_measured(cfg, sets)]
    probes = [each for each in made if isinstance(each, Probe)]
    return probes, [each for each in made if not isinstance(each, Probe)]


def _emotions(sets):
    for (kind, code), clips in sets.items():
        for task in TASKS if kind == "music" else ():
            if task.column not in clips.labels:
                continue
            truth = task.targets(clips.labels[task.column])
            known = task.is_labelled(truth)
            n_least = min(np.bincount(truth[known], minlength=len(task.classes))) if task.classes else known.sum()
            if n_least < N_FOLDS:
                yield f"{task.name} is left out: fewer than {N_FOLDS} clips of {code} have a label of each class."
                continue
            yield _probe(task.name, [((kind, code), clips.take(known))], truth[known], task.classes)


def _speech_or_music(sets):
    is_music = {which: which[0] == "music" and getattr(corpora.get(*which), "IS_MUSIC", True) for which in sets}
    if len(set(is_music.values())) < 2:
        yield ("speech or music is left out: it needs music, and a speech corpus with a store of what the encoders "
               "read; run 'python3 generate_dataset.py -d s -l CODE --features NAME'.")
        return
    truth = np.concatenate([np.full(len(clips), int(is_music[which])) for which, clips in sets.items()])
    yield _probe("speech or music", list(sets.items()), truth, ("speech", "music"),
                 note="clips of speech are shorter than those of music, and of other recording rooms")


def _language(sets):
    spoken = [(which, clips) for which, clips in sets.items() if which[0] == "speech"]
    if len(spoken) < 2:
        return
    few = [(which[1], len(set(clips.group))) for which, clips in spoken if len(set(clips.group)) < LEAST_GROUPS]
    if few:
        code, n = few[0]
        yield (f"language is left out: speech {code} has {n} speaker{'s' if n > 1 else ''}, so its language and its "
               f"voices cannot be told apart; {LEAST_GROUPS} speakers of each language are needed.")
        return
    truth = np.concatenate([np.full(len(clips), number) for number, (_, clips) in enumerate(spoken)])
    yield _probe("language", spoken, truth, tuple(code for (_, code), _ in spoken),
                 note="the corpora differ in rooms and microphones, too")


def _speaker(sets):
    for (kind, code), clips in sets.items():
        if kind != "speech":
            continue
        counted = Counter(clips.group)
        known = np.array([counted[name] >= N_FOLDS for name in clips.group], bool)
        names, truth = np.unique(clips.group[known].astype(str), return_inverse=True)
        if len(names) < LEAST_SPEAKERS:
            yield (f"speaker is left out for speech {code}: {LEAST_SPEAKERS} speakers with {N_FOLDS} recordings or "
                   f"more are needed, and it has {len(names)}.")
            continue
        yield _probe(f"speaker ({code})", [((kind, code), clips.take(known))], truth, tuple(names), closed=True,
                     note="other recordings of the same speakers, who may have sat in the same room that day")


def _measured(cfg, sets):
    """Loudness and pitch, by openSMILE, of the corpora that have a store of its descriptors."""
    of_sound = representations.get(MEASURED, cfg.values)
    for kind in ("music", "speech"):
        parts, measured = [], []
        for which, clips in sets.items():
            if which[0] != kind:
                continue
            if not datasets.store_path(corpora.get(*which), cfg, MEASURED).exists():
                yield (f"loudness and pitch of {which[1]} ({kind}) are left out: run 'python3 generate_dataset.py -d "
                       f"{kind[0]} -l {which[1]} --features {MEASURED}' for them.")
                continue
            found = _by_clip(datasets.load(*which, cfg, of=of_sound), of_sound.feature_names)
            has = np.array([name in found for name in clips.ids], bool)
            parts.append((which, clips.take(has)))
            measured += [found[name] for name in clips.ids[has]]
        if len(measured) < LEAST_CLIPS:
            continue
        loudness, pitch = np.array(measured).T
        yield _probe(f"loudness of {kind}", parts, loudness, (),
                     note="mean energy in dB of the clip whose peak is 1; 1 is full agreement, 0 is what the mean says")
        if kind == "speech":  # of music, openSMILE's F0 is that of whatever is loudest
            yield _probe(f"pitch of {kind}", parts, pitch, (), note="F0 of voiced frames, in semitones")


def _by_clip(clips, names):
    """Clip -> mean energy (dB) and F0 (semitones above 1 Hz).

    Frames without voice are 0 in the mean and the deviation of a second. The sum of the squares over the sum is free of
    them: the mean of F0 over the voiced frames, each weighed by its own F0.
    """
    energy, mean, spread = (names.index(name) for name in (_ENERGY, _PITCH, _PITCH_SPREAD))
    found = {}
    for name, source, index in zip(clips.ids, clips.source, clips.index, strict=True):
        rows = np.asarray(clips.stores[source].clip(index), np.float64)
        total = rows[:, mean].sum()
        hertz = (np.square(rows[:, mean]) + np.square(rows[:, spread])).sum() / max(total, 1e-9)
        if total > 0 and hertz > _LEAST_HZ:
            found[name] = (20 * np.log10(max(rows[:, energy].mean(), _LEAST_ENERGY)), 12 * np.log2(hertz))
    return found


def _probe(name, parts: Sequence, truth, classes, *, closed=False, note=""):
    clips = tuple((f"{kind} {code}", str(one)) for (kind, code), held in parts for one in held.ids)
    groups = tuple(f"{kind} {code}: {group}" for (kind, code), held in parts
                   for group in splits.joined(held.group, held.contents))
    return Probe(name, clips, np.asarray(truth), tuple(classes), groups, closed=closed, note=note)
