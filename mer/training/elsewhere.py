"""Tests of a finished model on the other music corpora: mixed, sequential, step, cross; each a report of its own.

They lie in the folder of the run, tests/<language>/: report.json, report.txt, predictions.csv and run.json, which comes
last and says the role. The corpus that a single run or the last step of a sequence was trained on is tested in the
folder of the run itself.
"""

import sys

import numpy as np

from mer import MerError, files
from mer.data import datasets
from mer.evaluation import report
from mer.tasks import columns_read
from mer.training import heard, setups
from mer.training.music import predictions
from mer.training.opened import Opened, say_left_out
from mer.weights import provenance

# What run.json of the model says of itself alone
_OF_MODEL = ("scores", "history", "best_epoch", "epochs", "command", "setting_sources", "versions", "revision",
             "created", "corpus", "origin", "kind", "heard_test_clips", "heard_test_groups")


def test(cfg, run, data, answer, votes=None, *, encoder=None):
    """Test a finished run on every other music corpus that has a store; what was tested already is found.

    A corpus that cannot be opened is left out with a note. In a fold run, a corpus is tested on its own fold of that
    number where it exists, otherwise on its test side.

    Parameters
    ----------
    cfg : Config
        With `cross_tests` off, corpora that the model was never trained on are left out.
    run : ModelFile
        Finished.
    data : music.Music
        What it was trained on.
    answer : callable
        (Opened, rows) -> dict of task name to outputs, shape (rows, units), for those patches.
    votes : callable or None
        (clips, a ClipSet; what `music.predictions` gives) -> `votes` of `report.write`, where clips are not scored by
        the mean of their patches.
    encoder : ModelFile or None
        That it started from.

    Returns
    -------
    list of pathlib.Path
        Folders of the tests.
    """
    present = datasets.present("music", cfg, data.reads.of.name)
    folders = []
    for code, role in setups.roles(data.setup.steps, present):
        is_own = len(data.parts) == 1 and code == data.parts[0].corpus.CODE
        if is_own or (role == "cross" and not cfg.cross_tests):
            continue
        try:
            opened = data.trained.get(code) or _open(cfg, code, data)
            rows, left_out = opened.test_rows([other for other in data.trained.values() if other is not opened])
        except MerError as error:
            print(f"note: not tested on the music corpus {code}: {error}", file=sys.stderr)
            continue
        folder = _test(cfg, run, data, opened, rows, left_out, role, answer, votes, encoder)
        folders += [folder] if folder else []
    return folders


def _open(cfg, code, data):
    """A corpus that the model was not trained on: its fold where it has one."""
    try:
        return Opened(cfg, code, data.reads, fold=data.fold, per_group=data.setup.per_group)
    except MerError:
        if not data.fold:
            raise
        return Opened(cfg, code, data.reads, per_group=data.setup.per_group)


def _test(cfg, run, data, opened, rows, left_out, role, answer, votes, encoder):
    """Test on one corpus; None where no clip is left. `rows` and `left_out` are from `Opened.test_rows`."""
    clips = np.unique(opened.patches.clip[rows])
    tasks = [task for task in data.tasks if task.is_labelled(
        task.targets(opened.clips.labels[task.column][clips])).any()] if len(clips) else []
    corpus, about = opened.corpus, run.read("key", "weights_sha256")
    if not tasks:
        print(f"not tested on {corpus.NAME}: no test clip is left that has a label")
        return None
    folder = run.file("tests") / corpus.LANGUAGE
    key = files.key_of(about["key"], about["weights_sha256"], role, left_out, cfg.n_bootstrap,
                       opened.clips.fingerprint(columns=columns_read(tasks)), [task.name for task in tasks])
    with files.lock(folder, doing="testing"):
        if _is_tested(folder, key):
            return folder
        say_left_out(opened, left_out)
        facts = {name: value for name, value in about.items() if name not in _OF_MODEL}
        facts |= facts_of_test(opened, role, left_out=left_out, n_clips=len(clips)) | {"key": key}
        facts |= {"trained_on": data.setup.NAME, "steps": data.setup.steps}
        facts |= heard.in_test(encoder, opened.clips.take(clips))
        described = provenance.describe(cfg, **facts)
        predicted = predictions(opened, rows, answer(opened, rows), tasks=tasks, guess=data.guess)
        if votes:
            voted = votes(opened.clips.take(clips), predicted)
            predicted["votes"] = {task.name: voted[task.name] for task in tasks if task.name in voted}
        made = write(cfg, folder, described, predicted)
    scores = ", ".join(f"{task.name} {made['clip'][task.name][task.headline('clip')]:.2f}" for task in tasks)
    print(f"tested on {corpus.NAME} ({role}): {scores} (macro F1 or CCC over clips): {folder}")
    return folder


def facts_of_test(opened, role, *, left_out, n_clips):
    """What run.json of a test says of the corpus: `tested` (code), `tested_abbr`, `tested_on` (name), `role`, split."""
    corpus = opened.corpus
    return {"tested": corpus.CODE, "tested_abbr": corpus.ABBR, "tested_on": corpus.NAME, "role": role,
            "left_out": {corpus.CODE: left_out} if left_out else {}, "test_clips": n_clips,
            "test_fold": opened.fold, "split": opened.split_about, "grouped_by": opened.grouped_by}


def write(cfg, folder, about, predicted):
    """Write the report on one test, without pictures, and its run.json.

    Parameters
    ----------
    cfg : Config
    folder : pathlib.Path
    about : dict
        run.json without scores; of the model, and `facts_of_test`.
    predicted : dict
        From `music.predictions`.

    Returns
    -------
    dict
        What report.json holds.
    """
    (folder / "run.json").unlink(missing_ok=True)
    made = report.write(folder, run=about, n_bootstrap=cfg.n_bootstrap, seed=about["seed"],
                        grouped_by=about["grouped_by"], pictures=False, **predicted)
    scores = {level: {task.name: made[level][task.name][task.headline("patch")] for task in predicted["tasks"]}
              for level in report.LEVELS}
    files.write_json(folder / "run.json", {**about, "scores": scores})
    return made


def _is_tested(folder, key):
    try:
        return files.read_json(folder / "run.json", remedy="").get("key") == key
    except (FileNotFoundError, files.Damaged):
        return False
