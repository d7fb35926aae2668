"""Do raters of one language agree more among themselves than raters of mixed languages?

The question of Gómez-Cañón et al. (2020). A small group's alpha is less certain than a large one's, and a little
lower (its expected disagreement holds more pairs of ratings by one and the same person). So languages are not set
against each other or against everybody: each is compared with random groups of just its size. Languages are permuted
over the raters, every rater keeping all ratings, on the clips that two of the language's own and one other rater have
rated.

- difference: alpha of the language, minus the mean alpha of the random groups;
- p: how often a random group's alpha lies as far out, two-sided: what other raters would give;
- interval: bootstrap over clips, as everywhere: what other clips would give. The random groups are not drawn anew for
  every resample: everybody's alpha stands for them, the effect of size being taken as constant.

"Within languages" is the mean of the languages' alphas, weighted by raters. It is high where raters of one language
share something, and, less, where some languages have more careful raters than others; in that case alpha of the
others lies below that of mixed groups.

References
----------
Gómez-Cañón, Cano, Herrera & Gómez (2020), Joyful for you and tender for us: the influence of individual
characteristics and language on emotion labeling and classification, ISMIR, 853-860.
Phipson & Smyth (2010), Permutation p-values should never be zero, Statistical Applications in Genetics and Molecular
Biology 9(1):39, doi:10.2202/1544-6115.1585.
Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 65-70.
"""

import numpy as np

from mer.intervals import holm
from mer.raters import alpha

WITHIN = "within languages"
_TIE = 1e-9  # alphas nearer than this are equal


def compare(table, names, languages, *, levels, draws, n_permutations, rng, tick):
    """Compare the raters of each language with raters of mixed languages.

    Parameters
    ----------
    table : mer.raters.alpha.Table
    names : sequence of str
        The classes, and where there are several a name for all of them together.
    languages : sequence of str, one per rater
        "" where it is not known: such a rater is left out here.
    levels : sequence of str
    draws : np.ndarray of int, shape (n_bootstrap, clips)
        From `mer.metrics.draw_clips`.
    n_permutations : int > 0
    rng : np.random.Generator
    tick : callable
        Called with the number of permutations done since.

    Returns
    -------
    list of dict
        One per level, group and class, with level, class, group, n_raters, n_clips, alpha, alpha_all (of everybody),
        mixed_mean, mixed_low, mixed_high (of random groups), difference (from mixed_mean), low, high (of the
        difference), p, p_holm, and ``why``, in words, where they are None. Empty where there are not two
        languages, one of them with two raters.
    """
    languages = np.array(languages, object)
    sizes = {name: int((languages == name).sum()) for name in sorted({*languages} - {""})}
    if len(sizes) < 2 or max(sizes.values()) < 2:
        return []
    sizes = {name: n for name, n in sizes.items() if n > 1}
    own = {name: table.counts(languages == name) for name in sizes}
    everybody = table.counts(languages != "")
    masks = _masks(own, everybody)
    random = _permuted(table, languages, sizes, masks, levels=levels, n=n_permutations, rng=rng, tick=tick)
    rows = []
    for level in levels:
        for group, mask in masks.items():
            found = {"alpha": _mean_alpha(own, group, mask, table, level, sizes),
                     "alpha_all": alpha.every_class(everybody, mask, table.values, level),
                     "gain": _gains(own, everybody, group, mask, table, level, sizes, draws),
                     "random": random[level, group]}
            rows += _rows(names, found, level=level, group=group, mask=mask,
                          n_raters=sum(sizes.values()) if group == WITHIN else sizes[group])
    return _corrected(rows, names)


def _masks(own, everybody):
    """Units that count for each group, shape (classes, clips): rated by two of its own and by somebody else."""
    own = {name: counts.sum(-1) for name, counts in own.items()}
    masks = {name: (n >= 2) & (everybody.sum(-1) > n) for name, n in own.items()}
    if len(own) > 1:
        masks[WITHIN] = np.all([n >= 2 for n in own.values()], axis=0)
    return {name: mask.astype(float) for name, mask in masks.items()}


def _mean_alpha(own, group, weights, table, level, sizes):
    """Alpha of one language, or the mean of all languages weighted by raters, shape (..., names)."""
    members = sizes if group == WITHIN else {group: sizes[group]}
    parts = [n * alpha.every_class(own[name], weights, table.values, level) for name, n in members.items()]
    return sum(parts) / sum(members.values())


def _gains(own, everybody, group, mask, table, level, sizes, draws):
    """Alpha minus everybody's in every bootstrap resample of clips, shape (n_bootstrap, names)."""
    parts = []
    for part in table.chunks(len(draws)):
        weights = draws[part, None, :] * mask
        parts.append(_mean_alpha(own, group, weights, table, level, sizes)
                     - alpha.every_class(everybody, weights, table.values, level))
    return np.concatenate(parts)


def _permuted(table, languages, sizes, masks, *, levels, n, rng, tick):
    """Alpha of every group under permuted languages: (level, group) -> (n, names)."""
    known = np.flatnonzero(languages != "")
    found = {(level, group): [] for level in levels for group in masks}
    for part in table.chunks(n):
        shuffled = np.full((part.stop - part.start, len(languages)), "", object)
        shuffled[:, known] = rng.permuted(np.tile(languages[known], (len(shuffled), 1)), axis=1)
        own = {name: table.counts(shuffled == name) for name in sizes}
        for level, group in found:
            found[level, group].append(_mean_alpha(own, group, masks[group], table, level, sizes))
        tick(len(shuffled))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _rows(names, found, *, level, group, mask, n_raters):
    """One dict per class."""
    for place, name in enumerate(names):
        units = mask[place] if place < len(mask) else mask.any(0)
        row = {"level": level, "class": name, "group": group, "n_raters": n_raters, "n_clips": int(units.sum()),
               **dict.fromkeys(("alpha", "alpha_all", "mixed_mean", "mixed_low", "mixed_high", "difference", "low",
                                "high", "p", "p_holm")), "why": ""}
        value, everybody, random = (found[key][..., place] for key in ("alpha", "alpha_all", "random"))
        row["mixed_low"], row["mixed_high"] = alpha.interval(random)
        if not np.isfinite(value) or not np.isfinite(everybody):
            whose = "every language" if group == WITHIN else f"{group} and other raters"
            row["why"] = f"too few clips, or no two different ratings, by {whose}"
        elif row["mixed_low"] is None:
            row["why"] = "too few ratings in random groups of this size"
        else:
            mixed = float(np.nanmean(random))
            row.update(alpha=float(value), alpha_all=float(everybody), mixed_mean=mixed, p=_p_value(random, value),
                       difference=float(value) - mixed)
            ends = alpha.interval(found["gain"][:, place])
            row["low"], row["high"] = (None if end is None else end + float(everybody) - mixed for end in ends)
        yield row


def _p_value(random, observed):
    """Two-sided permutation p, the observed order being one of them (Phipson & Smyth 2010)."""
    random = random[np.isfinite(random)]
    above, below = (random >= observed - _TIE).sum(), (random <= observed + _TIE).sum()
    return min(1.0, 2 * (1 + int(min(above, below))) / (1 + len(random)))


def _corrected(rows, names):
    """Holm's correction: over the languages for all classes together, over languages and classes for the rest.

    The mean within languages is one test for all classes together, and one per class for the rest.
    """
    families = {}
    for row in rows:
        together = row["class"] == names[-1]
        families.setdefault((row["level"], row["group"] == WITHIN, together), []).append(row)
    for family in families.values():
        for row, p in zip(family, holm([row["p"] for row in family]), strict=True):
            row["p_holm"] = p
    return rows
