"""A budget of labels: a few labelled clips of a corpus for training; a smaller budget is part of a larger one."""

from dataclasses import replace

import numpy as np

from mer import MerError

UNUSED = ""  # the side of a clip whose label the budget does not buy


def limited(clips, n, *, seed, name):
    """The clips of a corpus with `n` of those for training and validation; the test side stays as it is.

    One clip after the other is drawn: of the class that has fewest so far, of the group (actor, artist) that has fewest
    so far, and among these by lot. So classes differ by one clip at most, as long as there are enough of each, and
    groups have about the same share. The draw does not depend on `n`: a smaller budget begins a larger one.

    Parameters
    ----------
    clips : mer.data.store.ClipSet
    n : int > 0
        Budget, in clips; each keeps its side.
    seed : int
    name : str
        Of the corpus, for sentences.

    Returns
    -------
    ClipSet
        The others have the side `UNUSED`: neither their sound nor their label is trained on.

    Raises
    ------
    MerError
        There are fewer labelled clips.
    """
    usable = np.flatnonzero((clips.split != "test") & (clips.labels["quadrant"] != ""))
    if n > len(usable):
        raise MerError(f"--labels {n} asks for more labelled clips than {name} has for training and validation, "
                       f"{len(usable)}: give a smaller number, or leave --labels out for all of them")
    chosen = usable[order(clips.labels["quadrant"][usable], clips.group[usable], n, seed=seed)]
    split = np.full(len(clips), UNUSED, object)
    keep = clips.split == "test"
    keep[chosen] = True
    split[keep] = clips.split[keep]
    return replace(clips, split=split)


def order(classes, groups, n, *, seed):
    """The first `n` clips of the draw, as indices, shape (n,).

    Parameters
    ----------
    classes, groups : np.ndarray of str, shape (clips,)
    n : int, at most clips
    seed : int
    """
    rng = np.random.default_rng(seed)
    _, kind = np.unique(np.asarray(classes, str), return_inverse=True)
    _, owner = np.unique(np.asarray(groups, str), return_inverse=True)
    lot, luck_of_class = rng.permutation(len(kind)), rng.permutation(kind.max() + 1)
    of_class, of_group = np.zeros(kind.max() + 1, int), np.zeros(owner.max() + 1, int)
    of_both = np.zeros((len(of_class), len(of_group)), int)
    left, drawn = np.ones(len(kind), bool), []
    for _ in range(n):
        here = np.flatnonzero(left)
        wanted = kind[here] == min(np.unique(kind[here]), key=lambda each: (of_class[each], luck_of_class[each]))
        here = here[wanted]
        first = here[np.lexsort((lot[here], of_both[kind[here], owner[here]], of_group[owner[here]]))[0]]
        left[first] = False
        of_class[kind[first]] += 1
        of_group[owner[first]] += 1
        of_both[kind[first], owner[first]] += 1
        drawn.append(first)
    return np.array(drawn)
