"""Stages 3 and 4: transfer a denoising encoder to music emotion, then report.

    python3 trans_train_denoise_multi.py -s e -m e -mod model_over -rel n    Feat. Ext.: heads on the frozen encoder
    python3 trans_train_denoise_multi.py -s e -m e -mod model_over -rel y    Full: then everything is trained
    python3 trans_train_denoise_multi.py -s e -m e -mod model_cnn -rel y     no speech: from scratch, -s and -rel unused

Run it again after an interruption: it goes on with the epoch it was in.
"""

import os

import models
import settings
from mer import cli, config, corpora


def main(argv=None):
    parser = cli.parser(__doc__, speech=corpora.codes("speech"), music=corpora.codes("music"), model=models.names(),
                        release=("y", "n"))
    args = cli.add_training_flags(parser).parse_args(argv)
    cfg = config.load(settings, os.environ, args.set)
    cli.announce(cfg)
    cli.start_keras()  # only now: -h and typos answer at once
    from mer import transfer
    module = models.load(args.model, pretexts=["denoise", None])
    for it in range(args.runs):
        transfer.run(cfg, speech=args.speech, music=args.music, name=args.model, module=module, release=args.release,
                     it=it, force=args.force)


if __name__ == "__main__":
    cli.run(main)
