"""Stage 2: pretrain an encoder on speech by contrastive predictive coding (CPC).

    python3 pretrain_cpc.py -s e -mod model_cpc

Run it again after an interruption: it goes on with the epoch it was in.
"""

import models
from mer import cli
from mer.training import commands


def main(argv=None):
    commands.pretrain(__doc__, argv, models=models, pretexts=["cpc"])


if __name__ == "__main__":
    cli.run(main)
