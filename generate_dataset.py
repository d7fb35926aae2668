"""Stage 1: audio -> log-mel store and split file, in features/.

    python3 generate_dataset.py --dataset s --language e     English speech (LibriSpeech)
    python3 generate_dataset.py -d m -l m                    music with Mandarin lyrics (CH-818)

Run it again after an interruption: it goes on with the next clip.
"""

import os

import settings
from mer import cli, config, corpora

KINDS = {"m": "music", "s": "speech"}


def parse(argv):
    languages = {code: title for kind in ("speech", "music") for code, title in corpora.codes(kind).items()}
    parser = cli.parser(__doc__, dataset=tuple(KINDS), language=tuple(languages))
    parser.add_argument("-pl", "--path-labels", metavar="CSV", help="your own annotations (default: the corpus' own)")
    parser.add_argument("-ps", "--path-sounds", metavar="FOLDER", help="folder of the corpus (default: settings.py)")
    parser.add_argument("--split", metavar="CSV", help="your own sides: clip,split with train, val, test")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if any file was left out")
    parser.add_argument("--force", action="store_true", help="extract everything and draw the split again")
    return parser.parse_args(argv)


def main(argv=None):
    args = parse(argv)
    cfg = config.load(settings, os.environ, args.set)
    cli.announce(cfg)
    from mer import datasets  # heavy imports start here: -h and typos answer at once
    made = datasets.generate(KINDS[args.dataset], args.language, cfg, labels=args.path_labels,
                             sounds=args.path_sounds, split_file=args.split, force=args.force)
    print(f"{made.path.name}: {made.n_clips} clips, {made.hours:.2f} h, {made.n_extracted} extracted now; "
          + ", ".join(f"{side} {n}" for side, n in made.sides.items()) + f"; {made.note}")
    return cli.report_skipped(made.skipped, strict=args.strict)


if __name__ == "__main__":
    cli.run(main)
