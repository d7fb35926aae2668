"""RAVDESS: names, channels, copies; and nobody on two sides of its speech and its song."""

import numpy as np
import pytest
from conftest import SHARED
from ravdess_files import names, write

from mer import MerError, corpora
from mer.data import datasets, generate, split_files
from mer.features import chunks
from mer.inventory import check, survey
from mer.training import opened, setups


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def listed(code, root, **options):
    return corpora.list_clips(corpora.get("music", code), root, **options)


def test_names_say_quadrant_and_actor_and_other_emotions_are_counted(tmp_path):
    every = [f"{n:02d}" for n in range(1, 9)]
    touch(tmp_path, *(f"Audio_Speech_Actors_01-24/Actor_{actor}/{name}" for actor in ("01", "02")
                      for name in names("01", actor, every)))
    listing = listed("v", tmp_path)
    assert {clip.id[-18:-16]: clip.quadrant for clip in listing.clips} == {"02": "Q4", "03": "Q1", "04": "Q3",
                                                                          "05": "Q2"}
    assert {clip.group for clip in listing.clips} == {"RAVDESS 01", "RAVDESS 02"} and listing.grouped_by == "actor"
    assert len(listing.skipped) == 4 and all(name == "2 files" and reason.kind == "note"
                                             for name, reason in listing.skipped)
    assert sorted(reason.split(",")[0] for _, reason in listing.skipped) == ["disgusted", "fearful", "neutral",
                                                                             "surprised"]


def test_each_corpus_takes_its_channel_wherever_the_folders_were_merged(tmp_path):
    touch(tmp_path, *(f"Actor_07/{name}" for channel in ("01", "02") for name in names(channel, "07")))
    for code, channel in (("v", "01"), ("r", "02")):
        listing = listed(code, tmp_path)
        assert len(listing.clips) == 4 and all(f"/03-{channel}-" in clip.id for clip in listing.clips)
        (count, reason), = listing.skipped
        assert count == "4 files" and reason.kind == "note"


def test_what_contradicts_itself_is_left_out_with_the_reason(tmp_path):
    folder = "Audio_Song_Actors_01-24"
    touch(tmp_path, *(f"{folder}/Actor_01/{name}" for name in names("02", "01")),
          f"{folder}/Actor_01/{names('01', '01')[0]}", f"{folder}/Actor_01/03-02-09-01-01-01-01.wav",
          f"{folder}/Actor_01/sung.wav", f"{folder}/Actor_01/01-02-03-01-01-01-01.mp4",
          f"{folder}/Actor_02/{names('02', '03')[0]}", "Audio_Speech_Actors_01-24/Actor_01/03-01-02-01-01-01-01.wav")
    listing = listed("r", tmp_path)
    kinds = {name.rpartition("/")[2]: reason.kind for name, reason in listing.skipped}
    assert kinds == {"03-01-02-01-01-01-01.wav": "mislabelled", "03-02-09-01-01-01-01.wav": "mislabelled",
                     "sung.wav": "no label", "1 file": "note"}
    assert len(listing.clips) == 5
    found = list(corpora.get("music", "r").audit(tmp_path, listing.clips, {}))
    assert ("mislabelled", f"{folder}/Actor_02/{names('02', '03')[0]}",
            "it is in the folder of actor 02, and its name says 03") in found
    assert ("missing", "RAVDESS 03", "1 clips, and other actors have 4") in found


def test_public_copies_that_hold_every_file_twice_count_once(tmp_path):
    once = [f"Actor_{actor}/{name}" for actor in ("01", "02") for name in names("01", actor)]
    touch(tmp_path, *once)
    for name in once:
        touch(tmp_path, f"audio_speech/{name}")
        (tmp_path / "audio_speech" / name).write_bytes(name.encode())
    listing = listed("v", tmp_path)
    assert [clip.id for clip in listing.clips] == sorted(once) and "are copies of others" in listing.skipped[0][1]


def test_a_folder_of_your_own_labels_groups_by_the_actor_of_the_name(tmp_path):
    touch(tmp_path, *(f"Actor_01/{name}" for name in names("02", "01")))
    rows = [f"Actor_01/{name},Q{n}" for n, name in enumerate(names("02", "01"), start=1)]
    (tmp_path / "annotations.csv").write_text("\n".join(["path,quadrant", *rows]))
    listing = listed("r", tmp_path)
    assert [clip.quadrant for clip in listing.clips] == ["Q1", "Q2", "Q3", "Q4"]
    assert {clip.group for clip in listing.clips} == {"RAVDESS 01"} and listing.grouped_by == "actor"


