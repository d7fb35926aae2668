"""`corpora.py`: what is there, which archives can be fetched, and rows in another language."""

import importlib
import json
import subprocess
import sys

import pytest
from conftest import ROOT
from surveying import described, make_config
from test_annotations import write
from test_corpora import listed, reasons, touch

from mer import MerError, corpora
from mer.inventory import download, survey, survey_text

# ---- the list ------------------------------------------------------------------------------------------------

def test_the_list_tells_what_is_there_and_goes_on_past_what_is_not(data):
    abouts = described(data)
    fourq, libri, mix = abouts["4Q-Emotion"], abouts["LibriSpeech"], abouts["LibriSpeech + AISHELL-1"]
    assert (fourq["clips"], fourq["groups"], fourq["grouped_by"]) == (20, 5, "artist")
    assert fourq["classes"] == {"Q1": 5, "Q2": 5, "Q3": 5, "Q4": 5} and fourq["hours"] * 3600 == pytest.approx(60, 0.05)
    assert libri["hours"] * 3600 == pytest.approx(40) and libri["about_groups"] == ""
    assert mix["hours"] == pytest.approx(2 * libri["hours"])
    assert not abouts["TR-MUSIC"]["usable"] and abouts["TR-MUSIC"]["looked_for"] == f"TR-MUSIC in {data} (path_to_data)"
    text = survey_text.block(fourq)
    for part in ("4Q-Emotion, English music (-d m -l e): ready", "20 of 900, 0.02 h", "Q1 5, Q2 5, Q3 5, Q4 5",
                 "left out       nothing", "licence", "how to get it", "https://doi.org/10.1109/TAFFC.2018.2820691"):
        assert part in text
    assert "path_music_turkish = its own folder" in " ".join(survey_text.block(abouts["TR-MUSIC"]).split())
    assert len(survey_text.table(list(abouts.values())).splitlines()) == 1 + len(abouts)
    json.dumps(abouts)


def test_a_folder_that_cannot_be_used_and_files_without_a_header(tmp_path):
    touch(tmp_path, "data_aishell/wav/S0002.tar.gz", "TR-MUSIC/sad/1.mp3", "TR-MUSIC/x/2.mp3", "TR-MUSIC/y/3.mp3")
    abouts = described(tmp_path)
    assert "is still packed" in abouts["AISHELL-1"]["problem"] and not abouts["AISHELL-1"]["usable"]
    text = survey_text.block(abouts["AISHELL-1"])
    assert "(-d s -l m): cannot be used" in text and "problem" in text
    assert abouts["TR-MUSIC"]["no_header"] == 1 and abouts["TR-MUSIC"]["hours"] == 0
    assert "left out       2, x/2.mp3: it is in no class folder" in survey_text.block(abouts["TR-MUSIC"])


def test_nothing_at_all_says_which_line_to_set(tmp_path, capsys):
    script = importlib.import_module("corpora").main
    assert script(["--set", f"path_to_data={tmp_path / 'nowhere'}"]) == 0
    text = capsys.readouterr().out
    assert "In settings.py set the line path_to_data" in text and "(--set), which is no folder" in text
    assert script(["--check", "--set", f"path_to_data={tmp_path}"]) == 1
    assert "No corpus was found" in capsys.readouterr().out
    assert script(["-d", "m", "-l", "t", "--json", "--set", f"path_to_data={tmp_path}"]) == 0
    about, = json.loads(capsys.readouterr().out)
    assert about["name"] == "TR-MUSIC" and about["flags"] == "-d m -l t" and about["usable"] is False
    with pytest.raises(MerError, match="no speech corpus has the code 't'"):
        script(["-d", "s", "-l", "t"])


