"""The answers of a plan: every hypothesis, tested on what is finished, in words and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mer import MerError, tasks
from mer.evaluation import hypotheses, intervals
from mer.evaluation.hypotheses import ALPHA, Finding
from mer.evaluation.paired import Run
from mer.experiments.outcomes import Outcome, Outcomes
from mer.experiments.plan import Hypothesis, Plan
from mer.tasks import Task
from mer.weights.model_file import PUBLISHED

SHOWN, OPPOSITE, NOT_SHOWN, OPEN = "shown", "the opposite is shown", "not shown", "open"
NAMES = {"f1_macro": "macro F1", "f1_weighted": "weighted F1", "ccc": "CCC"}
COLUMNS = ("hypothesis", "sentence", "task", "verdict", "score", "one", "other", "difference", "low", "high", "p",
           "p_permutation", "p_holm", "detectable", "detectable_alone", "error", "freedom", "alternative", "n_tests",
           "n_clips", "n_groups", "n_effective", "n_pairs", "n_runs_one", "n_runs_other", "knows_luck", "answer",
           "notes")
_FEW = 10  # groups, below which a reader is told


@dataclass(frozen=True)
class Answer:
    """A hypothesis in one task.

    Attributes
    ----------
    hypothesis : Hypothesis
    task : Task
    finding : Finding or None
        None where it could not be tested: `notes` say why.
    p_holm : float or None
        Corrected for all tests of the family; None outside of it.
    n_tests : int
        Tests that were corrected together; 1 outside the family.
    unit : str
        What was drawn: "artist", "song", "clip".
    notes : tuple of str
        What a reader must know of it.
    """

    hypothesis: Hypothesis
    task: Task
    finding: Finding | None
    p_holm: float | None
    n_tests: int
    unit: str
    notes: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """SHOWN, OPPOSITE, NOT_SHOWN or OPEN."""
        p = None if self.finding is None else self.finding.p if self.p_holm is None else self.p_holm
        if self.finding is None or p is None:
            return OPEN
        if p >= ALPHA:
            return NOT_SHOWN
        return OPPOSITE if self.finding.alternative == "two-sided" and self.finding.difference < 0 else SHOWN

    @property
    def detectable(self) -> float | None:
        """The smallest difference that would have been found 4 times in 5, at the hardest step of Holm's."""
        return None if self.finding is None else self.finding.detectable(ALPHA / self.n_tests)

    @property
    def text(self) -> str:
        """The answer in plain English, with its numbers."""
        title = f"{self.task.name.capitalize().replace('_', ' ')}: {self.verdict}."
        if self.finding is None:
            return f"{title} {' '.join(self.notes)}"
        found = self.finding
        name = NAMES.get(found.score, found.score)
        words = (f"{title} The difference is {signed(found.difference)} {name} ({found.one:.3f} against "
                 f"{found.other:.3f})")
        if found.low is None or found.p is None or found.high is None or self.detectable is None:
            return f"{words}; one {self.unit} tells no interval."
        p_values = f"p {shown_p(found.p)}"
        p_values += ", in no family" if self.p_holm is None else f", {shown_p(self.p_holm)} after Holm's correction"
        words += f", 95 % interval [{signed(found.low)}, {signed(found.high)}], {p_values}."
        if self.task.classes and self.detectable > 1:
            return f"{words} There are too few runs or groups to find any difference 4 times in 5."
        if self.verdict in (NOT_SHOWN, OPEN):
            return f"{words} A difference of {self.detectable:.3f} or more would have been found 4 times in 5."
        return f"{words} The smallest difference found 4 times in 5 is {self.detectable:.3f}."

    def row(self) -> dict[str, Any]:
        """Its row of answer.csv, by the names of `COLUMNS`; None where there is no number."""
        made: dict[str, Any] = dict.fromkeys(COLUMNS)
        if self.finding is not None:
            made |= {name: value for name, value in asdict(self.finding).items() if name in made}
            made["n_runs_one"], made["n_runs_other"] = self.finding.n_runs
            made["detectable"], made["detectable_alone"] = self.detectable, self.finding.detectable()
        return made | {"hypothesis": self.hypothesis.name, "sentence": self.hypothesis.sentence,
                       "task": self.task.name, "verdict": self.verdict, "p_holm": self.p_holm,
                       "n_tests": self.n_tests, "answer": self.text, "notes": " ".join(self.notes)}


def signed(value: float) -> str:
    """A difference for people: "+0.034", "\u22120.034"."""
    return f"{value:+.3f}".replace("-", "\u2212")


def shown_p(p: float) -> str:
    """A p value for people."""
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def runs_of(hypothesis: Hypothesis, outcomes: Outcomes) -> tuple[list[Run], list[Run], list[list[Outcome]]]:
    """Both sides of a hypothesis, of the cells that are finished and have a partner; and their outcomes."""
    sides: tuple[list[Run], list[Run]] = ([], [])
    used: list[list[Outcome]] = [[], []]
    cells = tuple(outcome.cell for outcome in outcomes.values())
    for shared, *both in hypothesis.pairs(cells):
        pair = ", ".join(f"{name} {value}" for name, value in shared.items() if name != "seed")
        for runs, mine, side in zip(sides, both, used, strict=True):
            for cell in mine:
                kind = tuple(value for name, value in cell.facts.items() if name not in ("seed", *shared))
                runs.append(Run(outcomes[cell.name].predictions, pair=pair, kind=kind, seed=shared.get("seed")))
                side.append(outcomes[cell.name])
    return *sides, used


