"""An event moves to another engine: the old index serves until the new one is whole, and nothing is lost."""

from contextlib import suppress
from datetime import timedelta

import pytest

from core import access, consent, indexes, ingest, jobs, paging, photos, reindex, search, troubles, weights
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from core.reindex import Progress
from core.worker import HANDLERS
from models.account import Account, Role
from models.audit import AuditEntry
from models.consent import Purpose
from models.face import Face, FaceIndex, IndexedPhoto, IndexStatus
from models.job import Job, JobKind, JobStatus
from models.photo import Photo, Stage
from tests.core.test_ingest import all_of, row, vectors
from tests.fake_pixels import FakePixels, dimension_of, embedding
from tests.makers import approve, make_account, make_event, make_jpeg, make_viewer, owner_of, upload


@pytest.fixture
def event(backends):
    return make_event(backends)


@pytest.fixture
def owner(backends, event) -> Account:
    return owner_of(backends, event)


@pytest.fixture
def admin(backends) -> Account:
    return make_account(backends, Role.ADMIN)


@pytest.fixture
def shot(backends, event, owner, work) -> list[Photo]:
    """Three photos, indexed by the usual engine; the second face of the first is too small for it."""
    people = (("anna", "ben:small"), ("ben",), ())
    taken = [upload(backends, event, make_jpeg(*who, seed=n), by=owner) for n, who in enumerate(people)]
    work()
    return taken


@pytest.fixture
def later(backends, monkeypatch):
    """Let the time pass that jobs wait for."""

    def pass_by(hours: int = 1) -> None:
        now = backends.now() + timedelta(hours=hours)
        monkeypatch.setattr(backends, "now", lambda: now)

    return pass_by


def run_one(backends, kind: JobKind) -> None:
    """Run the next job, which is one of this kind."""
    with backends.reading() as session:
        due = session.exec(jobs._due_ids(backends.now())).first()
        assert session.get_one(Job, due).kind is kind
    assert jobs.run_next(backends, HANDLERS)


def progress(backends, event, by) -> Progress:
    return reindex.progress(backends, event.id, by=by)


def statuses(backends) -> dict[str, IndexStatus]:
    return {index.engine: index.status for index in all_of(backends, FaceIndex)}


def failing_on(backends, monkeypatch, person: str) -> None:
    """The new engine cannot read the photos of this person."""
    real = backends.pixels.faces

    def faces(path, engine):
        if engine == "light" and person.encode() in path.read_bytes():
            raise InvalidInput("This photo cannot be read.")
        return real(path, engine)

    monkeypatch.setattr(backends.pixels, "faces", faces)


def test_the_old_index_serves_until_the_new_one_is_whole(backends, event, admin, shot, work):
    reindex.start(backends, event.id, "light", by=admin)
    seen = []
    while progress(backends, event, admin).building:
        seen.append((progress(backends, event, admin), set(vectors(backends))))
        run_one(backends, JobKind.REINDEX_PHOTO)

    old = {ingest._face_id(shot[0].id, 0), ingest._face_id(shot[1].id, 0)}
    assert seen == [(Progress("bundled", "light", 3, done, 0), old) for done in range(3)]
    assert progress(backends, event, admin) == Progress("light", None, 3, 3, 0)
    assert statuses(backends) == {"bundled": IndexStatus.RETIRED, "light": IndexStatus.SERVING}


def test_the_new_index_holds_what_the_new_engine_sees(backends, event, admin, shot, work):
    before = row(backends, shot[0]).face_count

    reindex.start(backends, event.id, "light", by=admin)
    work()

    found = vectors(backends)
    new = next(index for index in all_of(backends, FaceIndex) if index.status is IndexStatus.SERVING)
    rows = [face.id for face in all_of(backends, Face) if face.index_id == new.id and face.is_searchable]
    assert (
        set(found) == set(rows) == {ingest._face_id(shot[n].id, rank) for n, rank in ((0, 0), (0, 1), (1, 0))}
    )
    assert {vector.shape for vector in found.values()} == {(dimension_of("light"),)}
    assert (before, [row(backends, photo).face_count for photo in shot]) == (1, [2, 1, 0])
    assert indexes.identity_of(new) == backends.pixels.identity("light")
    assert all_of(backends, IndexedPhoto) == []


