"""Train SincNet on the waveform of music, from scratch, as in SincNet-MER, then report.

    python3 train_sincnet.py -m e                              chunks of 200 ms
    python3 train_sincnet.py -m e --chunk-ms 500 --folds 5     chunks of 500 ms, five folds

The stores are made by generate_dataset.py --features waveform. Run it again after an interruption: it goes on with the
epoch it was in.
"""

import models
from mer import cli
from mer.training import commands


def main(argv=None):
    commands.scratch(__doc__, argv, models=models, of_chunks={"200": "model_sincnet", "500": "model_sincnet_500"})


if __name__ == "__main__":
    cli.run(main)
