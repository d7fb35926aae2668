"""Which corpora are there, are they whole, and where the others are to be had.

    python3 corpora.py                            list them: folder, clips, hours, classes, groups, licence
    python3 corpora.py --check                    decode every file; name what is missing, damaged, doubled, mislabelled
    python3 corpora.py --check -d s -l e          one of them
    python3 corpora.py --download dev-clean       fetch what may be fetched; for the rest, say whom to ask

An interrupted check or download goes on with the same command.
"""

import json

from mer import cli, corpora

KINDS = {"m": "music", "s": "speech"}


def parse(argv):
    """Read the flags."""
    languages = sorted({code for kind in KINDS.values() for code in corpora.codes(kind)})
    parser = cli.parser(__doc__)
    parser.add_argument("-d", "--dataset", choices=tuple(KINDS), help="only music (m) or speech (s)")
    parser.add_argument("-l", "--language", choices=languages, help="only this language, as in the other scripts")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="verify counts and decode every file; exit status 1 if "
                        "anything is wrong")
    action.add_argument("--download", metavar="NAME[,NAME]", help="archives to fetch, such as train-clean-100 or "
                        "data_aishell, into path_to_data")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--out", metavar="CSV", help="with --check: write every finding (corpus, kind, file, detail)")
    parser.add_argument("--jobs", type=cli.whole_number, metavar="N", help="with --check: processes "
                        "(default: extract_jobs in settings.py, or all cores)")
    parser.add_argument("--force", action="store_true", help="with --check: read again what is known from before")
    return parser.parse_args(argv)


def main(argv=None):
    """List, check or fetch; returns the exit status."""
    args = parse(argv)
    cfg = cli.configure(args.set, announce=not args.json)
    from mer.inventory import check, download, survey, survey_text
    if args.download:
        return download.order(args.download.split(","), cfg)
    chosen = survey.chosen(KINDS.get(args.dataset), args.language)
    if args.check:
        return check.run(chosen, cfg, jobs=args.jobs, out=args.out, as_json=args.json, force=args.force)
    abouts = []
    for about in survey.describe(chosen, cfg):
        abouts.append(about)
        if not args.json:
            print(survey_text.block(about), end="\n\n", flush=True)
    print(json.dumps(abouts, indent=1, ensure_ascii=False) if args.json else survey_text.table(abouts))
    if not args.json and not any(about["usable"] for about in abouts):
        print(f"\n{survey.nothing_found(cfg)}")
    return 0


if __name__ == "__main__":
    cli.run(main)
