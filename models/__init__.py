"""One architecture per file: `-mod NAME` is the file NAME.py in this folder.

A file has INPUT and CHUNK_SECONDS (what it reads: a representation, and how many seconds at a time), PRETEXT
("denoise", "cpc", "contrast" or None: trained on music from scratch), TITLE, `build(patch_shape)` -> keras.Model, and
`encoder(model)` -> the part that turns a patch into its code. It may have emotion heads of its own,
`heads(code, tasks)`, see mer/heads.py.
"""

import difflib
import importlib
from pathlib import Path

from mer import MerError

_WANTED = ("INPUT", "CHUNK_SECONDS", "PRETEXT", "TITLE", "build", "encoder")


def names():
    """Architectures on offer, without importing any of them: importing one starts Keras."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def load(name, *, pretexts=None):
    """Import the architecture `name`.

    Parameters
    ----------
    name : str
        File name in this folder without `.py`.
    pretexts : sequence of (str or None), or None
        Pretext tasks that the calling script can use; None: any.

    Raises
    ------
    MerError
        Where the file does not exist, lacks a part, or belongs to another pretext task.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names())}"
        raise MerError(f"no architecture {name!r} in models/; {hint}")
    module = importlib.import_module(f"{__name__}.{name}")
    missing = [each for each in _WANTED if not hasattr(module, each)]
    if missing:
        raise MerError(f"models/{name}.py lacks {', '.join(missing)}: docs/adding.md says what an encoder has to have")
    if pretexts is not None and module.PRETEXT not in pretexts:
        right = [other for other in names() if importlib.import_module(f"{__name__}.{other}").PRETEXT in pretexts]
        raise MerError(f"{name} is no model for this script; use one of: {', '.join(right)}")
    return module
