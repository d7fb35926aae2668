"""What an exported model says of itself, read from the ONNX file without onnx or onnxruntime.

The file is a protocol buffer (https://protobuf.dev/programming-guides/encoding); the field numbers below are those of
onnx.proto of ONNX. Only its outline is read, and a file that would make a runtime open other files is refused before
any runtime sees it.
"""

import hashlib
import json
import mmap
from pathlib import Path

import jsonschema

from mer import MerError, files
from mer.features import chunks
from mer.tasks import TASKS, labels_of
from mer.weights.schema import CALIBRATION

FORMAT = "1"  # of the metadata
GRAPH_SHA256 = "graph_sha256"  # in the metadata: hash of the network with its weights
_LABELS = labels_of(TASKS)  # of all tasks that a file may answer
PARTS = ("about", "labels", "settings", "export")  # JSON each, beside "format", "title" and "sha256"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# The fields that an export of ours has; every other is refused, also those that later versions of ONNX will add.
_GRAPH, _METADATA, _MODEL = 7, 14, {*range(1, 9), 14}  # of ModelProto: no training steps, functions, configurations
_NODE, _INITIALIZER, _PARTS_OF_GRAPH = 1, 5, {1, 2, 5, 10, 11, 12, 13}  # of GraphProto: no sparse initializers
_ATTRIBUTE, _DOMAIN, _PARTS_OF_NODE = 5, 7, set(range(1, 8))  # of NodeProto
_PARTS_OF_ATTRIBUTE = {1, 2, 3, 4, 7, 8, 9, 13, 20}  # of AttributeProto: numbers and text, no tensors and no graphs
_PARTS_OF_TENSOR = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12}  # of TensorProto: no segment, no place in another file
_EXTERNAL = {13, 14}  # of TensorProto: where the data lies, if not here
_MOST_METADATA = 2**20  # bytes
_ABOUT = {"type": "object", "required": ["model"], "properties": {
    "model": {"type": "string"}, "pooling": {"enum": ["mean", "log"]}, **CALIBRATION,
    **{name: {"type": ["string", "null"]} for name in ("title", "speech", "heard", "music", "release", "corpus")}}}


def read(path):
    """What an exported file says of itself.

    Parameters
    ----------
    path : path
        Written by `export.py`.

    Returns
    -------
    dict
        As `engines.Engine.about`, and `export`: {"compress": None or how, "tolerance": float, "max_difference":
        float}, against Keras.

    Raises
    ------
    MerError
        Missing, truncated, not ONNX, not ours, with other labels, or with data in other files.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            metadata = _metadata(content, path)
    except (OSError, ValueError) as error:  # ValueError: mmap of an empty file
        reason = getattr(error, "strerror", None) or "it is empty"
        raise MerError(f"{path} cannot be read ({reason}): expected a model that export.py wrote") from None
    except _Malformed:
        raise MerError(f"{path} is truncated or no ONNX file: export the model again, or copy the file again") from None
    return _about(metadata, path)


def is_of(path, weights):
    """Whether an exported file was made from the weight file as it is now; MerError where it is no such file."""
    return read(path)["sha256"] == files.sha256(weights)


class _Malformed(Exception):
    pass


def _metadata(content, path):
    """The file's own key-value pairs; refuses what an export of ours never holds."""
    found, graph = {}, hashlib.sha256()
    for number, value in _fields(content, 0, len(content)):
        if number not in _MODEL:
            raise _foreign(path, "holds functions, training steps or other parts")
        if number == _GRAPH:
            _check_graph(content, value, path)
            graph.update(content[value.start:value.stop])
        elif number == _METADATA:
            if len(value) > _MOST_METADATA:
                raise _foreign(path, "has too much metadata")
            pair = {key: content[part.start:part.stop] for key, part in _fields(content, value.start, value.stop)}
            found[_text(pair.get(1, b""))] = _text(pair.get(2, b""))
    if found.get(GRAPH_SHA256, graph.hexdigest()) != graph.hexdigest():  # files of before name no hash
        raise MerError(f"{path} is damaged (its network is not what was written): export the model again, or copy the "
                       "file again")
    return found


def _check_graph(content, graph, path):
    for number, value in _fields(content, graph.start, graph.stop):
        if number not in _PARTS_OF_GRAPH:
            raise _foreign(path, "holds sparse weights or other parts in its graph")
        if number == _INITIALIZER:
            parts = _numbers(content, value)
            if parts & _EXTERNAL:
                raise _foreign(path, "keeps its weights in other files")
            if parts - _PARTS_OF_TENSOR:
                raise _foreign(path, "keeps its weights in an unknown way")
        if number == _NODE:
            _check_node(content, value, path)


def _check_node(content, node, path):
    for number, value in _fields(content, node.start, node.stop):
        if number == _ATTRIBUTE and _numbers(content, value) - _PARTS_OF_ATTRIBUTE:
            raise _foreign(path, "has tensors or graphs inside its operators")
        if number not in _PARTS_OF_NODE or (number == _DOMAIN and len(value)):
            raise _foreign(path, "has operators that are not those of ONNX itself")


def _numbers(content, part):
    return {number for number, _ in _fields(content, part.start, part.stop)}


def _fields(content, start, stop):
    """(field number, positions) of one message; the positions are those of bytes, and none for numbers."""
    while start < stop:
        key, start = _varint(content, start, stop)
        kind, value = key & 7, range(0)
        if kind == _VARINT:
            _, start = _varint(content, start, stop)
        elif kind == _BYTES:
            length, start = _varint(content, start, stop)
            value = range(start, start + length)
            start += length
        elif kind in (_FIXED64, _FIXED32):
            start += 8 if kind == _FIXED64 else 4
        else:
            raise _Malformed
        if start > stop:
            raise _Malformed
        yield key >> 3, value


def _varint(content, start, stop):
    value = 0
    for place in range(10):
        if start + place >= stop:
            break
        byte = content[start + place]
        value |= (byte & 127) << 7 * place
        if byte < 128:
            return value, start + place + 1
    raise _Malformed


def _text(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _Malformed from None


def _about(metadata, path):
    """Put the parts together, each checked."""
    if metadata.get("format") != FORMAT:
        raise _foreign(path, f"has no metadata of format {FORMAT}")
    try:
        parts = {name: json.loads(metadata[name]) for name in PARTS}
    except (KeyError, ValueError, RecursionError):
        raise _foreign(path, "lacks a part of its metadata") from None
    if not all(isinstance(part, dict) for part in parts.values()) or not _is_about(parts["about"]):
        raise _foreign(path, "lacks a part of its metadata")
    if not parts["labels"] or any(_LABELS.get(name) != labels for name, labels in parts["labels"].items()):
        raise MerError(f"{path} answers with the labels {json.dumps(parts['labels'])[:200]}, but some or all of "
                       f"{json.dumps(_LABELS)} are expected: export the model again with this version")
    try:
        chunks.recorded(parts["settings"], quick_start=True)
    except MerError as error:
        raise MerError(f"{path} cannot be used ({error}): export the model again with this version") from None
    return {**parts["about"], **{name: parts[name] for name in PARTS[1:]}, "sha256": metadata.get("sha256")}


def _is_about(about):
    try:
        jsonschema.validate(about, _ABOUT)
    except jsonschema.ValidationError:
        return False
    return True


def _foreign(path, reason):
    return MerError(f"{path} is no model that export.py wrote (it {reason}): make one with 'python3 export.py MODEL'")
