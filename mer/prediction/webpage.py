"""The page in the browser: a song goes in, its path through the arousal-valence plane comes out.

What is drawn is in `song.html`, `song.css` and `song.js`; this module hands it one dict per song. Gradio is
imported where it is needed: it is an optional extra and takes seconds.
"""

import shutil
import tempfile
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mer import MerError, cli, corpora
from mer.prediction import output, predict, song_text
from mer.tasks import QUADRANTS
from mer.weights import engines

HERE = Path(__file__).parent
KEPT_SECONDS = 3600  # how long uploads and downloads stay on disk
SWEEP_SECONDS = 600
OPEN_ENGINES = 2     # models kept in memory
TITLE = "Emotion in music"
INTRODUCTION = ("A model hears a song second by second and says where it lies between calm and excited (arousal), "
                "unpleasant and pleasant (valence). It guesses what people would answer on average, not what you feel. "
                "The song stays on this computer.")
CORNERS = ((1, 1), (-1, 1), (-1, -1), (1, -1))  # valence, arousal of Q1 .. Q4
WORDS = [words.partition(" (")[0] for words in song_text.QUADRANT_WORDS.values()]
WAVE_COLUMNS = 800
MENUS = (("Language of the speech", "on which the encoder was pretrained"),
         ("Language of the music", "from which it learned emotion"), ("Model", None))


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
            "notice": _sentence_case(predict.DEMO_WORTH) if prediction.is_demo else "",
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
    return f"{sentence} {_sentence_case(verdict.words)}"


