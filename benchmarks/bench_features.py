"""Log-mel features: audio-seconds per CPU-second, ours beside the librosa way of doing the same.

    python benchmarks/bench_features.py [--folder PATH] [--out DIR] [--processes]

Both read the same files in the same process, one thread, in turns; a rate is the median over rounds, and the
ratio is the median of the rounds' ratios, beside the least and the greatest. Without --folder the clips are made here:
seeded synthetic sound of 30 s. With --processes, two processes against one, in wall time: this part means nothing
while others use the machine; the load average before is kept in features.json.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy starts its threads

import argparse
import platform
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import joblib
import librosa
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))
from mer import files
from mer.features import decode
from mer.features import waveform as waveforms
from mer.features.representations.log_mel import LogMel

RATE_HZ = 16000
SECONDS = 30
# Kind -> rate in Hz, channels, suffix, options of the encoder (mp3 by LAME in FFmpeg) of the synthetic clips.
_LAME = {"CBR": {"b": "128000"}, "VBR": {"flags": "+qscale"}}
KINDS = {f"mp3 {rate_hz / 1000:g} kHz {('mono', 'stereo')[n_channels - 1]} {mode}{'' if header else ', no header'}":
         (rate_hz, n_channels, ".mp3", {**options, "write_xing": str(int(header))})
         for rate_hz in (22050, 32000, 44100, 48000) for n_channels in (2, 1) for mode, options in _LAME.items()
         for header in (True, False)}
KINDS |= {"flac 16 kHz": (16000, 1, ".flac", {}), "wav 16 kHz": (16000, 1, ".wav", {})}
SUFFIXES = (".mp3", ".flac", ".ogg", ".wav")
LOG_MEL = LogMel()


def ours(path):
    """Log-mel (n_frames, n_bands) as the project makes it."""
    return LOG_MEL.rows(waveforms.load(path, sample_rate_hz=RATE_HZ))


def librosa_way(path):
    """The same by librosa: load, stft, melspectrogram; its default resampler is soxr_hq."""
    waveform, _ = librosa.load(path, sr=RATE_HZ)
    waveform = waveform / np.abs(waveform).max()
    stft = librosa.stft(waveform, n_fft=2048, hop_length=512, win_length=1024, pad_mode="reflect")
    mel = librosa.feature.melspectrogram(S=np.abs(stft), sr=RATE_HZ, n_mels=128)
    return np.log(mel + np.float32(1.1920929e-07)).T


def make_clips(folder, n_clips):
    """Write `n_clips` seeded clips of each kind, chords under slow tremolo over noise; kind -> paths."""
    clips = {}
    for number, (kind, (rate_hz, n_channels, suffix, options)) in enumerate(KINDS.items()):
        for index in range(n_clips):
            random = np.random.default_rng([index, rate_hz])
            time_s = np.arange(SECONDS * rate_hz) / rate_hz
            pitches = 110 * 2 ** (random.integers(0, 48, 8) / 12)
            chord = sum(np.sin(2 * np.pi * hz * time_s) * (1 + np.sin(hz / 50 * time_s)) for hz in pitches)
            pan = random.uniform(0.3, 1, n_channels)
            sound = 0.04 * chord[:, None] * pan + 0.01 * random.standard_normal((len(time_s), n_channels))
            path = folder / f"{number}-{index}{suffix}"
            if options:
                write_mp3(path, sound.astype(np.float32), rate_hz, **options)
            else:
                soundfile.write(path, sound, rate_hz)
            clips.setdefault(kind, []).append(path)
    return clips


def write_mp3(path, samples, rate_hz, *, write_xing, **options):
    """Encode (n, channels) by LAME, with or without a header that tells the length."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    with av.open(str(path), "w", options={"write_xing": write_xing}) as file:
        stream = file.add_stream("libmp3lame", rate=rate_hz, options=options)
        stream.layout = layout
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)


def find_clips(folder, n_clips):
    """The first `n_clips` files of each kind (format, rate, channels) below `folder`; kind -> paths."""
    clips = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        info = soundfile.info(path)
        kind = f"{path.suffix[1:].lower()} {info.samplerate / 1000:g} kHz, {info.channels} ch"
        if len(clips.setdefault(kind, [])) < n_clips:
            clips[kind].append(path)
    return clips


def cpu_seconds(function, paths):
    start = time.process_time()
    for path in paths:
        function(path)
    return time.process_time() - start


