"""Run a script so that it dies with the process that started it, and all that it started with it.

    python3 -m mer.experiments.leash trans_train.py -s e ...

The standard input is the leash: it ends when the process that holds its other end ends, however that ends.
"""

import os
import runpy
import signal
import sys
import threading


def _watch():
    while os.read(0, 1):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main():
    """Run the script that the command line names, in this process."""
    threading.Thread(target=_watch, daemon=True).start()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
