"""Every corpus in the layout of its owners, with the traps that real folders hold."""

import os
import subprocess
import tarfile
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest

from mer import MerError, corpora
from mer.corpora import _base
from mer.data import splits, store_split
from mer.inventory import check

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def touch(root, *names):
    """Make empty files below `root`; adapters read names and tables, never sound."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def listed(kind, code, root, **options):
    return corpora.list_clips(corpora.get(kind, code), root, **options)


def reasons(listing):
    return dict(listing.skipped)


# ---- all of them ---------------------------------------------------------------------------------------------

ALL = [(kind, code) for kind in ("speech", "music") for code in corpora.codes(kind)]


def test_the_codes_of_the_scripts_are_all_there():
    assert {"e", "m", "x"} <= set(corpora.codes("speech")) and {"e", "m", "p", "t"} <= set(corpora.codes("music"))


@pytest.mark.parametrize("kind, code", ALL)
def test_every_corpus_says_who_made_it_and_how_it_may_be_used(kind, code):
    module = corpora.get(kind, code)
    for name in ("NAME", "LANGUAGE", "ABBR", "LICENCE", "CITATION", "HOMEPAGE", "GROUPED_BY"):
        assert getattr(module, name).strip(), name
    if module.PARTS:
        assert set(module.PARTS) < set(corpora.codes(kind))
        return
    assert module.FOLDER and module.SETTING in ("", f"path_{kind}_{module.LANGUAGE}")
    assert module.EXPECTED_CLIPS is None or module.EXPECTED_CLIPS > 0


@pytest.mark.parametrize("kind, code", [key for key in ALL if not corpora.get(*key).PARTS])
def test_every_corpus_lists_its_layout_and_keeps_the_contract(tmp_path, kind, code):
    module = corpora.get(kind, code)
    root = tmp_path / module.FOLDER[0]
    for name in module.EXAMPLE:
        name, _, content = name.partition("=")
        touch(root, name, f".hidden/{name}", f"__MACOSX/{name}", f"._{Path(name).name}")
        (root / name).write_text(content)
    found = corpora.find_root(module, tmp_path)
    listing = listed(kind, code, found)
    assert found == root and len(listing.clips) == 2 and listing.skipped == ()
    assert [clip.id for clip in listing.clips] == sorted({clip.id for clip in listing.clips})
    for clip in listing.clips:
        assert clip.path == root / clip.id and clip.path.is_file() and clip.group
    assert [clip.quadrant for clip in listing.clips] == ([None, None] if kind == "speech" else ["Q1", "Q3"])


def test_a_corpus_without_a_setting_is_found_by_path_to_data_or_the_flag(tmp_path, configure, monkeypatch):
    module = corpora.get("music", "t")
    monkeypatch.setattr(module, "SETTING", "")
    touch(tmp_path / "data" / module.FOLDER[0], *module.EXAMPLE)
    cfg = configure(f"path_to_data={tmp_path / 'data'}")
    assert corpora.locate(module, cfg) == tmp_path / "data" / module.FOLDER[0]
    touch(tmp_path / "elsewhere", *module.EXAMPLE)
    assert corpora.locate(module, cfg, tmp_path / "elsewhere") == tmp_path / "elsewhere"
    with pytest.raises(MerError, match="set path_to_data in settings.py to the folder that holds it, or give its"):
        corpora.find_root(module, tmp_path / "elsewhere")


def test_every_reason_to_leave_a_file_out_has_a_kind_that_the_check_knows(tmp_path):
    touch(tmp_path, *(f"{name}.mp3" for name in "abcdefg"), "a.wav")
    (tmp_path / "annotations.csv").write_text(
        "path,quadrant,language\na,Q1,en\nb,Q9,\nc,Q1,\nc,Q2,\nd,Q3,\nd,Q3,\ngone,Q1,\nf,Q1,tr\n")
    kinds = {str(reason).partition(": ")[2] or str(reason): reason.kind
             for _, reason in listed("music", "e", tmp_path).skipped}
    assert sorted(kinds.values()) == ["duplicate", "mislabelled", "mislabelled", "missing", "no label", "note",
                                      "same name"], kinds
    assert kinds["no such audio file"] == "missing" and set(kinds.values()) <= {*check.KINDS, "same name"}


def test_unknown_codes_are_answered_with_the_known_ones():
    with pytest.raises(MerError, match=r"no music corpus has the code 'x'.*e \(English, 4Q-Emotion\)"):
        corpora.get("music", "x")


# ---- where they are ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("folder", ["CH818", "CH-818", "ch818", "ch_818", "Ch 818"])
def test_folder_names_are_found_in_any_spelling(tmp_path, folder):
    (tmp_path / folder).mkdir()
    module = corpora.get("music", "m")
    assert corpora.find_root(module, tmp_path) == tmp_path / folder
    assert corpora.find_root(module, tmp_path / folder) == tmp_path / folder


def test_an_override_wins_and_may_be_the_corpus_or_its_parent(tmp_path):
    module = corpora.get("speech", "e")
    touch(tmp_path, "one/LibriSpeech/a", "two/LibriSpeech/a", "three/speech/a")
    assert corpora.find_root(module, tmp_path / "one", tmp_path / "two") == tmp_path / "two" / "LibriSpeech"
    assert corpora.find_root(module, None, tmp_path / "three" / "speech") == tmp_path / "three" / "speech"
    with pytest.raises(MerError, match="no folder: correct path_speech_english"):
        corpora.find_root(module, tmp_path / "one", tmp_path / "nowhere")


def test_the_folder_that_holds_the_subsets_will_do(tmp_path):
    touch(tmp_path, "train-clean-100/19/198/19-198-0000.flac")
    assert corpora.find_root(corpora.get("speech", "e"), tmp_path) == tmp_path


def test_a_missing_corpus_is_one_sentence_with_the_setting(tmp_path):
    module = corpora.get("speech", "m")
    with pytest.raises(MerError, match=r"data_aishell.* is not there: set path_to_data .* path_speech_mandarin"):
        corpora.find_root(module, tmp_path)
    with pytest.raises(MerError, match=r"path_to_data in settings.py is empty"):
        corpora.find_root(module, None)
    with pytest.raises(MerError, match=r"no clip can be used .*correct the path"):
        listed("speech", "m", tmp_path)
    with pytest.raises(MerError, match="no folder"):
        listed("speech", "m", tmp_path / "nowhere")


# ---- speech --------------------------------------------------------------------------------------------------

def test_librispeech_groups_by_speaker_and_names_what_it_does_not_know(tmp_path):
    touch(tmp_path, "train-clean-100/19/198/19-198-0000.flac", "train-clean-100/19/227/19-227-0000.flac",
          "test-other/367/130732/367-130732-0001.FLAC", "test-other/367/130732/367-130732-0001.wav",
          "SPEAKERS.TXT", "test-other/367/130732/367-130732.trans.txt", "intro/hello.mp3")
    listing = listed("speech", "e", tmp_path)
    assert [clip.group for clip in listing.clips] == ["367", "19", "19"] and listing.grouped_by == "speaker"
    assert "its speaker is unknown" in reasons(listing)["intro/hello.mp3"]
    assert "the same name as" in reasons(listing)["test-other/367/130732/367-130732-0001.wav"]
    with pytest.raises(MerError, match=r"labels.* leave it out"):
        listed("speech", "e", tmp_path, labels=tmp_path / "labels.csv")


def test_aishell_archives_are_told_and_the_command_unpacks_them(tmp_path):
    root = tmp_path / "it's data_aishell"
    for speaker in ("S0002", "S0003"):
        made = touch(tmp_path / "made", f"train/{speaker}/BAC009{speaker}W0122.wav")
        (root / "wav").mkdir(parents=True, exist_ok=True)
        with tarfile.open(root / "wav" / f"{speaker}.tar.gz", "w:gz") as archive:
            archive.add(made / "train" / speaker, f"train/{speaker}")
    with pytest.raises(MerError, match=r"still packed \(2 archives like wav/S0002.tar.gz\)") as error:
        listed("speech", "m", root)
    subprocess.run(["tar", "-xzf", "S0002.tar.gz"], cwd=root / "wav", check=True)
    listing = listed("speech", "m", root)
    assert [clip.group for clip in listing.clips] == ["S0002"]
    assert list(reasons(listing)) == ["wav/S0003.tar.gz"]
    subprocess.run(["bash", "-c", str(error.value).partition("unpack them with ")[2]], check=True)
    assert [clip.group for clip in listed("speech", "m", root).clips] == ["S0002", "S0003"]
    assert listed("speech", "m", root).skipped == ()


def test_aishell_needs_no_train_dev_test_folders_but_a_speaker(tmp_path):
    touch(tmp_path, "wav/S0002/BAC009S0002W0001.wav", "wav/BAC009S0764W0121.wav", "wav/other.wav")
    listing = listed("speech", "m", tmp_path)
    assert [clip.group for clip in listing.clips] == ["S0764", "S0002"]
    assert list(reasons(listing)) == ["wav/other.wav"]


# ---- the scan ------------------------------------------------------------------------------------------------

def test_links_are_followed_once_and_loops_end(tmp_path):
    touch(tmp_path, "root/z_real/a.mp3", "elsewhere/b.mp3")
    for name, target in [("a_loop", tmp_path / "root"), ("b_alias", tmp_path / "root" / "z_real"),
                         ("c_out", tmp_path / "elsewhere"), ("d_self", tmp_path / "root" / "d_self")]:
        (tmp_path / "root" / name).symlink_to(target)
    assert _base.scan(tmp_path / "root") == (["c_out/b.mp3", "z_real/a.mp3"], [])


def test_names_that_are_no_utf_8_are_told_not_lost(tmp_path):
    try:
        open(os.fsencode(tmp_path) + b"/caf\xe9.mp3", "wb").close()
    except OSError:
        pytest.skip("this file system refuses such names")
    assert _base.scan(tmp_path) == ([], [("caf\\xe9.mp3", "its name is not valid UTF-8: rename it")])


def test_an_unreadable_folder_is_an_error_not_a_smaller_corpus(tmp_path, monkeypatch):
    touch(tmp_path, "open/a.mp3", "shut/b.mp3")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(_base.os, "scandir", refuse)
    with pytest.raises(MerError, match=r"shut cannot be read .Permission denied"):
        _base.scan(tmp_path)


def test_twenty_thousand_files_are_listed_and_split_in_seconds(tmp_path):
    for speaker in range(500):
        folder = tmp_path / "train-other-500" / str(speaker) / "1"
        folder.mkdir(parents=True)
        for number in range(40):
            (folder / f"{speaker}-1-{number:04d}.flac").touch()
    start = time.perf_counter()
    clips = listed("speech", "e", tmp_path).clips
    ids, groups = [clip.id for clip in clips], [clip.group for clip in clips]
    split, _ = splits.draw(ids=ids, groups=groups, labels=[""] * len(ids), seed=1, test_fraction=0.1,
                           val_fraction=0.15, grouped_by="speaker")
    assert time.perf_counter() - start < 12  # 60 s for 100 000 is the promise
    assert split.count("test") == 2000 and abs(split.count("val") - 2700) <= 40  # 40 clips a speaker
    assert not splits.leak(ids, groups, split)
    tracemalloc.start()
    listed("speech", "e", tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 2**20  # 1 GiB for 100 000


# ---- real files ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind, code, override, n_clips, n_groups, grouped_by", [
    ("speech", "e", "", 351, 261, "speaker"), ("speech", "m", "", 159, 1, "speaker"),
    ("music", "p", "", 200, 152, "song"), ("music", "e", "emopia", 200, 152, "song")])
def test_real_corpora(kind, code, override, n_clips, n_groups, grouped_by):
    if not SHARED.is_dir():
        pytest.skip("the shared sample corpora are not on this machine")
    module = corpora.get(kind, code)
    listing = corpora.list_clips(module, corpora.find_root(module, SHARED, override and SHARED / override))
    assert len(listing.clips) == n_clips and listing.skipped == () and listing.grouped_by == grouped_by
    assert len({clip.group for clip in listing.clips}) == n_groups
    assert all(clip.path.is_file() for clip in listing.clips)
    if kind == "music":
        assert Counter(clip.quadrant for clip in listing.clips) == dict.fromkeys(["Q1", "Q2", "Q3", "Q4"], 50)
        assert Counter(clip.split for clip in listing.clips) == {"train": 161, "val": 39}
        assert store_split.published(listing.clips) == (None, {"empty": ["test"]})


def test_languages_for_people_are_those_of_the_corpora_in_their_order():
    assert corpora.language("speech", "x") == "Mix" and corpora.language("music", "e") == "English"
    assert corpora.language("music", "x") == "Mixed"
    assert corpora.language("music", "m,t,x") == "Mandarin, then Turkish, then mixed"
    for kind, code in (("music", "q"), ("music", "e,q"), ("music", ""), ("speech", "e,m")):
        with pytest.raises(MerError, match="has the code"):
            corpora.language(kind, code)
