"""An engine without a network: its probabilities follow from the loudness of each patch."""

import numpy as np

from mer.weights.engines import Engine

SETTINGS = {"sample_rate_hz": 16000, "n_fft": 2048, "window_samples": 1024, "hop_samples": 512, "n_mel_bands": 128,
            "patch_frames": 31}


def engine(*, shift=0.0, corpus="real", settings=SETTINGS, seen=None, title=None):
    """Arousal grows with the level, valence with the share of low bands; `seen` collects the patches."""
    def predict(patches):
        if seen is not None:
            seen.append(patches)
        level = patches.mean(axis=(1, 2, 3)) / 4 + 1 + shift
        low = patches[:, :64].mean(axis=(1, 2, 3)) - patches[:, 64:].mean(axis=(1, 2, 3)) + shift
        high, positive = (1 / (1 + np.exp(-value)) for value in (level, low))
        return {"quadrants": np.stack([high * positive, high * (1 - positive), (1 - high) * (1 - positive),
                                       (1 - high) * positive], axis=1).astype(np.float32),
                "arousal": np.stack([1 - high, high], axis=1).astype(np.float32),
                "valence": np.stack([1 - positive, positive], axis=1).astype(np.float32)}

    about = {"model": "model_over", "title": "Fake", "corpus": corpus, "settings": settings, "speech": "e",
             "music": "e"}
    return Engine("onnx", title or f"Fake, shift {shift:g}", about, predict)
