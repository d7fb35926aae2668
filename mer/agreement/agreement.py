"""How far raters agree: Krippendorff's alpha per class and language, with intervals, and languages compared.

A class is an emotion or a dimension. Intervals of alpha are percentile bootstraps over clips: a clip is drawn with all
its ratings of all classes and by all raters. The bootstrap of Hayes & Krippendorff (2007) draws single pairs of
ratings, as if those of one clip were independent; drawing whole units is what Zapf et al. (2016) found to hold its
level.

References
----------
Krippendorff (2004), Content Analysis, 2nd edition, Sage, chapter 11.
Hayes & Krippendorff (2007), Communication Methods and Measures 1(1), 77-89, doi:10.1080/19312450709336664.
Zapf, Castell, Morawietz & Karch (2016), Measuring inter-rater reliability for nominal data, BMC Medical Research
Methodology 16:93, doi:10.1186/s12874-016-0200-9.
"""

from collections import Counter

import numpy as np

from mer import MerError, progress
from mer.agreement import alpha, care
from mer.agreement.languages import SIGNIFICANT, compare
from mer.evaluation import metrics

EVERYBODY = "all raters"
ALL_CLASSES = "all classes"
N_PERMUTATIONS = 4999
_FEW_CLIPS = 10


def levels_of(ratings, wanted=()):
    """Levels of measurement that fit the ratings: words have no order.

    Raises
    ------
    MerError
        A level is wanted that words do not have.
    """
    possible = alpha.LEVELS if ratings.is_numeric else ("nominal",)
    wrong = [level for level in wanted if level not in possible]
    if wrong:
        raise MerError(f"{ratings.path} holds words ({', '.join(ratings.values[:3])}), which have no {wrong[0]} level: "
                       "give --level nominal, or numbers")
    return tuple(level for level in possible if not wanted or level in wanted)


def evaluate(ratings, *, levels, n_bootstrap, seed, n_permutations=N_PERMUTATIONS, given_care=False):
    """Everything that the report says.

    Parameters
    ----------
    ratings : mer.agreement.ratings.Ratings
    levels : sequence of str
        From `levels_of`.
    n_bootstrap, n_permutations : int > 0
    seed : int
    given_care : bool
        Also test what raters of one language share beyond their care.

    Returns
    -------
    dict
        ``groups``: language -> raters. ``alphas``: list of dict with level, class, group, n_raters, n_clips (rated by
        two of the group), n_ratings (of these), alpha, low, high, and ``why``, in words, where one of them is None.
        ``comparisons``: as `languages.compare` returns it. ``care``: list of dict, one per level, with level, class,
        noise and p as `care.unequal` returns them, and differs (p below 0.05); empty without comparisons.
        ``warnings``: sentences.

    Raises
    ------
    MerError
        Not one alpha is defined.
    """
    table, languages = alpha.Table.of(ratings), np.array(ratings.languages, object)
    sizes = {name: int((languages == name).sum()) for name in sorted({*ratings.languages} - {""})}
    members = {EVERYBODY: np.ones(len(languages), bool), **{name: languages == name for name in sizes}}
    names = [*ratings.classes, *([ALL_CLASSES] if len(ratings.classes) > 1 else [])]
    draws = metrics.draw_clips(len(ratings.clips), n_bootstrap=n_bootstrap, seed=seed)
    with progress.bar(total=n_permutations, desc="agreement", unit="permutation") as bar:
        alphas = [row for level in levels for group in members
                  for row in _alphas(table, names, group, members[group], draws, level)]
        if all(row["alpha"] is None for row in alphas):
            reason = Counter(row["why"] for row in alphas if row["group"] == EVERYBODY).most_common(1)[0][0]
            raise MerError(f"{ratings.path}: no agreement can be computed from {len(ratings.raters)} rater(s) of "
                           f"{len(ratings.clips)} clip(s) ({reason}): give different ratings of two or more clips, "
                           "each by two or more people")
        comparisons = compare(
            table, names, ratings.languages, levels=levels, draws=draws, n_permutations=n_permutations,
            rng=np.random.default_rng([seed, 1]), tick=bar.update, given_care=given_care)
    unequal = [_care(table, names[-1], languages, level, n_permutations, seed) for level in levels if comparisons]
    return {"groups": sizes, "alphas": alphas, "comparisons": comparisons, "care": unequal,
            "warnings": _warnings(ratings, sizes, bool(comparisons))}


