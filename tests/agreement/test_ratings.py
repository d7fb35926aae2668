"""Csv files of several people's ratings: layouts, spellings, what is refused."""

import re
import time

import numpy as np
import pytest

from mer import MerError
from mer.agreement import ratings
from mer.tables.missing import is_missing

LONG = "clip,rater,rater_language,emotion,value\n"


def read(tmp_path, text, encoding="utf-8", **options):
    path = tmp_path / "r.csv"
    path.write_bytes(text.encode(encoding))
    return ratings.read(path, **options)


def cells(found):
    """{(clip, rater, class): value}"""
    return {(found.clips[c], found.raters[r], found.classes[k]): found.values[v].item()
            for c, r, k, v in zip(found.clip, found.rater, found.kind, found.value, strict=True)}


def test_one_row_per_rating(tmp_path):
    found = read(tmp_path, LONG + "b,r2,English,Joy,4\na,r1,english,joy,2\na,r2,ENGLISH,Sad,1\n")
    assert cells(found) == {("b", "r2", "Joy"): 4, ("a", "r1", "Joy"): 2, ("a", "r2", "Sad"): 1}
    assert found.languages == ("English", "English") and found.is_numeric and found.n_missing == 0


def test_one_column_per_emotion_as_spreadsheets_write_it(tmp_path):
    found = read(tmp_path, "sep=;\nCLIP;Rater ID;Mother tongue;Age;Joy;Sad;Comments\na;1;German;33;1,5;2;ok\n"
                 "b;1;German;33;2;NA;\n", "utf-8-sig")
    assert cells(found) == {("a", "1", "joy"): 1.5, ("a", "1", "sad"): 2, ("b", "1", "joy"): 2}
    assert found.languages == ("German",) and found.n_missing == 1


def test_a_column_of_words_is_one_class(tmp_path):
    found = read(tmp_path, "clip,rater,emotion\na,1,joy\na,2,Joy\nb,1,sad\n")
    assert cells(found) == {("a", "1", "emotion"): "joy", ("a", "2", "emotion"): "joy", ("b", "1", "emotion"): "sad"}
    assert not found.is_numeric


@pytest.mark.parametrize("column", ["rating_1_5", "Value[1..9]", "score", "Label"])
def test_value_columns_and_no_class_column(tmp_path, column):
    found = read(tmp_path, f"song,annotator,{column}\na,1,3\na,2,4\n")
    assert len(found) == 2 and len(found.classes) == 1 and found.values.tolist() == [3, 4]


def test_only_some_classes(tmp_path):
    text = LONG + "a,1,e,Joy,1\na,1,e,Sad,2\na,1,e,Fear,3\n"
    assert read(tmp_path, text, only=("sad", "JOY")).classes == ("Joy", "Sad")
    with pytest.raises(MerError, match="has no 'anger': choose from Joy, Sad, Fear"):
        read(tmp_path, text, only=("anger",))


MISSING = ["", " ", ".", "..", "-", "--", "—", "?", "*", "NA", "N/A", "n.a.", "n. a.", "<NA>", "(na)", "#N/A",
           "#N/A N/A", "#NULL!", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!", "#NV", "#WERT!", "#ЗНАЧ!", "#Н/Д",
           "nan", "NaN", "-nan", "1.#QNAN", "-1.#IND", "None", "null", "NULL", "nil", "missing", "Missing", "unknown",
           "no answer", "not rated", "NA_character_", "NaT", "k.A.", "keine Angabe", "fehlt", "non disponible",
           "sin respuesta", "yok", "eksik", "缺失", "无", "нет", "なし", "없음", "…", "//", "[missing]", "\u2212"]


@pytest.mark.parametrize("mark", MISSING)
def test_marks_of_a_missing_rating(mark):
    assert is_missing(mark)


@pytest.mark.parametrize("rating", ["0", "-1", "1.5", "-0.5", ",5", "+", "++", "joy", "nostalgic", "neutral", "nah",
                                    "☺", "★★", "a", "n", "#1", "x", "anger", "nano", "no", "yes", "desire", "平静"])
def test_what_is_a_rating(rating):
    assert not is_missing(rating)


@pytest.mark.parametrize("mark", ["None", "#N/A", "n.a.", "*", "?", "NULL", "keine Angabe"])
@pytest.mark.parametrize("values", [("1", "2"), ("joy", "sad")])
def test_missing_ratings_are_counted_by_what_stood_there(tmp_path, mark, values):
    found = read(tmp_path, LONG + f"a,1,e,joy,{values[0]}\na,2,e,joy,{values[1]}\nb,1,e,joy,{mark}\nb,2,e,joy,\n")
    assert len(found) == 2 and found.missing == {"": 1, mark: 1} and found.n_missing == 2


