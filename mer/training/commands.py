"""What the scripts that train have in common: each says its pretext task or its architectures, and its help.

Keras is imported once the flags are read, so that -h and typos answer at once.
"""

import argparse
import functools

from mer import MerError, classifiers, cli, corpora
from mer.weights.model_file import PUBLISHED


def pretrain(doc, argv, *, models, pretexts):
    """Read the flags of a script that pretrains, and do what they say.

    Parameters
    ----------
    doc : str
        Docstring of the script.
    argv : sequence of str or None
        None: the command line.
    models : module
        The architectures.
    pretexts : sequence of str
        Pretext tasks of the script.
    """
    parser = cli.parser(doc, speech=_sources(), model=models.names())
    _add_kind(parser)
    cli.add_hours(parser, "pretrain on the part of so many hours that generate_dataset.py --hours has chosen")
    parser.add_argument("--random", action="store_true",
                        help="train nothing: save the encoder with its random weights, as a control")
    args, cfg, module = _begin(parser, argv, models, pretexts)
    from mer.training import pretrain
    for it in _runs(args):
        pretrain.run(cfg, speech=args.speech, kind=args.dataset, name=args.model, module=module, hours=args.hours,
                     it=it, random=args.random, force=args.force)


def transfer(doc, argv, *, models, pretexts):
    """Read the flags of a script that transfers, and do what they say; parameters as for `pretrain`."""
    parser = cli.parser(doc, optional=("speech",), speech=_sources(), music=corpora.codes("music"),
                        model=models.names(), release=("y", "n"))
    _add_kind(parser)
    cli.add_hours(parser, "start from the encoder that was pretrained with the same --hours")
    _add_folds(parser)
    _add_labels(parser)
    parser.add_argument("--weights", metavar="PATH",
                        help="start from this pretrained encoder: .weights.h5, or .hdf5 of the published release")
    parser.add_argument("--random", action="store_true",
                        help="start from the encoder with random weights that a script of stage 2 saved with --random")
    parser.add_argument("--heads", choices=("published", "linear"), default="published", help="published: three dense "
                        "layers and two a task, or those of the architecture (default); linear: solved at once on "
                        "the frozen encoder, and calibrated")
    parser.add_argument("--detect-speech", type=_speech_codes, default=[], metavar="CODE[,CODE]", help="linear heads "
                        "learn to tell this speech from music, and predictions then say so")
    args, cfg, module = _begin(parser, argv, models, [*pretexts, None, PUBLISHED])
    if module.PRETEXT == PUBLISHED and (args.hours or args.random):
        raise MerError(f"{args.model} was trained by others, on no hours of ours: leave --hours and --random out")
    if module.PRETEXT is None and args.random:
        raise MerError(f"{args.model} is trained from scratch and has no pretrained encoder: leave --random out")
    if module.PRETEXT == PUBLISHED and args.speech:
        print(f"note: {args.model} was trained by others and heard no speech corpus of ours, so -s is not used")
    if module.PRETEXT in pretexts and not args.speech:
        parser.error("the following arguments are required: -s/--speech")
    _train(args, cfg, module, speech=args.speech, kind=args.dataset, release=args.release,
           hours=0.0 if args.random else args.hours, weights_file=args.weights, linear=args.heads == "linear",
           detect=args.detect_speech, labels=args.labels, per_group=args.normalize_groups)


def _speech_codes(given):
    """An argparse type: codes of speech corpora, with commas between them."""
    known = [code for code in corpora.codes("speech") if not corpora.get("speech", code).PARTS]
    parts = list(dict.fromkeys(part.strip() for part in given.split(",")))
    if not set(parts) <= set(known):
        raise argparse.ArgumentTypeError(f"{given!r} names no speech corpora: choose from {', '.join(known)}, with "
                                         "commas between several")
    return parts


def _sources():
    """Codes of the corpora that an encoder may hear, with what they are."""
    speech, music = corpora.codes("speech"), corpora.codes("music")
    return {code: "; ".join([*([speech[code]] if code in speech else []),
                             *([f"with -d m {music[code]}"] if code in music else [])]) for code in {**speech, **music}}


def _add_kind(parser):
    parser.add_argument("-d", "--dataset", choices=tuple(corpora.KINDS), default="s", help="what the encoder hears; s: "
                        "speech (default), m: music, n: noise with the spectra of the speech")


