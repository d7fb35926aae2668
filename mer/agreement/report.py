"""The agreement report: agreement.txt (the answer in words, then the tables behind it), .json, .csv and .png."""

import textwrap
from pathlib import Path

from mer import files
from mer.agreement import forest_plot
from mer.agreement.languages import SIGNIFICANT, WITHIN
from mer.evaluation.intervals import CONFIDENCE

TENTATIVE = 0.667  # below this Krippendorff (2004, page 241) draws no conclusion from data
_WIDTH = 110
_COLUMN = 21       # of "-0.31 [-0.45, -0.16]" and a gap
_PER_BLOCK = 4
_KEYS = ("level", "class", "group")
_ALPHA = ("n_raters", "n_clips", "n_ratings", "alpha", "low", "high", "why")
_COMPARED = {"n_clips": "compared_clips", "alpha": "compared_alpha", "alpha_all": "compared_alpha_all",
             "mixed_mean": "mixed_mean", "mixed_low": "mixed_low", "mixed_high": "mixed_high",
             "difference": "difference", "low": "difference_low", "high": "difference_high", "p": "p",
             "p_holm": "p_holm", "rest": "given_care", "rest_p": "given_care_p", "rest_p_holm": "given_care_p_holm",
             "why": "compared_why"}


def write(out_dir, ratings, results, *, levels, n_bootstrap, n_permutations, seed):
    """Write the report.

    Parameters
    ----------
    out_dir : pathlib.Path
        Created where it is missing.
    ratings : mer.agreement.ratings.Ratings
    results : dict
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
    report = {"source": source, "levels": list(levels), "answer": answer(results, levels),
              "bootstrap": {"unit": "clip", "resamples": n_bootstrap, "seed": seed, "confidence": CONFIDENCE},
              "permutation": {"unit": "rater", "permutations": n_permutations, "seed": seed},
              "difference_interval": {"units": ["rater", "clip"], "method": "inverted permutation test",
                                      "confidence": CONFIDENCE}, **files.rounded(results, 6)}
    out_dir = Path(out_dir)
    files.write_json(out_dir / "agreement.json", report)
    files.write_text(out_dir / "agreement.txt", compose(report))
    rows = {tuple(row[key] for key in _KEYS): {key: row[key] for key in (*_KEYS, *_ALPHA)} for row in report["alphas"]}
    for row in report["comparisons"]:  # beside the alpha of the group; the mean within languages has none
        both = rows.setdefault(tuple(row[key] for key in _KEYS), {key: row[key] for key in (*_KEYS, "n_raters")})
        both.update((column, row[key]) for key, column in _COMPARED.items())
    header = [*_KEYS, *_ALPHA, *_COMPARED.values()]
    files.write_csv(out_dir / "agreement.csv", header,
                    ([row.get(column, "") for column in header] for row in rows.values()))
    forest_plot.forest(report, out_dir / "agreement.png")
    return report


def compose(report):
    """The text of agreement.txt.

    Parameters
    ----------
    report : dict
        As `write` returns it.

    Returns
    -------
    str
    """
    parts = [_heading(report), ["ANSWER", *_paragraphs(report["answer"])]]
    if report["warnings"]:
        parts.append(_paragraphs([f"WARNING: {sentence}" for sentence in report["warnings"]], indent=""))
    for level in report["levels"]:
        parts += [_alpha_table(report, level), _comparison_table(report, level)]
    parts.append(_reading(report))
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def answer(results, levels):
    """Do raters of one language agree more among themselves? Sentences for people.

    Parameters
    ----------
    results : dict
        From `mer.agreement.agreement.evaluate`.
    levels : sequence of str
        The first is the one that is written about.

    Returns
    -------
    list of str
    """
    sentences = [_overall(results, levels[0])]
    if not results["comparisons"]:
        return [*sentences, "Whether raters of one language agree more than others cannot be told from these ratings."]
    name = results["alphas"][-1]["class"]  # the last one is of all classes together
    rows = {(row["level"], row["group"]): row for row in results["comparisons"] if row["class"] == name}
    groups = [group for level, group in rows if level == levels[0]]
    main = WITHIN if WITHIN in groups else groups[0]
    sentences += [_verdict(rows[levels[0], main], levels[0]), *_care(results, rows[levels[0], main], levels[0])]
    languages = [rows[levels[0], group] for group in groups if group != WITHIN]
    if main == WITHIN:
        sentences.append(_each("Single languages", languages, key="group"))
    classes = [row for row in results["comparisons"]
               if row["level"] == levels[0] and row["group"] == main and row["class"] != name]
    if classes:
        sentences.append(_each("Single classes", classes, key="class"))
    others = [f"{level} {_signed(rows[level, main])}" for level in levels[1:]]
    return sentences + ([f"At the other levels: {'; '.join(others)}."] if others else [])


def _overall(results, level):
    rows = [row for row in results["alphas"] if row["level"] == level]
    row = [row for row in rows if row["group"] == rows[0]["group"]][-1]  # all raters, all classes together
    who = f"All {row['n_raters']} raters together"
    if row["alpha"] is None:
        return f"{who} have no alpha at the {level} level: {row['why']}."
    weight = "above" if row["alpha"] >= TENTATIVE else "below"
    return (f"{who} reach an alpha of {_with_interval(row['alpha'], row)} over {row['class']} ({level} level), "
            f"{weight} {TENTATIVE}, the least from which Krippendorff (2004) draws tentative conclusions.")


def _verdict(row, level):
    """One sentence on the mean within languages, or on the only language that can be compared."""
    who = "Raters of one language" if row["group"] == WITHIN else f"Raters of {row['group']}"
    if row["p"] is None:
        return f"Whether {who[0].lower()}{who[1:]} agree more than others cannot be told: {row['why']}."
    where = "mean alpha within languages" if row["group"] == WITHIN else "alpha"
    numbers = (f"{where} {row['alpha']:.3f}, in random mixed groups of the same size {row['mixed_mean']:.3f} "
               f"({row['mixed_low']:.3f} to {row['mixed_high']:.3f}); {_signed(row)}")
    if row["p_holm"] >= SIGNIFICANT:
        return (f"It is not shown that {who[0].lower()}{who[1:]} agree more or less than mixed ones ({level}: "
                f"{numbers}).")
    direction = "more" if row["difference"] > 0 else "less"
    return f"{who} agree {direction} among themselves than raters of mixed languages ({level}: {numbers})."


def _each(title, rows, *, key):
    """Which of several rows differ after Holm's correction, and by how much."""
    tested = [row for row in rows if row["p"] is not None]
    kinds = {"more": [row for row in tested if row["p_holm"] < SIGNIFICANT and row["difference"] > 0],
             "less": [row for row in tested if row["p_holm"] < SIGNIFICANT and row["difference"] < 0]}
    shown = [f"{kind} in {', '.join(f'{row[key]} ({_signed(row)})' for row in some)}"
             for kind, some in kinds.items() if some]
    n_rest = len(tested) - sum(map(len, kinds.values()))
    rest = f"no difference shown in {'the other ' if shown else 'any of the '}{n_rest}" if n_rest else ""
    return f"{title} (p Holm-corrected): {'; '.join([*shown, *filter(None, [rest])]) or 'none could be compared'}."


