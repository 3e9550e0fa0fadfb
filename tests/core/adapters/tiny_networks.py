"""Small ONNX networks for the tests of what runs published ones."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

DIMENSION = 128


def one_image_network(names: tuple[str, str], weights_are_inputs: bool = False) -> bytes:
    """Return a network of the shapes of SFace's file: one image (1, 3, 112, 112) in, one embedding out.

    `names`: of its input and output.
    """
    random = np.random.default_rng(7)
    weights = {
        "kernel": random.normal(0, 0.1, (DIMENSION, 3, 16, 16)).astype(np.float32),
        "shape": np.array([1, -1], np.int64),
    }
    nodes = [
        helper.make_node("Conv", [names[0], "kernel"], ["seen"], strides=[16, 16]),
        helper.make_node("Relu", ["seen"], ["lit"]),
        helper.make_node("GlobalMaxPool", ["lit"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "shape"], [names[1]]),
    ]
    entries = [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, [1, 3, 112, 112])]
    if weights_are_inputs:
        entries.insert(0, helper.make_tensor_value_info("kernel", TensorProto.FLOAT, [DIMENSION, 3, 16, 16]))
    exits = [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, [1, DIMENSION])]
    kept = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "published", entries, exits, kept)
    opsets = [helper.make_opsetid("", 11)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=6).SerializeToString()
