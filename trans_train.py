"""Stages 3 and 4: transfer any encoder to music emotion, then report.

    python3 trans_train.py -s e -m e -mod model_masked -rel n    Feat. Ext.: heads on the frozen encoder
    python3 trans_train.py -s e -m e -mod model_masked -rel y    Full: then everything is trained
    python3 trans_train.py -m e -mod model_cnn -rel y            no speech: from scratch, -s and -rel unused
    python3 trans_train.py -m e -mod model_musicnn -rel n        an encoder of others: convert_weights.py fetches it

-m x: all music that has a store, together; -m m,t,e: one after the other. Every model is tested on all of it.
Run it again after an interruption: it goes on with the epoch it was in.
"""

import models
from mer import cli
from mer.training import commands, pretexts


def main(argv=None):
    commands.transfer(__doc__, argv, models=models, pretexts=pretexts.names())


if __name__ == "__main__":
    cli.run(main)
