"""Progress bars: a live one on a terminal, a few lines in a log file."""

import sys

from tqdm import tqdm

LOG_INTERVAL_SECONDS = 30


def bar(**options):
    """A tqdm bar on stderr.

    Parameters
    ----------
    **options
        Of `tqdm.tqdm`.
    """
    interval = 0.1 if sys.stderr.isatty() else LOG_INTERVAL_SECONDS
    return tqdm(mininterval=interval, dynamic_ncols=True, **options)
