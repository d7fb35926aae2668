"""Stage 1: audio -> store of features and split file, in features/.

    python3 generate_dataset.py --dataset s --language e     English speech (LibriSpeech)
    python3 generate_dataset.py -d m -l m                    music with Mandarin lyrics (CH-818)
    python3 generate_dataset.py -d s -l x --hours 3          a mixture: an hour and a half of each language
    python3 generate_dataset.py -d n -l e                    noise with the spectra of the English speech, a control
    python3 generate_dataset.py -d m -l e --folds 5          also the folds of a cross-validation
    python3 generate_dataset.py -d m -l e --features waveform    for encoders that read the waveform

Run it again after an interruption: it goes on with the next clip.
"""

import contextlib

from mer import cli, corpora


def parse(argv):
    languages = {code: title for kind in ("speech", "music") for code, title in corpora.codes(kind).items()}
    parser = cli.parser(__doc__, dataset=tuple(corpora.KINDS), language=tuple(languages))
    parser.add_argument("-pl", "--path-labels", metavar="CSV", help="your own annotations (default: the corpus' own)")
    parser.add_argument("--encoding", metavar="NAME", help="of the annotations (utf-8, cp1254, gb18030, ...) where it "
                        "is found wrongly")
    parser.add_argument("-ps", "--path-sounds", metavar="FOLDER", help="folder of the corpus (default: settings.py)")
    parser.add_argument("--split", metavar="CSV|draw|published", help="your own split (clip,split with train, val, "
                        "test); draw: a new one; published: clip by clip as the published program, for comparison only")
    parser.add_argument("--folds", type=cli.whole_number, metavar="K", help="also cut music into K folds, groups whole")
    parser.add_argument("--features", metavar="NAME", help="representation: a file name in "
                        "mer/features/representations/, as INPUT of an encoder says it (default: log_mel)")
    cli.add_hours(parser, "take so many hours of the speech, evenly over speakers")
    parser.add_argument("--balance", action="store_true", help="undersample every class of music to the smallest")
    parser.add_argument("--import-published", metavar="FOLDER",
                        help="read the published train_dataset.h5py, ... instead of audio")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="extract on the workers of this Dask scheduler")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if any file was left out")
    parser.add_argument("--force", action="store_true", help="extract everything and draw the split again")
    args = parser.parse_args(argv)
    of_audio = {"--path-sounds": args.path_sounds, "--hours": args.hours, "--balance": args.balance,
                "--encoding": args.encoding, "--features": args.features, "--scheduler": args.scheduler}
    unused = [flag for flag, value in of_audio.items() if value]
    if args.import_published and unused:
        parser.error(f"--import-published takes features instead of audio, all of them: leave {unused[0]} out")
    return args


def _workers(args, cfg):
    """Where the clips are extracted: within it on a cluster, otherwise on this machine."""
    if not args.scheduler:
        return contextlib.nullcontext()
    from mer.experiments import cluster
    return cluster.extraction(args.scheduler, cfg, corpora.KINDS[args.dataset], args.language, args.path_sounds)


def main(argv=None):
    args = parse(argv)
    cfg = cli.configure(args.set)
    from mer.data import generate  # heavy imports start here: -h and typos answer at once
    options = {"labels": args.path_labels, "split": args.split, "folds": args.folds}
    if args.features:
        options["features"] = args.features
    if args.import_published:
        made = generate.import_published(corpora.KINDS[args.dataset], args.language, cfg, args.import_published,
                                         **options)
    else:
        with _workers(args, cfg):
            made = generate.run(corpora.KINDS[args.dataset], args.language, cfg, sounds=args.path_sounds,
                                hours=args.hours, balance=args.balance, force=args.force, encoding=args.encoding,
                                **options)
    print(f"{made.path.name}: {made.n_clips} clips, {made.hours:.2f} h, {made.n_extracted} extracted now; "
          + ", ".join(f"{name} {n}" for name, n in made.counts.items()) + f"; {made.note}")
    return cli.report_skipped(made.skipped, strict=args.strict)


if __name__ == "__main__":
    cli.run(main)
