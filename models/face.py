"""The faces found in photos, and the index that an event's embeddings belong to."""

from uuid import UUID

from sqlmodel import Field, SQLModel


class Face(SQLModel, table=True):
    """One detection. Its embedding lives in the vector store under the same id."""

    id: UUID = Field(primary_key=True)  # uuid5 of the photo and the face's rank
    photo_id: UUID = Field(foreign_key="photo.id", index=True)
    event_id: int = Field(foreign_key="event.id", index=True)
    left: float  # fractions of the upright photo
    top: float
    right: float
    bottom: float
    confidence: float
    size: float  # pixels at detection size, shorter side
    sharpness: float
    is_searchable: bool  # False: kept and counted, too small or too blurred to search


class FaceIndex(SQLModel, table=True):
    """What an event's embeddings were made by; `version` changes with every change of its faces."""

    __tablename__ = "face_index"

    event_id: int = Field(foreign_key="event.id", primary_key=True)
    engine: str = Field(max_length=40)
    weights_sha256: str = Field(max_length=64)
    alignment: str = Field(max_length=40)
    dimension: int
    metric: str = Field(max_length=16)
    collection: str = Field(max_length=120)
    version: int = 0
