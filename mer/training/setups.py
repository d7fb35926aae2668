"""Set-ups of training on music: one corpus, all together (mixed), one after the other (sequential); who is tested how.

Set-ups and their names are those of Pandrea, Gómez-Cañón and Herrera (2020), Cross-dataset music emotion recognition:
an end-to-end approach, ISMIR late-breaking demo. A step is a tuple of codes of music corpora that are trained on
together; a set-up is a tuple of steps, one after the other.
"""

from collections.abc import Sequence

from mer import MerError

MIXED = "x"  # as -m: the union of all music corpora that have a store
ROLES = ("within", "cross", "mixed", "sequential", "step")

Steps = tuple[tuple[str, ...], ...]


def parse(text: str, present: Sequence[str]) -> Steps:
    """The steps that -m names.

    Parameters
    ----------
    text : str
        Codes of music corpora with commas between them, in the order of training: "e", "m,t,e"; "x" is all of
        `present` together.
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
    if MIXED in parts and len(set(present)) < 2:
        held = f"only {present[0]} has" if present else "none has"
        raise MerError(f"-m {text} mixes all music corpora that have a store, and {held} one: run 'python3 "
                       "generate_dataset.py -d m -l CODE' for another one first")
    return tuple(tuple(sorted(set(present))) if part == MIXED else (part,) for part in parts)


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
    last = "sequential" if len(steps) > 1 else "mixed" if len(steps[0]) > 1 else "within"
    earlier = {code for step in steps for code in step}
    return [(code, last if code in steps[-1] else "step" if code in earlier else "cross")
            for code in sorted({*present, *earlier})]
