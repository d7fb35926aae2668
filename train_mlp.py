"""Stages 3 and 4 without a network: features of parts of clips -> scikit-learn classifiers, then report.

    python3 train_mlp.py -m e --features is13                 seven classifiers compared inside the training clips
    python3 train_mlp.py -m e --features is13 --clf mlp       the published one: SincNet-MER's MLP
    python3 train_mlp.py -m e --features compare --clf svm    what the field would use today
    python3 train_mlp.py -m x --features essentia --clf mlp   trained on all music corpora that have a store

Features: is13, compare, essentia, combined; `generate_dataset.py -d m -l e --features is13` makes them.
"""

from mer import cli
from mer.training import commands


def main(argv=None):
    commands.classify(__doc__, argv)


if __name__ == "__main__":
    cli.run(main)
