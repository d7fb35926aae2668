"""A report as plain text, and the words for what was run that text and page share."""

import textwrap
from collections.abc import Sequence

from mer.evaluation import classifier_text, regression
from mer.tasks import Task, named

WITHIN = "within"  # role of the corpus that a model was trained on, where that is one; older runs name no role
CONFIGS = {"n": "feat_ext", "y": "full", None: "scratch"}
CONFIG_LABELS = {"feat_ext": "Feat. Ext.", "full": "Full", "scratch": "scratch"}
CONFIG_WORDS = {
    "feat_ext": "Feat. Ext.: encoder frozen, heads trained",
    "full": "Full: heads trained, then everything",
    "scratch": "Scratch: all trained on music, no pretraining",
}
DEMO = ("These numbers come from the demo corpus, which a program composed and spoke. "
        "They show that everything runs; they say nothing about people.")
COLUMNS = {
    "accuracy": "accuracy",
    "f1_macro": "F1 macro",
    "f1_weighted": "F1 weighted",
    "precision_macro": "P macro",
    "recall_macro": "R macro",
    "precision_weighted": "P weighted",
    "recall_weighted": "R weighted",
    "ccc": "CCC",
    "r2": "R2",
    "rmse": "RMSE",
}
CLASS_COLUMNS = tuple(COLUMNS)[:7]
_RANGES = [
    "CCC (Lin 1989) is 1 where values agree with the ratings and 0 where they have nothing in common; R2 is the share",
    "of the variance of the ratings that is explained, RMSE the error in their unit. The guess is the mean rating of",
    "the clips for training.",
]
WIDTH = 21  # characters of "+0.12 [-0.11, -0.13]" and a gap
GUESSES = {"uniform": "uniform guess", "shuffled": "its answers shuffled"}


def describe(run: dict) -> dict[str, str]:
    """The words for one run.

    Parameters
    ----------
    run : dict
        The ``run`` of a report: ``model`` (file name of the architecture), ``title`` (its name in tables),
        ``release``, ``speech_abbr``, ``music_abbr``, ``it``, ``split``; ``role`` and ``tested_on`` where the corpus of
        the test is not simply the one of the training.

    Returns
    -------
    dict
        ``model`` and ``config`` as in ICASSP 2021, Table 2 (SCAE, feat_ext), ``pretrain``, ``setting`` like
        man2eng, ``label`` for people, ``role`` and ``split`` in words.
    """
    config = CONFIGS.get(run.get("release"), str(run.get("release")))
    heard = (run.get("encoder") or {}).get("heard")  # of an encoder that others published
    pretrain = run.get("speech_abbr") or heard or "-"
    setting = f"{'scratch' if pretrain == '-' else 'published' if heard else pretrain}2{run['music_abbr']}"
    model = run.get("title") or run["model"]
    hours = f"{speech_heard(run['hours'], heard_kind(run))}, " if run.get("hours") is not None else ""
    part = f", {run['folds']} folds" if run.get("folds") else ""
    part = f", fold {run['fold'][0]} of {run['fold'][1]}" if run.get("fold") else part
    label = f"{model} {CONFIG_LABELS.get(config, config)}, {setting}, {hours}run {run.get('it', 0)}{part}"
    role = run.get("role") or WITHIN
    label += "" if role == WITHIN else f", tested on {run.get('tested_on', run['music_abbr'])} ({role})"
    return {"model": model, "config": config, "pretrain": pretrain, "setting": setting, "label": label, "role": role,
            "split": split_words(run.get("split"))}


def tested_music(run: dict) -> str:
    """Language of the music of the test: that of the training, unless the run says another."""
    return run.get("tested_abbr") or run["music_abbr"]


def speech_heard(hours: float, kind: str = "speech") -> str:
    """Words on the hours of speech, or noise, that an encoder was pretrained on; with 0 it has its random weights."""
    return f"{hours:g} h of {kind}" if hours else "random weights"


def heard_kind(run: dict) -> str:
    """What our encoder heard, or was standardized by: speech, music or noise."""
    return (run.get("heard_from") or {}).get("kind", "speech")


def answered(report: dict) -> tuple[Task, ...]:
    """The tasks of a report, in the order of its model's outputs."""
    return named(report["run"].get("tasks"), "a report")


def split_words(split: object) -> str:
    """How the test set was separated, in words."""
    if not isinstance(split, dict):
        return str(split) if split else "not recorded"
    return split.get("note") or f"{split.get('kind', 'drawn')}, grouped by {split.get('grouped_by')}"


