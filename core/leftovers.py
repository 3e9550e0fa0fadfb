"""What a crash left behind: bytes that no row points at. Swept before the site takes new ones."""

import time

from sqlmodel import select

from core.backends import Backends
from models.photo import Photo

PREFIXES = ("originals/", "renditions/", "delivered/")
TEMPORARY_SECONDS = 24 * 60 * 60  # a temporary file this old belongs to nobody


def sweep(backends: Backends) -> int:
    """Remove stored objects without a photo, and old temporary files; return how many objects went.

    Bytes are stored before their row, so nothing may be uploading meanwhile: the caller holds the data folder.
    """
    for path in (backends.settings.data / "tmp").glob("*"):
        if path.stat().st_mtime < time.time() - TEMPORARY_SECONDS:
            path.unlink(missing_ok=True)
    with backends.reading() as session:
        known = {str(photo_id) for photo_id in session.exec(select(Photo.id))}
    orphans = [
        key for prefix in PREFIXES for key in backends.objects.keys(prefix) if key.split("/")[1] not in known
    ]
    backends.objects.delete(orphans)
    return len(orphans)
