"""Labels of music corpora: tables as people write them, joined to files as people name them."""

import unicodedata

import pytest
from test_corpora import listed, reasons, touch

from mer import MerError


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def labels(listing):
    return {clip.id: clip.quadrant for clip in listing.clips}


def groups(listing):
    return {clip.id: clip.group for clip in listing.clips}


# ---- 4Q-Emotion ----------------------------------------------------------------------------------------------

ANNOTATIONS, METADATA = "panda_dataset_taffc_annotations.csv", "panda_dataset_taffc_metadata.csv"


def make_fourq(root, separator=",", encoding="utf-8-sig"):
    touch(root, "Q1/MT01.mp3", "Q1/MT02.MP3", "Q2/MT03.mp3", "Q3/MT04.mp3", "Q4/MT05.mp3", "Q4/MT06.mp3",
          "Q4/MT07.mp3", "Q4/MT08.mp3")
    rows = ["Song,Quadrant", "MT01,Q1", "MT02,Q1", '"MT03","Q2"', "MT04,Q3", "MT05,Q1", "MT07,Q9", "MT08,Q4",
            "MT08,Q4", "MT99,Q2"]
    write(root / ANNOTATIONS, "\n".join(rows).replace(",", separator), encoding)
    rows = ["Song,Artist,Title,Quadrant", 'MT01,"Harry Connick, Jr.",a,Q1', 'MT02,"harry  CONNICK, jr. ",b,Q1',
            "MT03,Björk,c,Q2", "MT04,,d,Q3"]
    write(root / METADATA, "\n".join(rows), encoding)


@pytest.mark.parametrize("separator, encoding", [(",", "utf-8-sig"), (";", "utf-8"), ("\t", "utf-16")])
def test_fourq_reads_the_official_tables_with_all_their_traps(tmp_path, separator, encoding):
    make_fourq(tmp_path, separator, encoding)
    listing = listed("music", "e", tmp_path)
    assert labels(listing) == {"Q1/MT01.mp3": "Q1", "Q1/MT02.MP3": "Q1", "Q2/MT03.mp3": "Q2", "Q3/MT04.mp3": "Q3",
                               "Q4/MT08.mp3": "Q4"}
    assert groups(listing) == {"Q1/MT01.mp3": "Harry Connick, Jr.", "Q1/MT02.MP3": "Harry Connick, Jr.",
                               "Q2/MT03.mp3": "Björk", "Q3/MT04.mp3": "Q3/MT04.mp3", "Q4/MT08.mp3": "Q4/MT08.mp3"}
    why = reasons(listing)
    assert listing.grouped_by == "artist" and len(why) == len(listing.skipped) == 5
    assert "labelled Q1, but its folder or name says Q4" in why["Q4/MT05.mp3"]
    assert "no row in" in why["Q4/MT06.mp3"]
    assert "'Q9' is not one of" in why["Q4/MT07.mp3"]
    assert "line 10: no such audio file" in why["MT99"]
    assert "used once" in why[f"{ANNOTATIONS}, line 9"]


def test_fourq_without_metadata_groups_by_clip_and_without_tables_goes_by_folder(tmp_path):
    make_fourq(tmp_path)
    (tmp_path / METADATA).unlink()
    listing = listed("music", "e", tmp_path)
    assert listing.grouped_by == "clip" and all(clip.group == clip.id for clip in listing.clips)
    (tmp_path / ANNOTATIONS).unlink()
    touch(tmp_path, "extra/x.mp3")
    listing = listed("music", "e", tmp_path)
    assert len(listing.clips) == 8 and labels(listing)["Q4/MT05.mp3"] == "Q4"
    assert "no class folder" in reasons(listing)["extra/x.mp3"]


def test_a_users_csv_wins_over_the_folders_and_keeps_the_artists(tmp_path):
    make_fourq(tmp_path / "corpus")
    own = write(tmp_path / "mine.csv", "path,quadrant\nQ1/MT01.mp3,2\nQ1/MT02.mp3,2\nQ2/MT03.mp3,1.0\n")
    listing = listed("music", "e", tmp_path / "corpus", labels=own)
    assert labels(listing) == {"Q1/MT01.mp3": "Q2", "Q1/MT02.MP3": "Q2", "Q2/MT03.mp3": "Q1"}
    assert listing.grouped_by == "artist" and groups(listing)["Q2/MT03.mp3"] == "Björk"


