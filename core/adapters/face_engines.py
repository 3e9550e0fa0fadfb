"""From the name of an engine to the engine, loaded. Only a pixel child does this."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from core import engines, weights
from core.adapters import deepface_faces  # TensorFlow is not loaded by this
from core.adapters.dlib_weights import build_recogniser
from core.adapters.five_point_engine import Detector, FivePointEngine, Recogniser
from core.adapters.mtcnn_detector import MtcnnDetector
from core.adapters.onnx_recogniser import IMAGENET_DEVIATION, IMAGENET_MEAN, OnnxRecogniser, fitted
from core.adapters.yunet_detector import YunetDetector
from core.alignment import ARCFACE_TEMPLATE, DLIB_TEMPLATE
from core.engines import EngineSpec
from core.ports import FaceEngine

THREADS = 1  # per child: two workers on two cores do not fight


def load(name: str, folder: Path) -> FaceEngine:
    """Return the engine of that name with the weights of that folder, checked.

    `module:attribute` is an engine of somebody else, made without arguments. Raises UnknownEngine,
    WeightsMissing.
    """
    if ":" in name:
        module, _, factory = name.partition(":")
        made: FaceEngine = getattr(importlib.import_module(module), factory)()
        return made
    return assembled(engines.named(name), folder)


def assembled(spec: EngineSpec, folder: Path) -> FivePointEngine:
    """Return the engine that a spec describes. Raises WeightsMissing."""
    found = weights.read(spec, folder)
    detector, recogniser = _parts(spec, found.contents)
    return FivePointEngine(engines.identity(spec, found.digests), detector, recogniser, spec.min_confidence)


def _parts(spec: EngineSpec, contents: Mapping[str, bytes]) -> tuple[Detector, Recogniser]:
    if spec.detector == "RetinaFace":
        return deepface_faces.build(spec, contents)
    *detector, recogniser = contents.values()
    return DETECTORS[spec.detector](detector), RECOGNISERS[spec.recogniser](recogniser)


def _mtcnn(contents: Sequence[bytes]) -> Detector:
    return MtcnnDetector(contents, THREADS)


def _yunet(contents: Sequence[bytes]) -> Detector:
    return YunetDetector(contents[0])


def _dlib(content: bytes) -> Recogniser:
    return OnnxRecogniser(build_recogniser(content), DLIB_TEMPLATE, THREADS)


def _mobile_face(content: bytes) -> Recogniser:
    return OnnxRecogniser(fitted(content, IMAGENET_MEAN, IMAGENET_DEVIATION), ARCFACE_TEMPLATE, THREADS)


def _sface(content: bytes) -> Recogniser:
    return OnnxRecogniser(fitted(content), ARCFACE_TEMPLATE, THREADS)  # it centres and scales colours itself


DETECTORS: dict[str, Callable[[Sequence[bytes]], Detector]] = {"MTCNN": _mtcnn, "YuNet": _yunet}
RECOGNISERS: dict[str, Callable[[bytes], Recogniser]] = {
    "dlib ResNet-29": _dlib,
    "MobileFaceNet": _mobile_face,
    "SFace": _sface,
}
