"""Predict many songs: bar, text, files, and what had to be left out; quad_pred.py is a shell around it."""

import json
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from mer import MerError, cli, progress, text
from mer.prediction import members, output, pictures, predict, resume, song_text, summary, verdict

MOST_BEGUN = 8  # songs whose pictures may wait to be drawn
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
    n_earlier : int
        How many of the songs an earlier run had done.
    interrupted : bool
    """

    songs: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    n_earlier: int = 0
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


def run(songs, engines, folder, *, hop_seconds=None, sure_from=verdict.SURE, draw=None, with_timelines=False,
        force=False, unreadable=()):
    """Predict songs one after the other and write their files; a song that cannot be read does not stop the rest.

    The means go to stdout as they come, the bar and what was left out to stderr. Songs that an earlier run has done
    with the same models are not done again.

    Parameters
    ----------
    songs : dict of path to str
        File to the name of its results, see `song_files.find`.
    engines : sequence of mer.weights.engines.Engine
    folder : path or None
        Where the results go; None: nowhere.
    hop_seconds, sure_from
        See `predict.predict_file`.
    draw : callable or None
        See `pictures.drawing`; None: no pictures.
    with_timelines : bool
        Keep the timelines in what is returned.
    force : bool
        Do all songs again.
    unreadable : sequence of (path, str)
        Folders that could not be searched, with the reason: they count as left out.

    Returns
    -------
    Done

    Raises
    ------
    MerError
        The engines do not go together, the hop is not above 0, or the folder cannot be one.
    """
    hop_seconds = members.actual_hop_seconds(engines, hop_seconds)
    _announce(engines, hop_seconds)
    if folder:
        _make(Path(folder))
    options = SimpleNamespace(engines=engines, folder=folder, hop_seconds=hop_seconds, sure_from=sure_from,
                              draw=draw, with_timelines=with_timelines, force=force)
    done = Done(left_out=list(unreadable))
    try:
        _all(songs, options, done)
        if folder:
            for sentence in summary.write(done.songs, folder, left_out=done.left_out):
                print(f"note: {sentence}", file=sys.stderr)
    finally:  # what was left out is told even where a full disk ends the run
        _tell(done, len(songs) + len(unreadable), folder)
    return done


def _all(songs, options, done):
    """Fill `done`, song by song, each once its files are whole."""
    begun = deque()  # (content, what makes the files whole)
    with progress.bar(total=len(songs), bar_format=_BAR) as bar:
        try:
            for number, (path, name) in enumerate(songs.items(), 1):
                song = _one(path, name, options, done, lambda share, most=number: _move(bar, share, most))
                if song:
                    begun.append(song)
                    _say(song_text.as_text(song[0]), bar)
                    _finish(begun, done, most=MOST_BEGUN)
                _move(bar, 1, number)
            _finish(begun, done, most=0)
        except KeyboardInterrupt:
            done.interrupted = True
            _finish(begun, done, most=0)


def _one(path, name, options, done, on_progress):
    """(content, what makes the files whole or None) of one song; None where it has to be left out."""
    wanted = (resume.identity(path, options.engines, hop_seconds=options.hop_seconds, sure_from=options.sure_from)
              if options.folder else None)
    try:
        return _earlier(name, wanted, options, done) or _predicted(path, name, wanted, options, on_progress)
    except pictures.Ended:  # of no song
        raise
    except MerError as error:
        reason = predict.shown(str(error))
        done.left_out.append((path, reason))
        if options.folder and path.exists() and not isinstance(error, output.NoPlace):
            output.withdraw(options.folder, name, path, reason)
    return None


def _earlier(name, wanted, options, done):
    """The song as an earlier run has done it, or None."""
    if options.force or not options.folder:
        return None
    content = resume.find(options.folder, name, wanted, pictures=options.draw is not None,
                                     with_timeline=options.with_timelines)
    done.n_earlier += content is not None
    return content and (content, None)


def _predicted(path, name, wanted, options, on_progress):
    """Predict a song and begin to write it."""
    made = predict.predict_file(path, options.engines, hop_seconds=options.hop_seconds, sure_from=options.sure_from,
                                on_progress=on_progress)
    timeline = {"timeline": output.timeline(made)} if options.with_timelines else {}
    content = {**made.summary(), **timeline}
    if not options.folder:
        return content, None
    unfinished = output.begin(made, options.folder, name=name, draw=options.draw,
                                        source=wanted and wanted["source"])
    return content, unfinished.finish


def _finish(begun, done, *, most):
    """Make the oldest songs whole until at most so many are not; interrupted, it can be called again."""
    while len(begun) > most:
        content, finish = begun[0]
        if finish:
            finish()
        done.songs.append(content)
        begun.popleft()


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


def _say(lines, bar):
    """Print above the bar; in a log, tqdm's own way would repeat the bar for every line."""
    if sys.stderr.isatty():
        bar.write(lines, file=sys.stdout)
    else:
        print(lines)


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
    if done.n_earlier:
        print(f"{done.n_earlier} of them by an earlier run with the same models; --force does them again")
    for _, reason in done.left_out:
        print(f"  left out: {text.printable(reason)}", file=sys.stderr)
    if done.left_out:
        kind = "warning" if done.songs else "error"
        print(f"{kind}: {len(done.left_out)} of {n_songs} songs left out", file=sys.stderr)
    if done.interrupted:
        rest = f", and {cli.again()} goes on from here" if folder else ""
        print(f"interrupted; what is listed above is complete{rest}", file=sys.stderr)
