"""Csv files of several people's ratings: layouts, spellings, what is refused."""

import re

import numpy as np
import pytest

from mer import MerError
from mer.raters import ratings

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
