"""The networks as written for speed, against the same layers written plainly."""

from io import BytesIO

import joblib
import numpy as np
import pytest

from core.adapters.mtcnn_weights import MEAN, SCALE, build_proposer, build_refiner
from core.adapters.onnx_graph import Graph, Network

PNET = [(3, 3, 3, 10), (3, 3, 10, 16), (3, 3, 16, 32)]
RNET = [(3, 3, 3, 28), (3, 3, 28, 48), (2, 2, 48, 64)]


def layer(kernel: tuple[int, ...], random: np.random.Generator) -> list[np.ndarray]:
    """Return a kernel and a bias, (kernel), (out,)."""
    fan_in = np.prod(kernel[:-1])
    return [
        (random.normal(size=kernel) / np.sqrt(fan_in)).astype(np.float32),
        random.normal(size=kernel[-1:]).astype(np.float32),
    ]


def with_slopes(kernel: tuple[int, ...], random: np.random.Generator) -> list[np.ndarray]:
    """Return a layer and its PReLU's slopes: falling ones, rising ones and some steeper than one."""
    slopes = random.uniform(-1.5, 1.5, (1, 1, kernel[-1])[4 - len(kernel) :]).astype(np.float32)
    return [*layer(kernel, random), slopes]


def file_of(arrays: list[np.ndarray]) -> bytes:
    buffer = BytesIO()
    joblib.dump(arrays, buffer)
    return buffer.getvalue()


def plain_convolutions(arrays: list[np.ndarray], pools: list[tuple[int, str] | None]) -> tuple[Graph, str]:
    """Return three convolutions as the paper has them: each with its PReLU, then a maximum if it has one."""
    graph = Graph("plain", MEAN, SCALE)
    value = graph.start
    for index, pool in enumerate(pools):
        kernel, bias, slopes = arrays[3 * index : 3 * index + 3]
        value = graph.conv(value, kernel.transpose(3, 2, 0, 1), bias)
        value = graph.add("PRelu", value, graph.weight(slopes.reshape(-1, 1, 1)))
        if pool:
            side, padding = pool
            value = graph.add("MaxPool", value, kernel_shape=[side, side], strides=[2, 2], auto_pad=padding)
    return graph, value


@pytest.mark.parametrize("shape", [(12, 12), (13, 40), (61, 48)])
def test_the_proposer_equals_its_layers_written_plainly(shape):
    random = np.random.default_rng(3)
    arrays = [array for kernel in PNET for array in with_slopes(kernel, random)]
    arrays += layer((1, 1, 32, 4), random) + layer((1, 1, 32, 2), random)
    graph, value = plain_convolutions(arrays, [(2, "SAME_UPPER"), None, None])
    outputs = [graph.conv(value, arrays[i].transpose(3, 2, 0, 1), arrays[i + 1]) for i in (9, 11)]
    plain = graph.build("height", "width", [outputs[0], graph.add("Softmax", outputs[1], axis=1)])
    pixels = random.integers(0, 256, (1, *shape, 3), np.uint8)

    offsets, scores = Network(build_proposer(file_of(arrays)), threads=1).run(pixels)

    plain_offsets, both_scores = Network(plain, threads=1).run(pixels)
    np.testing.assert_allclose(offsets, plain_offsets, atol=1e-5)
    np.testing.assert_allclose(scores[:, 0], both_scores[:, 1], atol=1e-5)


def test_the_refiner_equals_its_layers_written_plainly():
    random = np.random.default_rng(4)
    arrays = [array for kernel in RNET for array in with_slopes(kernel, random)]
    arrays += with_slopes((576, 128), random) + layer((128, 4), random) + layer((128, 2), random)
    arrays[11] = arrays[11].reshape(128)
    graph, value = plain_convolutions(arrays, [(3, "SAME_UPPER"), (3, "VALID"), None])
    flat = graph.add("Flatten", graph.add("Transpose", value, perm=[0, 3, 2, 1]))
    dense = graph.add("Gemm", flat, graph.weight(arrays[9]), graph.weight(arrays[10]))
    dense = graph.add("PRelu", dense, graph.weight(arrays[11]))
    outputs = [
        graph.add("Gemm", dense, graph.weight(arrays[i]), graph.weight(arrays[i + 1])) for i in (12, 14)
    ]
    plain = graph.build(24, 24, [outputs[0], graph.add("Softmax", outputs[1], axis=1)])
    pixels = random.integers(0, 256, (5, 24, 24, 3), np.uint8)

    both = Network(build_refiner(file_of(arrays)), threads=1).run(pixels)

    for ours, theirs in zip(both, Network(plain, threads=1).run(pixels), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
