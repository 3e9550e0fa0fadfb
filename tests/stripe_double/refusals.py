"""How the double says no: in the shape of Stripe's errors."""

import json


class Refused(Exception):
    """An error as Stripe answers it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        is_saved: bool = True,
    ) -> None:
        """`is_saved`: a repeat under the same key is answered the same, as after any execution."""
        super().__init__(message)
        self.status, self.is_saved = status, is_saved
        said = {"type": kind, "message": message, "code": code, "param": param}
        self.body = json.dumps({"error": {name: value for name, value in said.items() if value is not None}})


def missing(thing: str, object_id: str) -> Refused:
    """Return the refusal of an id that is not there."""
    words = f"No such {thing}: '{object_id}'"
    return Refused(words, status=404, code="resource_missing", param="id", is_saved=False)
