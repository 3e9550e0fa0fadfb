"""Share links, and which visitors came through them."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.fields import UTC_TIME, utc_now


class ShareLink(SQLModel, table=True):
    """A URL to one event, or one of its galleries, with its own expiry.

    The address is signed over id and nonce, so that the table alone opens nothing.
    """

    __tablename__ = "share_link"

    id: int = Field(default=None, primary_key=True)  # set by the database
    event_id: int = Field(foreign_key="event.id", index=True)
    gallery_id: int | None = Field(default=None, foreign_key="gallery.id")
    label: str = Field(default="", max_length=80)
    nonce: str = Field(max_length=32)
    created_by: int = Field(foreign_key="account.id")
    created_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
    expires_at: datetime | None = Field(default=None, sa_type=UTC_TIME)
    revoked_at: datetime | None = Field(default=None, sa_type=UTC_TIME)

    def is_open(self, now: datetime) -> bool:
        """The link still works."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class VisitorAccess(SQLModel, table=True):
    """A visitor has opened a share link; the access lasts as long as the link works."""

    __tablename__ = "visitor_access"

    visitor_key: str = Field(primary_key=True, max_length=64)
    share_link_id: int = Field(foreign_key="share_link.id", primary_key=True)
    opened_at: datetime = Field(default_factory=utc_now, sa_type=UTC_TIME)
