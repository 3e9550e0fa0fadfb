"""What makes the services quick to test where slowness is not what is tested."""

import bcrypt
import pytest

from core import worker


@pytest.fixture
def quick_hashes(monkeypatch):
    """Hash passwords with the fewest rounds."""
    real = bcrypt.gensalt
    monkeypatch.setattr(bcrypt, "gensalt", lambda *_: real(4))


@pytest.fixture
def quick_worker(monkeypatch):
    """Look at the queue again at once."""
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.002)
    monkeypatch.setattr(worker, "DRAIN_LOOK_SECONDS", 0.002)
