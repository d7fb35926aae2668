"""The page in the browser: a song goes in, its path through the arousal-valence plane comes out.

What is drawn is in `song.html`, `song.css` and `song.js`; this module hands it one dict per song. Gradio is
imported where it is needed: it is an optional extra and takes seconds.
"""

from pathlib import Path

from mer import cli, corpora
from mer.prediction import predict, worth
from mer.prediction.listener import KEPT_SECONDS, PICTURES, sentence_case
from mer.weights import engines

HERE = Path(__file__).parent
SWEEP_SECONDS = 600
TITLE = "Emotion in music"
INTRODUCTION = ("A model hears a song second by second and says where it lies between calm and excited (arousal), "
                "unpleasant and pleasant (valence). It guesses what people would answer on average, not what you feel. "
                "The song stays on this computer.")
MENUS = (("What the encoder heard", "speech of which language, or other sound"),
         ("Language of the music", "from which it learned emotion"), ("Model", None))
DOWNLOADS = {"csv": "csv", "json": "json", **{kind: f"picture: {words}" for kind, words in PICTURES.items()}}


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
    """Speech, music and model; what the demo model, or the one that comes along, is worth is said where it is there."""
    known = sentence_case(predict.DEMO_WORTH) if any(one.facts.get("corpus") == "demo" for one in found) else None
    for one in found:
        if known is None and one.path.suffix == ".onnx" and (said := worth.sentence(one.path)):
            known = f"{_model_title(one.facts)} {said}."
    return [gr.Dropdown(options, value=value, label=label, info=info or known, interactive=True, filterable=False,
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
                    downloads = [gr.DownloadButton(f"Download {words}", interactive=False, min_width=100, size="sm")
                                 for words in DOWNLOADS.values()]
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

        value, files, heard = None, {}, None
        if path and number is not None:
            value, files, heard = listener(path, number, on_progress=on_progress)
        if value and "error" not in value:
            value["audio"] = gr.FileData(path=path).model_dump()  # gradio adds its url
        yield value, *buttons(files)
        if heard:  # drawing takes longer than listening
            yield value, *buttons({**files, **listener.draw(heard, files["csv"])})

    def buttons(files):
        return [gr.DownloadButton(value=str(files[kind]) if kind in files else None, interactive=kind in files)
                for kind in DOWNLOADS]

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