def _sentence_case(words):
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
        (dict, pathlib.Path or None, pathlib.Path or None)
            For `song.js`, where ``{"error": sentence}`` stands for a song that cannot be used; csv; json.
        """
        song = Path(song)
        try:
            prediction = predict.predict_file(song, [self._opened(number)], on_progress=on_progress)
        except MerError as error:
            return {"error": str(error).replace(str(song), song.name)}, None, None
        prediction = replace(prediction, path=Path(song.name))  # where the upload lies concerns nobody
        return payload(prediction), *self._downloads(prediction)

    def _downloads(self, prediction):
        """Write csv and json into a folder of their own, and remove old ones: (csv, json)."""
        for old in self.folder.iterdir():
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        written = output.write(prediction, folder, name="song")
        return tuple(written[part].rename(folder / f"{prediction.path.stem}.{suffix}")
                     for part, suffix in (("timeline", "csv"), ("json", "json")))


def choices(found, *, speech=None, music=None):
    """Choices of the three menus, only what exists.

    Parameters
    ----------
    found : sequence of mer.weights.model_file.ModelFile
    speech, music : str or None
        What is chosen; the first that exists where it does not.

    Returns
    -------
    list of (list of (str, value), value)
        For speech, music and model: (text, value) of each choice, and the chosen value. A model's value is its
        position in `found`.
    """
    speeches = _distinct(map(_heard, found))
    speech = speech if speech in speeches else speeches[0]
    of_speech = [one for one in found if _heard(one) == speech]
    musics = _distinct(one.facts.get("music") or "" for one in of_speech)
    music = music if music in musics else musics[0]
    models = [(_model_title(one.facts), number) for number, one in enumerate(found)
              if (_heard(one), one.facts.get("music") or "") == (speech, music)]
    return [([(_language("speech", code), code) for code in speeches], speech),
            ([(_language("music", code), code) for code in musics], music), (models, models[0][1])]


def _heard(one):
    """Code of the speech that the encoder heard; of one that others published, in words; "" of none."""
    return one.facts.get("heard") or one.facts.get("speech") or ""


def _distinct(values):
    return list(dict.fromkeys(values))


def _language(kind, code):
    if not code:
        return "none (music only)" if kind == "speech" else "unknown"
    known = {*corpora.codes(kind), cli.MIXED}
    return corpora.language(kind, code) if known.issuperset(code.split(",")) else code


def _model_title(about):
    """The title without the languages, which have menus of their own."""
    of_menus = dict.fromkeys(("speech", "heard", "music"))
    if about.get("corpus") == "demo":
        return f"Demo model: {engines.title({**about, **of_menus, 'corpus': None})}"
    return engines.title({**about, **of_menus})


def _menus(gr, found):
    """Speech, music and model; what the demo model is worth is said where one is on offer."""
    worth = _sentence_case(predict.DEMO_WORTH) if any(one.facts.get("corpus") == "demo" for one in found) else None
    return [gr.Dropdown(options, value=value, label=label, info=info or worth, interactive=True, filterable=False,
                        elem_classes="song-menu")
            for (options, value), (label, info) in zip(choices(found), MENUS, strict=True)]


def build(listener):
    """The page as gradio blocks.

    Parameters
    ----------
    listener : Listener

    Returns
    -------
    gradio.Blocks
    """
    import gradio as gr

    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True,
                   delete_cache=(SWEEP_SECONDS, KEPT_SECONDS)) as page:
        gr.HTML(f"<h1>{TITLE}</h1><p>{INTRODUCTION}</p>", elem_classes="page-head", apply_default_css=False)
        with gr.Row():
            with gr.Column(scale=2, min_width=280):
                song = gr.Audio(label="Song", sources=["upload", "microphone"], type="filepath", editable=False,
                                elem_id="song-input", buttons=[],
                                waveform_options=gr.WaveformOptions(show_recording_waveform=False))
                menus = _menus(gr, listener.found)
                with gr.Row():
                    downloads = [gr.DownloadButton(f"Download {kind}", interactive=False, min_width=100, size="sm")
                                 for kind in ("csv", "json")]
            with gr.Column(scale=5, min_width=280):
                result = gr.HTML(html_template=_template("song.html"), js_on_load=_template("song.js"),
                                 apply_default_css=False, elem_id="song-result")
        _connect(gr, listener, song=song, menus=menus, result=result, downloads=downloads)
    return page


def _connect(gr, listener, *, song, menus, result, downloads):
    """A new song or another model: listen. Another language: offer what exists in it."""
    def listen(path, number, progress=gr.Progress()):  # noqa: B008 - how gradio hands it over
        done = 0.0

        def on_progress(share):
            nonlocal done
            done = min(1.0, done + share)
            progress(done, desc="Listening")

        value, files = None, (None, None)
        if path and number is not None:
            value, *files = listener(path, number, on_progress=on_progress)
        if value and "error" not in value:
            value["audio"] = gr.FileData(path=path).model_dump()  # gradio adds its url
        return value, *(gr.DownloadButton(value=file and str(file), interactive=bool(file)) for file in files)

    def narrow(speech, music):
        return [gr.Dropdown(options, value=value)
                for options, value in choices(listener.found, speech=speech, music=music)]

    gr.on([song.change, menus[2].change], listen, inputs=[song, menus[2]], outputs=[result, *downloads],
          trigger_mode="always_last", concurrency_limit=1, show_progress_on=[result], api_visibility="private")
    # Not preprocessed: gradio refuses a choice that the answer before this one has just taken from the menu.
    gr.on([menus[0].change, menus[1].change], narrow, inputs=menus[:2], outputs=menus, show_progress="hidden",
          preprocess=False, api_visibility="private")


def _template(name):
    return (HERE / name).read_text(encoding="utf-8")


def look():
    """Theme and style for gradio's `launch`: system fonts, and an accent of enough contrast in both modes.

    Returns
    -------
    dict
    """
    import gradio as gr

    theme = gr.themes.Base(primary_hue="blue", neutral_hue="stone", font=["system-ui", "Segoe UI", "Roboto",
                           "Noto Sans", "DejaVu Sans", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    # gradio's own greys stay below a contrast of 4.5 to 1
    theme.set(**{f"{name}{mode}": color for mode, color in (("", "*neutral_700"), ("_dark", "*neutral_300"))
                 for name in ("body_text_color_subdued", "block_info_text_color", "block_label_text_color",
                              "block_title_text_color", "checkbox_label_text_color")})
    return {"theme": theme, "css": _template("song.css")}
