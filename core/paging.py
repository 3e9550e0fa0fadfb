"""Long lists page by page: each page begins after the last row of the one before, whatever came meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session
from sqlmodel.sql.expression import SelectOfScalar

from core.backends import Backends
from core.errors import InvalidInput

MOST = 200  # rows of a page
USUAL = 50

T = TypeVar("T")
Key = int | str | datetime | date | UUID


@dataclass(frozen=True)
class Asked:
    """Which page is asked for: the first one without a cursor."""

    limit: int = USUAL
    cursor: str | None = None


LONG = Asked(MOST)  # as much as one page can hold, for pages of ours


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of many, and where the next ones begin."""

    items: Sequence[T]
    next_cursor: str | None


@dataclass(frozen=True)
class Order(Generic[T]):
    """An order of rows without ties: the last one of its columns is unique.

    `place` returns a row's values of these columns; only where one of them is computed it has to be said.
    """

    name: str  # cursors of other orders are refused
    columns: tuple[Any, ...]
    is_descending: bool = False
    place: Callable[[T], tuple[Key, ...]] | None = None

    def of(self, row: T) -> tuple[Key, ...]:
        """Return a row's place."""
        return self.place(row) if self.place else tuple(getattr(row, column.key) for column in self.columns)


class CursorUnknown(InvalidInput):
    """A cursor was not made by us, or for another list."""

    def __init__(self) -> None:
        super().__init__("This cursor does not belong to this list. Begin without one.")


def read(
    backends: Backends, session: Session, query: SelectOfScalar[T], order: Order[T], asked: Asked
) -> Page[T]:
    """Return a page of what the query selects, in this order. Raises CursorUnknown."""
    if asked.cursor is not None:
        query = query.where(_beyond(order, _place(backends, order, asked.cursor)))
    columns = [column.desc() if order.is_descending else column for column in order.columns]
    rows = session.exec(query.order_by(*columns).limit(asked.limit + 1)).all()
    items = rows[: asked.limit]
    return Page(items, _cursor(backends, order, items[-1]) if len(rows) > asked.limit else None)


def whole(items: Sequence[T]) -> Page[T]:
    """Return a short list as its only page."""
    return Page(items, None)


def _beyond(order: Order[T], place: Sequence[Key]) -> ColumnElement[bool]:
    """Return the condition on rows after a place: the first column that differs decides."""
    alternatives = []
    for number, column in enumerate(order.columns):
        equal = [known == value for known, value in zip(order.columns[:number], place, strict=False)]
        value = place[number]
        alternatives.append(and_(*equal, column < value if order.is_descending else column > value))
    return or_(*alternatives)


def _cursor(backends: Backends, order: Order[T], row: T) -> str:
    written = [
        [type(value).__name__, value if isinstance(value, int) else str(value)] for value in order.of(row)
    ]
    return backends.signer.sign(f"cursor.{order.name}", *written)


_READ: dict[str, Callable[[Any], Key]] = {
    "int": int,
    "str": str,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "UUID": UUID,
}


def _place(backends: Backends, order: Order[T], cursor: str) -> list[Key]:
    parts = backends.signer.read(f"cursor.{order.name}", cursor)
    if parts is None:
        raise CursorUnknown
    return [_READ[kind](value) for kind, value in parts]
