"""The 84 scalar low-level descriptors of Essentia's MusicExtractor, of an array (essentia 2.1b6.dev1389).

MusicExtractor reads files only, and finds tempo, key and chords, too. Here its algorithms are called one by one, with
its parameters (`MusicLowlevelDescriptors` of Essentia's sources).
"""

import functools
import itertools

import numpy as np

from mer.features.representations import needed

SAMPLE_RATE_HZ = 44_100  # MusicExtractor takes 32 000, 44 100 or 48 000
_FRAME, _HOP = 2048, 1024
_LONG_FRAME, _LONG_HOP = 88_200, 44_100
_BANDS = {"barkbands": 27, "erbbands": 40, "melbands": 40}
_SHAPES = ("crest", "flatness_db", "kurtosis", "skewness", "spread")
_SILENCE_DB = (20, 30, 60)
_ENERGY_HZ = {"high": (4000, 20_000), "low": (20, 150), "middle_high": (800, 4000), "middle_low": (150, 800)}
# Of the spectrum of a frame, one value each: algorithm and parameters.
_OF_SPECTRUM = {
    "hfc": ("HFC", {}), "pitch_salience": ("PitchSalience", {}), "spectral_energy": ("Energy", {}),
    "spectral_complexity": ("SpectralComplexity", {"magnitudeThreshold": 0.005}), "spectral_flux": ("Flux", {}),
    "spectral_rms": ("RMS", {}), "spectral_rolloff": ("RollOff", {}), "spectral_strongpeak": ("StrongPeak", {}),
    **{f"spectral_energyband_{name}": ("EnergyBand", {"startCutoffFrequency": low, "stopCutoffFrequency": high})
       for name, (low, high) in _ENERGY_HZ.items()},
}
_OF_FRAMES = sorted((
    *(f"{bands}_{shape}" for bands in _BANDS for shape in _SHAPES), *_OF_SPECTRUM, "zerocrossingrate", "dissonance",
    *(f"spectral_{name}" for name in ("centroid", "decrease", "entropy", "kurtosis", "skewness", "spread")),
    *(f"silence_rate_{level}dB" for level in _SILENCE_DB)))
_OF_SOUND = ("average_loudness", "dynamic_complexity", "loudness_ebu128.integrated", "loudness_ebu128.loudness_range",
             *(f"loudness_ebu128.{over}.{of}" for over in ("momentary", "short_term") for of in ("mean", "stdev")))
NAMES = (*_OF_SOUND, *(f"{name}.{of}" for of in ("mean", "stdev") for name in _OF_FRAMES))
# A frame whose mean square is below 1e-9 is silent. MusicExtractor adds noise of -100 dB to it, another one each time;
# here it is the same each time.
_SILENT, _NOISE = 1e-9, np.random.default_rng(0).normal(0, 1e-5, _FRAME).astype(np.float32)
_MOST_GAIN_DB, _MORE_DB = 40, 6  # MusicExtractor refuses a file that needs more as silent; it adds 6 dB (EasyLoader)


@functools.cache
def _algorithms():
    """By name; made when a process first needs them, so nothing of them is copied to another one."""
    log = needed("essentia", "Essentia's extractor").log
    log.infoActive = log.warningActive = False  # it warns at every reset
    es, half, rate = needed("essentia.standard", "Essentia's extractor"), SAMPLE_RATE_HZ / 2, SAMPLE_RATE_HZ
    return {
        "equal_loudness": es.EqualLoudness(sampleRate=rate), "gain": es.ReplayGain(sampleRate=rate),
        "frames": es.FrameCutter(frameSize=_FRAME, hopSize=_HOP), "spectrum": es.Spectrum(size=_FRAME),
        "window": es.Windowing(type="blackmanharris62"), "loudness": es.Loudness(), "ebu128": es.LoudnessEBUR128(),
        "long_frames": es.FrameCutter(frameSize=_LONG_FRAME, hopSize=_LONG_HOP, startFromZero=True),
        "complexity": es.DynamicComplexity(sampleRate=rate), "crossings": es.ZeroCrossingRate(),
        "silence": es.SilenceRate(thresholds=[10 ** (-level / 20) for level in _SILENCE_DB]),
        "barkbands": es.BarkBands(numberBands=27), "erbbands": es.GFCC(numberBands=40),
        "melbands": es.MFCC(numberBands=40), "crest": es.Crest(), "flatness": es.FlatnessDB(),
        "shape": es.DistributionShape(), "spectrum moments": es.CentralMoments(range=half),
        **{f"{name} moments": es.CentralMoments(range=n - 1) for name, n in _BANDS.items()},
        "centroid": es.Centroid(range=half), "decrease": es.Decrease(range=half), "entropy": es.Entropy(),
        "peaks": es.SpectralPeaks(orderBy="frequency"), "dissonance": es.Dissonance(),
        **{name: getattr(es, kind)(**options) for name, (kind, options) in _OF_SPECTRUM.items()},
    }


