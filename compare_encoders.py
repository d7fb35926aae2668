"""What do encoders share, and what do their layers know?

    python3 compare_encoders.py -mod model_dae -s e,m,x -m e                one architecture, pretrained on three sorts
                                                                            of speech, beside 3 with random weights
    python3 compare_encoders.py -mod model_masked,model_musicnn -s e -m e   two architectures
    python3 compare_encoders.py --weights PATH -m e                         the encoder in any weight file of ours

Linear CKA of every two layers, linear probes of every layer, and how far training and release moved the weights, on
the clips of the music that -m names and of all speech that has a store: results/encoders/summary.txt, .csv, .json and
two pictures. The Full model that an encoder became on this music is compared, too, where it is there.
"""

import argparse

import models
from mer import cli, corpora


def codes_of(known, what):
    """An argparse type: names with commas between them."""
    def read(given):
        parts = [part.strip() for part in given.split(",")]
        wrong = next((part for part in parts if part not in known), None)
        if wrong is not None:
            raise argparse.ArgumentTypeError(f"{wrong!r} is no {what}: choose from {', '.join(known)}, with commas "
                                             "between several")
        return list(dict.fromkeys(parts))
    return read


def main(argv=None):
    parser = cli.parser(__doc__)
    parser.add_argument("-m", "--music", required=True, choices=corpora.codes("music"), help="the music that is heard")
    parser.add_argument("-mod", "--model", type=codes_of(models.names(), "architecture"), default=[],
                        metavar="NAME[,NAME]", help="architectures: file names in models/")
    parser.add_argument("-s", "--speech", type=codes_of(corpora.codes("speech"), "speech corpus"), default=[],
                        metavar="CODE[,CODE]", help="the speech that each of them was pretrained on")
    parser.add_argument("--runs", type=cli.whole_number, default=1, metavar="N", help="runs of each (default 1)")
    parser.add_argument("--weights", nargs="+", default=[], metavar="PATH",
                        help="encoders, or transferred models, in these files too")
    parser.add_argument("--random", type=cli.number(0, 100, kind=int), default=3, metavar="N",
                        help="encoders with random weights of each architecture (default 3)")
    args = parser.parse_args(argv)
    cfg = cli.configure(args.set)
    cli.start_keras()
    from mer.experiments import encoder_comparison, encoders
    found = encoders.wanted(cfg, models=args.model, speech=args.speech, paths=args.weights, music=args.music,
                            runs=args.runs, n_random=args.random, load_module=models.load)
    paths = encoder_comparison.run(cfg, found, music=args.music)
    print(paths[0].read_text(encoding="utf-8"))
    print("\n".join(map(str, paths)))


if __name__ == "__main__":
    cli.run(main)
