"""What stands in an answer, whoever gave it."""

import json
import math
from contextlib import suppress
from typing import Any

from latchkey.hidden import Hidden

# The names under which a secret stands.
SECRET = ("key", "secret", "access_token")


def object_in(data: bytes) -> dict[str, Any] | None:
    """The JSON object that it is, with what is secret hidden; None: it is none."""
    try:
        answer = json.loads(data, object_hook=_with_care)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _with_care(found: dict[str, Any]) -> dict[str, Any]:
    return found if found.keys().isdisjoint(SECRET) else Hidden(found)


def faults_in(answer: dict[str, Any]) -> str:
    """What Latchkey finds wrong in a request, "permits: …"; it never repeats a value."""
    errors = answer.get("errors")
    if not isinstance(errors, list):
        return _text(answer.get("detail"))
    pairs = [(each.get("loc"), each.get("msg")) for each in errors if isinstance(each, dict)]
    named = [(loc[-1], msg) for loc, msg in pairs if isinstance(loc, list) and loc]
    return "; ".join(f"{name}: {msg}" if isinstance(msg, str) else str(name) for name, msg in named)


def trouble_in(answer: dict[str, Any]) -> str:
    """What Latchkey says of a fault of its own; empty: it says nothing, or is not who answers."""
    told = [_text(answer.get(name)) for name in ("title", "detail", "request_id")]
    return ", ".join(each for each in told if each) if told[0] and "type" in answer else ""


def _text(told: object) -> str:
    return told if isinstance(told, str) else ""


def wait_in(answer: dict[str, Any], headers: Any) -> float:  # noqa: ANN401  # a message's headers
    """The exact wait stands in the body; the header holds whole seconds."""
    waits: tuple[Any, ...] = (answer.get("retry_after_seconds"), headers.get("Retry-After"))
    for told in waits:
        with suppress(TypeError, ValueError):
            seconds = float(told)
            if math.isfinite(seconds) and seconds >= 0:
                return seconds
    return 1.0
