"""Settings: `settings.py` < environment (MER_NAME) < --set name=value, as one read-only Config."""

import functools
import importlib
import os
import traceback
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

from mer import MerError, limits, shipped

ENV_PREFIX = "MER_"
DEMO_FOLDER = "demo"  # data and results of the demo corpus never mix with those of real corpora


class Config:
    """All settings of one run, read-only, as attributes: `cfg.hop_samples`.

    Parameters
    ----------
    values : dict
        Setting name to value.
    sources : dict
        Setting name to "settings.py", "environment" or "--set".
    root : pathlib.Path
        Repository folder; relative paths are anchored there.
    """

    def __init__(self, *, values, sources, root):
        self.__dict__.update(values=types.MappingProxyType(values), sources=types.MappingProxyType(sources),
                             root=Path(root))

    def __getattr__(self, name):
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(f"no setting {name!r}") from None

    def __setattr__(self, name, value):
        raise AttributeError("a Config is read-only; use --set or settings.py")

    def __reduce__(self):
        return functools.partial(Config, values=dict(self.values), sources=dict(self.sources), root=self.root), ()

    @property
    def is_demo(self) -> bool:
        """True where the demo corpus is in use: its results go to demo/, never beside real ones."""
        demo = self.root / DEMO_FOLDER / "data"
        if self.path_to_data:
            return self.resolve(self.path_to_data).resolve() == demo.resolve()
        return demo.is_dir() and not any(self.values[name] for name in self.corpus_paths)

    @property
    def corpus_paths(self) -> list[str]:
        """Names of the settings that hold the path of one corpus."""
        return [name for name in self.values if name.startswith(("path_speech_", "path_music_"))]

    @property
    def data_dir(self) -> Path | None:
        """Folder that holds the corpora, or None where only single corpora are named.

        Raises
        ------
        MerError
            Where nothing says where the data is.
        """
        if self.path_to_data:
            return self.resolve(self.path_to_data)
        if self.is_demo:
            return self.root / DEMO_FOLDER / "data"
        if any(self.values[name] for name in self.corpus_paths):
            return None
        raise MerError("path_to_data in settings.py is empty and there is no demo corpus: set it to the folder that "
                       "holds your corpora, or run 'bash demo.sh' (or 'python3 make_demo_corpus.py') first")

    @property
    def features_dir(self) -> Path:
        """Folder of the stores."""
        return self._result_dir(self.path_to_features)

    @property
    def models_dir(self) -> Path:
        return self._result_dir(self.path_to_models)

    @property
    def models_trans_dir(self) -> Path:
        return self._result_dir(self.path_to_models_trans)

    @property
    def results_dir(self) -> Path:
        return self._result_dir(self.path_to_results)

    def resolve(self, path: str | os.PathLike[str]) -> Path:
        """Absolute path of a setting: `~` is expanded, a relative one starts at the repository."""
        return self.root / Path(path).expanduser()

    def _result_dir(self, path):
        relative = not Path(path).expanduser().is_absolute()
        folder = self.root / DEMO_FOLDER / path if self.is_demo and relative else self.resolve(path)
        if folder.exists() and not folder.is_dir():
            raise MerError(f"{folder} is a file, and results go to a folder: name another one in settings.py")
        return folder

    def overridden(self) -> list[str]:
        """Lines 'name = value (source)' for every value that does not come from settings.py."""
        return [f"{name} = {self.values[name]!r} ({source})"
                for name, source in self.sources.items() if source != "settings.py"]


def read(module: str, overrides: Sequence[str] = (), *, root: Path | None = None) -> Config:
    """The settings of a module, then of the environment, then those typed in.

    Parameters
    ----------
    module : str
        Name under which Python finds settings.py.
    overrides : sequence of str
        "name=value", as of --set.
    root : pathlib.Path or None
        Folder that relative paths start from; None: that of settings.py.

    Raises
    ------
    MerError
        settings.py is missing or is no Python (its line is named), or see `load`.
    """
    try:
        settings = importlib.import_module(module)  # here, not above: it is the user's, and may be wrong
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise MerError(f"settings.py is no Python that can be read{line} ({error.msg}): mend that line") from None
    except ModuleNotFoundError as error:
        if error.name == module:
            raise MerError("settings.py is not there: get the one that came with the program ('git checkout "
                           "settings.py')") from None
        raise MerError(f"settings.py imports {error.name}, which is not installed: remove that line") from None
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if Path(frame.filename).name == "settings.py"]
        where = f", line {lines[-1]}" if lines else ""
        raise MerError(f"settings.py stops with an error{where} ({type(error).__name__}: {error}): mend that line"
                       ) from None
    return load(settings, os.environ, overrides, root=root)


def of_program(settings: Mapping[str, object] | None = None) -> Config:
    """The settings as the Python interface reads them: of this program, then the environment, then `settings`.

    Relative paths start from the repository; where the program was installed from a wheel, from the working folder.
    """
    changed = settings or {}
    for name, value in changed.items():
        if not isinstance(value, (str, int, float, os.PathLike)):
            raise MerError(f"setting {name} = {limits.shown(value)} came, but a text, a number, True or False was "
                           "expected")
    overrides = [f"{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}"
                 for name, value in changed.items()]
    return read("mer.shipped.settings", overrides, root=Path.cwd() if shipped.IS_INSTALLED else None)


def load(settings: types.ModuleType, environ: Mapping[str, str], overrides: Sequence[str] = (), *,
         root: Path | None = None) -> Config:
    """Build the Config.

    Parameters
    ----------
    settings : module
        The user's settings.py: every public name is a setting; its type is kept.
    environ : mapping
        Environment; names that start with MER_ are settings in upper case.
    overrides : sequence of str
        "name=value" from the command line, applied last, left to right.
    root : pathlib.Path or None
        Folder that relative paths start from; None: that of settings.py.

    Raises
    ------
    MerError
        A name that is missing or unknown (with the nearest right one), a wrong type, a value outside its limits, or
        values that do not go together.
    """
    # names of the user's own, and what settings.py imports or defines, are no settings
    values = {name: value for name, value in vars(settings).items() if not name.startswith("_")
              and not isinstance(value, (types.ModuleType, types.FunctionType, type))}
    for name in values:
        if name not in limits.OF:
            raise MerError(limits.unknown(name, "settings.py"))
    missing = [f"{name} ({limits.expected(name)})" for name in limits.OF if name not in values]
    if missing:
        raise MerError(f"settings.py lacks {', '.join(missing)}: add a line for each, as in the settings.py that came "
                       "with the program")
    values = {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in values.items()}
    sources = dict.fromkeys(values, "settings.py")
    named = [(key[len(ENV_PREFIX):].lower(), text, "environment")
             for key, text in environ.items() if key.startswith(ENV_PREFIX)]
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise MerError(f"--set {limits.shown(text)} has no '=': write --set name=value, for example --set seed=2")
        named.append((name.strip(), value.strip(), "--set"))
    for name, text, source in named:
        if name not in limits.OF:
            raise MerError(limits.unknown(name, source))
        values[name] = limits.parse(name, text)
        sources[name] = source
    values = {name: limits.check(name, value) for name, value in values.items()}
    limits.check_together(values)
    return Config(values=values, sources=sources, root=root or Path(str(settings.__file__)).resolve().parent)
