"""JSON Schema of run.json: the types that its readers rely on; which keys must be there, each reader says."""

_TEXT, _COUNT = {"type": ["string", "null"]}, {"type": ["integer", "null"]}
_OBJECT = {"type": ["object", "null"]}
SCHEMA: dict = {
    "type": "object",
    "properties": {
        "key": {"type": "string"}, "settings": {"type": "object"}, "name": {"type": "string"}, "it": _COUNT,
        "seed": _COUNT, "weights_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        **dict.fromkeys(("speech", "music", "model", "title", "pretext", "release", "corpus", "origin"), _TEXT),
        "hours": {"type": ["number", "null"]}, "scores": _OBJECT, "encoder": _OBJECT, "versions": _OBJECT,
        "history": {"type": "array"},
        "source": {"type": "object", "required": ["sha256"], "properties": {"sha256": {"type": "string"}}},
        "split": {"type": "object", "required": ["kind", "note"],
                  "properties": {"kind": {"type": "string"}, "note": {"type": "string"}}},
    },
}


def of(required) -> dict:
    """The schema where these keys must be there; of a history that must be, every epoch is an object.

    Parameters
    ----------
    required : sequence of str
    """
    epochs = {"history": {"type": "array", "items": {"type": "object"}}} if "history" in required else {}
    return {**SCHEMA, "required": list(required), "properties": SCHEMA["properties"] | epochs}
