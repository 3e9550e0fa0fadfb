"""The deepface engines: retina-face's RetinaFace finds, deepface's ArcFace or Facenet512 describes.

Both packages build their own models on TensorFlow and load the files that we checked. Their alignment,
their downloads and all that guesses age, gender, emotion or race stay unused.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.adapters.five_point_engine import Detections, Detector, Recogniser
from core.adapters.mtcnn_detector import distinct
from core.alignment import ARCFACE_TEMPLATE, Template
from core.engines import EngineSpec
from core.ports import Pixels
from core.weights import unfit

THREADS = 1  # per child, as with every engine
BATCH = 32  # chips in one run: at 64 TensorFlow holds 300 MB for them
ACCEPT = 0.8  # score from which a face is counted, as with MTCNN; the package's own 0.9 is the spec's gate
OVERLAP = 0.4  # the package's own, as are the anchors: left, top, right, bottom at the first cell of a stride
ANCHORS = {
    32: np.array([[-248, -248, 263, 263], [-120, -120, 135, 135]], np.float32),
    16: np.array([[-56, -56, 71, 71], [-24, -24, 39, 39]], np.float32),
    8: np.array([[-8, -8, 23, 23], [0, 0, 15, 15]], np.float32),
}
# Facenet's authors cut MTCNN's box with a margin of 32 in 160 pixels and align nothing. Here are MTCNN's
# points in such boxes, on average over 212 portraits and made symmetric; not measured against others.
FACENET_TEMPLATE = Template(160, ((54.2, 63.0), (104.8, 63.0), (79.5, 92.7), (56.9, 119.0), (102.1, 119.0)))

Floats = NDArray[np.float64]
Model = Callable[[NDArray[np.float32]], Any]


def build(spec: EngineSpec, contents: Mapping[str, bytes]) -> tuple[Detector, Recogniser]:
    """Return both halves of an engine made of the checked contents of its two files, by name.

    Takes ten seconds and a gigabyte. Raises WeightsMissing for a file of another model.
    """
    finders_file, describers_file = contents
    kind = RECOGNISERS[spec.recogniser]
    tensorflow = prepared_tensorflow()
    with _home(contents):
        with _refused(spec, finders_file):
            finder = _retinaface()
        with _refused(spec, describers_file):
            describer = kind.load()
    detector = RetinaFaceDetector(_traced(tensorflow, finder, None))
    return detector, KerasRecogniser(_traced(tensorflow, describer, kind.template.side), kind)


# --- loading -------------------------------------------------------------------------------


@contextmanager
def _home(contents: Mapping[str, bytes]) -> Iterator[None]:
    """Lend the packages a home that holds exactly these files: what is there they load and never download."""
    before = os.environ.get("DEEPFACE_HOME")
    with TemporaryDirectory(prefix="encore-weights-") as home:
        folder = Path(home, ".deepface", "weights")
        folder.mkdir(parents=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        os.environ["DEEPFACE_HOME"] = home
        try:
            yield
        finally:
            del os.environ["DEEPFACE_HOME"]
            if before is not None:
                os.environ["DEEPFACE_HOME"] = before


@contextmanager
def _refused(spec: EngineSpec, name: str) -> Iterator[None]:
    """Turn what Keras says of a file that does not fit its model into our refusal."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise unfit(spec, name) from error


