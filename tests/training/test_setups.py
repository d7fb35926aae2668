"""Set-ups: every way to name corpora becomes the right steps, and every corpus has one role."""

from itertools import chain, combinations, permutations

import pytest

from mer import MerError
from mer.training import setups

CODES = ("e", "m", "p", "t")
PRESENT = [subset for n in range(1, 5) for subset in combinations(CODES, n)]


@pytest.mark.parametrize("present", PRESENT)
def test_every_sequence_is_one_step_a_corpus_in_its_order(present):
    for order in chain.from_iterable(permutations(present, n) for n in range(1, len(present) + 1)):
        assert setups.parse(",".join(order), present) == tuple((code,) for code in order)
    assert setups.parse(" m , t", present) == (("m",), ("t",))  # one without a store is the business of who opens it


@pytest.mark.parametrize("present", [present for present in PRESENT if len(present) > 1])
def test_x_is_all_corpora_with_a_store_together(present):
    assert setups.parse("x", present[::-1]) == (present,)
    assert setups.parse("x,e", present) == (present, ("e",)) and setups.parse("e,x", present) == (("e",), present)


def test_a_plus_joins_corpora_in_the_order_in_which_they_are_named():
    steps = setups.parse("v + r", CODES)
    assert steps == (("v", "r"),) and setups.parse("e,r+m", CODES) == (("e",), ("r", "m"))
    made = setups.SetUp(steps)
    assert (made.CODE, made.ABBR, made.LANGUAGE) == ("v+r", "spoken+sung", "spoken+sung")
    assert made.NAME == "RAVDESS speech (no music) + RAVDESS song" and setups.role_of_last(steps) == "mixed"
    assert setups.SetUp(setups.parse("x", ("e", "m"))).CODE == "x", "all music is another set-up than two named corpora"
    assert setups.SetUp(setups.parse("e+m", ())).CODE == "e+m"
    few = setups.SetUp(steps, labels=32, per_group=True)
    assert few.ABBR == "spoken+sung_32labels_per_group" and few.CODE == "v+r"
    assert few.NAME == "RAVDESS speech (no music) + 32 clips of RAVDESS song"


@pytest.mark.parametrize("text, present, words", [
    ("v+", CODES, "names no corpus"), ("v+r,v", CODES, "names v twice"),
    ("x+e", CODES, "which is all music, with more"),
    ("", CODES, "names no corpus between its commas"), ("e,,m", CODES, "names no corpus between its commas"),
    ("e,", CODES, "names no corpus between its commas"), ("e,m,e", CODES, "names e twice"),
    ("x,x", CODES, "names x twice"), ("x", ("p",), "only p has one"), ("e,x", (), "none has one")])
def test_what_names_no_set_up_is_one_sentence(text, present, words):
    with pytest.raises(MerError, match=words):
        setups.parse(text, present)


@pytest.mark.parametrize("present", PRESENT)
def test_every_corpus_has_exactly_one_role(present):
    orders = [order for n in range(1, len(present) + 1) for order in permutations(present, n)]
    for steps in [*(tuple((code,) for code in order) for order in orders), (present,), (present, ("e",)),
                  (("e",), present)]:
        found = setups.roles(steps, present)
        everyone = sorted({*present, *chain.from_iterable(steps)})
        assert [code for code, _ in found] == everyone
        for code, role in found:
            assert role == ("cross" if not any(code in step for step in steps) else
                            "step" if code not in steps[-1] else
                            "sequential" if len(steps) > 1 else "mixed" if len(steps[0]) > 1 else "within")
            assert role in setups.ROLES


def test_roles_as_the_poster_names_them():
    assert setups.roles((("e",),), CODES) == [("e", "within"), ("m", "cross"), ("p", "cross"), ("t", "cross")]
    assert setups.roles((("m",), ("t",), ("e",)), CODES) == [
        ("e", "sequential"), ("m", "step"), ("p", "cross"), ("t", "step")]
    assert setups.roles((("e", "m"),), ("e", "m", "t")) == [("e", "mixed"), ("m", "mixed"), ("t", "cross")]
    assert setups.roles((("e", "m"), ("e",)), ("e", "m")) == [("e", "sequential"), ("m", "step")]
