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


@dataclass(frozen=True)
class SetUp:
    """Steps of training, with the names that a corpus has: a set-up of one corpus has its very names.

    Attributes
    ----------
    steps : tuple of tuple of str
        From `parse`.
    """

    steps: Steps

    @property
    def CODE(self) -> str:
        """As -m: "e", "x", "m,t,e"."""
        return ",".join(MIXED if len(step) > 1 else step[0] for step in self.steps)

    @property
    def ABBR(self) -> str:
        """In names of folders and tables: "eng", "mix", "man_tur_eng"."""
        return "_".join("mix" if len(step) > 1 else _corpus(step[0]).ABBR for step in self.steps)

    @property
    def LANGUAGE(self) -> str:
        """In names of folders: "english", "mix", "mandarin_turkish_english"."""
        return "_".join("mix" if len(step) > 1 else _corpus(step[0]).LANGUAGE for step in self.steps)

    @property
    def NAME(self) -> str:
        """For people: "4Q-Emotion", "4Q-Emotion + EMOPIA", "EMOPIA, then 4Q-Emotion"."""
        return ", then ".join(" + ".join(_corpus(code).NAME for code in step) for step in self.steps)


def _corpus(code):
    return corpora.get("music", code)


def parse(text: str, present: Sequence[str]) -> Steps:
    """The steps that -m names.

    Parameters
    ----------
    text : str
        Codes of music corpora with commas between them, in the order of training: "e", "m,t,e"; "x" is all of
        `present` together, without labelled speech.
    present : sequence of str
        Codes of the music corpora that have a store.

    Returns
    -------
    tuple of tuple of str
        "e": (("e",),); "m,t,e": (("m",), ("t",), ("e",)); "x": one step with all of `present`, sorted.

    Raises
    ------
    MerError
        A part is empty or comes twice, or there are fewer than two corpora to mix.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise MerError(f"-m {text!r} names no corpus between its commas: write codes such as e, x, or m,t,e")
    twice = next((part for place, part in enumerate(parts) if part in parts[:place]), None)
    if twice:
        raise MerError(f"-m {text} names {twice} twice: every corpus of a sequence stands in it once")
    mixed = sorted({code for code in present if _corpus(code).IS_MUSIC})
    if MIXED in parts and len(mixed) < 2:
        held = f"only {mixed[0]} has" if mixed else "none has"
        raise MerError(f"-m {text} mixes all music corpora that have a store, and {held} one: run 'python3 "
                       "generate_dataset.py -d m -l CODE' for another one first")
    return tuple(tuple(mixed) if part == MIXED else (part,) for part in parts)


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
