"""Set-ups of training on music: one corpus, all together (mixed), one after the other (sequential); who is tested how.

Set-ups and their names are those of Pandrea, Gómez-Cañón and Herrera (2020), Cross-dataset music emotion recognition:
an end-to-end approach, ISMIR late-breaking demo. A step is a tuple of codes of music corpora that are trained on
together; a set-up is a tuple of steps, one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mer import MerError, corpora
from mer.cli import MIXED

ROLES = ("within", "cross", "mixed", "sequential", "step")

Steps = tuple[tuple[str, ...], ...]


class Together(tuple):
    """Codes of corpora that -m joins with "+", in the order in which it names them; all of "x" are a plain tuple."""


@dataclass(frozen=True)
class SetUp:
    """Steps of training, with the names that a corpus has: a set-up of one corpus has its very names.

    Attributes
    ----------
    steps : tuple of tuple of str
        From `parse`.
    labels : int or None
        Labelled clips of the last corpus of the last step that may be trained on, see `mer.training.budget`; None: all.
    per_group : bool
        Whether embeddings are normalized per group, see `mer.training.per_group`.
    """

    steps: Steps
    labels: int | None = None
    per_group: bool = False

    @property
    def CODE(self) -> str:
        """As -m: "e", "x", "v+r", "m,t,e"."""
        return ",".join(self._joined(lambda code: code, MIXED))

    @property
    def ABBR(self) -> str:
        """In names of folders and tables: "eng", "mix", "spoken+sung_32labels", "man_tur_eng"."""
        return "_".join([*self._joined(lambda code: _corpus(code).ABBR, "mix"), *self._limits])

    @property
    def LANGUAGE(self) -> str:
        """In names of folders: "english", "mix", "spoken+sung_32labels", "mandarin_turkish_english"."""
        return "_".join([*self._joined(lambda code: _corpus(code).LANGUAGE, "mix"), *self._limits])

    @property
    def NAME(self) -> str:
        """For people: "4Q-Emotion", "4Q-Emotion + EMOPIA", "EMOPIA, then 4Q-Emotion"."""
        names = [[_corpus(code).NAME for code in step] for step in self.steps]
        if self.labels:
            names[-1][-1] = f"{self.labels} clips of {names[-1][-1]}"
        return ", then ".join(" + ".join(step) for step in names)

    @property
    def _limits(self):
        return [f"{self.labels}labels"] * bool(self.labels) + ["per_group"] * self.per_group

    def _joined(self, name, mixed):
        return ["+".join(map(name, step)) if len(step) == 1 or isinstance(step, Together) else mixed
                for step in self.steps]


def _corpus(code):
    return corpora.get("music", code)


def parse(text: str, present: Sequence[str]) -> Steps:
    """The steps that -m names.

    Parameters
    ----------
    text : str
        Codes of music corpora with commas between them, in the order of training: "e", "m,t,e"; "v+r" is these two
        together; "x" is all of `present` together, without labelled speech.
    present : sequence of str
        Codes of the music corpora that have a store.

    Returns
    -------
    tuple of tuple of str
        "e": (("e",),); "m,t,e": (("m",), ("t",), ("e",)); "v+r": one step, a `Together`; "x": one step with all of
        `present`, sorted.

    Raises
    ------
    MerError
        A part is empty or comes twice, or there are fewer than two corpora to mix.
    """
    steps = [[part.strip() for part in step.split("+")] for step in text.split(",")]
    parts = [part for step in steps for part in step]
    if not all(parts):
        raise MerError(f"-m {text!r} names no corpus between its commas: write codes such as e, x, v+r, or m,t,e")
    twice = next((part for place, part in enumerate(parts) if part in parts[:place]), None)
    if twice:
        raise MerError(f"-m {text} names {twice} twice: every corpus of a sequence stands in it once")
    if any(MIXED in step and len(step) > 1 for step in steps):
        raise MerError(f"-m {text} joins {MIXED}, which is all music, with more: name the corpora, such as e+p")
    mixed = sorted({code for code in present if _corpus(code).IS_MUSIC})
    if MIXED in parts and len(mixed) < 2:
        held = f"only {mixed[0]} has" if mixed else "none has"
        raise MerError(f"-m {text} mixes all music corpora that have a store, and {held} one: run 'python3 "
                       "generate_dataset.py -d m -l CODE' for another one first")
    return tuple(tuple(mixed) if step == [MIXED] else Together(step) if len(step) > 1 else tuple(step)
                 for step in steps)


def roles(steps: Steps, present: Sequence[str]) -> list[tuple[str, str]]:
    """What each corpus is to a model that was trained in these steps.

    Parameters
    ----------
    steps : tuple of tuple of str
        From `parse`.
    present : sequence of str
        Codes of the music corpora that have a store.

    Returns
    -------
    list of (str, str)
        Code and role, sorted by code. "within": the one that it was trained on. "mixed": one of those that it was
        trained on together. "sequential": one of the last step of a sequence. "step": one that was met only earlier.
        "cross": one that it was never trained on.
    """
    last = role_of_last(steps)
    earlier = {code for step in steps for code in step}
    return [(code, last if code in steps[-1] else "step" if code in earlier else "cross")
            for code in sorted({*present, *earlier})]


def role_of_last(steps: Steps) -> str:
    """The role of the corpora of the last step: "within", "mixed" or "sequential"."""
    return "sequential" if len(steps) > 1 else "mixed" if len(steps[0]) > 1 else "within"
