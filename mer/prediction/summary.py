"""The table of all songs in a folder of results, whichever command made them: `summary.csv`."""

import csv
import os
from pathlib import Path

from mer import MerError, files, text
from mer.prediction import output, predict, song_text
from mer.tasks import PUBLISHED, TASKS

_CLIP = "clip.json"
_VERDICT = ["verdict", "certainty"]  # of calibrated models
# Of a clip.json of this program; one that lacks "file" and "written" is somebody else's
_SCHEMA = {"type": "object", "required": ["file", "status", "written"],
           "properties": {"file": {"type": "string"}, "status": {"type": "string"}, "written": {"type": "array"}}}


def write(summaries, folder, *, left_out=()):
    """Write summary.csv: the songs of this command first, then the others whose results lie in the folder.

    Parameters
    ----------
    summaries : sequence of dict
        `Prediction.summary()` of each song of this command, so that no timeline is kept.
    folder : path
        Of the results.
    left_out : sequence of (path, str)
        Files that could not be predicted, with the reason. What earlier commands left out stays in the table as long
        as the file is there; a song whose results were deleted goes.

    Returns
    -------
    list of str
        A sentence on each clip.json that is damaged, so that its song is not in the table.
    """
    left_out = {predict.shown(path): reason for path, reason in left_out}
    now = {summary["file"] for summary in summaries} | left_out.keys()
    others, damaged = _others(Path(folder), now)
    path = Path(folder) / output.SUMMARY
    done = now | {summary["file"] for summary in others}
    earlier = {file: reason for file, reason in _left_out_before(path).items() if file not in done}
    summaries = [*summaries, *others]
    has_spread = any(summary["mean_spread"] for summary in summaries)
    has_verdict = any(summary.get("verdict") for summary in summaries)
    values = output.columns(_labels(summaries))
    names = ["file", "status", "seconds", "n_predictions", "quadrant", *values]
    names += [f"{name}_spread" for name in values] if has_spread else []
    names += _VERDICT if has_verdict else []
    rows = [_row(summary, values, has_spread, has_verdict) for summary in summaries]
    rows += [[file, "left out", *[""] * (len(names) - 1), reason] for file, reason in (left_out | earlier).items()]
    files.write_csv(path, [*names, "model", "message"], rows)
    return damaged


def _labels(summaries):
    """The labels of all songs together, in the order of the table of tasks; of the published ones without any song."""
    held = {name: labels for summary in summaries for name, labels in summary["labels"].items()}
    held = held or song_text.labels(PUBLISHED)
    return {task.name: held[task.name] for task in TASKS if task.name in held}


def _row(summary, names, has_spread, has_verdict):
    row = [summary["file"], summary["status"], summary["seconds"], summary["n_predictions"], summary["quadrant"] or ""]
    for mean, kind in (("mean", ""), *([("mean_spread", "_spread")] if has_spread else [])):
        classes = {name: value for task in (summary[mean] or {}).values() for name, value in task.items()}
        values = [classes.get(name, summary.get(f"{name}{kind}")) for name in names]
        row += ["" if value is None else round(value, 6) for value in values]
    verdict = summary.get("verdict") or {}
    row += [verdict.get(name, "") for name in ("kind", "certainty")] if has_verdict else []
    return [*row, " + ".join(model["title"] for model in summary["models"]), summary["message"] or ""]


def _others(folder, now):
    """The results of other commands in the folder, sorted by file, and sentences on those that are damaged."""
    found, damaged = {}, []
    for place, _, names in os.walk(folder):
        if _CLIP not in names:
            continue
        path = Path(place, _CLIP)
        try:
            content = files.read_json(path, schema=_SCHEMA, remedy="predict the song again with --force")
            if content["file"] not in now and content["status"] in ("ok", "silent"):
                _row(content, output.columns(_labels([content])), True, True)  # the rest of what a row needs
                found[content["file"]] = content
        except MerError as error:
            if output.places(folder, Path(place).relative_to(folder).as_posix())["npy"].exists():
                damaged.append(str(error))  # otherwise nothing says that it is a result of ours
        except (KeyError, TypeError, AttributeError, ValueError):
            damaged.append(f"{path} is damaged (a part is missing): predict the song again with --force")
    return [found[file] for file in sorted(found)], damaged


def _left_out_before(path):
    """File to reason, of the files that a summary lists as left out and that are still there."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):  # there is none, or it is no table: it is made anew
        return {}
    found = {text.spreadsheet_read(row.get("file") or ""): text.spreadsheet_read(row.get("message") or "")
             for row in rows if row.get("status") == "left out"}
    return {file: reason for file, reason in found.items() if file and "\0" not in file and os.path.lexists(file)}
