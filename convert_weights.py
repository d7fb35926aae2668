"""Weights of the published release (Keras 2, .hdf5) -> weights of ours (Keras 3, .weights.h5, with run.json).

    python3 convert_weights.py models models_trans               everything in the two folders, each beside its original
    python3 convert_weights.py FILE.hdf5 FOLDER -o converted     into another folder, under the names of the release

No script needs this: they read the release as it is. It is for other programs, and for sharing.
"""

import sys

import models
from mer import cli


def main(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a weight file, or a folder that is searched through")
    parser.add_argument("-o", "--out", metavar="FOLDER", help="where the results go (default: beside each file)")
    parser.add_argument("--force", action="store_true", help="convert again what was converted before")
    args = parser.parse_args(argv)
    cfg = cli.configure(args.set, announce=False)
    cli.start_keras()  # only now: -h and typos answer at once
    from mer import MerError, progress
    from mer.weights import convert
    planned, done, failed = convert.plan(args.paths, args.out), [], []
    with progress.bar(total=len(planned), unit="file", disable=len(planned) < 2) as bar:
        for path, run in planned:
            try:
                if convert.convert(cfg, path, run, load_module=models.load, force=args.force):
                    done.append(run.path)
            except MerError as error:
                failed.append(str(error))
            bar.update()
    for path in done:
        print(path)
    skipped = len(planned) - len(done) - len(failed)
    print(f"{len(done)} converted, {skipped} converted before, {len(failed)} cannot be converted")
    for sentence in failed:
        print(f"error: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main)
