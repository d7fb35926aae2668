"""What is on disk is checked: a damaged store, shard or journal is named and made anew, never trained on."""

import os
import shutil

import h5py
import numpy as np
import pytest
import soundfile
from conftest import sound
from test_store import build, wav_corpus

from mer import MerError, files
from mer.data import datasets, store


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_config):
    """A corpus with its store."""
    folder = wav_corpus(tmp_path_factory.mktemp("whole"))
    return folder, build(make_config, folder)[0].path.read_bytes()


@pytest.fixture
def corpus(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "c")
    return tmp_path / "c"


def edited(**values):
    def edit(path):
        with h5py.File(path, "r+") as file:
            for name, change in values.items():
                old = file[name][:]
                del file[name]
                file[name] = change(old)
    return edit


def flip(name):
    def edit(path):
        with h5py.File(path) as file:
            place = file[name].id.get_offset()
        with open(path, "r+b") as file:
            file.seek(place + 3)
            byte = file.read(1)
            file.seek(place + 3)
            file.write(bytes([byte[0] ^ 0x20]))
    return edit


DAMAGE = {
    "bit of a frame": flip("log_mel"), "bit of a duration": flip("seconds"),
    "bit of an offset": flip("offsets"), "double": edited(log_mel=lambda x: x.astype(np.float64)),
    "fraction": edited(offsets=lambda x: x + 0.5), "short": edited(offsets=lambda x: x[:-1]),
    "not rising": edited(offsets=lambda x: x[::-1].copy()), "beyond": edited(offsets=lambda x: x * 9),
    "nan": edited(log_mel=lambda x: np.full_like(x, np.nan)), "flat": edited(log_mel=lambda x: x.reshape(-1)),
    "label": edited(label=lambda x: np.array([b"Q1"] * len(x), object)),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0), "text": lambda path: path.write_text("no store"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_refused_by_name_and_made_anew(corpus, whole, make_config, damage, capsys):
    path = corpus / "out" / "features" / "speech_mandarin.h5"
    DAMAGE[damage](path)
    cfg = make_config(f"path_to_data={corpus}", folder=corpus / "out")
    (cfg.features_dir / "speech_mandarin.splits.csv").touch()
    with pytest.raises(MerError, match=r"speech_mandarin\.h5 .*run 'python3 generate_dataset.py -d s -l m'"):
        datasets.load("speech", "m", cfg)
    made, n = build(make_config, corpus)
    assert n == (1 if damage == "bit of a frame" else 6)
    assert "speech_mandarin.h5" in capsys.readouterr().err
    assert not made.damaged() and path.read_bytes() == whole[1]


def test_a_store_of_an_earlier_version_is_named_and_made_anew(corpus, whole, make_config, capsys):
    path = corpus / "out" / "features" / "speech_mandarin.h5"
    with h5py.File(path, "r+") as file:
        file.attrs["format"] = 2
    assert build(make_config, corpus)[1] == 6
    assert "made by another version of this program (format 2, this one reads 3)" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", [2.0, 20.0])
def test_new_content_of_the_same_size_and_time_is_extracted_again(tmp_path, make_config, seconds):
    made, _ = build(make_config, wav_corpus(tmp_path, n=2, seconds=seconds))
    path = tmp_path / "data_aishell" / made.ids[1]
    stat, old, fingerprint = path.stat(), made.clip(1).copy(), store.ClipSet.of_store(made, ["train"] * 2).fingerprint()
    soundfile.write(path, sound(np.random.default_rng(8), seconds=seconds), 16000)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size and path.stat().st_mtime_ns == stat.st_mtime_ns
    made, n = build(make_config, tmp_path)
    assert n == 1 and not np.array_equal(made.clip(1), old)
    assert store.ClipSet.of_store(made, ["train"] * 2).fingerprint() != fingerprint


def cut_shard(shard, journal):
    os.truncate(shard, 1000)


def flip_shard(shard, journal):
    content = bytearray(shard.read_bytes())
    content[10] ^= 1
    shard.write_bytes(content)


def nan_shard(shard, journal):
    shard.write_bytes(np.full(shard.stat().st_size // 4, np.nan, np.float32).tobytes())


def rewrite(old, new):
    return lambda shard, journal: journal.write_bytes(journal.read_bytes().replace(old, new))


JOURNALS = {"cut shard": cut_shard, "flipped shard": flip_shard, "nan": nan_shard,
            "no shard": lambda shard, journal: shard.unlink(),
            "bytes": lambda shard, journal: journal.write_bytes(b"\xff\x00" + journal.read_bytes()[50:]),
            "list": lambda shard, journal: journal.write_bytes(b"[1]\nnull\n3\n{}\n" + journal.read_bytes()),
            "types": rewrite(b'"byte": 0', b'"byte": "x"'), "far": rewrite(b'"byte": 0', b'"byte": 999999999'),
            "negative": rewrite(b'"byte": 0', b'"byte": -4'), "seconds": rewrite(b'"seconds": 2.0', b'"seconds": 9.0'),
            "fraction": rewrite(b'"n_frames": ', b'"n_frames": 0.'), "empty": rewrite(b"{", b"")}


@pytest.mark.parametrize("damage", JOURNALS)
def test_a_damaged_journal_costs_its_clips_and_nothing_else(corpus, whole, make_config, damage, monkeypatch):
    (corpus / "out" / "features" / "speech_mandarin.h5").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(store, "write", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(make_config, corpus)
    journal = next((corpus / "out" / "features").rglob("*.jsonl"))
    JOURNALS[damage](journal.with_suffix(".f32"), journal)
    made, n = build(make_config, corpus)
    assert (n == 0 if damage == "list" else 0 < n <= 6)
    assert made.path.read_bytes() == whole[1]


def test_external_data_is_never_read(corpus, make_config, capsys):
    path = corpus / "out" / "features" / "speech_mandarin.h5"
    with h5py.File(path, "r+") as file:
        del file["group"]
        file["group"] = h5py.ExternalLink("/etc/hostname", "group")
    assert build(make_config, corpus)[1] == 6
    assert "so it is not read" in capsys.readouterr().err


def test_what_cannot_be_written_leaves_the_old_store(corpus, whole, make_config, monkeypatch):
    soundfile.write(corpus / "data_aishell" / "wav" / "train" / "S0000" / "BAC009S0000W0002.wav",
                    sound(np.random.default_rng(1), seconds=2.0), 16000)
    real, left = files.write_whole, [200_000]

    def full(handle, content, name):
        left[0] -= memoryview(content).nbytes
        if name.suffix == ".h5" and left[0] < 0:
            raise OSError(28, "No space left on device", str(name))
        real(handle, content, name)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_whole", lambda handle, content, name: full(handle, content, type(corpus)(name)))
        with pytest.raises(OSError, match=r"speech_mandarin\.h5"):
            build(make_config, corpus)
    features = corpus / "out" / "features"
    assert (features / "speech_mandarin.h5").read_bytes() == whole[1] and not list(features.glob(".*.part*"))
    assert build(make_config, corpus)[1] == 0  # the clip that was extracted is kept
