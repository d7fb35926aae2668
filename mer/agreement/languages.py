"""Do raters of one language agree more among themselves than raters of mixed languages?

The question of Gómez-Cañón et al. (2020). A small group's alpha is less certain than a large one's, and a little
lower (its expected disagreement holds more pairs of ratings by one and the same person). So languages are not set
against each other or against everybody: each is compared with random groups of just its size. Languages are permuted
over the raters, every rater keeping all ratings, on the clips that two of the language's own and one other rater have
rated.

- difference: alpha of the language, minus the mean alpha of the random groups;
- p: how often a random group's alpha lies as far out, two-sided;
- interval of the difference: raters and clips both vary, see `_interval`. It excludes 0 where p is below 0.05.

A bootstrap over clips alone leaves out that other raters would answer otherwise: where there is no difference, its
interval excludes 0 too often. One that draws raters and clips independently (Owen 2007) counts the noise of single
ratings twice, and excludes 0 too rarely. `tests/agreement/test_agreement_simulated.py` counts for the one used here.

"Within languages" is the mean of the languages' alphas, weighted by raters. It is high where raters of one language
share something, and also where some languages have more careful raters than others: `mer.agreement.care` tells the two
apart.

References
----------
Gómez-Cañón, Cano, Herrera & Gómez (2020), Joyful for you and tender for us: the influence of individual
characteristics and language on emotion labeling and classification, ISMIR, 853-860.
Phipson & Smyth (2010), Permutation p-values should never be zero, Statistical Applications in Genetics and Molecular
Biology 9(1):39, doi:10.2202/1544-6115.1585.
Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1(2), 386-411, doi:10.1214/07-AOAS122.
Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 65-70.
"""

import numpy as np

from mer.agreement import alpha, care
from mer.evaluation.intervals import CONFIDENCE, holm

WITHIN = "within languages"
SIGNIFICANT = 1 - CONFIDENCE
_TIE = 1e-9       # alphas nearer than this are equal
_N_NOISE = 20     # permutations in which the noise of a resample of clips is measured
_N_DRAWS = 100    # resamples of clips in each of them
_UPPER = (1 + CONFIDENCE) / 2
_GRID = (np.arange(200) + 0.5) / 200  # quantiles that stand for a distribution


def compare(table, names, languages, *, levels, draws, n_permutations, rng, tick, given_care=False):
    """Compare the raters of each language with raters of mixed languages.

    Parameters
    ----------
    table : mer.agreement.alpha.Table
    names : sequence of str
        The classes, and where there are several a name for all of them together.
    languages : sequence of str, one per rater
        "" where it is not known: such a rater is left out here.
    levels : sequence of str
    draws : np.ndarray of int, shape (n_bootstrap, clips)
        From `mer.evaluation.metrics.draw_clips`.
    n_permutations : int > 0
    rng : np.random.Generator
    tick : callable
        Called with the number of permutations done since.
    given_care : bool
        Also test, within languages, what raters share beyond their care (`mer.agreement.care`).

    Returns
    -------
    list of dict
        One per level, group and class, with level, class, group, n_raters, n_clips, alpha, alpha_all (of everybody),
        mixed_mean, mixed_low, mixed_high (of random groups), difference (from mixed_mean), low, high (of the
        difference), p, p_holm, and ``why``, in words, where they are None; rest, rest_p and rest_p_holm: mean
        correlation of noises within languages, -1 to 1, and its test, None without `given_care` and for single
        languages. Empty where there are not two languages, one of them with two raters.
    """
    languages = np.array(languages, object)
    sizes = {name: int((languages == name).sum()) for name in sorted({*languages} - {""})}
    if len(sizes) < 2 or max(sizes.values()) < 2:
        return []
    sizes = {name: n for name, n in sizes.items() if n > 1}
    own, everybody = _samples(table, languages[None], sizes), table.by((languages != "")[None])
    masks = _masks(own, everybody)
    labels = _shuffled(languages, n_permutations, rng)
    random = _permuted(table, labels, sizes, masks, levels=levels, tick=tick)
    rows = []
    for level in levels:
        beyond = _beyond_care(table, languages, labels, sizes, level) if given_care else None
        for group, mask in masks.items():
            samples = {"alpha": _mean_alpha(own, group, mask[None], level, sizes)[0],
                       "alpha_all": alpha.every_class(everybody, mask[None], level)[0],
                       "gain": _gains(own, everybody, group, mask, level, sizes, draws),
                       "noise": _noise(table, labels, everybody, group, mask, level, sizes, draws),
                       "random": random[level, group]}
            for row in _rows(table, names, samples, level=level, group=group, mask=mask,
                             n_raters=sum(sizes.values()) if group == WITHIN else sizes[group]):
                index = names.index(row["class"])
                row["rest"], row["rest_p"] = (None, None) if group != WITHIN or beyond is None else beyond[index]
                rows.append(row)
    return _corrected(rows, names)


