"""What a model that is handed out alone is worth: a file beside it, which tools/song_model.py makes."""

from pathlib import Path

from mer import files
from mer.tasks import TASKS

_SCHEMA = {"type": "object", "required": ["sha256", "heard", "learned_from", "held_out"], "properties": {
    "held_out": {"type": "object", "additionalProperties": {
        "type": "object", "required": ["accuracy", "low", "high"],
        "additionalProperties": {"type": "number"}}}}}


def sentence(model: Path) -> str | None:
    """One sentence on a model, or None where no file beside it says what it is worth.

    Parameters
    ----------
    model : pathlib.Path
        NAME.onnx; NAME.json is read.

    Raises
    ------
    files.Damaged
        The file beside it is not what tools/song_model.py writes, or was written for another model.
    """
    path, remedy = model.with_suffix(".json"), "get a copy of it back"
    try:
        known = files.read_json(path, schema=_SCHEMA, remedy=remedy)
    except FileNotFoundError:
        return None
    if known["sha256"] != files.sha256(model):
        raise files.Damaged(f"{path} was written for another model than {model}: {remedy}")
    parts = [f"{task} {100 * value['accuracy']:.0f} % [{100 * value['low']:.0f}, {100 * value['high']:.0f}]"
             for task, value in ((task.name, known["held_out"].get(task.name)) for task in TASKS) if value]
    return (f"heard {known['heard']}, learned emotion from {known['learned_from']}; right about songs of artists that "
            f"it never heard: {', '.join(parts)}")