# ---- CH-818 --------------------------------------------------------------------------------------------------

def test_ch818_maps_means_to_quadrants_by_sign_and_leaves_the_axes_out(tmp_path):
    touch(tmp_path, *(f"clips/{number}.mp3" for number in range(1, 8)))
    write(tmp_path / "CH818.csv", "Clip;Song_ID;Valence (mean);AROUSAL\n".replace(" (mean)", "_mean")
          + "1;s1;5;2,5\n2;s1;-5;2,5\n3;s2;-1;-10\n4;;10;-1\n5;s3;0;3\n6;s3;11;1\n7;s3;n/a;1\n")
    listing = listed("music", "m", tmp_path)
    assert labels(listing) == {"clips/1.mp3": "Q1", "clips/2.mp3": "Q2", "clips/3.mp3": "Q3", "clips/4.mp3": "Q4"}
    assert (listing.clips[0].arousal, listing.clips[0].valence) == (0.25, 0.5)
    assert listing.grouped_by == "song" and groups(listing)["clips/2.mp3"] == "s1"
    assert groups(listing)["clips/4.mp3"] == "clips/4.mp3"
    why = reasons(listing)
    assert "lies on an axis" in why["clips/5.mp3"]
    assert "valence 11 is outside of its scale, -10 to 10" in why["clips/6.mp3"]
    assert "valence is not a number: 'n/a'" in why["clips/7.mp3"]


@pytest.mark.parametrize("header", ["clip,A1,A2,A3,V1,V2,V3", "Song,arousal_1,arousal_2,arousal_3,valence_1,valence_2,"
                                    "valence_3", "id,arousal_rater1,arousal_rater2,arousal_rater3,V_S1,V_S2,V_S3"])
def test_ch818_averages_its_annotators(tmp_path, header):
    touch(tmp_path, "x.mp3", "y.mp3")
    write(tmp_path / "ratings.csv", f"{header}\nx,4,-1,,10,10,1\ny,-3,-3,-3,2,2,2\n")
    x, y = listed("music", "m", tmp_path).clips
    assert (x.arousal, x.valence, x.quadrant) == (pytest.approx(0.15), pytest.approx(0.7), "Q1")
    assert (y.arousal, y.valence, y.quadrant) == (pytest.approx(-0.3), pytest.approx(0.2), "Q4")


@pytest.mark.parametrize("on_disk, in_csv", [("NFC", "NFD"), ("NFD", "NFC")])
def test_non_latin_names_match_in_either_unicode_form(tmp_path, on_disk, in_csv):
    names = ["月亮代表我的心", "Lǜ Shān é", "안녕"]
    touch(tmp_path, *(unicodedata.normalize(on_disk, f"音乐/{name}.mp3") for name in names))
    text = "clip,title,quadrant\n" + "".join(f"{name}.mp3,歌 {name},Q{n}\n" for n, name in enumerate(names, 1))
    write(tmp_path / "标注.csv", unicodedata.normalize(in_csv, text), "utf-16")
    listing = listed("music", "m", tmp_path)
    assert labels(listing) == {f"音乐/{name}.mp3": f"Q{n}" for n, name in enumerate(names, 1)}
    assert all(clip.path.is_file() for clip in listing.clips)
    assert listing.grouped_by == "song"


def test_ch818_wants_exactly_one_table(tmp_path):
    touch(tmp_path, "x.mp3")
    write(tmp_path / "notes.csv", "clip,comment\nx,nice\n")
    with pytest.raises(MerError, match=r"needs one csv .* found notes.csv: name the right one with -pl"):
        listed("music", "m", tmp_path)
    for name in ("one.csv", "two.csv"):
        write(tmp_path / name, "clip,quadrant\nx,Q1\n")
    with pytest.raises(MerError, match=r"there are one.csv and two.csv"):
        listed("music", "m", tmp_path)
    assert labels(listed("music", "m", tmp_path, labels=tmp_path / "two.csv")) == {"x.mp3": "Q1"}


