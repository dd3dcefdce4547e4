"""Reading JSON strictly: one object, no name twice, no numbers that JSON does not have."""

import json
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser


class StrictParser(Parser):
    """Refuses what two readers could understand differently."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """The body as a dict.

        Raises:
            ValueError: not UTF-8, not JSON, a name twice, NaN or Infinity.
            TypeError: not an object.
            RecursionError: nested too deep.
        """
        body = json.loads(
            request.body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_number,
        )
        if not isinstance(body, dict):
            message = "not an object"
            raise TypeError(message)
        return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a name stands twice"
        raise ValueError(message)
    return found


def _number(text: str) -> int | float:
    """A number; to JSON, 29.0 is the integer 29."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON number"
    raise ValueError(message)
