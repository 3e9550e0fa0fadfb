"""What a crash left behind is swept, and nothing else."""

import io
import os
from uuid import uuid4

from core import leftovers
from tests.makers import make_event, make_photo


def test_bytes_without_a_row_are_swept_and_those_of_a_photo_stay(backends):
    photo = make_photo(backends, make_event(backends))
    kept = list(backends.objects.keys(""))
    for key in (f"originals/{uuid4()}", f"renditions/{uuid4()}/300"):
        backends.objects.put(key, io.BytesIO(b"lost"), 4, "image/jpeg")

    swept = leftovers.sweep(backends)

    assert swept == 2
    assert list(backends.objects.keys("")) == kept
    assert photo.original_key in kept


def test_only_old_temporary_files_are_swept(backends):
    folder = backends.settings.data / "tmp"
    folder.mkdir(parents=True)
    old, fresh = folder / "upload-old", folder / "upload-fresh"
    for path in (old, fresh):
        path.write_bytes(b"bytes")
    os.utime(old, (0, 0))

    leftovers.sweep(backends)

    assert list(folder.iterdir()) == [fresh]
