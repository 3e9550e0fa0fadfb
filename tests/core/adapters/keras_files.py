"""Weight files with the names and shapes that the deepface engines load, out of the packages' own code.

The recognisers are untrained. The detector is taught by hand to see one thing: a card of pure red, of which
it says where the face is. So it is known what it must find, in any picture.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

RED = (255, 0, 0)
CARD = 24  # pixels; a card lies around a multiple of 32 pixels across and down
# The way of a colour through the network: layers that hand on what they see. All others stay silent.
HANDED_ON = [f"stage{stage}_unit1_sc" for stage in (1, 2, 3, 4)] + ["ssh_c3_lateral", "ssh_m3_det_conv1"]
ANCHOR = 256.0  # side in pixels of the second anchor at stride 32
ANCHOR_CENTRE = 7.5  # its centre's distance from the cell's first pixel, across and down


@dataclass(frozen=True)
class Face:
    """What the detector says of a card, in pixels from the card's centre."""

    box: NDArray[np.float64]  # left, top, right, bottom
    points: NDArray[np.float64]  # (5, 2) in the order of the network's output


def retinaface(path: Path, face: Face) -> None:
    """Write retinaface.h5: see a red card, say `face`."""
    from retinaface.model import retinaface_model  # TensorFlow: only for those who ask

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retinaface_model, "load_weights", lambda model: model)
        model = retinaface_model.build_model()
    for layer in model.layers:
        if "Conv2D" in type(layer).__name__:
            layer.set_weights([np.zeros(weights.shape) for weights in layer.get_weights()])
    _pass_on(model.get_layer("conv0"), [1, -1, -1])  # red, less green, less blue
    for name in HANDED_ON:
        _pass_on(model.get_layer(name), [1])
    for stride in (8, 16, 32):
        _always(model.get_layer(f"face_rpn_cls_score_stride{stride}"), [0, 0, -40, -40])
    _pass_on(model.get_layer("face_rpn_cls_score_stride32"), [0.2], output=3)  # a face, by the second anchor
    _always(model.get_layer("face_rpn_bbox_pred_stride32"), [0] * 4 + _box_offsets(face.box))
    places = (face.points - ANCHOR_CENTRE) / ANCHOR
    _always(model.get_layer("face_rpn_landmark_pred_stride32"), [0] * 10 + places.ravel().tolist())
    model.save_weights(path)


def arcface(path: Path) -> None:
    """Write arcface_weights.h5, untrained."""
    from deepface.models.facial_recognition.tf import ArcFace

    _save_untrained(ArcFace.load_model, path)


def facenet512(path: Path) -> None:
    """Write facenet512_weights.h5, untrained."""
    from deepface.models.facial_recognition.tf import Facenet

    _save_untrained(Facenet.load_facenet512d_model, path)


@contextmanager
def watched_downloads() -> Iterator[list[str]]:
    """Yield the list of what the packages tried to download meanwhile; they get nothing."""
    tried: list[str] = []

    def refuse(url: str, *_: object, **__: object) -> None:
        tried.append(url)
        raise OSError("there is no network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests.head", refuse)
        patch.setattr("gdown.download", refuse)
        yield tried


def _save_untrained(load: Callable[[], Any], path: Path) -> None:
    import tf_keras
    from deepface.commons import weight_utils

    tf_keras.utils.set_random_seed(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_utils, "download_weights_if_necessary", lambda **_: "")
        patch.setattr(weight_utils, "load_model_weights", lambda model, **_: model)
        load().save_weights(path)


def _pass_on(layer: Any, factors: list[float], output: int = 0) -> None:
    """Let a convolution hand on the sum of its first channels, each times its factor, from its centre."""
    kernel, *bias = layer.get_weights()
    kernel[kernel.shape[0] // 2, kernel.shape[1] // 2, : len(factors), output] = factors
    layer.set_weights([kernel, *bias])


def _always(layer: Any, values: list[float]) -> None:
    """Let a convolution say this, whatever it sees."""
    kernel, _ = layer.get_weights()
    layer.set_weights([kernel, np.array(values)])


def _box_offsets(box: NDArray[np.float64]) -> list[float]:
    left, top, right, bottom = box
    centre = [((left + right) / 2 - ANCHOR_CENTRE) / ANCHOR, ((top + bottom) / 2 - ANCHOR_CENTRE) / ANCHOR]
    return centre + np.log([(right - left + 1) / ANCHOR, (bottom - top + 1) / ANCHOR]).tolist()
