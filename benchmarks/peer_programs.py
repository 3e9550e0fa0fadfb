"""The programs that `benchmarks.peers` compares: `python -m benchmarks.peer_programs NAME ENGINE PHOTO …`.

Prints one JSON line: the faces that have an embedding, as boxes in pixels of the photo, CPU seconds and peak
memory. The package face_recognition is not installed, for it asks for `dlib`, which has to be compiled, where
`dlib-bin` is the same prebuilt; the calls of dlib made here are those that face_recognition 1.3.0 makes, in
its order and with its defaults. deepface runs as released; its Dlib weights are those of the package
`face_recognition_models`, and photos are shrunk to 2048 pixels first, because it pads each to four times its
pixels and runs out of memory with large ones.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image

from benchmarks import commands
from core import imaging
from core.adapters import face_engines
from core.adapters.five_point_engine import LONGEST_SIDE

DEEPFACE_SIDE = 2048  # pixels
DLIB_WEIGHTS = "dlib_face_recognition_resnet_model_v1.dat"

Boxes = list[list[float]]  # left, top, right, bottom in pixels of the photo
Program = Callable[[Path], Boxes]


def encore(engine_name: str) -> Program:
    """Return what a pixel child does with a photo."""
    cv2.setNumThreads(face_engines.THREADS)
    engine = commands.engine(engine_name)

    def index(path: Path) -> Boxes:
        faces = engine.find(imaging.load_upright(path, LONGEST_SIDE))
        with Image.open(path) as image:
            sides = np.tile(image.size, 2)
        return [(np.array(face.box) * sides).tolist() for face in faces if face.embedding is not None]

    return index


def deepface(_: str) -> Program:
    """Return stock `DeepFace.represent` with the MTCNN and Dlib models."""
    from deepface import DeepFace  # TensorFlow: seconds and hundreds of megabytes that only this one pays

    with TemporaryDirectory() as home:
        weights = Path(home) / ".deepface" / "weights"
        weights.mkdir(parents=True)
        (weights / DLIB_WEIGHTS).symlink_to(_models() / DLIB_WEIGHTS)
        os.environ["DEEPFACE_HOME"] = home
        DeepFace.build_model("Dlib")

    def index(path: Path) -> Boxes:
        pixels = cv2.imread(str(path))
        if pixels is None:
            raise SystemExit(f"{path} cannot be read.")
        scale = min(1.0, DEEPFACE_SIDE / max(pixels.shape[:2]))
        if scale < 1:
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        faces = DeepFace.represent(
            pixels, model_name="Dlib", detector_backend="mtcnn", enforce_detection=False
        )
        areas = [face["facial_area"] for face in faces if face["face_confidence"] > 0]
        corners = [[a["x"], a["y"], a["x"] + a["w"], a["y"] + a["h"]] for a in areas]
        return [[value / scale for value in box] for box in corners]

    return index


def face_recognition(_: str) -> Program:
    """Return load_image_file, face_locations and face_encodings of face_recognition 1.3.0."""
    import dlib  # type: ignore[import-untyped]  # 300 MB that the other programs must not be charged for

    folder = str(_models())
    detector = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(f"{folder}/shape_predictor_5_face_landmarks.dat")
    encoder = dlib.face_recognition_model_v1(f"{folder}/{DLIB_WEIGHTS}")

    def index(path: Path) -> Boxes:
        pixels = np.array(Image.open(path).convert("RGB"))
        right, bottom = pixels.shape[1], pixels.shape[0]
        boxes = [
            dlib.rectangle(max(b.left(), 0), max(b.top(), 0), min(b.right(), right), min(b.bottom(), bottom))
            for b in detector(pixels, 1)  # number_of_times_to_upsample
        ]
        for box in boxes:
            np.array(encoder.compute_face_descriptor(pixels, points(pixels, box), 1))  # num_jitters
        return [[box.left(), box.top(), box.right(), box.bottom()] for box in boxes]

    return index


PROGRAMS = {"encore": encore, "deepface": deepface, "face_recognition": face_recognition}


def _models() -> Path:
    # found without importing the package, which needs pkg_resources
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("The package face_recognition_models is not installed.")
    return Path(spec.submodule_search_locations[0]) / "models"


def main(name: str, engine: str, photos: Sequence[str]) -> None:
    """Run one program over the photos, the first of them twice, and print what it found and took."""
    program = PROGRAMS[name](engine)
    for photo in photos[:1]:
        program(Path(photo))
    started = time.process_time()
    boxes = [program(Path(photo)) for photo in photos]
    seconds = time.process_time() - started
    print(json.dumps({"boxes": boxes, "cpu_seconds": seconds, "peak_memory_mb": peak_memory_mb()}))


def peak_memory_mb() -> float:
    """Return the most memory that this process has had, in MiB."""
    # not ru_maxrss, which begins with what the parent had: it has composed large photos
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peer_programs", description=__doc__)
    parser.add_argument("name", choices=PROGRAMS)
    parser.add_argument("engine")
    parser.add_argument("photos", nargs="*")
    options = parser.parse_args()
    for missing in (photo for photo in options.photos if not Path(photo).is_file()):
        parser.error(f"{missing} is not there")
    with commands.plainly():
        main(**vars(options))