@pytest.mark.parametrize("text, grouped_by, group", [
    ("id,song,artist,arousal,valence\n01,Moon,Teng,1,2\n02,Sky,Teng,-1,2\n", "artist", "Teng"),
    ("song,id,arousal,valence\nMoon,01,1,2\nSky,02,-1,2\n", "song", "Moon"),
    ("song,id,arousal,valence\n01,7,1,2\n02,8,-1,2\n", "clip", "01.mp3")])
def test_the_column_that_names_most_files_names_the_clips(tmp_path, text, grouped_by, group):
    touch(tmp_path, "01.mp3", "02.mp3")
    write(tmp_path / "annotations of ours.csv", text)
    listing = listed("music", "m", tmp_path)
    assert labels(listing) == {"01.mp3": "Q1", "02.mp3": "Q4"} and not listing.skipped
    assert listing.grouped_by == grouped_by and groups(listing)["01.mp3"] == group


@pytest.mark.parametrize("header", ["Arousal (mean),Valence (mean)", "arousal [avg],valence",
                                    "arousal (-10 to 10),valence(-10-10)", "Arousal (mean) [-10..10],V"])
def test_means_and_scales_in_brackets_are_understood(tmp_path, header):
    touch(tmp_path, "a.mp3", "b.mp3")
    write(tmp_path / "x.csv", f"clip,{header}\na,5,2\nb,-5,2\n")
    assert [(clip.arousal, clip.quadrant) for clip in listed("music", "m", tmp_path).clips] == [
        (0.5, "Q1"), (-0.5, "Q4")]


def test_a_number_means_the_one_file_of_that_number(tmp_path):
    touch(tmp_path, "001.mp3", "2.mp3", "02.mp3", "3/0004.mp3", "x/005.mp3", "y/5.flac", "y/05.mp3")
    write(tmp_path / "x.csv", "id,quadrant\n1,Q1\n2,Q2\n4.mp3,Q3\n0005,Q4\n6,Q4\n")
    listing = listed("music", "m", tmp_path)
    assert labels(listing) == {"001.mp3": "Q1", "2.mp3": "Q2", "3/0004.mp3": "Q3"}
    why = reasons(listing)
    assert "may mean x/005.mp3 or y/05.mp3 or y/5.flac" in why["0005"] and "no such audio file" in why["6"]


# ---- TR-MUSIC and EMOPIA -------------------------------------------------------------------------------------

@pytest.mark.parametrize("folder, quadrant", [
    ("Happy", "Q1"), ("mutlu", "Q1"), ("MUTLU", "Q1"), ("angry", "Q2"), ("KIZGIN", "Q2"), ("kızgın", "Q2"),
    ("Kizgin", "Q2"), ("SİNİRLİ", "Q2"), ("SINIRLI", "Q2"), ("öfkeli", "Q2"), ("OFKELI", "Q2"), ("sad", "Q3"),
    ("Üzgün", "Q3"), ("uzgun", "Q3"), ("HÜZÜNLÜ", "Q3"), ("relaxed", "Q4"), ("Rahat", "Q4"), ("SAKİN", "Q4"),
    ("huzurlu", "Q4"), ("q4", "Q4")])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_trmusic_knows_its_classes_in_both_languages(tmp_path, folder, quadrant, form):
    touch(tmp_path, unicodedata.normalize(form, f"TR-MUSIC/{folder}/şarkı 1.MP3"), "TR-MUSIC/other/x.mp3")
    listing = listed("music", "t", tmp_path / "TR-MUSIC")
    assert [clip.quadrant for clip in listing.clips] == [quadrant] and listing.grouped_by == "clip"
    assert "no class folder" in reasons(listing)["other/x.mp3"]


