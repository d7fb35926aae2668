"""compare_features.py: the features that tell emotions apart in one corpus, and whether another corpus agrees."""

import itertools

import numpy as np

from mer import MerError, corpora, files
from mer.classifiers import parts, ranking
from mer.data import datasets
from mer.evaluation import intervals
from mer.training import classify
from mer.training.music import Music

COLUMNS = ("task", "one", "other", "measure", "value", "null", "null_high", "p", "p_holm")


def run(cfg, *, features, codes=(), n_shuffles=999, n_listed=10):
    """Rank features on the training clips of each corpus, and compare the rankings.

    Parameters
    ----------
    cfg : Config
    features : str
        A representation with named values.
    codes : sequence of str
        Music corpora; none: all that have a store of these features.
    n_shuffles : int
        Of labels, behind each p value.
    n_listed : int
        Features of each corpus and task in the text.

    Returns
    -------
    list of pathlib.Path
        Below `cfg.results_dir`: a table of the comparisons, and text.

    Raises
    ------
    MerError
        There are fewer than two corpora, or the features have no names.
    """
    reads = parts.reads(features, cfg.values)
    codes = list(codes) or datasets.present("music", cfg, features)
    if len(codes) < 2 or len(set(codes)) < len(codes):
        raise MerError(f"features of {' and '.join(codes) or 'no corpus'} came, but two corpora or more are compared: "
                       f"run 'python3 generate_dataset.py -d m -l CODE --features {features}' for another one first, "
                       "or name each once with -m")
    known = {}
    for code in codes:
        data = Music(cfg, code, reads, tasks=classify.with_classes())
        known[code] = {task.name: classify.training_of(cfg, data, task, cfg.seed) for task in data.tasks}
    rows, named = compared(known, n_shuffles=n_shuffles, seed=cfg.seed), reads.of.feature_names
    best = {(task, code): [named[i] for i in np.argsort(-_chi2(of), kind="stable")[:n_listed]]
            for code, tasks in known.items() for task, of in tasks.items()}
    stem = cfg.results_dir / f"features.{features}.{'_'.join(corpora.get('music', code).ABBR for code in codes)}"
    paths = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".csv", ".txt")]
    files.write_csv(paths[0], COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    files.write_text(paths[1], composed(reads.of.TITLE, rows, best, n_shuffles))
    return paths


def compared(known, *, n_shuffles, seed):
    """Rows of the table: each pair of corpora, task and measure, with p values corrected over all of them (Holm).

    Parameters
    ----------
    known : dict of str -> dict of str -> pipelines.Training
        By corpus and task.
    n_shuffles, seed
        See `ranking.compare`.
    """
    rows = []
    for one, other in itertools.combinations(known, 2):
        for task in [name for name in known[one] if name in known[other]]:
            sides = [(side.values, side.classes, side.clip) for side in (known[one][task], known[other][task])]
            for measure, found in ranking.compare(sides, n_shuffles=n_shuffles, seed=seed).items():
                rows.append({"task": task, "one": one, "other": other, "measure": measure, **files.rounded(found, 4)})
    for row, corrected in zip(rows, intervals.holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = round(corrected, 4)
    return rows


def composed(title, rows, best, n_shuffles):
    """The text: the best features of each corpus side by side, then how far the rankings agree."""
    lines = [f"{title}: which features tell emotions apart (chi2, training clips), and whether corpora agree", ""]
    for task in dict.fromkeys(task for task, _ in best):
        columns = {code: names for (of, code), names in best.items() if of == task}
        table = [[corpora.get("music", code).NAME for code in columns], *zip(*columns.values(), strict=True)]
        lines += [f"BEST FEATURES, {task}", *("".join(f"  {cell:<42}" for cell in row).rstrip() for row in table)]
        lines.append("")
    lines += [f"AGREEMENT (null: labels of the clips of one corpus shuffled {n_shuffles} times; Holm: p corrected)",
              f"  {'task':<11}{'corpora':<10}{'measure':<10}{'value':>8}{'null':>8}{'its 95 %':>10}{'p':>8}{'Holm':>8}"]
    lines += [f"  {row['task']:<11}{row['one'] + ', ' + row['other']:<10}{row['measure']:<10}{row['value']:>8.2f}"
              f"{row['null']:>8.2f}{row['null_high']:>10.2f}{row['p']:>8.3f}{row['p_holm']:>8.3f}" for row in rows]
    lines += ["", "rho is Spearman's rank correlation of chi2 over all features; top 10 and top 50 count the best",
              "features that two corpora share. Features that vary more rank higher whatever the labels are: what",
              "counts is the distance from the null."]
    return "\n".join(lines) + "\n"


def _chi2(of):
    return ranking.relevance(ranking.scaled(of.values), of.classes)
