"""The report on answers without raters: agreement.txt, .json and .csv."""

import textwrap
from collections import Counter
from pathlib import Path

from mer import MerError, files
from mer.agreement import anonymous
from mer.agreement.anonymous import ALL, MEAN, WITHIN
from mer.evaluation.intervals import CONFIDENCE

_KEYS = ("measure", "genre", "group", "class", "n_clips", "n_answers", "value", "mixed", "difference", "low", "high",
         "p", "p_holm")
_WORDS = {"agreement": "AGREEMENT (alpha)", "given rates": "AGREEMENT GIVEN RATES (correlation of pairs)",
          "prediction": "PREDICTION (share of answers that the own majority meets, less that of others)"}
CANNOT_TELL = (
    "Who gave which answers is not known. So answers of one person count as if they were of different people, "
    "languages are permuted over single answers, and p and the intervals do not cover that people have habits "
    "(docs/agreement.md says how much too sure they are). Whether one language has more careful listeners, whether "
    "its listeners are older or of one country, and whether a few people gave most answers, cannot be told.")


def write(out_dir, answers, *, n_permutations, n_bootstrap, seed):
    """Compare languages over all clips and within each genre, and write the report.

    Parameters
    ----------
    out_dir : pathlib.Path
    answers : mer.agreement.anonymous.Answers
    n_permutations, n_bootstrap : int > 0
    seed : int

    Returns
    -------
    dict
        The content of agreement.json: ``source``, ``languages`` (answers of each), ``compared``, ``answer``
        (sentences), ``comparisons`` as from `anonymous.compare`, ``rates`` (share of yes by language and emotion).

    Raises
    ------
    MerError
        Fewer than two languages have enough answers.
    """
    counts = Counter(name for name in answers.language.tolist() if name)
    compared = [name for name, n in counts.most_common() if n >= anonymous.LEAST_ANSWERS]
    if len(compared) < 2:
        most = ", ".join(f"{name} {n}" for name, n in counts.most_common(3))
        raise MerError(f"{answers.path} has no column of raters, and fewer than two languages with "
                       f"{anonymous.LEAST_ANSWERS} answers ({most}): languages are compared where there are more")
    genres = [ALL, *sorted({name for name in answers.genre if name})]
    common = {"n_permutations": n_permutations, "n_bootstrap": n_bootstrap, "seed": seed}
    rows = [row for genre in genres for row in anonymous.compare(answers, compared, genre=genre, **common)]
    means = {name: answers.said[answers.language == name].mean(axis=0).tolist() for name in compared}
    rates = {name: dict(zip(answers.emotions, found, strict=True)) for name, found in means.items()}
    report = {"source": {"name": answers.path.name, "sha256": files.sha256(answers.path)[:16],
                         "answers": len(answers.clip), "clips": len(answers.clips), "classes": list(answers.emotions),
                         "left_out": [vars(column) for column in answers.left_out]},
              "languages": dict(counts.most_common()), "compared": compared, "answer": answer(rows, compared),
              **common, "confidence": CONFIDENCE, **files.rounded({"rates": rates, "comparisons": rows}, 6)}
    files.write_json(Path(out_dir) / "agreement.json", report)
    files.write_text(Path(out_dir) / "agreement.txt", compose(report))
    files.write_csv(Path(out_dir) / "agreement.csv", _KEYS, ([row[key] for key in _KEYS] for row in rows))
    return report


def answer(rows, compared):
    """Does the listener's language matter? Sentences for people."""
    found = {row["measure"]: row for row in rows if (row["genre"], row["group"], row["class"]) == (ALL, WITHIN, MEAN)}
    alpha, given, hits = (found[name] for name in anonymous.MEASURES)
    if alpha["p"] is None:
        return ["Whether listeners of one language agree more cannot be told: too few clips have answers of two."]
    more = "more" if alpha["difference"] > 0 else "less"
    verdict = "agree" if alpha["p"] < 1 - CONFIDENCE else "were not shown to agree"
    single = [f"{row['group']} {_signed(row)}" for name in compared for row in rows
              if (row["measure"], row["genre"], row["group"], row["class"]) == ("agreement", ALL, name, MEAN)]
    return [
        f"Listeners of one language {verdict} {more} with each other than as many listeners of any language do on the "
        f"same clips: alpha {alpha['value']:.3f} against {alpha['mixed']:.3f}, {_signed(alpha)}.",
        f"That languages say yes more or less often does not explain it: {_signed(given)} given the rates."
        if given["p"] < 1 - CONFIDENCE else
        f"Given how often each language says yes, nothing of it is shown: {_signed(given)}.",
        f"How often the majority of the own language says what one says, less the same of as many others: "
        f"{_signed(hits)}.",
        f"Single languages: {'; '.join(single)}.", CANNOT_TELL]


def compose(report):
    """The text of agreement.txt."""
    source = report["source"]
    lines = [f"Agreement on {source['name']}: {source['answers']} answers to {source['clips']} clips, without raters",
             f"Languages {', '.join(f'{name} {n}' for name, n in report['languages'].items())}"[:110], "", "ANSWER"]
    for sentence in report["answer"]:
        lines += textwrap.wrap(sentence, 110, initial_indent="  ", subsequent_indent="  ")
    lines += ["", "SHARE OF YES", f"  {'':<20}" + "".join(f"{name:<12}" for name in report["compared"])]
    lines += [f"  {name:<20}" + "".join(f"{report['rates'][each][name]:<12.3f}" for each in report["compared"])
              for name in source["classes"]]
    for measure, words in _WORDS.items():
        for genre in dict.fromkeys(row["genre"] for row in report["comparisons"]):
            mine = [row for row in report["comparisons"] if (row["measure"], row["genre"]) == (measure, genre)]
            lines += ["", f"{words}, {'all clips' if genre == ALL else genre}", f"  {'':<38}{'answers':>8}{'value':>9}"
                      f"{'mixed':>9}  {'difference':<28}{'p':>7}{'Holm':>8}"]
            for row in mine:
                if row["class"] == MEAN or row["group"] == WITHIN:
                    lines.append(_line(row))
    lines += ["", *textwrap.wrap(
        f"Mixed: languages permuted over the answers of each clip ({report['n_permutations']} times). Intervals: 95 % "
        "bootstrap over clips. Holm's correction is over the single languages, over the single emotions, and over "
        "both. Only clips with two answers of the language and one other count.", 110)]
    return "\n".join(lines) + "\n"


def _line(row):
    name = f"{row['group']}, {row['class']}"
    if row["p"] is None:
        return f"  {name:<38}{row['n_answers']:>8}  not defined"
    interval = "" if row["low"] is None else f" [{row['low']:+.3f}, {row['high']:+.3f}]"
    difference = f"{row['difference']:+.3f}{interval}"
    return (f"  {name:<38}{row['n_answers']:>8}{row['value']:>9.3f}{row['mixed']:>9.3f}  {difference:<28}"
            f"{row['p']:>7.4f}{row['p_holm']:>8.3f}")


def _signed(row):
    interval = "" if row["low"] is None else f" [{row['low']:+.3f}, {row['high']:+.3f}]"
    return f"{row['difference']:+.3f}{interval}, p = {row['p']:.4f}"
