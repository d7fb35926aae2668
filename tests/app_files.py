"""Tiny models and songs for the page of app.py, and the command that opens it."""

import json
import os
import socket
import subprocess
import sys
import threading

import numpy as np
import onnx
import soundfile
from conftest import ROOT

from mer.prediction import predict
from mer.tasks import PUBLISHED, labels_of
from mer.weights import catalogue, engines, onnx_file

SETTINGS = {"sample_rate_hz": 16000, "n_fft": 2048, "window_samples": 1024, "hop_samples": 512, "n_mel_bands": 128,
            "patch_frames": 31, "patch_seconds": 1.0}
SECONDS = 12
UPLOAD_MB = 1


def write_model(folder, *, speech, music, corpus="real", seed=0):
    """A network of one layer in the format of export.py, which answers at once."""
    helper, rng = onnx.helper, np.random.default_rng(seed)
    nodes = [helper.make_node("ReduceMean", ["patch", "axes"], ["bands"], keepdims=0)]
    constants = [onnx.numpy_helper.from_array(np.array([2, 3]), "axes")]
    for task in PUBLISHED:
        weights = rng.normal(0, 0.05, (128, len(task.classes))).astype(np.float32)
        constants.append(onnx.numpy_helper.from_array(weights, f"{task.name}_weights"))
        nodes += [helper.make_node("MatMul", ["bands", f"{task.name}_weights"], [f"{task.name}_sums"]),
                  helper.make_node("Softmax", [f"{task.name}_sums"], [task.name])]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(nodes, "tiny", [helper.make_tensor_value_info("patch", kind, ["n", 128, 31, 1])],
                              [helper.make_tensor_value_info(task.name, kind, ["n", len(task.classes)])
                               for task in PUBLISHED], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    about = {"model": "model_scae", "title": f"Tiny {seed}", "pretext": "denoise", "speech": speech, "music": music,
             "release": "y", "it": 0, "corpus": corpus}
    helper.set_model_props(model, {"format": onnx_file.FORMAT, "title": "", "sha256": "", "about": json.dumps(about),
                                   "labels": json.dumps(labels_of(PUBLISHED)), "settings": json.dumps(SETTINGS),
                                   "export": json.dumps({"compress": None, "tolerance": 1e-4, "max_difference": 0.0})})
    folder.mkdir(parents=True)
    path = folder / f"model_scae.multitask.spec.it_{seed}.lr_5e-05.onnx"
    onnx.save(model, path)
    return path


def write_folder(made):
    """Models and songs: English to English; Mandarin to Mandarin, of the demo corpus."""
    rng = np.random.default_rng(0)
    write_model(made / "models_trans" / "speech_eng_2_music_eng", speech="e", music="e")
    write_model(made / "models_trans" / "speech_man_2_music_man", speech="m", music="m", corpus="demo", seed=1)
    t = np.arange(SECONDS * 16000) / 16000
    tone = np.sin(2 * np.pi * (200 + 150 * np.sin(t / 2)) * t) * np.abs(np.sin(t / 3))
    soundfile.write(made / "a song & <b>.wav", 0.5 * tone + 0.02 * rng.standard_normal(len(t)), 16000)
    soundfile.write(made / "silent.wav", np.zeros(16000 * 3), 16000)
    soundfile.write(made / "old.aiff", 0.5 * tone[:16000 * 4], 16000)  # Chromium has no player for it
    (made / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt nothing more")
    (made / "large.wav").write_bytes(bytes(UPLOAD_MB * 2**20 + 10**6))
    return made


def models_in(folder):
    return [catalogue.named(path) for path in sorted((folder / "models_trans").rglob("*.onnx"))]


def predicted(folder):
    """The prediction of the song by the first model, by the way of quad_pred.py."""
    engine = engines.open_engine(models_in(folder)[0], engine="auto", load_module=None)
    return predict.predict_file(folder / "a song & <b>.wav", [engine])


def run_app(*flags, **environment):
    return subprocess.run([sys.executable, ROOT / "app.py", *flags], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment}, check=False)


# Python reads this file at its start: the server says where else it wants to go.
WATCH = """import sys
def watch(event, values):
    if event in ("socket.connect", "socket.getaddrinfo"):
        where = values[0] if event == "socket.getaddrinfo" else values[1][0] if type(values[1]) is tuple else "local"
        if where not in ("127.0.0.1", "localhost", "0.0.0.0", "::1", "local", "", None):
            print("it wants to go to", where, flush=True)
sys.addaudithook(watch)
"""


def start(folder):
    """The page on a free port: process, address."""
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    places = [f"--set=path_to_{name}={folder / name}" for name in ("models", "models_trans", "data")]
    places += [f"--weights={one.path}" for one in models_in(folder)]
    process = subprocess.Popen([sys.executable, ROOT / "app.py", "--no-browser", "--port", str(port), "--upload-mb",
                                str(UPLOAD_MB), *places], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env={**os.environ, "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(folder / "watch")})
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    lines = []
    for line in process.stdout:
        lines.append(line)
        assert "it wants to go" not in line
        if line.startswith("The page is at"):
            watchdog.cancel()
            return process, f"http://127.0.0.1:{port}"
    raise AssertionError("".join(lines))
