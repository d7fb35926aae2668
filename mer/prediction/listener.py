"""What happens to a song on the page: it is predicted, and becomes numbers to draw and files to download."""

import shutil
import tempfile
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mer import MerError
from mer.prediction import output, pictures, predict, song_text
from mer.tasks import QUADRANTS
from mer.weights import engines

KEPT_SECONDS = 3600  # how long uploads and downloads stay on disk
OPEN_ENGINES = 2     # models kept in memory
CORNERS = ((1, 1), (-1, 1), (-1, -1), (1, -1))  # valence, arousal of Q1 .. Q4
WORDS = [words.partition(" (")[0] for words in song_text.QUADRANT_WORDS.values()]
WAVE_COLUMNS = 800
PICTURES = {"plane": "path", "taggram": "time line"}  # that can be downloaded, with what they are called


def payload(prediction):
    """What `song.js` draws: the prediction as plain numbers.

    Parameters
    ----------
    prediction : mer.prediction.predict.Prediction
        By one model.

    Returns
    -------
    dict
        JSON-able, without NaN: times in seconds, probabilities in [0, 1], arousal and valence in [-1, 1]. A silent
        file has no times and no tasks.
    """
    heard = prediction.status == "ok"
    if heard and not prediction.in_plane:
        title = prediction.members[0]["title"]
        raise MerError(f"{title} does not answer quadrants, arousal and valence, so there is no path to draw: choose "
                       "another model, or use quad_pred.py")
    planar = {name: prediction.value(name) for name in ("arousal", "valence")} if heard else {}
    return {"name": prediction.path.name, "seconds": float(prediction.seconds), "model": prediction.members[0]["title"],
            "notice": sentence_case(predict.DEMO_WORTH) if prediction.is_demo else "",
            "sentence": _most_like(prediction) if heard else prediction.message,
            "patch_seconds": prediction.patch_seconds, "hop_seconds": prediction.hop_seconds,
            "words": WORDS, "corners": [[f"{quadrant} {word}", *corner] for quadrant, word, corner
                                        in zip(QUADRANTS, WORDS, CORNERS, strict=True)],
            "times": _rounded(prediction.times_seconds),
            "tasks": [_task(prediction, task) for task in prediction.tasks] if heard else [],
            **{name: _rounded(values) for name, values in planar.items()},
            **{f"mean_{task.name}": float(task.value(prediction.mean[task.name])) for task in prediction.tasks
               if task.name in planar},
            "envelope": _thinned(prediction.envelope)}


def _task(prediction, task):
    return {"title": task.name.capitalize().replace("_", " "), "classes": list(task.classes), "range": task.range,
            "mean": _rounded(prediction.mean[task.name]),
            "rows": [_rounded(row) for row in prediction.probabilities[task.name].T]}


def _rounded(values):
    return [round(float(value), 4) for value in values]


def _thinned(envelope):
    """Least and greatest of groups of columns, at most WAVE_COLUMNS of them: [[low, high], ...]."""
    groups = np.array_split(envelope, min(len(envelope), WAVE_COLUMNS)) if len(envelope) else []
    return [_rounded((group[:, 0].min(), group[:, 1].max())) for group in groups]


def _most_like(prediction):
    mean, verdict = prediction.mean["quadrants"], prediction.verdict
    best = int(mean.argmax())
    sentence = (f"Most like {QUADRANTS[best]} ({WORDS[best]}): {100 * mean[best]:.0f}\u00a0% on average; guessing "
                "would be 25\u00a0%.")
    if verdict is None or verdict.kind == "sure":
        return sentence
    return f"{sentence} {sentence_case(verdict.words)}"


def sentence_case(words):
    """Words with a capital and a full stop."""
    return f"{words[:1].upper()}{words[1:]}."


class Listener:
    """What happens to a song.

    Parameters
    ----------
    found : sequence of mer.weights.model_file.ModelFile
        The models on offer, best first.
    load_module : callable
        Architecture name -> module of `models/`, for models that are not exported.
    folder : pathlib.Path
        Where the downloads are written; old ones are removed.
    """

    def __init__(self, found, *, load_module, folder):
        self.found, self.folder = list(found), folder

        @lru_cache(maxsize=OPEN_ENGINES)
        def opened(number):
            return engines.open_engine(self.found[number], engine="auto", load_module=load_module)

        self._opened = opened

    def __call__(self, song, number, *, on_progress=None):
        """Predict one song.

        Parameters
        ----------
        song : str
            Path of the upload.
        number : int
            Position in `found`.
        on_progress : callable or None
            As of `predict.predict_file`.

        Returns
        -------
        (dict, dict of str -> pathlib.Path, Prediction or None)
            For `song.js`, where ``{"error": sentence}`` stands for a song that cannot be used; "csv" and "json"; what
            `draw` takes, None where there is nothing to draw.
        """
        song = Path(song)
        try:
            prediction = predict.predict_file(song, [self._opened(number)], on_progress=on_progress)
        except MerError as error:
            return {"error": str(error).replace(str(song), song.name)}, {}, None
        prediction = replace(prediction, path=Path(song.name))  # where the upload lies concerns nobody
        return payload(prediction), self._downloads(prediction), prediction if prediction.status == "ok" else None

    def draw(self, prediction, beside):
        """Draw the pictures of a song into the folder of its other downloads, `beside`: name in PICTURES -> path."""
        paths = {kind: beside.parent / f"{prediction.path.stem} - {words}.png" for kind, words in PICTURES.items()}
        for kind, path in paths.items():
            pictures.here(kind, prediction, path)()
        return paths

    def _downloads(self, prediction):
        """Write csv and json into a folder of their own, and remove old ones."""
        for old in self.folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        written = output.write(prediction, folder, name="song")
        return {suffix: written[part].rename(folder / f"{prediction.path.stem}.{suffix}")
                for part, suffix in (("timeline", "csv"), ("json", "json"))}
