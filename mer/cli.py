"""The flags that the scripts share, and how they end: one sentence for a known error, never a traceback."""

import argparse
import errno
import logging
import os
import sys
import tempfile

from mer import MerError

_FLAGS = {
    "dataset": ("-d", "--dataset", "m: music, s: speech"),
    "language": ("-l", "--language", "language of the corpus"),
    "speech": ("-s", "--speech", "language of the speech that the encoder is pretrained on"),
    "music": ("-m", "--music", "language of the music"),
    "model": ("-mod", "--model", "architecture: a file name in models/"),
    "release": ("-rel", "--release", "y: train the heads, then everything (Full); n: the heads only (Feat. Ext.)"),
}


def parser(doc, **wanted):
    """An argparse parser with the shared flags.

    Parameters
    ----------
    doc : str
        The script's docstring, shown by -h.
    **wanted : dict or sequence of str
        Flag name (dataset, language, speech, music, model, release) to its legal values, with a
        description each where a dict is given.
    """
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter,
                                   allow_abbrev=False)
    for name, choices in wanted.items():
        short, long, text = _FLAGS[name]
        if isinstance(choices, dict):
            text += " (" + ", ".join(f"{key}: {value}" for key, value in choices.items()) + ")"
        made.add_argument(short, long, required=True, choices=tuple(choices), help=text)
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                      help="override one value of settings.py for this run; may be repeated")
    return made


def add_training_flags(made):
    """Add --runs, --first-run and --force, which every training script has."""
    made.add_argument("--runs", type=whole_number, default=1, metavar="N",
                      help="repeat with N seeds; the files are named it_0, it_1, ... (default 1)")
    made.add_argument("--force", action="store_true", help="train again even where a finished run is there")
    return made


def add_hours(made, text):
    """Add --hours: with 3 or 30, experiments 1 and 2 of ICASSP 2021."""
    made.add_argument("--hours", type=_hours, metavar="H", help=f"{text} (default: all)")


def _hours(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours above 0")
    return value


def whole_number(text):
    """A count that argparse refuses unless it is 1 or more."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def announce(cfg):
    """Print which values differ from settings.py, and whether the demo corpus is in use."""
    for line in cfg.overridden():
        print(f"  setting {line}")
    if cfg.is_demo:
        print("Demo corpus in use: results go to demo/ and say nothing about people.")


class NoKeras(MerError):
    """Keras, or the backend that KERAS_BACKEND names, is not installed."""


def start_keras():
    """Import Keras and let it find its devices, before the modules that use it are imported.

    TensorFlow writes notes on CUDA and oneDNN past every log level while it does so; they are held back, and
    shown where the start fails.

    Raises
    ------
    NoKeras
        Keras or its backend is not there.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every fifth model that is opened
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            import keras
            keras.ops.zeros(1)
        except (ImportError, ValueError) as error:  # ValueError: a backend that Keras does not know
            reason = str(error).splitlines()[0]
            raise NoKeras(f"Keras cannot start ({reason}): run 'pip install -r requirements.txt', or set "
                          "KERAS_BACKEND to a backend that is installed") from None
        except Exception:
            held.seek(0)
            os.write(screen, held.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def run(main):
    """Call `main()` and turn what a user can mend into one sentence on stderr and an exit status.

    0 done, 1 a known error, 2 a wrong flag (argparse), 130 interrupted.
    """
    try:
        sys.exit(main())
    except MerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(f"\ninterrupted; {again()} goes on from here", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        print(f"error: {_os_sentence(error)}", file=sys.stderr)
        sys.exit(1)


def again():
    """The command that goes on where this one ends: with --force it would start anew."""
    return "the same command without --force" if "--force" in sys.argv else "the same command"


def _os_sentence(error):
    where = f" while writing or reading {error.filename}" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space, and {again()} goes on from there"
    return f"{error.strerror or error}{where}"


def report_skipped(skipped, *, strict):
    """List the files that were left out, with the reason, on stderr.

    Parameters
    ----------
    skipped : list of (str, str)
        Name and reason.
    strict : bool
        Whether a file left out is a failure.

    Returns
    -------
    int
        Exit status: 1 under `strict` where anything was left out, otherwise 0.
    """
    for name, reason in skipped:
        print(f"  left out: {name}: {reason}", file=sys.stderr)
    if skipped:
        print(f"warning: {len(skipped)} file(s) left out; the list is also in the store", file=sys.stderr)
    return 1 if strict and skipped else 0
