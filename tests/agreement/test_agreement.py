"""Agreement reports: meaning of intervals and comparisons, files, the script, wrong input."""


import numpy as np
import pytest
import scipy.stats

from mer import MerError
from mer.agreement import agreement, ratings, report
from mer.agreement.languages import WITHIN, holm

HEADER = "clip,rater,rater_language,emotion,value\n"
FAST = {"n_bootstrap": 200, "n_permutations": 399, "seed": 1}


def write(path, *, shared_taste=0.0, n_clips=24, n_raters=8, languages=("english", "german"), emotions=("joy", "sad"),
          noise=0.7, careful=(), seed=0):
    """Ratings from 1 to 9: each clip has a value, each language adds a taste of its own, each rater noise."""
    rng, lines = np.random.default_rng(seed), [HEADER]
    base = rng.normal(size=(len(emotions), n_clips))
    for language in languages:
        taste = shared_taste * rng.normal(size=base.shape)
        for rater in range(n_raters):
            spread = noise / 3 if language in careful else noise
            values = np.clip(np.rint(5 + 1.5 * (base + taste + spread * rng.normal(size=base.shape))), 1, 9)
            lines += [f"c{clip},{language[:2]}{rater},{language},{emotion},{values[place, clip]:g}\n"
                      for place, emotion in enumerate(emotions) for clip in range(n_clips)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def evaluate(path, **options):
    given = ratings.read(path)
    return agreement.evaluate(given, **{"levels": ("ordinal",), **FAST, **options})


def row_of(rows, **wanted):
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_a_difference_between_languages_is_found(tmp_path):
    found = evaluate(write(tmp_path / "r.csv", shared_taste=1.0))
    within = row_of(found["comparisons"], group=WITHIN, **{"class": "all classes"})
    assert within["p"] == pytest.approx(2 / 400) and within["difference"] > 0.1
    assert within["low"] > 0 and within["mixed_high"] < within["alpha"]
    assert "agree more among themselves" in " ".join(report.answer(found, ("ordinal",)))


def test_none_is_found_where_there_is_none(tmp_path):
    made = (evaluate(write(tmp_path / "r.csv", seed=seed, n_clips=12, n_raters=5), n_bootstrap=2) for seed in range(40))
    p_values = [row_of(found["comparisons"], group=WITHIN, **{"class": "all classes"})["p"] for found in made]
    assert scipy.stats.kstest(p_values, "uniform").pvalue > 0.01  # p is uniform under the null


def test_languages_with_careful_and_careless_raters_are_told_from_languages_that_share_a_view(tmp_path):
    found = evaluate(write(tmp_path / "r.csv", careful=("german",), noise=1.0))
    rows = {row["group"]: row for row in found["comparisons"] if row["class"] == "all classes"}
    assert rows["german"]["difference"] > 0.1 and rows["english"]["difference"] < -0.1
    text = " ".join(report.answer(found, ("ordinal",)))
    assert "more in german" in text
    assert "noise differs between languages" in text and "--given-care" in text
    [care] = found["care"]
    assert care["differs"] and care["p"] < 0.05 and care["noise"]["english"] > 1.5 * care["noise"]["german"]
    path = write(tmp_path / "r.csv", careful=("german",), noise=1.0)
    within = row_of(evaluate(path, given_care=True)["comparisons"], group=WITHIN, **{"class": "all classes"})
    assert within["p"] < 0.05 < within["rest_p"]
    shared_view = evaluate(write(tmp_path / "r.csv", shared_taste=1.0), given_care=True)
    within = row_of(shared_view["comparisons"], group=WITHIN, **{"class": "all classes"})
    assert within["rest_p"] < 0.05 and within["rest"] > 0.1 and not shared_view["care"][0]["differs"]
    text = " ".join(report.answer(shared_view, ("ordinal",)))
    assert "noise differs" not in text
    assert "Given the care of each rater, raters of one language share something" in text


def test_care_takes_three_raters_of_two_languages(tmp_path):
    [care] = evaluate(write(tmp_path / "r.csv", n_raters=2))["care"]
    assert care["p"] is None and care["noise"] == {} and not care["differs"]


def test_an_interval_excludes_0_where_p_is_small(tmp_path):
    for taste in (0.0, 0.2, 0.4, 0.8):
        for row in evaluate(write(tmp_path / "r.csv", shared_taste=taste, seed=5))["comparisons"]:
            assert row["low"] < row["difference"] < row["high"]
            if abs(row["p"] - 0.05) > 0.01:
                assert (row["low"] > 0 or row["high"] < 0) == (row["p"] < 0.05)


def test_alphas_are_those_of_the_package(tmp_path):
    import krippendorff
    given = ratings.read(write(tmp_path / "r.csv", n_raters=3))
    found = agreement.evaluate(given, levels=("ordinal", "interval", "nominal"), **FAST)
    matrix = np.full((len(given.raters), len(given.clips)), np.nan)
    sad = given.kind == given.classes.index("sad")
    matrix[given.rater[sad], given.clip[sad]] = given.values[given.value[sad]]
    german = np.array(given.languages) == "german"
    for level in ("ordinal", "interval", "nominal"):
        for group, raters in (("all raters", matrix), ("german", matrix[german])):
            row = row_of(found["alphas"], level=level, group=group, **{"class": "sad"})
            assert row["alpha"] == pytest.approx(krippendorff.alpha(raters, level_of_measurement=level))
            assert row["low"] < row["alpha"] < row["high"]
            assert row["n_raters"] == len(raters) and row["n_clips"] == 24


def test_the_seed_decides_and_the_order_of_rows_does_not(tmp_path):
    path = write(tmp_path / "r.csv", n_clips=8, n_raters=3)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    first = evaluate(path)
    path.write_text("".join([lines[0], *np.random.default_rng(3).permutation(lines[1:])]), encoding="utf-8")
    again, other = evaluate(path), evaluate(path, seed=2)
    key = lambda row: (row["class"], row["group"])  # noqa: E731
    for name in ("alphas", "comparisons"):
        assert sorted(first[name], key=key) == sorted(again[name], key=key)
        assert [row["low"] for row in again[name]] != [row["low"] for row in other[name]]


def test_more_clips_bring_narrower_intervals(tmp_path):
    widths = []
    for n_clips in (12, 96):
        row = row_of(evaluate(write(tmp_path / "r.csv", n_clips=n_clips))["alphas"], group="all raters",
                     **{"class": "all classes"})
        widths.append(row["high"] - row["low"])
    assert widths[1] < 0.6 * widths[0]


def test_languages_that_heard_different_clips_are_not_compared(tmp_path):
    path = tmp_path / "r.csv"
    rows = [f"{language}{clip},{language}{rater},{language},joy,{(clip + rater) % 5}\n"
            for language in ("english", "german") for clip in range(6) for rater in range(3)]
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    found = evaluate(path)
    for row in found["comparisons"]:
        assert row["p"] is None and row["n_clips"] == 0 and "too few clips" in row["why"]
    assert "cannot be told" in " ".join(report.answer(found, ("ordinal",)))


def test_chunks_change_nothing(tmp_path, monkeypatch):
    path = write(tmp_path / "r.csv", n_clips=6, n_raters=3)
    whole = evaluate(path)
    monkeypatch.setattr("mer.agreement.alpha._MOST_CELLS", 1000)
    again = evaluate(path)
    for name in ("alphas", "comparisons"):
        for row, wanted in zip(again[name], whole[name], strict=True):
            assert row == pytest.approx(wanted)
    assert again["care"] == whole["care"]


@pytest.mark.parametrize("rows, words", [
    ("a,1,e,joy,2\nb,1,e,joy,3\n", "from 1 rater(s) of 2 clip(s) (one rater)"),
    ("a,1,e,joy,2\na,2,e,joy,3\n", "from 2 rater(s) of 1 clip(s) (only one clip was rated by two people"),
    ("a,1,e,joy,2\nb,2,e,joy,3\n", "(no clip was rated by two people)"),
    ("a,1,e,joy,2\na,2,e,joy,2\nb,1,e,joy,2\nb,2,e,joy,2\n", "(every rating is the same (2))"),
])
def test_ratings_without_any_alpha_are_refused(tmp_path, rows, words):
    path = tmp_path / "r.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(MerError) as error:
        evaluate(path)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_one_undefined_class_is_named_and_the_others_are_given(tmp_path):
    path = write(tmp_path / "r.csv", n_clips=12, n_raters=3)
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "".join(f"c{clip},en{rater},english,calm,3\n" for clip in range(12) for rater in range(3)),
                    encoding="utf-8")
    found = evaluate(path)
    row = row_of(found["alphas"], group="english", **{"class": "calm"})
    assert row["alpha"] is row["low"] is None and row["why"] == "every rating is the same (3)"
    assert row_of(found["alphas"], group="english", **{"class": "joy"})["alpha"] > 0


def test_warnings_say_what_limits_the_answer(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text(HEADER + "a,1,english,joy,1\na,2,english,joy,2\nb,1,english,joy,4\nb,2,english,joy,5\n"
                    "a,3,german,joy,2\nb,4,,joy,4\nb,3,german,joy,\na,1,english,power,100\na,2,english,power,90\n",
                    encoding="utf-8")
    text = " ".join(evaluate(path)["warnings"])
    for words in ("1 cell(s) hold no rating", "1 raters have no language", "german has one rater", "Only 2 clips",
                  "different scales (lowest values 1 to 90, highest 5 to 100)"):
        assert words in text


def test_words_have_no_order(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("clip,rater,emotion\na,1,joy\na,2,joy\nb,1,sad\nb,2,joy\n", encoding="utf-8")
    given = ratings.read(path)
    assert agreement.levels_of(given) == ("nominal",)
    with pytest.raises(MerError, match=r"holds words \(joy, sad\), which have no ordinal level"):
        agreement.levels_of(given, ("ordinal",))


def test_holm():
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
