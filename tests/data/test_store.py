import shutil

import numpy as np
import pytest
import soundfile
from conftest import sound

from mer import MerError, corpora
from mer.data import datasets, extract, extract_journal, generate, store
from mer.features import waveform as waveforms
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel


def wav_corpus(folder, n=6, seconds=2.0):
    rng = np.random.default_rng(3)
    root = folder / "data_aishell" / "wav" / "train"
    for i in range(n):
        (root / f"S{i:04d}").mkdir(parents=True, exist_ok=True)
        soundfile.write(root / f"S{i:04d}" / f"BAC009S{i:04d}W0001.wav", sound(rng, seconds=seconds), 16000)
    return folder


def build(make_config, tmp_path, *overrides, data=None, force=False):
    cfg = make_config(f"path_to_data={data or tmp_path}", *overrides, folder=tmp_path / "out")
    corpus = corpora.get("speech", "m")
    listing = corpora.list_clips(corpus, corpora.find_root(corpus, cfg.data_dir, None))
    attributes = {"kind": "speech", "code": "m", "name": "AISHELL-1", "grouped_by": "speaker"}
    return extract.build(cfg.features_dir / "speech_mandarin.h5", listing, of=LogMel(),
                         attributes=attributes, jobs=cfg.extract_jobs, force=force)


def test_store_holds_each_clip_once_and_as_the_features_say(tmp_path, make_config):
    made, n = build(make_config, wav_corpus(tmp_path))
    assert n == 6 and len(made.ids) == 6
    log_mel = LogMel()
    for i, clip in enumerate(made.ids):
        path = tmp_path / "data_aishell" / clip
        waveform = waveforms.load(path, sample_rate_hz=16000)
        np.testing.assert_array_equal(made.clip(i), log_mel.rows(waveform))
        assert made.columns["seconds"][i] == pytest.approx(2.0)
    assert isinstance(made.rows, np.memmap) and not made.rows.flags.writeable


def test_two_processes_make_the_same_bytes_as_one(tmp_path, make_config):
    wav_corpus(tmp_path)
    made, _ = build(make_config, tmp_path, "extract_jobs=1")
    one = made.path.read_bytes()
    made, n = build(make_config, tmp_path, "extract_jobs=2", force=True)
    assert n == 6 and made.path.read_bytes() == one


def test_interruption_loses_one_clip_and_changes_nothing(tmp_path, make_config, monkeypatch):
    wav_corpus(tmp_path)
    made, _ = build(make_config, tmp_path)
    whole = made.path.read_bytes()
    made.path.unlink()

    calls, real = [], waveforms.load

    def load_then_die(path, **kwargs):
        calls.append(path)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(path, **kwargs)

    monkeypatch.setattr(waveforms, "load", load_then_die)
    with pytest.raises(KeyboardInterrupt):
        build(make_config, tmp_path)
    journal = next((tmp_path / "out" / "features").rglob("*.jsonl"))
    with open(journal, "a") as file:
        file.write('{"clip": "half a li')  # what a kill in the middle of a write leaves
    extract_journal._SHARDS.clear()  # the next run is another process
    monkeypatch.setattr(waveforms, "load", real)
    made, n = build(make_config, tmp_path)
    assert n == 3  # three clips were kept, the one in hand was lost
    assert made.path.read_bytes() == whole
    assert not list((tmp_path / "out" / "features").glob("*.parts"))


def test_a_second_run_extracts_nothing_and_a_changed_file_only_itself(tmp_path, make_config):
    wav_corpus(tmp_path)
    made, _ = build(make_config, tmp_path)
    before = made.path.stat().st_mtime_ns
    made, n = build(make_config, tmp_path)
    assert n == 0 and made.path.stat().st_mtime_ns == before
    changed = tmp_path / "data_aishell" / made.ids[2]
    soundfile.write(changed, sound(np.random.default_rng(9), seconds=3.0), 16000)
    old = made.clip(0).copy()
    made, n = build(make_config, tmp_path)
    assert n == 1 and made.columns["seconds"][2] == pytest.approx(3.0)
    np.testing.assert_array_equal(made.clip(0), old)


def test_bad_files_are_listed_with_their_reasons(tmp_path, make_config):
    wav_corpus(tmp_path)
    folder = tmp_path / "data_aishell" / "wav" / "train" / "S0000"
    soundfile.write(folder / "BAC009S0000W0002.wav", np.zeros(32000, np.float32), 16000)
    soundfile.write(folder / "BAC009S0000W0003.wav", sound(np.random.default_rng(1), seconds=0.5), 16000)
    (folder / "BAC009S0000W0004.wav").write_text("this is text")
    (folder / "BAC009S0000W0005.wav").write_bytes(b"")
    nan = np.full(32000, np.nan, np.float32)
    soundfile.write(folder / "BAC009S0000W0006.wav", nan, 16000, subtype="FLOAT")
    made, _ = build(make_config, tmp_path)
    assert len(made.ids) == 6
    reasons = {name.rsplit("W", 1)[1][:4]: reason for name, reason in made.skipped}
    assert set(reasons) == {"0002", "0003", "0004", "0005", "0006"}
    assert "silen" in reasons["0002"] and "patch" in reasons["0003"]
    again, _ = build(make_config, tmp_path)
    assert again.skipped == made.skipped


