"""Stage 2: pretrain an encoder on speech as a denoising autoencoder (SCAE).

    python3 pretrain_denoise.py -s e -mod model_over      as published
    python3 pretrain_denoise.py -s x -mod model_scae      corrected

Run it again after an interruption: it goes on with the epoch it was in.
"""

import models
from mer import cli
from mer.training import commands


def main(argv=None):
    commands.pretrain(__doc__, argv, models=models, pretexts=["denoise"])


if __name__ == "__main__":
    cli.run(main)
