"""Where in a photo a face is, told to those who may see the photo."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select

from core import access, photos
from core.access import Viewer
from core.backends import Backends
from models.face import Face, FaceIndex, IndexStatus
from models.photo import Photo

Outline = tuple[float, float, float, float]  # left, top, right, bottom; fractions of the upright photo


def of(backends: Backends, event_id: int, face_ids: Collection[UUID], *, by: Viewer) -> dict[UUID, Outline]:
    """Return the outlines of those of the faces whose photos the viewer may see."""
    with backends.reading() as session:
        shown = photos.public_query(access.view(session, by, event_id)).with_only_columns(col(Photo.id))
        query = (  # while an event is indexed anew, a face's id means another face in each of its indexes
            select(Face)
            .join(FaceIndex, col(FaceIndex.id) == col(Face.index_id))
            .where(FaceIndex.status == IndexStatus.SERVING)
            .where(col(Face.id).in_(face_ids), col(Face.photo_id).in_(shown))
        )
        return {face.id: (face.left, face.top, face.right, face.bottom) for face in session.exec(query)}
