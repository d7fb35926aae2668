"""`corpora.py --check`: what is wrong with corpora, in trees with the traps that real folders hold."""

import csv
import importlib
import json
import os
import re
import shutil
import sys

import numpy as np
import pytest
import soundfile
from conftest import sound
from surveying import described, make_config
from test_annotations import write
from test_corpora import touch

from mer import MerError, corpora
from mer.corpora import librispeech
from mer.inventory import check, probe, survey

RNG = np.random.default_rng(3)


def save(path, *, seconds=3.0, rate=16000, samples=None):
    """One audio file of noise of its own, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sound(RNG, seconds=seconds, rate=rate) if samples is None else samples
    soundfile.write(path, samples, rate, format=path.suffix[1:].upper())
    return path


def cut(path, share=0.5):
    """Keep the beginning of a file, as a broken download does."""
    path.write_bytes(path.read_bytes()[:int(path.stat().st_size * share)])


def checked(folder, kind, code, **options):
    cfg = make_config(folder)
    return check.check(survey.look(corpora.get(kind, code), cfg), cfg, **options)


def told(result, kind):
    """File to detail of the findings of one kind."""
    return {found.file: found.detail for found in result.findings if found.kind == kind}


# ---- 4Q-Emotion: nearly every trap in one tree ---------------------------------------------------------------

@pytest.fixture(scope="module")
def fourq(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fourq")
    root = folder / "MER_audio_taffc_dataset"
    names = [f"Q{quadrant}/MT{quadrant}{number}.mp3" for quadrant in range(1, 5) for number in range(1, 5)]
    for name in names:
        save(root / name, rate=22050)
    (root / "Q1/MT11.mp3").rename(root / "Q1/MT11.MP3")
    cut(root / "Q1/MT12.mp3")
    save(root / "Q2/MT21.mp3", rate=22050, samples=np.zeros(66150, np.float32))
    save(root / "Q2/MT22.mp3", rate=22050, seconds=1.5)
    tag = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)  # an empty tag: other bytes, the same sound
    (root / "Q4/MT41.mp3").write_bytes(tag + (root / "Q3/MT31.mp3").read_bytes())
    save(root / "Q4/unlabelled song.mp3", rate=22050)
    (root / "Q3/notes.mp3").write_text("#EXTM3U\n")
    rows = [f"{name[3:7]};{name[:2]}" for name in names if name != "Q2/MT23.mp3"] + ["MT23;Q3", "MT99;Q4", "notes;Q3"]
    write(root / "panda_dataset_taffc_annotations.csv", "Song;Quadrant\n" + "\n".join(rows), "utf-8-sig")
    rows = [f"{name[3:7]},Singer {name[5]},Title,{name[:2]}" for name in names]
    write(root / "panda_dataset_taffc_metadata.csv", "Song,Artist,Title,Quadrant\n" + "\n".join(rows))
    return folder


def test_every_trap_of_a_music_corpus_is_named(fourq):
    result = checked(fourq, "music", "e")
    assert told(result, "missing") == {
        "MT99": "panda_dataset_taffc_annotations.csv, line 18: no such audio file",
        "(all)": "18 audio files, 900 expected"}
    assert list(told(result, "no label")) == ["Q4/unlabelled song.mp3"]
    damaged = told(result, "damaged")
    assert list(damaged) == ["Q1/MT12.mp3", "Q3/notes.mp3"]
    assert re.match(r"is truncated: 1\.\d+ s came, but it announces 3\.", damaged["Q1/MT12.mp3"])
    assert damaged["Q3/notes.mp3"].startswith("is text, but audio was expected")
    assert list(told(result, "silent")) == ["Q2/MT21.mp3"]
    assert told(result, "too short") == {"Q2/MT22.mp3": "1.5 s, where the clips of this corpus have 3.0 s"}
    assert told(result, "duplicate") == {
        "Q4/MT41.mp3": "the same audio as Q3/MT31.mp3, labelled Q3 there and Q4 here, artist Singer 3 there and "
                       "Singer 4 here"}
    assert "labelled Q3, but its folder or name says Q2" in told(result, "mislabelled")["Q2/MT23.mp3"]
    assert told(result, "left out") == told(result, "note") == {} and len(result.findings) == 9
    assert result.n_files == 18 and 40 < result.hours * 3600 < 54


def test_an_interrupted_check_goes_on_and_finds_the_same(fourq):
    whole = checked(fourq, "music", "e", force=True)
    journal = fourq / "features" / "music_english.check.jsonl"
    assert whole.n_read == 18 and checked(fourq, "music", "e").n_read == 0
    cut(journal, 0.55)  # the last line is half a line
    rest = checked(fourq, "music", "e")
    assert 5 < rest.n_read < 13 and rest.findings == whole.findings and rest.hours == whole.hours
    assert checked(fourq, "music", "e").n_read == 0
    os.utime(fourq / "MER_audio_taffc_dataset/Q1/MT12.mp3")
    again = checked(fourq, "music", "e")
    assert again.n_read == 1 and again.findings == whole.findings
    two = checked(fourq, "music", "e", jobs=2, force=True)
    assert two.findings == whole.findings and two.n_read == 18


def test_the_summary_the_csv_and_the_status(fourq, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    out = fourq / "findings.csv"
    script = importlib.import_module("corpora").main
    argv = ["--check", "--set", f"path_to_data={fourq}", "--set", f"path_to_features={fourq / 'features'}"]
    assert script([*argv, "--out", str(out)]) == 1
    text = capsys.readouterr().out
    assert "4Q-Emotion (-d m -l e) in" in text and "18 files, 0.01 h (18 known from an earlier check" in text
    assert "    damaged (2)\n        Q1/MT12.mp3: is truncated" in text
    assert ("2 missing, 1 no label, 2 damaged, 1 silent, 1 too short, 1 duplicate, 1 mislabelled.\n"
            "Not found, so not checked: LibriSpeech, AISHELL-1, CH-818, EMOPIA, ") in text
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9 and list(rows[0]) == ["corpus", "kind", "file", "detail"]
    assert {row["corpus"] for row in rows} == {"4Q-Emotion"} and not list(fourq.glob(".findings*"))
    assert script([*argv, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert len(data["corpora"][0]["findings"]) == 9 and len(data["not_found"]) > 4
    with pytest.raises(MerError, match="TR-MUSIC was looked for as TR-MUSIC in"):
        script([*argv, "-d", "m", "-l", "t"])


# ---- the other music corpora ---------------------------------------------------------------------------------

def test_ch818_contradictions_and_clips_on_an_axis(tmp_path):
    for name in ("月亮 代表.mp3", "b.MP3", "c.mp3", "d.mp3"):
        save(tmp_path / "CH818" / name, rate=22050)
    write(tmp_path / "CH818/ratings.csv", "clip;quadrant;arousal;valence\n月亮 代表;Q1;2,5;3\nb;Q1;-4;3\nc;Q2;5;-1\n"
                                          "c;Q3;-5;-1\n", "utf-8-sig")
    result = checked(tmp_path, "music", "m")
    wrong = told(result, "mislabelled")
    assert "quadrant Q1 disagrees with arousal -0.4 and valence 0.3" in wrong["b.MP3"]
    assert "listed more than once, with different labels" in wrong["c.mp3"]
    assert list(told(result, "no label")) == ["d.mp3"] and len(result.findings) == 4
    assert told(result, "missing") == {"(all)": "4 audio files, 818 expected"}
    write(tmp_path / "CH818/ratings.csv", "clip;arousal;valence\n月亮 代表;2,5;3\nb;0;3\nc;5;-1\nd;-1;-1\n")
    assert "lies on an axis" in told(checked(tmp_path, "music", "m"), "note")["b.MP3"]


def test_trmusic_labels_of_the_users_csv_against_the_folders(tmp_path):
    for name in ("Mutlu/şarkı 1.mp3", "KIZGIN/2.mp3", "uzgun/3.mp3", "other/4.mp3"):
        save(tmp_path / "TR-MUSIC" / name, rate=22050)
    shutil.copy(tmp_path / "TR-MUSIC/Mutlu/şarkı 1.mp3", tmp_path / "TR-MUSIC/uzgun/kopya.mp3")
    result = checked(tmp_path, "music", "t")
    assert list(told(result, "no label")) == ["other/4.mp3"]
    assert told(result, "duplicate") == {
        "uzgun/kopya.mp3": "the same audio as Mutlu/şarkı 1.mp3, labelled Q1 there and Q3 here"}
    write(tmp_path / "TR-MUSIC/annotations.csv", "path,quadrant\nMutlu/şarkı 1.mp3,Q1\nKIZGIN/2.mp3,Q4\n3,Q3\n4,Q4\n"
                                                 "kopya,Q3\n")
    result = checked(tmp_path, "music", "t")
    assert told(result, "mislabelled") == {"KIZGIN/2.mp3": "labelled Q4, but its folder says Q2"}
    assert told(result, "note") == {"(all)": "5 audio files, 400 expected"} and told(result, "missing") == {}


def test_emopia_names_against_folders_and_lists(tmp_path):
    for name in ("Q1/Q1_abc_0.mp3", "Q2/Q1_abc_1.mp3", "Q2/demo.mp3"):
        save(tmp_path / "EMOPIA" / name, rate=22050)
    write(tmp_path / "EMOPIA/train.csv", "clip_name\nQ1_abc_0\nQ1_abc_1\n")
    result = checked(tmp_path, "music", "p")
    assert told(result, "mislabelled") == {"Q2/Q1_abc_1.mp3": "labelled Q1, but its folder says Q2"}
    assert list(told(result, "no label")) == ["Q2/demo.mp3"]
    assert described(tmp_path)["EMOPIA"]["splits"] == {"train": 2}


def test_a_corpus_of_the_expected_size_with_one_label_too_many(tmp_path, monkeypatch):
    module = corpora.get("music", "e")
    monkeypatch.setattr(module, "EXPECTED_CLIPS", 4)
    monkeypatch.setattr(module, "EXPECTED_PER_CLASS", 1)
    for name in ("Q1/a.mp3", "Q1/b.mp3", "Q3/c.mp3", "Q4/d.mp3"):
        save(tmp_path / "4Q-Emotion" / name, rate=22050)
    result = checked(tmp_path, "music", "e")
    assert told(result, "mislabelled") == {"(all)": "2 clips are labelled Q1, 1 expected"} and len(result.findings) == 1


def test_the_same_song_in_two_music_corpora(tmp_path, capsys):
    song = save(tmp_path / "4Q-Emotion/Q1/a.wav")
    save(tmp_path / "TR-MUSIC/mutlu/b.flac", samples=soundfile.read(song, dtype="int16")[0])
    check.run(survey.chosen("music"), make_config(tmp_path), as_json=True)
    found = json.loads(capsys.readouterr().out)["corpora"]
    doubles = [entry for one in found for entry in one["findings"] if entry["kind"] == "duplicate"]
    assert doubles == [{"kind": "duplicate", "file": "mutlu/b.flac", "detail": "the same audio as a.wav of 4Q-Emotion"}]


# ---- speech --------------------------------------------------------------------------------------------------

SPEAKERS = """; the speakers
;ID  |SEX| SUBSET           |MINUTES| NAME
19   | F | train-clean-100  | 25.19 | Kara Shallenberg
60   | M | train-clean-100  | 20.18 | |CBW|Simon
84   | f | dev-clean        |  0.05 | Christie Nowak

