"""The flags that the scripts share, and how they end: one sentence for a known error, never a traceback."""

import argparse
import contextlib
import errno
import logging
import os
import re
import sys
import tempfile
from pathlib import Path

from mer import MerError, __version__, config, how_to_install, limits, text

MIXED = "x"  # as -m: the union of all music corpora that have a store
_FLAGS = {
    "dataset": ("-d", "--dataset", "m: music, s: speech, n: noise with the spectra of speech"),
    "language": ("-l", "--language", "language of the corpus"),
    "speech": ("-s", "--speech", "language of what the encoder is pretrained on: speech, unless -d says otherwise"),
    "music": ("-m", "--music", "language of the music; x: all that have a store together; v+r: these two together; "
              "m,t,e: one after the other"),
    "model": ("-mod", "--model", "architecture: a file name in models/; or CLASSIFIER_FEATURES of train_mlp.py"),
    "release": ("-rel", "--release", "y: train the heads, then everything (Full); n: the heads only (Feat. Ext.)"),
}


def parser(doc, *, settings=True, optional=(), **wanted):
    """An argparse parser with the shared flags; it refuses values that are empty or cannot be a path.

    Parameters
    ----------
    doc : str
        The script's docstring, shown by -h.
    settings : bool
        Whether the script reads settings, which --set overrides.
    optional : sequence of str
        Those of `wanted` that may be left out.
    **wanted : dict or sequence of str
        Flag name (dataset, language, speech, music, model, release) to its legal values, with a
        description each where a dict is given.
    """
    made = _Parser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    made.add_argument("--version", action="version", version=f"%(prog)s of mer {__version__}")
    _add_choices(made, wanted, required=True, optional=optional)
    if settings:
        made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                          help="override one value of settings.py for this run; may be repeated")
    return made


class _Parser(argparse.ArgumentParser):
    def parse_args(self, args=None, namespace=None):
        args = super().parse_args(args, namespace)
        for action in self._actions:
            value = getattr(args, action.dest, None)
            for each in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(each, (str, Path)):
                    problem = limits.path_problem(str(each)) if str(each) else "its value is empty"
                    if problem:
                        self.error(f"argument {'/'.join(action.option_strings) or action.metavar}: {problem}")
        return args


def add_hours(parser, words):
    """Add --hours: with 3 or 30, experiments 1 and 2 of ICASSP 2021."""
    parser.add_argument("--hours", type=number(0.001, 100_000, "hours"), metavar="H", help=f"{words} (default: all)")


def add_model_flags(parser, **wanted):
    """Add the flags that say which transferred model, none of them required; parameters as for `parser`."""
    _add_choices(parser, wanted, required=False)
    parser.add_argument("--run", type=number(0, 1_000_000, kind=int), metavar="N",
                        help="number of the run, it_N; default: the lowest")


def _add_choices(parser, wanted, *, required, optional=()):
    for name, choices in wanted.items():
        short, long, words = _FLAGS[name]
        if isinstance(choices, dict):
            words += " (" + ", ".join(f"{key}: {value}" for key, value in choices.items()) + ")"
        legal = {"type": _sequence(tuple(choices)), "metavar": "CODE[,CODE]"} if name == "music" else {
            "choices": tuple(choices)}
        parser.add_argument(short, long, required=required and name not in optional, **legal,
                            help=words if required else f"{words}; default: the best there is")


def _sequence(codes):
    """An argparse type: codes of music corpora, or x, with commas between them."""
    def read(given):
        parts = [part.strip() for part in given.replace("+", ",").split(",")]
        wrong = next((part for part in parts if part not in (*codes, MIXED)), None)
        if wrong is not None:
            raise argparse.ArgumentTypeError(f"invalid choice: {limits.shown(wrong)} (choose from {', '.join(codes)}, "
                                             f"{MIXED}, or several with , or + between them)")
        return "".join(given.split())
    return read


def wanted_model(args):
    """The keywords of `catalogue.choose` in the flags of `add_model_flags`."""
    return {"speech": args.speech, "music": args.music, "model": args.model, "release": args.release, "it": args.run}


def number(lowest: float, highest: float, unit: str = "", *, kind: type = float):
    """An argparse type: a number, or with `kind` int a whole one, from `lowest` to `highest`, in `unit`."""
    def read(given):
        try:
            value = kind(given)
        except ValueError:
            value = None
        if value is None or not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(
                f"{limits.shown(given)} is not a {'whole ' if kind is int else ''}number from {lowest:.12g} to "
                f"{highest:.12g} {unit}".rstrip())
        return value
    return read


whole_number = number(1, 1_000_000, kind=int)  # a count, as an argparse type


def configure(overrides=(), *, announce=True):
    """The settings of this run: settings.py, then the environment, then --set.

    Parameters
    ----------
    overrides : sequence of str
        The values of --set.
    announce : bool
        Print which values differ from settings.py, and whether the demo corpus is in use.

    Returns
    -------
    Config

    Raises
    ------
    MerError
        See `config.read`.
    """
    cfg = config.read("settings", overrides)
    if announce:
        for line in cfg.overridden():
            print(f"  setting {line}")
        if cfg.is_demo:
            print("Demo corpus in use: results go to demo/ and say nothing about people.")
    return cfg


