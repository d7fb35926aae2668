"""Changes to an ONNX graph that keep what it computes: order and names, smaller weights."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

PRODUCER = "mer"


def tidy(model, *, outputs, unnamed=(), batch="n"):
    """Put a freshly converted model into one form: the same weights give the same bytes.

    Converters number their nodes as they go and sort the outputs by name. Here nodes stand in the order in which the
    outputs need them, values are called v0, v1, ..., weights w0, w1, ...; outputs keep their names.

    Parameters
    ----------
    model : onnx.ModelProto
    outputs : sequence of str
        Names of the outputs, in the order wanted.
    unnamed : sequence of str
        The order in which a converter gives them that loses their names, as that of torch does.
    batch : str
        Name of the first axis of input and outputs.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ValueError
        The model has other outputs.
    """
    graph = model.graph
    if all(value.name.isdigit() for value in graph.output) and len(graph.output) == len(unnamed):
        _rename(graph, {value.name: name for value, name in zip(graph.output, unnamed, strict=True)})
    weights = {tensor.name: tensor for tensor in graph.initializer} | _constants(graph)
    makers = {name: node for node in graph.node for name in node.output if name not in weights}
    by_name = {value.name: value for value in graph.output}
    if set(by_name) != set(outputs):
        raise ValueError(f"outputs {sorted(by_name)} came, {sorted(outputs)} were expected")
    nodes = _in_order(outputs, makers)
    names = {"": "", **{value.name: value.name for value in (*graph.input, *graph.output)}}
    used = []
    for node in nodes:
        for name in node.input:
            if name in weights and name not in names:
                names[name] = f"w{len(used)}"
                used.append(name)
        for name in node.output:
            names.setdefault(name, f"v{len(names)}")
    made = [helper.make_node(node.op_type, [names[name] for name in node.input], [names[name] for name in node.output],
                             domain=node.domain) for node in nodes]
    for new, old in zip(made, nodes, strict=True):
        new.attribute.extend(sorted(old.attribute, key=lambda attribute: attribute.name))
    tensors = [numpy_helper.from_array(numpy_helper.to_array(weights[name]), names[name]) for name in used]
    ends = [*graph.input, *(by_name[name] for name in outputs)]
    for value in ends:
        value.type.tensor_type.shape.dim[0].dim_param = batch
    tidied = helper.make_graph(made, PRODUCER, ends[:len(graph.input)], ends[len(graph.input):], tensors)
    opsets = sorted({node.domain for node in made} | {""})
    return helper.make_model(tidied, producer_name=PRODUCER, ir_version=model.ir_version, opset_imports=[
        opset for opset in model.opset_import if opset.domain in opsets])


def _rename(graph, names):
    for value in graph.output:
        value.name = names[value.name]
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _constants(graph):
    """Tensors inside operators, by the name of their value: kept as weights, since no reader need look for them."""
    return {node.output[0]: attribute.t for node in graph.node if node.op_type == "Constant"
            for attribute in node.attribute if attribute.name == "value"}


def _in_order(outputs, makers):
    """All nodes that the outputs need, each after those that it needs itself."""
    ordered, seen, waiting = [], set(), [makers[name] for name in reversed(outputs)]
    while waiting:
        node = waiting.pop()
        if node.output[0] in seen:
            continue
        needed = [makers[name] for name in node.input if name in makers and makers[name].output[0] not in seen]
        if needed:
            waiting += [node, *reversed(needed)]
        else:
            seen.add(node.output[0])
            ordered.append(node)
    return ordered


def shrink(graph, *, least_weights=2**12):
    """Store dense kernels in 8 bits, with a scale per column, and convolution kernels in 16.

    A runtime turns them back into float32 once, when it opens the file (`Cast`, `Mul`), and computes as before: no
    slower, and no rounding of the activations. Convolutions in 8 bits would cost more accuracy than everything else
    together, and save a few per cent.

    Parameters
    ----------
    graph : onnx.GraphProto
        Changed in place.
    least_weights : int
        Kernels with fewer stay as they are.
    """
    weights = {tensor.name: tensor for tensor in graph.initializer}
    unpacking = []
    for node in graph.node:
        name = node.input[1] if node.op_type in ("MatMul", "Conv") else ""
        if name not in weights:
            continue
        tensor = weights.pop(name)
        kernel = numpy_helper.to_array(tensor)
        if kernel.size < least_weights or kernel.dtype != np.float32:
            continue
        if node.op_type == "Conv":
            tensor.CopyFrom(numpy_helper.from_array(kernel.astype(np.float16), f"{name}.half"))
            unpacking.append(helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
            continue
        scale = np.maximum(np.abs(kernel).max(axis=0) / 127, np.finfo(np.float32).tiny)
        tensor.CopyFrom(numpy_helper.from_array(np.rint(kernel / scale).astype(np.int8), f"{name}.int8"))
        graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        unpacking += [helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=onnx.TensorProto.FLOAT),
                      helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name])]
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*unpacking, *nodes])
