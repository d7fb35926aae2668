"""JSON Schema of run.json: the types that its readers rely on."""

from typing import Any

_TEXT, _COUNT, _OBJECT = ({"type": [kind, "null"]} for kind in ("string", "integer", "object"))
_TEXTS = {"type": "array", "items": {"type": "string"}}
_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 100}
# JSON Schema of what a calibrated model says of itself, in run.json and in exported files
CALIBRATION: dict[str, Any] = {
    "certainty": {
        "type": "object", "required": ["components", "familiar"], "properties": {
            "components": {"type": "integer", "minimum": 1, "maximum": 2**16},
            "familiar": {"type": "object", "required": ["seconds", "distance"], "properties": {
                "seconds": _NUMBERS, "distance": _NUMBERS,
                "speech": {"type": "object", "required": ["weights", "offset"], "properties": {
                    "weights": _NUMBERS, "offset": {"type": "number"}}}}}}},
}
# JSON Schema of run.json: the types that its readers rely on; which keys must be there, each reader says
RUN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "key": {"type": "string"}, "settings": {"type": "object"}, "name": {"type": "string"}, "it": _COUNT,
        "seed": _COUNT, "weights_sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "tasks": {"type": "array", "items": {"type": "string"}},
        **CALIBRATION,
        **dict.fromkeys(("speech", "music", "model", "title", "pretext", "release", "corpus", "origin"), _TEXT),
        "hours": {"type": ["number", "null"]}, "scores": _OBJECT, "encoder": _OBJECT, "versions": _OBJECT,
        "vote": {"type": "object", "required": ["pooling"], "properties": {"pooling": {"enum": ["mean", "log"]}}},
        "heard": {"type": "string"},
        **dict.fromkeys(("heard_clips", "heard_groups"), _TEXTS),
        "heard_from": {"type": "object", "required": ["kind", "code", "name"], "properties": {
            key: {"type": "string"} for key in ("kind", "code", "name")}},
        "history": {"type": "array", "items": {"type": "object"}},
        "source": {"type": "object", "required": ["sha256"], "properties": {"sha256": {"type": "string"}}},
        "split": {"type": "object", "required": ["kind", "note"],
                  "properties": {"kind": {"type": "string"}, "note": {"type": "string"}}},
    },
}
