"""`mer.features(sound)`: a file or an array -> the rows of a representation, as training and prediction see them."""

import warnings
from collections.abc import Mapping

import numpy as np

from mer import config
from mer.features import representations, samples, waveform


def features(sound: samples.Sound, rate: int | None = None, *, representation: str = representations.DEFAULT,
             settings: Mapping[str, object] | None = None) -> np.ndarray:
    """Rows of a sound: its log-mel frames, or those of another representation.

    Channels are averaged, the result is resampled to 16 kHz and divided by its largest magnitude; each frame is 1024
    samples under a Hann window, 512 samples (32 ms) after the one before (ICASSP 2021, section 3.1).

    Parameters
    ----------
    sound : path, or np.ndarray, shape (n,) or (n, channels)
        A file, or samples: floats with full scale 1, or signed whole numbers.
    rate : int or None
        Samples a second of an array; None for a file.
    representation : str
        A file name in mer/features/representations/; the shape and range below are those of log_mel.
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
    of = representations.get(representation, cfg.values, quick_start=True)
    return of.rows(waveform.load(given, sample_rate_hz=of.sample_rate_hz, full_scale=of.full_scale,
                                 on_remark=lambda remark: warnings.warn(f"{given} {remark}", stacklevel=3)))
