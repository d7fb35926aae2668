"""Cells of a table of labels: codes for missing values, scales that cannot be, spellings of the quadrants."""

import pytest
from test_annotations import labels, write
from test_corpora import listed, reasons, touch

from mer import MerError, corpora
from mer.corpora import _emotion

# ---- codes for missing values, scales that cannot be ----------------------------------------------------------------

CENTRED = [(0.5, 0.4), (-0.3, 0.2), (-0.6, -0.1), (0.1, -0.7), (0.2, 0.9), (-0.8, -0.45)]
SCALE_1_TO_9 = [(5.68, 6.2), (8.12, 2.64), (4.28, 3.12), (2.96, 5.96), (7.5, 7.1), (1.5, 2.5)]
LIKERT = [(1, 2), (2, 5), (4, 1), (5, 5), (3, 4), (1, 1)]


def numbers(tmp_path, points, header="arousal,valence", code="m"):
    """Listing of clips with these points."""
    touch(tmp_path, *(f"{i:03d}.mp3" for i in range(len(points))))
    rows = "".join(f"{i:03d},{arousal},{valence}\n" for i, (arousal, valence) in enumerate(points))
    return listed("music", code, tmp_path, labels=write(tmp_path / "own.csv", f"path,{header}\n{rows}"))


@pytest.mark.parametrize("corpus", ["t", "m"])
@pytest.mark.parametrize("where", ["both", "arousal", "valence"])
@pytest.mark.parametrize("points, missing", [
    (SCALE_1_TO_9, -1), (SCALE_1_TO_9, -9), (SCALE_1_TO_9, -99), (SCALE_1_TO_9, -999), (SCALE_1_TO_9, "-1.0"),
    ([(a / 9, v / 9) for a, v in SCALE_1_TO_9], -1), ([(a / 9, v / 9) for a, v in SCALE_1_TO_9], -9),
    ([(a * 11, v * 11) for a, v in SCALE_1_TO_9], -1), (LIKERT, -1), (LIKERT, -9), (LIKERT, -99)])
def test_a_code_for_missing_values_never_becomes_a_label(tmp_path, points, missing, where, corpus):
    row = {"both": (missing, missing), "arousal": (missing, 6), "valence": (6, missing)}[where]
    with pytest.raises(MerError, match=rf"(line 8: .*|line 8 .*)(arousal|valence) {float(missing):g} looks like a "
                                        "code|is outside of its scale, -10 to 10"):
        numbers(tmp_path, [*points, row], code=corpus)


def test_the_codes_of_several_rows_are_named(tmp_path):
    with pytest.raises(MerError, match="lines 2, 3, 10 and 11: arousal -9, arousal -1, valence -1 looks like"):
        numbers(tmp_path, [(-9, 5), (-1, -1), *SCALE_1_TO_9, (-9, 5), (-1, 4), ], code="t")


