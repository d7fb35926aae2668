"""The demo corpus: layout, tables, determinism, resuming, overlap of the quadrants, singing in tune."""

import csv
import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
pytest.importorskip("espeakng_loader", reason="make_demo_corpus.py needs requirements-demo.txt")
pytest.importorskip("tinysoundfont", reason="make_demo_corpus.py needs requirements-demo-nodeps.txt")
soundfile = pytest.importorskip("soundfile")

import make_demo_corpus  # noqa: E402
from demo_corpus import build, layout, plan, singing, speech, voices, words  # noqa: E402
from mer import MerError  # noqa: E402

TINY = {"clips_per_quadrant": 1, "minutes_speech": 0.1}
SIGNS = {"Q1": (1, 1), "Q2": (1, -1), "Q3": (-1, -1), "Q4": (-1, 1)}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "data"
    assert build.make(out, jobs=2, **TINY)
    return out


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# ---- files on disk -----------------------------------------------------------------------------------------------


def test_speech_is_laid_out_like_librispeech_and_aishell(corpus):
    flacs = sorted((corpus / "LibriSpeech/train-clean-100").rglob("*.flac"))
    wavs = sorted((corpus / "data_aishell/wav/train").rglob("*.wav"))
    assert len({path.parent for path in flacs}) >= 12 and len({path.parent for path in wavs}) >= 12
    for path in flacs:
        reader, chapter, number = path.stem.split("-")
        assert path.parent.name == chapter and path.parent.parent.name == reader and len(number) == 4
        lines = (path.parent / f"{reader}-{chapter}.trans.txt").read_text().splitlines()
        text = dict(line.split(" ", 1) for line in lines)[path.stem]
        assert text == text.upper() and all(word.replace("'", "").isalpha() for word in text.split())
    transcript = (corpus / "data_aishell/transcript/aishell_transcript_v0.8.txt").read_text(encoding="utf-8")
    assert sorted(line.split()[0] for line in transcript.splitlines()) == sorted(path.stem for path in wavs)
    assert all(path.stem.startswith(f"BAC009{path.parent.name}W") for path in wavs)


def test_speakers_table_has_the_official_columns(corpus):
    lines = [line for line in (corpus / "LibriSpeech/SPEAKERS.TXT").read_text().splitlines() if line[0] != ";"]
    readers = {path.name for path in (corpus / "LibriSpeech/train-clean-100").iterdir()}
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert {row[0] for row in cells} == readers
    assert all(row[1] in "FM" and row[2] == "train-clean-100" and float(row[3]) > 0 for row in cells)


def test_sound_has_the_rates_of_the_corpora_and_is_neither_silent_nor_clipped(corpus):
    wanted = {"LibriSpeech": (16000, 1, ".flac"), "data_aishell": (16000, 1, ".wav"),
              "MER_audio_taffc_dataset": (22050, 2, ".mp3"), "CH818": (44100, 2, ".mp3")}
    for tree, (rate, channels, suffix) in wanted.items():
        paths = sorted((corpus / tree).rglob(f"*{suffix}"))
        assert paths
        for path in paths:
            samples, found_rate = soundfile.read(path, always_2d=True)
            assert (found_rate, samples.shape[1]) == (rate, channels)
            assert 0.02 < np.abs(samples).max() < 1.0
            seconds = len(samples) / rate
            assert (11.9 < seconds < 15.2) if suffix == ".mp3" else (1.0 < seconds < 20.0)


def test_annotations_agree_with_folders_and_quadrants(corpus):
    music = corpus / "MER_audio_taffc_dataset"
    table = rows(music / "panda_dataset_taffc_annotations.csv")
    assert {(row["Quadrant"], f"{row['Song']}.mp3") for row in table} == \
        {(path.parent.name, path.name) for path in music.rglob("*.mp3")}
    metadata = {row["Song"]: row for row in rows(music / "panda_dataset_taffc_metadata.csv")}
    assert all(metadata[row["Song"]]["Quadrant"] == row["Quadrant"] and metadata[row["Song"]]["Artist"]
               for row in table)
    composed = {f"{row['clip']}.mp3": row["quadrant"] for row in rows(corpus / "scores_mandarin.csv")}
    plane = rows(corpus / "CH818/CH818_annotations.csv")
    assert {row["Song"] for row in plane} == set(composed) == {path.name for path in (corpus / "CH818").glob("*.mp3")}
    for row in plane:
        arousal, valence = float(row["Arousal"]), float(row["Valence"])
        assert (np.sign(arousal), np.sign(valence)) == SIGNS[composed[row["Song"]]]
        assert 1 < abs(arousal) <= 10 and 1 < abs(valence) <= 10


def test_every_tree_says_that_it_is_synthetic(corpus):
    for tree in layout.TREES.values():
        text = (corpus / tree / "README.txt").read_text()
        assert "SYNTHETIC" in text and "seed 1" in text and "nothing about people" in text


def test_the_readers_of_the_project_accept_every_clip(corpus):
    corpora = pytest.importorskip("mer.corpora")
    for kind, code in (("speech", "e"), ("speech", "m"), ("music", "e"), ("music", "m")):
        module = corpora.get(kind, code)
        listing = corpora.list_clips(module, corpora.find_root(module, corpus, None))
        assert not listing.skipped
        assert len(listing.clips) == sum(path.suffix in (".flac", ".wav", ".mp3")
                                         for path in (corpus / layout.TREES[kind, module.LANGUAGE]).rglob("*"))


