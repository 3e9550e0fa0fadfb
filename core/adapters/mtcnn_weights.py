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
    """Return P-Net: (1, h, w, 3) to offsets (1, 4, rows, columns) and scores (1, 1, rows, columns)."""
    weights = _weights(content)
    graph = Graph("pnet", MEAN, SCALE)
    value = _conv_prelu_halved(graph, graph.start, weights)
    value = _conv_prelu(graph, _conv_prelu(graph, value, weights), weights)
    value = graph.conv(value, *_offsets_and_logit(weights))
    offsets = graph.add("Slice", value, graph.shape([0]), graph.shape([4]), graph.shape([1]))
    logits = graph.add("Slice", value, graph.shape([4]), graph.shape([5]), graph.shape([1]))
    return graph.build("height", "width", [offsets, graph.add("Sigmoid", logits)])


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


def _filters(weights: Iterator[Array]) -> tuple[Array, Array]:
    """Return the next layer's filters (out, in, height, width) and bias."""
    return next(weights).transpose(3, 2, 0, 1), next(weights)


def _offsets_and_logit(weights: Iterator[Array]) -> tuple[Array, Array]:
    """Return P-Net's two last layers as one: a softmax over two is the sigmoid of their difference."""
    (offsets, shifts), (scores, biases) = _filters(weights), _filters(weights)
    return np.concatenate([offsets, scores[1:] - scores[:1]]), np.append(shifts, biases[1] - biases[0])


def _conv_prelu(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    """Add a convolution and a PReLU, written as slope * x + (1 - slope) * relu(x).

    onnxruntime leaves its fast layout for a PRelu, and is twice as slow with one.
    """
    value = graph.conv(source, *_filters(weights))
    slopes = next(weights).ravel()
    return graph.add(
        "Add", graph.mixed(value, np.diag(slopes)), graph.mixed(graph.add("Relu", value), np.diag(1 - slopes))
    )


def _conv_prelu_halved(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    """Add a convolution, a PReLU and a 2x2 maximum, with the PReLU after it: on a quarter of the numbers.

    A rising PReLU may change places with the maximum. One that falls below zero has its maximum where x is
    largest or where slope * x is: those filters are there twice, the second time multiplied by the slope.
    """
    filters, bias = _filters(weights)
    slopes = next(weights).ravel()
    rises, one = slopes >= 0, np.eye(len(slopes))
    falling = np.hstack([one, (one * slopes)[:, ~rises]])
    doubled = np.einsum("oc,oihw->cihw", falling, filters), bias @ falling
    value = _pool(graph, graph.conv(source, *doubled), 2, "SAME_UPPER")
    none, second = np.zeros_like(one[:, ~rises]), one[:, ~rises]
    low = graph.mixed(value, np.hstack([one * np.where(rises, slopes, 1), none]))
    above = graph.add("Relu", graph.mixed(value, np.hstack([one * np.where(rises, 1, -1), second])))
    return graph.add("Add", low, graph.mixed(above, one * np.where(rises, 1 - slopes, 1)))


def _pool(graph: Graph, source: str, side: int, padding: str) -> str:
    return graph.add("MaxPool", source, kernel_shape=[side, side], strides=[2, 2], auto_pad=padding)


def _dense(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    return graph.add("Gemm", source, graph.weight(next(weights)), graph.weight(next(weights)))


def _dense_prelu(graph: Graph, source: str, weights: Iterator[Array]) -> str:
    # the kernel was trained on (width, height, channels) flattened
    flat = graph.add("Flatten", graph.add("Transpose", source, perm=[0, 3, 2, 1]))
    value = _dense(graph, flat, weights)
    return graph.add("PRelu", value, graph.weight(np.asarray(next(weights))))
