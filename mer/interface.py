"""The Python interface beside `mer.features`: transferred models that predict, pretrained encoders that embed.

docs/python.md shows it at work. Keras starts only where a model is not an exported file.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mer import MerError, cli, config, corpora
from mer.features import chunks, samples, waveform
from mer.features.samples import Sound
from mer.prediction import predict as prediction
from mer.prediction.predict import Prediction
from mer.weights import catalogue, engines
from mer.weights.model_file import PUBLISHED

BATCH_PATCHES = 64
_WORDS = {"release": ("y", "n"), "ensemble": catalogue.ENSEMBLES, "heard": tuple(corpora.KINDS.values())}


class Model:
    """One transferred model, or several as an ensemble; made by `load_model`.

    Attributes
    ----------
    titles : list of str
        What the members are: "SCAE, Full, English speech -> English music, run 0".
    """

    def __init__(self, members: list[engines.Engine]) -> None:
        self._members = members
        self.titles = [member.title for member in members]

    def __repr__(self) -> str:
        return f"Model({' + '.join(self.titles)})"

    def predict(self, sound: Sound, rate: int | None = None, *, hop_seconds: float | None = None) -> Prediction:
        """Quadrant, arousal and valence over time; parameters, result and errors are those of `mer.predict`."""
        return prediction.predict_file(samples.source(sound, rate), self._members, hop_seconds=hop_seconds)


def load_model(*, speech: str | None = None, music: str | None = None, model: str | None = None,
               release: str | None = None, run: int | None = None, weights: str | Path | None = None,
               ensemble: str | None = None, demo: bool = False,
               settings: Mapping[str, object] | None = None) -> Model:
    """The transferred model that `quad_pred.py` would choose with the same flags; for many songs, load it once.

    Parameters
    ----------
    speech : str or None
        Code of the speech that the encoder was pretrained on: "e", "m" or "x" (both). None: any.
    music : str or None
        Code of the music: "e", "m", "t" or "p". None: any.
    model : str or None
        Architecture, a file name in models/. None: the best there is; where nothing at all is named, the model that
        comes along.
    release : {"y", "n"} or None
        "y": Full, "n": Feat. Ext. None: Full where it is.
    run : int or None
        Number of the run. None: the lowest.
    weights : path or None
        This very file (.weights.h5, .hdf5 or .onnx) instead of a choice.
    ensemble : {"runs", "speech", "music", "models", "all"} or None
        Mean and spread over the models that differ in this.
    demo : bool
        Take what bash demo.sh has trained, which knows synthetic sound only.
    settings : dict or None
        Values that replace those of settings.py, such as {"path_to_models_trans": "/data/models_trans"}.

    Returns
    -------
    Model

    Raises
    ------
    MerError
        No model fits, a file is damaged, or a value is none of those above.
    """
    cfg = config.of_program(settings)
    _check({"speech": speech, "music": music}, {"release": release, "ensemble": ensemble})
    wanted = {"speech": speech, "music": music, "model": model, "release": release, "it": run}
    if weights is not None and (ensemble or demo):
        raise MerError("weights names the model, so ensemble and demo do not go with it: leave them out")
    found = ([catalogue.named(weights, **wanted)] if weights is not None
             else catalogue.choose(cfg, ensemble=ensemble, demo=demo, **wanted))
    return Model([engines.open_engine(each, engine="auto", load_module=_models().load) for each in found])


def predict(sound: Sound, rate: int | None = None, *, hop_seconds: float | None = None,
            settings: Mapping[str, object] | None = None, **which: Any) -> Prediction:
    """Quadrant, arousal and valence of a sound over time.

    Parameters
    ----------
    sound : path, or np.ndarray, shape (n,) or (n, channels)
        A file, or samples: floats with full scale 1, or signed whole numbers.
    rate : int or None
        Samples a second of an array; None for a file.
    hop_seconds : float or None
        From one prediction to the next, rounded to whole frames of 0.032 s. None: 0.992 s, patches without overlap.
    settings : dict or None
        Values that replace those of settings.py.
    **which
        speech, music, model, release, run, weights, ensemble, demo of `load_model`, which chooses as quad_pred.py does.

    Returns
    -------
    mer.prediction.predict.Prediction
        `quadrant`, `mean`, and over time `times_seconds`, `probabilities`, `arousal`, `valence`. Of a silent sound
        `status` is "silent", and there are no rows.

    Raises
    ------
    MerError
        The sound cannot be read or is shorter than one patch (0.96 s), an array has no rate, NaN, no samples or another
        shape, or see `load_model`.
    """
    return load_model(settings=settings, **which).predict(sound, rate, hop_seconds=hop_seconds)


class Encoder:
    """One pretrained encoder; made by `load_encoder`.

    Attributes
    ----------
    weights : pathlib.Path
        The file that it was read from.
    about : dict
        What its run.json says of it; of published weights, what their names say.
    units : int
        Length of a code.
    hop_seconds : float
        From one row of `embed` to the next, where no other is asked for: one patch.
    """

    def __init__(self, network: Any, reads: chunks.Chunks, weights: Path, about: dict[str, Any]) -> None:
        self._network, self._reads, self.weights, self.about = network, reads, weights, about
        self.units = int(np.prod(network.output.shape[1:]))
        self.hop_seconds = reads.actual_seconds

    def __repr__(self) -> str:
        return f"Encoder({str(self.weights)!r}, {self.units} units)"

    def embed(self, sound: Sound, rate: int | None = None, *, hop_seconds: float | None = None) -> np.ndarray:
        """Codes of a sound, one a patch.

        Parameters
        ----------
        sound : path, or np.ndarray, shape (n,) or (n, channels)
            A file, or samples: floats with full scale 1, or signed whole numbers.
        rate : int or None
            Samples a second of an array; None for a file.
        hop_seconds : float or None
            From one patch to the next, rounded to whole frames of 0.032 s. None: `hop_seconds` of the encoder.

        Returns
        -------
        np.ndarray, shape (n_patches, units), float32
            Row i codes the patch that begins at i * hop; a code with axes is flattened in (band, frame, channel)
            order.

        Raises
        ------
        MerError
            The sound cannot be read, is silent or shorter than one patch (0.96 s), or an array has no rate, NaN, no
            samples or another shape.
        """
        reads, given = self._reads, samples.source(sound, rate)
        hop = reads.actual_hop_seconds(hop_seconds)
        wave = waveform.read(given, sample_rate_hz=reads.of.sample_rate_hz, kept_seconds=waveform.KEPT_SECONDS)
        if wave.is_silent:
            raise waveform.AudioError(f"{given} is silent (no sample above {waveform.SILENT_PEAK:g} of full scale), "
                                      "but sound was expected; replace it.")
        reads.refuse_short(given, wave)
        rows = reads.of.stream(wave.blocks(reads.of.full_scale))
        batches = reads.batches(rows, hop_seconds=hop, n=reads.count(wave.n_samples, hop), size=BATCH_PATCHES)
        codes = [self._network.predict_on_batch(batch) for batch in batches]
        return np.concatenate(codes).reshape(-1, self.units)


def load_encoder(speech: str | None, model: str, *, heard: str = "speech", hours: float | None = None, run: int = 0,
                 weights: str | Path | None = None, settings: Mapping[str, object] | None = None) -> Encoder:
    """A pretrained encoder: a run of ours, else that of the published release, as transfers find it.

    Parameters
    ----------
    speech : str or None
        Code of the speech that it was pretrained on: "e", "m" or "x" (both), or of the corpus of what it heard instead.
        None: others published it.
    model : str
        Architecture, a file name in models/: "model_over", "model_scae", "model_masked", "model_cpc"; of others:
        "model_musicnn", "model_ge2e".
    heard : {"speech", "music", "noise"}
    hours : float or None
        The encoder that heard so many hours; None: all.
    run : int
        Number of the run.
    weights : path or None
        This very file (.weights.h5 or .hdf5) instead of the one in the folders of the settings.
    settings : dict or None
        Values that replace those of settings.py, such as {"path_to_models": "/data/models"}.

    Returns
    -------
    Encoder

    Raises
    ------
    MerError
        There is no such corpus, architecture or encoder, the file is damaged or was made with other features, or Keras
        is not installed.
    """
    cfg = config.of_program(settings)
    _check({}, {"heard": heard})
    _check({heard: speech}, {})
    cli.start_keras()
    import keras

    from mer.training import pretexts

    module = _models().load(model, pretexts=(*pretexts.names(), PUBLISHED))
    if (module.PRETEXT == PUBLISHED) != (speech is None):
        raise MerError(f"speech={speech!r} came with {model}: name the code of the speech that it was pretrained on, "
                       "or speech=None for an encoder that others published")
    reads = chunks.of_encoder(module, cfg.values)
    found = catalogue.encoder(cfg, speech=speech, model=model, settings=reads.settings, it=run, hours=hours,
                              path=weights, kind=heard)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        pretrained = module.build(reads.shape)
    finally:
        keras.config.set_dtype_policy(policy)
    found.load(pretrained)
    return Encoder(module.encoder(pretrained), reads, found.path, found.metadata)


def _check(codes: Mapping[str, str | None], words: Mapping[str, str | None]) -> None:
    """Refuse codes that no corpus has, and words that mean nothing."""
    for kind, code in codes.items():
        if code is not None:
            corpora.language(kind, code)
    for name, word in words.items():
        if word is not None and word not in _WORDS[name]:
            raise MerError(f"{name}={word!r} came, but one of {', '.join(_WORDS[name])} was expected")


def _models() -> ModuleType:
    return importlib.import_module("mer.shipped.models")
