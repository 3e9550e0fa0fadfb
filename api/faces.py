"""Face engines, and each event's way from one to another."""

from datetime import date
from typing import Annotated

from pydantic import ConfigDict, Field

from api import callers, deps, routing
from api.events import EventId
from api.schemas import Answer, Asked, Page, Request, Text, page
from core import paging, reindex
from core.reindex import Standing
from core.weights import EngineState

router = routing.router("faces")


class EngineFigures(Answer):
    """What was measured of an engine on one set of people. All shares are between 0 and 1."""

    dataset: str = Field(description="Whose faces.")
    measured_on: date = Field(description="The day.")
    fnir: float = Field(description="Share of own photos missed where 5 % of the searches show a wrong one.")
    found: float = Field(description="Share of own photos shown.")
    found_sure: float = Field(description="Share of own photos shown as sure.")
    wrong: float = Field(description="Share of searches that show a photo without the person.")
    wrong_sure: float = Field(description="Share of searches that show one as sure.")


class EngineFacts(Answer):
    """What a face engine is made of."""

    name: str = Field(description="By which it is chosen.")
    detector: str = Field(description="Finds the faces.")
    recogniser: str = Field(description="Tells them apart.")
    dimension: int = Field(description="Of its embeddings.")
    metric: str = Field(description="How far apart two embeddings are, such as cosine.")
    source: str = Field(description="Where its models come from.")
    licence: str = Field(description="Of its models.")
    limits: str = Field(description="In plain words, for the one who chooses.")
    download_size: int = Field(description="Bytes to fetch when nothing is here.")
    measured: list[EngineFigures] = Field(description="Empty: it was not measured.")


class FaceEngine(EngineFacts):
    """A face engine, and how it stands on this machine."""

    is_usual: bool = Field(description="New events are indexed with it.")
    is_installed: bool = Field(description="All its files are here.")
    is_broken: bool = Field(description="A file is here that should not be.")
    problem: str | None = Field(description="Why it is not installed; null: it is.")
    missing_bytes: int = Field(description="Still to be fetched.")


class ReindexProgress(Answer):
    """By which engine an event is searched, and how far the next one is."""

    serving: str | None = Field(description="Name of the engine; null before the first photo.")
    building: str | None = Field(description="Name of the engine that is to take its place; null: none is.")
    photos: int = Field(description="That belong into an index.")
    done: int = Field(description="In the index that is built; all of them when none is.")
    failed: int = Field(description="Photos that gave up: the old index serves until they are tried again.")


class FaceIndex(ReindexProgress):
    """How an event stands that has faces."""

    event_id: int
    event_name: str
    problems: list[str] = Field(description="Why no photo can be added or searched, or the next index built.")


class NewEngine(Request):
    """The engine to go to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"engine": "light"}]})

    engine: Annotated[Text, Field(min_length=1, max_length=40, description="Its name.")]


@router.get("/face-engines")
def list_face_engines(caller: callers.ReadsEvents) -> Page[FaceEngine]:
    """List the engines that Encore knows. Admins only."""
    return page(paging.whole(reindex.engines_here(deps.backends(), by=caller.account)), _engine)


@router.get("/face-indexes")
def list_face_indexes(caller: callers.ReadsEvents, asked: Asked) -> Page[FaceIndex]:
    """List how every event stands that has faces, newest first. Admins only."""
    return page(reindex.listing(deps.backends(), asked, by=caller.account), _index)


@router.get("/events/{event_id}/face-index")
def get_reindex_progress(caller: callers.ReadsEvents, event_id: EventId) -> ReindexProgress:
    """Return by which engine an event is searched, and how far the next one is. Members only."""
    return ReindexProgress.model_validate(reindex.progress(deps.backends(), event_id, by=caller.account))


@router.post("/events/{event_id}/face-index", status_code=202, dependencies=routing.ONCE)
def start_reindex(caller: callers.WritesEvents, event_id: EventId, sent: NewEngine) -> ReindexProgress:
    """Index an event anew with another engine, in the background; the old serves meanwhile. Admins only."""
    reindex.start(deps.backends(), event_id, sent.engine, by=caller.account)
    return ReindexProgress.model_validate(reindex.progress(deps.backends(), event_id, by=caller.account))


@router.delete("/events/{event_id}/face-index", status_code=204)
def cancel_reindex(caller: callers.WritesEvents, event_id: EventId) -> None:
    """Stop building another index; the one that serves stays. Admins only."""
    reindex.cancel(deps.backends(), event_id, by=caller.account)


def _engine(state: EngineState) -> FaceEngine:
    facts = EngineFacts.model_validate(state.spec)
    return FaceEngine(
        **facts.model_dump(),
        is_usual=state.spec.name == deps.backends().settings.face_engine,
        is_installed=state.is_installed,
        is_broken=state.is_broken,
        problem=state.problem,
        missing_bytes=state.missing_bytes,
    )


def _index(standing: Standing) -> FaceIndex:
    return FaceIndex(
        **ReindexProgress.model_validate(standing.progress).model_dump(),
        event_id=standing.event.id,
        event_name=standing.event.name,
        problems=[str(problem) for problem in standing.problems],
    )
