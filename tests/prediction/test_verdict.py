"""Verdicts on whole songs: what is said of sure, unsure and unfamiliar ones."""

import numpy as np
import pytest

from mer.prediction import verdict

KNOWN = {"seconds": [3.0, 30.0], "distance": [2.0, 1.5]}


def _judge(*, probability=0.9, distance=1.0, seconds=30.0, sure_from=0.5):
    place = np.full(4, distance)  # root mean square: itself
    return verdict.judge(np.array([probability, 1 - probability]), [place], [KNOWN], seconds=seconds,
                         sure_from=sure_from)


@pytest.mark.parametrize(("options", "kind"), [
    ({}, "sure"),
    ({"sure_from": 0.95}, "not sure"),
    ({"probability": 0.6, "sure_from": 0.6}, "sure"),
    ({"distance": 1.51}, "unfamiliar"),
    ({"distance": 1.51, "sure_from": 0.95}, "unfamiliar"),
    ({"distance": 1.9, "seconds": 3.0}, "sure"),       # a short stretch varies more
    ({"distance": 1.9, "seconds": 1.0}, "sure"),
    ({"distance": 1.76, "seconds": 16.5}, "unfamiliar"),  # half way between: 1.75
    ({"distance": 1.74, "seconds": 16.5}, "sure"),
])
def test_kinds(options, kind):
    made = _judge(**options)
    assert made.kind == kind == made.summary["kind"]
    assert made.kind in verdict.KINDS and made.words == made.summary["words"]


def test_an_ensemble_is_judged_by_the_mean_of_its_members():
    places = [np.full(4, 1.0), np.full(4, 2.5)]
    made = verdict.judge(np.array([0.7, 0.3]), places, [KNOWN, KNOWN], seconds=30.0)
    assert made.distance == pytest.approx((1.0 / 1.5 + 2.5 / 1.5) / 2) and made.kind == "unfamiliar"
