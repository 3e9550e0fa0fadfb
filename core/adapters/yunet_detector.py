"""YuNet (Wu et al. 2023, OpenCV Zoo): finds faces with five points in one pass, on OpenCV's own runtime."""

import cv2
import numpy as np

from core.adapters.five_point_engine import Detections
from core.ports import Pixels

ACCEPT = 0.6  # score of what counts as found; what may be searched is the engine's matter
OVERLAP = 0.3  # OpenCV's default
MOST_FACES = 5000


class YunetDetector:
    """Implements Detector."""

    def __init__(self, model: bytes) -> None:
        """Take the content of `face_detection_yunet_2023mar.onnx`."""
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # it warns of a choice nobody makes
        self._net = cv2.FaceDetectorYN.create(
            "onnx",
            np.frombuffer(model, np.uint8),
            np.empty(0, np.uint8),
            (320, 320),
            ACCEPT,
            OVERLAP,
            MOST_FACES,
        )

    def detect(self, pixels: Pixels, smallest_face: int) -> Detections:
        """Return every face of at least `smallest_face` pixels, best first."""
        self._net.setInputSize((pixels.shape[1], pixels.shape[0]))
        _, found = self._net.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        # a row: left, top, width, height, five points, score
        rows = np.empty((0, 15)) if found is None else np.asarray(found, np.float64)
        rows = rows[(rows[:, 2:4] >= smallest_face).all(axis=1)]
        boxes = np.hstack([rows[:, :2], rows[:, :2] + rows[:, 2:4]])
        return Detections(boxes, rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2))
