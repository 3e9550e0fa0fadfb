"""An ONNX network written layer by layer, and a quiet session to run it. No file is involved."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8  # the oldest that carries opset 17

Array = NDArray[Any]


class Graph:
    """Nodes and weights in the order they were added; pixels enter as (n, height, width, 3), RGB, uint8."""

    def __init__(self, name: str, mean: Sequence[float], scale: float) -> None:
        """Begin with the pixels as (n, 3, height, width), float32, `(pixels - mean) * scale`."""
        self.name = name
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        floats = self.add("Cast", "pixels", to=TensorProto.FLOAT)
        planes = self.add("Transpose", floats, perm=[0, 3, 1, 2])
        centred = self.add("Sub", planes, self.weight(np.reshape(mean, (1, 3, 1, 1))))
        self.start = self.add("Mul", centred, self.weight(np.float32(scale)))

    def weight(self, values: Array | np.float32) -> str:
        """Keep float32 values and return their name."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def shape(self, values: Sequence[int]) -> str:
        """Keep integers that an operator takes as an input, such as a padding, and return their name."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def add(self, operator: str, *inputs: str, **attributes: object) -> str:
        """Add one operator with one output and return that output's name."""
        output = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def conv(self, source: str, filters: Array, bias: Array, **attributes: object) -> str:
        """Add a convolution; filters are (out, in, height, width)."""
        return self.add("Conv", source, self.weight(filters), self.weight(bias), **attributes)

    def scaled(self, source: str, factors: Array) -> str:
        """Multiply each channel by its factor."""
        filters = self.weight(factors.reshape(-1, 1, 1, 1))
        return self.add("Conv", source, filters, group=len(factors))

    def mixed(self, source: str, matrix: Array) -> str:
        """Multiply the channels of every pixel by a matrix, (out, in)."""
        return self.add("Conv", source, self.weight(matrix[:, :, None, None]))

    def build(self, height: int | str, width: int | str, outputs: Sequence[str]) -> bytes:
        """Return the model; a text as height or width leaves it open."""
        entry = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", height, width, 3])
        exits = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self._nodes, self.name, [entry], exits, self._weights)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


class Network:
    """A model ready to run on the CPU."""

    def __init__(self, model: bytes, threads: int, batch: int = 64) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # every photo has another shape
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._batch = batch

    def run(self, pixels: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return each output for all n of `pixels`, (n, height, width, 3), n at least 1.

        Works in batches so that a crowd does not cost memory without bound.
        """
        starts = range(0, len(pixels), self._batch)
        parts = [self._session.run(None, {"pixels": pixels[start : start + self._batch]}) for start in starts]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]