def test_several_codes_on_a_scale_of_whole_numbers_from_1_are_refused(tmp_path):
    scale = [(1 + n % 5, 1 + (n * 3 + n // 5) % 5) for n in range(22)]
    with pytest.raises(MerError, match="lines 2 and 3: arousal -2, arousal -1, valence -2, valence -1 looks like"):
        numbers(tmp_path, [(-1, -1), (-2, -2), *scale])


def test_a_corpus_of_two_opposite_quadrants_holds_no_codes(tmp_path):
    assert len(numbers(tmp_path, [(1, 1)] * 20 + [(-1, -1)] * 4).clips) == 24


@pytest.mark.parametrize("missing", [99, 999, -99, -999, 9, -9, 9999])
@pytest.mark.parametrize("where", ["both", "arousal"])
def test_a_number_far_from_the_others_is_a_code_too(tmp_path, missing, where):
    row = (missing, missing) if where == "both" else (missing, 0.5)
    with pytest.raises(MerError, match=f"line 8: arousal {missing}[, ].*looks like a code"):
        numbers(tmp_path, [*CENTRED, row], code="t")


@pytest.mark.parametrize("missing", [-1, -9, -99, -999, 0, 99, 999, "NA", "", "nan", "n/a", "."])
def test_with_a_stated_scale_only_the_rows_with_codes_are_left_out(tmp_path, missing):
    listing = numbers(tmp_path, [*SCALE_1_TO_9, (missing, missing), (5.5, missing)], "arousal[1..9],valence[1..9]")
    assert labels(listing) == {"000.mp3": "Q1", "001.mp3": "Q2", "002.mp3": "Q3", "003.mp3": "Q4", "004.mp3": "Q1",
                               "005.mp3": "Q3"}
    assert {"006.mp3", "007.mp3"} == set(reasons(listing))


@pytest.mark.parametrize("header", ["arousal[1..9],valence", "arousal,valence[1..9]"])
@pytest.mark.parametrize("corpus", ["t", "m"])
def test_a_scale_that_is_stated_for_one_dimension_says_nothing_of_the_other(tmp_path, header, corpus):
    with pytest.raises(MerError, match="state the scale in the header, for example (valence|arousal)"):
        numbers(tmp_path, SCALE_1_TO_9, header, corpus)
    free = [(a, v - 5) for a, v in SCALE_1_TO_9] if header.endswith("valence") else [
        (a - 5, v) for a, v in SCALE_1_TO_9]
    quadrants = ["Q1", "Q2", "Q3", "Q4", "Q1", "Q3"]
    assert [clip.quadrant for clip in numbers(tmp_path, free, header, corpus).clips] == quadrants
    listing = numbers(tmp_path, free, header, "t")
    inferred = [clip.valence if header.endswith("valence") else clip.arousal for clip in listing.clips]
    assert max(map(abs, inferred)) == 1, "the stated scale of the other must not stretch it"


def test_numbers_that_cannot_have_the_stated_scale_are_refused(tmp_path):
    with pytest.raises(MerError, match="arousal is outside of its scale, 1 to 5, in lines 2, 3 and 6"):
        numbers(tmp_path, SCALE_1_TO_9, "arousal[1..5],valence[1..9]")


@pytest.mark.parametrize("points", [
    CENTRED, [(1, -1), (-1, 1), (1, 1), (-1, -1)], [(0, 1), (-1, 1), (1, -1), (-1, -1)],
    [(2, -2), (-1, 1), (3, 3), (-3, -1), (1, 2)], [(4, -2), (-1, 1), (-20, 1)]])
def test_ratings_around_zero_are_no_codes(tmp_path, points):
    listing = numbers(tmp_path, points, code="t")
    assert len(listing.clips) == sum(bool(a and v) for a, v in points)


def test_where_quadrants_are_there_doubtful_numbers_are_left_out_and_that_is_printed(tmp_path, capsys):
    touch(tmp_path, "000.mp3", *(f"{i:03d}.mp3" for i in range(1, 7)))
    rows = "".join(f"{i:03d},Q1,{a},{v}\n" for i, (a, v) in enumerate([*SCALE_1_TO_9, (-1, -1)]))
    own = write(tmp_path / "own.csv", f"path,quadrant,arousal,valence\n{rows}")
    clips = listed("music", "t", tmp_path, labels=own).clips
    assert [(clip.quadrant, clip.arousal) for clip in clips] == [("Q1", None)] * 7
    assert "the numbers of arousal and valence are left out" in capsys.readouterr().err


@pytest.mark.parametrize("header, row", [("quadrant", "0"), ("quadrant", "0.0"), ("quads", "Q0"), ("quadrant", "０")])
def test_a_quadrant_0_is_refused(tmp_path, header, row):
    touch(tmp_path, "a.mp3", "b.mp3")
    with pytest.raises(MerError, match=f"{header} is 0 in line 3, and quadrants are Q1 to Q4"):
        listed("music", "t", tmp_path, labels=write(tmp_path / "own.csv", f"path,{header}\na,1\nb,{row}\n"))


def test_two_columns_that_spell_one_quadrant_in_two_ways_agree(tmp_path):
    touch(tmp_path, "a.mp3", "b.mp3")
    own = write(tmp_path / "own.csv", "path,quadrant,quads\na,Q1,1\nb,Q2,II\n")
    assert labels(listed("music", "t", tmp_path, labels=own)) == {"a.mp3": "Q1", "b.mp3": "Q2"}


@pytest.mark.parametrize("text", ["path,quadrant,quads\na,Q1,Q1\nb,Q2,Q3\n",
                                  "path,arousal[-1..1],arousal_mean,valence[-1..1]\na,1,1,1\nb,-0.5,0.5,1\n"])
def test_two_columns_that_contradict_each_other_are_refused(tmp_path, text):
    touch(tmp_path, "a.mp3", "b.mp3")
    with pytest.raises(MerError, match="line 3: the columns .* different .*remove one"):
        listed("music", "t", tmp_path, labels=write(tmp_path / "own.csv", text))


@pytest.mark.parametrize("text, name", [("Q1", "Q1"), (" q4 ", "Q4"), ("2", "Q2"), ("3.0", "Q3"), ("0", None),
                                        ("Quadrant 3", "Q3"), ("IV", "Q4"), ("Ⅲ", "Q3"), ("Ｑ２", "Q2"), ("3,0", "Q3"),
                                        ("V", None), ("1.5", None), ("-1", None), ("9", None), ("happy", None),
                                        ("Q5", None), ("", None), ("12", None)])
def test_quadrant_spellings(text, name):
    assert _emotion.quadrant_name(text) == name


def test_labels_that_are_no_file_are_told(tmp_path):
    touch(tmp_path, "a.mp3")
    with pytest.raises(MerError, match="cannot be read"):
        corpora.list_clips(corpora.get("music", "t"), tmp_path, labels=tmp_path / "none.csv")
