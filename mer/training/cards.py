"""A model card (Hugging Face's format) and a Croissant description of the clips, beside every trained model.

The card begins with the metadata that a hub reads, model-index included. Croissant (MLCommons, version 1.0) describes
the clips, their groups, labels and sides; the sound and the rows are not part of it.

References
----------
Mitchell et al. (2019), Model cards for model reporting, FAT*, doi:10.1145/3287560.3287596.
Akhtar et al. (2024), Croissant: a metadata format for ML-ready datasets, arXiv:2403.19546.
"""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mer import corpora, files
from mer.tasks import named

CARD, DATA = "card.md", "croissant.json"
_TEMPLATE = Path(__file__).with_name("card.md.jinja")
_CONFORMS = "http://mlcommons.org/croissant/1.0"
_TERMS = ("citeAs column equivalentProperty extract field fileObject fileProperty fileSet format includes "
          "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
          "separator source subField transform")
_CONTEXT = {"@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
            "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
            "data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"},
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, **{term: f"cr:{term}" for term in _TERMS.split()}}
_COLUMNS = {"clip": "Path of the clip in the corpus.", "group": "What clips share: artist, song, speaker or actor.",
            "label": "Quadrant of the arousal-valence plane; empty for speech.",
            "split": "Side of the clip: train, val or test."}


def write(folder: Path, about: dict) -> None:
    """Write card.md, and croissant.json where the run has one split, into the folder of a run.

    Parameters
    ----------
    folder : pathlib.Path
        Of run.json; report.json is read where there is one.
    about : dict
        Content of run.json.
    """
    try:
        report = files.read_json(folder / "report.json", remedy="train this model again with --force")
    except FileNotFoundError:
        report = None
    files.write_text(folder / CARD, card(about, report))
    if (about.get("split") or {}).get("sha256"):
        files.write_json(folder / DATA, croissant(about))


def card(about: dict, report: dict | None = None) -> str:
    """The model card of a run.

    Parameters
    ----------
    about : dict
        Content of run.json, of an encoder or of a model that answers emotion.
    report : dict or None
        Its report.json.
    """
    rows = []
    if report:
        for task in named(about.get("tasks"), about["name"]):
            score = report["clip"][task.name]
            name = task.headline("clip")
            low, high = score["intervals"][name] or (None, None)
            rows.append({"task": task.name, "measure": name, "value": score[name], "low": low, "high": high,
                         "guess": max(guess[name] for guess in score["chance"].values())})
    environment = Environment(loader=FileSystemLoader(_TEMPLATE.parent), undefined=StrictUndefined, trim_blocks=True,
                              lstrip_blocks=True, autoescape=False)  # text, not html
    environment.filters["quoted"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment.get_template(_TEMPLATE.name).render(
        about=about, report=report, rows=rows, trained_on=_corpora(about, report is not None),
        heard=_corpora(about, False) if report else [])


def croissant(about: dict) -> dict:
    """The clips of a run as JSON-LD.

    Parameters
    ----------
    about : dict
        Content of run.json, with the SHA-256 of its split.
    """
    known = _corpora(about, "music" in about)
    licenses = "; ".join(dict.fromkeys(corpus.LICENCE for corpus in known))
    names = " + ".join(corpus.NAME for corpus in known)
    fields = [{"@type": "cr:Field", "@id": f"clips/{column}", "name": column, "description": words,
               "dataType": "sc:Text", "source": {"fileObject": {"@id": "split"}, "extract": {"column": column}}}
              for column, words in _COLUMNS.items()]
    return {"@context": _CONTEXT, "@type": "sc:Dataset", "conformsTo": _CONFORMS, "name": names,
            "description": f"Clips of {names} as {about['name']} was trained and tested on them: "
                           f"{about['split']['note']}. The sound has to come from the owners of the corpora.",
            "license": licenses, "url": known[0].HOMEPAGE, "version": "1.0.0", "datePublished": about["created"],
            "citeAs": " ".join(dict.fromkeys(corpus.CITATION for corpus in known)),
            "distribution": [{"@type": "cr:FileObject", "@id": "split", "name": "split.csv", "contentUrl": "split.csv",
                              "description": "The split file in the folder of features.", "encodingFormat": "text/csv",
                              "sha256": about["split"]["sha256"]}],
            "recordSet": [{"@type": "cr:RecordSet", "@id": "clips", "name": "clips", "key": {"@id": "clips/clip"},
                           "field": fields}]}


def _corpora(about, music):
    """Modules of the corpora of a run: those of music that it was fitted on, or those that its encoder heard."""
    if music:
        codes = [code for step in about.get("steps") or [about["music"]] for code in step]
        return [corpora.get("music", code) for code in dict.fromkeys(codes)]
    heard = about.get("heard_from")
    if not heard:
        return []
    corpus = corpora.get(heard["kind"], heard["code"])
    return [corpora.get(heard["kind"], part) for part in getattr(corpus, "PARTS", ()) or [corpus.CODE]]
