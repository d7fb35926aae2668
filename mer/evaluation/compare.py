"""Results of runs on one test set: means over seeds, what is above guessing, and paired differences.

All runs are resampled with the same draws of the same groups, so a difference of two runs has an interval of its own:
what is easy or hard for both cancels. Where intervals of two scores overlap says nothing about their difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from mer import files
from mer.evaluation import intervals, metrics, predictions, run_facts
from mer.evaluation.report_text import answered, tested_music
from mer.tasks import Task

PUBLISHED = "patch"  # level of the published measure, weighted F1; of tasks with a range, CCC (`Task.headline`)
STRICT = "clip"      # of the one that comparisons are made with, macro F1 or CCC
MEASURES = (PUBLISHED, STRICT)
ALPHA = 1 - intervals.CONFIDENCE
SEED = 0


def read_predictions(reports: Sequence[dict]) -> tuple[dict[Path, predictions.Predictions], list[tuple[Path, str]]]:
    """The predictions.csv beside every report.

    Parameters
    ----------
    reports : sequence of dict
        From `mer.evaluation.results.find`.

    Returns
    -------
    found : dict of pathlib.Path -> predictions.Predictions
        By folder; without those that are missing or damaged.
    unreadable : list of (pathlib.Path, str)
        File and what is wrong with it.
    """
    found, unreadable = {}, []
    for report in reports:
        path = report["folder"] / "predictions.csv"
        try:
            held = predictions.read(path, answered(report))
        except FileNotFoundError:
            unreadable.append((path, "it is missing, so this run is compared with no other"))
        except (OSError, files.Damaged) as error:
            unreadable.append((path, str(error)))
        else:
            if predictions.digest(held.clips, held.truth[held.tasks[0].name]) == report["test"]["digest"]:
                found[report["folder"]] = held
            else:
                unreadable.append((path, "its clips or labels are not those of the report.json beside it: train this "
                                         "model again with --force"))
    return found, unreadable


@dataclass(frozen=True)
class Comparison:
    """The difference of two cells of one test set in one task: `one` minus `other`, `STRICT` measure.

    `p_holm` is the p value after Holm's correction over all comparisons of its family; None where there is no interval.
    """

    one: int
    other: int
    task: str
    difference: intervals.Estimate
    p_holm: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the difference is not 0, all comparisons of the family taken together."""
        return self.p_holm is not None and self.p_holm < ALPHA

    def turned(self) -> "Comparison":
        """The same comparison as `other` minus `one`."""
        own = self.difference
        low, high = (None if end is None else -end for end in (own.high, own.low))
        turned = intervals.Estimate(-own.value, low, high, own.p)
        return Comparison(self.other, self.one, self.task, turned, self.p_holm)


class _Sampled(NamedTuple):
    """A run's score, and its margin above guessing, with their values on the resamples of the clips with a label."""

    own: tuple
    margin: tuple
    resamples: intervals.Resamples
    clips: tuple  # and their labels


