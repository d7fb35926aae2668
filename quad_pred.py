"""Predict the emotion of music over time: quadrants, arousal and valence.

    python3 quad_pred.py -i song.mp3 -o results                   with the model that comes along
    python3 quad_pred.py -s e -m e -i song.mp3 -o results         English speech, English music, best model there is
    python3 quad_pred.py -s m -m e -i songs/ more/*.wav -o results --ensemble runs

Into the folder: <song>.npy, <song>.png, <song>/clip.json, <song>/timeline.csv, <song>/plane.png, and summary.csv.
See docs/predicting.md.
"""
import sys
from contextlib import redirect_stdout

import models
from mer import classifiers, cli, corpora


def parse(argv):
    """Read the flags."""
    flags = cli.parser(__doc__)
    flags.add_argument("-i", "--input", nargs="+", required=True, metavar="PATH",
                       help="audio files and folders of them")
    flags.add_argument("-o", "--out", metavar="FOLDER", help="folder for the results; may be left out with --json")
    cli.add_model_flags(flags, speech=corpora.codes("speech"), music=corpora.codes("music"),
                        model=classifiers.Models((*models.names(), "mlp_is13")), release=("y", "n"))
    flags.add_argument("--weights", nargs="+", metavar="PATH", help="these very files; several make an ensemble")
    flags.add_argument("--ensemble", choices=("runs", "speech", "music", "models", "all"),
                      help="mean and spread over the runs, the languages, the architectures, or all that fits")
    flags.add_argument("--demo", action="store_true", help="use what bash demo.sh has trained, which knows synthetic "
                       "sound only")
    flags.add_argument("--hop", type=cli.number(0.001, 3600, "seconds"), metavar="SECONDS", help="from one "
                      "prediction to the next, rounded to whole rows (log-mel: 0.032 s; default: no overlap, 0.992 s)")
    flags.add_argument("--sure", type=cli.number(0, 1), default=0.5, metavar="P", help="a calibrated model is "
                      "sure of a song where its likeliest quadrant has at least this probability (default 0.5)")
    flags.add_argument("--engine", choices=("auto", "onnx", "keras"), default="auto", help="auto: the exported file "
                      "where it is there, otherwise Keras (default)")
    flags.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else there")
    flags.add_argument("--no-pictures", action="store_true", help="write no pictures, which is faster")
    flags.add_argument("--force", action="store_true", help="predict again what an earlier run has done")
    flags.add_argument("--strict", action="store_true", help="exit with 1 if any file had to be left out")
    args = flags.parse_args(argv)
    if not (args.out or args.json):
        flags.error("name a folder for the results with -o, or print them with --json")
    if args.weights and (args.ensemble or args.demo):
        flags.error("--weights names the models, so --ensemble and --demo do not go with it")
    return args


def main(argv=None):
    args = parse(argv)
    cfg = cli.configure(args.set, announce=False)
    # numpy starts here: -h and typos answer at once
    from mer.prediction import batch, pictures, song_files, worth
    from mer.weights import catalogue, engines
    wanted = cli.wanted_model(args)
    with redirect_stdout(sys.stderr if args.json else sys.stdout):
        chosen = [catalogue.named(path, **wanted) for path in args.weights or ()] or catalogue.choose(
            cfg, ensemble=args.ensemble, demo=args.demo, **wanted)
        for said in filter(None, (worth.sentence(file.path) for file in chosen if file.path.suffix == ".onnx")):
            print(f"this model {said}")
        unreadable = []
        songs = song_files.find(args.input, unreadable=unreadable)
        opened = [engines.open_engine(file, engine=args.engine, load_module=models.load) for file in chosen]
        with pictures.drawing(0 if args.no_pictures or not args.out else len(songs)) as draw:
            done = batch.run(songs, opened, args.out, hop_seconds=args.hop, sure_from=args.sure, draw=draw,
                             with_timelines=args.json, force=args.force, unreadable=unreadable)
    if args.json:
        print(done.as_json())
    return done.exit_status(strict=args.strict)


if __name__ == "__main__":
    cli.run(main)