def compare(paths, n_rounds):
    """One row: rates in audio-seconds per CPU-second, their ratio, and how far the two results are apart."""
    read = {function.__name__: [function(path) for path in paths] for function in (ours, librosa_way)}  # warms up
    shorter = [min(map(len, pair)) for pair in zip(*read.values(), strict=True)]
    apart = np.mean([np.abs(one[:n] - other[:n]).mean() for *pair, n in zip(*read.values(), shorter, strict=True)
                     for one, other in [pair]])
    audio_s = {name: sum(map(len, made)) * LOG_MEL.hop_samples / RATE_HZ for name, made in read.items()}
    rounds = []
    for index in range(n_rounds):
        order = (ours, librosa_way) if index % 2 else (librosa_way, ours)
        rounds.append({function.__name__: cpu_seconds(function, paths) for function in order})
    rate = {name: float(np.median([audio_s[name] / one[name] for one in rounds])) for name in rounds[0]}
    share = audio_s["ours"] / audio_s["librosa_way"]  # without a length header, librosa may read less
    ratios = share * np.array([one["librosa_way"] / one["ours"] for one in rounds])
    return {"clips": len(paths), "audio_seconds": round(audio_s["ours"], 1),
            "librosa_seconds": round(audio_s["librosa_way"], 1), "ours": round(rate["ours"]),
            "librosa": round(rate["librosa_way"]), "ratio": round(float(np.median(ratios)), 2),
            "least_ratio": round(ratios.min(), 2), "greatest_ratio": round(ratios.max(), 2),
            "mean_abs_log_difference": float(apart)}


def scaling(paths, n_rounds, *, busy_seconds=3.0):
    """One row: audio-seconds per wall second of one and of two processes, and the ratio.

    The list is repeated until one process is busy for `busy_seconds`, so that handing out work is not what
    is measured.
    """
    start = time.perf_counter()
    for path in paths:
        ours(path)
    jobs = list(paths) * max(2, round(busy_seconds / (time.perf_counter() - start)))
    audio_s = sum(decode.duration_seconds(path) for path in paths) * len(jobs) / len(paths)
    rounds = []
    for _ in range(n_rounds):
        rounds.append([wall_seconds(n_processes, jobs) for n_processes in (1, 2)])
    one, two = np.median(rounds, axis=0)
    ratio = float(np.median([first / second for first, second in rounds]))
    return {"clips": len(jobs), "one_process": round(audio_s / one), "two_processes": round(audio_s / two),
            "ratio": round(ratio, 2)}


def wall_seconds(n_processes, jobs):
    """Wall time of all jobs in a pool whose workers have started and warmed up."""
    with joblib.Parallel(n_jobs=n_processes, batch_size="auto") as pool:
        pool(joblib.delayed(_features)(path) for path in jobs[:16 * n_processes])
        start = time.perf_counter()
        pool(joblib.delayed(_features)(path) for path in jobs)
        return time.perf_counter() - start


def _features(path):
    """Worker: make the features and give back only their number."""
    return len(ours(path))


def machine():
    """What the numbers depend on."""
    return {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count(),
            "python": platform.python_version(), "numpy": np.__version__, "librosa": librosa.__version__,
            "libsndfile": soundfile.__libsndfile_version__, "load_average_before": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="measure these files instead of synthetic ones")
    parser.add_argument("--out", type=Path, help="folder for features.json")
    parser.add_argument("--clips", type=int, default=4, help="files of each kind (default 4)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds to take medians of (default 7)")
    parser.add_argument("--processes", action="store_true", help="also set two processes against one (wall time)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        clips = (find_clips if args.folder else make_clips)(folder, args.clips)
        report = {"machine": machine(), "one_process": {}, "two_processes": {}}
        print(f"{'audio-seconds per CPU-second':36}{'ours':>8}{'librosa':>9}{'ratio':>7}{'of rounds':>12}"
              f"{'seconds read':>18}   mean |difference|")
        for kind, paths in clips.items():
            row = report["one_process"][kind] = compare(paths, args.rounds)
            print(f"{kind:36}{row['ours']:8}{row['librosa']:9}{row['ratio']:7.2f}"
                  f"{row['least_ratio']:7.2f}{row['greatest_ratio']:5.2f}"
                  f"{row['audio_seconds']:9}{row['librosa_seconds']:9}"
                  f"   {row['mean_abs_log_difference']:.1e}", flush=True)
        if args.processes:
            print(f"\n{'audio-seconds per second':32}{'1 proc.':>8}{'2 proc.':>9}{'ratio':>7}")
        for kind, paths in clips.items() if args.processes else ():
            row = report["two_processes"][kind] = scaling(paths, args.rounds)
            print(f"{kind:32}{row['one_process']:8}{row['two_processes']:9}{row['ratio']:7.2f}", flush=True)
    if args.out:
        files.write_json(args.out / "features.json", report)


if __name__ == "__main__":
    main()
