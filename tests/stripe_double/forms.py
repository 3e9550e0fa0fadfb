"""Requests as Stripe's SDK writes them: `a[b][0][c]=text`, checked by the SDK's own parameter types."""

import importlib
import re
from functools import cache
from typing import Any, get_args
from urllib.parse import parse_qsl

import typing_extensions
from pydantic import ConfigDict, TypeAdapter, ValidationError
from stripe._request_options import RequestOptions

from tests.stripe_double.refusals import Refused

OPTIONS = frozenset(RequestOptions.__annotations__)  # of the SDK's call, never on the wire
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)  # nested types inherit it
PARTS = re.compile(r"\[([^\]]*)\]")


def decoded(text: str) -> dict[str, Any]:
    """Return the nested parameters of a form."""
    made: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        first, *rest = [name.partition("[")[0], *PARTS.findall(name)]
        into, last = made, first
        for part in rest:
            into, last = into.setdefault(last, {}), part
        into[last] = value
    return {name: _lists(value) for name, value in made.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(part) for name, part in value.items()}
    is_list = list(inner) == [str(index) for index in range(len(inner))]
    return list(inner.values()) if is_list else inner


def checked(module: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with their types. Raises Refused on one that the SDK's type does not have."""
    try:
        return _adapter(module, name).validate_python(params)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{part}]" if index else str(part) for index, part in enumerate(first["loc"]))
        code = {"extra_forbidden": "parameter_unknown", "missing": "parameter_missing"}.get(first["type"])
        words = {
            "parameter_unknown": f"Received unknown parameter: {where}",
            "parameter_missing": f"Missing required param: {where}.",
        }.get(code or "", f"Invalid {where}: {first['msg']}")
        raise Refused(words, code=code or "parameter_invalid", param=where, is_saved=False) from error


@cache
def _adapter(module: str, name: str) -> TypeAdapter[Any]:
    """The SDK's type without the options of a call, so that those are refused on the wire."""
    theirs = getattr(importlib.import_module(module), name)
    fields = {field: kind for field, kind in theirs.__annotations__.items() if field not in OPTIONS}
    # The functional form keeps each field's NotRequired.
    ours = typing_extensions.TypedDict(name, fields)  # type: ignore[operator]
    ours.__module__, ours.__pydantic_config__ = module, STRICT
    return TypeAdapter(ours)


@cache
def choices(module: str, name: str, field: str) -> frozenset[str]:
    """Return the values that the SDK's type lists for a field, though it allows any text."""
    theirs = getattr(importlib.import_module(module), name)
    return frozenset(_texts(theirs.__annotations__[field]))


def _texts(kind: Any) -> list[str]:
    return [kind] if isinstance(kind, str) else [text for part in get_args(kind) for text in _texts(part)]