def _samples(table, labels, sizes):
    """Ratings by the raters of each language, for a batch of assignments, shape (batch, raters)."""
    return {name: table.by(labels == name) for name in sizes}


def _shuffled(languages, n, rng):
    """The languages permuted over the raters who have one, shape (n, raters)."""
    known = np.flatnonzero(languages != "")
    labels = np.full((n, len(languages)), "", object)
    labels[:, known] = rng.permuted(np.tile(languages[known], (n, 1)), axis=1)
    return labels


def _masks(own, everybody):
    """Units that count for each group, shape (units,): rated by two of its own and by somebody else."""
    own = {name: sample.m[:, 0] for name, sample in own.items()}
    masks = {name: (n >= 2) & (everybody.m[:, 0] > n) for name, n in own.items()}
    if len(own) > 1:
        masks[WITHIN] = np.all([n >= 2 for n in own.values()], axis=0)
    return {name: mask.astype(float) for name, mask in masks.items()}


def _mean_alpha(own, group, units, level, sizes):
    """Alpha of one language, or the mean of all languages weighted by raters, shape (batch, names)."""
    members = sizes if group == WITHIN else {group: sizes[group]}
    parts = [n * alpha.every_class(own[name], units, level) for name, n in members.items()]
    return sum(parts) / sum(members.values())


def _gains(own, everybody, group, mask, level, sizes, draws):
    """Alpha minus everybody's in every bootstrap resample of clips, shape (n_bootstrap, names)."""
    parts, table = [], everybody.table
    for part in table.chunks(len(draws)):
        units = draws[part][:, table.unit_clip] * mask
        parts.append(_mean_alpha(own, group, units, level, sizes) - alpha.every_class(everybody, units, level))
    return np.concatenate(parts)


def _noise(table, labels, everybody, group, mask, level, sizes, draws):
    """Variance of the gains over clips in mixed groups, where it is that of single ratings, shape (names,)."""
    gains = np.array([_gains(_samples(table, row[None], sizes), everybody, group, mask, level, sizes,
                             draws[:_N_DRAWS]) for row in labels[:_N_NOISE]])
    return np.ma.masked_invalid(gains).var(axis=1).mean(axis=0).filled(np.nan)


def _permuted(table, labels, sizes, masks, *, levels, tick):
    """Alpha of every group under permuted languages: (level, group) -> (n, names)."""
    alphas = {(level, group): [] for level in levels for group in masks}
    for part in table.chunks(len(labels)):
        own, known = _samples(table, labels[part], sizes), {}
        for level, group in alphas:
            mask, members = masks[group], sizes if group == WITHIN else {group: sizes[group]}
            for name in members:  # where all clips count for all groups, each language is needed once
                key = level, name, mask.tobytes()
                if key not in known:
                    known[key] = alpha.every_class(own[name], mask[None], level)
            alphas[level, group].append(sum(n * known[level, name, mask.tobytes()] for name, n in members.items())
                                        / sum(members.values()))
        tick(part.stop - part.start)
    return {key: np.concatenate(parts) for key, parts in alphas.items()}


