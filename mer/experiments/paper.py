"""What of a plan goes into a paper: two LaTeX tables, a methods paragraph, BibTeX.

Every number is read from run.json, report.json or the tests of the plan's hypotheses; a comment beside each sentence
says from where. The files need the package booktabs.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mer import files
from mer.config import Config
from mer.evaluation import compare, page_tables, results
from mer.experiments import references
from mer.experiments.answer import NAMES, Answer
from mer.experiments.answer_page import folder, table
from mer.experiments.outcomes import Outcome, Outcomes
from mer.experiments.plan import Plan

_SPECIAL = {"\\": r"\textbackslash{}", **{each: f"\\{each}" for each in "&%$#_{}"}, "~": r"\textasciitilde{}",
            "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "\u2212": "$-$"}
_HEADS = {  # setting of run.json -> words
    "heads_epochs": "at most {} epochs", "heads_batch_patches": "batches of {} patches",
    "heads_learning_rate": "a learning rate of {}", "early_stopping_epochs": "stopped {} epochs after the best one"}
_PRETRAINING = {"pretrain_epochs": "at most {} epochs", "pretrain_batch_patches": "batches of {} patches",
                "pretrain_learning_rate": "a learning rate of {}"}


def write(plan: Plan, done: Outcomes, found: Sequence[Answer], cfg: Config, *, n_bootstrap: int) -> list[Path]:
    """Write paper.tex and references.bib beside the page of a plan.

    Parameters
    ----------
    plan : Plan
    done : Outcomes
    found : sequence of Answer
        From `mer.experiments.answer.answers`.
    cfg : Config
    n_bootstrap : int
        Resamples, and permutations, behind the answers.

    Returns
    -------
    list of pathlib.Path
    """
    paths = [folder(plan, cfg) / name for name in ("paper.tex", "references.bib")]
    parts = [f"% {plan.title}: python3 report.py --plan {plan.name} --paper", "% \\usepackage{booktabs}", "",
             methods(plan, done, found, n_bootstrap=n_bootstrap), "", hypotheses_table(found), "",
             cells_table(done, cfg), ""]
    files.write_text(paths[0], "\n".join(parts))
    files.write_text(paths[1], references.bibtex(plan))
    return paths


def escaped(text: object) -> str:
    """Any text as LaTeX that prints it."""
    return "".join(_SPECIAL.get(each, each) for each in str(text))


def hypotheses_table(found: Sequence[Answer]) -> str:
    """The answers as a table: difference, interval, p, p after Holm, smallest detectable difference."""
    rows = []
    for one in found:
        test, name = one.finding, f"{escaped(one.hypothesis.name)} & {escaped(one.task.name.replace('_', ' '))}"
        if test is None or test.p is None or one.detectable is None:
            rows.append(rf"{name} & -- & -- & -- & -- & -- \\")
            continue
        holm = "--" if one.p_holm is None else _p(one.p_holm)
        rows.append(rf"{name} & ${test.difference:+.3f}$ & $[{test.low:+.3f}, {test.high:+.3f}]$ & {_p(test.p)} & "
                    rf"{holm} & {one.detectable:.3f} \\")
    scores = " or ".join(sorted({NAMES.get(one.finding.score, one.finding.score) for one in found if one.finding}))
    return _table("llrcccc", r"Hypothesis & Task & Difference & 95\,\% interval & $p$ & $p_\mathrm{Holm}$ & Detectable",
                  rows, f"Differences of {scores or 'the score'} over clips. Detectable: the smallest true difference "
                  r"found with probability 0.8 after Holm's correction.", "tab:hypotheses")


def cells_table(done: Outcomes, cfg: Config) -> str:
    """Every cell as a row, one column a task: mean over runs, and its interval."""
    by_folder = {one.folder: one for one in done.values()}
    reports = [report for report in results.find(cfg.models_trans_dir, cfg.models_dir).reports
               if report["folder"] in by_folder]
    sets = compare.test_sets(reports, {path: one.predictions for path, one in by_folder.items()})
    tasks, rows = page_tables.tasks_of(reports), []
    for one in sets:
        made = table(one, by_folder)
        for row in made["rows"]:
            cells = dict(zip(one.tasks, row["cells"], strict=True))
            words = ", ".join([row["facts"]["encoder"], *row["words"]])
            rows.append(" & ".join([escaped(words), str(row["n_runs"]), *(_cell(cells.get(task)) for task in tasks)])
                        + r" \\")
    names = " & ".join(escaped(task.name.replace("_", " ").capitalize()) for task in tasks)
    return _table("lr" + "c" * len(tasks), f"System & Runs & {names}", rows,
                  r"Macro F1 over clips (CCC for values), mean over runs, with 95\,\% intervals.", "tab:cells")


def methods(plan: Plan, done: Outcomes, found: Sequence[Answer], *, n_bootstrap: int) -> str:
    """A paragraph on how the numbers were made: each sentence, then a comment that says where its numbers stand."""
    lines: list[tuple[str, str]] = []
    tested: dict[str, Outcome] = {}
    for outcome in done.values():
        tested.setdefault(outcome.report["test"]["digest"], outcome)
    for outcome in tested.values():
        test, split = outcome.report["test"], outcome.run.get("split") or {}
        unit = test.get("grouped_by", "clip")
        of = f" of {test['groups']} {unit}s" if unit != "clip" and "groups" in test else ""
        note = f" ({escaped(split['note'])})" if isinstance(split, dict) and split.get("note") else ""
        lines.append((f"The music {escaped(outcome.cell.facts['tested'])} was tested on {test['clips']} clips{of}"
                      f"{note}.", "report.json: test; run.json: split"))
    names = [f"{escaped(corpus.NAME)}{_cited(references.keys_of('', corpus.CITATION))}"
             for corpus in references.corpora_of(plan)]
    lines.append((f"The corpora are {_joined(names)}.", "plan"))
    for encoder in dict.fromkeys(str(cell.facts["encoder"]) for cell in plan.cells):
        mine = [outcome for outcome in done.values() if outcome.cell.facts["encoder"] == encoder]
        if mine:
            lines += _of_encoder(encoder, mine)
    n_tests = max((one.n_tests for one in found), default=0)
    units = _joined(sorted({f"{one.unit}s" for one in found if one.finding})) or "groups"
    lines.append((f"Differences of macro F1 over clips were tested with whole {units} drawn {n_bootstrap} times"
                  f"{_cited(['field2007'])}; the variance between runs that these do not hold was added, with degrees "
                  f"of freedom after Satterthwaite{_cited(['satterthwaite1946'])}, and the p values of {n_tests} tests "
                  f"corrected together{_cited(['holm1979'])}. {n_bootstrap} permutations of whole {units} between the "
                  f"two systems{_cited(['phipson2010'])} served as a check.", "answer.json"))
    versions = sorted({_versions(outcome.run) for outcome in done.values()} - {""})
    lines += [(f"Software: {escaped('; '.join(versions))}.", "run.json: versions, revision")] if versions else []
    return "\n".join(f"{sentence} % {source}" for sentence, source in lines)


def _of_encoder(encoder: str, mine: Sequence[Outcome]) -> Iterable[tuple[str, str]]:
    """Sentences on an encoder: what it reads, what it heard, how it and its heads were trained, how often."""
    settings = mine[0].run.get("settings") or {}
    reads = [f"{settings['patch_seconds']:g} s"] if "patch_seconds" in settings else []
    reads += [f"of {escaped(settings['representation'])}"] if "representation" in settings else []
    text = f"{escaped(encoder)}{_cited(references.keys_of(encoder))}" + (f" reads {' '.join(reads)}" if reads else "")
    runs = sorted({len([one for one in mine if _kind(one) == kind]) for kind in map(_kind, mine)})
    yield (f"{text}; each of its cells has {_joined(map(str, runs))} run{'' if runs == [1] else 's'}.",
           "run.json: settings.patch_seconds, settings.representation; finished cells")
    hours: dict[str, set] = {}
    for one in mine:
        known = one.run.get("encoder") or {}
        if known.get("hours_heard"):
            hours.setdefault(f"{one.cell.facts['heard']} {one.cell.facts['language']}", set()).add(known["hours_heard"])
    if hours:
        heard = [f"{_joined(f'{value:.2g}' for value in sorted(values))} h of {escaped(name)}"
                 for name, values in hours.items()]
        yield f"It heard {_joined(heard)}.", "run.json: encoder.hours_heard"
    pretraining: dict[str, Any] = next((one.run["encoder"]["settings"] for one in mine
                        if (one.run.get("encoder") or {}).get("settings")), {})
    for words, known, where in ((_PRETRAINING, pretraining, "Pretraining took"), (_HEADS, settings, "Its heads had")):
        told = [text.format(f"{known[name]:g}") for name, text in words.items() if name in known]
        if told:
            part = "encoder.settings" if words is _PRETRAINING else "settings"
            yield f"{where} {_joined(told)}.", f"run.json: {part}.{{{', '.join(n for n in words if n in known)}}}"


def _kind(outcome: Outcome) -> str:
    return outcome.cell.name.rpartition(".it_")[0]


def _versions(run: dict[str, Any]) -> str:
    known = run.get("versions") or {}
    words = [f"{name} {known[name]}" for name in ("python", "keras", known.get("backend"), "scikit-learn", "scipy")
             if name in known]
    return ", ".join(words + ([f"revision {run['revision']}"] if run.get("revision") else []))


def _cited(keys: Sequence[str]) -> str:
    return f"~\\cite{{{','.join(keys)}}}" if keys else ""


def _joined(words: Iterable[str]) -> str:
    """ "a, b and c"."""
    return re.sub(r", ([^,]*)$", r" and \1", ", ".join(words))


def _p(value: float) -> str:
    return "$<0.001$" if value < 0.001 else f"{value:.3f}"


def _cell(one: dict[str, Any] | None) -> str:
    if one is None:
        return "--"
    return f"{one['mean']:.2f}" + ("" if one["low"] is None else f" [{one['low']:.2f}, {one['high']:.2f}]")


def _table(columns: str, head: str, rows: Sequence[str], caption: str, label: str) -> str:
    return "\n".join([r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", rf"\label{{{label}}}",
                      rf"\begin{{tabular}}{{{columns}}}", r"\toprule", rf"{head} \\", r"\midrule", *rows,
                      r"\bottomrule", r"\end{tabular}", r"\end{table}"])
