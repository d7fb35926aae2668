"""Weights of others -> weights of ours (Keras 3, .weights.h5, with run.json).

    python3 convert_weights.py musicnn                           a published encoder: pip fetches its package
    python3 convert_weights.py musicnn --from FILE.whl           the same from a wheel that is here
    python3 convert_weights.py models models_trans               the release (Keras 2, .hdf5), each beside its original
    python3 convert_weights.py FILE.hdf5 FOLDER -o converted     into another folder, under the names of the release

A published encoder is needed for -mod model_musicnn and the like. The release is read as it is by every script; to
convert it is for other programs, and for sharing.
"""

import sys
from pathlib import Path

import models
from mer import cli


def main(argv=None):
    from mer.weights import published
    parser = cli.parser(__doc__)
    parser.add_argument("paths", nargs="+", metavar="WHAT", help="a published encoder "
                        f"({', '.join(published.names())}), a weight file, or a folder that is searched through")
    parser.add_argument("-o", "--out", metavar="FOLDER", help="where those of the release go (default: beside each)")
    parser.add_argument("--from", dest="wheel", metavar="WHEEL", help="the package of the published encoder")
    parser.add_argument("--force", action="store_true", help="convert again what was converted before")
    args = parser.parse_args(argv)
    names = [each for each in args.paths if each in published.names() and not Path(each).exists()]
    if args.wheel and args.paths != names[:1]:
        parser.error(f"--from goes with one published encoder: {', '.join(published.names())}")
    cfg = cli.configure(args.set, announce=False)
    cli.start_keras()  # only now: -h and typos answer at once
    from mer import MerError, progress
    from mer.weights import convert
    others = [each for each in args.paths if each not in names]
    planned, done, failed = convert.plan(others, args.out), [], []
    work = [lambda name=name: published.convert(cfg, name, load_module=models.load, wheel=args.wheel, force=args.force)
            for name in names]
    work += [lambda path=path, run=run: convert.convert(cfg, path, run, load_module=models.load, force=args.force)
             and run for path, run in planned]
    with progress.bar(total=len(work), unit="file", disable=len(work) < 2) as bar:
        for convert_one in work:
            try:
                run = convert_one()
                if run:
                    done.append(run.path)
            except MerError as error:
                failed.append(str(error))
            bar.update()
    for path in done:
        print(path)
    skipped = len(work) - len(done) - len(failed)
    print(f"{len(done)} converted, {skipped} converted before, {len(failed)} cannot be converted")
    for sentence in failed:
        print(f"error: {sentence}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main)
