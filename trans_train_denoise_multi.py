"""Stages 3 and 4: transfer a denoising encoder to music emotion, then report.

    python3 trans_train_denoise_multi.py -s e -m e -mod model_over -rel n    Feat. Ext.: heads on the frozen encoder
    python3 trans_train_denoise_multi.py -s e -m e -mod model_over -rel y    Full: then everything is trained
    python3 trans_train_denoise_multi.py -s e -m e -mod model_cnn -rel y     no speech: from scratch, -s and -rel unused

Run it again after an interruption: it goes on with the epoch it was in.
"""

import functools

import models
from mer import cli, corpora


def main(argv=None):
    parser = cli.parser(__doc__, speech=corpora.codes("speech"), music=corpora.codes("music"), model=models.names(),
                        release=("y", "n"))
    cli.add_hours(parser, "start from the encoder that was pretrained with the same --hours")
    parser.add_argument("--folds", type=cli.whole_number, metavar="K",
                        help="cross-validation over the folds that generate_dataset.py --folds has made")
    parser.add_argument("--weights", metavar="PATH",
                        help="start from this pretrained encoder: .weights.h5, or .hdf5 of the published release")
    args = cli.add_training_flags(parser).parse_args(argv)
    cfg = cli.configure(args.set)
    cli.announce(cfg)
    cli.start_keras()  # only now: -h and typos answer at once
    from mer.training import crossval, transfer
    module = models.load(args.model, pretexts=["denoise", None])
    train = functools.partial(crossval.run, n_folds=args.folds) if args.folds else transfer.run
    for it in range(args.runs):
        train(cfg, speech=args.speech, music=args.music, name=args.model, module=module, release=args.release,
              hours=args.hours, it=it, weights_file=args.weights, force=args.force)


if __name__ == "__main__":
    cli.run(main)