# ---- making it again ---------------------------------------------------------------------------------------------


def test_second_run_touches_nothing(corpus):
    before = {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}
    started = time.perf_counter()
    assert not build.make(corpus, **TINY)
    assert time.perf_counter() - started < 1
    assert before == {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}


def test_one_process_and_a_resumed_run_give_the_same_bytes(corpus, tmp_path):
    again = tmp_path / "again"
    build.make(again, jobs=1, **TINY)
    whole = contents(corpus)
    assert contents(again) == whole
    lost = [next(again.rglob(f"*{suffix}")) for suffix in (".flac", ".mp3")]
    cut = next(again.rglob("*.wav"))
    lost[0].unlink()
    lost[1].unlink()
    cut.write_bytes(cut.read_bytes()[:1000])
    kept = next(path for path in again.rglob("*.flac"))
    stamp = kept.stat().st_mtime_ns
    assert build.make(again, jobs=1, **TINY)
    assert contents(again) == whole and kept.stat().st_mtime_ns == stamp


def test_another_seed_gives_other_clips():
    first, second = (plan.clips("english", 2, seed)[0].score() for seed in (1, 2))
    assert first.cues != second.cues
    assert plan.clips("english", 2, 1)[0].score() == first


def test_other_settings_are_refused_until_forced(corpus, tmp_path):
    with pytest.raises(MerError, match="seed 1 instead of 2.*--force"):
        build.make(corpus, seed=2, **TINY)
    with pytest.raises(MerError, match="at least 1 clip"):
        build.make(tmp_path / "x", clips_per_quadrant=0)


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    real = tmp_path / "LibriSpeech/real.flac"
    real.parent.mkdir()
    real.write_bytes(b"real")
    with pytest.raises(MerError, match="not empty.*--out"):
        build.make(tmp_path, force=True, **TINY)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(MerError, match="not the manifest"):
        build.make(tmp_path, force=True, **TINY)
    (tmp_path / "manifest.json").write_text(json.dumps({"settings": {"version": 1}}))
    build._clear(tmp_path)
    assert real.read_bytes() == b"real"


def test_a_missing_package_is_named_with_its_command(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tinysoundfont" else find(name))
    with pytest.raises(MerError, match="tinysoundfont.*pip install --no-deps -r requirements-demo-nodeps.txt"):
        build.make(tmp_path / "x", **TINY)
    assert not (tmp_path / "x").exists()


def test_a_crash_in_a_worker_is_a_sentence():
    crash = (exec, "import os; os.abort()", {})
    with pytest.raises(MerError, match="a worker died"):
        build._run([[crash], [crash]], jobs=2)


def test_script_answers_help_at_once_and_reports(corpus, capsys):
    started = time.perf_counter()
    done = subprocess.run([sys.executable, str(ROOT / "make_demo_corpus.py"), "-h"], capture_output=True, text=True)
    assert done.returncode == 0 and "--clips-per-quadrant" in done.stdout and time.perf_counter() - started < 1
    make_demo_corpus.main(["--out", str(corpus), "--clips-per-quadrant", "1", "--minutes-speech", "0.1"])
    assert "nothing to do" in capsys.readouterr().out


# ---- words -------------------------------------------------------------------------------------------------------


def test_there_are_enough_different_sentences_and_all_are_mandarin_that_is_said_to_be():
    assert all(len(set(sentences)) >= 60 for sentences in words.SENTENCES.values())
    for text in [*words.SENTENCES["mandarin"], *(line for s in words.STANZAS["mandarin"] for line in s.lines)]:
        spoken = voices.say(text.replace(" ", ""), voice="cmn")
        assert not [name for _, name in spoken.phonemes if name.startswith("(")], text  # a switch to English


@pytest.mark.parametrize("language", ["english", "mandarin"])
def test_every_line_has_the_syllables_of_its_metre(language):
    singers = {clip.artist.singer.voice for clip in plan.clips(language, 16, 1)}
    for voice in sorted(singers)[::3]:
        for stanza in words.STANZAS[language]:
            for line in stanza.lines:
                assert singing.count_syllables(line, voice) == len(stanza.metre), (line, voice)


def test_default_plan_has_a_dozen_speakers_and_about_the_wanted_minutes():
    for language, unit in (("english", 17.1), ("mandarin", 3.55)):
        planned = speech.utterances(language, 4.5, 1)
        by_speaker = {}
        for utterance in planned:
            by_speaker.setdefault(utterance.speaker, []).append(utterance)
        assert len(by_speaker) >= 12 and min(map(len, by_speaker.values())) >= 2
        # unit: signs a second at 160 words a minute, see speech.py
        seconds = sum(len(u.text if language == "english" else u.text.replace(" ", "")) / unit * 160 / u.speaker.rate
                      for u in planned)
        assert 3.5 < seconds / 60 < 5


def test_the_same_sentence_sounds_the_same_whatever_was_said_before():
    first = voices.say("She sells sea shells.", voice="en-us+f3", seed=3)
    voices.say("今天天气很好", voice="cmn+m1")
    again = voices.say("She sells sea shells.", voice="en-us+f3", seed=3)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert first.phonemes == again.phonemes


def test_an_unknown_voice_is_refused():
    with pytest.raises(MerError, match="no voice 'xx-nowhere'"):
        voices.say("hello", voice="xx-nowhere")