def _care(table, name, languages, level, n_permutations, seed):
    """Whether the raters of some languages are more careful, over all classes together."""
    parts = care.pairs_of(table, level)
    unequal = care.unequal(care.Pairs.together(parts), languages, sorted({*languages} - {""}),
                         n_permutations=n_permutations, rng=np.random.default_rng([seed, 2]))
    differs = unequal["p"] is not None and unequal["p"] < SIGNIFICANT
    return {"level": level, "class": name, **unequal, "differs": differs}


def _alphas(table, names, group, members, draws, level):
    """Alpha of one group in every class, with its interval."""
    sample = table.by(members[None])
    values = alpha.every_class(sample, np.ones((1, len(table.unit_clip))), level)[0]
    samples = np.concatenate([alpha.every_class(sample, draws[part][:, table.unit_clip], level)
                              for part in table.chunks(len(draws))])
    for index, name in enumerate(names):
        of_class = index if index < table.n_classes else None
        pairable = (sample.m[:, 0] > 1) & ((table.unit_class == of_class) | (of_class is None))
        why = alpha.undefined(table, members, of_class)
        low, high = (None, None) if why else alpha.interval(samples[:, index])
        yield {"level": level, "class": name, "group": group, "n_raters": int(members.sum()),
               "n_clips": len(np.unique(table.unit_clip[pairable])), "n_ratings": int(sample.m[pairable].sum()),
               "alpha": None if why else float(values[index]), "low": low, "high": high,
               "why": why or ("too few clips for an interval" if low is None else "")}


def _warnings(ratings, sizes, is_compared):
    warnings, unknown = [], sum(not language for language in ratings.languages)
    if ratings.n_missing:
        marks = ", ".join(f"{text or 'empty'} {n}" for text, n in ratings.missing.items())
        warnings.append(f"{ratings.n_missing} cell(s) hold no rating and count as missing ({marks}).")
    if ratings.left_out:
        names = ", ".join(map(str, ratings.left_out))
        warnings.append(f"Columns that hold no ratings are left out: {names}. --only chooses the columns that do.")
    if not sizes:
        warnings.append("The csv has no language of the raters (column rater_language), so no languages are compared.")
    elif not is_compared:
        warnings.append("Languages are not compared: that takes raters of two, and two raters of one of them.")
    if sizes and unknown:
        warnings.append(f"{unknown} raters have no language: they count among '{EVERYBODY}', but are not compared.")
    warnings += [f"{name} has one rater, and so no agreement of its own." for name, n in sizes.items() if n == 1]
    if len(ratings.clips) < _FEW_CLIPS:
        warnings.append(f"Only {len(ratings.clips)} clips: intervals over so few are too narrow.")
    return warnings + _unlike_scales(ratings)


def _unlike_scales(ratings):
    """All classes together would take the difference between two scales for agreement."""
    if not ratings.is_numeric or len(ratings.classes) < 2:
        return []
    values = [ratings.values[ratings.value[ratings.kind == kind]] for kind in range(len(ratings.classes))]
    low, high = np.array([value.min() for value in values]), np.array([value.max() for value in values])
    if np.ptp(low) + np.ptp(high) <= (high - low).max() / 2:
        return []
    return [f"Classes have different scales (lowest values {low.min():g} to {low.max():g}, highest {high.min():g} to "
            f"{high.max():g}): '{ALL_CLASSES}' counts that as agreement, so read the single classes."]
