"""Gather every trained transfer into one page (index.html) and one table (results.csv, as ICASSP 2021, Table 2).

    python3 report.py
    python3 report.py --out FOLDER
    python3 report.py --plan ladder    what a plan of experiments answers: results/plans/ladder/answer.html, .json, .csv
"""
import sys
from pathlib import Path

from mer import MerError, cli, text
from mer.experiments import flags as plans


def main(argv=None):
    flags = cli.parser(__doc__)
    flags.add_argument("--out", type=Path, help="folder to write to (default: path_to_results in settings.py)")
    plans.add(flags, required=False)
    flags.add_argument("--paper", action="store_true", help="with --plan: LaTeX tables, methods and BibTeX as well")
    args = flags.parse_args(argv)
    if args.paper and not args.plan:
        flags.error("--paper is of one plan: name it with --plan")
    if args.plan:
        from mer.experiments import answer_page  # the corpora start here: -h and typos answer at once
        return answer_page.make(*plans.read(args), for_paper=args.paper)
    cfg = cli.configure(args.set)
    from mer.data import label_check
    from mer.evaluation import compare, results  # the template engine starts here: -h and typos answer at once

    found = results.find(cfg.models_trans_dir, cfg.models_dir)
    for _, reason in found.unreadable:
        print(f"left out: {text.printable(reason)}", file=sys.stderr)
    if not found.reports:
        raise MerError(f"no transfer report found under {cfg.models_trans_dir} or {cfg.models_dir}; run "
                       "trans_train_denoise_multi.py first, for example with -s e -m e -mod model_over -rel n")
    out_dir = args.out or cfg.results_dir
    held, damaged = compare.read_predictions(found.reports)
    for path, reason in damaged:
        print(f"not compared: {text.printable(path.parent)}: {text.printable(reason)}", file=sys.stderr)
    outdated = label_check.outdated(cfg, found.reports, held)
    for folder, sentences in outdated.items():
        print(f"{text.printable(folder)}: {text.printable(' '.join(sentences))}", file=sys.stderr)
    table, page, pairs, setups = results.write(found.reports, out_dir, unreadable=found.unreadable, outdated=outdated)
    elsewhere = sum(report["folder"].parent.name == "tests" for report in found.reports)
    more = f", and {elsewhere} tests on each corpus" if elsewhere else ""
    print(f"{len(found.reports) - elsewhere} transfers gathered{more}\n  page   {page}\n  table  {table}\n"
          f"  pairs  {pairs}\n  setups {setups}")


if __name__ == "__main__":
    cli.run(main)