def answers(plan: Plan, outcomes: Outcomes, *, n_bootstrap: int = 2000,
            n_permutations: int = 2000) -> list[Answer]:
    """Test every hypothesis of a plan.

    Parameters
    ----------
    plan : Plan
    outcomes : Outcomes
        From `outcomes.find`.
    n_bootstrap, n_permutations : int > 0

    Returns
    -------
    list of Answer
        In the order of the plan, one per hypothesis and task; one, without a finding, where no pair is finished.
    """
    made: list[tuple[Hypothesis, Task, Finding | None, str, list[str]]] = []
    for hypothesis in plan.hypotheses:
        one, other, used = runs_of(hypothesis, outcomes)
        notes = _lacking(hypothesis, plan, outcomes)
        for task in _asked(hypothesis, one + other):
            found, why = None, [] if one else ["No pair of its cells is finished."]
            if one:
                try:
                    found = hypotheses.test(one, other, task, alternative=hypothesis.alternative,
                                            n_bootstrap=n_bootstrap, n_permutations=n_permutations)
                except MerError as error:
                    why = [f"{str(error).rstrip('.')}."]
            unit = used[0][0].report["test"].get("grouped_by", "clip") if used[0] else "clip"
            more = _cautions(found, used, unit) if found else why
            made.append((hypothesis, task, found, unit, [*more, *notes]))
    inside = [row for row in made if row[0].name in plan.family and row[2] and row[2].p is not None]
    corrected = intervals.holm([row[2].p for row in inside if row[2]])
    p_of = {(row[0].name, row[1].name): p for row, p in zip(inside, corrected, strict=True)}
    return [Answer(hypothesis, task, found, p_of.get((hypothesis.name, task.name)),
                   len(inside) if (hypothesis.name, task.name) in p_of else 1, unit, tuple(dict.fromkeys(notes)))
            for hypothesis, task, found, unit, notes in made]


def _asked(hypothesis: Hypothesis, runs: Sequence[Run]) -> tuple[Task, ...]:
    """The tasks of a hypothesis: those it names, else those that all of its runs answer."""
    if hypothesis.tasks:
        return tasks.named(hypothesis.tasks)
    answered = [task for task in tasks.TASKS if runs and all(task in run.predictions.tasks for run in runs)]
    return tuple(answered) or tasks.PUBLISHED


def _lacking(hypothesis: Hypothesis, plan: Plan, outcomes: Mapping[str, Outcome]) -> list[str]:
    """A sentence on the cells that are not finished."""
    wanted = {cell.name for _, one, other in hypothesis.pairs(plan.cells) for cell in (*one, *other)}
    lacking = wanted - set(outcomes)
    return [f"{len(lacking)} of the {len(wanted)} cells that it asks are not finished."] if lacking else []


def _cautions(found: Finding, used: Sequence[Sequence[Outcome]], unit: str) -> list[str]:
    """What limits a finding: few groups, single runs, one encoder for many runs, test clips that were heard."""
    notes = []
    heard = sorted({str(outcome.cell.facts["encoder"]) for side in used for outcome in side if heard_test(outcome)})
    if heard:
        notes.append(f"CAUTION: {', '.join(heard)} heard the test clips, without their labels, before the test.")
    if any(outcome.cell.facts.get("normalized") for side in used for outcome in side):
        notes.append(f"CAUTION: codes were normalized per {unit}, which looks at the test clips without their labels.")
    if found.n_groups < _FEW:
        notes.append(f"Only {found.n_groups} {unit}s were tested.")
    if not found.knows_luck:
        notes.append("At least one side has no second run, so the interval covers which "
                     f"{unit}s were tested but not the luck of training.")
    for side in used:
        encoders = [(outcome.run.get("encoder") or {}).get("sha256") for outcome in side]
        named = [each for each in encoders if each]
        if len(set(named)) == 1 and len(named) > 1 and side[0].cell.facts["pretext"] != PUBLISHED:
            notes.append(f"The {len(named)} runs of {side[0].cell.facts['encoder']} share one encoder: the luck of its "
                         "pretraining is not covered.")
    if found.disagrees and found.p is not None and found.p_permutation is not None:
        notes.append(f"Where whole {unit}s change sides p is {shown_p(found.p_permutation)}; that knows nothing of the "
                     "luck of training, so the interval decides.")
    return notes


def heard_test(outcome: Outcome) -> bool:
    """Whether the encoder of a cell was pretrained on the very music that is tested."""
    facts = outcome.cell.facts
    return facts["heard"] == "music" and facts["pretext"] != PUBLISHED and facts["language"] in (facts["tested"], "x")


def in_short(found: Sequence[Answer]) -> str:
    """How many tests came out which way."""
    counts = {name: sum(one.verdict == name for one in found) for name in (SHOWN, OPPOSITE, NOT_SHOWN, OPEN)}
    return f"{len(found)} test{'' if len(found) == 1 else 's'}: " + ", ".join(
        f"{n} {name}" for name, n in counts.items() if n)
