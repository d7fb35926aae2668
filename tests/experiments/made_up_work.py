"""A command that costs nothing, and a plan of such commands: for tests of what runs them.

    made_up_work.py FOLDER NAME [--seconds S] [--fail] [--needs NAME]
"""

import argparse
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()


def command(folder, name, *more):
    """Words of a command that writes the file NAME in FOLDER."""
    return (str(HERE), str(folder), name, *more)


def fake_state(cfg, needs, cells=None):
    """State of a plan of made-up commands; it is made where its file is there."""
    from mer.experiments.plan import Cell, Plan
    from mer.experiments.state import State

    class Fake(State):
        def is_made(self, command):
            return Path(command[1], "models", command[2]).exists()

        def is_finished(self, cell):
            return self.is_made(cell.commands[-1])

    def before(command):
        for need in needs[command]:
            yield from before(need)
        yield command

    ends = cells or [each for each in needs if not any(each in others for others in needs.values())]
    made = [Cell(end[2], tuple(dict.fromkeys(before(end))), {}) for end in ends]
    return Fake(Plan("made_up", "Made up", "Does it run?", tuple(made), needs=needs,
                     makes={command: [] for command in needs}), cfg)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--fail", action="store_true")
    args = parser.parse_args()
    folder = Path(os.environ.get("MER_PATH_TO_MODELS", args.folder / "models"))
    folder.mkdir(parents=True, exist_ok=True)
    with open(args.folder / "journal.txt", "a", encoding="utf-8") as journal:
        journal.write(f"{args.name} {os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\n")
    time.sleep(args.seconds)
    if args.fail:
        print("error: it was told to fail, and so it does", file=sys.stderr)
        sys.exit(1)
    (folder / args.name).write_text("made\n", encoding="utf-8")


if __name__ == "__main__":
    main()