def _care(results, row, level):
    """Whether some languages have more careful raters, and what is shared beyond that where it was tested."""
    of_level = next(care for care in results["care"] if care["level"] == level)
    sentences = []
    if of_level["differs"]:
        noise = ", ".join(f"{name} {value:.2f}" for name, value in of_level["noise"].items())
        sentences.append(
            f"The raters' own noise differs between languages (standard deviations, in those of all ratings: {noise}; "
            f"p = {_p(of_level['p'])}). Careful raters agree more, whatever they share, so the comparison above cannot "
            "tell care from a shared view." + ("" if row["rest_p"] is not None else
                                               " The flag --given-care adds a test that conditions on care."))
    if row["rest_p"] is not None:
        is_shown = row["rest_p_holm"] < SIGNIFICANT
        direction = "something" if row["rest"] > 0 else "less than raters of mixed languages"
        sentences.append(
            f"Given the care of each rater, {'' if is_shown else 'it is not shown that '}raters of one language share "
            f"{direction if is_shown else 'more than others'} (mean correlation of what one common view leaves "
            f"{_number(row['rest'], '+.3f')}, p = {_p(row['rest_p_holm'])}).")
    return sentences


def _signed(row):
    if row["difference"] is None:
        return f"no comparison, {row['why']}"
    return f"difference {_difference(row)}, p = {_p(row['p_holm'])}"


def _difference(row):
    ends = f" [{_number(row['low'], '+.3f')}, {_number(row['high'], '+.3f')}]" if row["low"] is not None else ""
    return _number(row["difference"], "+.3f") + ends


def _with_interval(value, row):
    ends = f" [{_number(row['low'])}, {_number(row['high'])}]" if row["low"] is not None else ""
    return _number(value) + ends


def _number(value, form=".2f"):
    """Formatted, and never -0.00."""
    return f"{round(value, int(form[-2])) + 0.0:{form}}"


def _p(value):
    return f"{value:.4f}" if value < 0.001 else f"{value:.3f}"


def _heading(report):
    title = f"Agreement of raters, {report['source']['name']}"
    groups = ", ".join(f"{name} {n}" for name, n in report["groups"].items())
    source = report["source"]
    return [title, "=" * len(title),
            *textwrap.wrap(f"{source['ratings']:,} ratings of {source['clips']} clips by {source['raters']} raters"
                           f"{f' ({groups})' if groups else ''}; classes: {', '.join(source['classes'])}", _WIDTH)]


