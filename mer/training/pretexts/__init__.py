"""One pretext task a file: what an encoder learns from unlabelled sound before it meets emotion.

The file NAME.py serves the architectures whose PRETEXT is "NAME". Its class `Task(cfg, module)` has `settings` (names
of the settings that it depends on), `compile_with` (keywords of `compile`), `batches(patches, seed=, shuffle=)` and
`scores(model, batches, ...)`. With `patch_axes` it says which numbers of axes its patches may have, where not every one
will do.
"""

import importlib
from pathlib import Path


def names():
    """Pretext tasks on offer: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def task(name, cfg, module):
    """The pretext task `name` for an architecture, a `Task` of the file of that name.

    Parameters
    ----------
    name : str
        The PRETEXT of `module`.
    cfg : Config
    module : module
        Of `models/`.
    """
    return importlib.import_module(f"mer.training.pretexts.{name}").Task(cfg, module)