def test_the_old_index_is_taken_apart_after_the_last_searches(backends, event, admin, shot, work, later):
    old = all_of(backends, FaceIndex)[0]
    reindex.start(backends, event.id, "light", by=admin)
    work()

    kept = backends.vectors.all(old.collection)[0]
    later()
    run_one(backends, JobKind.DROP_INDEX)

    assert len(kept) == 2
    assert backends.vectors.all(old.collection)[0] == []
    assert [index.engine for index in all_of(backends, FaceIndex)] == ["light"]
    assert old.id not in {face.index_id for face in all_of(backends, Face)}
    assert {job.status for job in all_of(backends, Job)} == {JobStatus.DONE}


def test_searches_go_on_with_the_old_engine_and_then_with_the_new(backends, event, admin, shot, work):
    approve(backends, *shot)
    viewer = make_viewer()
    receipt = consent.give(backends, event.id, Purpose.SEARCH, by=viewer)

    def find() -> set:
        selfie = make_jpeg("anna", size=(640, 480))
        found = search.by_selfies(backends, event.id, [selfie], receipt_id=receipt.id, by=viewer)
        return {hit.photo.id for hit in (*found.sure, *found.maybe)}

    reindex.start(backends, event.id, "light", by=admin)
    run_one(backends, JobKind.REINDEX_PHOTO)
    during = find()
    work()
    afterwards = find()
    backends.pixels.missing.add("light")

    assert during == afterwards == {shot[0].id}
    with pytest.raises(Unavailable, match="no weights"):
        find()