def compose(report: dict) -> str:
    """The text of report.txt.

    Parameters
    ----------
    report : dict
        As `mer.evaluation.report.write` returns it.

    Returns
    -------
    str
        Plain text, lines of at most 110 characters where names are not longer.
    """
    has_classes = any(task.classes for task in answered(report))
    parts = [_heading(report), _score_tables(report),
             *([_certainty(report), _class_table(report), _confusions(report)] * has_classes),
             *classifier_text.sections(report["run"]), _reading(report)]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def _heading(report):
    run, test, words = report["run"], report["test"], describe(report["run"])
    quadrants = ", ".join(f"{name} {n}" for name, n in test.get("clips_per_quadrant", {}).items())
    counted = f" ({quadrants})" if quadrants else ""
    lacking = ", ".join(f"{n:,} for {name}" for name, n in test.get("clips_without_label", {}).items() if n)
    speech = "none" if words["pretrain"] == "-" else f"{words['pretrain']}, pretext {run.get('pretext')}"
    heard = (run.get("encoder") or {}).get("heard")
    lines = [
        words["label"], "=" * len(words["label"]),
        f"Heard   {heard}, by an encoder that others published" if heard else f"Speech  {speech}"
        if heard_kind(run) == "speech" else
        f"Heard   {run['heard_from']['name']} ({heard_kind(run)}), pretext {run['pretext']}",
        f"Music   {run['music_abbr']}, {run.get('corpus', 'unknown')} corpus",
        *_role_lines(run, words["role"]),
        f"Model   {run['model']} ({words['model']}), {CONFIG_WORDS.get(words['config'], words['config'])}",
        f"Run     it_{run.get('it', 0)}, seed {run.get('seed')}",
        *textwrap.wrap(f"Split   {words['split']}", 105, subsequent_indent=" " * 8),
        f"Tested  on {test['clips']:,} clips{counted}, {test['patches']:,} patches",
        *([f"        clips without a label, left out of the scores: {lacking}"] if lacking else []),
    ]
    warnings = ([DEMO] if run.get("corpus") == "demo" else []) + report["warnings"]
    for sentence in warnings:
        lines += ["", *textwrap.wrap(f"WARNING: {sentence}", 105)]
    return lines


def _role_lines(run, role):
    """What was trained on and what is tested, where that is not the same; clips that are left out of the test."""
    lines = [] if role == WITHIN else [f"Role    {role}: trained on {run.get('trained_on')}, tested on "
                                       f"{run.get('tested_on')}"]
    if bought := run.get("labels"):
        lines.append(f"Labels  {bought['clips']} of {bought['there']} clips of {bought['of']} for training")
    reasons = {"same_sound": "their sound", "same_artist": "their artist", "same_people": "their people"}
    for found in (run.get("left_out") or {}).values():
        lines += [f"        {n:,} test clips are left out: the music for training has {reasons.get(reason)}"
                  for reason, n in found.items()]
    return lines


def _score_tables(report):
    """Per level the main scores with what guessing gets beneath them, then precision and recall."""
    lines = [_bootstrap_words(report["bootstrap"])]
    with_classes, with_range = ([task.name for task in answered(report) if bool(task.classes) == wanted]
                                for wanted in (True, False))
    vote = report["run"].get("vote")
    clips = ("mean over patches" if not vote else f"a vote every {vote['hop_ms']:g} ms" if "hop_ms" in vote else
             "mean logarithm over patches")
    for level, words in (("clip", f"CLIPS ({clips})"), ("patch", "PATCHES")):
        for names, columns in ((with_classes, CLASS_COLUMNS[:3]), (with_range, regression.SCORES)):
            lines += ["", _head(words, columns)] if names else []
            for name in names:
                lines += [_score_row(report[level][name], name, columns), *_chance_rows(report[level][name], columns)]
        lines += ["", _head("", CLASS_COLUMNS[3:])] if with_classes else []
        lines += [_score_row(report[level][name], name, CLASS_COLUMNS[3:]) for name in with_classes]
    return lines


def _head(words, columns):
    return f"{words:<26}" + "".join(f"{COLUMNS[name]:<{WIDTH}}" for name in columns).rstrip()


def _score_row(result, name, columns):
    """A task's scores with their intervals."""
    return f"  {name:<24}" + "".join(f"{_score(result, column):<{WIDTH}}" for column in columns).rstrip()


