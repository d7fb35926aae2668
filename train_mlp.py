"""Stages 3 and 4 without a network: features of parts of clips -> scikit-learn classifiers, then report.

    python3 train_mlp.py -m e --features is13                 seven classifiers compared inside the training clips
    python3 train_mlp.py -m e --features is13 --clf mlp       the published one: SincNet-MER's MLP
    python3 train_mlp.py -m e --features compare --clf svm    what the field would use today
    python3 train_mlp.py -m x --features essentia --clf mlp   trained on all music corpora that have a store

Features: is13, compare, essentia, combined; `generate_dataset.py -d m -l e --features is13` makes them.
"""

import functools

from mer import classifiers, cli, corpora
from mer.training import commands


def parse(argv):
    """Read the flags."""
    parser = cli.parser(__doc__, music=corpora.codes("music"))
    parser.add_argument("--features", required=True, metavar="NAME", help="is13, compare, essentia, combined, or "
                        "another representation whose values have names")
    parser.add_argument("--clf", choices=(*classifiers.CLASSIFIERS, classifiers.BEST), default=classifiers.BEST,
                        help="the classifier; default: the best of the seven of the thesis, by cross-validation inside "
                        "the training clips")
    commands.add_run_flags(parser, folds=True)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse(argv)
    cfg = cli.configure(args.set)
    from mer.training import classify, crossval  # numpy and scikit-learn start here
    train = functools.partial(crossval.run, classify.run, n_folds=args.folds) if args.folds else classify.run
    for it in range(args.runs):
        train(cfg, music=args.music, clf=args.clf, features=args.features, it=it, force=args.force)


if __name__ == "__main__":
    cli.run(main)