def test_emopia_reads_names_and_every_form_of_the_published_lists(tmp_path):
    touch(tmp_path, "audio/Q1__SJQaaRzD-A_1.mp3", "audio/Q4_xgtwQGeB6_0_0.wav", "audio/Q2_abc_2.mp3", "audio/demo.mp3")
    write(tmp_path / "split/train_clip.csv", ",clip_name,DominantQ\n0,Q1__SJQaaRzD-A_1.mid,1\n")
    write(tmp_path / "split/val.csv", "fname,label\nQ4_xgtwQGeB6_0_0,Q4\n")
    write(tmp_path / "split/test_SL.csv", "songID,num_Q1,DominantQ\nabc,1,2\n")
    listing = listed("music", "p", tmp_path)
    assert [(clip.group, clip.quadrant, clip.split) for clip in listing.clips] == [
        ("_SJQaaRzD-A", "Q1", "train"), ("abc", "Q2", "test"), ("xgtwQGeB6_0", "Q4", "val")]
    assert list(reasons(listing)) == ["audio/demo.mp3"]
    write(tmp_path / "old/test.csv", "fname,label\nQ4_xgtwQGeB6_0_0,Q4\n")
    with pytest.raises(MerError, match="put Q4_xgtwQGeB6_0_0 into test and val"):
        listed("music", "p", tmp_path)


def test_emopia_takes_the_song_from_the_name_where_the_csv_has_none(tmp_path):
    touch(tmp_path, "Q1_abc_0.mp3", "Q1_abc_1.mp3")
    write(tmp_path / "annotations.csv", "path,quadrant,published_split\nQ1_abc_0.mp3,Q1,Train\nQ1_abc_1.mp3,Q1,\n")
    listing = listed("music", "p", tmp_path)
    assert listing.grouped_by == "song" and [clip.group for clip in listing.clips] == ["abc", "abc"]
    assert [clip.split for clip in listing.clips] == ["train", None]


# ---- your own csv, any corpus --------------------------------------------------------------------------------

def test_the_seed_programs_csv_is_read(tmp_path):
    touch(tmp_path, "Q1/a b.mp3", "Q2/c.mp3")
    write(tmp_path / "annotations.csv", "Songs,Quads,Arousal,Valence\n./Q1/a b.mp3,Q1,A+,V+\n./Q2/c.mp3,Q2,A+,V-\n")
    listing = listed("music", "t", tmp_path)
    assert labels(listing) == {"Q1/a b.mp3": "Q1", "Q2/c.mp3": "Q2"}
    assert listing.clips[0].arousal is None and listing.grouped_by == "clip"


@pytest.mark.parametrize("key", ["Q1/Song.mp3", "./Q1/Song.mp3", "Q1\\Song.mp3", "Q1/song.MP3", "Q1/Song.wav", "Song",
                                 "/home/me/data/4Q/Q1/Song.mp3", "C:\\data\\Q1\\Song.mp3", "Song.mp3",
                                 "../corpus/Q1/Song.mp3"])
def test_paths_are_found_however_they_are_written(tmp_path, key):
    touch(tmp_path / "corpus", "Q1/Song.mp3", "Q1/other.mp3")
    own = write(tmp_path / "lists" / "own.csv", f"path,quadrant\n{key},Q1\n")
    assert labels(listed("music", "t", tmp_path / "corpus", labels=own)) == {"Q1/Song.mp3": "Q1"}


def test_a_path_relative_to_the_csv_wins_over_a_longer_guess(tmp_path):
    touch(tmp_path, "lists/01.mp3", "other/01.mp3")
    own = write(tmp_path / "lists" / "own.csv", "path,quadrant\n01.mp3,Q1\nother/01.mp3,Q2\n")
    assert labels(listed("music", "t", tmp_path, labels=own)) == {"lists/01.mp3": "Q1", "other/01.mp3": "Q2"}


