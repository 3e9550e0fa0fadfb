"""The benchmark of the API measures real answers, and says what it promises."""

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from benchmarks import api
from benchmarks.api_programs import Canned, Connection, Figures, Load, WrongAnswer, drive
from core.settings import ROOT


@asynccontextmanager
async def server(protocol: type[asyncio.Protocol]):
    lines = []

    def answer() -> asyncio.Protocol:
        lines.append(protocol())
        return lines[-1]

    serving = await asyncio.get_running_loop().create_server(answer, "127.0.0.1", 0)
    async with serving:
        yield serving.sockets[0].getsockname()[1]
    for line in lines:
        line._transport.abort()
    await asyncio.sleep(0)  # until they are closed


def driven(protocol: type[asyncio.Protocol]) -> Figures:
    async def run() -> Figures:
        async with server(protocol) as port:
            return await drive(Load(port, "/", {}, connections=2, seconds=0.2))

    return asyncio.run(run())


def test_the_client_counts_answers():
    figures = driven(Canned)

    assert figures.rps > 100
    assert 0 < figures.p50_ms <= figures.p99_ms


def test_a_refusal_is_not_measured():
    class Refuses(Canned):
        ANSWER = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"

    with pytest.raises(WrongAnswer, match="429"):
        driven(Refuses)


def test_an_answer_in_pieces_is_one_answer():
    latencies, failed = [], None

    class Line:
        written = 0

        def write(self, _: bytes) -> None:
            self.written += 1

    line, connection = Line(), Connection(b"GET", latencies, failed)
    connection.connection_made(line)
    for piece in (b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 5\r\n\r", b"\nab", b"cde"):
        connection.data_received(piece)

    assert (len(latencies), line.written) == (1, 2)  # answered once, and asked again


def test_the_targets_take_turns_and_the_median_of_the_rounds_counts(monkeypatch):
    order = []

    def client(load: Load) -> Figures:
        order.append(load.path)
        return Figures(rps=float(len(order)), p50_ms=1.0, p99_ms=2.0)

    monkeypatch.setattr(api, "run_client", client)
    targets = {name: Load(1, name, {}, 1, 1) for name in ("a", "b")}

    found = api.measure(targets, rounds=3)

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert {name: one.rps for name, one in found.items()} == {"a": 4.0, "b": 3.0}


@pytest.mark.integration
def test_the_command_measures_the_site_beside_the_bare_routes_and_prints_one_json_line_last():
    command = [sys.executable, "-m", "benchmarks.api", "--rounds", "1", "--seconds", "0.3", "--json"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    measured = (
        "get_event",
        "get_event_signed_in",
        "list_photos",
        "signed_image",
        "bare",
        "bare_async",
        "canned",
    )
    assert set(figures) == {
        *measured,
        *("machine", "date", "versions", "connections", "ratio_to_bare", "ratio_to_bare_async"),
    }
    assert figures["connections"] == 16
    assert all(figures[name]["rps"] > 0 and figures[name]["p99_ms"] > 0 for name in measured)
    assert figures["ratio_to_bare"] == pytest.approx(
        figures["get_event"]["rps"] / figures["bare"]["rps"], abs=0.001
    )
