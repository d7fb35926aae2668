"""What an agreement report leaves on disk: agreement.txt, .json, .csv and .png."""

import csv
import os
from pathlib import Path

from mer import weights
from mer.metrics import CONFIDENCE
from mer.raters import agreement_text, forest_plot

_KEYS = ("level", "class", "group")
_ALPHA = ("n_raters", "n_clips", "n_ratings", "alpha", "low", "high", "why")
_COMPARED = {"n_clips": "compared_clips", "alpha": "compared_alpha", "alpha_all": "compared_alpha_all",
             "mixed_mean": "mixed_mean", "mixed_low": "mixed_low", "mixed_high": "mixed_high",
             "difference": "difference", "low": "difference_low", "high": "difference_high", "p": "p",
             "p_holm": "p_holm", "why": "compared_why"}


def write(out_dir, ratings, found, *, levels, n_bootstrap, n_permutations, seed):
    """Write the report.

    Parameters
    ----------
    out_dir : pathlib.Path
        Made where it is missing.
    ratings : mer.raters.ratings.Ratings
    found : dict
        From `mer.raters.agreement.evaluate`, with the same `levels`, `n_bootstrap`, `n_permutations` and `seed`.

    Returns
    -------
    dict
        The content of agreement.json: ``source``, ``levels``, ``groups``, ``answer`` (sentences), ``warnings``,
        ``alphas``, ``comparisons``, ``bootstrap``, ``permutation``. The same input gives the same bytes.
    """
    source = {"name": ratings.path.name, "sha256": weights.file_key(ratings.path), "ratings": len(ratings),
              "clips": len(ratings.clips), "raters": len(ratings.raters), "classes": list(ratings.classes),
              "values": ratings.values.tolist(), "missing": ratings.n_missing}
    report = {"source": source, "levels": list(levels), "answer": agreement_text.answer(found, levels),
              "bootstrap": {"unit": "clip", "resamples": n_bootstrap, "seed": seed, "confidence": CONFIDENCE},
              "permutation": {"unit": "rater", "permutations": n_permutations, "seed": seed}, **_rounded(found)}
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    weights.write_json(out_dir / "agreement.json", report)
    _write_text(out_dir / "agreement.txt", agreement_text.compose(report))
    _write_csv(out_dir / "agreement.csv", report)
    forest_plot.forest(report, out_dir / "agreement.png")
    return report


def _rounded(value):
    """The same with 6 digits after the point."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 6) + 0.0 if isinstance(value, float) else value


def _write_text(path, text):
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _write_csv(path, report):
    """One row per level, class and group, its comparison beside it; the mean within languages has only that."""
    rows = {tuple(row[key] for key in _KEYS): {key: row[key] for key in (*_KEYS, *_ALPHA)} for row in report["alphas"]}
    for row in report["comparisons"]:
        mine = rows.setdefault(tuple(row[key] for key in _KEYS), {key: row[key] for key in (*_KEYS, "n_raters")})
        mine.update((column, row[key]) for key, column in _COMPARED.items())
    temporary = path.with_name(f"{path.name}.part")
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*_KEYS, *_ALPHA, *_COMPARED.values()], restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    os.replace(temporary, path)
