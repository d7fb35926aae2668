"""Speech from espeak-ng, called in this process through ctypes; no espeak program is needed.

The library comes with the wheel `espeakng-loader`. It keeps state between calls (wave phase, noise generator,
echo buffer) that no call of its interface resets, so the same sentence spoken twice differs. Here it is loaded
afresh for every utterance (about 4 ms), which makes the samples depend on the arguments only.
"""

import _ctypes
import ctypes
import itertools
from typing import NamedTuple

import numpy as np

from mer import MerError

SAMPLE_RATE = 22050  # Hz, fixed by espeak-ng's own voices

# Values of espeak-ng's public header speak_lib.h, version 1.52.
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8, _BY_CHARACTER = 2, 1, 1, 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_EVENT_END, _EVENT_PHONEME = 0, 7
_REINSTALL = "reinstall it with `pip install --force-reinstall -r requirements-demo.txt`."


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
                ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
                ("user_data", ctypes.c_void_p), ("id", _EventId)]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Utterance(NamedTuple):
    """What the synthesiser said."""

    samples: np.ndarray  # (n,), float32 in [-1, 1], mono at SAMPLE_RATE
    phonemes: list       # (first sample, espeak-ng mnemonic); `_:` and `_` are pauses, `(en)` a switch of language


def say(text, *, voice, rate=160, pitch=50, pitch_range=50, constant_f0=0, seed=1):
    """Speak a text; a MerError where espeak-ng does not know the voice, refuses the text or stays silent.

    Parameters
    ----------
    voice : str
        espeak-ng language with an optional variant, such as `en-us+f2` or `cmn`.
    rate, pitch, pitch_range : int
        Words per minute, 80 to 450; 0 to 100, where 50 is the voice's own.
    constant_f0, seed : int
        Fundamental in Hz for a monotone, 0 leaves the intonation; seed of the breath and roughness noise.
    """
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        started = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _PHONEME_EVENTS)
        if started != SAMPLE_RATE:
            raise MerError(f"espeak-ng answered {started} instead of its sample rate {SAMPLE_RATE} when it was "
                           f"started; {_REINSTALL}")
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise MerError(f"espeak-ng has no voice {voice!r}; install the version named in requirements-demo.txt.")
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, int(value), 0)
        library.espeak_ng_SetConstF0(int(constant_f0))
        library.espeak_ng_SetRandSeed(ctypes.c_long(seed))
        return _synthesise(library, text, voice)
    finally:
        library.espeak_Terminate()
        # A private door of the standard library: ctypes offers no public way to unload.
        getattr(_ctypes, "dlclose", getattr(_ctypes, "FreeLibrary", None))(library._handle)


def _synthesise(library, text, voice):
    """Speak with the voice that is set; return an Utterance."""
    chunks, phonemes = [], []

    def record(samples, n_samples, events):
        if samples and n_samples > 0:
            chunks.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
        listed = map(events.__getitem__, itertools.count())
        for event in itertools.takewhile(lambda event: event.type != _EVENT_END, listed):
            if event.type == _EVENT_PHONEME:
                phonemes.append((event.sample, event.id.string.decode("utf-8", "replace")))
        return 0

    callback = _Callback(record)  # keep a reference while the library may call it
    library.espeak_SetSynthCallback(callback)
    encoded = text.encode()
    status = library.espeak_Synth(encoded, len(encoded) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
    if status != 0 or not chunks:
        raise MerError(f"espeak-ng (voice {voice!r}) gave status {status} and no sound for {text!r}; {_REINSTALL}")
    return Utterance(np.concatenate(chunks).astype(np.float32) / 32768, phonemes)
