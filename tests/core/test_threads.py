"""One search takes one processor: the others belong to the other visitors and to the worker."""

import subprocess
import sys

from core.settings import ROOT

THREADS = """
from api import deps
import os, numpy
numpy.ones((2000, 500)) @ numpy.ones((500, 2000))
print(len(os.listdir("/proc/self/task")))
"""


def test_products_of_matrices_start_no_threads(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)

    answer = subprocess.run([sys.executable, "-c", THREADS], cwd=ROOT, capture_output=True, text=True)

    assert answer.stdout == "1\n", answer.stderr