def test_a_dash_beside_a_plus_is_ambiguous(tmp_path):
    with pytest.raises(MerError, match="holds . and -: a dash alone stands for a missing rating"):
        read(tmp_path, LONG + "a,1,e,joy,+\na,2,e,joy,-\n")


@pytest.mark.parametrize("scale, code", [("1234512345", "-9"), ("1234512345", "99"), ("1234567123", "-1"),
                                         ("1234512345", "9"), ("0123401234", "-99"), ("0101201201", "999"),
                                         ("1234512345", "-999")])
def test_the_code_of_a_missing_rating_is_refused(tmp_path, scale, code):
    text = LONG + "".join(f"c{n},{rater},e,joy,{value}\n" for n, value in enumerate(scale) for rater in "ab")
    text += f"x,a,e,joy,{code}\nx,b,e,joy,{code}\n"
    with pytest.raises(MerError, match=f"line 22: 2 of 22 ratings of joy are {code}, which looks .*--missing={code}"):
        read(tmp_path, text)
    assert read(tmp_path, text, codes=[code]).missing == {code: 2}
    assert len(read(tmp_path, text, codes=["none"])) == 22


@pytest.mark.parametrize("scale, codes", [("1234512345", "98 99"), ("1234512345", "-1 -2"), ("0123401234", "-8 -9"),
                                          ("1234567123", "-77 -88 -99"), ("0123456789", "-1"), ("1012101210", "98 99")])
def test_codes_of_which_a_column_holds_several_are_refused(tmp_path, scale, codes):
    scale = [*scale, *codes.split()]
    text = LONG + "".join(f"c{n},{rater},e,joy,{value}\n" for n, value in enumerate(scale) for rater in "ab")
    with pytest.raises(MerError, match=f"ratings of joy are {codes.split()[-1]}, which looks like the code of a"):
        read(tmp_path, text)


@pytest.mark.parametrize("scale", ["-1 0 1", "-3 -2 -1 0 1 2 3", "0 1", "1 2 3 4 5 6 7 8 9", "0 25 50 75 100 99",
                                   "-9 -4 3 8", "-50 -9 20 50"])
def test_scales_are_no_codes(tmp_path, scale):
    values = scale.split() * 10
    text = LONG + "".join(f"c{n},{rater},e,joy,{value}\n" for n, value in enumerate(values) for rater in "ab")
    assert len(read(tmp_path, text)) == 2 * len(values)


EXPORTS = {
    "jspsych": "trial_type,trial_index,time_elapsed,internal_node_id,rt,view_history,slider_start,recorded_at,"
               "browser_version,trialType,trialIndex,timeElapsed,accept_language",
    "psychopy": "trials.thisRepN,trials.thisN,thisIndex,slider.rt,slider.started,key_resp.keys,session,expName,"
                "psychopyVersion,frameRate,date",
    "qualtrics": "StartDate,EndDate,Status,IPAddress,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,"
                 "LocationLatitude,DistributionChannel,UserLanguage,Q_RecaptchaScore,Q1_First Click,Q1_Page Submit",
    "limesurvey": "Response ID,Date submitted,Last page,Start language,seed,interviewtime,groupTime12,submitdate,"
                  "lastpage,Q1Time",
    "gorilla": "Event Index,UTC Timestamp,Experiment ID,Reaction Time,Trial Number,Participant Private ID,Attempt,"
               "Correct",
    "prolific": "Age,Sex,Age group,Country of birth,Nationality,Time taken,Total approvals,Student status,PROLIFIC_PID",
    "people": "Confidence,Familiarity,Liking,Musical training,Gender,Comments,Geschlecht,Yaş,年龄",
}


@pytest.mark.parametrize("program", EXPORTS)
def test_columns_of_programs_are_no_emotions(tmp_path, program):
    rng = np.random.default_rng(0)
    names = EXPORTS[program].split(",")
    rows = [",".join([f"p{rater}", f"s{clip}", *map(str, rng.integers(1, 6, len(names) + 3))])
            for rater in range(4) for clip in range(6)]
    found = read(tmp_path, "participant,stimulus,happy,slider_sad.response," + ",".join(names) + ",Q3_tender\n"
                 + "\n".join(rows))
    assert found.classes == ("happy", "slider_sad.response", "q3_tender")
    assert len(found.left_out) == len(names) and {column.code for column in found.left_out} == {"name"}


