"""A face engine for the tests of the process sandbox: it does what the colour of the picture says."""

import os
import signal
import threading

import cv2

from core.ports import EngineIdentity, FoundFace, Pixels

FINE, DEADLY, STALLING, HUGE, BUGGY = "gray", "red", "lime", "blue", "white"


class TinyEngine:
    """Sees one face in every picture; its size is the number of the process that looked.

    Its sharpness is the number of threads that OpenCV may use there.
    """

    identity = EngineIdentity("tiny", "0" * 64, ",".join(sorted(os.environ)), 2, "cosine")

    def find(self, pixels: Pixels) -> list[FoundFace]:
        match tuple(int(value) for value in pixels[0, 0]):
            case (255, 0, 0):
                os.kill(os.getpid(), signal.SIGKILL)
            case (0, 255, 0):
                print("stalling", flush=True)
                threading.Event().wait()
            case (0, 0, 255):
                bytearray(64 * 1024**3)
            case (255, 255, 255):
                raise KeyError("a bug of ours")
        return [FoundFace((0.0, 0.0, 1.0, 1.0), 1.0, float(os.getpid()), float(cv2.getNumThreads()), None)]