class TestSet:
    """Runs that were tested on the same clips with the same labels.

    Parameters
    ----------
    reports : sequence of dict, at least one
        Equal in ``test.digest``.
    held : dict
        From `read_predictions`.

    Attributes
    ----------
    cells : list of (dict, list of dict)
        From `run_facts.cells`.
    varying : list of str
        Names of the facts that differ between them, from `run_facts.varying`.
    music, unit : str
        Language of the music that is tested; what was drawn for the intervals: "artist", "clip", ...
    tasks : list of Task
        Those that any of the runs answers.
    """

    def __init__(self, reports, held):
        self.cells = run_facts.cells(reports)
        self.test = min((report["test"] for report in reports), key=lambda test: test.get("groups", test["clips"]))
        self.music, self.unit = tested_music(reports[0]["run"]), self.test.get("grouped_by", "clip")
        self.varying = run_facts.varying([known for known, _ in self.cells])
        self._held = {report["folder"]: held[report["folder"]] for report in reports if report["folder"] in held}
        self.tasks = list(dict.fromkeys(task for report in reports for task in answered(report)))
        self._samples: dict = {}
        self._n_bootstrap = max(report["bootstrap"]["resamples"] for report in reports)
        if self._held:
            with_groups = [one for one in self._held.values() if one.groups]
            # Where runs know other groups, the coarsest are the careful choice.
            best = min(with_groups, key=lambda one: len(set(one.groups))) if with_groups else None
            one = best or next(iter(self._held.values()))
            self._group = dict(zip(one.clips, one.groups or one.clips, strict=True))

    def resamples(self, clips: Iterable[str] | None = None) -> intervals.Resamples:
        """Resamples of clips, all of the test set or those with a label: the same for the same clips."""
        return intervals.draw([self._group[clip] for clip in sorted(self._group if clips is None else clips)],
                              seed=SEED, n_bootstrap=self._n_bootstrap)

    def score(self, reports: Sequence[dict], task: Task, measure: str, score: str | None = None) -> dict | None:
        """What a table says about runs that differ in their seed only.

        Parameters
        ----------
        reports : sequence of dict, at least one
            One of `cells`.
        task : Task
        measure : str
            One of `MEASURES`.
        score : str or None
            Name of a score; None: the headline of the task at that level.

        Returns
        -------
        dict or None
            None where the runs do not answer the task. Else
            ``mean`` over the runs; ``low`` and ``high``, its interval (None without one); ``smallest``, ``largest`` and
            ``n_runs``; ``chance``, the best of the guesses; ``above_chance``, whether the interval of the difference
            from that guess, which is computed on the same resamples, lies above 0.
        """
        if any(task.name not in report[measure] for report in reports):
            return None
        score = score or task.headline(measure)
        results = [report[measure][task.name] for report in reports]
        values = [result[score] for result in results]
        ends, margin = results[0]["intervals"][score], results[0].get("above_guessing", {}).get(score)
        if len(reports) > 1 or (ends and not margin):
            pairs = [self._sampled(report, task, measure, score) for report in reports]
            known = all(pairs) and len({one.clips for one in pairs if one}) == 1
            limits = [metrics.bounds(task, score, margin=is_margin) for is_margin in (False, True)]
            above = known and intervals.estimate([one.margin for one in pairs], pairs[0].resamples, bounds=limits[1])
            margin = above and above.low is not None and (above.low, above.high)
            if len(reports) > 1:
                mean = known and intervals.estimate([one.own for one in pairs], pairs[0].resamples, bounds=limits[0])
                ends = mean and mean.low is not None and (mean.low, mean.high)
        low, high = ends or (None, None)
        chance = max(guess[score] for result in results for guess in result["chance"].values())
        return {"mean": sum(values) / len(values), "low": low, "high": high, "smallest": min(values),
                "largest": max(values), "n_runs": len(values), "chance": chance,
                "above_chance": bool(margin) and margin[0] > 0}

    def against(self, references: Sequence[tuple[int, int]]) -> list:
        """Comparisons of cells with given others, corrected together.

        Parameters
        ----------
        references : sequence of (int, int)
            Positions in `cells`: which minus which.

        Returns
        -------
        list of Comparison
            One per pair and task; pairs whose predictions cannot be read, or whose labels in a task differ, are left
            out.
        """
        made = []
        for one, other in references:
            for task in self.tasks:
                score = task.headline(STRICT)
                runs, minus = ([self._sampled(report, task, STRICT, score) for report in self.cells[place][1]]
                               for place in (one, other))
                if all(runs) and all(minus) and len({each.clips for each in (*runs, *minus)}) == 1:
                    made.append((one, other, task.name, intervals.estimate(
                        [each.own for each in runs], runs[0].resamples, minus=[each.own for each in minus],
                        bounds=metrics.bounds(task, score, margin=True))))
        corrected = intervals.holm([estimate.p for *_, estimate in made])
        return [Comparison(*row, p_holm=p) for row, p in zip(made, corrected, strict=True)]

    def pairs(self) -> list:
        """Comparisons of all pairs of cells: so many that the best may be chosen after looking."""
        return self.against(list(combinations(range(len(self.cells)), 2)))

    def scratch_of(self, place: int) -> int | None:
        """Position of the first model from scratch whose facts do not contradict those of a cell; None without one."""
        known = self.cells[place][0]
        names = ["music", "role", "folds", "split", *self.varying]
        return next((number for number, (other, _) in enumerate(self.cells)
                     if other["config"] == run_facts.SCRATCH and number != place
                     and known["config"] != run_facts.SCRATCH and run_facts.compatible(known, other, names)), None)

    def _sampled(self, report, task, measure, score):
        """`_Sampled` of one score of one run; None without its predictions, or where it does not answer the task."""
        held = self._held.get(report["folder"])
        if held is None or task not in held.tasks:
            return None
        place = report["folder"], measure, task.name
        if place not in self._samples:
            labelled = held.labelled(task)
            resamples, clips = self.resamples(labelled), tuple(sorted(labelled.items()))
            made = metrics.samples(task, held.parts(measure, task, sorted(labelled)), resamples)
            self._samples[place] = {name: _Sampled(*pair, resamples=resamples, clips=clips)
                                    for name, pair in made.items()}
        return self._samples[place][score]


def test_sets(reports: Sequence[dict], held: dict) -> list:
    """`TestSet`s of reports of one corpus, one per music and test set, in the order in which they come."""
    groups: dict = {}
    for report in reports:
        groups.setdefault((tested_music(report["run"]), report["test"]["digest"]), []).append(report)
    return [TestSet(group, held) for group in groups.values()]
