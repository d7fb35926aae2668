"""Stage 2: pretrain an encoder on speech by contrast: two chunks of one clip against those of others (COLA).

    python3 pretrain_contrast.py -s e -mod model_cola
    python3 pretrain_contrast.py -s p -d m -mod model_cola    on music
    python3 pretrain_contrast.py -s e -d n -mod model_cola    on noise with the spectra of the speech

Run it again after an interruption: it goes on with the epoch it was in.
"""

import models
from mer import cli
from mer.training import commands


def main(argv=None):
    commands.pretrain(__doc__, argv, models=models, pretexts=["contrast"])


if __name__ == "__main__":
    cli.run(main)
