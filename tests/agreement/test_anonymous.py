"""Answers without raters: against alpha and against brute force; and how often the comparison of languages errs."""

import itertools
import json

import numpy as np
import pytest
from anonymous_made_up import LANGUAGES, study

from mer import MerError
from mer.agreement import alpha, anonymous, ratings


def rows_of(answers, measure="agreement", *, n=199, seed=1, group=anonymous.WITHIN, kind=anonymous.MEAN):
    found = anonymous.compare(answers, LANGUAGES, n_permutations=n, n_bootstrap=200, seed=seed)
    return next(row for row in found if (row["measure"], row["group"], row["class"]) == (measure, group, kind))


def test_agreement_is_krippendorffs_alpha(tmp_path):
    """Every answer as a rater of its own: alpha within a language, on clips that others have answered too."""
    made = study(np.random.default_rng(3), clips=30, answers=10, emotions=2)
    lines = ["clip,rater,rater_language,e0,e1"]
    for n, (clip, spoken, said) in enumerate(zip(made.clip, made.language, made.said, strict=True)):
        lines.append(f"c{clip},r{n},{spoken},{said[0]},{said[1]}")
    (tmp_path / "known.csv").write_text("\n".join(lines))
    known = ratings.read(tmp_path / "known.csv", codes=())
    table = alpha.Table.of(known)
    spoken = np.array(known.languages, object)
    for language in LANGUAGES:
        own, every = table.by((spoken == language)[None]), table.by(np.ones((1, len(spoken)), bool))
        units = ((own.m[:, 0] >= 2) & (every.m[:, 0] > own.m[:, 0])).astype(float)
        expected = alpha.every_class(own, units[None], "nominal")[0]
        for place, name in enumerate(("e0", "e1")):
            found = rows_of(made, group=language, kind=name, n=3)["value"]
            assert found == pytest.approx(expected[place], abs=1e-9)


def test_prediction_is_the_mean_over_all_draws_of_as_many_others():
    said = np.array([[1], [0], [1], [1], [0], [0], [1], [1]])
    group = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    cells = anonymous.Cells(np.zeros(8, int), group, 2)
    for language in (0, 1):
        own, others = np.flatnonzero(group == language), np.flatnonzero(group != language)
        asked, hits = min(len(own) - 1, len(others)), np.zeros(2)
        for one in own:
            for place, pool in enumerate((own[own != one], others)):
                votes = [np.mean(said[list(drawn)]) for drawn in itertools.combinations(pool, asked)]
                yes = np.mean([1.0 if vote > 0.5 else 0.5 if vote == 0.5 else 0.0 for vote in votes])
                hits[place] += yes if said[one, 0] else 1 - yes
        found = cells.measures(said, said - 0.5)[:, 0, language, 0]
        np.testing.assert_allclose(found[4:], hits, atol=1e-9)


def test_a_shared_view_is_found_and_its_absence_is_not(rng):
    view = rows_of(study(rng, shared=1.5, clips=80, answers=20))
    assert view["p"] < 0.02 and view["difference"] > 0.03 and view["low"] > 0
    nothing = rows_of(study(rng, clips=80, answers=20))
    assert abs(nothing["difference"]) < 0.05 and nothing["low"] < 0.03


def test_other_rates_alone_are_predicted_but_are_nothing_given_rates():
    """Two languages say yes more readily to everything: their majority knows that, and no clip is heard differently."""
    found = anonymous.compare(study(np.random.default_rng(1), clips=80, answers=20, rate=2.0), LANGUAGES,
                              n_permutations=99, n_bootstrap=50, seed=1)
    found = {row["measure"]: row for row in found if (row["group"], row["class"]) == (anonymous.WITHIN, anonymous.MEAN)}
    assert found["prediction"]["p"] < 0.03 and found["prediction"]["difference"] > 0.05
    assert found["given rates"]["p"] > 0.1 and abs(found["given rates"]["difference"]) < 0.02


