"""The face engines Encore knows: facts about them, and the identity their embeddings carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from core.errors import Unavailable
from core.ports import EngineIdentity

ALIGNMENT_VERSION = "five-points-1"  # of all that `core.alignment` does to a face


class UnknownEngine(Unavailable):
    """A setting, or an event, asks for an engine that this version of Encore does not have."""


class EngineReplaced(Unavailable):
    """A child loaded other weights than its siblings: their embeddings must not be mixed."""


@dataclass(frozen=True)
class PackagedFile:
    """A weight file inside an installed Python package."""

    package: str
    path: str  # relative to the package
    sha256: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class DownloadedFile:
    """A weight file that is fetched when somebody asks for it."""

    name: str  # in the folder of weights
    url: str
    size: int  # bytes; about, where there is no sha256
    sha256: str | None  # None: whatever came first is pinned on this machine, and nothing else taken after it
    start: bytes = b""  # what its kind of file begins with: a page that says sorry is no file of weights


WeightFile = PackagedFile | DownloadedFile


@dataclass(frozen=True)
class Figures:
    """What `python -m benchmarks.faces` found on one set of people; no net was trained on them."""

    dataset: str  # "portraits" or "album"
    measured_on: str  # "2026-11-20"
    fnir: float  # share of own photos missed where 5 % of the searches show a wrong one
    found: float  # share of own photos shown, sure or maybe
    found_sure: float
    wrong: float  # share of searches that show at least one photo without the person
    wrong_sure: float


@dataclass(frozen=True)
class EngineSpec:
    """What an engine is made of, where that came from, and how well it was seen to do."""

    name: str
    detector: str
    recogniser: str
    dimension: int
    metric: str
    weights: tuple[WeightFile, ...]  # the detector's, then the recogniser's one; the identity's order
    min_confidence: float  # the detector's score from which on a face is searched
    source: str
    licence: str
    limits: str  # in plain words, for the one who chooses
    memory: int = 0  # bytes of address space beyond what a pixel child has without it
    measured: tuple[Figures, ...] = ()  # empty: we have not measured it

    @property
    def downloads(self) -> tuple[DownloadedFile, ...]:
        """What has to be fetched before it runs."""
        return tuple(file for file in self.weights if isinstance(file, DownloadedFile))

    @property
    def download_size(self) -> int:
        """Bytes to fetch."""
        return sum(file.size for file in self.downloads)


_MTCNN = (
    PackagedFile(
        "mtcnn",
        "assets/weights/pnet.lz4",
        "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    ),
    PackagedFile(
        "mtcnn",
        "assets/weights/rnet.lz4",
        "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    ),
    PackagedFile(
        "mtcnn",
        "assets/weights/onet.lz4",
        "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
    ),
)
# OpenCV's zoo keeps its files in Git LFS; this host serves the files themselves and not their pointers.
_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo"
_YUNET = DownloadedFile(
    "face_detection_yunet_2023mar.onnx",
    f"{_ZOO}/82b38c8f98e7b52aa171400f3e4c722352d0669f/models/face_detection_yunet/"
    "face_detection_yunet_2023mar.onnx",
    232_589,
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
)
# Released without hashes. The addresses are those in the sources of deepface 0.0.103 and retina-face 0.0.19.
_RELEASE = "https://github.com/serengil/deepface_models/releases/download/v1.0"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_RETINAFACE = DownloadedFile("retinaface.h5", f"{_RELEASE}/retinaface.h5", 119_000_000, None, _HDF5)
_DEEPFACE_SOURCE = "GitHub: serengil/deepface_models, release v1.0; run by PyPI's deepface and retina-face"

BUNDLED = EngineSpec(
    name="bundled",
    detector="MTCNN",
    recogniser="dlib ResNet-29",
    dimension=128,
    metric="cosine",
    weights=(
        *_MTCNN,
        PackagedFile(
            "face_recognition_models",
            "models/dlib_face_recognition_resnet_model_v1.dat",
            "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        ),
    ),
    min_confidence=0.9,
    source="PyPI: mtcnn 1.0.0, face_recognition_models 0.3.0 (from dlib-models)",
    licence="mtcnn: MIT. dlib-models: the author put this model into the public domain (CC0).",
    limits="Needs no download, but often takes people of one region for each other: in a crowd it is sure "
    "of two photos in three.",
    measured=(
        Figures(
            "portraits", "2026-11-20", fnir=0.208, found=0.86, found_sure=0.65, wrong=0.13, wrong_sure=0.00
        ),
        Figures("album", "2026-11-20", fnir=0.082, found=0.88, found_sure=0.73, wrong=0.00, wrong_sure=0.00),
    ),
)
# MTCNN and not YuNet: at 5 % wrong searches, by plain cosine, 7.3 % of the album's photos are missed and not
# 9.0 %, 8.0 % of the portraits and not 9.0 %; both find every face at the same cost (2026-11-20).
LIGHT = EngineSpec(
    name="light",
    detector="MTCNN",
    recogniser="MobileFaceNet",
    dimension=128,
    metric="cosine",
    weights=(
        *_MTCNN,
        DownloadedFile(
            "MobileFaceNet.onnx",
            "https://raw.githubusercontent.com/foamliu/MobileFaceNet/a6cc9032a659b615f477833e1a70b5e7931bcccc/"
            "weights/MobileFaceNet.onnx",
            3_998_070,
            "b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
        ),
    ),
    min_confidence=0.9,
    source="PyPI: mtcnn 1.0.0. GitHub: foamliu/MobileFaceNet",
    licence="mtcnn: MIT. MobileFaceNet: Apache-2.0, but trained on MS-Celeb-1M, which its publisher "
    "withdrew: check before commercial use.",
    limits="Tells people of one region apart far better than the bundled engine; small, blurred and "
    "turned-away faces are still missed.",
    measured=(
        Figures(
            "portraits", "2026-11-20", fnir=0.014, found=0.97, found_sure=0.90, wrong=0.03, wrong_sure=0.00
        ),
        Figures("album", "2026-11-20", fnir=0.023, found=0.95, found_sure=0.93, wrong=0.00, wrong_sure=0.00),
    ),
)
SFACE = EngineSpec(
    name="sface",
    detector="YuNet",
    recogniser="SFace",
    dimension=128,
    metric="cosine",
    weights=(
        _YUNET,
        DownloadedFile(
            "face_recognition_sface_2021dec.onnx",
            f"{_ZOO}/edef535367a4f8053b5bfb7580935c83772a9639/models/face_recognition_sface/"
            "face_recognition_sface_2021dec.onnx",
            38_696_353,
            "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
        ),
    ),
    min_confidence=0.8,
    source="GitHub: opencv/opencv_zoo",
    licence="YuNet: MIT. SFace: Apache-2.0.",
    limits="For clear licences; how well it tells people of one region apart has not been measured here.",
)
DEEPFACE = EngineSpec(
    name="deepface",
    detector="RetinaFace",
    recogniser="ArcFace (ResNet-34)",
    dimension=512,
    metric="cosine",
    weights=(
        _RETINAFACE,
        DownloadedFile("arcface_weights.h5", f"{_RELEASE}/arcface_weights.h5", 137_000_000, None, _HDF5),
    ),
    min_confidence=0.9,
    source=_DEEPFACE_SOURCE,
    licence="deepface and retina-face: MIT. The weights' own terms are not stated: check before "
    "commercial use.",
    memory=2 * 2**30,  # 3.3 GiB in all were seen with 24 megapixels; without TensorFlow 0.7
    limits="Heavy: it runs TensorFlow, and a photo takes many times longer than with the other engines. "
    "Not measured here.",
)
DEEPFACE_FACENET512 = EngineSpec(
    name="deepface-facenet512",
    detector="RetinaFace",
    recogniser="Facenet512",
    dimension=512,
    metric="cosine",
    weights=(
        _RETINAFACE,
        DownloadedFile("facenet512_weights.h5", f"{_RELEASE}/facenet512_weights.h5", 95_000_000, None, _HDF5),
    ),
    min_confidence=0.9,
    source=_DEEPFACE_SOURCE,
    licence=DEEPFACE.licence,
    limits=DEEPFACE.limits,
    memory=DEEPFACE.memory,
)

ENGINES = {spec.name: spec for spec in (BUNDLED, LIGHT, SFACE, DEEPFACE, DEEPFACE_FACENET512)}


def named(name: str) -> EngineSpec:
    """Return the engine of that name. Raises UnknownEngine."""
    if name not in ENGINES:
        raise UnknownEngine(
            'There is no face engine called "{name}". These are known: {known}.',
            name=name,
            known=", ".join(ENGINES),
        )
    return ENGINES[name]


def identity(spec: EngineSpec, digests: Sequence[str]) -> EngineIdentity:
    """Return what marks the embeddings of an engine; `digests`: sha256 of its files, in order."""
    return EngineIdentity(
        engine=spec.name,
        weights_sha256=sha256(b"".join(bytes.fromhex(digest) for digest in digests)).hexdigest(),
        alignment=ALIGNMENT_VERSION,
        dimension=spec.dimension,
        metric=spec.metric,
    )
