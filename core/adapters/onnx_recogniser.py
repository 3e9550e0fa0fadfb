"""Recognisers that are one ONNX network: ours rebuilt, or a published file fitted to take our chips."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.adapters.onnx_graph import Network
from core.alignment import Template

# MobileFaceNet (foamliu) was trained on ImageNet's colours, fractions of 255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_DEVIATION = (58.395, 57.12, 57.375)


class OnnxRecogniser:
    """Implements Recogniser."""

    def __init__(self, model: bytes, template: Template, threads: int = 1) -> None:
        """`model` takes `pixels`, (n, side, side, 3), RGB, uint8."""
        self.template = template
        self._network = Network(model, threads)

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, dimension), not yet of unit length."""
        return self._network.run(chips)[0]


def fitted(model: bytes, mean: Sequence[float] = (0, 0, 0), deviation: Sequence[float] = (1, 1, 1)) -> bytes:
    """Return a model for one image (1, 3, side, side), RGB, made to take chips (n, side, side, 3), uint8.

    The chips enter as `(chips - mean) / deviation`, per channel.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    weights = {weight.name for weight in graph.initializer}  # old exporters list these among the inputs
    entry = next(entry for entry in graph.input if entry.name not in weights)
    side = entry.type.tensor_type.shape.dim[2].dim_value
    _free_batch(graph)
    for node, steps in zip(_entrance(entry.name), range(4), strict=True):
        graph.node.insert(steps, node)
    for name, values in (("chips_mean", mean), ("chips_deviation", deviation)):
        graph.initializer.append(
            numpy_helper.from_array(np.array(values, np.float32).reshape(1, 3, 1, 1), name)
        )
    graph.input.remove(entry)
    graph.input.insert(0, helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", side, side, 3]))
    return bytes(proto.SerializeToString())


def _entrance(name: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Cast", ["pixels"], ["chips_floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["chips_floats"], ["chips_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["chips_planes", "chips_mean"], ["chips_centred"]),
        helper.make_node("Div", ["chips_centred", "chips_deviation"], [name]),
    ]


def _free_batch(graph: onnx.GraphProto) -> None:
    """Let the first axis be of any length, also where the exporter wrote a 1 into a reshape."""
    del graph.value_info[:]
    for leaving in graph.output:
        leaving.type.tensor_type.shape.dim[0].dim_param = "n"
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    constants = [weight for weight in graph.initializer if weight.name in shapes]
    constants += [node.attribute[0].t for node in graph.node if shapes & set(node.output) and node.attribute]
    for constant in constants:
        lengths = numpy_helper.to_array(constant).copy()
        if lengths.size > 1 and lengths[0] == 1:
            lengths[0] = 0  # as long as what comes in
            constant.CopyFrom(numpy_helper.from_array(lengths, constant.name))
