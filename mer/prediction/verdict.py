"""What may be said of a whole song: an answer, that the model is not sure, or that it does not know such sound.

Only models that were calibrated on held-out music say so (`mer.training.discriminant`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SURE = 0.5  # least probability of the likeliest class of a song that the model is sure of
KINDS = ("sure", "not sure", "unfamiliar", "speech")


@dataclass(frozen=True)
class Verdict:
    """What may be said of a song.

    Attributes
    ----------
    certainty : float
        Probability of the likeliest class of the first task with classes.
    sure_from : float
        Least certainty of a song that the model is sure of.
    distance : float
        From the training music, in units of the farthest that counts as familiar: above 1 it is unfamiliar.
    speech : float or None
        Log-odds of speech against music: above 0 it is speech. None: the model does not tell.
    """

    certainty: float
    sure_from: float
    distance: float
    speech: float | None = None

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.speech is not None and self.speech > 0:
            return "speech"
        if self.distance > 1:
            return "unfamiliar"
        return "sure" if self.certainty >= self.sure_from else "not sure"

    @property
    def words(self) -> str:
        """The verdict for people; what the model says instead of an answer, or how certain it is."""
        return {"speech": "this sounds like a voice alone rather than like music, so its answer is a guess",
                "unfamiliar": "this does not sound like the music that the model knows, so its answer is a guess",
                "not sure": f"the model is not sure: its likeliest answer has a certainty of {self.certainty:.0%}",
                "sure": f"certainty {self.certainty:.0%}"}[self.kind]

    @property
    def summary(self) -> dict[str, Any]:
        """JSON-able."""
        return {"kind": self.kind, "certainty": round(self.certainty, 6), "sure_from": self.sure_from,
                "distance": round(self.distance, 6), "words": self.words,
                **({} if self.speech is None else {"speech": round(self.speech, 6)})}


def distance(place: np.ndarray) -> float:
    """How far a stretch lies from the training music.

    Parameters
    ----------
    place : np.ndarray, shape (components,)
        Mean of its coordinates, which have mean 0 and variance 1 over the training clips.

    Returns
    -------
    float
        Their root mean square; about 1 for a training clip.
    """
    return float(np.sqrt(np.square(place).mean()))


def judge(mean: np.ndarray, places: Sequence[np.ndarray], known: Sequence[dict], *, seconds: float,
          sure_from: float = SURE) -> Verdict:
    """The verdict on one song.

    Parameters
    ----------
    mean : np.ndarray, shape (classes,)
        Probabilities of the classes over the song.
    places : sequence of np.ndarray, shape (components,)
        By member of an ensemble: the mean of the coordinates of its patches.
    known : sequence of dict
        By member: `certainty["familiar"]` of its run. Speech is told where all members tell it.
    seconds : float
        Length of the sound that was heard.
    sure_from : float
        In [0, 1].
    """
    ratios = [distance(place) / np.interp(seconds, each["seconds"], each["distance"])
              for place, each in zip(places, known, strict=True)]
    told = [float(np.dot(place[:len(each["speech"]["weights"])], each["speech"]["weights"][:len(place)])
                  + each["speech"]["offset"]) for place, each in zip(places, known, strict=True) if "speech" in each]
    speech = float(np.mean(told)) if len(told) == len(known) else None
    return Verdict(float(mean.max()), sure_from, float(np.mean(ratios)), speech)