def test_a_store_of_other_settings_is_refused_by_name(tmp_path, make_config):
    made, _ = build(make_config, wav_corpus(tmp_path))
    with pytest.raises(MerError, match=r"n_fft 2048, now 1024; n_mel_bands 128, now 40.*generate_dataset"):
        store.read(made.path, of=LogMel(n_fft=1024, n_mel_bands=40))
    with pytest.raises(MerError, match="does not exist: run generate_dataset"):
        store.read(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no store")
    with pytest.raises(MerError, match="no HDF5 file.*generate_dataset"):
        store.read(tmp_path / "text.h5")


def test_no_usable_file_is_an_error(tmp_path, make_config):
    folder = tmp_path / "data_aishell" / "wav" / "train" / "S0000"
    folder.mkdir(parents=True)
    (folder / "BAC009S0000W0001.wav").write_text("text")
    with pytest.raises(MerError, match="none of the 1 files"):
        build(make_config, tmp_path)


def test_patches_equal_the_naive_cut(speech):
    patches = speech.patches(Chunks(LogMel(), 1.0, 31), 15)
    naive = []
    for s, i in zip(speech.source, speech.index, strict=True):
        frames = speech.stores[s].clip(i)
        naive += [frames[start:start + 31].T for start in range(0, len(frames) - 30, 15)]
    assert len(patches) == len(naive)
    np.testing.assert_array_equal(patches.gather(np.arange(len(naive)))[..., 0], naive)
    order = np.random.default_rng(0).permutation(len(naive)).reshape(-1, 1)[:4]
    assert patches.gather(order).shape == (4, 1, 128, 31, 1)


def test_two_corpora_join_without_a_copy(cfg, speech):
    generate.run("speech", "m", cfg)
    other = datasets.load("speech", "m", cfg)
    both = speech + other
    patches = both.patches(Chunks(LogMel(), 1.0, 31), 15)
    single = [part.patches(Chunks(LogMel(), 1.0, 31), 15) for part in (speech, other)]
    assert len(patches) == sum(len(part) for part in single)
    last = np.array([0, len(patches) - 1])
    got = patches.gather(last)
    np.testing.assert_array_equal(got[0], single[0].gather(np.array([0]))[0])
    np.testing.assert_array_equal(got[1], single[1].gather(np.array([len(single[1]) - 1]))[0])


def test_mixture_has_equal_hours_and_keeps_speakers_on_their_side(cfg):
    made = generate.run("speech", "x", cfg)
    mixed = datasets.load("speech", "x", cfg)
    assert made.n_clips == len(mixed)
    for side in ("train", "val", "test"):
        part = mixed.side(side)
        seconds = [part.seconds[part.source == s].sum() for s in (0, 1)]
        assert seconds[0] == pytest.approx(seconds[1], abs=4.0)
    for code, number in (("e", 0), ("m", 1)):
        whole = datasets.load("speech", code, cfg)
        sides = dict(zip(whole.ids, whole.split, strict=True))
        part = mixed.take(mixed.source == number)
        assert all(sides[clip] == side for clip, side in zip(part.ids, part.split, strict=True))


def test_the_users_split_file_wins(cfg, music, tmp_path):
    table = cfg.features_dir / "music_english.splits.csv"
    kept = shutil.copy(table, tmp_path / "kept.csv")
    about = datasets.split_about(cfg, "music_english")
    assert about["kind"] == "drawn" and about["grouped_by"] == "artist"
    try:
        table.write_text(table.read_text().replace(",train", ",TRAIN").replace(",test", ",train")
                         .replace(",TRAIN", ",test"))
        assert datasets.split_about(cfg, "music_english")["kind"] == "given"
        swapped = datasets.load("music", "e", cfg)
        assert set(swapped.ids[swapped.split == "test"]) == set(music.ids[music.split == "train"])
        generate.run("music", "e", cfg)  # a second run leaves the user's file alone
        assert list(datasets.load("music", "e", cfg).split) == list(swapped.split)
    finally:
        shutil.copy(kept, table)


def test_a_leak_in_a_given_split_is_said_in_every_report(make_config, data, tmp_path):
    cfg = make_config(folder=tmp_path)
    generate.run("music", "e", cfg)
    table = cfg.features_dir / "music_english.splits.csv"
    assert "leak" not in datasets.split_about(cfg, "music_english")["note"]
    rows = table.read_text().splitlines()
    sides = ["train", "val", "test"] * 7
    given = tmp_path / "mine.csv"
    given.write_text("\n".join([rows[0], *(row.rsplit(",", 1)[0] + f",{side}"
                                           for row, side in zip(rows[1:], sides, strict=False))]))
    made = generate.run("music", "e", cfg, split=given)
    assert "mine.csv" in made.note
    about = datasets.split_about(cfg, "music_english")
    assert about["kind"] == "given" and "leak" in about["note"] and "Artist 0" in about["note"]


def test_missing_store_names_the_command(make_config, tmp_path):
    with pytest.raises(MerError, match=r"generate_dataset\.py -d m -l t"):
        datasets.load("music", "t", make_config(folder=tmp_path))