1272 | M | dev-clean
"""


@pytest.fixture
def speech(tmp_path):
    root = tmp_path / "LibriSpeech"
    for name in ("train-clean-100/19/198/19-198-0000.flac", "train-clean-100/60/1/60-1-0000.FLAC",
                 "dev-clean/84/1/84-1-0000.flac", "dev-clean/84/1/84-1-0001.flac"):
        save(root / name)
    write(root / "SPEAKERS.TXT", SPEAKERS)
    return tmp_path


def test_speakers_txt_with_its_quirks(speech):
    found, problems = librispeech.speakers(speech / "LibriSpeech")
    assert found["60"] == librispeech.Speaker("M", "train-clean-100", 20.18, "|CBW|Simon")
    assert found["84"].sex == "F" and len(found) == 3
    assert problems == [("SPEAKERS.TXT, line 7", "'1272 | M | dev-clean' is not ID | SEX | SUBSET | MINUTES | NAME")]
    assert librispeech.speakers(speech) == ({}, [])
    about = described(speech)["LibriSpeech"]
    assert about["about_groups"] == "2 women and 1 men, 45 minutes by SPEAKERS.TXT"
    assert about["parts"]["dev-clean"] == {"clips": 2, "expected_clips": 2703, "groups": 1, "expected_groups": 40}


def test_librispeech_against_speakers_txt_and_transcripts(speech):
    root = speech / "LibriSpeech"
    notes = told(checked(speech, "speech", "e"), "note")
    assert notes["dev-clean"] == "2 of 2 703 utterances, 1 of 40 speakers"
    assert notes["SPEAKERS.TXT"] == "2 of 3 speakers have less than 90 % of their minutes, for example 19: 0.1 of 25.2"
    save(root / "dev-clean/19/198/19-198-0001.flac")
    save(root / "dev-clean/77/1/77-1-0000.flac")
    save(root / "test-clean/84/2/77-2-0000.flac")
    cut(root / "dev-clean/84/1/84-1-0001.flac")
    write(root / "dev-clean/84/1/84-1.trans.txt", "84-1-0000 A\n84-1-0001 B\n84-1-0002 C\n84-1-0003 D\n")
    result = checked(speech, "speech", "e")
    wrong = {(found.file, found.detail) for found in result.findings if found.kind == "mislabelled"}
    assert ("19", "the speaker is in dev-clean, SPEAKERS.TXT says train-clean-100") in wrong
    assert ("19", "the speaker is in dev-clean and train-clean-100, which share none") in wrong
    assert ("77", "the speaker is not in SPEAKERS.TXT") in wrong
    assert ("test-clean/84/2/77-2-0000.flac", "it is in the folder of speaker 84") in wrong
    assert len(wrong) == 6 and list(told(result, "damaged")) == ["dev-clean/84/1/84-1-0001.flac"]
    assert told(result, "missing") == {
        "dev-clean/84/1/84-1.trans.txt": "2 of 4 utterances have no audio: 84-1-0002, 84-1-0003"}


def test_aishell_gaps_packed_speakers_and_truncated_wavs(tmp_path):
    root = tmp_path / "data_aishell"
    for name in ("train/S0002/BAC009S0002W0122.wav", "train/S0002/BAC009S0003W0123.wav", "S0764/BAC009S0764W0001.wav"):
        save(root / "wav" / name)
    cut(root / "wav/S0764/BAC009S0764W0001.wav")
    touch(root, "wav/S0004.tar.gz")
    write(root / "transcript/aishell_transcript_v0.8.txt",
          "BAC009S0002W0122 而 对\nBAC009S0002W0123 也\nBAC009S0916W0001 x\n")
    result = checked(tmp_path, "speech", "m")
    missing = told(result, "missing")
    assert missing["S0002"] == "1 of 2 utterances in the transcript have no audio: BAC009S0002W0123"
    assert "still packed" in missing["wav/S0004.tar.gz"] and len(missing) == 2
    assert list(told(result, "damaged")) == ["wav/S0764/BAC009S0764W0001.wav"]
    assert told(result, "mislabelled") == {
        "wav/train/S0002/BAC009S0003W0123.wav": "it is in the folder of speaker S0002"}
    assert told(result, "note") == {"train": "2 of 120 098 utterances, 1 of 340 speakers",
                                    "test": "1 of 7 176 utterances, 1 of 20 speakers",
                                    "(all)": "not read, as their suffix is not one of audio: 1 .gz"}


def test_the_real_clips_are_whole(shared, tmp_path):
    cfg = make_config(tmp_path, f"path_to_data={shared / 'data'}")
    for kind, code, n_files in (("speech", "e", 351), ("speech", "m", 159), ("music", "p", 200)):
        result = check.check(survey.look(corpora.get(kind, code), cfg), cfg)
        assert result.n_files == n_files and {found.kind for found in result.findings} == {"note"}


def test_a_mixture_is_checked_by_its_parts(data, capsys):
    mix = [corpora.get("speech", "x")]
    assert check.run(mix, make_config(data)) == 0
    text = capsys.readouterr().out
    assert "of LibriSpeech, AISHELL-1 in" in text and "nothing wrong; 2 notes." in text


# ---- single files --------------------------------------------------------------------------------------------

def test_the_hash_is_that_of_the_sound_not_of_the_file(tmp_path):
    samples = (sound(RNG, seconds=1.0) * 2**15).astype(np.int16)
    wav, flac, other = (save(tmp_path / name, samples=samples[:, None] if i < 2 else samples[1:])
                        for i, name in enumerate(("a.wav", "b.flac", "c.wav")))
    assert probe.probe(wav).digest == probe.probe(flac).digest != probe.probe(other).digest
    slow = save(tmp_path / "d.wav", samples=samples, rate=8000)
    assert probe.probe(slow).digest != probe.probe(wav).digest


@pytest.mark.parametrize("samples, kind", [
    (np.zeros(16000), "silent"), (np.full(16000, 2e-5), "silent"), (np.tile([[0.3, -0.3]], (16000, 1)), ""),
    (np.where(np.arange(16000) == 7, np.nan, 0.1), "damaged"), (0.01 * np.sin(np.arange(16000)), "")])
def test_what_cannot_be_heard_or_learnt_from(tmp_path, samples, kind):
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    assert probe.probe(tmp_path / "a.wav").kind == kind
