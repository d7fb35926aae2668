"""What a vote of chunks every 10 ms costs in SincNet: what chunks share done once, plain batches, one chunk a call.

    python3 benchmarks/bench_voting.py                     chunks of 200 ms, every 10 ms
    python3 benchmarks/bench_voting.py -mod model_sincnet_500 --hop-ms 50

The three ways take turns on the same noise, with random weights; how far they are apart is printed. Seconds of the
processor, which other programs disturb less, stand beside the seconds that pass.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import models
from mer import files, heads
from mer.features.chunks import of_encoder
from mer.tasks import PUBLISHED
from mer.training import voting

SINGLE = 50  # chunks that are measured one a call


def measured(ways, rounds):
    """Median seconds a chunk that pass, and of the processor, by way."""
    took = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (work, n) in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            work()
            took[name].append(((time.perf_counter() - wall) / n, (time.process_time() - processor) / n))
    return {name: dict(zip(("seconds", "processor_seconds"), map(statistics.median, zip(*each, strict=True)),
                           strict=True)) for name, each in took.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-mod", default="model_sincnet")
    parser.add_argument("--hop-ms", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=5, help="of sound")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    module = models.load(args.mod)
    reads = of_encoder(module, {})
    keras.utils.set_random_seed(0)
    model = heads.attach(module.encoder(module.build(reads.shape)), PUBLISHED, module)
    hop = round(args.hop_ms / 1000 * reads.of.rows_per_second)
    sound = np.random.default_rng(0).normal(0, 0.3, (int(args.seconds * 16000), 1)).astype(np.float32)
    chunks = np.ascontiguousarray(reads.cut(sound, hop))
    shared, plain = module.at_hops(model, hop), voting.plainly(model, reads, hop)
    ways = {"shared": (lambda: shared(sound), len(chunks)), "batches": (lambda: plain(sound), len(chunks)),
            "one a call": (lambda: [model.predict_on_batch(chunks[i:i + 1]) for i in range(SINGLE)], SINGLE)}
    a, b = shared(sound), plain(sound)
    apart = max(float(np.abs(a[task] - b[task]).max()) for task in a)
    print(f"{len(chunks)} chunks of {args.seconds:g} s; greatest difference {apart:.1e}")
    ways["one a call"][0]()
    rows = measured(ways, args.rounds)
    for name, row in rows.items():
        ratio = row["processor_seconds"] / rows["shared"]["processor_seconds"]
        print(f"{name:<11} {1 / row['seconds']:7.0f} chunks/s, {1000 * row['processor_seconds']:6.2f} ms of processor "
              f"a chunk, {ratio:.2f} times that of shared")
    if args.out:
        files.write_json(args.out / "voting.json", {"difference": apart, "rows": rows})


if __name__ == "__main__":
    main()
