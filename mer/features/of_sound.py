"""`mer.features(sound)`: a file or an array -> its log-mel frames, as training and prediction see them."""

import warnings
from collections.abc import Mapping

import numpy as np

from mer import config
from mer.features import audio, samples


def features(sound: samples.Sound, rate: int | None = None, *,
             settings: Mapping[str, object] | None = None) -> np.ndarray:
    """Log-mel frames of a sound.

    Channels are averaged, the result is resampled to 16 kHz and divided by its largest magnitude; each frame is 1024
    samples under a Hann window, 512 samples (32 ms) after the one before (ICASSP 2021, section 3.1).

    Parameters
    ----------
    sound : path, or np.ndarray, shape (n,) or (n, channels)
        A file, or samples: floats with full scale 1, or signed whole numbers.
    rate : int or None
        Samples a second of an array; None for a file.
    settings : dict or None
        Values that replace those of settings.py, such as {"n_mel_bands": 64}.

    Returns
    -------
    np.ndarray, shape (1 + n // 512, 128), float32
        Natural logarithm of mel magnitude plus 1.19e-7, so from -15.9 to about 4; row i is centered on i * 0.032 s. n
        is the number of samples at 16 kHz.

    Raises
    ------
    MerError
        The sound cannot be read, is silent or shorter than 1025 samples at 16 kHz (0.064 s); an array has no rate, NaN,
        no samples or another shape; a setting is wrong.
    """
    cfg = config.of_program(settings)
    given = samples.source(sound, rate)
    waveform = audio.load(given, sample_rate_hz=cfg.sample_rate_hz,
                          on_remark=lambda remark: warnings.warn(f"{given} {remark}", stacklevel=3))
    transform = audio.LogMel(sample_rate_hz=cfg.sample_rate_hz, n_fft=cfg.n_fft, window_samples=cfg.window_samples,
                             hop_samples=cfg.hop_samples, n_bands=cfg.n_mel_bands, quick_start=True)
    return transform(waveform)