class NoKeras(MerError):
    """Keras, or the backend that KERAS_BACKEND names, is not installed."""


@contextlib.contextmanager
def held_back(*streams):
    """Keep from the screen what libraries write past every log level.

    Parameters
    ----------
    *streams : int
        File descriptors: 1 for stdout, 2 for stderr.

    Yields
    ------
    file object
        Holds what came instead.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    screens = {stream: os.dup(stream) for stream in streams}
    with tempfile.TemporaryFile() as held:
        try:
            for stream in screens:
                os.dup2(held.fileno(), stream)
            yield held
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for stream, screen in screens.items():
                os.dup2(screen, stream)
                os.close(screen)


def start_keras():
    """Import Keras and let it find its devices, before the modules that use it are imported.

    TensorFlow's notes on CUDA and oneDNN are held back, and shown where the start fails.

    Raises
    ------
    NoKeras
        Keras or its backend is not there.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every fifth model that is opened
    notes = b""
    try:
        with held_back(2) as held:
            try:
                import keras
                keras.ops.zeros(1)
            except Exception:
                held.seek(0)
                notes = held.read()
                raise
    except (ImportError, ValueError) as error:  # ValueError: a backend that Keras does not know
        reason = str(error).splitlines()[0]
        raise NoKeras(f"Keras cannot start ({reason}): run 'pip install -r requirements.txt', or set KERAS_BACKEND to "
                      "a backend that is installed") from None
    except Exception:
        os.write(2, notes)
        raise


def run(main):
    """Call `main()` and turn what a user can mend into one sentence on stderr and an exit status.

    0 done, 1 a known error, 2 a wrong flag (argparse), 130 interrupted.
    """
    sys.stdout, sys.stderr = _Screen(sys.stdout), _Screen(sys.stderr)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(f"\ninterrupted; {again()} goes on from here", file=sys.stderr)
        sys.exit(130)
    except (MerError, ImportError, MemoryError, OSError) as error:
        print(f"error: {text.printable(_sentence(error), keep=chr(10))}", file=sys.stderr)
        sys.exit(1)


def _sentence(error):
    """What came and what to do, for an error that a user can mend."""
    if isinstance(error, ImportError):
        return _import_sentence(error)
    if isinstance(error, MemoryError):
        return (f"there is not enough memory ({str(error).rstrip('.') or 'no size is known'}): close other programs, "
                "or take shorter files or a smaller batch")
    if isinstance(error, OSError):
        where = f" while writing or reading {error.filename}" if error.filename else ""
        full = f"the disk is full{where}: free some space, and {again()} goes on from there"
        return full if error.errno == errno.ENOSPC else f"{error.strerror or error}{where}"
    return str(error)


class _Screen:
    """A stream to a terminal on which file names, tags and titles of other people act on nothing.

    Lines of several and a return to the start of a line, which progress bars need, stay. Letters that the terminal
    does not have come as escapes.
    """

    def __init__(self, stream):
        self._stream = stream
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")

    def write(self, written):
        if isinstance(written, str) and not (written.isascii() and written.isprintable()):
            inner = written.strip("\r")
            start, end = (len(written) - len(written.lstrip("\r")), len(written) - len(written.rstrip("\r")))
            shown = text.printable(inner, keep="\n\t")
            written = "\r" * start + shown + "\r" * end if inner else written
        return self._stream.write(written)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __getattr__(self, name):
        return getattr(self._stream, name)


def _import_sentence(error):
    """What to run for a package that is missing or does not start."""
    root = Path(__file__).resolve().parents[1]
    package = (error.name or "").partition(".")[0]
    if not package:
        return f"a package does not start ({error}): {how_to_install()}"
    if (root / package).is_dir() or (root / f"{package}.py").exists():
        return f"{error.name} is missing or damaged in {root}: get the program again ({error})"
    fits = re.compile(rf"^{re.escape(package).replace('_', '[-_]')}\b", re.IGNORECASE | re.MULTILINE)
    lists = [path.name for path in sorted(root.glob("requirements*.txt"), key=lambda path: (len(path.name), path.name))
             if fits.search(path.read_text(encoding="utf-8"))]
    what = f"{package} is not installed for {sys.executable}" if isinstance(error, ModuleNotFoundError) else str(error)
    return f"{what}: {how_to_install(*lists[:1])}"


def again():
    """The command that goes on where this one ends: with --force it would start anew."""
    return "the same command without --force" if "--force" in sys.argv else "the same command"


def report_skipped(skipped, *, strict):
    """List the files that were left out, as (name, reason), on stderr; the exit status: 1 where `strict` says so."""
    for name, reason in skipped:
        print(f"  left out: {text.printable(f'{name}: {reason}')}", file=sys.stderr)
    if skipped:
        print(f"warning: {len(skipped)} file(s) left out; the list is also in the store", file=sys.stderr)
    return 1 if strict and skipped else 0
