"""The README's lines for programs do what they say."""

import re
import subprocess

import pytest

from core.settings import ROOT
from tests.requirements import require_binary

# Any refusal ends the script, and what is sent and answered is shown.
STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'


def lines_for_programs() -> str:
    section = (ROOT / "README.md").read_text().partition("### Talk to it from a program\n")[2]
    return re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [require_binary("bash"), "-c", STRICT + script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.integration
def test_the_lines_for_programs_work_as_they_stand(site):
    require_binary("curl")
    script = lines_for_programs().replace("http://localhost:8501", site.address)

    done = run(script)

    assert done.returncode == 0, done.stdout + done.stderr
    for told in ('"verdict":"new"', '"uploaded":1', "event: photo.uploaded", "Riverside", '"status":"paid"'):
        assert told in done.stdout, told
    assert int(re.search(r"(\d+) bytes\s*$", done.stdout)[1]) > 10_000  # of the photo


@pytest.mark.integration
def test_a_line_that_is_refused_would_be_seen(site):
    require_binary("curl")

    done = run(f"curl -s {site.address}/api/v1/account\necho went on")

    assert done.returncode != 0
    assert "SignInNeeded" in done.stdout
    assert "went on" not in done.stdout