@pytest.mark.parametrize("code, n_clips, n_actors", [("v", 768, 24), ("r", 736, 23)])
def test_the_real_files(code, n_clips, n_actors):
    if not (SHARED / "data" / "ravdess").is_dir():
        pytest.skip("the shared sample corpora are not on this machine")
    module = corpora.get("music", code)
    for override in ("", SHARED / "data" / "ravdess"):
        root = corpora.find_root(module, SHARED / "data", override)
        listing = corpora.list_clips(module, root)
        assert (len(listing.clips), len({clip.group for clip in listing.clips})) == (n_clips, n_actors)
        assert n_clips == module.EXPECTED_CLIPS == 4 * module.EXPECTED_PER_CLASS and listing.skipped == ()
        assert listing.clips[0].id.startswith("Audio_S") and not list(module.audit(root, listing.clips, {}))


# ---- speech and song of the same people ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cfg(make_config, tmp_path_factory):
    """Speech of 12 actors and song of 11 of them, clips of 1.2 s."""
    folder = tmp_path_factory.mktemp("ravdess")
    write(folder / "data", np.random.default_rng(0))
    return make_config(f"path_to_data={folder / 'data'}", folder=folder)


def sides(cfg, code, fold=None):
    clips = datasets.load("music", code, cfg, fold=fold)
    return {split: set(clips.group[clips.split == split]) for split in ("train", "val", "test")}


@pytest.mark.parametrize("order", ["vr", "rv"])
def test_an_actor_is_on_the_same_side_in_both_whichever_comes_first(cfg, make_config, tmp_path, order):
    own = make_config(f"path_to_data={cfg.path_to_data}", folder=tmp_path)
    for code in order:
        note = generate.run("music", code, own, folds=3).note
    assert "people are on the same side as in RAVDESS" in note
    for fold in (None, (1, 3), (2, 3), (3, 3)):
        spoken, sung = sides(own, "v", fold), sides(own, "r", fold)
        assert sung["test"] and sung["test"] == spoken["test"] - {"RAVDESS 08"}
        assert sung["val"] and (sung["val"] == spoken["val"] - {"RAVDESS 08"} or spoken["val"] <= {"RAVDESS 08"})
    assert split_files.facts(own, "music_spoken" if order == "rv" else "music_sung")["follows"].startswith("RAVDESS")
    for code in order:  # the same command again changes nothing
        before = [path.read_bytes() for path in sorted(own.features_dir.glob("*.splits.csv"))]
        generate.run("music", code, own, folds=3)
        assert [path.read_bytes() for path in sorted(own.features_dir.glob("*.splits.csv"))] == before


def test_people_whom_training_heard_are_left_out_of_the_test_and_that_is_printed(cfg, capsys):
    for code in "vr":
        generate.run("music", code, cfg, folds=3)
    reads = chunks.of_encoder(type("Toy", (), {"INPUT": "log_mel", "CHUNK_SECONDS": 1.0}), cfg.values)
    whole = [opened.Opened(cfg, code, reads, fold=(1, 3)) for code in "rv"]
    assert whole[0].test_rows(whole[1:])[1] == {}
    other = opened.Opened(cfg, "v", reads, fold=(2, 3))  # its test is another one, so it heard those of fold 1
    rows, left_out = whole[0].test_rows([other])
    assert not len(rows) and left_out == {"same_people": sum(whole[0].clips.split == "test")}
    opened.say_left_out(whole[0], left_out)
    assert "the music for training has the same people" in capsys.readouterr().out
    other.grouped_by = "group"  # by labels of the user's own, say
    with pytest.raises(MerError, match="have the same people, and RAVDESS speech .* is grouped by group"):
        whole[0].test_rows([other])


def test_labelled_speech_is_no_music_for_x_and_says_so():
    assert setups.parse("x", ("e", "p", "r", "v")) == (("e", "p", "r"),)
    assert "no music" in corpora.codes("music")["v"]


def test_the_survey_and_the_check_know_both(cfg, capsys):
    for code, about in zip("rv", ("5 women and 6 men", "6 women and 6 men"), strict=True):
        found = next(iter(survey.describe([corpora.get("music", code)], cfg)))
        assert found["about_groups"] == about and found["usable"] and found["groups"] == int(about[0]) + int(about[12])
        checked = check.check(survey.look(corpora.get("music", code), cfg), cfg, jobs=1)
        assert {one.kind for one in checked.findings} == {"missing"}  # clips: 44 or 48 of 736 or 768
