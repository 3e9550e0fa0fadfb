"""The house rules that a machine can check: who imports whom, how large things are, what is never written."""

import ast
import re
import statistics
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from core.settings import ROOT, Settings
from tests.requirements import lacking

PURE = frozenset(
    [
        "alignment",
        "calibrations",
        "chain",
        "cohorts",
        "engines",
        "errors",
        "filetypes",
        "gateway",
        "geotags",
        "imaging",
        "letters",
        "matching",
        "objects",
        "offers",
        "ports",
        "pricing",
        "selfies",
        "shares",
        "watermark",
        "web_copies",
        "weights",
    ]
)
# What of core each room may not import, and who may nevertheless.
WIRING = {"core/__main__.py", "app.py", "pages/parts/site.py", "api/deps.py"}
SETTINGS = {
    "core/__main__.py",
    "core/wiring.py",
    "core/backends.py",
    "core/i18n.py",
    "core/schema.py",
    "core/demo.py",
}
SETTINGS |= {"app.py", "api/middleware.py", "api/app.py", "api/routes.py"}
WEB = {"fastapi", "starlette", "streamlit", "streamlit_authenticator", "uvicorn", "altair", "pandas"}
SQL = {"sqlmodel", "sqlalchemy", "alembic"}
VENDORS = {"chromadb", "minio", "urllib3", "stripe", "onnx", "onnxruntime", "mtcnn", "lz4", "joblib"}
VENDORS |= {"tensorflow", "tf_keras", "deepface", "retinaface", "dlib", "celery", "redis", "throttled"}
VENDORS |= {"httpx", "httpcore", "smtplib"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
NEVER = {  # room: packages it never imports
    "models": WEB | VENDORS | {"core", "pages", "api", "cv2", "PIL", "numpy"},
    "pure": WEB | VENDORS | SQL | {"models", "pages", "api", "structlog"},
    "adapters": WEB | SQL | {"pages", "api"},
    "core": WEB | VENDORS | {"pages", "api", "cv2", "PIL"},
    "pages": SQL | VENDORS | {"api", "fastapi", "starlette", "cv2"},
    "api": SQL | VENDORS | {"pages", "streamlit", "cv2", "PIL"},
    "app": SQL | VENDORS | {"pages", "models", "cv2", "PIL"},
}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the product, by its path below the root."""
    files = [ROOT / "app.py"]
    for room in ("core", "models", "api", "pages"):
        files += sorted((ROOT / room).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(), str(path)) for path in files}


def room(path: str) -> str:
    first, *rest = path.split("/")
    if first != "core":
        return first.removesuffix(".py")
    if rest[0] == "adapters":
        return "adapters"
    return "pure" if rest[0].removesuffix(".py") in PURE else "core"


def imports(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that is imported: `from core import photos` gives core.photos."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            is_package = node.module in ("core", "models", "api", "pages", "pages.parts", "core.adapters")
            yield from (f"{node.module}.{alias.name}" if is_package else node.module for alias in node.names)


def edges() -> Iterator[tuple[str, str]]:
    for path, tree in sources().items():
        for name in imports(tree):
            yield path, name


def functions(path_start: str = "") -> dict[str, int]:
    """The lines of every function, by where it is."""
    return {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in sources().items()
        if path.startswith(path_start)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@cache
def tracked() -> tuple[str, ...]:
    """Every file that is, or is about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        lacking("this is no git checkout")
    return tuple(name for name in listing.stdout.splitlines() if (ROOT / name).is_file())


def test_every_room_imports_only_what_it_may():
    strays = [(path, name) for path, name in edges() if name.partition(".")[0] in NEVER[room(path)]]

    assert strays == []


def test_pure_modules_know_only_each_other():
    strays = [
        (path, name)
        for path, name in edges()
        if room(path) == "pure" and name.startswith("core.") and name.split(".")[1] not in PURE
    ]

    assert strays == []


def test_adapters_know_ports_and_pure_modules_but_no_service():
    allowed = PURE | {"adapters"}
    strays = [
        (path, name)
        for path, name in edges()
        if room(path) == "adapters" and name.startswith("core.") and name.split(".")[1] not in allowed
    ]

    assert strays == []


def test_only_the_wiring_knows_adapters():
    strays = [
        (path, name)
        for path, name in edges()
        if name.startswith("core.adapters") and path != "core/wiring.py" and room(path) != "adapters"
    ]

    assert strays == []


@pytest.mark.parametrize(("module", "allowed"), [("core.wiring", WIRING), ("core.settings", SETTINGS)])
def test_only_entry_points_choose(module, allowed):
    strays = {path for path, name in edges() if name == module or name.startswith(f"{module}.")} - allowed

    assert strays == set()


def test_services_import_each_other_without_a_circle():
    graph = {
        path: {f"core/{name.split('.')[1]}.py" for name in imports(tree) if name.startswith("core.")}
        for path, tree in sources().items()
        if path.startswith("core/")
    }
    done: set[str] = set()

    while ready := {
        path for path, needs in graph.items() if path not in done and not (needs & graph.keys()) - done
    }:
        done |= ready

    assert graph.keys() - done == set()


def test_no_function_has_fifty_lines():
    assert {where: lines for where, lines in functions().items() if lines >= 50} == {}


def test_the_services_functions_are_short():
    lines = sorted(functions("core/").values())

    assert statistics.median(lines) <= 10
    assert lines[len(lines) * 9 // 10] <= 25


def test_files_are_short_and_pages_shorter():
    limits = {
        path: 120 if path.count("/") == 2 and not path.startswith(("core", "pages/parts")) else 300
        for path in sources()
    }
    lengths = {path: len((ROOT / path).read_text().splitlines()) for path in sources()}

    assert {path: lines for path, lines in lengths.items() if lines > limits[path]} == {}


def test_streamlit_finds_no_page_by_file_name():
    assert not (ROOT / "pages" / "pages").exists()


def test_no_module_is_named_after_nothing():
    assert [path for path in sources() if Path(path).stem in FORBIDDEN_NAMES] == []


def test_bugs_are_caught_in_one_place_only():
    catching = [
        path
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None or "Exception" in {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
        )
    ]

    assert catching == ["core/jobs.py"]


def test_nothing_commits_but_leaving_a_transaction():
    commits = [
        (path, node.lineno)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]

    assert commits == []


# Put together here, so that this file does not hold what it looks for.
HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org", "jfrog" + ".io"]
PLACES = ["../" + "shared", "/" + "work/", "/" + "root/", "file" + "://"]


def test_no_file_names_a_registry_or_a_place_on_this_machine():
    found = [
        (name, word)
        for name in tracked()
        if name != ".ci/run"
        for word in (*HOSTS, *PLACES, f"{ROOT}/")
        if word.encode() in (ROOT / name).read_bytes()
    ]

    assert found == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name):
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    loose = [line for line in lines if line and not re.fullmatch(r"[\w.\-]+(\[[\w,]+\])?==[\w.]+", line)]

    assert loose == []
    assert any(lines)


def test_the_example_environment_lists_every_setting_and_no_other():
    listed = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(f"ENCORE_{name.upper()}" for name in Settings.model_fields)


def test_the_readme_names_everything_at_the_top():
    words = (ROOT / "README.md").read_text()
    top = {name.partition("/")[0] for name in tracked()} - {"README.md"}

    assert sorted(name for name in top if name not in words) == []


def test_the_map_of_promises_names_tests_that_exist():
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", (ROOT / "tests" / "README.md").read_text())
    named = [(path, name) for path, name in named if "/" in path]
    missing = [
        (path, name)
        for path, name in named
        if not (ROOT / "tests" / path).exists() or f"def {name}" not in (ROOT / "tests" / path).read_text()
    ]

    assert len(named) > 50
    assert missing == []