def _refuse_other_kind(parser, args):
    """-s names a corpus of the kind that -d says, which becomes its name."""
    args.dataset = corpora.KINDS[args.dataset]
    if args.speech and args.speech not in corpora.codes(args.dataset):
        known = ", ".join(f"{code} ({title})" for code, title in corpora.codes(args.dataset).items())
        parser.error(f"argument -s/--speech: no {args.dataset} corpus has the code {args.speech!r} (choose from "
                     f"{known}; -d says which kind)")
    if vars(args)["hours"] and args.dataset == "music":
        parser.error("argument --hours: it takes a part of the speech, and -d m hears music: leave one out")


def scratch(doc, argv, *, models, of_chunks):
    """Read the flags of a script that trains an architecture from scratch on music, and do what they say.

    Parameters
    ----------
    doc, argv, models
        Of `pretrain`.
    of_chunks : dict of str -> str
        Length of the chunks in ms, as --chunk-ms, to architecture; the first one is the default.
    """
    def named(given):
        if given not in of_chunks:
            raise argparse.ArgumentTypeError(f"{given!r} is none of {', '.join(of_chunks)}")
        return of_chunks[given]

    parser, (first, *_) = cli.parser(doc, music=corpora.codes("music")), of_chunks
    parser.add_argument("--chunk-ms", dest="model", type=named, default=first, metavar="|".join(of_chunks),
                        help=f"length of the chunks in ms (default {first})")
    _add_folds(parser)
    args, cfg, module = _begin(parser, argv, models, [None])
    _train(args, cfg, module, speech=None, release=None)


def _train(args, cfg, module, **options):
    from mer.training import crossval, transfer
    train = functools.partial(crossval.run, transfer.run, n_folds=args.folds) if args.folds else transfer.run
    for it in _runs(args):
        train(cfg, music=args.music, name=args.model, module=module, it=it, force=args.force, **options)


def _add_folds(parser):
    parser.add_argument("--folds", type=cli.whole_number, metavar="K",
                        help="cross-validation over the folds that generate_dataset.py --folds has made")


def _add_labels(parser):
    parser.add_argument("--labels", type=cli.whole_number, metavar="N", help="train on N labelled clips of the corpus "
                        "that -m names last, spread over classes and groups; of the others in v+r on all")
    parser.add_argument("--normalize-groups", action="store_true", help="normalize the embeddings of every actor or "
                        "artist over all of its clips; this looks at unlabelled test clips, and reports say so")


def classify(doc, argv):
    """Read the flags of train_mlp.py, and do what they say; parameters as for `pretrain`."""
    parser = cli.parser(doc, music=corpora.codes("music"))
    parser.add_argument("--features", required=True, metavar="NAME", help="is13, compare, essentia, combined, or "
                        "another representation whose values have names")
    parser.add_argument("--clf", choices=(*classifiers.CLASSIFIERS, classifiers.BEST), default=classifiers.BEST,
                        help="the classifier; default: the best of the seven of the thesis, by cross-validation inside "
                        "the training clips")
    _add_folds(parser)
    _add_labels(parser)
    _add_runs(parser)
    args = parser.parse_args(argv)
    cfg = cli.configure(args.set)
    from mer.training import classify, crossval
    train = functools.partial(crossval.run, classify.run, n_folds=args.folds) if args.folds else classify.run
    for it in _runs(args):
        train(cfg, music=args.music, clf=args.clf, features=args.features, labels=args.labels,
              per_group=args.normalize_groups, it=it, force=args.force)


def _add_runs(parser):
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--runs", type=cli.whole_number, default=1, metavar="N",
                        help="repeat with N seeds; the files are named it_0, it_1, ... (default 1)")
    either.add_argument("--run", type=cli.number(0, 1_000_000, kind=int), metavar="N",
                        help="only the run of number N, whose files are named it_N")
    parser.add_argument("--force", action="store_true", help="train again even where a finished run is there")


def _runs(args):
    """Numbers of the runs that are wanted."""
    return range(args.runs) if args.run is None else [args.run]


def _begin(parser, argv, models, pretexts):
    """The flags, the settings and the architecture, with Keras started."""
    _add_runs(parser)
    args = parser.parse_args(argv)
    if vars(args).get("random") and args.hours:
        parser.error("argument --random: an encoder with random weights heard no --hours of speech, leave one out")
    if "dataset" in args:
        _refuse_other_kind(parser, args)
    cfg = cli.configure(args.set)
    cli.start_keras()
    return args, cfg, models.load(args.model, pretexts=pretexts)