def emotify(path, rng, n=400, *, more=""):
    lines = [f"track id,genre,calmness,mood,disliked,mother tongue{',' * bool(more)}{more}"]
    for i in range(n):
        lines.append(f"{i % 20},{('rock', 'pop')[i % 20 % 2]},{rng.integers(2)},{rng.integers(1, 6)},0,"
                     f"{('English', 'Dutch', 'Greek')[rng.integers(3) if i > 9 else 2]}{',r' + str(i) if more else ''}")
    path.write_text("\n".join(lines))
    return path


def test_the_format_of_emotify_is_known_by_its_columns(tmp_path, rng):
    found = anonymous.read(emotify(tmp_path / "data.csv", rng))
    assert found.emotions == ("calmness",) and len(found.clips) == 20 and set(found.genre) == {"rock", "pop"}
    assert {column.column for column in found.left_out} == {"mood", "disliked"}
    assert (np.diff(found.clip) >= 0).all() and len(found.said) == 400
    assert anonymous.read(emotify(tmp_path / "named.csv", rng, more="rater")) is None
    text = (tmp_path / "data.csv").read_text().splitlines()
    text[3] = text[3].replace("rock", "folk").replace("pop", "folk")
    (tmp_path / "two.csv").write_text("\n".join(text))
    with pytest.raises(MerError, match="a clip has one genre"):
        anonymous.read(tmp_path / "two.csv")
    with pytest.raises(MerError, match="mood is neither 0 nor 1"):
        anonymous.read(tmp_path / "data.csv", only=["mood"])


def test_the_script_says_what_it_cannot_tell(tmp_path, rng, monkeypatch, capsys):
    import agreement
    monkeypatch.setenv("MER_N_BOOTSTRAP", "50")
    monkeypatch.setattr(anonymous, "LEAST_ANSWERS", 100)
    monkeypatch.setattr(anonymous, "N_PERMUTATIONS", 49)
    out = tmp_path / "out"
    agreement.main(["-i", str(emotify(tmp_path / "data.csv", rng)), "-o", str(out)])
    said = capsys.readouterr().out
    assert "Who gave which answers is not known" in said
    text = (out / "agreement.txt").read_text(encoding="utf-8")
    assert "rock" in text and "calmness" in text and "English" in text
    report = json.loads((out / "agreement.json").read_text(encoding="utf-8"))
    assert {row["genre"] for row in report["comparisons"]} == {"all", "rock", "pop"}
    assert report["source"]["answers"] == 400 and report["languages"]["Greek"] >= 100
    assert (out / "agreement.csv").exists() and json.loads((out / "run.json").read_text())["name"] == "agreement"


STUDIES = [  # what is made up; by measure, the lowest and highest share of studies that p of at most 0.05 may have
    ({}, {"agreement": (0.03, 0.07), "given rates": (0.03, 0.07), "prediction": (0.03, 0.07)}),
    ({"shared": 0.7}, {"agreement": (0.8, 1), "given rates": (0.8, 1), "prediction": (0.6, 1)}),
    ({"habit": 1.0, "per_rater": 5}, {}), ({"habit": 1.0, "per_rater": 20}, {}),
    ({"taste": 0.6, "per_rater": 5}, {}), ({"taste": 0.6, "per_rater": 20}, {}),
    ({"habit": 1.0, "taste": 0.6, "per_rater": 10}, {})]


@pytest.mark.slow
@pytest.mark.parametrize("made, expected", STUDIES)
def test_how_often_it_errs(made, expected, capsys):
    n, rejected, covered = 400, {name: 0 for name in anonymous.MEASURES}, 0
    for seed in range(n):
        answers = study(np.random.default_rng([7, seed]), **made)
        found = anonymous.compare(answers, LANGUAGES, n_permutations=199, n_bootstrap=199, seed=seed)
        for row in found:
            if (row["group"], row["class"]) == (anonymous.WITHIN, anonymous.MEAN):
                rejected[row["measure"]] += row["p"] <= 0.05
                covered += row["measure"] == "agreement" and row["low"] <= 0 <= row["high"]
    shares = {name: count / n for name, count in rejected.items()}
    with capsys.disabled():
        print(made, {name: f"{share:.1%}" for name, share in shares.items()}, f"0 in the interval: {covered / n:.1%}")
    for name, (low, high) in expected.items():
        assert low <= shares[name] <= high
