"""Predict the emotion of music over time: quadrants, arousal and valence.

    python3 quad_pred.py -s e -m e -i song.mp3 -o results         English speech, English music, best model there is
    python3 quad_pred.py -s m -m e -i songs/ more/*.wav -o results --ensemble runs
    python3 quad_pred.py --demo -i song.mp3 -o results            no model needed; shows how it works, no more

Into the folder: <song>.npy, <song>.png, <song>/clip.json, <song>/timeline.csv, <song>/plane.png, and summary.csv.
See docs/predicting.md.
"""
import sys
from contextlib import redirect_stdout

import models
from mer import cli, corpora


def parse(argv):
    """Read the flags."""
    made = cli.parser(__doc__)
    speech, music = corpora.codes("speech"), corpora.codes("music")
    made.add_argument("-s", "--speech", choices=speech, help="language of the speech of the pretraining: "
                      + ", ".join(f"{code}: {title}" for code, title in speech.items()))
    made.add_argument("-m", "--music", choices=music, help="language of the music of the training: "
                      + ", ".join(f"{code}: {title}" for code, title in music.items()))
    made.add_argument("-i", "--input", nargs="+", required=True, metavar="PATH", help="audio files and folders of them")
    made.add_argument("-o", "--out", metavar="FOLDER", help="folder for the results; may be left out with --json")
    made.add_argument("-mod", "--model", choices=models.names(), help="architecture (default: the best there is)")
    made.add_argument("-rel", "--release", choices=("y", "n"), help="y: Full, n: Feat. Ext. (default: y where it is)")
    made.add_argument("--run", type=cli.run_number, metavar="N", help="number of the run (default: the lowest)")
    made.add_argument("--weights", nargs="+", metavar="PATH", help="these very files; several make an ensemble")
    made.add_argument("--ensemble", choices=("runs", "speech", "music", "models", "all"),
                      help="mean and spread over the runs, the languages, the architectures, or all that fits")
    made.add_argument("--demo", action="store_true", help="use the demo model, which knows synthetic sound only")
    made.add_argument("--hop", type=cli.number(0.001, 3600, "seconds"), metavar="SECONDS", help="from one "
                      "prediction to the next, rounded to whole frames of 0.032 s (default: no overlap, 0.992 s)")
    made.add_argument("--engine", choices=("auto", "onnx", "keras"), default="auto", help="auto: the exported file "
                      "where it is there, otherwise Keras (default)")
    made.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else there")
    made.add_argument("--no-pictures", action="store_true", help="write no pictures, which is faster")
    made.add_argument("--force", action="store_true", help="predict again what an earlier run has done")
    made.add_argument("--strict", action="store_true", help="exit with 1 if any file had to be left out")
    args = made.parse_args(argv)
    if not (args.out or args.json):
        made.error("name a folder for the results with -o, or print them with --json")
    if args.weights and (args.ensemble or args.demo):
        made.error("--weights names the models, so --ensemble and --demo do not go with it")
    return args


def main(argv=None):
    args = parse(argv)
    cfg = cli.configure(args.set)
    # numpy starts here: -h and typos answer at once
    from mer.prediction import batch, pictures, song_files
    from mer.weights import catalogue, engines
    wanted = {"speech": args.speech, "music": args.music, "model": args.model, "release": args.release, "it": args.run}
    with redirect_stdout(sys.stderr if args.json else sys.stdout):
        chosen = [catalogue.named(path, **wanted) for path in args.weights or ()] or catalogue.choose(
            cfg, ensemble=args.ensemble, demo=args.demo, **wanted)
        unreadable = []
        songs = song_files.find(args.input, unreadable=unreadable)
        opened = [engines.open_engine(found, engine=args.engine, load_module=load_module) for found in chosen]
        with pictures.drawing(0 if args.no_pictures or not args.out else len(songs)) as draw:
            done = batch.run(songs, opened, args.out, hop_seconds=args.hop, draw=draw,
                                      with_timelines=args.json, force=args.force, unreadable=unreadable)
    if args.json:
        print(done.as_json())
    return done.exit_status(strict=args.strict)


def load_module(name):
    """The architecture of that name, whatever its pretext task."""
    return models.load(name, pretexts=("denoise", "cpc", None))


if __name__ == "__main__":
    cli.run(main)
