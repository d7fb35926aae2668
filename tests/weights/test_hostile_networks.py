"""Hostile networks: an exported file reads no other file, its memory has a bound, and it is refused in one sentence."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from test_engines import save, tiny

from mer import MerError
from mer.weights import engines

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -r requirements-export.txt")


def test_weights_in_other_files_are_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64 * 15 * 2 * 4))
    model = tiny()
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "valence.kernel")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    with pytest.raises(MerError, match="keeps its weights in other files"):
        engines.open_onnx(save(model, tmp_path / "m.onnx"))


@pytest.mark.parametrize("spoil", ["tensor", "graph"])
def test_hidden_parts_are_refused(tmp_path, spoil):
    from onnx import helper
    model = tiny()
    value = helper.make_tensor("t", 1, [1], [0.0]) if spoil == "tensor" else helper.make_graph([], "g", [], [])
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=value))
    with pytest.raises(MerError, match="has tensors or graphs inside its operators"):
        engines.open_onnx(save(model, tmp_path / "m.onnx"))


def test_functions_are_refused(tmp_path):
    model = tiny()
    model.functions.append(onnx.helper.make_function("d", "F", [], [], [], []))
    with pytest.raises(MerError, match="holds functions, training steps or other parts"):
        engines.open_onnx(save(model, tmp_path / "m.onnx"))


def test_an_operator_that_the_runtime_does_not_know(tmp_path):
    model = tiny()
    model.graph.node[0].op_type = "Nonsense"
    with pytest.raises(MerError, match=r"is damaged or too new for this onnxruntime \(.*Nonsense") as caught:
        engines.open_onnx(save(model, tmp_path / "m.onnx"))
    assert "\n" not in str(caught.value)


def external(tensor, location="secret"):
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def sparse(model, *, outside):
    tensors = [onnx.numpy_helper.from_array(np.ones(2, np.float32), "s"),
               onnx.numpy_helper.from_array(np.arange(2), "i")]
    made = onnx.helper.make_sparse_tensor(external(tensors[0]) if outside else tensors[0], tensors[1], [960, 4])
    model.graph.sparse_initializer.append(made)


def kernel(model):
    return next(tensor for tensor in model.graph.initializer if tensor.name == "valence.kernel")


def inner_graph(model, kind):
    """A branch or loop body with weights in another file."""
    body = onnx.helper.make_graph([], "g", [], [], [external(onnx.numpy_helper.from_array(np.ones(2, np.float32)))])
    names = {"If": ["then_branch", "else_branch"], "Loop": ["body"], "Scan": ["body"]}[kind]
    model.graph.node.append(onnx.helper.make_node(kind, ["flat"], ["unused"], **dict.fromkeys(names, body)))


def attribute(model, value):
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["unused"], value=value))


def function_with_external(model):
    inner = onnx.helper.make_node("Constant", [], ["a"], value=external(onnx.numpy_helper.from_array(np.ones(2))))
    model.functions.append(onnx.helper.make_function("d", "F", [], ["a"], [inner], []))


def doubled(model, times, **attributes):
    """The same twice, and that twice, ...: 2**times as large."""
    for number in range(times):
        name = "flat" if number == 0 else f"d{number}"
        model.graph.node.append(onnx.helper.make_node("Concat", [name, name], [f"d{number + 1}"], **attributes))
    model.graph.node.append(onnx.helper.make_node("ReduceMax", [f"d{times}"], ["most"], axes=[1], keepdims=1))
    softmax = next(node for node in model.graph.node if node.output[0] == "valence")
    model.graph.node.remove(softmax)
    model.graph.node.extend([onnx.helper.make_node("Add", ["valence.sum", "most"], ["plus"]),
                             onnx.helper.make_node("Softmax", ["plus"], ["valence"])])


def replace_softmax(model, kind, inputs=("valence.sum",), **attributes):
    softmax = next(node for node in model.graph.node if node.output[0] == "valence")
    softmax.CopyFrom(onnx.helper.make_node(kind, list(inputs), ["valence"], **attributes))


HOSTILE = {
    "external": lambda model: external(kernel(model)),
    "external_absolute": lambda model: external(kernel(model), "/etc/hostname"),
    "external_above": lambda model: external(kernel(model), "../secret"),
    "external_unused": lambda model: model.graph.initializer.append(
        external(onnx.numpy_helper.from_array(np.ones(2, np.float32), "unused"))),
    "external_key_without_location": lambda model: kernel(model).external_data.add(key="location", value="secret"),
    "segment": lambda model: kernel(model).segment.MergeFrom(onnx.TensorProto.Segment(begin=0, end=9)),
    "sparse_external": lambda model: sparse(model, outside=True),
    "sparse": lambda model: sparse(model, outside=False),
    "attribute_tensor": lambda model: attribute(model, external(onnx.numpy_helper.from_array(np.ones(2)))),
    "attribute_sparse_tensor": lambda model: model.graph.node.append(onnx.helper.make_node(
        "Constant", [], ["u"], sparse_value=onnx.helper.make_sparse_tensor(
            external(onnx.numpy_helper.from_array(np.ones(2))), onnx.numpy_helper.from_array(np.arange(2)), [5]))),
    "if": lambda model: inner_graph(model, "If"),
    "loop": lambda model: inner_graph(model, "Loop"),
    "scan": lambda model: inner_graph(model, "Scan"),
    "function": function_with_external,
    "training": lambda model: model.training_info.add(),
    "other_domain": lambda model: setattr(model.graph.node[0], "domain", "com.microsoft"),
    "huge_kernel_declared": lambda model: kernel(model).dims.__setitem__(0, 2**40),
    "negative_kernel_declared": lambda model: kernel(model).dims.__setitem__(0, -5),
    "kernel_of_another_type": lambda model: setattr(kernel(model), "data_type", 8),
    "fails_while_running": lambda model: replace_softmax(model, "Reshape", ["valence.sum", "quadrants.shape"]),
    "gives_nan": lambda model: (replace_softmax(model, "Log"), kernel(model).CopyFrom(
        onnx.numpy_helper.from_array(np.full((960, 2), -1, np.float32), "valence.kernel"))),
    "a_cycle": lambda model: model.graph.node[1].input.__setitem__(0, "valence"),
}


def test_a_title_acts_on_no_terminal(tmp_path):
    model = tiny(about={"model": "m", "title": "\x1b[2J\u202eCPC"})
    assert engines.open_onnx(save(model, tmp_path / "m.onnx")).title == "\\x1b[2J\\u202eCPC"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_networks_end_in_one_sentence(tmp_path, name):
    (tmp_path / "secret").write_bytes(bytes(960 * 2 * 4))
    model = tiny()
    if name == "fails_while_running":
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([7, 2]), "quadrants.shape"))
    HOSTILE[name](model)
    with pytest.raises(MerError) as caught:
        engine = engines.open_onnx(save(model, tmp_path / "m.onnx"))
        engine.predict(np.ones((3, 64, 15, 1), np.float32))
    sentence = str(caught.value)
    assert sentence.isprintable() and str(tmp_path) in sentence and len(sentence) < 700


def test_a_network_that_grows_beyond_memory(tmp_path):
    """In a process of its own: the memory that onnxruntime once took stays with its process, 3 GB here."""
    model = tiny()
    doubled(model, 31, axis=1)
    # VmHWM, not ru_maxrss: the latter begins with the size of the process that started this one
    code = ("import re, sys\nfrom pathlib import Path\nimport numpy as np\nfrom mer import cli\n"
            "from mer.weights import engines\n"
            "def predict():\n"
            "    engine = engines.open_onnx(Path(sys.argv[1]))\n"
            "    engine.predict(np.ones((3, 64, 15, 1), np.float32))\n"
            "try:\n    cli.run(predict)\n"
            "finally:\n    print(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n")
    done = subprocess.run([sys.executable, "-c", code, str(save(model, tmp_path / "m.onnx"))], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 1 and int(done.stdout) < 5_000_000, done.stderr  # kB
    assert done.stderr.startswith(f"error: {tmp_path}") and done.stderr.count("\n") == 1 and len(done.stderr) < 700
