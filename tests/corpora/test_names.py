"""Names: which artists are one, which columns name the clips, what a number means, encodings of whole corpora."""

import shutil

import pytest
from test_annotations import groups, labels, write
from test_corpora import listed, reasons, touch

from mer import MerError
from mer.corpora import _names


@pytest.mark.parametrize("names", [
    ["Beyoncé", "BEYONCE", "Beyonce\u0301", " beyoncé "],
    ["The Beatles", "Beatles, The", "the  BEATLES", "Beatles (The)", "Beatles; The", "Beatles,The"],
    ["A Tribe Called Quest", "Tribe Called Quest, A"],
    ["Adele", "Ad\u034fele", "Adele\ufe0f", "Ade\u3164le", "A\x00dele"],
    ["Destiny's Child", "Destiny′s Child", "Destiny‛s Child", "Destiny´s Child", "Destiny`s Child", "Destinyʹs Child"],
    ["‹Weird› Al", "„Weird‟ Al", "Weird Al"],
    ["Guns N' Roses", "Guns N’ Roses", "Guns N‘ Roses", "\u200bGuns N' Roses"],
    ["Eminem", "Eminem feat. Rihanna", "Eminem ft. Dido", "Eminem featuring Dido", "EMINEM (Feat. Dido)",
     "Eminem [ft X]"],
    ["周杰倫", "周杰倫feat.梁心頤", "周杰倫（feat. 梁心頤）", "\ufeff周杰倫"],
    ["Barış Manço", "BARIŞ MANÇO", "Baris Manco"],
    ["İbrahim Tatlıses", "IBRAHIM TATLISES", "ibrahim tatlises"], ["Simon & Garfunkel", "Simon and Garfunkel"],
    ["Röyksopp", "Royksopp", "Røyksopp"], ["Jay-Z", "Jay‐Z", "JAY Z"], ["Los Lobos", "Lobos, Los"],
    ["R.E.M.", "REM"], ["Ｑｕｅｅｎ", "Queen"]])
def test_spellings_of_one_artist_are_one_group(names):
    assert len({_names.key(name) for name in names}) == 1
    shown = _names.united([*names, names[0]])
    assert set(shown.values()) == {names[0].strip()}, "the spelling of most clips is shown"


def test_different_artists_stay_apart():
    names = ["Little Feat", "Little", "!!!", "???", "Daft Punk", "Daft", "NA", "Björk", "Björk Guðmundsdóttir", "王菲",
             "王力宏", "がか", "かか", "Кино", "Кинй", "The The", "The Who", "Ft. Knox", "Knox", "Left", "Leftfield",
             "Craft", "Soft Cell", "Feat", "X", "XX", "Harry Connick, Jr.", "Harry Connick, Sr."]
    assert len({_names.key(name) for name in names}) == len(names)


def test_who_is_not_known_is_no_group_and_that_is_printed(tmp_path, capsys):
    touch(tmp_path, *(f"{i}.mp3" for i in range(8)))
    names = ["", "Unknown Artist", "Various Artists", "n/a", "Queen", "NA", "NA", "NA"]
    rows = "".join(f"{i},Q1,{name}\n" for i, name in enumerate(names))
    own = write(tmp_path / "own.csv", f"path,quadrant,artist\n{rows}")
    listing = listed("music", "t", tmp_path, labels=own)
    assert list(groups(listing).values()) == ["0.mp3", "1.mp3", "2.mp3", "3.mp3", "Queen", "NA", "NA", "NA"]
    told = capsys.readouterr().err
    assert "4 of 8 clips have no artist: each of them is a group of its own" in told
    assert "3 clips have the artist 'NA': if that means unknown, empty these cells" in told


def test_artists_of_4q_emotion_are_united(tmp_path):
    touch(tmp_path, "Q1/MT01.mp3", "Q1/MT02.mp3", "Q2/MT03.mp3")
    write(tmp_path / "panda_dataset_taffc_annotations.csv", "Song,Quadrant\nMT01,Q1\nMT02,Q1\nMT03,Q2\n")
    write(tmp_path / "panda_dataset_taffc_metadata.csv",
          "Song,Artist\nMT01,The Cure\nMT02,\"Cure, The\"\nMT03,The Cure feat. Somebody\n")
    assert len(set(groups(listed("music", "e", tmp_path)).values())) == 1


# ---- columns and ids -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [
    "musicId", "music_id", "track_id", "trackId", "Track ID", "audio_path", "audioPath", "Audio File", "filePath",
    "sound", "stimulus_id", "wav", "recording name", "Song No.", "clipid", "excerpt", "sample_id", "mp3"])
@pytest.mark.parametrize("cells", [("001", "002"), ("001.mp3", "002.mp3"), ("1.0", "2.0"), ("１", "２"), ("1", "2.00")])
def test_columns_that_name_clips_and_numbers_that_mean_files(tmp_path, column, cells):
    touch(tmp_path, "001.mp3", "002.mp3")
    own = write(tmp_path / "own.csv", f"{column};quadrant\n{cells[0]};Q1\n{cells[1]};Q2\n")
    assert labels(listed("music", "t", tmp_path, labels=own)) == {"001.mp3": "Q1", "002.mp3": "Q2"}


def test_a_file_that_is_named_like_the_number_comes_first(tmp_path):
    touch(tmp_path, "1.0.mp3", "001.mp3")
    own = write(tmp_path / "own.csv", "id,quadrant\n1.0,Q1\n1,Q2\n")
    assert labels(listed("music", "t", tmp_path, labels=own)) == {"1.0.mp3": "Q1", "001.mp3": "Q2"}


