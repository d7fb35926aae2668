"""Speech for linear heads to tell from music, in the coordinates that tell the distance from the training music.

Speech that is read into a microphone may lie as near to the training music as music does, for the coordinates are those
in which music varies. So a direction is learnt that leads from music to speech: a linear discriminant analysis in the
first coordinates, on means of whole clips and of short stretches of them. A song on the side of speech is not answered.

How often that is wrong is measured on artists and speakers that were held out.
"""

import hashlib
from types import SimpleNamespace

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold

from mer import MerError, corpora
from mer.data import datasets
from mer.training.codes import cached_codes

COMPONENTS, SHRINKAGE = 50, 0.1  # more coordinates, and more shrinkage, miss more speech of another language
LENGTHS = (1, 2, 5)  # patches of the stretches, beside whole clips
LEAST_SPEAKERS = 10  # with one, what is learnt is his room and his microphone


class Speech:
    """Speech corpora as an encoder of patches reads them.

    Parameters
    ----------
    cfg : Config
    codes : sequence of str
        Of speech corpora.
    reads : mer.features.chunks.Chunks

    Raises
    ------
    MerError
        A store is missing, or they have too few speakers.
    """

    def __init__(self, cfg, codes, reads):
        self.names = [corpora.get("speech", code).NAME for code in codes]
        clips = [datasets.load("speech", code, cfg, of=reads.of) for code in codes]
        self._parts = [SimpleNamespace(clips=each, reads=reads, patches=reads.of_clips(each, cfg.patch_overlap))
                       for each in clips]
        n_speakers = sum(len(set(each.group)) for each in clips)
        if n_speakers < LEAST_SPEAKERS:
            raise MerError(f"{' and '.join(self.names)} have {n_speakers} speaker(s), and {LEAST_SPEAKERS} are needed "
                           "to tell speech from music: with fewer, a room and a microphone are learnt; name another "
                           "corpus with --detect-speech")

    @property
    def fingerprint(self):
        """Hash of its clips."""
        joined = ".".join(part.clips.fingerprint(sides=False) for part in self._parts)
        return hashlib.sha256(joined.encode()).hexdigest()[:16]

    def heard(self, cfg, encoder, encoder_key):
        """Codes of all patches, shape (patches, units), float64; clip of each; speaker of each clip."""
        codes, clip, group, n = [], [], [], 0
        for number, part in enumerate(self._parts):
            held = cached_codes(cfg, part, encoder, encoder_key)
            codes.append(np.asarray(held, np.float64).reshape(len(held), -1))
            present, place = np.unique(part.patches.clip, return_inverse=True)  # some are shorter than one patch
            clip.append(n + place)
            group += [f"{number}:{part.clips.group[one]}" for one in present]
            n += len(present)
        return np.concatenate(codes), np.concatenate(clip), np.array(group)


def direction(music, speech, places, *, seed):
    """The direction from music to speech, and how well it tells held-out clips apart.

    Parameters
    ----------
    music : (np.ndarray, np.ndarray)
        Codes of patches, shape (patches, units), and clip of each, from 0 on.
    speech : (np.ndarray, np.ndarray, np.ndarray)
        From `Speech.heard`.
    places : sequence of (np.ndarray, np.ndarray, np.ndarray, np.ndarray)
        Weights and offsets of coordinates, clips of music that they were made of, and others. The first is what is
        kept, and has no others; the rest are the folds.
    seed : int
        Of the stretches and of the folds over speakers.

    Returns
    -------
    dict
        JSON-able. weights, one a coordinate, and offset: above 0 a stretch counts as speech. false_alarms: share of
        held-out clips of music that do; found: share of held-out clips of speech.
    """
    codes, clip, speaker = speech
    folds = GroupKFold(len(places) - 1, shuffle=True, random_state=seed).split(speaker, groups=speaker)
    (kept, *held_out), every = places, np.arange(len(speaker))
    found, alarms = [], []
    for (weights, offsets, known, unseen), (ours, theirs) in zip(held_out, folds, strict=True):
        told = _learnt((*music, known), (codes, clip, ours), (weights, offsets), seed)
        for values, clips, into in ((music, unseen, alarms), ((codes, clip), theirs, found)):
            into += [bool(told[0] @ (values[0][values[1] == one].mean(axis=0) @ weights + offsets)[:COMPONENTS]
                          + told[1] > 0) for one in clips]
    weights, offset = _learnt((*music, kept[2]), (codes, clip, every), kept[:2], seed)
    return {"weights": [float(value) for value in weights], "offset": float(offset),
            "false_alarms": float(np.mean(alarms)), "found": float(np.mean(found))}


def _learnt(music, speech, place, seed):
    """Weights and offset of the direction."""
    rng, sides = np.random.default_rng(seed), []
    for codes, clip, clips in (music, speech):
        stretches = np.concatenate([_stretches(codes[clip == one], rng) for one in clips])
        sides.append((stretches @ place[0] + place[1])[:, :COMPONENTS])
    analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE, priors=[0.5, 0.5])
    analysis.fit(np.concatenate(sides), np.repeat([0, 1], [len(side) for side in sides]))
    return analysis.coef_[0], analysis.intercept_[0]


def _stretches(codes, rng):
    """Mean of a clip, and of one stretch of each length that it has."""
    lengths = [length for length in LENGTHS if length < len(codes)]
    starts = [rng.integers(0, len(codes) - length, endpoint=True) for length in lengths]
    return np.stack([codes.mean(axis=0), *(codes[start:start + length].mean(axis=0)
                                           for start, length in zip(starts, lengths, strict=True))])
