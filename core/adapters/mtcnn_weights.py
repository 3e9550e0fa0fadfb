"""The three MTCNN networks (Zhang et al. 2016; weights of the MIT-licensed `mtcnn` package) as ONNX graphs.

The package keeps each network's parameters as a joblib list in Keras order: a kernel (height, width, in,
out) and a bias for each layer, and a slope for each PReLU.
"""

from collections.abc import Iterator
from io import BytesIO

import joblib
import numpy as np

from core.adapters.onnx_graph import Array, Graph

MEAN = (127.5, 127.5, 127.5)
SCALE = 1 / 128


def build_proposer(content: bytes) -> bytes:
    """Return P-Net: (1, h, w, 3) to offsets (1, 4, rows, columns) and scores (1, 2, rows, columns)."""
    weights = _weights(content)
    graph = Graph("pnet", MEAN, SCALE)
    value = _pool(graph, _conv_prelu(graph, graph.start, weights), 2, "SAME_UPPER")
    value = _conv_prelu(graph, _conv_prelu(graph, value, weights), weights)
    offsets = _conv(graph, value, weights)
    scores = graph.add("Softmax", _conv(graph, value, weights), axis=1)
    return graph.build("height", "width", [offsets, scores])


def build_refiner(content: bytes) -> bytes:
    """Return R-Net: (n, 24, 24, 3) to offsets (n, 4) and scores (n, 2)."""
    weights = _weights(content)
    graph = Graph("rnet", MEAN, SCALE)
    value = _pool(graph, _conv_prelu(graph, graph.start, weights), 3, "SAME_UPPER")
    value = _pool(graph, _conv_prelu(graph, value, weights), 3, "VALID")
    value = _dense_prelu(graph, _conv_prelu(graph, value, weights), weights)
    offsets = _dense(graph, value, weights)
    scores = graph.add("Softmax", _dense(graph, value, weights), axis=1)
    return graph.build(24, 24, [offsets, scores])


def build_landmarker(content: bytes) -> bytes:
    """Return O-Net: (n, 48, 48, 3) to offsets (n, 4), points (n, 10: five x, five y) and scores (n, 2)."""
    weights = _weights(content)
    graph = Graph("onet", MEAN, SCALE)
    value = _pool(graph, _conv_prelu(graph, graph.start, weights), 3, "SAME_UPPER")
    value = _pool(graph, _conv_prelu(graph, value, weights), 3, "VALID")
    value = _pool(graph, _conv_prelu(graph, value, weights), 2, "SAME_UPPER")
    value = _dense_prelu(graph, _conv_prelu(graph, value, weights), weights)
    offsets = _dense(graph, value, weights)
    points = _dense(graph, value, weights)
    scores = graph.add("Softmax", _dense(graph, value, weights), axis=1)
    return graph.build(48, 48, [offsets, points, scores])


def _weights(content: bytes) -> Iterator[Array]:
    """Yield the arrays in order. The caller has checked the hash: joblib files can run code."""
    return iter(joblib.load(BytesIO(content)))


def _conv(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    return graph.conv(source, next(weights).transpose(3, 2, 0, 1), next(weights))


def _conv_prelu(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    value = _conv(graph, source, weights)
    return graph.add("PRelu", value, graph.weight(next(weights).reshape(-1, 1, 1)))


def _pool(graph: Graph, source: str, side: int, padding: str) -> str:
    return graph.add("MaxPool", source, kernel_shape=[side, side], strides=[2, 2], auto_pad=padding)


def _dense(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    return graph.add("Gemm", source, graph.weight(next(weights)), graph.weight(next(weights)))


def _dense_prelu(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    # the kernel was trained on (width, height, channels) flattened
    flat = graph.add("Flatten", graph.add("Transpose", source, perm=[0, 3, 2, 1]))
    value = _dense(graph, flat, weights)
    return graph.add("PRelu", value, graph.weight(np.asarray(next(weights))))
