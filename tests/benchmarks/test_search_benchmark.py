"""The benchmark of searches is fair, runs, and says what it promises."""

import json
import subprocess
import sys
from collections.abc import Set
from contextlib import contextmanager

import numpy as np
import pytest

from benchmarks import search
from core.settings import ROOT


@pytest.fixture(scope="module")
def crowd() -> search.Crowd:
    return search.make(faces=2_000, searches=40)


def test_a_made_event_is_of_single_precision_as_the_product_keeps_it(crowd):
    assert (crowd.embeddings.dtype, crowd.embeddings.shape) == (np.float32, (2_000, search.DIMENSION))
    assert (crowd.probes.dtype, crowd.probes.shape) == (np.float32, (40, search.DIMENSION))
    np.testing.assert_allclose(np.linalg.norm(crowd.embeddings, axis=1), 1, atol=1e-6)


def test_every_person_is_in_ten_different_photos(crowd):
    photos = [{int(crowd.photos[row]) for row in rows} for rows in crowd.truth]

    assert {len(one) for one in photos} == {search.FACES_PER_PERSON}


def test_the_same_event_is_made_every_time(crowd):
    again = search.make(faces=2_000, searches=40)

    np.testing.assert_array_equal(again.embeddings, crowd.embeddings)


@pytest.mark.parametrize("engine", ["encore", "numpy", "faiss IndexFlatIP"])
def test_what_is_exact_finds_everything(crowd, engine):
    search.check_truth(crowd)

    row = search.measure(crowd, engine)

    assert (row.faces, row.engine, row.recall) == (2_000, engine, 1.0)
    assert 0 < row.p50_ms <= row.p99_ms


def test_an_engine_that_finds_half_has_a_recall_of_a_half(crowd, monkeypatch):
    @contextmanager
    def half_blind(event: search.Crowd):
        def look(probe: np.ndarray) -> Set[int]:
            truth = event.truth[int(np.argmax(event.probes @ probe))]
            return {*sorted(truth)[: len(truth) // 2], -1}

        yield look

    monkeypatch.setitem(search.ENGINES, "half blind", half_blind)

    assert search.measure(crowd, "half blind").recall == 0.5


def test_an_unfair_event_is_refused(crowd):
    stranger = search.Crowd(crowd.embeddings, crowd.photos, crowd.probes, crowd.truth[::-1])

    with pytest.raises(ValueError, match="nearer to a stranger"):
        search.check_truth(stranger)


@pytest.mark.integration
def test_the_command_prints_a_table_and_one_json_line_last():
    command = [sys.executable, "-m", "benchmarks.search", "--faces", "1000", "--json"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert [row["engine"] for row in figures["rows"]] == list(search.ENGINES)
    keys = ("faces", "engine", "p50_ms", "p99_ms", "recall", "precision")
    assert {tuple(row) for row in figures["rows"]} == {keys}
    assert (figures["rows"][0]["recall"], figures["rows"][0]["precision"]) == (1.0, 1.0)
    assert all(f"{row['p99_ms']:.2f}" in done.stdout for row in figures["rows"])


def test_the_smallest_event_is_one_photo_of_people_with_ten_faces_each():
    smallest = search.make(search.FEWEST, searches=300)

    search.check_truth(smallest)
    assert (search.FEWEST, len(smallest.embeddings), len(smallest.probes)) == (40, 40, 4)
    assert search.measure(smallest, "encore").recall == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--faces", "39"], "40 to 1000000"),
        (["--faces", "1000001"], "40 to 1000000"),
        (["--faces", "-5"], "40 to 1000000"),
        (["--threads", "0"], "--threads: 1 or more"),
        (["--engines", "abacus"], "invalid choice: 'abacus'"),
    ],
)
def test_an_event_of_no_use_is_refused_by_name(options, sentence, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["search", *options])

    with pytest.raises(SystemExit) as refusal:
        search.main()

    assert refusal.value.code == 2
    assert sentence in capsys.readouterr().err