def _chance_rows(result, columns):
    """What guesses get that ignore the audio, and how far the score is above the best of them."""
    chance = result["chance"]
    if "training mean" in chance:
        guess, label = chance["training mean"], f"always {chance['training mean']['value']:.2f} (mean)"
        better = [with_interval(regression.improvement(result, guess)[column], result["above_guessing"][column],
                                sign="+") for column in columns]
        return [f"    {label:<22}" + "".join(f"{guess[column]:<{WIDTH}.2f}" for column in columns).rstrip(),
                f"    {'better than that by':<22}" + "".join(f"{words:<{WIDTH}}" for words in better).rstrip()]
    guesses = {f"always {chance['majority']['class']}": chance["majority"],
               **{words: chance[name] for name, words in GUESSES.items()}}
    rows = [f"    {label:<22}" + "".join(f"{guess[column]:<{WIDTH}.2f}" for column in columns).rstrip()
            for label, guess in guesses.items()]
    best = {column: max(guess[column] for guess in guesses.values()) for column in columns}
    above = [with_interval(result[column] - best[column], result["above_guessing"][column], sign="+")
             for column in columns]
    return [*rows, f"    {'minus the best guess':<22}" + "".join(f"{words:<{WIDTH}}" for words in above).rstrip()]


def _certainty(report):
    """What the certainty of the answers on clips is worth."""
    results = {task.name: report["clip"][task.name] for task in answered(report) if task.classes}
    shares = list(next(iter(results.values()))["certainty"]["accuracy_at"])
    head = "".join(f"{float(share):>8.0%}" for share in shares)
    lines = [f"{'CERTAINTY (clips)':<26}accuracy among the most certain{'':<5}certainty  error  by luck",
             f"{'':<26}{head}"]
    for name, result in results.items():
        sure = result["certainty"]
        cells = "".join(f"{value:>8.2f}" for value in sure["accuracy_at"].values())
        lines.append(f"  {name:<24}{cells}{'':<4}{sure['mean_certainty']:>9.2f}{sure['expected_error']:>7.2f}"
                     f"{sure['error_by_chance']:>9.2f}")
    return lines


def _class_table(report):
    """Precision, recall, F1 and support per class, patches beside clips."""
    columns = "precision", "recall", "f1"
    head = "".join(f"{column:<11}" for column in columns) + f"{'support':<11}"
    lines = [f"{'PER CLASS':<16}{'clips:':<8}{head}{'patches:':<10}{head}".rstrip()]
    for task in answered(report):
        for label in task.classes:
            cells = f"  {task.name:<11}{label:<3}"
            for level, gap in (("clip", 8), ("patch", 10)):
                values = report[level][task.name]["per_class"][label]
                cells += " " * gap + "".join(f"{values[column]:<11.2f}" if values["support"] else f"{'-':<11}"
                                             for column in columns) + f"{values['support']:<11,}"
            lines.append(cells.rstrip())
    return lines


def _confusions(report):
    """Confusion matrices, clips beside patches."""
    lines = ["CONFUSION (rows: truth, columns: prediction)"]
    for task in [task for task in answered(report) if task.classes]:
        sides = [_matrix(report[level][task.name], f"{task.name}, {plural}")
                 for level, plural in (("clip", "clips"), ("patch", "patches"))]
        lines += ["", *(f"  {left:<57}{right}".rstrip() for left, right in zip(*sides, strict=True))]
    return lines


def _matrix(result, title):
    """Lines of one confusion matrix."""
    labels = result["classes"]
    lines = [f"{title:<20}" + "".join(f"{label:>8}" for label in labels)]
    return lines + [f"{label:>20}" + "".join(f"{count:>8,}" for count in row)
                    for label, row in zip(labels, result["confusion"], strict=True)]


def _reading(report):
    """How to read the numbers."""
    unit = report["bootstrap"]["unit"]
    return [
        "How to read this: the published figures are F1 weighted over patches; it forgives a model that ignores rare",
        "classes. Macro counts every class alike. Patches of one clip resemble each other, and clips of one artist do",
        f"too, so whole {unit}s were drawn for the intervals. They cover the luck of which {unit}s were tested,",
        "not the luck of training: run several seeds (--runs). The guesses ignore the audio and were scored on the",
        "same draws.",
        'Where the interval of "minus the best guess" holds 0, the model was not shown to hear anything.',
        "The certainty is the largest probability of a clip. Its error is the mean distance from the share of right",
        "answers (Guo et al. 2017); a model whose certainty is exact has the error by luck.",
        *(_RANGES if any(not task.classes for task in answered(report)) else []),
    ]


def _bootstrap_words(bootstrap):
    groups = f" ({bootstrap['groups']:,})" if "groups" in bootstrap else ""
    return (f"SCORES [{bootstrap['confidence']:.0%} interval from {bootstrap['resamples']:,} resamples of whole "
            f"{bootstrap['unit']}s{groups}, seed {bootstrap['seed']}]")


def _score(result, name):
    return with_interval(result[name], result["intervals"][name])


def with_interval(value: float, ends: Sequence[float] | None, *, sign: str = "") -> str:
    """ "0.52 [0.41, 0.63]", or without an interval where there is none; `sign` "+" shows the sign of the value."""
    words = f"{value:{sign}.2f}"
    return f"{words} [{ends[0]:.2f}, {ends[1]:.2f}]" if ends else words
