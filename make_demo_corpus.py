"""Stage 0: make a small synthetic corpus, so that every other script can be run without any data.

    python3 make_demo_corpus.py

Speech and music in English and Mandarin, laid out like LibriSpeech, AISHELL-1, 4Q-Emotion and CH-818 (see
docs/demo_corpus.md). The same seed gives the same files. Results on them say nothing about people.
"""
from pathlib import Path

from mer import cli

ROOT = Path(__file__).resolve().parent


def parse(argv=None):
    """Read the flags."""
    parser = cli.parser(__doc__, settings=False)
    parser.add_argument("--out", default="demo/data", help="folder of the corpus, relative to the repository "
                        "(default: %(default)s)")
    parser.add_argument("--seed", type=cli.number(0, 2**31 - 1, kind=int), default=1, help="default: %(default)s")
    parser.add_argument("--clips-per-quadrant", type=cli.whole_number, default=12, metavar="N",
                        help="music clips of 12 to 15 s per quadrant and language (default: %(default)s)")
    parser.add_argument("--minutes-speech", type=cli.number(0.1, 10_000, "minutes"), default=3.5, metavar="MINUTES",
                        help="speech per language, about (default: %(default)s)")
    parser.add_argument("--jobs", type=cli.whole_number, default=-1, help="processes (default: all cores)")
    parser.add_argument("--force", action="store_true", help="throw away a demo corpus that is there")
    return parser.parse_args(argv)


def main(argv=None):
    """Make the corpus, or say that it is there."""
    args = parse(argv)
    from demo_corpus import build  # numpy starts here: -h and typos answer at once

    out = ROOT / args.out
    made = build.make(out, seed=args.seed, clips_per_quadrant=args.clips_per_quadrant,
                      minutes_speech=args.minutes_speech, force=args.force, jobs=args.jobs)
    print(f"The demo corpus is in {out}." if made else f"The demo corpus is already in {out}; nothing to do.")


if __name__ == "__main__":
    cli.run(main)