def _paragraphs(sentences, indent="  "):
    return [line for sentence in sentences
            for line in textwrap.wrap(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")]


def _alpha_table(report, level):
    """Alpha of each class and group, four groups beside each other."""
    rows = [row for row in report["alphas"] if row["level"] == level]
    groups, classes = (list(dict.fromkeys(row[key] for row in rows)) for key in ("group", "class"))
    cells = {(row["class"], row["group"]): row for row in rows}
    bootstrap, left = report["bootstrap"], max(map(len, classes)) + 4
    lines = [f"ALPHA, {level} [{bootstrap['confidence']:.0%} interval of {bootstrap['resamples']:,} resamples of "
             f"clips, seed {bootstrap['seed']}]"]
    for start in range(0, len(groups), _PER_BLOCK):
        block = groups[start:start + _PER_BLOCK]
        heads = [f"{group} ({cells[classes[0], group]['n_raters']})" for group in block]
        width = max(_COLUMN, *(len(head) + 2 for head in heads))
        lines += ["", " " * left + "".join(f"{head:<{width}}" for head in heads).rstrip()]
        for name in classes:
            texts = (_with_interval(row["alpha"], row) if row["alpha"] is not None else "-"
                     for row in (cells[name, group] for group in block))
            lines.append((f"  {name:<{left - 2}}" + "".join(f"{text:<{width}}" for text in texts)).rstrip())
    return lines + _paragraphs([f"{row['class']}, {row['group']}: {row['why']}" for row in rows if row["why"]])


def _comparison_table(report, level):
    """Languages against random groups of their size; of single classes only the mean, and what differs."""
    last = report["alphas"][-1]["class"]
    every = [row for row in report["comparisons"] if row["level"] == level]
    rows = [row for row in every if _is_shown(row, last) or every[-1]["group"] != WITHIN]
    if not rows:
        return []
    left, wide = (max(len(row[key]) for row in rows) + 2 for key in ("class", "group"))
    lines = [f"ONE LANGUAGE AGAINST RANDOM GROUPS OF ITS SIZE, {level} [{report['permutation']['permutations']:,} "
             "permutations of the languages]", "",
             f"  {'':<{left}}{'':<{wide}}{'raters':>6}  {'clips':>5}  {'alpha':>6}  {'mixed groups':<24}"
             f"{'difference':<26}{'p':<8}p (Holm)"]
    for row in sorted(rows, key=lambda row: row["class"] == last):
        head = f"  {row['class']:<{left}}{row['group']:<{wide}}{row['n_raters']:>6}  {row['n_clips']:>5}  "
        if row["p"] is None:
            lines.append(f"{head}{row['why']}")
            continue
        mixed = "{} ({}..{})".format(*(_number(row[f"mixed_{key}"], ".3f") for key in ("mean", "low", "high")))
        lines.append(f"{head}{_number(row['alpha'], '.3f'):>6}  {mixed:<24}{_difference(row):<26}{_p(row['p']):<8}"
                     f"{_p(row['p_holm'])}")
    n_left_out = len(every) - len(rows)
    lines += _care_lines(report, level, rows)
    return lines + ([f"  {n_left_out} more, single languages in single classes without a difference: agreement.csv"]
                    if n_left_out else [])


def _care_lines(report, level, rows):
    """Noise of each language's raters, and what they share beyond care where that was tested."""
    lines = [f"  noise of a rater: {', '.join(f'{name} {value:.2f}' for name, value in row['noise'].items())}"
             f" (p of a difference: {_p(row['p'])})" for row in report["care"] if row["level"] == level
             if row["p"] is not None]
    tested = [row for row in rows if row["rest_p"] is not None]
    return ["", *lines, *(f"  {row['class']}, within languages, given care: correlation "
                          f"{_number(row['rest'], '+.3f')}, p {_p(row['rest_p'])}, p (Holm) {_p(row['rest_p_holm'])}"
                          for row in tested)]


def _is_shown(row, last):
    return row["group"] == WITHIN or row["class"] == last or (row["p_holm"] or 1) < SIGNIFICANT


def _reading(report):
    """How to read the numbers."""
    return ["HOW TO READ THIS", *_paragraphs([
        "Alpha is 1 where all agree, 0 where they agree no more than by chance, and may be negative.",
        "Intervals of alpha tell what other clips like these would give. They do not cover other raters.",
        "Intervals of differences tell what other raters and other clips would give.",
        "p tells whether a random group of raters of that size would differ as much from the mean of such groups. An "
        "interval excludes 0 where p is below 0.05. p (Holm) may be read together with the others of its level.",
        "The noise of a rater is what neither his language's view nor his own mean explains, as a standard deviation, "
        "in those of all ratings. Where languages differ in it, careful raters agree more, whatever they share.",
        *(["'all classes' counts every clip and class as one unit, so it also rewards agreement on which classes are "
           "rated high in general."] if len(report["source"]["classes"]) > 1 else []),
        "Methods and sources: docs/agreement.md."])]