# ---- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding, names", [
    ("cp1254", ["Şımarık", "Dağlar"]), ("cp1252", ["Señorita", "Für Elise"]), ("gb18030", ["后来", "夜曲"]),
    ("big5", ["後來", "聽海"]), ("cp932", ["さくら", "夜に駆ける"]), ("cp1251", ["Кино", "Я"]),
    ("cp949", ["봄날", "밤"]), ("cp1250", ["Wróżba", "Łąka"]), ("mac_roman", ["Café", "L’été"]),
    ("utf-8-sig", ["夜曲", "é"]), ("utf-16", ["夜曲", "é"])])
def test_the_csv_of_a_corpus_is_read_in_the_encoding_in_which_its_files_are_found(tmp_path, capsys, encoding, names):
    touch(tmp_path, *(f"{name}.mp3" for name in names))
    own = write(tmp_path / "own.csv", "path,quadrant\n" + "".join(f"{name}.mp3,Q1\n" for name in names), encoding)
    listing = listed("music", "m", tmp_path, labels=own)
    assert len(listing.clips) == 2 and not listing.skipped
    assert ("own.csv is not UTF-8 and was read as" in capsys.readouterr().err) == (encoding[:3] != "utf")


def test_an_encoding_can_be_stated(tmp_path):
    touch(tmp_path, "1.mp3")
    own = write(tmp_path / "own.csv", "path,quadrant,artist\n1,Q1,Dýrð\n", "cp1252")
    assert groups(listed("music", "t", tmp_path, labels=own, encoding="cp1254"))["1.mp3"] == "Dırğ"
    with pytest.raises(MerError, match="it is not utf-8: leave --encoding out"):
        listed("music", "t", tmp_path, labels=own, encoding="utf-8")


# ---- folders that hold each clip twice -------------------------------------------------------------------------------


def twice(root, *, content=lambda name: name.encode() * 50):
    for quadrant in ("Q1", "Q2", "Q3", "Q4"):
        for number in range(3):
            for folder in (quadrant, "music"):
                path = root / folder / f"MT{quadrant[1]}{number}.mp3"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content(path.name) + (b"other tags" if folder == "music" and number == 2 else b""))


@pytest.mark.parametrize("with_table", [True, False])
def test_public_copies_of_4q_emotion_hold_each_clip_twice(tmp_path, with_table):
    twice(tmp_path)
    shutil.copytree(tmp_path / "Q1", tmp_path / "__MACOSX" / "Q1")
    (tmp_path / "Q1" / "._MT10.mp3").write_bytes(b"x")
    if with_table:
        write(tmp_path / "panda_dataset_taffc_annotations.csv",
              "Song,Quadrant\n" + "".join(f"MT{q}{i},Q{q}\n" for q in range(1, 5) for i in range(3)))
    listing = listed("music", "e", tmp_path)
    assert [clip.id for clip in listing.clips] == [f"Q{q}/MT{q}{i}.mp3" for q in range(1, 5) for i in range(3)]
    assert list(reasons(listing)) == ["music/"] and "12 of its files are copies of others" in reasons(listing)["music/"]


def test_a_csv_may_name_the_place_that_is_not_used(tmp_path):
    twice(tmp_path)
    own = write(tmp_path / "own.csv", "path,quadrant\nmusic/MT10.mp3,Q2\nMT20,Q1\n")
    assert labels(listed("music", "e", tmp_path, labels=own)) == {"Q1/MT10.mp3": "Q2", "Q2/MT20.mp3": "Q1"}


@pytest.mark.parametrize("code", ["m", "t"])
def test_a_nested_copy_counts_once_and_other_songs_of_one_name_count(tmp_path, code):
    for folder, text in (("a", b"one"), ("old/a", b"one"), ("b", b"two")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "1.mp3").write_bytes(text)
    own = write(tmp_path / "own.csv", "path,quadrant\na/1.mp3,Q1\nb/1.mp3,Q2\n")
    listing = listed("music", code, tmp_path, labels=own)
    assert labels(listing) == {"a/1.mp3": "Q1", "b/1.mp3": "Q2"}
    assert list(reasons(listing)) == ["old/a/"]


def test_one_recording_in_two_class_folders_is_no_copy(tmp_path):
    for folder in ("happy", "sad"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.mp3").write_bytes(b"same")
    assert labels(listed("music", "t", tmp_path)) == {"happy/1.mp3": "Q1", "sad/1.mp3": "Q3"}


# ---- small inputs that once failed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name, expected", [
    ("scale19_missing_-1_both.csv", "line 7: arousal -1, valence -1 looks like a code for a missing rating"),
    ("dup_header_quadrant.csv", "has two columns 'quadrant'"), ("header_quoted_commas.csv", 24),
    ("unicode_minus.csv", 24), ("id_float.csv", 24)])
def test_cases(shared, tmp_path, name, expected):
    touch(tmp_path, *(f"{i:03d}.wav" for i in range(1, 25)))
    path = shared / "cases" / name
    if isinstance(expected, str):
        with pytest.raises(MerError, match=expected):
            listed("music", "m", tmp_path, labels=path)
    else:
        listing = listed("music", "m", tmp_path, labels=path)
        assert len(listing.clips) == expected and not listing.skipped