# --- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
def test_only_admins_change_the_engine(backends, event, shot, role):
    somebody = make_account(backends, role)

    for refused in (
        lambda: reindex.start(backends, event.id, "light", by=somebody),
        lambda: reindex.cancel(backends, event.id, by=somebody),
        lambda: reindex.overview(backends, by=somebody),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_progress_is_for_those_who_have_a_part_in_the_event(backends, event, owner, shot):
    stranger = make_account(backends, Role.ORGANISER)

    assert progress(backends, event, owner) == Progress("bundled", None, 3, 3, 0)
    with pytest.raises(NotFound):
        progress(backends, event, stranger)


def test_what_cannot_be_started_is_refused_in_a_sentence(backends, event, admin, shot):
    backends.pixels.missing.add("sface")
    empty = make_event(backends)

    for event_id, engine, refusal, sentence in (
        (event.id, "eyes", reindex.NoSuchEngine, 'no face engine called "eyes"'),
        (event.id, "sface", Unavailable, "no weights"),
        (event.id, "bundled", Conflict, "with this engine already"),
        (empty.id, "light", Conflict, "no faces yet"),
        (9999, "light", access.NoSuchEvent, "no such event"),
    ):
        with pytest.raises(refusal, match=sentence):
            reindex.start(backends, event_id, engine, by=admin)
    with pytest.raises(Conflict, match="not being re-indexed"):
        reindex.cancel(backends, event.id, by=admin)
    assert statuses(backends) == {"bundled": IndexStatus.SERVING}


def test_one_index_is_built_at_a_time(backends, event, admin, shot):
    reindex.start(backends, event.id, "light", by=admin)

    with pytest.raises(reindex.AlreadyBuilding, match="cancel it first"):
        reindex.start(backends, event.id, "sface", by=admin)

    assert len(all_of(backends, FaceIndex)) == 2
    assert len([job for job in all_of(backends, Job) if job.kind is JobKind.REINDEX_PHOTO]) == 3


def test_an_engine_whose_weights_changed_is_another_engine(backends, event, owner, admin, shot, work):
    backends.pixels = FakePixels("f" * 64)
    late = upload(backends, event, make_jpeg("cleo", seed=9), by=owner)
    work()
    refused = row(backends, late).stage

    reindex.start(backends, event.id, "bundled", by=admin)
    work()

    assert (refused, row(backends, late).stage) == (Stage.RENDERED, Stage.INDEXED)
    assert ingest._face_id(late.id, 0) in vectors(backends)
    assert progress(backends, event, admin) == Progress("bundled", None, 4, 4, 0)
    assert JobStatus.FAILED not in {job.status for job in all_of(backends, Job)}


# --- photos that come, fail and go meanwhile -----------------------------------------------


def test_a_photo_that_comes_meanwhile_goes_to_both(backends, event, owner, admin, shot, work):
    reindex.start(backends, event.id, "light", by=admin)
    photo = upload(backends, event, make_jpeg("cleo", seed=9), by=owner)

    run_one(backends, JobKind.RENDER_PHOTO)
    run_one(backends, JobKind.INDEX_FACES)
    served, standing = set(vectors(backends)), progress(backends, event, admin)
    work()

    face = ingest._face_id(photo.id, 0)
    assert face in served
    assert standing == Progress("bundled", "light", 4, 0, 0)
    assert face in vectors(backends)
    assert progress(backends, event, admin).serving == "light"


def test_uploads_do_not_wait_for_the_thousands_of_jobs_of_a_new_index(backends, event, owner, admin, shot):
    reindex.start(backends, event.id, "light", by=admin)
    upload(backends, event, make_jpeg("cleo", seed=9), by=owner)

    claimed = [jobs.claim(backends).kind for _ in range(4)]

    assert claimed == [JobKind.RENDER_PHOTO, *[JobKind.REINDEX_PHOTO] * 3]


def test_a_photo_that_fails_keeps_the_old_index_serving_until_it_is_tried_again(
    backends, event, owner, admin, shot, work, monkeypatch
):
    failing_on(backends, monkeypatch, "ben\0")
    reindex.start(backends, event.id, "light", by=admin)
    work()

    standing = progress(backends, event, admin)
    (failed,) = troubles.given_up(backends, event.id, by=owner)
    monkeypatch.undo()
    jobs.retry(backends, failed.id, by=owner)
    retried = progress(backends, event, admin)
    work()

    assert standing == Progress("bundled", "light", 3, 2, 1)
    assert (failed.subject, failed.last_error) == (str(shot[1].id), "This photo cannot be read.")
    assert retried == Progress("bundled", "light", 3, 2, 0)
    assert progress(backends, event, admin) == Progress("light", None, 3, 3, 0)


def test_deleting_the_last_photo_that_is_missing_makes_the_new_index_whole(
    backends, event, owner, admin, shot, work, monkeypatch
):
    failing_on(backends, monkeypatch, "ben\0")
    reindex.start(backends, event.id, "light", by=admin)
    work()

    photos.delete(backends, [shot[1].id], by=owner)
    work()

    assert progress(backends, event, admin) == Progress("light", None, 2, 2, 0)
    assert troubles.given_up(backends, event.id, by=owner) == []


def test_a_photo_deleted_meanwhile_is_in_no_index(backends, event, owner, admin, shot, work, later):
    reindex.start(backends, event.id, "light", by=admin)
    run_one(backends, JobKind.REINDEX_PHOTO)
    held = {marker.photo_id for marker in all_of(backends, IndexedPhoto)}

    photos.delete(backends, [shot[0].id], by=owner)
    run_one(backends, JobKind.DELETE_PHOTO)
    left = {*vectors(backends), *vectors(backends, IndexStatus.BUILDING)}
    work()
    later()
    work()

    assert held == {shot[0].id}
    assert not left & set(ingest._face_ids(shot[0].id))
    assert set(vectors(backends)) == {ingest._face_id(shot[1].id, 0)}
    assert {face.photo_id for face in all_of(backends, Face)} == {shot[1].id}
    assert progress(backends, event, admin) == Progress("light", None, 2, 2, 0)


def test_a_photo_deleted_while_it_is_looked_at_again_leaves_nothing(
    backends, event, owner, admin, shot, work, monkeypatch, later
):
    real = backends.pixels.faces

    def meanwhile(*arguments):
        monkeypatch.setattr(backends.pixels, "faces", real)
        later()  # the worker is thought dead
        photos.delete(backends, [shot[0].id], by=owner)
        ingest.delete_photo(backends, str(shot[0].id))
        return real(*arguments)

    reindex.start(backends, event.id, "light", by=admin)
    monkeypatch.setattr(backends.pixels, "faces", meanwhile)
    work()

    assert row(backends, shot[0]) is None
    assert set(vectors(backends)) == {ingest._face_id(shot[1].id, 0)}
    assert progress(backends, event, admin) == Progress("light", None, 2, 2, 0)


def test_an_event_whose_photos_are_all_gone_changes_at_once(backends, event, owner, admin, shot, work):
    photos.delete(backends, [photo.id for photo in shot], by=owner)
    work()

    reindex.start(backends, event.id, "light", by=admin)

    assert progress(backends, event, admin) == Progress("light", None, 0, 0, 0)


# --- calling it off ------------------------------------------------------------------------


def test_a_cancelled_index_leaves_nothing_and_may_be_built_again(backends, event, admin, shot, work, later):
    before = (set(vectors(backends)), len(all_of(backends, Face)))
    reindex.start(backends, event.id, "light", by=admin)
    run_one(backends, JobKind.REINDEX_PHOTO)
    (half,) = [index for index in all_of(backends, FaceIndex) if index.engine == "light"]

    reindex.cancel(backends, event.id, by=admin)
    later()
    work()
    after = (set(vectors(backends)), len(all_of(backends, Face)))
    left = (backends.vectors.all(half.collection)[0], all_of(backends, IndexedPhoto), statuses(backends))
    reindex.start(backends, event.id, "light", by=admin)
    work()

    assert after == before
    assert left == ([], [], {"bundled": IndexStatus.SERVING})
    assert progress(backends, event, admin) == Progress("light", None, 3, 3, 0)


def test_an_index_built_again_at_once_is_not_taken_apart_with_the_one_before(
    backends, event, admin, shot, work
):
    reindex.start(backends, event.id, "light", by=admin)
    run_one(backends, JobKind.REINDEX_PHOTO)

    reindex.cancel(backends, event.id, by=admin)
    reindex.start(backends, event.id, "light", by=admin)
    work()

    assert len(vectors(backends)) == 3
    assert statuses(backends) == {"bundled": IndexStatus.RETIRED, "light": IndexStatus.SERVING}


@pytest.mark.parametrize("is_taken_apart", [False, True])
def test_a_worker_that_comes_too_late_leaves_nothing_of_a_cancelled_index(
    backends, event, admin, shot, work, later, monkeypatch, is_taken_apart
):
    real = backends.pixels.faces

    def meanwhile(*arguments):
        monkeypatch.setattr(backends.pixels, "faces", real)
        reindex.cancel(backends, event.id, by=admin)
        if is_taken_apart:
            later()
            run_one(backends, JobKind.DROP_INDEX)
        return real(*arguments)

    reindex.start(backends, event.id, "light", by=admin)
    (half,) = [index for index in all_of(backends, FaceIndex) if index.engine == "light"]
    monkeypatch.setattr(backends.pixels, "faces", meanwhile)
    work()
    later()
    work()

    assert backends.vectors.all(half.collection)[0] == []
    assert statuses(backends) == {"bundled": IndexStatus.SERVING}
    assert len(vectors(backends)) == 2
    assert {job.status for job in all_of(backends, Job)} == {JobStatus.DONE}


def test_a_worker_killed_after_its_vectors_leaves_nothing_of_a_cancelled_index(
    backends, event, admin, shot, work, later, monkeypatch
):
    write, died = ingest._write_vectors, []

    def killed(writer, index, *arguments):
        monkeypatch.undo()
        reindex.cancel(writer, event.id, by=admin)
        work()  # what is due at once
        write(writer, index, *arguments)
        died.append((index.collection, len(writer.vectors.all(index.collection)[0])))
        raise SystemExit("killed")

    reindex.start(backends, event.id, "light", by=admin)
    monkeypatch.setattr(ingest, "_write_vectors", killed)
    with suppress(SystemExit):
        work()
    later()
    work()

    ((collection, written),) = died
    assert written == 2
    assert backends.vectors.all(collection)[0] == []
    assert statuses(backends) == {"bundled": IndexStatus.SERVING}
    assert {job.status for job in all_of(backends, Job)} == {JobStatus.DONE}


def test_what_failed_for_a_cancelled_index_is_not_told_of_the_next(
    backends, event, admin, shot, work, monkeypatch
):
    real = backends.pixels.faces

    def cancelled(*_):
        monkeypatch.setattr(backends.pixels, "faces", real)
        reindex.cancel(backends, event.id, by=admin)
        raise InvalidInput("This photo cannot be read.")

    reindex.start(backends, event.id, "light", by=admin)
    monkeypatch.setattr(backends.pixels, "faces", cancelled)
    work()
    failed = [job.kind for job in all_of(backends, Job) if job.status is JobStatus.FAILED]
    reindex.start(backends, event.id, "sface", by=admin)

    assert failed == [JobKind.REINDEX_PHOTO]
    assert progress(backends, event, admin) == Progress("bundled", "sface", 3, 0, 0)


def test_it_is_written_down_who_changed_the_engine(backends, event, admin, shot):
    reindex.start(backends, event.id, "light", by=admin)
    reindex.cancel(backends, event.id, by=admin)

    entries = [entry for entry in all_of(backends, AuditEntry) if entry.action.startswith("event.reindex")]
    assert [(entry.action, entry.account_id, entry.subject) for entry in entries] == [
        ("event.reindex", admin.id, str(event.id)),
        ("event.reindex_cancel", admin.id, str(event.id)),
    ]
    assert entries[0].detail == {"before": "bundled", "engine": "light"}


# --- races and deaths ----------------------------------------------------------------------


def switched_under_a_step(backends, event, owner, admin, later, monkeypatch) -> Photo:
    """A new photo whose faces are found for the old index while the new one takes its place."""
    real = backends.pixels.faces

    def meanwhile(path, engine):
        monkeypatch.setattr(backends.pixels, "faces", real)
        found = real(path, engine)
        reindex.start(backends, event.id, "light", by=admin)
        while progress(backends, event, admin).building:
            run_one(backends, JobKind.REINDEX_PHOTO)
        return found

    photo = upload(backends, event, make_jpeg("cleo", seed=9), by=owner)
    run_one(backends, JobKind.RENDER_PHOTO)
    monkeypatch.setattr(backends.pixels, "faces", meanwhile)
    run_one(backends, JobKind.INDEX_FACES)
    later()
    return photo


def test_a_photo_is_not_lost_when_the_index_changes_under_it(
    backends, event, owner, admin, shot, work, later, monkeypatch
):
    photo = switched_under_a_step(backends, event, owner, admin, later, monkeypatch)

    work()

    assert (row(backends, photo).stage, row(backends, photo).face_count) == (Stage.INDEXED, 1)
    assert vectors(backends)[ingest._face_id(photo.id, 0)] == pytest.approx(embedding("cleo", "light"))
    assert len(vectors(backends)) == 4
    assert [index.engine for index in all_of(backends, FaceIndex)] == ["light"]


def test_without_the_second_look_a_photo_is_lost(
    backends, event, owner, admin, shot, work, later, monkeypatch
):
    """The negative control of the test above."""
    monkeypatch.setattr(indexes, "held", lambda _, index: FaceIndex(**index.model_dump()))  # as it was
    photo = switched_under_a_step(backends, event, owner, admin, later, monkeypatch)

    monkeypatch.undo()
    later()
    work()

    assert row(backends, photo).stage is Stage.INDEXED
    assert ingest._face_id(photo.id, 0) not in vectors(backends)


def test_two_workers_on_one_photo_add_it_once(backends, event, admin, shot, work, monkeypatch):
    real = backends.pixels.faces

    def meanwhile(*arguments):
        monkeypatch.setattr(backends.pixels, "faces", real)
        ingest.reindex_photo(backends, str(shot[0].id))  # a worker that was thought dead is quicker
        return real(*arguments)

    reindex.start(backends, event.id, "light", by=admin)
    monkeypatch.setattr(backends.pixels, "faces", meanwhile)
    work()

    assert len(vectors(backends)) == 3
    assert {job.status for job in all_of(backends, Job) if job.kind is not JobKind.DROP_INDEX} == {
        JobStatus.DONE
    }


def test_a_repeated_job_makes_the_index_whole_that_others_left_to_it(
    backends, event, admin, shot, work, later
):
    """A worker that was thought dead adds the last photo while its job waits to be tried again."""
    reindex.start(backends, event.id, "light", by=admin)
    for _ in range(2):
        run_one(backends, JobKind.REINDEX_PHOTO)
    ingest.reindex_photo(backends, str(shot[2].id))

    waiting = progress(backends, event, admin)
    work()

    assert waiting == Progress("bundled", "light", 3, 3, 0)
    assert progress(backends, event, admin) == Progress("light", None, 3, 3, 0)


def test_photos_are_not_counted_through_while_jobs_are_to_come(
    backends, event, admin, shot, work, monkeypatch
):
    counted, missing = [], indexes._missing
    monkeypatch.setattr(indexes, "_missing", lambda index: counted.append(index.id) or missing(index))

    reindex.start(backends, event.id, "light", by=admin)
    work()

    assert len(counted) == 1
    assert progress(backends, event, admin) == Progress("light", None, 3, 3, 0)


@pytest.mark.parametrize("step", ["_describe", "switch_if_whole", "drop"])
def test_a_worker_that_dies_in_the_middle_loses_nothing(
    backends, event, admin, shot, work, later, monkeypatch, step
):
    """It dies after its vectors, after its rows, and after a collection went: in each photo once."""
    where = {"_describe": ingest, "switch_if_whole": indexes, "drop": backends.vectors}[step]
    real, deaths = getattr(where, step), []

    def die_once(*arguments):
        done = real(*arguments)
        if (mark := str(arguments[-1])) not in deaths:
            deaths.append(mark)
            raise SystemExit("killed")  # nothing is caught, nothing is written: the lease ends
        return done

    reindex.start(backends, event.id, "light", by=admin)
    monkeypatch.setattr(where, step, die_once)
    for _ in range(12):
        with suppress(SystemExit):
            work()
        later()

    assert deaths != []
    assert len(vectors(backends)) == len([face for face in all_of(backends, Face) if face.is_searchable]) == 3
    assert [index.engine for index in all_of(backends, FaceIndex)] == ["light"]
    assert [row(backends, photo).face_count for photo in shot] == [2, 1, 0]
    assert {job.status for job in all_of(backends, Job)} == {JobStatus.DONE}


# --- what admins see -----------------------------------------------------------------------


def test_the_overview_names_every_event_with_faces(backends, event, owner, admin, shot, work):
    other = make_event(backends)
    upload(backends, other, make_jpeg("anna"), by=owner_of(backends, other))
    make_event(backends)  # without photos
    work()
    reindex.start(backends, event.id, "light", by=admin)
    run_one(backends, JobKind.REINDEX_PHOTO)

    backends.pixels.missing.add("bundled")
    while_missing = reindex.overview(backends, by=admin)
    backends.pixels = FakePixels("f" * 64)
    while_another = reindex.overview(backends, by=admin)

    seen = {standing.event.id: standing.progress for standing in while_missing}
    assert seen == {
        event.id: Progress("bundled", "light", 3, 1, 0),
        other.id: Progress("bundled", None, 1, 1, 0),
    }
    gone = "The face engine bundled has no weights here."
    not_here = (
        'The face engine "light" cannot be used: MobileFaceNet.onnx is not installed. '
        "To mend it: python -m core faces install light"
    )
    problems = {standing.event.id: [str(one) for one in standing.problems] for standing in while_missing}
    assert problems == {event.id: [gone, not_here], other.id: [gone]}
    assert {type(standing.problems[0]) for standing in while_another} == {indexes.EngineChanged}


def test_an_engine_that_is_not_installed_is_no_fault_that_waiting_mends(
    backends, event, admin, shot, monkeypatch
):
    def missing(engine):
        raise weights.WeightsMissing("{engine} is not installed.", engine=engine)

    monkeypatch.setattr(backends.pixels, "identity", missing)

    with pytest.raises(reindex.NotInstalled, match="light is not installed"):
        reindex.start(backends, event.id, "light", by=admin)


def test_pages_of_indexes_are_the_overview(backends, event, admin, shot, work):
    later = make_event(backends, held_on=event.held_on + timedelta(days=1))
    upload(backends, later, make_jpeg("anna", seed=9), by=owner_of(backends, later))
    work()

    first = reindex.listing(backends, paging.Asked(1), by=admin)
    second = reindex.listing(backends, paging.Asked(1, first.next_cursor), by=admin)

    assert [*first.items, *second.items] == reindex.overview(backends, by=admin)
    assert [standing.event.id for standing in first.items] == [later.id]
    assert second.next_cursor is None


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ADMIN}))
def test_only_admins_read_how_engines_and_indexes_stand(backends, role):
    somebody = make_account(backends, role)

    for refused in (
        lambda: reindex.engines_here(backends, by=somebody),
        lambda: reindex.listing(backends, paging.LONG, by=somebody),
    ):
        with pytest.raises(Forbidden):
            refused()
