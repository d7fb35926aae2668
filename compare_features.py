"""Which features tell emotions apart in each music corpus, and do the corpora agree?

    python3 compare_features.py --features is13            all music corpora that have a store of these features
    python3 compare_features.py --features is13 -m e,t     these two

Writes the best features, the overlap of the best ten and fifty, and the rank correlation of all, with p values from
shuffled labels: results/features.is13.eng_tur.txt and .csv. Only clips for training are read.
"""

from mer import cli


def main(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument("--features", required=True, metavar="NAME", help="is13, compare, essentia, combined, or "
                        "another representation whose values have names")
    parser.add_argument("-m", "--music", metavar="CODE,CODE", help="music corpora (default: all that have a store)")
    parser.add_argument("--shuffles", type=cli.whole_number, default=999, metavar="N",
                        help="of labels, behind each p value (default 999)")
    args = parser.parse_args(argv)
    cfg = cli.configure(args.set)
    from mer.training import feature_agreement  # numpy and scikit-learn start here
    codes = [code.strip() for code in args.music.split(",")] if args.music else []
    paths = feature_agreement.run(cfg, features=args.features, codes=codes, n_shuffles=args.shuffles)
    print(paths[1].read_text(encoding="utf-8"))
    print("\n".join(map(str, paths)))


if __name__ == "__main__":
    cli.run(main)
