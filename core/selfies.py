"""Whose face a selfie shows, or why it will not do. Pure: the faces have been found."""

from collections.abc import Sequence
from math import exp

from core.errors import InvalidInput
from core.ports import Embedding, FoundFace

# A second face at least half as prominent as the first is a second person, not somebody in the background.
COMPANION_SHARE = 0.5
SMALLEST_FACE = 60.0  # pixels; below, the embedding is too unsure to search with
CENTRE = 0.25  # fraction of the picture; at that distance from its middle a face counts a third


class NoFace(InvalidInput):
    """Nobody was found in the selfie."""

    def __init__(self) -> None:
        super().__init__("We could not see a face. Find more light, look into the camera and try again.")


class SeveralFaces(InvalidInput):
    """More than one person looks out of the selfie."""

    def __init__(self) -> None:
        super().__init__("There are several faces in this picture. Take one with only yourself in it.")


class FaceTooSmall(InvalidInput):
    """The face has too few pixels."""

    def __init__(self) -> None:
        super().__init__("Your face is too small in this picture. Come closer and try again.")


class FaceTooBlurred(InvalidInput):
    """The face is out of focus or in motion."""

    def __init__(self) -> None:
        super().__init__("This picture is blurred. Hold still, find more light and try again.")


class NotOnePerson(InvalidInput):
    """The selfies of one search show several people."""

    def __init__(self) -> None:
        super().__init__(
            "These pictures do not seem to show the same person. Search with one of them at a time."
        )


class NotTheSame(InvalidInput):
    """Another selfie shows somebody else than those before it."""

    def __init__(self) -> None:
        super().__init__(
            "This looks like somebody else than before. To look for a friend as well, go back and "
            "choose “With a friend”."
        )


def one_face(faces: Sequence[FoundFace]) -> Embedding:
    """Return the embedding of the face that the selfie is of.

    Raises NoFace, SeveralFaces, FaceTooSmall, FaceTooBlurred.
    """
    if not faces:
        raise NoFace
    main, *others = sorted(faces, key=prominence, reverse=True)
    if any(prominence(other) >= COMPANION_SHARE * prominence(main) for other in others):
        raise SeveralFaces
    if main.size < SMALLEST_FACE:
        raise FaceTooSmall
    if main.embedding is None:
        raise FaceTooBlurred
    return main.embedding


def prominence(face: FoundFace) -> float:
    """Return how much a face is meant: its size in pixels, less the further it is from the middle."""
    left, top, right, bottom = face.box
    away = ((left + right - 1) ** 2 + (top + bottom - 1) ** 2) / 4  # square of the distance, in fractions
    return face.size * exp(-away / CENTRE**2)