def _beyond_care(table, languages, labels, sizes, level):
    """What raters of one language share beyond their care, and its p: one pair per class, then all together."""
    known = np.flatnonzero(languages != "")
    parts = [pairs.among(known) for pairs in care.pairs_of(table, level)]
    shared = []
    for pairs in [*parts, *([care.Pairs.together(parts)] if len(parts) > 1 else [])]:
        both = care.shared_beyond_care(pairs, np.concatenate([languages[None], labels])[:, known], sizes)
        is_known = np.isfinite(both[0]) and np.isfinite(both[1:]).any()
        shared.append((float(both[0]), _p_value(both[1:], both[0])) if is_known else (None, None))
    return shared


def _rows(table, names, samples, *, level, group, mask, n_raters):
    """One dict per class."""
    for index, name in enumerate(names):
        units = (mask > 0) & ((table.unit_class == index) | (index == table.n_classes) | (len(names) == 1))
        row = {"level": level, "class": name, "group": group, "n_raters": n_raters,
               "n_clips": len(np.unique(table.unit_clip[units])),
               **dict.fromkeys(("alpha", "alpha_all", "mixed_mean", "mixed_low", "mixed_high", "difference", "low",
                                "high", "p", "p_holm", "rest", "rest_p", "rest_p_holm")), "why": ""}
        value, everybody, random = (samples[key][..., index] for key in ("alpha", "alpha_all", "random"))
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
            row["low"], row["high"] = _interval(row["difference"], random - mixed, samples["gain"][:, index],
                                                samples["noise"][index], row["n_clips"])
        yield row


def _interval(difference, random, gains, noise, n_clips):
    """Interval of a difference over other raters and other clips: the permutation test, inverted.

    A value t is in the interval where a difference of t would not be rejected. The spread of the estimate has two
    parts: that of random groups, and what clips add when the difference itself is larger on some clips than on others.
    The second is the variance of the bootstrap over clips, less the same in mixed groups, where only the noise of
    single ratings is left. It is in proportion to t, for where there is no difference none varies: at t = 0 the test is
    the permutation test, so interval and p say the same. The far end, where t is larger than the estimate, has the
    whole of both parts.

    Parameters
    ----------
    difference : float
    random : np.ndarray, shape (n_permutations,)
        Differences of random groups, about 0.
    gains : np.ndarray, shape (n_bootstrap,)
        Alpha less everybody's in resamples of clips.
    noise : float
        Variance of the gains in mixed groups.
    n_clips : int

    Returns
    -------
    (float, float) or (None, None)
        None where alpha is not defined in one resample of twenty, or there is one clip.
    """
    if alpha.interval(random)[0] is None or alpha.interval(gains)[0] is None or not np.isfinite(noise) or n_clips < 2:
        return None, None
    sign = 1 if difference >= 0 else -1
    random, gains = sign * random[np.isfinite(random)], sign * gains[np.isfinite(gains)]
    of_clips = max(0.0, gains.var() - noise) * n_clips / (n_clips - 1)
    gains = (gains - gains.mean()) * np.sqrt(of_clips / max(gains.var(), _TIE**2))
    both = np.sort(np.add.outer(np.quantile(random, _GRID), np.quantile(gains, _GRID)).ravel())
    size, reach = abs(difference), np.quantile(random, _UPPER)
    far, near = size + np.quantile(both, _UPPER), size - np.quantile(both, _UPPER)
    if size > reach:  # (size - t)^2 = reach^2 (1 + of_clips / random.var() (t / size)^2): the root within 0..size
        ratio = reach**2 * of_clips / max(random.var(), _TIE**2)
        near = (size**2 - reach**2) / (size + np.sqrt(size**2 - (1 - ratio / size**2) * (size**2 - reach**2)))
    return (float(near), float(far)) if sign > 0 else (float(-far), float(-near))


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
        for key in ("p", "rest_p"):
            for row, p in zip(family, holm([row[key] for row in family]), strict=True):
                row[f"{key}_holm"] = p
    return rows
