"""Whose face a selfie shows."""

import numpy as np
import pytest

from core import selfies
from core.ports import FoundFace


def face(size: float, x: float = 0.5, y: float = 0.5, *, is_sharp: bool = True) -> FoundFace:
    """Return a face of a size around a place; its embedding tells the size."""
    embedding = np.array([size], np.float32) if is_sharp else None
    return FoundFace((x - 0.1, y - 0.1, x + 0.1, y + 0.1), 0.99, size, 50.0, embedding)


@pytest.mark.parametrize(
    ("faces", "size"),
    [
        ([face(200)], 200),
        ([face(90), face(200)], 200),
        ([face(200, x=0.15), face(170)], 170),  # somebody larger, at the edge
        ([face(200, y=0.35), face(80, x=0.7)], 200),
    ],
)
def test_the_face_that_is_meant_is_large_and_in_the_middle(faces, size):
    assert selfies.one_face(faces)[0] == size


@pytest.mark.parametrize(
    ("faces", "refusal"),
    [
        ([], selfies.NoFace),
        ([face(200, x=0.35), face(190, x=0.65)], selfies.SeveralFaces),
        ([face(200), face(150, x=0.6)], selfies.SeveralFaces),
        ([face(59)], selfies.FaceTooSmall),
        ([face(200, is_sharp=False)], selfies.FaceTooBlurred),
    ],
)
def test_a_selfie_that_will_not_do_is_refused_by_its_reason(faces, refusal):
    with pytest.raises(refusal):
        selfies.one_face(faces)
