"""The flags that name a plan, for every script that works on one."""

import argparse
from typing import TYPE_CHECKING

from mer import cli

if TYPE_CHECKING:
    from mer.config import Config
    from mer.experiments.plan import Plan


def add(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add --plan and what may stand in place of what the plan says: --runs, --hours, --folds."""
    parser.add_argument("--plan", required=required, metavar="NAME",
                        help="a file in plans/, or the path of a .toml file")
    parser.add_argument("--runs", type=cli.whole_number, metavar="N", help="N seeds, in place of what the plan says")
    cli.add_hours(parser, "hours of speech, in place of what the plan says")
    parser.add_argument("--folds", type=cli.whole_number, metavar="K", help="in place of what the plan says")


def read(args: argparse.Namespace) -> tuple["Plan", "Config"]:
    """The plan that a command line names, with what stands in place of its values, and the settings that hold for it.

    Parameters
    ----------
    args : argparse.Namespace
        Of a parser with the flags of `add`, from `cli.parser`.
    """
    from mer.experiments import plan  # the corpora start here: -h and typos answer at once
    cli.configure(args.set, announce=False)  # refuses what is no setting
    given = {name.strip(): value.strip() for name, value in (each.split("=", 1) for each in args.set)}
    made = plan.read(args.plan, runs=args.runs, hours=args.hours, folds=args.folds, settings=given)
    return made, cli.configure([f"{name}={value}" for name, value in made.settings.items()])
