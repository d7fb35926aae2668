"""Predict many songs: bar, text, files, and what had to be left out; quad_pred.py is a shell around it."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from mer import MerError, predict, prediction_files, progress

_BAR = "{percentage:3.0f}%|{bar}| {n:.1f} of {total_fmt} songs [{elapsed}<{remaining}]"


@dataclass
class Done:
    """What came of a run.

    Attributes
    ----------
    songs : list of dict
        `Prediction.summary()` of each song predicted, with "timeline" where that was asked for.
    left_out : list of (pathlib.Path, str)
        Files that could not be predicted, with the reason.
    interrupted : bool
    """

    songs: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    interrupted: bool = False

    def as_json(self):
        """The whole as one JSON document: {"songs": [...], "left_out": [{"file", "reason"}, ...]}."""
        return json.dumps({"songs": self.songs, "left_out": [{"file": predict.shown(path), "reason": reason}
                                                             for path, reason in self.left_out]})

    def exit_status(self, *, strict):
        """130 interrupted; 1 where no song could be predicted, or under `strict` any was left out; otherwise 0."""
        if self.interrupted:
            return 130
        return 1 if self.left_out and (strict or not self.songs) else 0


def run(songs, engines, folder, *, hop_seconds=None, pictures=True, with_timelines=False):
    """Predict songs one after the other and write their files; a song that cannot be read does not stop the rest.

    The means go to stdout as they come, the bar and what was left out to stderr.

    Parameters
    ----------
    songs : dict of path to str
        File to the name of its results, see `prediction_files.songs`.
    engines : sequence of mer.engines.Engine
    folder : path or None
        Where the results go; None: nowhere.
    hop_seconds : float or None
        See `predict.predict_file`.
    pictures : bool
    with_timelines : bool
        Keep the timelines in what is returned.

    Returns
    -------
    Done

    Raises
    ------
    MerError
        The engines do not go together, the hop is not above 0, or the folder cannot be one.
    """
    _announce(engines, predict.actual_hop_seconds(engines, hop_seconds))
    if folder:
        _make(Path(folder))
    done = Done()
    with progress.bar(total=len(songs), bar_format=_BAR) as bar:
        try:
            for number, (path, name) in enumerate(songs.items(), 1):
                try:
                    prediction = predict.predict_file(path, engines, hop_seconds=hop_seconds,
                                                      on_progress=lambda share, most=number: _move(bar, share, most))
                except MerError as error:
                    done.left_out.append((path, str(error)))
                else:
                    summary = prediction.summary()
                    _say(prediction_files.as_text(summary), bar)
                    if folder:
                        prediction_files.write(prediction, folder, name=name, pictures=pictures)
                    timeline = {"timeline": prediction_files.timeline(prediction)} if with_timelines else {}
                    done.songs.append({**summary, **timeline})
                _move(bar, 1, number)
        except KeyboardInterrupt:
            done.interrupted = True
    if folder:
        prediction_files.summary_csv(done.songs, Path(folder) / prediction_files.SUMMARY, left_out=done.left_out)
    _tell(done, len(songs), folder)
    return done


def _make(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise MerError(f"{folder} is a file or lies below one, but a folder for the results was expected: name another"
                       ) from None


def _move(bar, share, most):
    """Move the bar on by a share of a song, in all no further than to the end of song number `most`."""
    bar.n = min(bar.n + share, most)
    bar.update(0)


def _say(text, bar):
    """Print above the bar; in a log, tqdm's own way would repeat the bar for every line."""
    if sys.stderr.isatty():
        bar.write(text, file=sys.stdout)
    else:
        print(text)


def _announce(engines, hop_seconds):
    for engine in engines:
        print(f"model: {engine.title} ({engine.name})")
    print(f"one prediction every {hop_seconds:.3f} s")
    if any(engine.about.get("corpus") == "demo" for engine in engines):
        print(f"note: {predict.DEMO_WORTH}.")


def _tell(done, n_songs, folder):
    """How it ended: where the results are, what was left out."""
    n_silent = sum(song["status"] == "silent" for song in done.songs)
    silent = f" ({n_silent} silent)" if n_silent else ""
    if done.songs:
        print(f"{len(done.songs)} of {n_songs} songs done{silent}" + (f", results in {folder}" if folder else ""))
    for _, reason in done.left_out:
        print(f"  left out: {reason}", file=sys.stderr)
    if done.left_out:
        kind = "warning" if done.songs else "error"
        print(f"{kind}: {len(done.left_out)} of {n_songs} songs left out", file=sys.stderr)
    if done.interrupted:
        print("interrupted; what is listed above is complete, and the same command does all of it again",
              file=sys.stderr)
