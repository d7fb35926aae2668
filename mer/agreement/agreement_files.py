"""What an agreement report leaves on disk: agreement.txt, .json, .csv and .png."""

from pathlib import Path

from mer import files
from mer.agreement import agreement_text, forest_plot
from mer.evaluation.intervals import CONFIDENCE

_KEYS = ("level", "class", "group")
_ALPHA = ("n_raters", "n_clips", "n_ratings", "alpha", "low", "high", "why")
_COMPARED = {"n_clips": "compared_clips", "alpha": "compared_alpha", "alpha_all": "compared_alpha_all",
             "mixed_mean": "mixed_mean", "mixed_low": "mixed_low", "mixed_high": "mixed_high",
             "difference": "difference", "low": "difference_low", "high": "difference_high", "p": "p",
             "p_holm": "p_holm", "rest": "given_care", "rest_p": "given_care_p", "rest_p_holm": "given_care_p_holm",
             "why": "compared_why"}


def write(out_dir, ratings, found, *, levels, n_bootstrap, n_permutations, seed):
    """Write the report.

    Parameters
    ----------
    out_dir : pathlib.Path
        Made where it is missing.
    ratings : mer.agreement.ratings.Ratings
    found : dict
        From `mer.agreement.agreement.evaluate`, with the same `levels`, `n_bootstrap`, `n_permutations` and `seed`.

    Returns
    -------
    dict
        The content of agreement.json: ``source``, ``levels``, ``groups``, ``answer`` (sentences), ``warnings``,
        ``alphas``, ``comparisons``, ``care``, ``bootstrap``, ``permutation``, ``difference_interval``.
        The same input gives the same bytes.
    """
    source = {"name": ratings.path.name, "sha256": files.sha256(ratings.path)[:16], "ratings": len(ratings),
              "clips": len(ratings.clips), "raters": len(ratings.raters), "classes": list(ratings.classes),
              "values": ratings.values.tolist(), "missing": ratings.n_missing, "missing_as": ratings.missing,
              "left_out": [vars(column) for column in ratings.left_out]}
    report = {"source": source, "levels": list(levels), "answer": agreement_text.answer(found, levels),
              "bootstrap": {"unit": "clip", "resamples": n_bootstrap, "seed": seed, "confidence": CONFIDENCE},
              "permutation": {"unit": "rater", "permutations": n_permutations, "seed": seed},
              "difference_interval": {"units": ["rater", "clip"], "method": "inverted permutation test",
                                      "confidence": CONFIDENCE}, **files.rounded(found, 6)}
    out_dir = Path(out_dir)
    files.write_json(out_dir / "agreement.json", report)
    files.write_text(out_dir / "agreement.txt", agreement_text.compose(report))
    _write_csv(out_dir / "agreement.csv", report)
    forest_plot.forest(report, out_dir / "agreement.png")
    return report


def _write_csv(path, report):
    """One row per level, class and group, its comparison beside it; the mean within languages has only that."""
    rows = {tuple(row[key] for key in _KEYS): {key: row[key] for key in (*_KEYS, *_ALPHA)} for row in report["alphas"]}
    for row in report["comparisons"]:
        mine = rows.setdefault(tuple(row[key] for key in _KEYS), {key: row[key] for key in (*_KEYS, "n_raters")})
        mine.update((column, row[key]) for key, column in _COMPARED.items())
    header = [*_KEYS, *_ALPHA, *_COMPARED.values()]
    files.write_csv(path, header, ([row.get(column, "") for column in header] for row in rows.values()))