def test_a_missing_file_is_never_replaced_by_another_of_its_name(tmp_path):
    touch(tmp_path, "sad/01.mp3", "angry/01.mp3")
    own = write(tmp_path / "own.csv", "path,quadrant\nhappy/01.mp3,Q1\n01.mp3,Q2\nsad/01.mp3,Q3\n")
    listing = listed("music", "t", tmp_path, labels=own)
    assert labels(listing) == {"sad/01.mp3": "Q3"}
    assert "no such audio file" in reasons(listing)["happy/01.mp3"]
    assert "may mean angry/01.mp3 or sad/01.mp3" in reasons(listing)["01.mp3"]


def test_rows_that_contradict_each_other_leave_the_clip_out(tmp_path):
    touch(tmp_path, "a.mp3", "b.mp3", "c.mp3")
    own = write(tmp_path / "own.csv", "path,quadrant,arousal,valence\n"
                                      "a.mp3,Q1,-1,1\nb,Q1,1,1\nb.mp3,Q2,1,-1\nc,Q2,1,-1\n")
    listing = listed("music", "m", tmp_path, labels=own)
    assert labels(listing) == {"c.mp3": "Q2"}
    assert "quadrant Q1 disagrees with arousal -0.1" in reasons(listing)["a.mp3"]
    assert "lines 3 and 4: listed more than once, with different labels" in reasons(listing)["b.mp3"]


@pytest.mark.parametrize("column, grouped_by", [("artist", "artist"), ("song_id", "song"), ("Song", "song"),
                                                ("group", "group")])
def test_own_groups_and_splits(tmp_path, column, grouped_by):
    touch(tmp_path, "a.mp3", "b.mp3", "c.mp3")
    own = write(tmp_path / "own.csv", f"path,quadrant,{column},split\n"
                                      "a.mp3,1,G,train\nb.mp3,2, G ,Validation\nc.mp3,3,,test\n")
    listing = listed("music", "t", tmp_path, labels=own)
    assert [clip.group for clip in listing.clips] == ["G", "G", "c.mp3"] and listing.grouped_by == grouped_by
    assert [clip.split for clip in listing.clips] == ["train", "val", "test"]


@pytest.mark.parametrize("text, message", [
    ("path,quadrant,split\na.mp3,Q1,tset\n", "line 2: split 'tset'"),
    ("path,mood\na.mp3,happy\n", "columns path, mood: expected one that names the clips"),
    ("quadrant\nQ1\n", "expected one that names the clips"),
    ("path,arousal,valence\na.mp3,3,7\n", "arousal goes from 3 to 3, .*for example arousal\\[1..9\\]"),
    ("path,quadrant\nzzz.mp3,Q1\n", "no clip can be used .*zzz.mp3: own.csv, line 2: no such audio file")])
def test_a_table_that_cannot_be_used_says_what_to_do(tmp_path, text, message):
    touch(tmp_path, "a.mp3")
    with pytest.raises(MerError, match=message):
        listed("music", "t", tmp_path, labels=write(tmp_path / "own.csv", text))


@pytest.mark.parametrize("arousal, valence, expected", [
    ("arousal[1..9]", "valence[1..9]", (0.5, -0.75)), ("Arousal [0 .. 10]", "Valence (0..10)", (0.4, -0.6)),
    ("Arousal (1-9)", "valence (1 – 9)", (0.5, -0.75)), ("A_[1,9]", "V (1 to 9)", (0.5, -0.75))])
def test_a_stated_scale_is_centred_on_its_middle(tmp_path, arousal, valence, expected):
    touch(tmp_path, "a.mp3")
    own = write(tmp_path / "own.csv", f"path;{arousal};{valence}\na.mp3;7;2\n")
    clip, = listed("music", "m", tmp_path, labels=own).clips
    assert (clip.arousal, clip.valence) == pytest.approx(expected) and clip.quadrant == "Q2"


def test_an_unstated_scale_around_zero_is_as_wide_as_its_largest_value(tmp_path):
    touch(tmp_path, "a.mp3", "b.mp3")
    own = write(tmp_path / "own.csv", "path,arousal,valence\na.mp3,4,-2\nb.mp3,-1,1\n")
    assert [(clip.arousal, clip.valence) for clip in listed("music", "t", tmp_path, labels=own).clips] == [
        (1.0, -0.5), (-0.25, 0.25)]