def prepared_tensorflow() -> Any:
    """Return TensorFlow, set up as both packages need it and to our number of threads."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # both are written for Keras 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow  # here, as all imports below: it takes seconds, and reads the lines above when it loads

    tensorflow.config.threading.set_intra_op_parallelism_threads(THREADS)
    tensorflow.config.threading.set_inter_op_parallelism_threads(THREADS)
    return tensorflow


def _traced(tensorflow: Any, model: Any, side: int | None) -> Model:
    """Return a Keras model as one graph for pictures of that side; by itself it runs layer by layer."""
    signature = [tensorflow.TensorSpec((None, side, side, 3), tensorflow.float32)]
    traced: Model = tensorflow.function(lambda batch: model(batch, training=False), input_signature=signature)
    return traced


def _retinaface() -> Any:
    from retinaface.model.retinaface_model import build_model

    return build_model()


def _arcface() -> Any:
    from deepface.models.facial_recognition.tf.ArcFace import load_model

    return load_model()


def _facenet512() -> Any:
    from deepface.models.facial_recognition.tf.Facenet import load_facenet512d_model

    return load_facenet512d_model()


@dataclass(frozen=True)
class Kind:
    """How a recogniser is loaded and what it wants to see."""

    load: Callable[[], Any]
    template: Template
    normalisation: str  # deepface's name for the scaling of colours that the network was trained with


RECOGNISERS = {
    "ArcFace (ResNet-34)": Kind(_arcface, ARCFACE_TEMPLATE, "ArcFace"),
    "Facenet512": Kind(_facenet512, FACENET_TEMPLATE, "Facenet2018"),
}


# --- running -------------------------------------------------------------------------------


class RetinaFaceDetector:
    """Implements Detector. Does what `RetinaFace.detect_faces` does, less its slow loops over pairs of boxes.

    The landmarks come in our order: the right eye of the package is the person's, hence left for the viewer.
    """

    def __init__(self, model: Model) -> None:
        """`model`: the nine outputs of the package's network for one picture, (1, height, width, 3), RGB."""
        self._model = model

    def detect(self, pixels: Pixels, smallest_face: int) -> Detections:
        """Return every face of at least `smallest_face` pixels, best first."""
        from retinaface.commons.postprocess import clip_boxes
        from retinaface.commons.preprocess import preprocess_image

        # never enlarged: a face that would need it is too small to be searched
        blue_first = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        tensor, shape, scale = preprocess_image(blue_first, allow_upscaling=False)
        outputs = [output.numpy() for output in self._model(tensor)]
        levels = [
            _decoded(stride, *outputs[3 * place : 3 * place + 3]) for place, stride in enumerate(ANCHORS)
        ]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*levels, strict=True))
        boxes, points = clip_boxes(boxes, shape) / scale, points / scale
        large = np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).min(axis=1) >= smallest_face)
        kept = large[distinct(boxes[large], scores[large], OVERLAP)]
        return Detections(boxes[kept], scores[kept], points[kept])


def _decoded(
    stride: int,
    probabilities: NDArray[np.float32],  # (1, rows, columns, 4): no face, face; two anchors each
    offsets: NDArray[np.float32],  # (1, rows, columns, 8)
    landmarks: NDArray[np.float32],  # (1, rows, columns, 20)
) -> tuple[Floats, Floats, Floats]:
    """Return boxes, scores and points of the anchors of one stride that see a face."""
    from retinaface.commons.postprocess import anchors_plane, bbox_pred, landmark_pred

    rows, columns = offsets.shape[1:3]
    scores = probabilities[0, :, :, 2:].reshape(-1)
    seen = np.flatnonzero(scores >= ACCEPT)
    anchors = anchors_plane(rows, columns, stride, ANCHORS[stride]).reshape(-1, 4)[seen]
    boxes = bbox_pred(anchors, offsets.reshape(-1, 4)[seen]).reshape(-1, 4)
    points = landmark_pred(anchors, landmarks.reshape(-1, 5, 2)[seen]).reshape(-1, 5, 2)
    return boxes, scores[seen].astype(np.float64), points.astype(np.float64)


class KerasRecogniser:
    """Implements Recogniser.

    Chips go in as the networks were trained: RGB, from -1 to 1. deepface itself shows them BGR from 0 to 1
    unless told otherwise, and its users report worse matches by it.
    """

    def __init__(self, model: Model, kind: Kind) -> None:
        """`model`: (n, 512) for chips (n, side, side, 3), RGB, normalised."""
        self.template = kind.template
        self._model = model
        self._normalisation = kind.normalisation

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (n, 512), not of unit length, for n chips (n, side, side, 3), RGB, n > 0."""
        from deepface.modules.preprocessing import normalize_input

        batches = np.split(chips, range(BATCH, len(chips), BATCH))
        inputs = (normalize_input(batch.astype(np.float32) / 255, self._normalisation) for batch in batches)
        return np.concatenate([self._model(batch).numpy() for batch in inputs])
