"""Shared core of the scripts: audio -> log-mel patches -> pretrained encoder -> emotion heads -> report.

In a notebook: `mer.features`, `mer.predict`, `mer.load_model`, `mer.load_encoder` (docs/python.md). Each imports
what it needs where it is first used.

Every script imports this package first, so it also says what to run where Python is too old or has no packages. Until
then only the standard library is used, in words that old versions of Python understand.
"""

import importlib
import importlib.util
import os
import sys

TYPE_CHECKING = False  # type checkers take it for true; importing typing takes as long as all the rest here
if TYPE_CHECKING:
    from mer.features.of_sound import features
    from mer.interface import load_encoder, load_model, predict

__all__ = ["MerError", "__version__", "features", "load_encoder", "load_model", "predict"]

__version__ = "0.1.0"  # pyproject.toml takes it from here

_OLDEST = (3, 11)


class MerError(Exception):
    """A mistake the user can mend.

    The message is one sentence that says what came, what was expected and what to do;
    `mer.cli.run` prints it without a traceback and exits with status 1.
    """


def how_to_install(requirements: str = "requirements.txt") -> str:
    """What to run for the packages: the environment of this folder where it is there, else how to make one."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    there = os.path.join(root, ".venv")
    if os.path.isdir(there) and os.path.realpath(there) != os.path.realpath(sys.prefix):
        return f"run 'source .venv/bin/activate' in {root} first, then the same command"
    return f"run 'pip install -r {requirements}' in {root}, best in an environment of its own"


def _check_python():
    if sys.version_info < _OLDEST:
        raise SystemExit("error: this is Python {}.{} ({}), and Python {}.{} or newer is needed: {}".format(
            *sys.version_info[:2], sys.executable, *_OLDEST, how_to_install()))
    if importlib.util.find_spec("numpy") is None:
        raise SystemExit(f"error: numpy is not installed for {sys.executable}: {how_to_install()}")


_check_python()


def __getattr__(name):
    if name == "features":  # a package that can be called
        return importlib.import_module("mer.features")
    if name in __all__:
        return getattr(importlib.import_module("mer.interface"), name)
    raise AttributeError(f"module 'mer' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