def test_columns_that_look_like_no_ratings_are_left_out(tmp_path):
    rows = [f"p{rater},s{clip},{(rater + clip) % 5},{3},{6 * rater + clip},{rater % 2},"
            f"{300 + 371 * (rater + clip) % 2000},{'ab'[clip % 2]},,{(rater + clip) % 7 + 0.5}"
            for rater in range(4) for clip in range(6)]
    found = read(tmp_path, "rater,clip,joy,same,nth,band,ticks,kind,blank,calm\n" + "\n".join(rows))
    assert found.classes == ("joy", "calm")
    assert {column.column: column.code for column in found.left_out} == {
        "same": "constant", "nth": "counter", "band": "of the rater", "ticks": "unlike a scale", "kind": "words",
        "blank": "empty"}
    assert read(tmp_path, "rater,clip,joy,same\n" + "\n".join(row.split(",s")[0] + ",s" + ",".join(
        row.split(",s")[1].split(",")[:3]) for row in rows), only=("same",)).classes == ("same",)


def test_where_no_column_holds_ratings_the_reasons_are_given(tmp_path):
    text = "rater,clip,joy,age\n" + "".join(f"p{n % 4},s{n // 4},3,20\n" for n in range(40))
    with pytest.raises(MerError, match=r"left out joy \(one value\), age \(by its name\); --only names"):
        read(tmp_path, text)


def test_a_value_beside_emotions_is_not_guessed(tmp_path):
    text = "rater,clip,rating,joy\n" + "".join(f"p{n % 3},s{n // 3},{n % 5},{n % 4}\n" for n in range(12))
    with pytest.raises(MerError, match="has numbers in rating and in joy: say with --only"):
        read(tmp_path, text)
    assert read(tmp_path, text, only=("rating",)).classes == ("rating",)
    assert read(tmp_path, text, only=("rating", "joy")).classes == ("rating", "joy")
    with pytest.raises(MerError, match="has the columns rating and score: keep the one"):
        read(tmp_path, "rater,clip,emotion,rating,score\na,1,joy,2,3\n")


def test_a_response_in_words_beside_emotions_is_none(tmp_path):
    found = read(tmp_path, "subject,stimulus,response,happy\np1,s1,yes,3\np2,s1,no,4\n")
    assert found.classes == ("happy",) and found.left_out[0].code == "words"


def test_many_rows_are_read_in_little_time(tmp_path):
    start = time.perf_counter()
    read(tmp_path, LONG + "".join(f"c{n // 100},r{n % 100},e,joy,{n / 7:.4f}\n" for n in range(10_000)))
    assert time.perf_counter() - start < 10


def test_numbers_beside_words_are_words_only_where_that_is_wanted(tmp_path):
    text = LONG + "a,1,e,joy,3\na,2,e,joy,much\n"
    with pytest.raises(MerError, match=r"line 3: 'much' is not a number, and 1 of 2 ratings are: .*--level nominal"):
        read(tmp_path, text)
    assert read(tmp_path, text, words=True).values.tolist() == ["3", "much"]


@pytest.mark.parametrize("text, words", [
    ("clip,emotion,value\na,joy,3\n", "has the columns clip, emotion, value: expected clip, rater, emotion"),
    ("clip,rater,age\na,1,3\n", "expected a value column, or one column per emotion"),
    (LONG + "a,1,e,joy,\n", "holds no rating"),
    (LONG, "holds no rating"),
    (LONG + "a,,e,joy,2\n", "line 2: the cell of rater is empty"),
    (LONG + "a,1,e,,2\n", "line 2: the cell of emotion is empty"),
    (LONG + "a,1,e,joy,2\nb,1,e,joy,2\na,1,e,Joy,3\n", "lines 2 and 4: 1 rates joy of a twice"),
    (LONG + "a,1,english,joy,2\nb,1,german,joy,2\n", "lines 2 and 3: rater 1 is english in one and german in"),
    (LONG + "a,1,e,joy,2\nb,1,e,joy,inf\n", "line 3: 'inf' is not a number"),
])
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path, text, words):
    with pytest.raises(MerError, match=re.escape(words)) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


def test_the_order_of_rows_changes_nothing(tmp_path):
    rows = [f"{clip},{rater},e,joy,{value}\n" for clip, rater, value in ("a12", "a23", "b11", "b22")]
    one, other = read(tmp_path, LONG + "".join(rows)), read(tmp_path, LONG + "".join(rows[::-1]))
    assert cells(one) == cells(other) and one.clips == other.clips and one.raters == other.raters


def test_the_real_ratings(shared):
    found = ratings.read(shared / "data" / "agreement_emotion_ratings" / "ratings.csv")
    assert len(found) == 30492 and len(found.clips) == 22 and len(found.raters) == 126 and len(found.classes) == 11
    names, counts = np.unique(found.languages, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {
        "english": 26, "german": 17, "mandarin": 27, "spanish": 56}
