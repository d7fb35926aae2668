"""What the ways of scoring do to an answer that published tables chose: measured on the same predictions.

Patches instead of clips, F1 that is weighted by class instead of macro, and clips that are drawn as if each were of
another artist. What needs other runs (artists on both sides, another kept epoch) is named on the page, not estimated.
"""

from dataclasses import dataclass, replace

from mer import MerError
from mer.evaluation import hypotheses
from mer.evaluation.hypotheses import ALPHA, Finding
from mer.experiments.answer import Answer, runs_of
from mer.experiments.outcomes import Outcomes

CLIPS, ALONE = "macro F1 over clips, artists drawn whole", "the same, each clip drawn by itself"
WAYS = {  # name -> level, score, whether groups are drawn whole
    CLIPS: ("clip", "f1_macro", True),
    ALONE: ("clip", "f1_macro", False),
    "weighted F1 over clips": ("clip", "f1_weighted", True),
    "macro F1 over patches": ("patch", "f1_macro", True),
    "weighted F1 over patches, as published": ("patch", "f1_weighted", True),
}


@dataclass(frozen=True)
class Way:
    """An answer as another way of scoring would have given it; `changes` where it is another one, uncorrected."""

    name: str
    finding: Finding
    changes: bool


def measured(answer: Answer, outcomes: Outcomes, *, n_bootstrap: int = 500) -> list[Way]:
    """An answer in all `WAYS`; empty where it has no interval, or no classes.

    Parameters
    ----------
    answer : Answer
    outcomes : Outcomes
    n_bootstrap : int > 0
    """
    if not answer.task.classes or answer.finding is None or answer.finding.p is None:
        return []
    one, other, _ = runs_of(answer.hypothesis, outcomes)
    made: list[Way] = []
    for name, (level, score, whole) in WAYS.items():
        a, b = (side if whole else [replace(run, predictions=replace(run.predictions, groups=None)) for run in side]
                for side in (one, other))
        try:
            found = hypotheses.test(a, b, answer.task, alternative=answer.finding.alternative, level=level,
                                    score=score, n_bootstrap=n_bootstrap, n_permutations=1)
        except MerError:
            continue
        changes = _verdict(found) != _verdict(made[0].finding if made else found)
        made.append(Way(name, found, changes))
    return made


def _verdict(found):
    """Sign of a difference that is not 0 by its own p value; 0 where it may be."""
    return 0 if found.p is None or found.p >= ALPHA else (found.difference > 0) - (found.difference < 0)
