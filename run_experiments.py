"""Run a plan of experiments: every cell is a command that you could type; what is finished is found, not made again.

    python3 run_experiments.py --plan demo                    minutes, on the demo corpus
    python3 run_experiments.py --plan ladder --dry-run        cells, commands, disk and time, and nothing else
    python3 run_experiments.py --plan ladder --status         what is done, running, failed, and the time left
    python3 run_experiments.py --plan icassp2021 --hours 3 --runs 5 --folds 5
    python3 run_experiments.py --plan ladder --scheduler tcp://head:8786    on a Dask cluster

Run it again after an interruption: it goes on with what is left. docs/experiments.md tells more.
"""

from mer import cli
from mer.experiments import flags


def parse(argv):
    parser = cli.parser(__doc__)
    flags.add(parser, required=True)
    parser.add_argument("--jobs", type=cli.whole_number, metavar="N",
                        help="commands at a time; they share the cores (default: one a core)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on the workers of this Dask scheduler")
    where.add_argument("--slurm", type=cli.whole_number, metavar="N", help="run on N workers, each a job of SLURM")
    parser.add_argument("--own-disks", action="store_true", help="the workers share no disk with this machine: files "
                        "are sent there and back")
    parser.add_argument("--threads", type=cli.whole_number, default=1, metavar="N",
                        help="of each command on a cluster (default 1)")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--dry-run", action="store_true", help="print cells, commands, disk and time; run nothing")
    either.add_argument("--status", action="store_true", help="print what is done, running and failed; run nothing")
    args = parser.parse_args(argv)
    on_cluster = args.scheduler or args.slurm
    if (args.jobs and on_cluster) or (args.own_disks and not on_cluster):
        parser.error("--jobs is of this machine; --own-disks goes with --scheduler or --slurm")
    return args


def main(argv=None):
    args = parse(argv)
    from mer.experiments import answer_page, local, overview  # the corpora start here: -h and typos answer at once
    made, cfg = flags.read(args)
    if args.dry_run or args.status:
        print(overview.dry_run(made, cfg) if args.dry_run else overview.status(made, cfg))
        return 0
    if args.scheduler or args.slurm:
        from mer.experiments import cluster
        failed = cluster.run(made, cfg, scheduler=args.scheduler, slurm=args.slurm, shared=not args.own_disks,
                             threads=args.threads)
    else:
        failed = local.run(made, cfg, jobs=args.jobs)
    answer_page.make(made, cfg)
    return failed


if __name__ == "__main__":
    cli.run(main)
