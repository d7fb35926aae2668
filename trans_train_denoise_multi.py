"""Stages 3 and 4: transfer a denoising encoder to music emotion, then report.

    python3 trans_train_denoise_multi.py -s e -m e -mod model_over -rel n    Feat. Ext.: heads on the frozen encoder
    python3 trans_train_denoise_multi.py -s e -m e -mod model_over -rel y    Full: then everything is trained
    python3 trans_train_denoise_multi.py -s e -m e -mod model_cnn -rel y     no speech: from scratch, -s and -rel unused

-m x: all music that has a store, together; -m m,t,e: one after the other. Every model is tested on all of it.
Run it again after an interruption: it goes on with the epoch it was in.
"""

import models
from mer import cli
from mer.training import commands


def main(argv=None):
    commands.transfer(__doc__, argv, models=models, pretexts=["denoise"])


if __name__ == "__main__":
    cli.run(main)
