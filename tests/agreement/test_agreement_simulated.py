"""How often the comparison of languages errs, in made-up studies (`-m slow -s` prints the rates)."""

import numpy as np
import pytest

from mer.agreement import agreement, ratings
from mer.agreement.languages import WITHIN

N_STUDIES = 400
LANGUAGES = ("english", "german")


def study(rng, *, taste=0.0, careless=(), n_clips=20, n_raters=8, words=False):
    """Ratings from 1 to 9, or words: each clip has a value, each language adds a taste, each rater noise.

    In careless languages the noise is three times the usual one; of words, half are drawn at random instead of a tenth.
    """
    value = rng.normal(size=n_clips)
    made = []
    for language in LANGUAGES:
        view = value + taste * rng.normal(size=n_clips)
        noise = 1.0 if language in careless else 1 / 3 if careless else 1.0
        if words:
            drawn = rng.random((n_raters, n_clips)) < (0.5 if language in careless else 0.1)
            made.append(np.where(drawn, rng.integers(0, 4, drawn.shape), np.arange(n_clips) % 4))
        else:
            made.append(np.clip(np.rint(5 + 1.5 * (view + noise * rng.normal(size=(n_raters, n_clips)))), 1, 9))
    made = np.concatenate(made)
    rater, clip = (index.ravel() for index in np.indices(made.shape))
    values, value = np.unique(made.ravel(), return_inverse=True)
    if words:
        values = np.array(["calm", "joy", "power", "sad"])[values.astype(int)]
    names = tuple(f"{language}{n}" for language in LANGUAGES for n in range(n_raters))
    return ratings.Ratings(None, tuple(map(str, range(n_clips))), names, tuple(np.repeat(LANGUAGES, n_raters).tolist()),
                           ("joy",), values, clip, rater, np.zeros(len(clip), int), value, {})


def studies(title, n=N_STUDIES, **options):
    """Rows of `n` studies: {group: array of (difference, low, high, p, p given care)}, and how often care differs."""
    rng, found, differs = np.random.default_rng(11), {}, []
    for _ in range(n):
        made = study(rng, **options)
        one = agreement.evaluate(made, levels=agreement.levels_of(made)[:1], n_bootstrap=200, n_permutations=399,
                                 seed=int(rng.integers(1000)), given_care=True)
        differs.append(one["care"][0]["differs"])
        for row in one["comparisons"]:
            found.setdefault(row["group"], []).append([row["difference"], row["low"], row["high"], row["p"],
                                                       np.nan if row["rest_p"] is None else row["rest_p"]])
    found = {group: np.array(rows, float) for group, rows in found.items()}
    for group, rows in found.items():
        difference, low, high, p, rest_p = rows.T
        true = difference.mean()
        print(f"\n{title}, {group}: p < 0.05 in {(p < 0.05).mean():.1%}, interval without 0 in "
              f"{excludes(rows).mean():.1%}, both say the same in {(excludes(rows) == (p < 0.05)).mean():.1%}, "
              f"interval holds the mean difference {true:.3f} in {((low <= true) & (true <= high)).mean():.1%}, p "
              f"given care < 0.05 in {(rest_p < 0.05).mean():.1%}", end="")
    print(f"; care differs in {np.mean(differs):.1%} of {n} studies")
    return found, np.mean(differs)


def excludes(rows):
    return (rows[:, 1] > 0) | (rows[:, 2] < 0)


@pytest.mark.slow
def test_where_there_is_nothing_interval_and_p_err_in_one_of_twenty_studies():
    found, differs = studies("nothing, equal care")
    for rows in found.values():
        assert 0.02 < excludes(rows).mean() < 0.085 and 0.02 < (rows[:, 3] < 0.05).mean() < 0.085
        assert (excludes(rows) == (rows[:, 3] < 0.05)).mean() > 0.97
    assert (found[WITHIN][:, 4] < 0.05).mean() < 0.085 and differs < 0.085


@pytest.mark.slow
@pytest.mark.parametrize("words", [False, True])
def test_unequal_care_is_seen_and_the_test_that_is_given_it_holds_its_level(words):
    found, differs = studies(f"nothing, unequal care{', words' if words else ''}", careless=("german",), words=words)
    rows = found[WITHIN]
    assert differs > 0.95 and (rows[:, 3] < 0.05).mean() > 0.5 and (rows[:, 4] < 0.05).mean() < 0.085


@pytest.mark.slow
@pytest.mark.parametrize("careless", [(), ("german",)])
def test_a_shared_view_is_found_and_its_interval_covers(careless):
    found, differs = studies(f"a shared view, {'un' if careless else ''}equal care", taste=0.5, careless=careless)
    rows = found[WITHIN]
    assert (rows[:, 4] < 0.05).mean() > 0.6
    if not careless:
        assert differs < 0.1 and (rows[:, 3] < 0.05).mean() > 0.7
        for part in found.values():
            _, low, high, *_ = part.T
            assert ((low <= part[:, 0].mean()) & (part[:, 0].mean() <= high)).mean() > 0.82


def test_a_few_studies():
    """The same with few studies, for every run of the tests."""
    rows = studies("nothing", n=30)[0][WITHIN]
    assert excludes(rows).mean() < 0.25 and (excludes(rows) == (rows[:, 3] < 0.05)).mean() > 0.9
    rows, differs = studies("nothing, unequal care", n=10, careless=("german",))
    assert differs > 0.8 and (rows[WITHIN][:, 3] < 0.05).mean() > 0.6 and (rows[WITHIN][:, 4] < 0.05).mean() < 0.4
