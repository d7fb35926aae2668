"""Count the files and functions of this project that a command enters, and the lines of those files.

    python3 tools/entered.py quad_pred.py -i song.mp3 -o results
    python3 tools/entered.py --list generate_dataset.py -d m -l e --set extract_jobs=1     and name every function

A function counts once, however often it runs; modules, classes, lambdas and comprehensions do not count. Only this
process is watched, so extraction needs extract_jobs=1.
"""

import argparse
import inspect
import runpy
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="name the functions of each file")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="a script of this project and its arguments")
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    sys.argv = args.command
    codes = set()

    def watch(frame, event, _):
        if event == "call":
            codes.add(frame.f_code)

    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        runpy.run_path(str(ROOT / args.command[0]), run_name="__main__")
    finally:
        sys.setprofile(None)
        report(codes, each=args.list)


def report(codes, *, each):
    """Print the counts; with `each`, the functions by file before them."""
    functions = {}
    for code in codes:
        path = Path(code.co_filename)
        named = code.co_flags & inspect.CO_OPTIMIZED and not code.co_name.startswith("<")
        ours = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ("mer", "models", sys.argv[0])
        if named and ours:
            functions.setdefault(path.relative_to(ROOT), set()).add((code.co_firstlineno, code.co_qualname))
    total = 0
    for path, names in sorted(functions.items()):
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        print(f"{len(names):4} functions, {lines:4} lines  {path}")
        if each:
            print(*(f"                             {name}" for _, name in sorted(names)), sep="\n")
        total += lines
    print(f"{len(functions)} files with {total} lines, {sum(map(len, functions.values()))} functions entered")


if __name__ == "__main__":
    main()
