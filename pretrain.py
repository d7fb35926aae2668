"""Stage 2: pretrain an encoder on speech with the pretext task that its file in models/ names.

    python3 pretrain.py -s e -mod model_masked

Run it again after an interruption: it goes on with the epoch it was in.
"""

import models
from mer import cli
from mer.training import commands, pretexts


def main(argv=None):
    commands.pretrain(__doc__, argv, models=models, pretexts=pretexts.names())


if __name__ == "__main__":
    cli.run(main)
