"""Prediction from a cold start: quad_pred.py with the exported model beside quad_pred.py with Keras.

    python3 benchmarks/bench_predict.py --weights models_trans/.../MODEL.weights.h5 [--audio SONG.mp3] [--out DIR]

Each measurement is a process of its own, on the same song with the same features; the two ways take turns. The ratio
is the median of the rounds' ratios. Peak memory is ru_maxrss of the process. Without --audio a synthetic mp3 of 30 s,
44.1 kHz stereo, is made; without --weights, the model that quad_pred.py would choose is taken. The weights are copied
and exported anew, so that nothing beside them is touched.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import soundfile

import settings
from mer import config
from mer.weights import catalogue

SECONDS, RATE_HZ = 30, 44100


def make_song(path):
    """Seeded chords under tremolo over noise, stereo."""
    time_s = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    random = np.random.default_rng(0)
    chord = sum(np.sin(2 * np.pi * pitch * time_s) * (1 + np.sin(pitch / 50 * time_s)) for pitch in (110, 277, 440))
    sound = 0.05 * chord[:, None] * [1, 0.7] + 0.01 * random.standard_normal((len(time_s), 2))
    soundfile.write(path, sound, RATE_HZ)
    return path


def copy_and_export(weights, folder):
    """The weights in a folder of their own with a fresh exported file beside them."""
    weights, stem = Path(weights), Path(weights).name.removesuffix(".weights.h5")
    shutil.copy(weights, folder)
    if weights.with_name(stem).is_dir():
        shutil.copytree(weights.with_name(stem), folder / stem)
    subprocess.run([sys.executable, ROOT / "export.py", folder / weights.name], check=True, stdout=subprocess.DEVNULL)
    return folder / weights.name


def measure(weights, song, out, *, engine, pictures):
    """Wall seconds, CPU seconds and peak MiB of one cold prediction."""
    command = [sys.executable, str(ROOT / "quad_pred.py"), "--weights", str(weights), "-i", str(song), "-o", str(out),
               "--engine", engine, "--force", *([] if pictures else ["--no-pictures"])]
    begin = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / scale}


def compare(weights, song, out, *, rounds, pictures):
    """Medians and minima of both ways, and the ratios of wall and CPU seconds."""
    runs = {"onnx": [], "keras": []}
    for engine in runs:
        measure(weights, song, out, engine=engine, pictures=pictures)  # once, so that all files are in memory
    for number in range(rounds):
        for engine in sorted(runs, reverse=number % 2):
            runs[engine].append(measure(weights, song, out, engine=engine, pictures=pictures))
    row = {engine: {f"{name}_{what.__name__}": what(run[name] for run in made) for name in made[0]
                    for what in (statistics.median, min, max)} for engine, made in runs.items()}
    for name in ("seconds", "cpu_seconds"):
        row[f"{name}_ratio"] = statistics.median(
            keras[name] / onnx[name] for onnx, keras in zip(*runs.values(), strict=True))
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="transferred weights")
    parser.add_argument("--audio", type=Path, help="song (default: synthetic, 30 s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds to take medians of (default 5)")
    parser.add_argument("--out", type=Path, help="folder for predict.json")
    args = parser.parse_args()
    weights = args.weights or catalogue.choose(config.load(settings, os.environ))[0].path
    print(f"{weights.name}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    report = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        song = args.audio or make_song(folder / "song.mp3")
        copied = copy_and_export(weights, folder)
        for pictures in (False, True):
            row = compare(copied, song, folder / "out", rounds=args.rounds, pictures=pictures)
            report["with pictures" if pictures else "without pictures"] = row
            print("with pictures" if pictures else "without pictures")
            for engine in ("onnx", "keras"):
                made = row[engine]
                print(f"  {engine:6s} median {made['seconds_median']:5.2f} s, least {made['seconds_min']:5.2f} s, CPU "
                      f"{made['cpu_seconds_median']:5.2f} s, at most {made['mib_max']:4.0f} MiB")
            print(f"  ratio  {row['seconds_ratio']:.1f} in wall time, {row['cpu_seconds_ratio']:.1f} in CPU time",
                  flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "predict.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
