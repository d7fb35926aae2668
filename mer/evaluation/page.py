"""The html page over all transfers: what it shows of every corpus, and the Jinja2 template that shows it."""

import base64
import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mer.evaluation import compare, page_setups, page_tables
from mer.evaluation.caveats import encoder_warnings
from mer.evaluation.report_text import CONFIG_LABELS, CONFIG_WORDS, DEMO, WITHIN, answered, describe

HERE = Path(__file__).parent
EMBEDDED_RUNS = 24  # the pictures of one run weigh about 130 kB in a page; beyond this they are linked
PICTURES = {
    "confusion.png": "Confusion matrices of the tasks with classes, for clips and for patches; "
                     "the same counts are in the text report.",
    "certainty.png": "Share of right answers where uncertain clips are left out, and beside the certainty; the same "
                     "numbers are in the text report.",
    "learning_curves.png": "Loss and the measure of each task in training and validation over the epochs; "
                           "the same values are in the history of the run.",
}
FILES = ("report.txt", "report.json", "predictions.csv", "run.json", "history.csv", "features.csv")


def render(reports: Sequence[dict], out_dir: Path, *, held: dict, outdated: dict,
           unreadable: Sequence[tuple[Path, str]] = ()) -> str:
    """The page as html text.

    Parameters
    ----------
    reports : sequence of dict
        From `mer.evaluation.results.find`, sorted.
    out_dir : pathlib.Path
        Folder of the page; links to the folders of the runs are relative to it.
    held : dict
        From `mer.evaluation.compare.read_predictions`.
    outdated : dict
        From `mer.data.label_check.outdated`.
    unreadable : sequence of (pathlib.Path, str)
        Files to name as left out.

    Returns
    -------
    str
        Every value is escaped: names may hold any character.
    """
    environment = templates(HERE)
    models = [report for report in reports if report["folder"].parent.name != "tests"]
    embed = len(models) <= EMBEDDED_RUNS
    reports = [{**report, "outdated": outdated.get(report["folder"], [])} for report in reports]
    corpora = [_corpus(name, list(group), held, out_dir=out_dir, embed=embed)
               for name, group in groupby(reports, key=lambda report: str(report["run"].get("corpus")))]
    skipped = [(relative(path, out_dir), reason.replace(str(path), path.name)) for path, reason in unreadable]
    return environment.get_template("report.html").render(
        corpora=corpora, n_runs=len(models), skipped=skipped, embed=embed, tasks=page_tables.tasks_of(reports),
        demo=DEMO, config_words=CONFIG_WORDS, config_labels=CONFIG_LABELS, bootstrap=reports[0]["bootstrap"])


def templates(*folders: Path) -> Environment:
    """Jinja2's environment for html files of these folders: every value is escaped, a missing one is an error."""
    return Environment(loader=FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True,
                       undefined=StrictUndefined)


def folder_name(report: dict) -> str:
    """The last two folders, which together name a run; of a test on another corpus, the last four."""
    parts = report["folder"].parts
    return "/".join(parts[-4 if parts[-2] == "tests" else -2:])


def warnings(report: dict) -> list:
    """What a reader of one run must know; reports of before do not say that the encoder has not learnt."""
    sentences = [*encoder_warnings(report["run"]), *report["warnings"], *report["outdated"]]
    return list(dict.fromkeys(sentences))


def _corpus(name, reports, held, *, out_dir, embed):
    """Everything the page shows about one corpus (demo or real), which never mix."""
    figures = page_tables.published() if name == "real" else {}
    sets = compare.test_sets(reports, held)
    within = compare.test_sets([report for report in reports if describe(report["run"])["role"] == WITHIN], held)
    counts = {}
    for report in reports:
        for sentence in warnings(report):
            counts[sentence] = counts.get(sentence, 0) + 1
    return {
        "name": name,
        "is_demo": name == "demo",
        "sets": [{"music": one.music, "test": one.test, "unit": one.unit, "tasks": one.tasks,
                  "rows": page_tables.glance(one), "differences": page_tables.differences(one)} for one in sets],
        "units": sorted({one.unit for one in sets}),
        "setups": [("poster", page_setups.poster(sets, with_published=bool(figures))),
                   ("eusipco", page_setups.eusipco(sets, with_published=bool(figures)))],
        "tables": [page_tables.layout(within, measure, figures if measure == compare.PUBLISHED else {})
                   for measure in compare.MEASURES if within],
        "has_published": bool(figures),
        "warnings": [(sentence, counts[sentence]) for sentence in sorted(counts)],
        "runs": [_run(report, out_dir, embed) for report in reports],
    }


def _run(report, out_dir, embed):
    """What the page shows about one run."""
    folder, run = report["folder"], report["run"]
    return {"name": folder_name(report), "run": run, "tasks": answered(report), "words": describe(run),
            "report": report, "warnings": warnings(report),
            "pictures": [(_source(folder / name, out_dir, embed), relative(folder / name, out_dir), text)
                         for name, text in PICTURES.items() if (folder / name).is_file()],
            "files": [(name, relative(folder / name, out_dir)) for name in FILES if (folder / name).is_file()]}


def _source(path, out_dir, embed):
    """A picture as a data address, or as a relative link where there are many or it cannot be read."""
    try:
        return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode() if embed else relative(
            path, out_dir)
    except OSError:
        return relative(path, out_dir)


def relative(path: Path, out_dir: Path) -> str:
    """Address of a file relative to the page."""
    return quote(Path(os.path.relpath(path, out_dir)).as_posix())
