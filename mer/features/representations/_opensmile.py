"""openSMILE's ComParE_2016 set of an array (opensmile 2.6.0): one extractor a process and level."""

import contextlib
import ctypes
import functools
import importlib.util
import os
import warnings
from pathlib import Path

import numpy as np

from mer.features.representations import needed

FRAMES_PER_SECOND = 100
_VOICE = ("F0final", "voicingFinalUnclipped", "jitterLocal", "jitterDDP", "shimmerLocal", "logHNR")  # 0 without voice
_SPECTRAL = ("fband250-650", "fband1000-4000", *(f"spectralRollOff{share}.0" for share in (25, 50, 75, 90)),
             "spectralFlux", "spectralCentroid", "spectralEntropy", "spectralVariance", "spectralSkewness",
             "spectralKurtosis", "spectralSlope", "psySharpness", "spectralHarmonicity")
# openSMILE's names of the 65 descriptors, smoothed over 3 frames ("sma"), and of their deltas ("de").
_DESCRIPTORS = (*_VOICE, "audspec_lengthL1norm", "audspecRasta_lengthL1norm", "pcm_RMSenergy", "pcm_zcr",
                *(f"audSpec_Rfilt[{band}]" for band in range(26)), *(f"pcm_fftMag_{name}" for name in _SPECTRAL),
                *(f"mfcc[{number}]" for number in range(1, 15)))
_FRAMES = tuple(f"{name}_{kind}{bracket}{number}" for kind in ("sma", "sma_de") for name, bracket, number in
                (each.partition("[") for each in _DESCRIPTORS))
STATISTICS = tuple(f"{name}_{of}" for of in ("amean", "stddev") for name in _FRAMES)  # names of `statistics`
_DELTA_WINDOW = 2    # frames on either side
_MOST = np.float32(32767 / 32768)  # opensmile turns samples into 16 bits times 32 768, and +1 would come out as -1


@functools.cache
def _extractor(level):
    """Made when a process first needs it, so nothing of it is copied to another one."""
    opensmile = needed("opensmile", "ComParE_2016")
    return opensmile.Smile(opensmile.FeatureSet.ComParE_2016, opensmile.FeatureLevel[level])


def _bind_apart():
    """Load the library of opensmile, before it does so itself, such that it calls its own functions.

    Where TensorFlow was loaded before, it would find some of the same names there, and abort the process (Linux,
    opensmile 2.6.0, TensorFlow 2.21).
    """
    spec = importlib.util.find_spec("opensmile")
    if spec and spec.origin and hasattr(os, "RTLD_DEEPBIND"):
        with contextlib.suppress(OSError):  # of another platform: opensmile says so
            for library in Path(spec.origin).parent.rglob("libSMILEapi.so"):
                ctypes.CDLL(str(library), mode=os.RTLD_NOW | os.RTLD_DEEPBIND)


_bind_apart()


def _values(level, sound, sample_rate_hz):
    with warnings.catch_warnings():  # of short sounds: values that are NaN
        warnings.simplefilter("ignore", UserWarning)
        return _extractor(level).process_signal(np.clip(sound, -1, _MOST), sample_rate_hz).to_numpy(np.float32)


def functional_names() -> tuple[str, ...]:
    """openSMILE's names of the 6 373 `functionals`."""
    return tuple(_extractor("Functionals").feature_names)


def functionals(sound: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Samples (n,), peak 1 -> (1, 6373) functionals, float32; NaN where a short sound has none."""
    return _values("Functionals", sound, sample_rate_hz)


def descriptors(sound: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Low-level descriptors and their deltas, one frame every 10 ms.

    The deltas are the regression over two frames on either side of The HTK Book (3.4, section 5.9), as in openSMILE,
    at whose ends the last frame is repeated. Those of the first six are made of voiced frames alone. There openSMILE
    (`cDeltaRegression`, `onlyInSegments`) adds up its divisor from frame to frame, so its deltas fade with the length
    of the sound: after 45 s they are 1/250 of those of the first 5 s. Here the divisor is that of the frame.

    Parameters
    ----------
    sound : np.ndarray, shape (n,), float32
        Samples in [-1, 1]; what is beyond counts as 1.
    sample_rate_hz : int

    Returns
    -------
    np.ndarray, shape (frames, 130), float64
    """
    values = _values("LowLevelDescriptors", sound, sample_rate_hz).astype(float)
    padded = np.pad(values, ((_DELTA_WINDOW, _DELTA_WINDOW), (0, 0)), mode="edge")
    total, divisor, n_voice = np.zeros_like(values), np.zeros_like(values), len(_VOICE)
    for i in range(1, _DELTA_WINDOW + 1):
        after, before = (padded[_DELTA_WINDOW + shift:len(values) + _DELTA_WINDOW + shift] for shift in (i, -i))
        counts = np.ones_like(values)
        counts[:, :n_voice] = (after[:, :n_voice] != 0) & (before[:, :n_voice] != 0)
        total += counts * i * (after - before)
        divisor += counts * 2 * i**2
    return np.hstack([values, np.divide(total, divisor, out=np.zeros_like(total), where=divisor > 0)])


def statistics(frames: np.ndarray) -> np.ndarray:
    """Frames (n, width) -> their mean and standard deviation, (2 * width,)."""
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)])
