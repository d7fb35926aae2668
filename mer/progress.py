"""Progress bars: a live one on a terminal, a few lines in a log file."""

import sys
from typing import Any

from tqdm import tqdm

LOG_INTERVAL_SECONDS = 30


def bar(**options: Any) -> tqdm:
    """A tqdm bar on stderr.

    Parameters
    ----------
    **options
        Of `tqdm.tqdm`.
    """
    if sys.stderr.isatty():
        return tqdm(dynamic_ncols=True, **options)
    return tqdm(mininterval=LOG_INTERVAL_SECONDS, delay=LOG_INTERVAL_SECONDS, **options)
