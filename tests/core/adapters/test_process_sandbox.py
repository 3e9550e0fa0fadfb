"""What the process sandbox promises about files that kill, stall or swell their child."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from core import imaging
from core.adapters.process_sandbox import PROJECT, ProcessSandbox, UnreadableFile
from core.engines import EngineReplaced, UnknownEngine
from core.errors import PlatformError, Unavailable
from core.ports import EngineIdentity, MediaType, PhotoFacts
from core.weights import WeightsMissing
from tests.core.adapters.tiny_engine import BUGGY, DEADLY, FINE, HUGE, STALLING
from tests.requirements import weight_file

pytestmark = pytest.mark.integration

ENGINE = "tests.core.adapters.tiny_engine:TinyEngine"
SandboxMaker = Callable[..., ProcessSandbox]


@pytest.fixture
def make_sandbox(tmp_path: Path) -> Iterator[SandboxMaker]:
    """Make sandboxes with an empty folder of weights, closed after the test."""
    made = []

    def make(size: int = 1, weights: Path = tmp_path / "weights", **limits: timedelta) -> ProcessSandbox:
        made.append(ProcessSandbox(size, weights, **limits))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[str], Path]:
    """Write a PNG of one colour and return its path."""

    def write(colour: str) -> Path:
        path = tmp_path / f"{colour}.png"
        path.write_bytes(png(colour))
        return path

    return write


def png(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (16, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def child_of(sandbox: ProcessSandbox) -> int:
    """Return the number of the process that answers, as the tiny engine tells it."""
    return int(sandbox.selfie(png(FINE), ENGINE)[0].size)


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has collected yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def ends_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)


def refusal_of(call: Callable[[], object]) -> type[PlatformError]:
    with pytest.raises(PlatformError) as caught:
        call()
    return caught.type


def test_a_child_inspects_a_picture(make_sandbox, picture):
    facts = make_sandbox().inspect(picture(FINE))

    assert facts == PhotoFacts(MediaType.PNG, 16, 8, None, None, False)


def test_a_relative_path_is_meant_from_where_the_parent_runs(make_sandbox, picture, monkeypatch):
    monkeypatch.chdir(picture(FINE).parent)

    facts = make_sandbox().inspect(Path(f"{FINE}.png"))

    assert facts.media_type is MediaType.PNG


def test_a_child_renders_every_rendition(make_sandbox, picture):
    renditions = make_sandbox().render(picture(FINE), "Night Run")

    assert set(renditions) == set(imaging.RENDITIONS)


def test_a_child_writes_a_copy_without_gps(make_sandbox, picture, tmp_path):
    source, target = picture(FINE), tmp_path / "clean.png"

    make_sandbox().without_gps(source, target)

    assert target.read_bytes() == source.read_bytes()


def test_a_child_writes_the_copy_in_web_size(make_sandbox, picture, tmp_path):
    source, target = picture(FINE), tmp_path / "web.jpg"

    make_sandbox().web_copy(source, target)

    assert imaging.inspect(target).media_type is MediaType.JPEG


def test_a_refusal_travels_back_as_itself(make_sandbox, tmp_path):
    (tmp_path / "portrait.jpg").write_bytes(b"GIF89a and more")

    with pytest.raises(imaging.UnsupportedType, match="This is a GIF") as caught:
        make_sandbox().inspect(tmp_path / "portrait.jpg")

    assert caught.value.params == {"kind": "a GIF"}


def test_a_selfie_that_is_no_picture_is_refused(make_sandbox):
    with pytest.raises(imaging.UnsupportedType, match="a text file"):
        make_sandbox().selfie(b"hello, this is me", ENGINE)


def test_the_children_stay_between_calls(make_sandbox):
    sandbox = make_sandbox(size=2)

    assert child_of(sandbox) == child_of(sandbox)


def test_a_picture_that_kills_its_child_is_refused_and_the_next_call_works(make_sandbox, picture):
    sandbox = make_sandbox()

    with pytest.raises(UnreadableFile):
        sandbox.faces(picture(DEADLY), ENGINE)

    assert len(sandbox.faces(picture(FINE), ENGINE)) == 1


def test_a_picture_that_takes_too_long_is_refused_and_its_child_ends(make_sandbox, picture):
    sandbox = make_sandbox(time_limit=timedelta(seconds=4))
    pid = child_of(sandbox)

    with pytest.raises(UnreadableFile):
        sandbox.faces(picture(STALLING), ENGINE)

    assert not is_running(pid)
    assert len(sandbox.faces(picture(FINE), ENGINE)) == 1


def test_a_picture_that_needs_too_much_memory_is_refused(make_sandbox, picture):
    sandbox = make_sandbox()

    with pytest.raises(imaging.TooHeavy):
        sandbox.faces(picture(HUGE), ENGINE)

    assert len(sandbox.faces(picture(FINE), ENGINE)) == 1


def test_a_child_that_fell_while_idle_is_replaced_unnoticed(make_sandbox):
    sandbox = make_sandbox()
    fallen = child_of(sandbox)
    os.kill(fallen, signal.SIGKILL)

    assert child_of(sandbox) != fallen


def test_a_child_that_froze_while_idle_is_replaced_unnoticed(make_sandbox):
    sandbox = make_sandbox(time_limit=timedelta(seconds=4))
    frozen = child_of(sandbox)
    os.kill(frozen, signal.SIGSTOP)

    assert child_of(sandbox) != frozen


def test_a_bug_in_the_child_surfaces_with_its_traceback(make_sandbox, picture):
    sandbox = make_sandbox()

    with pytest.raises(RuntimeError, match=r"(?s)tiny_engine\.py.*KeyError: 'a bug of ours'"):
        sandbox.faces(picture(BUGGY), ENGINE)

    assert len(sandbox.faces(picture(FINE), ENGINE)) == 1


def test_only_a_call_about_faces_loads_an_engine(make_sandbox, picture):
    sandbox = make_sandbox()

    facts = sandbox.inspect(picture(FINE))

    assert facts.width == 16
    with pytest.raises(RuntimeError, match="no_such_engine"):
        sandbox.faces(picture(FINE), "no_such_engine:Engine")


def test_an_engine_that_is_not_known_is_refused_by_name(make_sandbox, picture):
    sandbox = make_sandbox()

    with pytest.raises(UnknownEngine, match='"bundeld"'):
        sandbox.identity("bundeld")
    with pytest.raises(UnknownEngine, match='"bundeld"'):
        sandbox.faces(picture(FINE), "bundeld")


def test_an_engine_without_its_weights_is_refused_and_its_child_goes_on(make_sandbox, picture):
    sandbox = make_sandbox()
    child = child_of(sandbox)

    with pytest.raises(WeightsMissing, match=r'"light" cannot be used: MobileFaceNet\.onnx is not installed'):
        sandbox.identity("light")

    assert child_of(sandbox) == child


def test_an_engine_works_as_soon_as_its_weights_are_there(make_sandbox, tmp_path):
    weights = weight_file("MobileFaceNet.onnx")
    sandbox = make_sandbox()
    with pytest.raises(WeightsMissing):
        sandbox.identity("light")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "MobileFaceNet.onnx").write_bytes(weights.read_bytes())

    identity = sandbox.identity("light")

    assert (identity.engine, identity.dimension) == ("light", 128)


def test_two_engines_live_in_one_child(make_sandbox, picture):
    sandbox = make_sandbox()

    tiny, bundled = sandbox.identity(ENGINE), sandbox.identity("bundled")

    assert (tiny.engine, bundled.engine) == ("tiny", "bundled")
    assert sandbox.faces(picture(FINE), "bundled") == []


def test_embeddings_of_weights_that_changed_under_way_are_never_mixed(make_sandbox, monkeypatch):
    monkeypatch.delenv("DEEPFACE_HOME", raising=False)
    sandbox = make_sandbox()
    os.kill(child_of(sandbox), signal.SIGKILL)
    monkeypatch.setenv("DEEPFACE_HOME", "new")  # the tiny engine's identity is made of what its child sees

    with pytest.raises(EngineReplaced, match="Restart Encore"):
        child_of(sandbox)


def test_a_child_keeps_to_one_core(make_sandbox):
    sandbox = make_sandbox()
    (tiny,) = sandbox.selfie(png(FINE), ENGINE)

    faces = sandbox.faces(Path("data/demo/photos/P1020334.jpg"), "bundled")

    threads = len(list(Path(f"/proc/{int(tiny.size)}/task").iterdir()))
    assert len(faces) > 1
    assert tiny.sharpness == 1  # what OpenCV may use
    assert threads == 3  # one works, one looks whether the parent lives, one is onnxruntime's and idle


def test_a_child_sees_none_of_our_secrets(make_sandbox, monkeypatch):
    monkeypatch.setenv("STRIPE_SECRET", "sk_live")
    monkeypatch.setenv("LANG", "C.UTF-8")

    identity = make_sandbox().identity(ENGINE)

    names = identity.alignment.split(",")
    assert "LANG" in names
    assert "STRIPE_SECRET" not in names
    assert identity == EngineIdentity("tiny", "0" * 64, identity.alignment, 2, "cosine")


def test_a_child_leaves_the_interrupt_key_to_its_parent(make_sandbox):
    sandbox = make_sandbox()
    pid = child_of(sandbox)

    os.kill(pid, signal.SIGINT)

    assert child_of(sandbox) == pid


def test_who_finds_no_free_child_in_time_is_asked_to_come_back(make_sandbox, picture):
    sandbox = make_sandbox(time_limit=timedelta(seconds=3), wait_limit=timedelta(milliseconds=50))
    path = picture(STALLING)

    with ThreadPoolExecutor(2) as pool:
        refusals = set(pool.map(refusal_of, [lambda: sandbox.faces(path, ENGINE)] * 2))

    assert refusals == {UnreadableFile, Unavailable}


def test_many_threads_share_few_children(make_sandbox):
    sandbox = make_sandbox(size=2)

    with ThreadPoolExecutor(8) as pool:
        pids = set(pool.map(lambda _: child_of(sandbox), range(40)))

    assert 1 <= len(pids) <= 2


def test_closing_ends_the_children_and_the_call_under_way(make_sandbox, picture):
    sandbox = make_sandbox()
    pid = child_of(sandbox)
    path = picture(STALLING)

    with ThreadPoolExecutor(1) as pool:
        refusal = pool.submit(refusal_of, lambda: sandbox.faces(path, ENGINE))
        sandbox.close()

    assert refusal.result() is Unavailable
    assert not is_running(pid)
    assert refusal_of(lambda: sandbox.inspect(path)) is Unavailable


PARENT = """
import sys
from pathlib import Path
from core.adapters.process_sandbox import ProcessSandbox

sandbox = ProcessSandbox(1, Path("no weights"))
print(int(sandbox.faces(Path(sys.argv[2]), sys.argv[1])[0].size), flush=True)
sandbox.faces(Path(sys.argv[3]), sys.argv[1])
print("idle", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("last", "says"), [(STALLING, "stalling"), (FINE, "idle")])
def test_a_child_does_not_outlive_a_killed_parent(picture, last, says):
    arguments = [sys.executable, "-c", PARENT, ENGINE, str(picture(FINE)), str(picture(last))]
    with subprocess.Popen(
        arguments, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        assert parent.stdout.readline().strip() == says
        assert is_running(pid)

        parent.kill()

        assert ends_within(5, pid)
