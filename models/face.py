"""The faces found in photos, and the indexes that their embeddings belong to."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.fields import choice


class IndexStatus(StrEnum):
    """Searches read the index that serves; one that is built takes its place once it is whole."""

    SERVING = "serving"
    BUILDING = "building"
    RETIRED = "retired"  # nobody reads it any more; a job takes it apart


_IN_USE = text("status != 'retired'")


class FaceIndex(SQLModel, table=True):
    """An event's faces as one engine sees them; `version` changes with every change of the faces."""

    __tablename__ = "face_index"
    __table_args__ = (
        Index(  # at most one that serves, and one that is built
            "uq_face_index_event_id_status",
            "event_id",
            "status",
            unique=True,
            sqlite_where=_IN_USE,
            postgresql_where=_IN_USE,
        ),
    )

    id: int = Field(default=None, primary_key=True)  # set by the database
    event_id: int = Field(foreign_key="event.id", index=True)
    status: IndexStatus = Field(sa_type=choice(IndexStatus))
    engine: str = Field(max_length=40)
    weights_sha256: str = Field(max_length=64)
    alignment: str = Field(max_length=40)
    dimension: int
    metric: str = Field(max_length=16)
    collection: str = Field(max_length=120)
    version: int = 0


class Face(SQLModel, table=True):
    """One detection of one index. Its embedding lies in the index's collection under the same id."""

    __table_args__ = (
        Index("ix_face_index_id_is_searchable_version", "index_id", "is_searchable", "version"),
    )

    index_id: int = Field(foreign_key="face_index.id", primary_key=True)
    id: UUID = Field(primary_key=True)  # uuid5 of the photo and the face's rank
    photo_id: UUID = Field(foreign_key="photo.id", index=True)
    left: float  # fractions of the upright photo
    top: float
    right: float
    bottom: float
    confidence: float
    size: float  # pixels at detection size, shorter side
    sharpness: float
    is_searchable: bool  # False: kept and counted, too small or too blurred to search
    version: int = 0  # that the index got with it: who knows the faces before reads on from there


class IndexedPhoto(SQLModel, table=True):
    """A photo that an index which is being built holds already, with or without faces."""

    __tablename__ = "indexed_photo"

    index_id: int = Field(foreign_key="face_index.id", primary_key=True)
    photo_id: UUID = Field(foreign_key="photo.id", primary_key=True, index=True)
    face_count: int  # searchable ones