def test_help_answers_at_once_and_knows_every_flag():
    done = subprocess.run([sys.executable, "corpora.py", "-h"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and all(flag in done.stdout for flag in ("--check", "--download", "--json", "--out"))


@pytest.mark.parametrize("kind, code", [(kind, code) for kind in survey.KINDS for code in corpora.codes(kind)])
def test_every_corpus_says_how_many_clips_it_has(kind, code):
    module = corpora.get(kind, code)
    parts = module.EXPECTED_PARTS
    assert module.PARTS or module.EXPECTED_CLIPS or parts
    for name, (clips, groups) in parts.items():
        assert clips > groups > 0 and module.part(f"{name}/1/1/1-1-0000.flac") == name


# ---- download ------------------------------------------------------------------------------------------------

def test_archives_are_found_over_all_corpora(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(corpora.get("speech", "e"), "ARCHIVES", {"dev-clean": None, "test-clean": None}, raising=False)
    monkeypatch.setattr(corpora.get("speech", "m"), "ARCHIVES", {"data_aishell": None}, raising=False)
    orders = []
    monkeypatch.setattr(download, "fetch", lambda corpus, names, folder: orders.append((corpus.NAME, names)))
    assert download.order(["dev-clean", "Data-AISHELL", "test-clean", "CH818"], make_config(tmp_path)) == 1
    assert orders == [("LibriSpeech", ["dev-clean", "test-clean"]), ("AISHELL-1", ["data_aishell"])]
    assert "CH-818 cannot be downloaded from here: " in capsys.readouterr().out
    assert download.order(["4Q-Emotion"], make_config(tmp_path)) == 1
    assert capsys.readouterr().out.startswith("4Q-Emotion cannot be downloaded from here: ")
    with pytest.raises(MerError, match=r"'dev-dirty' is no archive: choose from dev-clean, test-clean \(LibriSpeech\); "
                                       r"data_aishell \(AISHELL-1\)"):
        download.order(["dev-dirty"], make_config(tmp_path))
    with pytest.raises(MerError, match="path_to_data"):
        download.order(["dev-clean"], make_config(tmp_path, "path_to_data="))


# ---- the language column -------------------------------------------------------------------------------------

OWN = "path,quadrant,language\na.mp3,Q1,{}\nb.mp3,Q3,{}\nc.mp3,Q4,{}\ngone.mp3,Q4,{}\n"


@pytest.mark.parametrize("kind, words", [
    ("e", "english en ENG e en-US"), ("m", "Mandarin chinese zh cmn zho man M zh_CN 中文"),
    ("t", "Turkish tr TUR t türkçe"), ("p", "none instrumental PIANO p pno")])
def test_rows_in_another_language_are_counted_and_left_out(tmp_path, kind, words):
    other = "tr" if kind != "t" else "en"
    touch(tmp_path, "a.mp3", "b.mp3", "c.mp3")
    for word in words.split():
        write(tmp_path / "annotations.csv", OWN.format(word, "", other, other))
        listing = listed("music", kind, tmp_path)
        assert [clip.id for clip in listing.clips] == ["a.mp3", "b.mp3"], word
        name = "turkish" if other == "tr" else "english"
        assert listing.skipped == (("annotations.csv", f"2 rows are in another language than was asked for: {name}"),)


def test_languages_that_are_unknown_or_contradict_each_other(tmp_path):
    touch(tmp_path, "a.mp3", "b.mp3", "c.mp3")
    own = write(tmp_path / "annotations.csv", OWN.format("en", "klingon", "en", "en"))
    with pytest.raises(MerError, match=r"line 3: language 'klingon' is none that is known: write english \(e, en, "
                                       r"eng\); mandarin \(.*zh.*\); .*turkish \(t, tr, tur\), or leave the cell"):
        listed("music", "e", tmp_path)
    own.write_text(OWN.format("en", "en", "en", "en") + "b,Q3,tr\n")
    why = reasons(listed("music", "e", tmp_path))
    assert "lines 3 and 6: listed more than once, in different languages" in why["b.mp3"]
    assert why["annotations.csv"] == "1 row is in another language than was asked for: turkish"
    with pytest.raises(MerError, match="no clip can be used .* 2 left out, for example"):
        listed("music", "p", tmp_path)
