"""dlib's face recognition ResNet (public domain, davisking/dlib-models) as an ONNX graph, without dlib.

The `.dat` file is dlib's serialisation: the layers from the input to the output, each named by a
length-prefixed text and followed by its parameters. Only convolutions, affines and the last matrix hold
parameters; how they hang together is the published `anet_type` of dlib's dnn_face_recognition example.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core.adapters.onnx_graph import Graph

MEAN = (122.782, 117.001, 104.298)  # dlib's input_rgb_image_sized
SIDE = 150
DIMENSION = 128

# (filters, whether the first block of the level halves the picture, blocks), from input to output
LEVELS = ((32, False, 3), (64, True, 4), (128, True, 3), (256, True, 3), (256, True, 1))

Floats = NDArray[np.float32]


def build_recogniser(content: bytes) -> bytes:
    """Return the ONNX model: (n, 150, 150, 3) RGB uint8 to (n, 128), not yet of unit length."""
    layers = _Layers(content)
    graph = Graph("dlib_resnet", MEAN, 1 / 256)
    stem = graph.add("Relu", layers.conv(graph, graph.start, 32, 3, 7, 2))
    value = graph.add("MaxPool", stem, kernel_shape=[3, 3], strides=[2, 2])
    channels, side = 32, 35  # 150 -> 72 by the convolution -> 35 by the pool
    for filters, halves, blocks in LEVELS:
        for block in range(blocks):
            down = halves and block == 0
            value = _residual(graph, layers, value, channels, filters, side if down else 0)
            channels, side = filters, side // 2 if down else side
    pooled = graph.add("Flatten", graph.add("GlobalAveragePool", value))
    return graph.build(SIDE, SIDE, [graph.add("MatMul", pooled, graph.weight(layers.matrix(channels)))])


def _residual(graph: Graph, layers: "_Layers", source: str, inputs: int, filters: int, halve: int) -> str:
    """Add one residual block; `halve` is the side of its input when it halves it, else 0."""
    stride = 2 if halve else 1
    first = graph.add("Relu", layers.conv(graph, source, filters, inputs, 3, stride))
    second = layers.conv(graph, first, filters, filters, 3, 1)
    shortcut = source
    if halve:
        shortcut = graph.add("AveragePool", source, kernel_shape=[2, 2], strides=[2, 2])
        shortcut = _padded(graph, shortcut, filters - inputs, 0)
        second = _padded(graph, second, 0, halve // 2 - (halve - 1) // 2)
    return graph.add("Relu", graph.add("Add", shortcut, second))


def _padded(graph: Graph, source: str, channels: int, pixels: int) -> str:
    """Fill up with zeros at the end, as dlib's add_prev does where two shapes differ."""
    if not channels and not pixels:
        return source
    return graph.add("Pad", source, graph.shape([0, 0, 0, 0, 0, channels, pixels, pixels]))


class _Layers:
    """Hands out the parameters in file order."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    def conv(self, graph: Graph, source: str, filters: int, inputs: int, side: int, stride: int) -> str:
        """Add the next convolution with the affine behind it folded in."""
        size = filters * inputs * side * side
        weights, bias = np.split(self._parameters(b"con_4", 0, size + filters), [size])
        gamma, beta = np.split(self._parameters(b"affine_", 0, 2 * filters), 2)
        folded = weights.reshape(filters, inputs, side, side) * gamma[:, None, None, None]
        padding = [side // 2 if stride == 1 else 0] * 4
        return graph.conv(source, folded, bias * gamma + beta, strides=[stride] * 2, pads=padding)

    def matrix(self, inputs: int) -> Floats:
        """Return the last layer, (inputs, 128)."""
        return self._parameters(b"fc_2", 2, inputs * DIMENSION).reshape(inputs, DIMENSION)

    def _parameters(self, name: bytes, between: int, count: int) -> Floats:
        """Return the `count` numbers of the next layer `name`, `between` integers after its name."""
        marker = bytes([1, len(name)]) + name
        start = self._content.index(marker, self._position) + len(marker)
        numbers = _integers(self._content, start)
        header = [next(numbers) for _ in range(between + 5)][between:]  # version, samples, k, rows, columns
        values = header[1][0] * header[2][0] * header[3][0] * header[4][0]
        if header[0][0] != 2 or values != count:
            raise ValueError(f"layer {name!r} holds {values} parameters where {count} were expected")
        self._position = header[4][1] + 4 * count
        return np.frombuffer(self._content, "<f4", count, header[4][1])


def _integers(content: bytes, position: int) -> Iterator[tuple[int, int]]:
    """Yield dlib's integers, each with the position behind it: a byte of length, then little-endian bytes."""
    while True:
        length = content[position] & 0x0F
        end = position + 1 + length
        yield int.from_bytes(content[position + 1 : end], "little"), end
        position = end
