"""Which features tell the classes apart: chi2 of every feature, and whether two corpora agree on them."""

from collections.abc import Sequence

import numpy as np

TOPS = (10, 50)


def scaled(values: np.ndarray) -> np.ndarray:
    """Features (n, width) -> the same in [0, 1], each by its own least and greatest value: what chi2 takes."""
    from sklearn.preprocessing import MinMaxScaler
    return MinMaxScaler().fit_transform(np.asarray(values, float))


def relevance(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Chi-squared statistic of every feature, by `sklearn.feature_selection.chi2`.

    Parameters
    ----------
    values : np.ndarray, shape (n, width), at least 0
    classes : np.ndarray of int, shape (n,)

    Returns
    -------
    np.ndarray, shape (width,)
        0 where a feature is 0 everywhere.
    """
    from sklearn.feature_selection import chi2
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(chi2(values, classes)[0])


def agreement(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """How far two rankings of the same features agree.

    Parameters
    ----------
    one, other : np.ndarray, shape (width,)
        Chi2 of each feature in one corpus and the other.

    Returns
    -------
    dict
        "rho": Spearman's rank correlation; "top 10", "top 50": how many of the best features are the same.
    """
    from scipy import stats
    best = [np.argsort(-values, kind="stable") for values in (one, other)]
    shared = {f"top {n}": float(len(set(best[0][:n]) & set(best[1][:n]))) for n in TOPS if n < len(one)}
    return {"rho": float(np.nan_to_num(stats.spearmanr(one, other).statistic)), **shared}


def compare(corpora: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], *, n_shuffles: int, seed: int) -> dict:
    """Whether two corpora agree on which features matter, more than features do by themselves.

    Some features vary more than others whatever the classes are, so rankings agree without any emotion. The null
    therefore shuffles the labels of the clips of one corpus, parts kept together, and leaves the other as it is; then
    the other way round. The greater of the two p values counts: each corpus has to contribute.

    Parameters
    ----------
    corpora : two of (values (n, width), classes (n,), clip (n,))
        Parts for training.
    n_shuffles : int
    seed : int

    Returns
    -------
    dict
        By name of `agreement`: value, null (mean of the shuffled), null_high (their 95th percentile), p; the last three
        of the shuffle that the corpora beat least.
    """
    sets = [(scaled(values), classes, clip) for values, classes, clip in corpora]
    true = [relevance(values, classes) for values, classes, _ in sets]
    value, generator, nulls = agreement(*true), np.random.default_rng(seed), []
    for place, (values, classes, clip) in enumerate(sets):
        _, first, of_part = np.unique(clip, return_index=True, return_inverse=True)
        nulls.append([agreement(true[1 - place], relevance(values, generator.permutation(classes[first])[of_part]))
                      for _ in range(n_shuffles)])
    found = {}
    for name, actual in value.items():
        drawn = [np.array([one[name] for one in null]) for null in nulls]
        p_values = [(1 + (null >= actual).sum()) / (1 + n_shuffles) for null in drawn]
        worse = drawn[int(np.argmax(p_values))]
        found[name] = {"value": actual, "null": float(worse.mean()), "null_high": float(np.quantile(worse, 0.95)),
                       "p": float(max(p_values))}
    return found
