"""Calls every operation of an OpenAPI document with what fits it and what does not, and notes the faults.

A fault is an answer of 5xx, or one that the document does not promise: its status, type, headers or shape.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
ENDLESS = frozenset({"listen"})  # a stream of events has no end to wait for
PATIENCE = 30  # seconds for one answer

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """What was wrong with an answer."""

    operation: str
    who: str
    what: str


def find(
    site: str,
    callers: Mapping[str, Callable[[], Headers]],
    known: Mapping[str, object],
    examples: int,
    number: int = 0,
) -> tuple[int, list[Fault]]:
    """Return how many calls were made and the faults that were seen.

    Every call is made by every caller; each is asked for headers before an operation, for the last one may
    have ended a session. `known` are path parameters that name something: half of the calls use them. The
    same `number` makes the same calls.
    """
    count = 0
    faults: list[Fault] = []
    schema = schemathesis.openapi.from_url(f"{site}/api/openapi.json")
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] in ENDLESS:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            headers = {who: ask() for who, ask in callers.items()}
            for case in _cases(operation, mode, known, examples, number):
                count += len(headers)
                faults += [fault for who, given in headers.items() for fault in _faults(case, who, given)]
    return count, list(dict.fromkeys(faults))


def _cases(
    operation: APIOperation, mode: GenerationMode, known: Mapping[str, object], examples: int, number: int
) -> list[Case]:
    made: list[Case] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def keep(case: Case, is_known: bool) -> None:
        if is_known:
            named = {name: _written(known[name]) for name in case.path_parameters or {} if name in known}
            case.path_parameters |= named
        made.append(case)

    with suppress(Unsatisfiable):  # whatever is sent fits
        keep()
    return made


def _written(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)


def _faults(case: Case, who: str, headers: Headers) -> list[Fault]:
    name = case.operation.definition.raw["operationId"]
    response = case.call(headers=dict(headers), timeout=PATIENCE)
    try:
        case.validate_response(response, checks=CHECKS)
    except FailureGroup as group:
        return [Fault(name, who, _described(failure, response)) for failure in group.exceptions]
    except Failure as failure:
        return [Fault(name, who, _described(failure, response))]
    return []


def _described(failure: BaseException, response: Response) -> str:
    title = getattr(failure, "title", type(failure).__name__)
    return f"{title}: {response.status_code} {str(failure).splitlines()[0][:200]} {response.text[:200]}"
