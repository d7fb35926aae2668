"""Training speed, as ratios side by side in one run: machines are noisy, ratios less so.

    python3 benchmarks/bench_training.py                     TensorFlow
    KERAS_BACKEND=jax python3 benchmarks/bench_training.py

Measures, in rounds that take turns:
- the backend's float32 matrix product (GEMM), the rate to compare with;
- a training step of the published SCAE, float32 and mixed_bfloat16, in patches/s and as a share of GEMM;
- the same with Keras's own batch normalization, and its upsampling and convolution in two layers;
- heads on cached codes against heads trained through the frozen encoder.
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

import mer.layers
import models
from mer import files, heads
from mer.tasks import PUBLISHED, QUADRANTS
from mer.training import batches, loop
from mer.training.pretexts import denoise

PATCH = (128, 31, 1)
SCAE_GFLOP = 2.43  # of one training step and patch: forward, and twice that backward
GEMM_SIZE = 2048
CODES = 4096  # patches whose codes are cached
LOSSES = {task.name: task.loss for task in PUBLISHED}


class InMemory:
    """Random patches in memory, with the interface of `patches.Patches` that the batches use."""

    def __init__(self, n, seed=0):
        self.data = np.random.default_rng(seed).normal(-6, 2, (n, *PATCH)).astype(np.float32)

    def __len__(self):
        return len(self.data)

    def gather(self, indices):
        return self.data[indices]


def seconds_of(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def gemm_gflops(repeats=5):
    """Rate of a float32 product of two square matrices, GFLOP/s."""
    rng = np.random.default_rng(0)
    a = keras.ops.convert_to_tensor(rng.standard_normal((GEMM_SIZE, GEMM_SIZE), dtype=np.float32))
    seconds = [seconds_of(lambda: keras.ops.convert_to_numpy(keras.ops.matmul(a, a)[0, 0])) for _ in range(repeats)]
    return 2 * GEMM_SIZE**3 / statistics.median(seconds) / 1e9


def scae_step(precision, *, batch, steps, plain=False):
    """Function that trains `steps` steps and returns patches/s; `plain`: with the layers that Keras has."""
    keras.config.set_dtype_policy(precision)
    module = models.load("model_over", pretexts=["denoise"])
    own = mer.layers.BatchNormalization, module.Conv2DTranspose
    if plain:
        mer.layers.BatchNormalization, module.Conv2DTranspose = keras.layers.BatchNormalization, in_two_layers
    model = module.build(PATCH)
    mer.layers.BatchNormalization, module.Conv2DTranspose = own
    keras.config.set_dtype_policy("float32")
    model.compile(loop.DecayingAdam(1e-3), loss="mean_squared_error", **loop.compile_options())
    data = denoise.Denoising(InMemory(batch * steps), noise_sigma=0.3, batch_size=batch)
    model.fit(data, verbose=0)  # traced and warm
    return lambda: batch * steps / seconds_of(lambda: model.fit(data, verbose=0))


def in_two_layers(filters, *, copies, activation, name):
    """`mer.layers.upsampled_conv` as Keras has it."""
    return keras.Sequential([keras.layers.UpSampling2D((copies, 1)), keras.layers.Conv2DTranspose(
        filters, 3, padding="same", activation=activation)], name=name)


def heads_steps(*, batch, chosen_batch, steps):
    """Functions for patches/s: through the frozen encoder, cached codes at the same batch, at the chosen one."""
    module = models.load("model_over", pretexts=["denoise"])
    encoder = module.encoder(module.build(PATCH))
    model = heads.attach(encoder, PUBLISHED)
    encoder.trainable = False
    labels = np.random.default_rng(0).choice(QUADRANTS, CODES)
    truth = {task.name: task.targets(labels) for task in PUBLISHED}
    patches = InMemory(batch * steps)
    through = batches.Emotion(patches, truth, rows=np.arange(batch * steps), tasks=PUBLISHED,
                              batch_size=batch)
    model.compile(loop.DecayingAdam(1e-3), loss=LOSSES, **loop.compile_options())
    model.fit(through, verbose=0)
    codes = np.random.default_rng(1).random((CODES, heads.encoder_of(model).output_shape[1]), dtype=np.float32)
    made = [lambda: batch * steps / seconds_of(lambda: model.fit(through, verbose=0))]
    for size in (batch, chosen_batch):
        on_codes = heads.on_codes(model, PUBLISHED)
        on_codes.compile(loop.DecayingAdam(1e-3), loss=LOSSES, **loop.compile_options())
        cached = batches.Emotion(codes, truth, rows=np.arange(CODES), tasks=PUBLISHED, batch_size=size)
        on_codes.fit(cached, verbose=0)
        made.append(lambda net=on_codes, data=cached: CODES / seconds_of(lambda: net.fit(data, verbose=0)))
    return made


def measure(args):
    works = {"scae_float32": scae_step("float32", batch=args.batch, steps=args.steps),
             "scae_mixed_bfloat16": scae_step("mixed_bfloat16", batch=args.batch, steps=args.steps)}
    works |= {f"{name}_plain": scae_step(name.removeprefix("scae_"), batch=args.batch, steps=args.steps, plain=True)
              for name in tuple(works)}
    names = ("heads_through_encoder", "heads_on_codes", "heads_on_codes_chosen_batch")
    works |= dict(zip(names, heads_steps(batch=args.batch, chosen_batch=args.heads_batch, steps=args.steps),
                      strict=True))
    works["gemm_gflops"] = gemm_gflops
    rounds = {name: [] for name in works}
    for _ in range(args.rounds):
        for name, work in works.items():
            rounds[name].append(work())
    return {name: statistics.median(values) for name, values in rounds.items()}, rounds


def summarise(rates, rounds):
    """Ratios are medians of per-round ratios: what slows a round slows both of its sides."""
    def ratio(a, b, factor=1.0):
        return statistics.median(x * factor / y for x, y in zip(rounds[a], rounds[b], strict=True))

    return {"scae_share_of_gemm": ratio("scae_float32", "gemm_gflops", SCAE_GFLOP),
            "float32_over_plain": ratio("scae_float32", "scae_float32_plain"),
            "bfloat16_over_plain": ratio("scae_mixed_bfloat16", "scae_mixed_bfloat16_plain"),
            "bfloat16_over_float32": ratio("scae_mixed_bfloat16", "scae_float32"),
            "codes_over_encoder_same_batch": ratio("heads_on_codes", "heads_through_encoder"),
            "codes_over_encoder_chosen_batch": ratio("heads_on_codes_chosen_batch", "heads_through_encoder")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=128, help="patches a batch (128)")
    parser.add_argument("--heads-batch", type=int, default=1024, help="chosen batch of the heads (1024)")
    parser.add_argument("--steps", type=int, default=5, help="steps of the slow works in a round (5)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--out", type=Path, help="folder for training.json")
    args = parser.parse_args()
    rates, rounds = measure(args)
    ratios = summarise(rates, rounds)
    print(f"backend {keras.backend.backend()}, {os.cpu_count()} cores")
    for name, value in rates.items():
        print(f"  {name:30s} {value:10.1f} {'GFLOP/s' if 'gemm' in name else 'patches/s'}")
    for name, value in ratios.items():
        print(f"  {name:30s} {value:10.2f}")
    if args.out:
        files.write_json(args.out / "training.json", {"rates": rates, "ratios": ratios})


if __name__ == "__main__":
    main()
