"""How far people agree on the emotions of music, and whether raters of one language agree more (docs/agreement.md).

    python3 agreement.py -i ratings.csv -o OUTDIR

The csv has the columns clip, rater, emotion (or dimension), value and, if known, rater_language: one row per rating.
Or it has clip, rater and one column per emotion. Writes agreement.txt, .json, .csv and .png, and run.json.
Without raters, answers of yes and no (1, 0) with clip and language are compared as far as can be, as of Emotify.
"""
from pathlib import Path

from mer import cli, files

LEVELS = ("ordinal", "interval", "nominal")


def parse(argv):
    flags = cli.parser(__doc__)
    flags.add_argument("-i", "--input", required=True, metavar="CSV", help="the ratings")
    flags.add_argument("-o", "--out", required=True, type=Path, metavar="OUTDIR", help="folder to write to")
    flags.add_argument("--level", nargs="+", choices=LEVELS, default=(), metavar="LEVEL",
                       help=f"only these of {', '.join(LEVELS)} (default: all; words are nominal)")
    flags.add_argument("--only", nargs="+", action="extend", default=[], metavar="EMOTION",
                       help="only these emotions or dimensions; of a wide csv, these columns")
    flags.add_argument("--missing", nargs="+", action="extend", metavar="CODE",
                       help="what else stands for a missing rating, such as 99 or (--missing=-9) -9; none: no number")
    flags.add_argument("--given-care", action="store_true",
                       help="also test what raters of one language share beyond how careful each of them is")
    flags.add_argument("--encoding", help="of the csv (default: found)")
    return flags.parse_args(argv)


def main(argv=None):
    args = parse(argv)
    cfg = cli.configure(args.set, announce=False)
    from mer.agreement import agreement, anonymous, anonymous_report, ratings, report  # scipy: -h answers at once
    from mer.weights import provenance

    facts = {"n_bootstrap": cfg.n_bootstrap, "seed": cfg.seed, "n_permutations": agreement.N_PERMUTATIONS}
    answers = anonymous.read(args.input, only=args.only, encoding=args.encoding)
    if answers:
        facts["n_permutations"] = anonymous.N_PERMUTATIONS
        written = {"warnings": [], **anonymous_report.write(args.out, answers, **facts)}
        return finish(args, cfg, provenance, written, facts, levels=["nominal"])
    given = ratings.read(args.input, only=args.only, words=set(args.level) == {"nominal"}, codes=args.missing,
                         encoding=args.encoding)
    levels = agreement.levels_of(given, args.level)
    results = agreement.evaluate(given, levels=levels, given_care=args.given_care, **facts)
    written = report.write(args.out, given, results, levels=levels, **facts)
    finish(args, cfg, provenance, written, facts, levels=list(levels))
    print(f"  figure  {args.out / 'agreement.png'}")


def finish(args, cfg, provenance, written, facts, *, levels):
    """Write run.json, and print the answer."""
    about = provenance.describe(cfg, settings=facts, name="agreement", source=written["source"], levels=levels)
    del about["corpus"]  # demo or real is said of music and speech
    files.write_json(args.out / "run.json", about)
    for sentence in [*written["answer"], *(f"warning: {sentence}" for sentence in written["warnings"])]:
        print(sentence)
    print(f"  report  {args.out / 'agreement.txt'}")


if __name__ == "__main__":
    cli.run(main)
