"""The benchmark of money says what it found, and fails when something is wrong or a fault is not seen."""

import json

import pytest

from benchmarks import money
from benchmarks.money_faults import FAULTS, Fault
from core import receipts

KEYS = {"histories", "violations", "seeded_faults_found", "seconds"}


def run(capsys, *arguments: str) -> tuple[int, dict]:
    """The exit code, and the line of JSON."""
    with pytest.raises(SystemExit) as end:
        money.main(["--jobs", "1", "--json", *arguments])
    return int(end.value.code), json.loads(capsys.readouterr().out.splitlines()[-1])


def test_histories_without_faults_are_right_and_the_faults_are_counted(monkeypatch, capsys):
    monkeypatch.setattr(money, "FAULTS", FAULTS[:2])

    code, said = run(capsys, "--histories", "4")

    assert code == 0
    assert said.keys() >= KEYS
    assert (said["histories"], said["violations"], said["seeded_faults_found"]) == (4, 0, 2)


def test_a_fault_that_nobody_sees_fails_the_benchmark(monkeypatch, capsys):
    harmless = Fault("nothing is wrong", receipts, "issue", lambda right: right)
    monkeypatch.setattr(money, "FAULTS", [harmless])
    monkeypatch.setattr(money, "MOST_FOR_A_FAULT", 1)

    code, said = run(capsys, "--histories", "1")

    assert (code, said["seeded_faults_found"], said["violations"]) == (1, 0, 0)


def test_a_violation_fails_the_benchmark_and_is_told(monkeypatch, capsys):
    monkeypatch.setattr(money, "FAULTS", [])
    monkeypatch.setattr(receipts, "issue", lambda *_: None)

    code, said = run(capsys, "--histories", "3", "--seed", "2")

    assert code == 1
    assert said["violations"] > 0
