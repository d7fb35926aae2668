"""The 6 373 functionals of the ComParE_2016 set, by openSMILE: one row for every 7.5 s."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations import _opensmile
from mer.features.representations._stretches import Parts


@dataclass(frozen=True, kw_only=True)
class Compare(Parts):
    """Functionals of a part as openSMILE gives them of a sound that is cut there.

    References
    ----------
    B. Schuller et al., "The INTERSPEECH 2016 computational paralinguistics challenge: deception, sincerity & native
    language", INTERSPEECH 2016; F. Weninger et al., "On the acoustics of emotion in audio: what speech, music, and
    sound have in common", Frontiers in Psychology 4, 2013.
    """

    TITLE: ClassVar[str] = "ComParE functionals"
    PACKAGES: ClassVar[tuple[str, ...]] = ("opensmile",)
    width: ClassVar[int] = 6373

    @property
    def feature_names(self) -> tuple[str, ...]:
        """As openSMILE says them."""
        return _opensmile.functional_names()

    def of_stretch(self, sound: np.ndarray, start: int, stop: int) -> np.ndarray:
        """(1, 6373)."""
        return _opensmile.functionals(sound[start:stop], self.sample_rate_hz)
