"""Small corpora in the official layouts, made of seeded sound, and settings that fit them."""

import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
pytest.register_assert_rewrite("download_server", "legacy_files")  # helpers that assert
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
SHARED = ROOT.parent / "shared"
for name in [name for name in os.environ if name.startswith("MER_")]:
    del os.environ[name]  # a user's own overrides must not change what is tested


def pytest_collection_modifyitems(items):
    """Files that are marked `first` come first; the order within a file stays."""
    items.sort(key=lambda item: item.get_closest_marker("first") is None)


@pytest.fixture(scope="session")
def shared():
    """Folder of real audio and reference files, which a user does not have."""
    if not SHARED.is_dir():
        pytest.skip("the folder of reference files (shared/) is not here")
    return SHARED


def sound(rng, *, seconds, rate=16000, pitch_hz=220.0):
    """A few decaying partials over noise, float32, shape (n,)."""
    t = np.arange(int(seconds * rate)) / rate
    beat = np.exp(-3 * (t * rng.uniform(1, 4) % 1))
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 6))
    return (0.2 * beat * tone + 0.02 * rng.standard_normal(len(t))).astype(np.float32)


def write_speech(data, rng, *, speakers=5, clips=2, seconds=4.0):
    """LibriSpeech and AISHELL-1 trees."""
    for speaker in range(1, speakers + 1):
        for clip in range(clips):
            folder = data / "LibriSpeech" / "train-clean-100" / str(speaker) / "7"
            folder.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / f"{speaker}-7-{clip:04d}.flac", sound(rng, seconds=seconds), 16000)
            folder = data / "data_aishell" / "wav" / "train" / f"S{speaker:04d}"
            folder.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / f"BAC009S{speaker:04d}W{clip:04d}.wav", sound(rng, seconds=seconds), 16000)


def write_music(data, rng, *, clips=5, seconds=3.0):
    """4Q-Emotion and CH-818 trees; the pitch differs by quadrant, so that there is something to learn."""
    fourq, ch818 = data / "MER_audio_taffc_dataset", data / "CH818"
    ch818.mkdir(parents=True)
    annotations, metadata, plane = ["Song,Quadrant"], ["Song,Artist,Title,Quadrant"], ["Song,Arousal,Valence"]
    signs = {"Q1": (1, 1), "Q2": (1, -1), "Q3": (-1, -1), "Q4": (-1, 1)}
    for number, quadrant in enumerate(signs, start=1):
        (fourq / quadrant).mkdir(parents=True)
        for clip in range(clips):
            song = f"MT{number:02d}{clip:08d}"
            made = sound(rng, seconds=seconds, rate=22050, pitch_hz=110.0 * 2**number)
            soundfile.write(fourq / quadrant / f"{song}.mp3", made, 22050)
            annotations.append(f"{song},{quadrant}")
            metadata.append(f"{song},Artist {clip},Title,{quadrant}")
            soundfile.write(ch818 / f"{number}{clip:02d}.mp3", made[::-1], 22050)
            plane.append(f"{number}{clip:02d}.mp3,{3 * signs[quadrant][0]},{2 * signs[quadrant][1]}")
    (fourq / "panda_dataset_taffc_annotations.csv").write_text("\n".join(annotations))
    (fourq / "panda_dataset_taffc_metadata.csv").write_text("\n".join(metadata))
    (ch818 / "CH818_annotations.csv").write_text("\n".join(plane))


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Folder that holds small corpora in the official layouts."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    write_speech(folder, rng)
    write_music(folder, rng)
    return folder


@pytest.fixture(scope="session")
def make_config(data, tmp_path_factory):
    """Function: overrides -> Config for the small corpora; results go to a folder of the session."""
    import settings
    from mer import config

    results = tmp_path_factory.mktemp("results")

    def make(*overrides, folder=results):
        base = {"path_to_data": data, "path_to_features": folder / "features", "path_to_models": folder / "models",
                "path_to_models_trans": folder / "models_trans", "path_to_results": folder / "results",
                "pretrain_epochs": 1, "heads_epochs": 3, "full_epochs": 1, "scratch_epochs": 1,
                "pretrain_batch_patches": 16, "heads_batch_patches": 16, "full_batch_patches": 16,
                "scratch_batch_patches": 16, "cpc_batch_sequences": 4, "contrast_epochs": 1, "contrast_steps": 2,
                "contrast_batch_clips": 4, "n_bootstrap": 50, "extract_jobs": 1,
                "cross_tests": False}
        return config.load(settings, {}, [f"{name}={value}" for name, value in base.items()] + list(overrides))

    return make


@pytest.fixture(scope="session")
def cfg(make_config):
    return make_config()


@pytest.fixture(scope="session")
def speech(cfg):
    """Clips of the small English speech corpus."""
    from mer.data import datasets, generate
    generate.run("speech", "e", cfg)
    return datasets.load("speech", "e", cfg)


@pytest.fixture(scope="session")
def music(cfg):
    """Clips of the small English music corpus."""
    from mer.data import datasets, generate
    generate.run("music", "e", cfg)
    return datasets.load("music", "e", cfg)


HOURS = 8 * 3 * 2.5 / 3600  # of speech in each language of `corpora_folder`


@pytest.fixture(scope="module")
def corpora_folder(tmp_path_factory):
    """Folder that holds more and shorter clips than `data`, for the tests of splits."""
    folder = tmp_path_factory.mktemp("corpora")
    rng = np.random.default_rng(5)
    write_speech(folder, rng, speakers=8, clips=3, seconds=2.5)
    write_music(folder, rng, clips=8, seconds=2.0)
    return folder


@pytest.fixture
def configure(make_config, corpora_folder, tmp_path):
    """Function: overrides -> Config for `corpora_folder`; results go to a folder of the test."""
    return lambda *overrides: make_config(f"path_to_data={corpora_folder}", *overrides, folder=tmp_path)


@pytest.fixture
def server(monkeypatch):
    """A local server of archives, which does not wait between rounds; see `download_server`."""
    from download_server import Server

    from mer.inventory import resume
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(resume, "WAIT_SECONDS", 0)
    monkeypatch.setattr(resume, "CHUNK_BYTES", 1000)
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def libri(monkeypatch, server):
    """The archive dev-clean of LibriSpeech, made small and offered by the server."""
    from download_server import LIBRI, libri_files, offer, pack
    packed = pack(libri_files("dev-clean"))
    offer(monkeypatch, server, LIBRI, "dev-clean", packed, "dev-clean")
    return packed


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def patches(rng):
    """Three patches whose bands differ, (n, 1, bands, frames)."""
    return (rng.normal(-4, 3, (3, 1, 128, 1)) + rng.normal(0, 2, (3, 1, 128, 31))).astype(np.float32)
