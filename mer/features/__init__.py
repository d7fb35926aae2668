"""Stage 1: audio file -> samples -> waveform -> log-mel frames, whole or in blocks.

The package can be called: `mer.features(sound)` is `mer.features.of_sound.features`.
"""

import sys
import types


class _Package(types.ModuleType):
    def __call__(self, *args, **kwargs):
        from mer.features import of_sound  # numpy starts here
        return of_sound.features(*args, **kwargs)


sys.modules[__name__].__class__ = _Package
