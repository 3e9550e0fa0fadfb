"""The face engines Encore knows: facts about them, and the identity their embeddings carry."""

from dataclasses import dataclass
from hashlib import sha256

from core.alignment import ALIGNMENT_VERSION
from core.ports import EngineIdentity


@dataclass(frozen=True)
class WeightFile:
    """A file inside an installed Python package, pinned by its hash."""

    package: str
    path: str  # relative to the package
    sha256: str


@dataclass(frozen=True)
class EngineSpec:
    """What an engine is made of and where that came from."""

    name: str
    detector: str
    recogniser: str
    dimension: int
    metric: str
    weights: tuple[WeightFile, ...]  # in the order in which the identity takes them
    source: str
    licence: str


BUNDLED = EngineSpec(
    name="bundled",
    detector="MTCNN",
    recogniser="dlib ResNet-29",
    dimension=128,
    metric="cosine",
    weights=(
        WeightFile(
            "mtcnn",
            "assets/weights/pnet.lz4",
            "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
        ),
        WeightFile(
            "mtcnn",
            "assets/weights/rnet.lz4",
            "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
        ),
        WeightFile(
            "mtcnn",
            "assets/weights/onet.lz4",
            "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
        ),
        WeightFile(
            "face_recognition_models",
            "models/dlib_face_recognition_resnet_model_v1.dat",
            "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        ),
    ),
    source="PyPI: mtcnn 1.0.0, face_recognition_models 0.3.0 (from dlib-models)",
    licence="mtcnn: MIT; dlib-models: the author put this model into the public domain (CC0)",
)

ENGINES = {spec.name: spec for spec in (BUNDLED,)}


def identity(spec: EngineSpec) -> EngineIdentity:
    """Return what marks the embeddings of an engine.

    Its weights hash is taken over the files' pinned sha256 in order; an engine refuses any other file.
    """
    digests = b"".join(bytes.fromhex(weight.sha256) for weight in spec.weights)
    return EngineIdentity(
        engine=spec.name,
        weights_sha256=sha256(digests).hexdigest(),
        alignment=ALIGNMENT_VERSION,
        dimension=spec.dimension,
        metric=spec.metric,
    )