def _frames(cutter, sound):
    """Frames of a sound, each as an array of its own."""
    cutter.reset()
    return itertools.takewhile(len, (cutter(sound) for _ in itertools.count()))


def _spectra(use, sound):
    """(frame, magnitude spectrum) of a sound."""
    for frame in _frames(use["frames"], sound):
        if np.dot(frame, frame) < _SILENT * _FRAME:
            frame = frame + _NOISE
        yield frame, use["spectrum"](use["window"](frame))


def _of_frame(use, frame, spectrum):
    """Descriptors of a frame of the sound as it is."""
    crossings, silences = use["crossings"](frame), use["silence"](frame)
    values = {"zerocrossingrate": crossings, "spectral_decrease": use["decrease"](np.square(spectrum)),
              **{f"silence_rate_{level}dB": value for level, value in zip(_SILENCE_DB, silences, strict=True)},
              **{name: use[name](spectrum) for name in _OF_SPECTRUM}}
    for name in _BANDS:
        bands = use[name](spectrum)
        bands = bands[0] if isinstance(bands, tuple) else bands  # beside cepstral coefficients
        shape = use["shape"](use[f"{name} moments"](bands))  # spread, skewness, kurtosis
        values |= {f"{name}_{key}": value for key, value in zip(("spread", "skewness", "kurtosis"), shape, strict=True)}
        values |= {f"{name}_crest": use["crest"](bands), f"{name}_flatness_db": use["flatness"](bands)}
    return values


def _of_equal_frame(use, spectrum):
    """Descriptors of a frame of the sound behind the filter of equal loudness."""
    shape = use["shape"](use["spectrum moments"](spectrum))
    return {"spectral_centroid": use["centroid"](np.square(spectrum)), "spectral_entropy": use["entropy"](spectrum),
            "dissonance": use["dissonance"](*use["peaks"](spectrum)),
            **{f"spectral_{key}": value for key, value in zip(("spread", "skewness", "kurtosis"), shape, strict=True)}}


def _average_loudness(use, sound):
    """Mean loudness of 2 s in parts of the largest, in dB, from -5 to -2 dB squeezed into 0.02 to 0.98."""
    levels = np.array([use["loudness"](frame) for frame in _frames(use["long_frames"], sound)], float)
    level_db = 10 * np.log10(np.maximum(levels / max(levels.max(), 1e-4), 1e-4).mean())
    return 0.5 + 0.5 * np.tanh(-1 + 2 * (level_db + 5) / 3)


def _gain(use, sound):
    """Factor that brings a sound 6 dB above the level of ReplayGain 1.0; of silence that of `_MOST_GAIN_DB`.

    ReplayGain of an array is up to 0.03 dB below that of a file, which MusicExtractor takes.
    """
    try:
        decibel = use["gain"](sound)
    except RuntimeError:  # Essentia refuses what has no level
        decibel = _MOST_GAIN_DB
    return np.float32(10 ** ((min(decibel, _MOST_GAIN_DB) + _MORE_DB) / 20))


def descriptors(sound: np.ndarray) -> np.ndarray:
    """Samples (n,) at `SAMPLE_RATE_HZ` -> (84,) values, float64, in the order of `NAMES`."""
    use = _algorithms()
    for name in ("gain", "equal_loudness", "spectral_flux"):  # these remember
        use[name].reset()
    momentary, short_term, integrated, loudness_range = use["ebu128"](np.stack([sound, np.zeros_like(sound)], axis=1))
    values = {"loudness_ebu128.integrated": integrated, "loudness_ebu128.loudness_range": loudness_range}
    for over, series in (("momentary", momentary), ("short_term", short_term)):
        values |= {f"loudness_ebu128.{over}.mean": np.mean(series), f"loudness_ebu128.{over}.stdev": np.std(series)}
    scaled = sound * _gain(use, sound)
    values |= {"average_loudness": _average_loudness(use, scaled), "dynamic_complexity": use["complexity"](scaled)[0]}
    table = [_of_frame(use, *each) for each in _spectra(use, scaled)]
    for row, (_, spectrum) in zip(table, _spectra(use, use["equal_loudness"](scaled)), strict=True):
        row |= _of_equal_frame(use, spectrum)
    frames = np.array([[row[name] for name in _OF_FRAMES] for row in table], float)
    return np.array([*(values[name] for name in _OF_SOUND), *frames.mean(axis=0), *frames.std(axis=0)])
