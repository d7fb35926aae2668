"""The commands behind a cell: stores, encoders, the transfer that makes the report; and which one needs which.

Facts of a cell become flags here and nowhere else. A command is a tuple of words without python3. Cells share commands,
so two cells that need the same store or encoder name the very same one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mer import corpora
from mer.cli import MIXED
from mer.experiments import architectures
from mer.experiments.architectures import CLASSIFIER
from mer.features.representations import DEFAULT
from mer.training import setups
from mer.weights.model_file import PUBLISHED

Command = tuple[str, ...]
LINEAR, FEATURES_ONLY, FULL, SCRATCH = "linear", "Feat. Ext.", "Full", "scratch"
RELEASES = {LINEAR: "n", FEATURES_ONLY: "n", FULL: "y", SCRATCH: "n"}
SOURCES = {"music": "m", "noise": "n"}  # -d of the scripts that pretrain and transfer; speech is their default
_OF_ENCODER = ("encoder", "heard", "language", "pretext", "hours")
ALL = "all"  # hours of speech, or labels
DEMO_CORPUS = ("make_demo_corpus.py",)


class Steps(dict):
    """Command -> the commands that it needs; a command comes after all that it needs.

    `makes` has what each of them makes: "store", "encoder" or "report", with the facts that say where it lies.

    Parameters
    ----------
    mixed : sequence of str
        Codes of the music corpora that -m x stands for.
    settings : mapping
        Values of settings.py for every command that reads them.
    is_demo : bool
        Whether the demo corpus is made first.
    """

    def __init__(self, *, mixed: Sequence[str] = (), settings: Mapping[str, Any] | None = None, is_demo: bool = False):
        super().__init__()
        self.makes: dict[Command, list[tuple[str, Mapping[str, Any]]]] = {}
        self._mixed, self._is_demo = mixed, is_demo
        self._more = [word for name, value in (settings or {}).items() for word in ("--set", f"{name}={value}")]

    def _add(self, words, makes, needs=()):
        """`makes` is what the command makes, as (what, facts) each."""
        command = tuple(str(word) for word in words) + tuple(self._more)
        self.setdefault(command, tuple(dict.fromkeys(needs)))
        made = self.makes.setdefault(command, [])
        made += [each for each in makes if each not in made]
        return command

    def cell(self, facts: Mapping[str, Any], runs: int) -> tuple[Command, ...]:
        """Add the commands of a cell; they come in an order in which they can be typed, the last one makes the report.

        Parameters
        ----------
        facts : mapping
            Of the cell.
        runs : int
            How many seeds the plan has: linear heads are solved at once, so that one command makes those of all seeds.
        """
        architecture = architectures.find(facts["encoder"])
        if architecture.pretext == CLASSIFIER:
            last = self._classifier(facts, architecture, runs)
        else:
            last = self._transfer(facts, architecture, runs)
        return tuple(dict.fromkeys(self._before(last)))

    def _before(self, command):
        for need in self[command]:
            yield from self._before(need)
        yield command

    def _store(self, kind, code, features, *, hours=None, folds=None):
        corpus = corpora.get(kind, code)
        share = hours / len(corpus.PARTS) if hours and corpus.PARTS else None
        needs = [self._store(kind, part, features, hours=share) for part in corpus.PARTS]
        if self._is_demo:
            self[DEMO_CORPUS], self.makes[DEMO_CORPUS] = (), []
            needs.append(DEMO_CORPUS)
        more = ["--features", features] if features != DEFAULT else []
        more += ["--hours", f"{hours:g}"] if hours else []
        made = {"kind": kind, "code": code, "features": features, "hours": hours, "folds": folds}
        return self._add(["generate_dataset.py", "-d", kind[0], "-l", code, *more,
                          *(["--folds", folds] if folds else [])], [("store", made)], needs)

    def _music(self, facts, architecture):
        """Stores of the music that is trained and tested on."""
        codes = [code for step in setups.parse(facts["music"], self._mixed) for code in step]
        tested = self._mixed if facts["tested"] == MIXED else [facts["tested"]]
        return [self._store("music", code, architecture.reads, folds=facts["folds"])
                for code in dict.fromkeys([*codes, *tested])]

    def _encoder(self, facts, architecture, runs):
        """What makes the encoder; nothing for one that is trained from scratch."""
        if architecture.pretext is None:
            return []
        if architecture.pretext == PUBLISHED:
            return [self._add(["convert_weights.py", facts["encoder"].removeprefix("model_")], [("encoder", facts)])]
        kind = facts["heard"] if facts["heard"] in SOURCES else "speech"
        store = self._store(kind, facts["language"], architecture.reads, hours=facts["hours"],
                            folds=facts["folds"] if kind == "music" else None)
        return [self._add(["pretrain.py", *_heard(facts), "-mod", facts["encoder"], "--run", seed],
                          [("encoder", {**{name: facts[name] for name in _OF_ENCODER}, "seed": seed})], [store])
                for seed in (range(runs) if facts["mode"] == LINEAR else [facts["seed"]])]

    def _transfer(self, facts, architecture, runs):
        mode = facts["mode"]
        needs = [*self._music(facts, architecture), *self._encoder(facts, architecture, runs)]
        if mode == FULL:  # the same command trains the heads alone first, and finds them finished
            needs.append(self._transfer({**facts, "mode": FEATURES_ONLY}, architecture, runs))
        of_others = architecture.pretext in (None, PUBLISHED)
        return self._add(
            ["trans_train.py", *([] if of_others else _heard(facts)), "-m", facts["music"], "-mod", facts["encoder"],
             "-rel", RELEASES[mode], *(["--heads", "linear"] if mode == LINEAR else []), *_labels(facts),
             *_folds(facts), *(["--runs", runs] if mode == LINEAR else ["--run", facts["seed"]])],
            [("report", facts)], needs)

    def _classifier(self, facts, architecture, runs):
        return self._add(["train_mlp.py", "-m", facts["music"], "--features", architecture.reads, "--clf",
                          architecture.classifier, *_labels(facts), *_folds(facts), "--runs", runs],
                         [("report", facts)], self._music(facts, architecture))


def _heard(facts):
    """Flags that say what the encoder heard."""
    source = SOURCES.get(facts["heard"])
    return ["-s", facts["language"], *(["-d", source] if source else []),
            *(["--hours", f"{facts['hours']:g}"] if facts["hours"] else []),
            *(["--random"] if facts["heard"] == "random" else [])]


def _labels(facts):
    return [*(["--labels", facts["labels"]] if facts["labels"] != ALL else []),
            *(["--normalize-groups"] if facts["normalized"] else [])]


def _folds(facts):
    return ["--folds", facts["folds"]] if facts["folds"] else []
