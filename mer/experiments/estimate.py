"""How long the commands of a plan will take, and how much disk: from rates that were measured."""

import functools
import statistics
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mer import MerError, corpora
from mer.data import datasets, subsets
from mer.data import store as stores
from mer.experiments.architectures import CLASSIFIER
from mer.experiments.state import DONE, State
from mer.experiments.steps import FULL, LINEAR, SCRATCH, Command
from mer.features import representations
from mer.training import setups
from mer.weights.model_file import PUBLISHED

_SAMPLE = 200  # files whose length stands for that of a corpus without a store
_MEGABYTE = 1e6


@functools.cache
def rates() -> dict[str, Any]:
    """The table of measured rates, rates.toml."""
    return tomllib.loads(Path(__file__).with_name("rates.toml").read_text(encoding="utf-8"))


class Estimate:
    """Seconds and bytes of commands, scaled by how long the finished ones of a kind took here.

    Parameters
    ----------
    state : State
    """

    def __init__(self, state: State) -> None:
        self.state, self.cfg = state, state.cfg
        self._hours: dict[tuple[str, str], float | None] = {}
        self.scales = self._measured()

    def seconds(self, command: Command) -> float | None:
        """Seconds of one command at most, for training may stop early; None where nobody knows the hours of audio."""
        seconds = self._by_table(command)
        return None if seconds is None else seconds * self.scales.get(_kind(command), 1.0)

    def megabytes(self, command: Command) -> float | None:
        """Megabytes that a command writes; None where nobody knows the hours of audio."""
        total = 0.0
        for what, facts in self.state.plan.makes.get(command, ()):
            if what == "store":
                corpus, hours = corpora.get(facts["kind"], facts["code"]), self.hours(facts)
                if hours is None:
                    return None
                of = representations.get(facts["features"], self.cfg.values, quick_start=True)
                total += 0 if corpus.PARTS else hours * 3600 * of.rows_per_second * of.width * 4 / _MEGABYTE
            else:
                total += rates()["megabytes"][what] * ((facts["folds"] or 0) + 1 if what == "report" else 1)
        return total

    def hours(self, facts: Mapping[str, Any]) -> float | None:
        """Hours of audio of a corpus: those that are asked for, those of its store, or by the lengths of its files."""
        if facts.get("hours"):
            return facts["hours"]
        key = facts["kind"], facts["code"]
        if key not in self._hours:
            self._hours[key] = self._of_corpus(*key)
        return self._hours[key]

    def _of_corpus(self, kind, code):
        corpus = corpora.get(kind, code)
        if corpus.PARTS:
            parts = [self.hours({"kind": kind, "code": part}) for part in corpus.PARTS]
            known = [hours for hours in parts if hours is not None]
            return min(known) * len(parts) if len(known) == len(parts) else None
        folder, stem = self.cfg.features_dir, datasets.stem(corpus)
        try:
            for path in sorted([*folder.glob(f"{stem}.h5"), *folder.glob(f"{stem}.*.h5")]):
                return float(stores.read(path).columns["seconds"].sum()) / 3600
            clips = corpora.list_clips(corpus, corpora.locate(corpus, self.cfg)).clips
        except MerError:
            return None
        some = clips[::max(1, len(clips) // _SAMPLE)]
        return float(sum(subsets.durations(some))) / len(some) * len(clips) / 3600

    def _by_table(self, command):
        made = self.state.plan.makes.get(command, ())
        if not made:
            return rates()["demo_corpus"]
        return sum(seconds) if None not in (seconds := [self._one(*each) for each in made]) else None

    def _one(self, what, facts):
        table, cfg = rates(), self.cfg
        if what == "store":
            hours = self.hours(facts)
            rate = table["store"].get(facts["features"], table["store"]["other"])
            return None if hours is None else table["start"]["store"] + hours * rate
        if what == "encoder" and facts["pretext"] == PUBLISHED:
            return table["start"]["published"]
        if what == "encoder":
            hours = self.hours({"kind": "music" if facts["heard"] == "music" else "speech", "code": facts["language"],
                                "hours": facts["hours"]})
            rate = table["pretrain"].get(facts["encoder"], table["pretrain"]["other"])
            epochs = 2 if facts["heard"] == "random" else cfg.pretrain_epochs
            recipe = table["recipe"].get(facts["encoder"])
            if recipe and facts["heard"] != "random":
                return table["start"]["keras"] + cfg.values[recipe["epochs"]] * recipe["seconds"]
            return None if hours is None else table["start"]["keras"] + epochs * hours * rate
        codes = {code for step in setups.parse(facts["music"], self.state.plan.mixed) for code in step}
        hours = [self.hours({"kind": "music", "code": code}) for code in codes]
        if None in hours:
            return None
        kind, epochs = {LINEAR: ("linear", 1), FULL: ("full", cfg.full_epochs), CLASSIFIER: ("classifier", 1),
                        SCRATCH: ("scratch", cfg.scratch_epochs)}.get(facts["mode"], ("heads", cfg.heads_epochs))
        rate = table[kind].get(facts["encoder"], table[kind]["other"])
        return table["start"]["keras"] + (facts["folds"] or 1) * (table["report"] + epochs * rate) * sum(hours)

    def _measured(self):
        """Kind of command -> how much longer than in the table the finished ones took here, by the median."""
        ratios: dict[str, list[float]] = {}
        for note in self.state.all_noted():
            command = tuple(note.get("step") or ())
            expected = self._by_table(command) if command in self.state.plan.makes else None
            if note.get("state") == DONE and expected and note.get("seconds"):
                ratios.setdefault(_kind(command), []).append(note["seconds"] / expected)
        return {kind: statistics.median(values) for kind, values in ratios.items()}


def _kind(command):
    """Commands that take their time alike: those of one script and one kind of heads."""
    release = command[command.index("-rel") + 1] if "-rel" in command else ""
    return " ".join([command[0], release, "linear" * ("linear" in command), "random" * ("--random" in command)])
